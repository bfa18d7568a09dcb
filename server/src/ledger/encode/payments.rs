//! Payments, and what becomes of them. The numbers of fields are those of the schema.

use waika_domain::event::{
    Declined, Funding, GiveBack, Payment, Posted, Reservation, ReversalDecided, SettleDecided,
    Spent, Voided,
};
use waika_domain::identifiers::MerchantId;
use waika_domain::money::Fen;
use waika_domain::receipt::Receipt;

use super::{decline, issuer, password_effect, refusal};
use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema;
use crate::wire::Wire;

pub(super) fn write_reserved(wire: &mut Wire<'_>, held: &Reservation) {
    wire.message(12, |wire| reservation(wire, held));
}

pub(super) fn write_posted(wire: &mut Wire<'_>, posted: &Posted) {
    wire.message(13, |wire| {
        wire.uint(1, posted.reserved_by.unwrap_or_default());
        wire.message(2, |wire| reservation(wire, &posted.reservation));
        wire.binary(3, &posted.approval_code.0);
        wire.schema(4, posted.stand_in.as_ref().map(issuer::stand_in));
    });
}

pub(super) fn write_voided(wire: &mut Wire<'_>, voided: &Voided) {
    wire.message(14, |wire| {
        wire.uint(1, voided.reserved_by);
        wire.message(2, |wire| reservation(wire, &voided.reservation));
        wire.schema(3, Some(decline(&voided.decline)));
        wire.flag(4, voided.reversal_owed);
    });
}

pub(super) fn write_declined(wire: &mut Wire<'_>, declined: &Declined) {
    wire.message(15, |wire| {
        wire.message(1, |wire| payment(wire, &declined.payment));
        wire.schema(2, Some(decline(&declined.decline)));
        wire.schema(3, password_effect(declined.password));
        wire.text(4, &declined.policy);
        wire.schema(5, spent(declined.spent));
        wire.schema(6, receipt(declined.receipt.as_deref()));
    });
}

fn reservation(wire: &mut Wire<'_>, reservation: &Reservation) {
    let windows = &reservation.windows;
    wire.message(1, |wire| payment(wire, &reservation.payment));
    wire.int(2, reservation.fee.value());
    wire.int(3, reservation.month.number().into());
    wire.int(4, reservation.year.number().into());
    wire.int(5, windows.month_limit.value());
    wire.int(6, windows.month_used.value());
    wire.int(7, windows.year_limit.value());
    wire.int(8, windows.year_used.value());
    wire.schema(9, password_effect(reservation.password));
    wire.text(10, &reservation.policy);
    wire.optional_int(11, reservation.balance_left.map(Fen::value));
    wire.int(12, reservation.settles_at.unix_ms());
    wire.schema(13, spent(reservation.spent));
    wire.schema(14, receipt(reservation.receipt.as_deref()));
    wire.schema(15, reservation.transaction.map(issuer::transaction));
}

/// What pays, as two numbers: the kind, and the card's token.
pub(in crate::ledger) fn funding(funding: Funding) -> (u32, u64) {
    match funding {
        Funding::Card(card) => (0, card.bits()),
        Funding::Balance => (1, 0),
        Funding::Unknown => (2, 0),
    }
}

fn payment(wire: &mut Wire<'_>, payment: &Payment) {
    let (funding, card_token) = funding(payment.funding);
    let merchant = payment.merchant.as_ref().map_or("", MerchantId::as_str);
    wire.fixed64(1, card_token);
    wire.text(2, merchant);
    wire.int(3, payment.amount.fen().value());
    wire.uint(4, payment.scene.number().into());
    wire.uint(5, payment.mode.number().into());
    wire.uint(6, funding.into());
    wire.optional_fixed64(7, payment.code.map(|code| code.0));
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
