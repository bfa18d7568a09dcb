//! The calendar of the reference model: jiff at a fixed +08:00 (D1), and nothing of ours.

use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
pub(crate) type Ms = i64;

pub(crate) const SECOND: Ms = 1_000;
pub(crate) const MINUTE: Ms = 60 * SECOND;
pub(crate) const DAY: Ms = 24 * 60 * MINUTE;

/// The day of an instant in Shanghai.
pub(crate) fn date(at: Ms) -> Date {
    let instant = jiff::Timestamp::from_millisecond(at).unwrap();
    instant.to_zoned(TimeZone::fixed(offset(8))).date()
}

/// The first instant of a day in Shanghai.
pub(crate) fn midnight(date: Date) -> Ms {
    let zone = TimeZone::fixed(offset(8));
    date.to_zoned(zone).unwrap().timestamp().as_millisecond()
}

/// The day so many days later, or earlier.
pub(crate) fn after(date: Date, days: i64) -> Date {
    date.checked_add(jiff::Span::new().days(days)).unwrap()
}

/// Months since year 0.
pub(crate) fn month(at: Ms) -> i64 {
    month_of(date(at))
}

/// Months since year 0.
pub(crate) fn month_of(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// The calendar year.
pub(crate) fn year(at: Ms) -> i64 {
    i64::from(date(at).year())
}

/// When the month of an instant is over.
pub(crate) fn month_end(at: Ms) -> Ms {
    midnight(after(date(at).last_of_month(), 1))
}

/// When the year of an instant is over.
pub(crate) fn year_end(at: Ms) -> Ms {
    midnight(after(date(at).last_of_year(), 1))
}

/// Days since 1970-01-01.
pub(crate) fn day_number(date: Date) -> i64 {
    let since = date.since(jiff::civil::date(1970, 1, 1)).unwrap();
    i64::from(since.get_days())
}

/// An instant for people, such as `2024-01-31T23:59:59.999+08:00`.
pub(crate) fn show(at: Ms) -> String {
    let instant = jiff::Timestamp::from_millisecond(at).unwrap();
    let local = instant.to_zoned(TimeZone::fixed(offset(8)));
    local.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}
