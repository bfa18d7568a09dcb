//! From decisions to messages. Each answer is made from the stored event alone, the first time
//! and every time after, so that replays are the same.

use prost_types::Timestamp as WireTimestamp;
use tonic::Status;
use waika::v1;
use waika_domain::card::BoundCard;
use waika_domain::decline::{Decline, DeclineReason, Evidence, Text};
use waika_domain::event::{DecidedPayment, Funding, Payment, Posted, Reservation};
use waika_domain::identifiers::AuthorisationId;
use waika_domain::money::Fen;
use waika_domain::period::{Month, Timestamp, Year};

use super::authorisation::not_an_authorisation;
use super::enums;
use crate::ledger::Answered;

/// A decided payment. `account_id` is empty where it is nobody's.
pub(super) fn authorisation(
    account_id: String,
    answered: &Answered,
) -> Result<v1::Authorisation, Status> {
    let decided = match answered.event.decision().ok_or_else(not_an_authorisation)? {
        DecidedPayment::Approved(posted) => from_posted(posted, answered),
        DecidedPayment::Declined(declined) => {
            from_declined(&declined.payment, &declined.decline, &declined.policy)
        }
        DecidedPayment::Voided(voided) => {
            let held = &voided.reservation;
            from_declined(&held.payment, &voided.decline, &held.policy)
        }
    };
    Ok(v1::Authorisation {
        authorisation_id: AuthorisationId::from_sequence(answered.sequence).to_string(),
        account_id,
        decided_at: Some(timestamp(answered.at)),
        ..decided
    })
}

fn from_posted(posted: &Posted, answered: &Answered) -> v1::Authorisation {
    let Reservation {
        payment,
        fee,
        month,
        year,
        windows,
        policy,
        balance_left,
        ..
    } = &posted.reservation;
    let approval = v1::Approval {
        approval_code: String::from_utf8_lossy(&posted.approval_code.0).into_owned(),
        retrieval_reference_number: String::from_utf8_lossy(&retrieval_reference(
            answered.at,
            AuthorisationId::from_sequence(answered.sequence),
        ))
        .into_owned(),
        month: Some(month_window(
            *month,
            windows.month_limit,
            windows.month_used,
        )),
        year: Some(year_window(*year, windows.year_limit, windows.year_used)),
        balance_left_fen: balance_left.map(Fen::value),
        stood_in: posted.stand_in.is_some(),
    };
    v1::Authorisation {
        fee_fen: fee.value(),
        total_fen: payment.amount.fen().plus(*fee).value(), // D3
        policy: String::from(&**policy),
        outcome: Some(v1::authorisation::Outcome::Approval(approval)),
        ..from_payment(payment)
    }
}

fn from_declined(payment: &Payment, why: &Decline, policy: &str) -> v1::Authorisation {
    v1::Authorisation {
        policy: policy.to_owned(),
        outcome: Some(v1::authorisation::Outcome::Decline(decline(why))),
        ..from_payment(payment)
    }
}

/// What pays; an unknown funding is told as none.
pub(super) fn funding(funding: Funding) -> v1::Funding {
    match funding {
        Funding::Card(_) => v1::Funding::Card,
        Funding::Balance => v1::Funding::Balance,
        Funding::Unknown => v1::Funding::Unspecified,
    }
}

fn from_payment(payment: &Payment) -> v1::Authorisation {
    let card = payment.funding.card();
    v1::Authorisation {
        card_token: card.map_or_else(String::new, |card| card.to_string()),
        funding: funding(payment.funding).into(),
        merchant_id: payment
            .merchant
            .as_ref()
            .map_or_else(String::new, |merchant| merchant.as_str().to_owned()),
        scene: enums::to_scene(payment.scene).into(),
        mode: enums::to_mode(payment.mode).into(),
        amount_fen: payment.amount.fen().value(),
        ..v1::Authorisation::default()
    }
}

/// A decline.
pub(super) fn decline(decline: &Decline) -> v1::Decline {
    let Decline { reason, evidence } = decline;
    let (observed, required) = observed_and_required(evidence);
    v1::Decline {
        reason: wire_reason(*reason).into(),
        layer: enums::to_layer(reason.layer()).into(),
        response_code: reason.response_code().to_owned(),
        retry: enums::to_retry(decline.retry()).into(),
        text: Some(text(reason.text())),
        observed,
        required,
        amount_limit: amount_limit(evidence),
        resets_at: evidence.resets_at().map(timestamp),
    }
}

/// Writes the message of a refusal that shows what was observed. Reasons have the same numbers in
/// the code and in the contract; `tests/tidy.rs` compares the two.
macro_rules! refusal {
    ($message:ident, $refused:expr) => {{
        let waika_domain::refusal::Refused { reason, evidence } = $refused;
        let (observed, required) = $crate::grpc::outcome::observed_and_required(evidence);
        waika::v1::$message {
            reason: reason.number(),
            layer: $crate::grpc::enums::to_layer(reason.layer()).into(),
            retry: $crate::grpc::enums::to_retry(reason.usual_retry()).into(),
            text: Some($crate::grpc::outcome::text(reason.text())),
            observed,
            required,
            resets_at: evidence.resets_at().map($crate::grpc::outcome::timestamp),
        }
    }};
}
pub(super) use refusal;

