//! A wallet's balance, and a passport holder's review.

use waika_domain::event::{FundsReceived, VerificationSubmitted};
use waika_domain::money::Fen;

use super::{bytes, refusal};
use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema;

pub(super) fn verification(submitted: &VerificationSubmitted) -> schema::VerificationSubmitted {
    let refused = submitted.outcome.err();
    schema::VerificationSubmitted {
        material: submitted.material.number(),
        digest: bytes(submitted.digest),
        bytes: submitted.bytes,
        review: submitted.review.number(),
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
    }
}

pub(super) fn funds(received: &FundsReceived) -> schema::FundsReceived {
    let refused = received.outcome.err();
    schema::FundsReceived {
        kind: received.kind.number(),
        amount_fen: received.amount.fen().value(),
        balance_fen: received.outcome.map_or(0, Fen::value),
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
    }
}
