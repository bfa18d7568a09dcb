//! What is used of the month and the year, over all cards of an account (R64, R65, D1 to D3, C2).

use crate::money::{Amount, Fen};
use crate::period::{Month, Timestamp, Year};
use crate::policy::Limits;

/// Principal that is approved or reserved in the account's current month and year.
///
/// Reserved and approved are one sum: a reservation that is voided is given back, so what is
/// pending plus what is counted can never pass a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The month that `in_month` counts.
    pub month: Month,
    /// Used in that month.
    pub in_month: Fen,
    /// The year that `in_year` counts.
    pub year: Year,
    /// Used in that year.
    pub in_year: Fen,
}

impl Usage {
    /// The windows as they stand at an instant: a window that is over is empty again, and a
    /// clock that steps back does not reopen an older one (D1).
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        self.in_windows(now.month(), now.year())
    }

    fn in_windows(self, month: Month, year: Year) -> Self {
        let mut usage = self;
        if month > self.month {
            (usage.month, usage.in_month) = (month, Fen::ZERO);
        }
        if year > self.year {
            (usage.year, usage.in_year) = (year, Fen::ZERO);
        }
        usage
    }

    /// Counts a payment in the windows that it was decided in: both together (C2).
    #[must_use]
    pub fn counting(self, month: Month, year: Year, amount: Amount) -> Self {
        let mut usage = self.in_windows(month, year);
        if usage.month == month {
            usage.in_month = usage.in_month.plus(amount.fen());
        }
        if usage.year == year {
            usage.in_year = usage.in_year.plus(amount.fen());
        }
        usage
    }

    /// Gives principal back to each window that is named, if that one is still open (D13).
    #[must_use]
    pub fn giving_back(self, month: Option<Month>, year: Option<Year>, given_back: Fen) -> Self {
        let mut usage = self;
        if Some(usage.month) == month {
            usage.in_month = usage.in_month.minus(given_back);
        }
        if Some(usage.year) == year {
            usage.in_year = usage.in_year.minus(given_back);
        }
        usage
    }

    /// The largest amount that all three limits let pass.
    pub fn largest_approvable(&self, limits: &Limits) -> Fen {
        limits
            .single
            .min(limits.month.minus(self.in_month))
            .min(limits.year.minus(self.in_year))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(year: i32, month: u8) -> Month {
        Month::from_civil(year, month)
    }

    fn amount(fen: i64) -> Amount {
        Amount::from_fen(fen).unwrap()
    }

    fn used(usage: Usage) -> (i64, i64) {
        (usage.in_month.value(), usage.in_year.value())
    }

    #[test]
    fn d1_a_window_that_is_over_is_empty_and_does_not_reopen() {
        let year = Year::from_number(2024);
        let january = Usage::default().counting(month(2024, 1), year, amount(100));
        let before_midnight = Timestamp::from_unix_ms(month(2024, 1).end().unix_ms() - 1);
        let after_midnight = month(2024, 1).end();
        assert_eq!(used(january.at(before_midnight)), (100, 100));
        let february = january.at(after_midnight);
        assert_eq!(used(february), (0, 100));
        let five_minutes_back = Timestamp::from_unix_ms(after_midnight.unix_ms() - 300_000);
        assert_eq!(february.at(five_minutes_back), february);
        assert_eq!(used(february.at(year.end())), (0, 0));
    }

    #[test]
    fn d13_a_closed_window_takes_nothing_back() {
        let year = Year::from_number(2024);
        let usage = Usage::default()
            .counting(month(2024, 1), year, amount(1_000))
            .counting(month(2024, 2), year, amount(300))
            .giving_back(Some(month(2024, 1)), Some(year), Fen::new(1_000));
        assert_eq!(used(usage), (300, 300));
    }

    #[test]
    fn c2_a_payment_decided_before_midnight_and_counted_after_it_stays_in_its_month() {
        let year = Year::from_number(2024);
        let usage = Usage::default()
            .counting(month(2024, 2), year, amount(300))
            .counting(month(2024, 1), year, amount(50));
        assert_eq!(used(usage), (300, 350));
    }
}
