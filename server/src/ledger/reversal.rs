//! Finding the payment that a reversal names, before any lock is taken.

use waika_domain::event::Event;
use waika_domain::identifiers::CallName;
use waika_domain::rules::reverse::Original;
use waika_domain::rules::settlement::settles_at;

use super::call::{Business, Call, Rpc};
use super::decode::{Stored, StoredBody};
use super::operation::{Operation, OriginalNamed};
use super::replay::is_same_call;
use super::{Ledger, LedgerError};
use crate::authoriser::Passage;
use crate::idempotency::{Place, Slot};

/// The payment that a reversal names, as it was found before the account was locked.
#[derive(Debug)]
pub(crate) enum OriginalFound {
    /// Not looked for: the operation names none, or its own key was used before.
    KeyKnown,
    /// It was decided, and what was decided never changes.
    Decided {
        /// The sequence of its deciding event.
        sequence: u64,
        /// Its numbers; None if it was declined.
        original: Option<Original>,
    },
    /// No payment with that key has come: this slot was empty.
    NotYet {
        /// Where its key would be found.
        slot: Slot,
        /// Its name.
        name: CallName,
    },
}

impl Ledger {
    /// Finds the payment that an operation names, if it names one.
    pub(super) async fn find_original(
        &self,
        core: usize,
        passage: Passage<'_>,
        operation: &Operation,
    ) -> Result<OriginalFound, LedgerError> {
        let Operation::Reverse(asked) = operation else {
            return Ok(OriginalFound::KeyKnown);
        };
        if self.authoriser.idempotency.find(passage.slot).is_some() {
            return Ok(OriginalFound::KeyKnown);
        }
        match &asked.original {
            OriginalNamed::Id(id) => {
                let stored = self.decision(core, passage.account, *id).await?;
                self.decided(id.sequence(), &stored)
            }
            OriginalNamed::Key(key) => {
                let name = CallName {
                    caller: passage.call.caller.clone(),
                    key: key.clone(),
                };
                self.find_by_key(core, passage, name).await
            }
        }
    }

    async fn find_by_key(
        &self,
        core: usize,
        passage: Passage<'_>,
        name: CallName,
    ) -> Result<OriginalFound, LedgerError> {
        let account = passage.account.as_str();
        let payment = Call {
            rpc: Rpc::Authorise,
            caller: name.caller.clone(),
            key: name.key.clone(),
            business: Business::Payment,
        };
        let (mut attempt, mut idle) = (0, None);
        loop {
            let slot = self.authoriser.idempotency.slot(account, &payment, attempt);
            match self.authoriser.idempotency.find(slot) {
                None => return Ok(OriginalFound::NotYet { slot, name }), // D31
                Some(Place::UnderWay(sequence)) => self.wait_for(sequence, &mut idle).await?,
                Some(Place::Answered(sequence)) => {
                    let stored = self.read(core, sequence).await?;
                    if is_same_call(&stored, account, &payment) {
                        return self.decided(sequence, &stored);
                    }
                    attempt += 1;
                }
            }
        }
    }

    fn decided(&self, sequence: u64, stored: &Stored) -> Result<OriginalFound, LedgerError> {
        let StoredBody::Event(event) = &stored.body else {
            return Err(LedgerError::UnknownAuthorisation);
        };
        let original = match event {
            Event::Posted(posted) => Some(Original {
                principal: posted.reservation.payment.amount,
                fee: posted.reservation.fee,
                month: posted.reservation.month,
                year: posted.reservation.year,
                settles_at: settles_at(stored.at, &self.authoriser.policy),
            }),
            Event::Declined(_) | Event::Voided(_) => None,
            Event::PhoneCode(_)
            | Event::BindReserved(_)
            | Event::BindDecided(_)
            | Event::UnbindDecided(_)
            | Event::Reserved(_)
            | Event::ReversalDecided(_)
            | Event::ReversedAhead(_)
            | Event::ReviewResolved(_)
            | Event::RiskResolved(_)
            | Event::MerchantPut(_)
            | Event::CardStatusSet(_)
            | Event::ClockSet(_) => return Err(LedgerError::UnknownAuthorisation),
        };
        Ok(OriginalFound::Decided { sequence, original })
    }
}
