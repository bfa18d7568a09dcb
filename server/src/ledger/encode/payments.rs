//! Payments, and what becomes of them.

use waika_domain::event::{
    Declined, Funding, GiveBack, Payment, Posted, Reservation, ReversalDecided, SettleDecided,
    Spent, Voided,
};
use waika_domain::money::Fen;
use waika_domain::receipt::Receipt;

use super::{decline, issuer, password_effect, refusal};
use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema;

pub(super) fn reservation(reservation: &Reservation) -> schema::Reservation {
    schema::Reservation {
        payment: Some(payment(&reservation.payment)),
        fee_fen: reservation.fee.value(),
        month: reservation.month.number(),
        year: reservation.year.number(),
        month_limit_fen: reservation.windows.month_limit.value(),
        month_used_fen: reservation.windows.month_used.value(),
        year_limit_fen: reservation.windows.year_limit.value(),
        year_used_fen: reservation.windows.year_used.value(),
        password: password_effect(reservation.password),
        policy: reservation.policy.to_string(),
        balance_left_fen: reservation.balance_left.map(Fen::value),
        settles_at_ms: reservation.settles_at.unix_ms(),
        spent: spent(reservation.spent),
        receipt: receipt(reservation.receipt.as_deref()),
        transaction: reservation.transaction.map(issuer::transaction),
    }
}

/// What pays, as two numbers: the kind, and the card's token.
pub(in crate::ledger) fn funding(funding: Funding) -> (u32, u64) {
    match funding {
        Funding::Card(card) => (0, card.bits()),
        Funding::Balance => (1, 0),
        Funding::Unknown => (2, 0),
    }
}

fn payment(payment: &Payment) -> schema::Payment {
    let (funding, card_token) = funding(payment.funding);
    schema::Payment {
        card_token,
        merchant: payment
            .merchant
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        amount_fen: payment.amount.fen().value(),
        scene: payment.scene.number(),
        mode: payment.mode.number(),
        funding,
        code: payment.code.map(|code| code.0),
    }
}

fn spent(spent: Option<Spent>) -> Option<schema::Spent> {
    let (nonce, is_code) = match spent? {
        Spent::Token(nonce) => (nonce, false),
        Spent::Code(nonce) => (nonce, true),
    };
    Some(schema::Spent { nonce, is_code })
}

fn receipt(receipt: Option<&Receipt>) -> Option<schema::Receipt> {
    let rungs = receipt?.rungs.iter().map(|seen| schema::RungSeen {
        rung: seen.rung.number(),
        verdict: seen.verdict.number(),
        seen: Some(refusal(0, &seen.evidence)),
    });
    Some(schema::Receipt {
        rungs: rungs.collect(),
    })
}

pub(super) fn posted(posted: &Posted) -> schema::Posted {
    schema::Posted {
        reserved_by: posted.reserved_by.unwrap_or_default(),
        reservation: Some(reservation(&posted.reservation)),
        approval_code: posted.approval_code.0.to_vec(),
        stand_in: posted.stand_in.as_ref().map(issuer::stand_in),
    }
}

pub(super) fn voided(voided: &Voided) -> schema::Voided {
    schema::Voided {
        reserved_by: voided.reserved_by,
        reservation: Some(reservation(&voided.reservation)),
        decline: Some(decline(&voided.decline)),
        reversal_owed: voided.reversal_owed,
    }
}

pub(super) fn declined(declined: &Declined) -> schema::Declined {
    schema::Declined {
        payment: Some(payment(&declined.payment)),
        decline: Some(decline(&declined.decline)),
        password: password_effect(declined.password),
        policy: declined.policy.to_string(),
        spent: spent(declined.spent),
        receipt: receipt(declined.receipt.as_deref()),
    }
}

pub(super) fn settle(decided: &SettleDecided) -> schema::SettleDecided {
    let settled = decided.outcome.ok();
    let refused = decided.outcome.err();
    schema::SettleDecided {
        original: decided.original,
        previous: decided.previous,
        principal_fen: settled.map_or(0, |settled| settled.principal.value()),
        fee_fen: settled.map_or(0, |settled| settled.fee.value()),
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
    }
}

pub(super) fn reversal(decided: &ReversalDecided) -> schema::ReversalDecided {
    let reversal = decided.outcome.ok().map(|reversal| schema::Reversal {
        principal_fen: reversal.principal.value(),
        fee_fen: reversal.fee.value(),
        remaining_fen: reversal.remaining.value(),
        month: reversal.month.number(),
        year: reversal.year.number(),
        month_restored: reversal.month_restored,
        year_restored: reversal.year_restored,
        balance_left_fen: reversal.balance_left.map(Fen::value),
        transaction: reversal.transaction.map(issuer::transaction),
    });
    let refused = decided
        .outcome
        .err()
        .map(|refused| refusal(refused.reason.number(), &refused.evidence));
    schema::ReversalDecided {
        original: decided.original,
        reversal,
        refused,
        refund: match decided.kind {
            GiveBack::Reversal => false,
            GiveBack::Refund => true,
        },
        previous: decided.previous,
    }
}
