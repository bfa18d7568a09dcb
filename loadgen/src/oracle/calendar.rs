//! Pure: months and years in Asia/Shanghai, which is eight hours before UTC the whole year (D1).
//!
//! Written again rather than shared with the server, and by another construction than its: days are
//! counted in eras of 400 years that begin in March, so that the leap day ends a year.

/// How far Shanghai's clocks are before UTC, in seconds.
const OFFSET_S: i64 = 8 * 3_600;

/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// A calendar month in Shanghai. Months are ordered, and their years can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(u32);

/// Days in 400 years, after which the calendar repeats itself.
const ERA_DAYS: i64 = 146_097;

/// 1 January 1970, counted in days from the first of March of the year 0.
const EPOCH_DAY: i64 = 719_468;

impl Month {
    /// The month that an instant lies in, in seconds since 1970.
    pub(crate) fn at(unix_s: i64) -> Self {
        let day = day_of(unix_s).saturating_add(EPOCH_DAY);
        let (era, in_era) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
        // Without its leap days an era is 400 years of 365 days: those before this day are taken out.
        let leap_days = in_era / 1_460 - in_era / 36_524 + in_era / 146_096;
        let year = (in_era - leap_days) / 365;
        let in_year = in_era - (365 * year + year / 4 - year / 100);
        // From March on, months have 31, 30, 31, 30, 31 days, over and over: 153 in five.
        let from_march = (5 * in_year + 2) / 153;
        let months = (era * 400 + year) * 12 + from_march + 2;
        Self(u32::try_from(months).unwrap_or(if months < 0 { 0 } else { u32::MAX }))
    }

    /// The year it belongs to.
    pub(crate) fn year(self) -> u32 {
        self.0 / 12
    }

    /// Months since the year 0.
    pub(crate) fn ordinal(self) -> u32 {
        self.0
    }

    /// The month in the year, 1 to 12.
    pub(crate) fn number(self) -> u32 {
        self.0 % 12 + 1
    }

    /// Its first instant, in seconds since 1970.
    pub(crate) fn start_s(self) -> i64 {
        let from_march = i64::from(self.0) - 2;
        let (year, month) = (from_march.div_euclid(12), from_march.rem_euclid(12));
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day = 365 * year + leap_days + (153 * month + 2) / 5;
        (day - EPOCH_DAY) * DAY_S - OFFSET_S
    }

    /// The month after it.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Its first instant after its year, in seconds since 1970.
    pub(crate) fn year_end_s(self) -> i64 {
        Self((self.year().saturating_add(1)).saturating_mul(12)).start_s()
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{:02}", self.year(), self.number())
    }
}

/// A month with its ends, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Which month.
    pub(super) month: Month,
    start_s: i64,
    /// Where the next month begins.
    pub(super) end_s: i64,
    /// Where the next year begins.
    pub(super) year_end_s: i64,
}

impl Span {
    fn of(month: Month) -> Self {
        Self {
            month,
            start_s: month.start_s(),
            end_s: month.next().start_s(),
            year_end_s: month.year_end_s(),
        }
    }

    fn holds(&self, unix_s: i64) -> bool {
        (self.start_s..self.end_s).contains(&unix_s)
    }

    /// The month so many seconds before an instant of this one.
    pub(super) fn before(&self, unix_s: i64, seconds: i64) -> Month {
        let earlier_s = unix_s.saturating_sub(seconds);
        if self.holds(earlier_s) {
            self.month
        } else {
            Month::at(earlier_s)
        }
    }

    /// The month so many seconds after an instant of this one.
    pub(super) fn after(&self, unix_s: i64, seconds: i64) -> Month {
        let later_s = unix_s.saturating_add(seconds);
        if self.holds(later_s) {
            self.month
        } else {
            Month::at(later_s)
        }
    }
}

/// The months around a run, so that the hot path need not compute them.
#[derive(Debug)]
pub(super) struct Calendar {
    spans: [Span; 3],
}

impl Calendar {
    /// The months around this one.
    pub(super) fn around(month: Month) -> Self {
        let before = Month(month.0.saturating_sub(1));
        // The month at hand is asked for most.
        Self {
            spans: [month, month.next(), before].map(Span::of),
        }
    }

