//! Pure: how many samples a percentile needs.

use crate::figures::{count_as_real, real_as_count};

/// The chance that none of the samples that a report asks of a percentile lies beyond it.
const UNSURE: f64 = 0.01;

/// The fewest samples of which, but for so small a chance of an error, at least one lies beyond this
/// quantile. If none does, they show with the same chance that the share beyond is no larger.
pub(crate) fn needed_for(quantile: f64, error: f64) -> u64 {
    real_as_count((error.ln() / quantile.ln()).ceil())
}

/// The same with a confidence of 99 %: 459 for p99, 4,603 for p99.9, 46,050 for p99.99.
pub(crate) fn needed(quantile: f64) -> u64 {
    needed_for(quantile, UNSURE)
}

/// Whether so many samples are enough for this percentile.
pub(crate) fn supports(samples: u64, quantile: f64) -> bool {
    samples >= needed(quantile)
}

/// How many requests to expect so that with hardly any doubt `needed` come, where chance says how
/// many there are: three standard deviations more.
pub(crate) fn to_expect(needed: u64) -> u64 {
    let needed = count_as_real(needed);
    real_as_count((needed + 3.0 * needed.sqrt()).ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_needs_its_samples() {
        let check = |quantile: f64, least: u64| {
            assert_eq!(needed(quantile), least, "{quantile}");
            assert!(supports(least, quantile) && !supports(least - 1, quantile));
        };
        check(0.5, 7);
        check(0.99, 459);
        check(0.999, 4_603);
        check(0.999_9, 46_050);
        assert_eq!(needed_for(0.99, 0.01 / 8.0), 666);
    }

    #[test]
    fn chance_takes_away_no_sample_that_is_needed() {
        assert_eq!(to_expect(459), 524);
        assert_eq!(to_expect(0), 0);
    }
}
