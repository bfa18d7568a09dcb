//! From what is written of payments.

use waika_domain::event::{
    ApprovalCode, Declined, Funding, Payment, Posted, Reservation, Spent, Voided, Windows,
};
use waika_domain::identifiers::{CardToken, CodeDigest};
use waika_domain::money::Fen;
use waika_domain::period::{Month, Timestamp, Year};
use waika_domain::receipt::{Receipt, Rung, RungSeen};

use super::{
    Decoded, NotUnderstood, amount, array, decline, evidence, issuer, known, merchant_id,
    password_effect, sequence,
};
use crate::ledger::schema;

pub(super) fn posted(posted: schema::Posted) -> Decoded<Posted> {
    Ok(Posted {
        reserved_by: sequence(posted.reserved_by),
        reservation: reservation(posted.reservation)?,
        approval_code: ApprovalCode(array(&posted.approval_code, "an approval code")?),
        stand_in: posted.stand_in.map(issuer::stand_in).transpose()?,
    })
}

pub(super) fn voided(voided: schema::Voided) -> Decoded<Voided> {
    Ok(Voided {
        reserved_by: voided.reserved_by,
        reservation: reservation(voided.reservation)?,
        decline: decline(voided.decline)?,
        reversal_owed: voided.reversal_owed,
    })
}

pub(super) fn declined(declined: schema::Declined) -> Decoded<Declined> {
    Ok(Declined {
        payment: payment(declined.payment)?,
        decline: decline(declined.decline)?,
        password: password_effect(declined.password),
        spent: spent(declined.spent),
        policy: declined.policy.into(),
        receipt: receipt(declined.receipt)?,
    })
}

pub(super) fn reservation(reservation: Option<schema::Reservation>) -> Decoded<Reservation> {
    let reservation = reservation.ok_or(NotUnderstood("a reservation"))?;
    Ok(Reservation {
        payment: payment(reservation.payment)?,
        fee: Fen::new(reservation.fee_fen),
        month: Month::from_number(reservation.month),
        year: Year::from_number(reservation.year),
        windows: Windows {
            month_limit: Fen::new(reservation.month_limit_fen),
            month_used: Fen::new(reservation.month_used_fen),
            year_limit: Fen::new(reservation.year_limit_fen),
            year_used: Fen::new(reservation.year_used_fen),
        },
        balance_left: reservation.balance_left_fen.map(Fen::new),
        settles_at: Timestamp::from_unix_ms(reservation.settles_at_ms),
        password: password_effect(reservation.password),
        spent: spent(reservation.spent),
        policy: reservation.policy.into(),
        receipt: receipt(reservation.receipt)?,
        transaction: issuer::transaction(reservation.transaction)?,
    })
}

fn payment(payment: Option<schema::Payment>) -> Decoded<Payment> {
    let payment = payment.ok_or(NotUnderstood("a payment"))?;
    let merchant = Some(payment.merchant).filter(|merchant| !merchant.is_empty());
    Ok(Payment {
        funding: funding(payment.funding, payment.card_token)?,
        merchant: merchant.as_deref().map(merchant_id).transpose()?,
        amount: amount(payment.amount_fen)?,
        scene: known(payment.scene, "a scene")?,
        mode: known(payment.mode, "a payment mode")?,
        code: payment.code.map(CodeDigest),
    })
}

pub(in crate::ledger) fn funding(kind: u32, card_token: u64) -> Decoded<Funding> {
    match kind {
        0 => Ok(Funding::Card(CardToken::from_bits(card_token))),
        1 => Ok(Funding::Balance),
        2 => Ok(Funding::Unknown),
        _ => Err(NotUnderstood("a funding")),
    }
}

fn spent(spent: Option<schema::Spent>) -> Option<Spent> {
    let schema::Spent { nonce, is_code } = spent?;
    Some(if is_code {
        Spent::Code(nonce)
    } else {
        Spent::Token(nonce)
    })
}

fn receipt(receipt: Option<schema::Receipt>) -> Decoded<Option<Box<Receipt>>> {
    let Some(receipt) = receipt else {
        return Ok(None);
    };
    let rungs = receipt.rungs.into_iter().map(|seen| {
        let numbers = seen.seen.and_then(|seen| seen.evidence);
        Ok(RungSeen {
            rung: Rung::from_number(seen.rung).ok_or(NotUnderstood("a rung"))?,
            verdict: known(seen.verdict, "a rung's verdict")?,
            evidence: evidence(numbers)?,
        })
    });
    let rungs = rungs.collect::<Decoded<_>>()?;
    Ok(Some(Box::new(Receipt { rungs })))
}
