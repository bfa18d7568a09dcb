//! Months and years of Asia/Shanghai, worked out here and not by the server's code.

use prost_types::Timestamp;

const SHANGHAI_SECONDS: i64 = 8 * 3_600;
const DAY_SECONDS: i64 = 86_400;

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month {
    pub year: i64,
    pub number: i64,
}

/// The month of an instant in UTC.
pub(crate) fn month_of(instant: &Timestamp) -> Month {
    let mut day = (instant.seconds + SHANGHAI_SECONDS).div_euclid(DAY_SECONDS);
    let mut year = 1970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut number = 1;
    while day >= days_of_month(year, number) {
        day -= days_of_month(year, number);
        number += 1;
    }
    Month { year, number }
}

/// The month that ends at an instant.
pub(crate) fn month_before(end: &Timestamp) -> Month {
    month_of(&Timestamp {
        seconds: end.seconds - 1,
        nanos: 0,
    })
}

/// Milliseconds since 1970, UTC.
pub(crate) fn milliseconds(instant: &Timestamp) -> i64 {
    instant.seconds * 1_000 + i64::from(instant.nanos) / 1_000_000
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_of_year(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: i64, number: i64) -> i64 {
    match number {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[test]
fn d1_months_turn_at_midnight_in_shanghai() {
    for (seconds, year, number) in [
        (0, 1970, 1),
        (1_709_222_399, 2024, 2),  // 29 February 2024, 23:59:59 +08:00
        (1_709_222_400, 2024, 3),  // 1 March 2024, 00:00:00 +08:00
        (1_735_660_799, 2024, 12), // 31 December 2024, 23:59:59 +08:00
        (1_735_660_800, 2025, 1),
    ] {
        let instant = Timestamp { seconds, nanos: 0 };
        assert_eq!(month_of(&instant), Month { year, number }, "{seconds}");
    }
}
