//! What became of a payment after its approval: reversals, refunds and early settlement.

use waika_domain::event::{GiveBack, Reversal, ReversalDecided, SettleDecided, Settled};
use waika_domain::identifiers::CallName;
use waika_domain::money::Fen;

use super::super::columns::Row;
use super::super::facts::{self, number, text};
use super::{authorisation_id, issuer};
use crate::inspect::instants::month_name;

pub(super) fn decided(row: &mut Row, decided: &ReversalDecided) -> &'static str {
    let ReversalDecided {
        kind,
        original,
        previous,
        outcome,
    } = *decided;
    let (name, done) = match kind {
        GiveBack::Reversal => ("reversal_decided", "reversed"),
        GiveBack::Refund => ("refund_decided", "refunded"),
    };
    step(row, original, previous);
    match outcome {
        Ok(reversal) => {
            row.decision = Some(done.into());
            given_back(row, reversal);
        }
        Err(refused) => facts::refused(row, refused),
    }
    name
}

fn given_back(row: &mut Row, reversal: Reversal) {
    let Reversal {
        principal,
        fee,
        remaining,
        month,
        year,
        month_restored,
        year_restored,
        balance_left,
        transaction,
    } = reversal;
    issuer::transaction(row, transaction);
    sums(row, principal, fee);
    row.remaining_fen = Some(remaining.value());
    row.month = Some(month_name(month).into());
    row.year = Some(year.number().into());
    row.month_restored = Some(month_restored);
    row.year_restored = Some(year_restored);
    row.balance_left_fen = balance_left.map(Fen::value);
}

pub(super) fn settled(row: &mut Row, decided: &SettleDecided) -> &'static str {
    let SettleDecided {
        original,
        previous,
        outcome,
    } = *decided;
    step(row, original, previous);
    match outcome {
        Ok(settled) => {
            let Settled { principal, fee } = settled;
            row.decision = Some("settled".into());
            sums(row, principal, fee);
        }
        Err(refused) => facts::refused(row, refused),
    }
    "settle_decided"
}

/// Its place in the time line of a payment.
fn step(row: &mut Row, original: u64, previous: u64) {
    authorisation_id(row, original);
    row.previous_step = Some(number(previous)).filter(|previous| *previous != 0);
}

fn sums(row: &mut Row, principal: Fen, fee: Fen) {
    row.amount_fen = Some(principal.value());
    row.fee_fen = Some(fee.value());
    row.total_fen = Some(principal.plus(fee).value());
}

pub(super) fn ahead(row: &mut Row, name: &CallName) -> &'static str {
    // The caller is the call's own.
    let CallName { caller: _, key } = name;
    row.decision = Some("recorded_ahead".into());
    row.original_key = text(key.as_str());
    "reversed_ahead"
}
