//! Payments: held, approved and declined.

use waika_domain::event::{
    Declined, PasswordEffect, Payment, Posted, Reservation, Spent, Voided, Windows,
};

use super::super::columns::Row;
use super::super::facts::{self, number, text};
use super::super::names::Named as _;
use super::{authorisation_id, funding, issuer};
use crate::inspect::instants::{in_utc, month_name};

const APPROVED: &str = "approved";
const DECLINED: &str = "declined";

pub(super) fn reserved(row: &mut Row, reserved: &Reservation) -> &'static str {
    reservation(row, reserved);
    "reserved"
}

pub(super) fn approved(row: &mut Row, posted: &Posted, sequence: u64) -> &'static str {
    let Posted {
        reserved_by,
        reservation: reserved,
        approval_code,
        stand_in,
    } = posted;
    reservation(row, reserved);
    row.reserved_by = reserved_by.map(number);
    row.decision = Some(APPROVED.into());
    let code = String::from_utf8_lossy(&approval_code.0).into_owned();
    row.approval_code = Some(code.into());
    row.stood_in = stand_in.as_ref().map(|_| true);
    authorisation_id(row, sequence);
    "posted"
}

pub(super) fn released(row: &mut Row, voided: &Voided, sequence: u64) -> &'static str {
    let Voided {
        reserved_by,
        reservation: reserved,
        decline,
        // That follows from the event.
        reversal_owed: _,
    } = voided;
    reservation(row, reserved);
    row.reserved_by = Some(number(*reserved_by));
    row.decision = Some(DECLINED.into());
    facts::refusal(row, decline.reason, &decline.evidence);
    authorisation_id(row, sequence);
    "voided"
}

pub(super) fn declined(row: &mut Row, declined: &Declined, sequence: u64) -> &'static str {
    let Declined {
        payment: asked,
        decline,
        password,
        spent,
        policy,
        receipt: _,
    } = declined;
    payment(row, asked);
    row.decision = Some(DECLINED.into());
    facts::refusal(row, decline.reason, &decline.evidence);
    credential(row, asked, *spent, *password);
    row.policy = text(policy);
    authorisation_id(row, sequence);
    "declined"
}

fn reservation(row: &mut Row, reservation: &Reservation) {
    let Reservation {
        payment: asked,
        fee,
        month,
        year,
        windows,
        balance_left,
        settles_at,
        password,
        spent,
        policy,
        receipt: _,
        transaction,
    } = reservation;
    issuer::transaction(row, *transaction);
    let Windows {
        month_limit,
        month_used,
        year_limit,
        year_used,
    } = windows;
    payment(row, asked);
    row.fee_fen = Some(fee.value());
    row.total_fen = Some(asked.amount.fen().plus(*fee).value());
    row.month = Some(month_name(*month).into());
    row.year = Some(year.number().into());
    row.month_limit_fen = Some(month_limit.value());
    row.month_used_fen = Some(month_used.value());
    row.year_limit_fen = Some(year_limit.value());
    row.year_used_fen = Some(year_used.value());
    row.balance_left_fen = balance_left.map(waika_domain::money::Fen::value);
    row.settles_at = Some(in_utc(*settles_at).into());
    credential(row, asked, *spent, *password);
    row.policy = text(policy);
}

fn payment(row: &mut Row, payment: &Payment) {
    let Payment {
        funding: paid_from,
        merchant,
        amount,
        scene,
        mode,
        // That there is one is shown as the credential.
        code: _,
    } = payment;
    funding(row, *paid_from);
    row.merchant = merchant.as_ref().and_then(|id| text(id.as_str()));
    row.amount_fen = Some(amount.fen().value());
    row.scene = Some(scene.name().into());
    row.mode = Some(mode.name().into());
}

/// What it was made with, without the nonce. A token that is none of ours leaves no trace.
fn credential(row: &mut Row, asked: &Payment, spent: Option<Spent>, password: PasswordEffect) {
    facts::password_check(row, password);
    let name = match (asked.code, spent, password) {
        (Some(_), _, _) | (None, Some(Spent::Code(_)), _) => "code",
        (None, Some(Spent::Token(_)), _) => "token",
        (
            None,
            None,
            PasswordEffect::Matched | PasswordEffect::Moved(_) | PasswordEffect::Wrong { .. },
        ) => "password",
        (None, None, PasswordEffect::Untouched) => return,
    };
    row.credential = Some(name.into());
}
