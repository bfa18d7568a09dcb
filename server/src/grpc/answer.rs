//! The answer to a payment, as a message or as its bytes.

use std::sync::Arc;

use tonic::Status;
use waika::v1;
use waika_domain::event::{DecidedPayment, Payment, Posted, Reservation};
use waika_domain::identifiers::{AccountId, AuthorisationId, MerchantId};
use waika_domain::money::Fen;
use waika_domain::period::Timestamp;

use super::{enums, outcome, receipt};
use crate::ledger::Answered;
use crate::stopwatch::{Measured, Stopwatch};
use crate::wire::Wire;

/// What the caller wants to be told beside the decision.
pub(super) struct Telling {
    pub(super) want_receipt: bool,
    pub(super) stopwatch: Option<Arc<Stopwatch>>,
}

/// A decided payment that may be told. What is written of it is what prost writes of the message.
pub(super) struct Told {
    /// None where it is nobody's.
    account: Option<AccountId>,
    answered: Answered,
    telling: Telling,
}

impl Telling {
    /// Tells a decision. An entry that is none was answered for one: a defect.
    pub(super) fn tell(
        self,
        account: Option<AccountId>,
        answered: Answered,
    ) -> Result<Told, Status> {
        if answered.event.decision().is_none() {
            return Err(super::authorisation::not_an_authorisation());
        }
        Ok(Told {
            account,
            answered,
            telling: self,
        })
    }
}

impl Told {
    /// It as a message.
    pub(super) fn message(&self) -> Result<v1::AuthoriseResponse, Status> {
        Ok(v1::AuthoriseResponse {
            authorisation: Some(self.authorisation()?),
            replayed: self.answered.replayed,
            receipt: self.receipt(),
            timing: self.timing(),
        })
    }

    /// Writes the fields of the message. Approvals are written as they are, since they are most of what
    /// there is.
    pub(super) fn write(&self, wire: &mut Wire<'_>) {
        match self.answered.event.decision() {
            Some(DecidedPayment::Approved(posted)) => {
                wire.longer_message(1, |wire| self.write_approval(wire, posted));
            }
            Some(DecidedPayment::Declined(_) | DecidedPayment::Voided(_)) | None => {
                wire.schema(1, self.authorisation().ok());
            }
        }
        wire.flag(2, self.answered.replayed);
        wire.schema(3, self.receipt());
        wire.schema(4, self.timing());
    }

    fn authorisation(&self) -> Result<v1::Authorisation, Status> {
        outcome::authorisation(self.account().to_owned(), &self.answered)
    }

    fn account(&self) -> &str {
        self.account.as_ref().map_or("", AccountId::as_str)
    }

    fn receipt(&self) -> Option<v1::Receipt> {
        if !self.telling.want_receipt {
            return None;
        }
        let decision = self.answered.event.decision();
        decision
            .and_then(DecidedPayment::receipt)
            .map(receipt::receipt)
    }

    fn timing(&self) -> Option<v1::Timing> {
        self.telling.stopwatch.as_deref().map(timing)
    }

    fn write_approval(&self, wire: &mut Wire<'_>, posted: &Posted) {
        let Reservation {
            payment,
            fee,
            policy,
            ..
        } = &posted.reservation;
        let Answered { sequence, at, .. } = self.answered;
        let id = AuthorisationId::from_sequence(sequence);
        wire.shown(1, id);
        wire.text(2, self.account());
        write_payment(wire, payment);
        wire.int(8, fee.value());
        wire.int(9, payment.amount.fen().plus(*fee).value()); // D3
        wire.message(10, |wire| write_timestamp(wire, at));
        wire.text(11, policy);
        wire.message(12, |wire| {
            write_code(wire, &posted.approval_code.0);
            wire.binary(2, &outcome::retrieval_reference(at, id));
            write_windows(wire, &posted.reservation);
            wire.optional_int(5, posted.reservation.balance_left.map(Fen::value));
            wire.flag(6, posted.stand_in.is_some());
        });
        wire.int(14, i32::from(outcome::funding(payment.funding)).into());
    }
}

/// Field 1: letters and digits, unless an issuer says otherwise.
fn write_code(wire: &mut Wire<'_>, code: &[u8]) {
    match std::str::from_utf8(code) {
        Ok(text) => wire.text(1, text),
        Err(_) => wire.text(1, &String::from_utf8_lossy(code)),
    }
}

/// Fields 3 to 7: what is paid, to whom, and how.
fn write_payment(wire: &mut Wire<'_>, payment: &Payment) {
    if let Some(card) = payment.funding.card() {
        wire.shown(3, card);
    }
    let merchant = payment.merchant.as_ref().map_or("", MerchantId::as_str);
    wire.text(4, merchant);
    wire.int(5, i32::from(enums::to_scene(payment.scene)).into());
    wire.int(6, i32::from(enums::to_mode(payment.mode)).into());
    wire.int(7, payment.amount.fen().value());
}

/// Fields 3 and 4: the month and the year, and what is left of them.
fn write_windows(wire: &mut Wire<'_>, reservation: &Reservation) {
    let windows = &reservation.windows;
    let month = (
        windows.month_limit,
        windows.month_used,
        reservation.month.end(),
    );
    let year = (
        windows.year_limit,
        windows.year_used,
        reservation.year.end(),
    );
    for (tag, (limit, used, end)) in [(3, month), (4, year)] {
        wire.message(tag, |wire| {
            wire.int(1, limit.value());
            wire.int(2, used.value());
            wire.int(3, limit.minus(used).value()); // D24: never below zero
            wire.message(4, |wire| write_timestamp(wire, end));
        });
    }
}

fn write_timestamp(wire: &mut Wire<'_>, at: Timestamp) {
    let at = outcome::timestamp(at);
    wire.int(1, at.seconds);
    wire.int(2, at.nanos.into());
}

/// Where the time of a call went.
fn timing(stopwatch: &Stopwatch) -> v1::Timing {
    let Measured {
        queue,
        rules,
        issuer,
        commit,
        total,
    } = stopwatch.read();
    let wire = |nanoseconds| i64::try_from(nanoseconds).unwrap_or(i64::MAX);
    v1::Timing {
        queue_ns: wire(queue),
        rules_ns: wire(rules),
        issuer_ns: wire(issuer),
        commit_ns: wire(commit),
        total_ns: wire(total),
    }
}

#[cfg(test)]
mod tests;