    /// The month that an instant lies in.
    pub(super) fn at(&self, unix_s: i64) -> Span {
        let known = self.spans.iter().find(|span| span.holds(unix_s));
        known
            .copied()
            .unwrap_or_else(|| Span::of(Month::at(unix_s)))
    }
}

/// The midnight at which an authorisation settles by its age: the second one after it (D25).
pub(crate) fn settles_at_s(decided_at_s: i64) -> i64 {
    (day_of(decided_at_s) + 2) * DAY_S - OFFSET_S
}

/// The day in Shanghai, counted from 1 January 1970.
fn day_of(unix_s: i64) -> i64 {
    unix_s.saturating_add(OFFSET_S).div_euclid(DAY_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    #[test]
    fn d1_a_month_begins_at_midnight_in_shanghai() {
        let check = |instant: &str, expected: &str| {
            assert_eq!(Month::at(unix(instant)).to_string(), expected, "{instant}");
        };
        check("2024-01-31T23:59:59+08:00", "2024-01");
        check("2024-02-01T00:00:00+08:00", "2024-02");
        check("2023-12-31T15:59:59Z", "2023-12");
        check("2023-12-31T16:00:00Z", "2024-01");
        check("2024-02-29T23:59:59+08:00", "2024-02");
        check("2024-03-01T00:00:00+08:00", "2024-03");
        check("2100-02-28T23:59:59+08:00", "2100-02");
        check("2100-03-01T00:00:00+08:00", "2100-03");
        check("1970-01-01T00:00:00Z", "1970-01");
    }

    #[test]
    fn every_day_of_seven_centuries_is_in_the_month_that_another_calendar_says() {
        let mut day = jiff::civil::date(1900, 1, 1);
        while day < jiff::civil::date(2600, 1, 1) {
            let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
            let month = Month::at(noon.unwrap().timestamp().as_second());
            let expected = (
                day.year().unsigned_abs().into(),
                day.month().unsigned_abs().into(),
            );
            assert_eq!((month.year(), month.number()), expected, "{day}");
            day = day.tomorrow().unwrap();
        }
    }

    #[test]
    fn a_month_lies_between_its_start_and_the_next_one_s() {
        let mut month = Month::at(unix("1999-12-15T00:00:00Z"));
        for _ in 0..1_300 {
            assert_eq!(Month::at(month.start_s()), month);
            assert_eq!(Month::at(month.start_s() - 1).next(), month);
            assert!(month.year_end_s() > month.start_s());
            assert_eq!(Month::at(month.year_end_s()).number(), 1);
            month = month.next();
        }
    }

    #[test]
    fn a_calendar_around_a_month_knows_every_other_too() {
        let calendar = Calendar::around(Month::at(unix("2024-12-15T00:00:00Z")));
        let mut month = Month::at(unix("2023-01-15T00:00:00Z"));
        for _ in 0..40 {
            for instant in [month.start_s(), month.next().start_s() - 1] {
                let span = calendar.at(instant);
                assert_eq!(span, Span::of(month), "{month}");
                assert_eq!(span.before(instant, 60), Month::at(instant - 60));
                assert_eq!(span.after(instant, 60), Month::at(instant + 60));
            }
            month = month.next();
        }
    }

    #[test]
    fn instants_that_nobody_lives_at_do_no_harm() {
        for instant in [i64::MIN, -100_000_000_000_000, 0, i64::MAX] {
            let _ = Month::at(instant);
        }
    }

    #[test]
    fn d25_an_authorisation_settles_at_the_second_midnight() {
        let check = |decided: &str, settles: &str| {
            assert_eq!(settles_at_s(unix(decided)), unix(settles), "{decided}");
        };
        check("2024-01-30T00:00:00+08:00", "2024-02-01T00:00:00+08:00");
        check("2024-01-30T23:59:59+08:00", "2024-02-01T00:00:00+08:00");
        check("2024-01-31T16:00:00Z", "2024-02-03T00:00:00+08:00");
    }
}
