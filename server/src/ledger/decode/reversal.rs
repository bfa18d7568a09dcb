//! From what is written of reversals, refunds and early settlements.

use waika_domain::event::{GiveBack, Reversal, ReversalDecided, SettleDecided, Settled};
use waika_domain::identifiers::{CallName, IdempotencyKey};
use waika_domain::money::Fen;
use waika_domain::period::{Month, Year};
use waika_domain::refusal::ReversalRefusal;

use super::{Decoded, NotUnderstood, issuer, refusal};
use crate::ledger::schema;

pub(super) fn reversal(decided: schema::ReversalDecided) -> Decoded<ReversalDecided> {
    let outcome = match (decided.reversal, decided.refused) {
        (Some(reversal), _) => Ok(Reversal {
            principal: Fen::new(reversal.principal_fen),
            fee: Fen::new(reversal.fee_fen),
            remaining: Fen::new(reversal.remaining_fen),
            month: Month::from_number(reversal.month),
            year: Year::from_number(reversal.year),
            month_restored: reversal.month_restored,
            year_restored: reversal.year_restored,
            balance_left: reversal.balance_left_fen.map(Fen::new),
            transaction: issuer::transaction(reversal.transaction)?,
        }),
        (None, refused) => Err(refusal(refused, ReversalRefusal::from_number)?),
    };
    Ok(ReversalDecided {
        kind: if decided.refund {
            GiveBack::Refund
        } else {
            GiveBack::Reversal
        },
        original: decided.original,
        previous: decided.previous,
        outcome,
    })
}

pub(super) fn settle(decided: schema::SettleDecided) -> Decoded<SettleDecided> {
    let outcome = match decided.refused {
        None => Ok(Settled {
            principal: Fen::new(decided.principal_fen),
            fee: Fen::new(decided.fee_fen),
        }),
        refused => Err(refusal(refused, ReversalRefusal::from_number)?),
    };
    Ok(SettleDecided {
        original: decided.original,
        previous: decided.previous,
        outcome,
    })
}

pub(in crate::ledger) fn call_name(name: schema::CallName) -> Decoded<CallName> {
    Ok(CallName {
        caller: name.caller.into(),
        key: IdempotencyKey::parse(&name.key).map_err(|_| NotUnderstood("a key"))?,
    })
}
