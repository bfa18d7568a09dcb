//! Instants, and the calendar months and years in which limits are counted.
//!
//! The business zone is Asia/Shanghai at a fixed +08:00 (D1): never the host's zone, never a
//! rolling number of days. China has had no daylight saving time since 1991.

use std::fmt;

use crate::Malformed;

const MS_PER_DAY: i64 = 86_400_000;
const ZONE_OFFSET_MS: i64 = 8 * 3_600_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Takes milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self(unix_ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// The instant that many seconds later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as i64 * 1_000))
    }

    /// The day in the business zone.
    pub fn day(self) -> Day {
        let days = self.0.saturating_add(ZONE_OFFSET_MS).div_euclid(MS_PER_DAY);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The calendar month in the business zone.
    pub fn month(self) -> Month {
        let (year, month, _) = self.day().civil();
        Month::from_civil(year, month)
    }

    /// The calendar year in the business zone.
    pub fn year(self) -> Year {
        Year(self.day().civil().0)
    }
}

/// A calendar day of the business zone: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// Takes a day of the Gregorian calendar, years 1900 to 9999.
    pub fn from_civil(year: i32, month: u8, day: u8) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::new("must be a day of the calendar, 1900 to 9999");
        if !(1900..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return Err(EXPECTED);
        }
        let candidate = Self(days_from_civil(year, month, day));
        if candidate.civil() == (year, month, day) {
            Ok(candidate)
        } else {
            Err(EXPECTED)
        }
    }

    /// Takes days since 1970-01-01, as [`Day::number`] gave them.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Year, month 1 to 12, day 1 to 31.
    pub fn civil(self) -> (i32, u8, u8) {
        civil_from_days(self.0)
    }

    /// The day so many days later.
    #[must_use]
    pub const fn plus_days(self, days: u8) -> Self {
        Self(self.0.saturating_add(days as i32))
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * MS_PER_DAY - ZONE_OFFSET_MS)
    }
}

/// ISO 8601, such as `2024-02-29`.
impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

/// A calendar month of the business zone: the window of R64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// Takes a year and a month 1 to 12.
    pub const fn from_civil(year: i32, month: u8) -> Self {
        Self(year.saturating_mul(12).saturating_add(month as i32 - 1))
    }

    /// Takes months since year 0, as [`Month::number`] gave them.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Months since year 0.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// When the month is over and the next begins.
    pub fn end(self) -> Timestamp {
        first_of_month(self.0.saturating_add(1))
    }
}

/// A calendar year of the business zone: the window of R65.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year(i32);

impl Year {
    /// Takes a calendar year.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The calendar year.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// When the year is over and the next begins.
    pub fn end(self) -> Timestamp {
        first_of_month(self.0.saturating_add(1).saturating_mul(12))
    }
}

fn first_of_month(months: i32) -> Timestamp {
    let month = u8::try_from(months.rem_euclid(12)).unwrap_or(0) + 1;
    Day(days_from_civil(months.div_euclid(12), month, 1)).start()
}

/// Days since 1970-01-01 of a proleptic Gregorian date, counted in eras of 400 years that
/// begin in March, so that the leap day is the last of its year.
fn days_from_civil(year: i32, month: u8, day: u8) -> i32 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * 146_097 + day_of_era - 719_468).unwrap_or(i32::MAX)
}

fn civil_from_days(days: i32) -> (i32, u8, u8) {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
    (
        i32::try_from(year).unwrap_or(i32::MAX),
        small(month),
        small(day),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(instant.as_millisecond())
    }

    #[test]
    fn d1_a_month_begins_at_midnight_in_shanghai() {
        let last = at("2024-01-31T23:59:59.999+08:00");
        let first = at("2024-02-01T00:00:00.000+08:00");
        assert_eq!(last.month(), Month::from_civil(2024, 1));
        assert_eq!(first.month(), Month::from_civil(2024, 2));
        assert_eq!(last.month().end(), first);
    }

    #[test]
    fn d1_a_year_begins_at_sixteen_hours_utc() {
        let last = at("2023-12-31T15:59:59Z");
        let first = at("2023-12-31T16:00:00Z");
        assert_eq!(last.year(), Year::from_number(2023));
        assert_eq!(first.year(), Year::from_number(2024));
        assert_eq!(last.year().end(), first);
    }

    #[test]
    fn the_calendar_agrees_with_a_known_one() {
        let mut day = jiff::civil::date(1900, 1, 1);
        while day.year() < 2105 {
            let (year, month) = (i32::from(day.year()), u8::try_from(day.month()).unwrap());
            let ours = Day::from_civil(year, month, u8::try_from(day.day()).unwrap()).unwrap();
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
            let instant = day.to_zoned(zone).unwrap().timestamp();
            assert_eq!(ours.start().unix_ms(), instant.as_millisecond(), "{day}");
            assert_eq!(ours.to_string(), day.to_string());
            assert_eq!(ours.start().day(), ours);
            day = day.tomorrow().unwrap();
        }
    }

    #[test]
    fn days_that_do_not_exist_are_malformed() {
        for (year, month, day, exists) in [
            (2024, 2, 29, true),
            (2023, 2, 29, false),
            (1900, 2, 29, false),
            (2000, 2, 29, true),
            (2024, 4, 31, false),
            (2024, 13, 1, false),
            (2024, 0, 1, false),
            (2024, 1, 0, false),
            (1899, 12, 31, false),
            (10_000, 1, 1, false),
        ] {
            assert_eq!(
                Day::from_civil(year, month, day).is_ok(),
                exists,
                "{year}-{month}-{day}"
            );
        }
    }

    #[test]
    fn no_instant_can_break_the_calendar() {
        for unix_ms in [i64::MIN, -1, 0, i64::MAX] {
            let instant = Timestamp::from_unix_ms(unix_ms);
            let _ = (
                instant.month().end(),
                instant.year().end(),
                instant.day().to_string(),
            );
        }
    }
}
