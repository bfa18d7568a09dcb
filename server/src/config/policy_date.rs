//! Instants in a policy file: RFC 3339 in, and out again in the business zone (D1, D24).

use toml::de::DeValue;
use toml::value::{Datetime, Offset, Time};
use waika_domain::period::{Day, Timestamp};
use waika_domain::policy::Policy;

use super::values::Expected;

const ZONE_MINUTES: i64 = 8 * 60;
const MS_PER_MINUTE: i64 = 60_000;

/// Takes a date-time of TOML, quoted or not. A day alone begins at midnight in Shanghai; a time
/// of day needs its offset, since nothing says whose clock it is.
pub(super) fn parse(value: &DeValue<'_>) -> Result<Timestamp, Expected> {
    let quoted = || value.as_str()?.parse::<Datetime>().ok();
    value
        .as_datetime()
        .copied()
        .or_else(quoted)
        .and_then(instant)
        .ok_or_else(|| {
            "must be an instant with its offset, to the millisecond, such as \
             2026-12-01T00:00:00+08:00, or a day such as 2026-12-01 (midnight in Shanghai), from \
             1900 to 9999"
                .to_owned()
        })
}

/// Nothing if it has no offset, or lies outside the years that can be read back.
pub(super) fn instant(datetime: Datetime) -> Option<Timestamp> {
    let date = datetime.date?;
    let midnight = Day::from_civil(date.year.into(), date.month, date.day)
        .ok()?
        .start();
    let instant = match (datetime.time, datetime.offset) {
        (None, None) => midnight,
        (Some(time), Some(offset)) => {
            let ahead_ms = (ZONE_MINUTES - offset_minutes(offset)) * MS_PER_MINUTE;
            Timestamp::from_unix_ms(midnight.unix_ms() + ms_of_day(time)? + ahead_ms)
        }
        _ => return None,
    };
    // The offset may have moved it out of the years that can be read back.
    let (year, _, _) = instant.day().civil();
    (1900..=9999).contains(&year).then_some(instant)
}

fn offset_minutes(offset: Offset) -> i64 {
    match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => minutes.into(),
    }
}

/// Nothing for a leap second or a part of a millisecond, which no instant here can have.
fn ms_of_day(time: Time) -> Option<i64> {
    let minutes = i64::from(time.hour) * 60 + i64::from(time.minute);
    let second = i64::from(time.second.unwrap_or(0));
    let nanosecond = i64::from(time.nanosecond.unwrap_or(0));
    (second < 60 && nanosecond % 1_000_000 == 0)
        .then_some(minutes * MS_PER_MINUTE + second * 1_000 + nanosecond / 1_000_000)
}

/// The instant in Shanghai, such as `2026-12-01T00:00:00+08:00`; with milliseconds if it has any.
pub(super) fn render(instant: Timestamp) -> String {
    let day = instant.day();
    let ms = instant.unix_ms() - day.start().unix_ms();
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let part = match ms {
        0 => String::new(),
        ms => format!(".{ms:03}"),
    };
    format!("{day}T{hour:02}:{minute:02}:{second:02}{part}+08:00")
}

/// When a policy holds, in words that follow "it holds".
pub(super) fn period(policy: &Policy) -> String {
    let from = policy
        .effective_from
        .map_or_else(|| "its activation".to_owned(), render);
    match policy.effective_until {
        Some(until) => format!("from {from} until {}", render(until)),
        None => format!("from {from} on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let value = DeValue::parse(text).ok()?;
        parse(value.get_ref()).ok().map(render)
    }

    #[test]
    fn d24_instants_are_read_in_any_offset_and_shown_in_shanghai() {
        let midnight = Some("2026-12-01T00:00:00+08:00");
        for (text, expected) in [
            ("2026-12-01T00:00:00+08:00", midnight),
            ("2026-12-01 00:00:00+08:00", midnight),
            ("2026-12-01", midnight),
            ("2026-11-30T16:00:00Z", midnight),
            ("2026-11-30T11:30:00-04:30", midnight),
            ("2026-11-30T16:00Z", midnight),
            (
                "2026-12-01T23:59:59.999+08:00",
                Some("2026-12-01T23:59:59.999+08:00"),
            ),
            (
                "2024-02-29T00:00:00.050Z",
                Some("2024-02-29T08:00:00.050+08:00"),
            ),
            ("1900-01-01", Some("1900-01-01T00:00:00+08:00")),
            (
                "9999-12-31T23:59:59+08:00",
                Some("9999-12-31T23:59:59+08:00"),
            ),
            ("1899-12-31", None),
            ("9999-12-31T23:59:59Z", None),
            ("1900-01-01T00:00:00+09:00", None),
            ("2026-12-01T00:00:00", None),
            ("00:00:00", None),
            ("2023-02-29", None),
            ("2026-13-01", None),
            ("2026-12-01T24:00:00Z", None),
            ("2026-12-31T23:59:60Z", None),
            ("2026-12-01T00:00:00.0001Z", None),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(read(text), expected, "{text}");
            assert_eq!(read(&format!("\"{text}\"")), expected, "{text} in quotes");
        }
        for wrong in [
            "\"\"",
            "\"soon\"",
            "\"2026-12-01T00:00:00+08:00 \"",
            "\"2026-12-01T00:00:00+08:00[Asia/Shanghai]\"",
            "1796054400",
            "true",
            "[2026-12-01]",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn d24_what_is_shown_is_what_another_calendar_reads() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T08:00:00+08:00"),
            (-1, "1970-01-01T07:59:59.999+08:00"),
            (1_709_135_999_999, "2024-02-28T23:59:59.999+08:00"),
            (1_709_136_000_000, "2024-02-29T00:00:00+08:00"),
        ] {
            assert_eq!(render(Timestamp::from_unix_ms(unix_ms)), expected);
        }
    }

    #[test]
    fn d24_no_instant_breaks_the_text() {
        for unix_ms in [i64::MIN, i64::MAX] {
            assert!(!render(Timestamp::from_unix_ms(unix_ms)).is_empty());
        }
    }

    #[test]
    fn d24_the_period_is_told_whichever_dates_there_are() {
        let day = |text: &str| parse(DeValue::parse(text).unwrap().get_ref()).ok();
        let (first, last) = (day("2026-12-01"), day("2027-01-01"));
        for (from, until, expected) in [
            (None, None, "from its activation on"),
            (first, None, "from 2026-12-01T00:00:00+08:00 on"),
            (
                None,
                last,
                "from its activation until 2027-01-01T00:00:00+08:00",
            ),
            (
                first,
                last,
                "from 2026-12-01T00:00:00+08:00 until 2027-01-01T00:00:00+08:00",
            ),
        ] {
            let policy = Policy {
                effective_from: from,
                effective_until: until,
                ..Policy::weixin_2023()
            };
            assert_eq!(period(&policy), expected);
        }
    }
}
