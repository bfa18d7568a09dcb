//! The domain's answers in the words of both sides.

use waika_domain::decline::{Decline, Evidence};
use waika_domain::event::Reservation;
use waika_domain::money::Fen;
use waika_domain::period::Timestamp;
use waika_domain::refusal::Refused;

use crate::answer::Answer;

pub(super) fn declined(decline: &Decline) -> Answer {
    with_evidence(decline.reason.name(), &decline.evidence)
}

/// A refusal of any call, by its reason's name.
pub(super) fn refused<R: Copy>(refused: &Refused<R>, name: fn(R) -> &'static str) -> Answer {
    with_evidence(name(refused.reason), &refused.evidence)
}

fn with_evidence(reason: &'static str, evidence: &Evidence) -> Answer {
    let answer = Answer::of(reason);
    match *evidence {
        Evidence::None => answer,
        Evidence::Amount(amount) => answer
            .with("observed", amount.observed.value())
            .with("limit", amount.limit.value())
            .with("remaining", amount.remaining.value())
            .with("at_most", amount.largest_approvable.value())
            .with_any("until", amount.resets_at.map(Timestamp::unix_ms)),
        Evidence::Version { observed, required } => answer
            .with("observed", number(observed.packed()))
            .with("required", number(required.packed())),
        Evidence::Date { observed, required } => answer
            .with("observed", i64::from(observed.number()))
            .with("required", i64::from(required.number())),
        Evidence::Expiry { observed } => {
            let month = i64::from(observed.year) * 12 + i64::from(observed.month) - 1;
            answer.with("observed", month)
        }
        Evidence::Count { observed, required } => answer
            .with("observed", i64::from(observed))
            .with("required", i64::from(required)),
        Evidence::Until(at) => answer.with("until", at.unix_ms()),
    }
}

/// A payment that is approved or held, and what remains after it.
pub(super) fn reserved(reason: &'static str, held: &Reservation) -> Answer {
    let windows = &held.windows;
    Answer::of(reason)
        .with("fee", held.fee.value())
        .with("settles_at", held.settles_at.unix_ms())
        .with("month", i64::from(held.month.number()))
        .with("month_used", windows.month_used.value())
        .with("month_limit", windows.month_limit.value())
        .with("year", i64::from(held.year.number()))
        .with("year_used", windows.year_used.value())
        .with("year_limit", windows.year_limit.value())
        .with_any("balance_left", held.balance_left.map(Fen::value))
}

pub(super) fn number(unsigned: u64) -> i64 {
    i64::try_from(unsigned).unwrap()
}
