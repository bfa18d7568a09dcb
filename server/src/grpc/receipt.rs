//! Receipts and time lines: from what was seen and what happened to messages.

use waika::v1;
use waika_domain::receipt::{Receipt, RungSeen};

use super::{enums, outcome};
use crate::ledger::Step;

/// Every rung of a decision.
pub(super) fn receipt(receipt: &Receipt) -> v1::Receipt {
    v1::Receipt {
        rungs: receipt.rungs.iter().map(rung).collect(),
    }
}

fn rung(seen: &RungSeen) -> v1::RungResult {
    let (observed, required) = outcome::observed_and_required(&seen.evidence);
    v1::RungResult {
        // The numbers of the enum are those of the contract; `tests/tidy.rs` compares the two.
        rung: i32::try_from(seen.rung.number()).unwrap_or_default(),
        verdict: enums::to_verdict(seen.verdict).into(),
        observed,
        required,
        amount_limit: outcome::amount_limit(&seen.evidence),
        resets_at: seen.evidence.resets_at().map(outcome::timestamp),
    }
}

/// Something that happened to an authorisation.
pub(super) fn step(step: &Step) -> v1::AuthorisationStep {
    v1::AuthorisationStep {
        kind: enums::to_step(step.kind).into(),
        at: Some(outcome::timestamp(step.at)),
        amount_fen: step.amounts.principal.value(),
        fee_fen: step.amounts.fee.value(),
    }
}
