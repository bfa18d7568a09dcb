//! From what is written of what passes between Waika and a card's issuer.

use waika_domain::card::IssuerCardReference;
use waika_domain::decline::DeclineReason;
use waika_domain::event::{
    AdviceTaken, ApprovalCode, Event, IssuerKind, IssuerLate, StandIn, StandInReconciled,
    Transaction, TransactionId,
};
use waika_domain::identifiers::IdempotencyKey;
use waika_domain::money::Fen;

use super::{Decoded, NotUnderstood, array, known, merchant_id};
use crate::ledger::schema;

pub(in crate::ledger) fn transaction(
    stored: Option<schema::Transaction>,
) -> Decoded<Option<Transaction>> {
    let Some(stored) = stored else {
        return Ok(None);
    };
    Ok(Some(Transaction {
        id: TransactionId::from_number(u128::from(stored.high) << 64 | u128::from(stored.low)),
        issuer: known(stored.issuer, "an issuer")?,
        scheme: known(stored.scheme, "a scheme")?,
    }))
}

pub(in crate::ledger) fn kind(number: u32) -> Decoded<IssuerKind> {
    match number {
        0 => Ok(IssuerKind::Sandbox),
        number => known(number, "an issuer"),
    }
}

pub(in crate::ledger) fn stand_in(stored: schema::StandIn) -> Decoded<StandIn> {
    let merchant = Some(stored.merchant).filter(|merchant| !merchant.is_empty());
    Ok(StandIn {
        reference: IssuerCardReference(stored.reference.into()),
        key: IdempotencyKey::parse(&stored.key).map_err(|_| NotUnderstood("a key"))?,
        merchant: merchant.as_deref().map(merchant_id).transpose()?,
        code: ApprovalCode(array(&stored.code, "an approval code")?),
    })
}

pub(super) fn taken(taken: schema::AdviceTaken) -> Event {
    Event::AdviceTaken(AdviceTaken {
        owed_by: taken.owed_by,
        amount: Fen::new(taken.amount_fen),
    })
}

pub(super) fn reconciled(reconciled: schema::StandInReconciled) -> Decoded<Event> {
    let diverged = match reconciled.diverged {
        0 => None,
        number => Some(DeclineReason::from_number(number).ok_or(NotUnderstood("a reason"))?),
    };
    Ok(Event::StandInReconciled(StandInReconciled {
        original: reconciled.original,
        previous: reconciled.previous,
        principal: Fen::new(reconciled.principal_fen),
        diverged,
    }))
}

pub(super) fn late(late: schema::IssuerLate) -> Event {
    Event::IssuerLate(IssuerLate {
        original: late.original,
        previous: late.previous,
        amount: Fen::new(late.amount_fen),
    })
}
