//! What several kinds of event have in common, as cells of a row.

use std::borrow::Cow;

use waika_domain::decline::{AmountOverLimit, DeclineReason, Evidence};
use waika_domain::event::{PasswordEffect, PhoneCodeEffect};
use waika_domain::period::{Day, Month, Timestamp};
use waika_domain::refusal::{BindRefusal, PhoneCodeRefusal, ReversalRefusal, UnbindRefusal};

use super::columns::Row;
use super::names::Named as _;

/// A reason out of any of the lists.
pub(super) struct Reason {
    name: &'static str,
    layer: &'static str,
    response_code: &'static str,
}

macro_rules! reasons {
    ($($list:ident)*) => {
        $(
            impl From<$list> for Reason {
                fn from(reason: $list) -> Self {
                    Self {
                        name: reason.name(),
                        layer: reason.layer().name(),
                        response_code: reason.response_code(),
                    }
                }
            }
        )*
    };
}

reasons! { DeclineReason BindRefusal PhoneCodeRefusal ReversalRefusal UnbindRefusal }

/// Why not, and the numbers behind it.
pub(super) fn refusal(row: &mut Row, reason: impl Into<Reason>, evidence: &Evidence) {
    let reason = reason.into();
    row.reason = Some(reason.name.into());
    row.layer = Some(reason.layer.into());
    row.response_code = Some(reason.response_code.into());
    let (observed, required) = match evidence {
        Evidence::None => return,
        Evidence::Amount(amount) => return over_limit(row, amount),
        Evidence::Until(at) => {
            row.resets_at = Some(rfc3339(*at).into());
            return;
        }
        Evidence::Version { observed, required } => {
            (observed.to_string(), Some(required.to_string()))
        }
        Evidence::Date { observed, required } => (observed.to_string(), Some(required.to_string())),
        Evidence::Expiry { observed } => (observed.to_string(), None),
        Evidence::Count { observed, required } => {
            (observed.to_string(), Some(required.to_string()))
        }
    };
    row.observed = Some(observed.into());
    row.required = required.map(Cow::from);
}

fn over_limit(row: &mut Row, amount: &AmountOverLimit) {
    let AmountOverLimit {
        observed,
        limit,
        remaining,
        largest_approvable,
        resets_at,
    } = amount;
    row.observed_fen = Some(observed.value());
    row.limit_fen = Some(limit.value());
    row.remaining_fen = Some(remaining.value());
    row.largest_approvable_fen = Some(largest_approvable.value());
    row.resets_at = resets_at.map(|at| rfc3339(at).into());
}

/// What was seen of the payment password (D7).
pub(super) fn password_check(row: &mut Row, effect: PasswordEffect) {
    match effect {
        PasswordEffect::Untouched => {}
        PasswordEffect::Matched => row.password_check = Some("matched".into()),
        PasswordEffect::Wrong {
            tries,
            locked_until,
        } => {
            row.password_check = Some("wrong".into());
            row.password_wrong_tries = Some(tries.into());
            row.password_locked_until = locked_until.map(|at| rfc3339(at).into());
        }
    }
}

/// What was seen of the phone code (D8), without the phone's digest.
pub(super) fn phone_code_check(row: &mut Row, effect: PhoneCodeEffect) {
    match effect {
        PhoneCodeEffect::Untouched => {}
        PhoneCodeEffect::Used { phone: _ } => row.phone_code_check = Some("used".into()),
        PhoneCodeEffect::Wrong { phone: _, tries } => {
            row.phone_code_check = Some("wrong".into());
            row.phone_code_wrong_tries = Some(tries.into());
        }
    }
}

/// A sequence; the journal ends long before a signed number does.
pub(super) fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// An empty text stands for none in an entry.
pub(super) fn text(text: &str) -> Option<Cow<'static, str>> {
    (!text.is_empty()).then(|| text.to_owned().into())
}

/// Year and month, such as `2024-02`.
pub(super) fn month_name(month: Month) -> String {
    let number = month.number();
    format!(
        "{:04}-{:02}",
        number.div_euclid(12),
        number.rem_euclid(12) + 1
    )
}

/// RFC 3339 in UTC with milliseconds, such as `2024-02-29T12:00:00.000Z`.
pub(super) fn rfc3339(at: Timestamp) -> String {
    const MS_PER_DAY: i64 = 86_400_000;
    let (days, ms) = (
        at.unix_ms().div_euclid(MS_PER_DAY),
        at.unix_ms().rem_euclid(MS_PER_DAY),
    );
    // Day numbers count from the same date in every zone; this one is UTC's.
    let day = Day::from_number(i32::try_from(days).unwrap_or(i32::MAX));
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!(
        "{day}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z",
        ms % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_709_164_800_007, "2024-02-29T00:00:00.007Z"),
            (1_709_222_399_999, "2024-02-29T15:59:59.999Z"),
            (1_709_222_400_000, "2024-02-29T16:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_unix_ms(unix_ms)), expected);
        }
        assert_eq!(month_name(Month::from_civil(2024, 2)), "2024-02");
        assert_eq!(month_name(Month::from_civil(2023, 12)), "2023-12");
    }
}
