//! Instants, days and months as programs read them.

use waika_domain::period::{Day, Month, Timestamp};

const MS_PER_DAY: i64 = 86_400_000;

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
pub(crate) fn in_utc(at: Timestamp) -> String {
    let (days, ms) = (
        at.unix_ms().div_euclid(MS_PER_DAY),
        at.unix_ms().rem_euclid(MS_PER_DAY),
    );
    // Day numbers count from the same date in every zone; this one is UTC's.
    let day = Day::from_number(i32::try_from(days).unwrap_or(i32::MAX));
    rfc3339(day, ms, "Z")
}

/// RFC 3339 in the business zone (D1), such as `2024-02-29T20:00:00.000+08:00`: where what counts
/// is on which day it was.
pub(super) fn in_shanghai(at: Timestamp) -> String {
    let day = at.day();
    let ms = at.unix_ms().saturating_sub(day.start().unix_ms());
    rfc3339(day, ms.rem_euclid(MS_PER_DAY), "+08:00")
}

fn rfc3339(day: Day, ms: i64, zone: &str) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!(
        "{day}T{hours:02}:{minutes:02}:{seconds:02}.{:03}{zone}",
        ms % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_instants_are_written_in_utc_or_in_the_business_zone() {
        for (unix_ms, utc, shanghai) in [
            (
                0,
                "1970-01-01T00:00:00.000Z",
                "1970-01-01T08:00:00.000+08:00",
            ),
            (
                -1,
                "1969-12-31T23:59:59.999Z",
                "1970-01-01T07:59:59.999+08:00",
            ),
            (
                1_709_164_800_007,
                "2024-02-29T00:00:00.007Z",
                "2024-02-29T08:00:00.007+08:00",
            ),
            (
                1_709_222_399_999,
                "2024-02-29T15:59:59.999Z",
                "2024-02-29T23:59:59.999+08:00",
            ),
            (
                1_709_222_400_000,
                "2024-02-29T16:00:00.000Z",
                "2024-03-01T00:00:00.000+08:00",
            ),
        ] {
            let at = Timestamp::from_unix_ms(unix_ms);
            assert_eq!((&*in_utc(at), &*in_shanghai(at)), (utc, shanghai));
        }
        for unix_ms in [i64::MIN, i64::MAX] {
            let _ = in_shanghai(Timestamp::from_unix_ms(unix_ms));
        }
        assert_eq!(month_name(Month::from_civil(2024, 2)), "2024-02");
        assert_eq!(month_name(Month::from_civil(2023, 12)), "2023-12");
    }
}
