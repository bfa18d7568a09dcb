//! What passes between Waika and a card's issuer.

use waika_domain::decline::DeclineReason;
use waika_domain::event::{
    AdviceTaken, IssuerKind, IssuerLate, StandIn, StandInReconciled, Transaction,
};

use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema;

#[expect(clippy::cast_possible_truncation, reason = "each half is taken whole")]
pub(in crate::ledger) fn transaction(transaction: Transaction) -> schema::Transaction {
    let Transaction { id, issuer, scheme } = transaction;
    schema::Transaction {
        high: (id.number() >> 64) as u64,
        low: id.number() as u64,
        issuer: issuer.number(),
        scheme: scheme.number(),
    }
}

/// The sandbox inside, which was the only one once, is nothing.
pub(in crate::ledger) fn kind(issuer: IssuerKind) -> u32 {
    match issuer {
        IssuerKind::Sandbox => 0,
        IssuerKind::Remote => issuer.number(),
    }
}

pub(in crate::ledger) fn stand_in(by: &StandIn) -> schema::StandIn {
    let merchant = by.merchant.as_ref();
    schema::StandIn {
        reference: by.reference.0.to_string(),
        key: by.key.as_str().to_owned(),
        merchant: merchant.map_or_else(String::new, ToString::to_string),
        code: by.code.0.to_vec(),
    }
}

pub(super) fn taken(taken: &AdviceTaken) -> schema::AdviceTaken {
    schema::AdviceTaken {
        owed_by: taken.owed_by,
        amount_fen: taken.amount.value(),
    }
}

pub(super) fn reconciled(reconciled: &StandInReconciled) -> schema::StandInReconciled {
    schema::StandInReconciled {
        original: reconciled.original,
        previous: reconciled.previous,
        principal_fen: reconciled.principal.value(),
        diverged: reconciled.diverged.map_or(0, DeclineReason::number),
    }
}

pub(super) fn late(late: &IssuerLate) -> schema::IssuerLate {
    schema::IssuerLate {
        original: late.original,
        previous: late.previous,
        amount_fen: late.amount.value(),
    }
}