/// Writes the message of a refusal whose reason says it all.
macro_rules! plain_refusal {
    ($message:ident, $refused:expr) => {{
        let reason = $refused.reason;
        waika::v1::$message {
            reason: reason.number(),
            layer: $crate::grpc::enums::to_layer(reason.layer()).into(),
            retry: $crate::grpc::enums::to_retry(reason.usual_retry()).into(),
            text: Some($crate::grpc::outcome::text(reason.text())),
        }
    }};
}
pub(super) use plain_refusal;

/// The numbers of the enum are those of the contract; `tests/tidy.rs` compares the two.
fn wire_reason(reason: DeclineReason) -> v1::DeclineReason {
    v1::DeclineReason::try_from(reason.number()).unwrap_or_default()
}

pub(super) fn amount_limit(evidence: &Evidence) -> Option<v1::AmountLimit> {
    let Evidence::Amount(amount) = evidence else {
        return None;
    };
    Some(v1::AmountLimit {
        observed_fen: amount.observed.value(),
        limit_fen: amount.limit.value(),
        remaining_fen: amount.remaining.value(),
        max_approvable_now_fen: amount.largest_approvable.value(),
    })
}

/// Both numbers of a refusal that is not about an amount, for people.
pub(super) fn observed_and_required(evidence: &Evidence) -> (String, String) {
    match evidence {
        Evidence::Version { observed, required } => (observed.to_string(), required.to_string()),
        Evidence::Date { observed, required } => (observed.to_string(), required.to_string()),
        Evidence::Expiry { observed } => (observed.to_string(), String::new()),
        Evidence::Count { observed, required } => (observed.to_string(), required.to_string()),
        Evidence::None | Evidence::Amount(_) | Evidence::Until(_) => Default::default(),
    }
}

/// Twelve letters and digits that both sides can look it up by (DE37, `an 12`): last digit of
/// the year, day of the year, and eight that stand for the decision's id.
pub(super) fn retrieval_reference(at: Timestamp, id: AuthorisationId) -> [u8; 12] {
    let day = at.day();
    let (year, ..) = day.civil();
    let new_year = Year::from_number(year - 1).end().day();
    let day_of_year = day.number() - new_year.number() + 1;
    let digits = year.rem_euclid(10) * 1_000 + day_of_year;
    let digits = [1_000, 100, 10, 1].map(|place| digit(digits / place % 10));
    let mut text = [0; 12];
    let letters = digits.into_iter().chain(id.short_reference());
    for (place, letter) in text.iter_mut().zip(letters) {
        *place = letter;
    }
    text
}

/// A number below ten.
fn digit(number: i32) -> u8 {
    u8::try_from(number).map_or(b'?', |number| b'0' + number)
}

/// A month's limit and what is used of it.
pub(super) fn month_window(month: Month, limit: Fen, used: Fen) -> v1::LimitWindow {
    window(limit, used, month.end())
}

/// A year's limit and what is used of it.
pub(super) fn year_window(year: Year, limit: Fen, used: Fen) -> v1::LimitWindow {
    window(limit, used, year.end())
}

fn window(limit: Fen, used: Fen, end: Timestamp) -> v1::LimitWindow {
    v1::LimitWindow {
        limit_fen: limit.value(),
        used_fen: used.value(),
        remaining_fen: limit.minus(used).value(), // D24: never below zero
        resets_at: Some(timestamp(end)),
    }
}

/// A card that is bound.
pub(super) fn card(card: &BoundCard) -> v1::BoundCard {
    v1::BoundCard {
        card_token: card.token.to_string(),
        scheme: enums::to_scheme(card.scheme).into(),
        bin: format!("{:06}", card.bin.value()),
        last_four: format!("{:04}", card.last_four),
        expiry_month: i32::from(card.expiry.month),
        expiry_year: i32::from(card.expiry.year),
        bound_at: Some(timestamp(card.bound_at)),
    }
}

/// A sentence in both languages.
pub(super) fn text(text: Text) -> v1::LocalisedText {
    v1::LocalisedText {
        zh_cn: text.zh.to_owned(),
        en: text.en.to_owned(),
    }
}

/// An instant on the wire, which knows none after the year 9999.
pub(crate) fn timestamp(at: Timestamp) -> WireTimestamp {
    const LATEST_MS: i64 = 253_402_300_799_999;
    let at = Timestamp::from_unix_ms(at.unix_ms().min(LATEST_MS));
    let milliseconds = at.unix_ms().rem_euclid(1_000);
    WireTimestamp {
        seconds: at.unix_ms().div_euclid(1_000),
        nanos: i32::try_from(milliseconds * 1_000_000).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn de37_is_year_day_and_decision() {
        let id = AuthorisationId::from_sequence(7);
        for (unix_ms, day) in [
            (1_704_038_399_999, "3365"), // 31 December 2023, 23:59:59.999 in Shanghai
            (1_704_038_400_000, "4001"), // 1 January 2024, 00:00
        ] {
            let reference = retrieval_reference(Timestamp::from_unix_ms(unix_ms), id);
            let reference = String::from_utf8(reference.to_vec()).unwrap();
            let short = String::from_utf8(id.short_reference().to_vec()).unwrap();
            assert_eq!(reference, format!("{day}{short}"));
            assert_eq!(reference.len(), 12);
        }
    }

    #[test]
    fn an_instant_keeps_its_milliseconds() {
        let wire = timestamp(Timestamp::from_unix_ms(-1));
        assert_eq!((wire.seconds, wire.nanos), (-1, 999_000_000));
    }
}
