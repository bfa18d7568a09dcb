//! Pure: what a number of requests says of the share that is beyond a limit.
//!
//! The bounds are those of Clopper and Pearson, which are exact for independent requests whatever
//! the share. Who looks several times and stops when it is clear errs more often than who looks
//! once, so the chance of an error is spent: each look has a part of it, and the parts add up to
//! the whole.

use statrs::function::beta::checked_beta_reg;

use crate::figures::count_as_real;

/// The chance of a wrong verdict, in either direction: verdicts are 99 % sure.
pub(crate) const ERROR: f64 = 0.01;

/// The part of the chance of an error that each look but the last has. The last has what is left,
/// for most that is close is decided there.
const EARLY: f64 = 0.1;

/// Requests, and how many of them were beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Beyond.
    pub(crate) beyond: u64,
    /// All.
    pub(crate) of: u64,
}

impl Tally {
    /// The one as a share of the other.
    pub(crate) fn share(self) -> f64 {
        crate::figures::share(self.beyond, self.of)
    }
}

/// The chance of an error that the look with this number, from 0, may take of `looks` ones.
pub(crate) fn error_of_look(look: u32, looks: u32) -> f64 {
    if look + 1 < looks {
        ERROR * EARLY
    } else {
        ERROR * (1.0 - EARLY * f64::from(looks.saturating_sub(1)))
    }
}

/// The most looks that leave something for the last one.
pub(crate) const MOST_LOOKS: u32 = 9;

/// Between which shares the true one lies, with a chance of `error` at either end that it does not.
pub(crate) fn interval(tally: Tally, error: f64) -> (f64, f64) {
    let low = lowest(|share| at_least(tally, share) >= error);
    let high = lowest(|share| at_most(tally, share) < error);
    (low, high)
}

/// The lowest share that `is_beyond` holds for, and for all above it, to twelve digits.
fn lowest(is_beyond: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    if is_beyond(low) {
        return low;
    }
    for _ in 0..45 {
        let middle = f64::midpoint(low, high);
        if is_beyond(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The probability of so few requests beyond, or fewer, if the true share is `share`.
fn at_most(tally: Tally, share: f64) -> f64 {
    if tally.beyond >= tally.of || share <= 0.0 {
        return 1.0;
    }
    let (beyond, others) = (tally.beyond, tally.of - tally.beyond);
    // The arguments are in its range, and out of it the answer that decides nothing is right.
    checked_beta_reg(
        count_as_real(others),
        count_as_real(beyond + 1),
        1.0 - share,
    )
    .unwrap_or(1.0)
}

/// The probability of so many, or more.
fn at_least(tally: Tally, share: f64) -> f64 {
    if tally.beyond == 0 || share >= 1.0 {
        return 1.0;
    }
    let (beyond, others) = (tally.beyond, tally.of.saturating_sub(tally.beyond));
    checked_beta_reg(count_as_real(beyond), count_as_real(others + 1), share).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(beyond: u64, of: u64) -> Tally {
        Tally { beyond, of }
    }

    #[test]
    fn bounds_are_those_of_the_tables() {
        // By R's binom.test(), one-sided at 99 %, and by the sums themselves.
        let check = |tally, low: f64, high: f64| {
            let found = interval(tally, 0.01);
            assert!((found.0 - low).abs() < 1e-6, "{tally:?}: {found:?}");
            assert!((found.1 - high).abs() < 1e-6, "{tally:?}: {found:?}");
        };
        check(of(0, 0), 0.0, 1.0);
        check(of(0, 459), 0.0, 0.009_982_7);
        check(of(0, 458), 0.0, 0.010_004_4);
        check(of(10, 10), 0.630_957, 1.0);
        check(of(0, 1), 0.0, 0.99);
        check(of(1, 1), 0.01, 1.0);
    }

    #[test]
    fn a_percentile_needs_its_samples() {
        let check = |beyond, least: u64| {
            let is_met = |samples| interval(of(beyond, samples), 0.01).1 < 0.01;
            assert!(is_met(least) && !is_met(least - 1), "{beyond} beyond");
        };
        check(0, 459);
        check(10, 2_010);
    }

    #[test]
    fn the_chance_of_an_error_is_spent_and_no_more() {
        for looks in 1..=MOST_LOOKS {
            let spent: f64 = (0..looks).map(|look| error_of_look(look, looks)).sum();
            assert!((spent - ERROR).abs() < 1e-12, "{looks}");
            assert!((0..looks).all(|look| error_of_look(look, looks) > 0.0));
        }
    }

    #[test]
    fn millions_of_samples_are_as_exact_as_few() {
        // Where the normal distribution is as good as exact: 2.326 deviations from the mean.
        let tally = of(100_000, 10_000_000);
        let deviation = (0.01_f64 * 0.99 / 1e7).sqrt();
        let (low, high) = interval(tally, 0.01);
        assert!((low - (0.01 - 2.326 * deviation)).abs() < 0.01 * deviation);
        assert!((high - (0.01 + 2.326 * deviation)).abs() < 0.01 * deviation);
    }
}
