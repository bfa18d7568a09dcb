//! What passes between Waika and a card's issuer.

use waika_domain::event::{
    AdviceTaken, Event, IssuerLate, Owed, OwedKind, StandInReconciled, Transaction,
};

use super::super::columns::Row;
use super::super::facts::{self, number};
use super::authorisation_id;
use waika_domain::decline::Evidence;

/// What the issuer knows it by. Who was asked follows from how the server was started.
pub(super) fn transaction(row: &mut Row, transaction: Option<Transaction>) {
    if let Some(Transaction {
        id,
        issuer: _,
        scheme: _,
    }) = transaction
    {
        row.transaction_id = Some(id.to_string().into());
    }
}

/// What the issuer is owed from this event on.
pub(super) fn owed(row: &mut Row, event: &Event) {
    let Some(Owed { kind, .. }) = event.owes() else {
        return;
    };
    let name = match kind {
        OwedKind::NoAnswer => "no_answer",
        OwedKind::Reversal => "reversal",
        OwedKind::Refund => "refund",
        OwedKind::Verification => "verification",
        OwedKind::StandIn(_) => "stand_in",
    };
    row.advice_owed = Some(name.into());
}

pub(super) fn taken(row: &mut Row, taken: AdviceTaken) -> &'static str {
    let AdviceTaken { owed_by, amount } = taken;
    row.decision = Some("taken".into());
    row.owed_by = Some(number(owed_by));
    row.total_fen = Some(amount.value());
    "advice_taken"
}

pub(super) fn reconciled(row: &mut Row, reconciled: StandInReconciled) -> &'static str {
    let StandInReconciled {
        original,
        previous,
        principal,
        diverged,
    } = reconciled;
    step(row, original, previous);
    row.owed_by = Some(number(original));
    row.amount_fen = Some(principal.value());
    row.decision = Some("agreed".into());
    if let Some(reason) = diverged {
        row.decision = Some("diverged".into());
        facts::refusal(row, reason, &Evidence::None);
    }
    "stand_in_reconciled"
}

pub(super) fn late(row: &mut Row, late: IssuerLate) -> &'static str {
    let IssuerLate {
        original,
        previous,
        amount,
    } = late;
    step(row, original, previous);
    row.total_fen = Some(amount.value());
    "issuer_late"
}

/// Its place in the time line of a payment.
fn step(row: &mut Row, original: u64, previous: u64) {
    authorisation_id(row, original);
    row.previous_step = Some(number(previous)).filter(|previous| *previous != 0);
}
