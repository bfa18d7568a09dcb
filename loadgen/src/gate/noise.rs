//! Pure: whether a tolerance can be told from this machine's noise at all.
//!
//! A gate asks after its first pairs, by their spread alone: which way they point is not looked at,
//! so that a verdict is not prevented by what it would be. A comparison of A with itself asks at
//! its end, of the interval that it has.

use std::time::Duration;

use super::facts::{Decision, MetricFacts};
use super::judge::ERROR;
use super::metric::Series;
use super::outcome::LONGEST_S;
use super::statistics;
use crate::figures::count_as_real;

/// Their spread may by chance be so much larger than the machine's own: one time in ten.
const CHANCE: f64 = 0.7;

/// So much more than what would just do is advised.
const RESERVE: f64 = 1.5;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The change that is allowed.
    pub(super) tolerance: f64,
    /// How long all of it may take.
    pub(super) budget: Duration,
}

impl Asked {
    /// Why the first pairs leave no hope of a verdict, if they do. There will be `pairs` at the end that can be
    /// used, and one takes `pair_ns` nanoseconds, with those beside it that cannot.
    pub(super) fn hopeless(self, series: &[Series], pairs: u64, pair_ns: u64) -> Option<String> {
        let mut gating = series.iter().filter(|series| series.gating);
        gating.find_map(|series| {
            let used = series.used();
            let interval = statistics::interval(&used, ERROR)?;
            let spread = statistics::standard_error(interval, ERROR)
                * count_as_real(used.len() as u64).sqrt()
                * CHANCE;
            let reach = statistics::normal::quantile_above(ERROR / 2.0) * spread;
            let half = reach / count_as_real(pairs).sqrt();
            let times = (reach / self.tolerance.ln_1p()).powi(2);
            let needed_s = count_as_real(pair_ns) / 1e9 * times;
            let what = format!(
                "after {} pairs, an interval of {} at the end is expected to reach",
                used.len(),
                series.metric.label()
            );
            self.refusal(&what, half, needed_s)
        })
    }

    /// Why an interval that is there is too wide for the tolerance, if one is. A difference that was
    /// claimed falsely is told as that.
    pub(super) fn too_wide(self, metrics: &[MetricFacts], took_ns: u64) -> Option<String> {
        let mut passed = metrics
            .iter()
            .filter(|metric| metric.gating && metric.verdict == Decision::Passed);
        passed.find_map(|metric| {
            let half = (metric.change.high?.ln_1p() - metric.change.low?.ln_1p()) / 2.0;
            let times = (half / self.tolerance.ln_1p()).powi(2);
            let what = format!(
                "after {} pairs, the interval of {} reaches",
                metric.change.used, metric.label
            );
            self.refusal(&what, half, count_as_real(took_ns) / 1e9 * times)
        })
    }

    /// The words, if an interval reaches further than the tolerance: by `half`, as a log-ratio.
    fn refusal(self, what: &str, half: f64, needed_s: f64) -> Option<String> {
        let budget_s = self.budget.as_secs_f64();
        let would_do_s = (needed_s.max(budget_s) * RESERVE).ceil();
        let budget = if would_do_s < LONGEST_S {
            format!("A budget of {would_do_s:.0} s may do (--budget)")
        } else {
            "No sensible budget would do".to_owned()
        };
        (half > self.tolerance.ln_1p()).then(|| {
            format!(
                "--tolerance {}% is below what can be told on this machine in {budget_s:.0} s: {what} {:.1} % to either \
                 side. {budget}; a tolerance of {:.0} % would (--tolerance), and so would a quieter machine",
                // Tolerances are parts of a million.
                (self.tolerance * 1e6).round() / 1e4,
                half.exp_m1() * 100.0,
                (half.exp_m1() * RESERVE * 100.0).ceil(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::PairFacts;
    use super::super::judge::{self, Question};
    use super::super::metric::Metric;
    use super::*;

    const ASKED: Asked = Asked {
        tolerance: 0.05,
        budget: Duration::from_secs(60),
    };

    /// Pairs around a change, so far to either side.
    fn series(gating: bool, middle: f64, width: f64) -> Series {
        let pair = |step: i32| PairFacts {
            a: 1.0,
            b: 1.0,
            log_ratio: middle + f64::from(step) / 8.0 * width,
            superblock: 0,
            order: "ABBA".into(),
            discarded: None,
        };
        Series {
            metric: Metric::Cpu,
            gating,
            pairs: (-8..=8).map(pair).collect(),
        }
    }

    #[test]
    fn the_spread_of_the_first_pairs_tells_if_there_is_hope() {
        let check = |one: Series, pairs: u64, words: Option<&str>| {
            let found = ASKED.hopeless(&[one], pairs, 1_000_000_000);
            match words {
                None => assert_eq!(found, None),
                Some(words) => assert!(found.clone().unwrap().contains(words), "{found:?}"),
            }
        };
        check(series(true, 0.0, 0.05), 40, None);
        check(series(true, 0.0, 1.0), 40, Some("--tolerance 5% is below"));
        check(series(true, 0.0, 1.0), 4_000, None);
        // Which way they point is not looked at.
        check(series(true, 0.5, 0.05), 40, None);
        check(series(true, 0.5, 1.0), 40, Some("after 17 pairs"));
        check(series(false, 0.0, 1.0), 40, None);
    }

    #[test]
    fn an_interval_that_reaches_beyond_the_tolerance_is_refused() {
        let check = |one: Series, refused: bool| {
            let question = Question {
                tolerance: ASKED.tolerance,
                against_itself: true,
                error: ERROR,
            };
            let metrics = judge::metrics(&[one], question);
            let found = ASKED.too_wide(&metrics, 60_000_000_000);
            assert_eq!(found.is_some(), refused, "{found:?}");
        };
        check(series(true, 0.0, 0.05), false);
        check(series(true, 0.0, 0.5), true);
        check(series(false, 0.0, 0.5), false);
        // That is a false alarm, and no lack of pairs.
        check(series(true, 2.0, 0.5), false);
    }

    #[test]
    fn what_is_advised_is_more_than_what_was_had() {
        let words = ASKED.refusal("it reaches", 0.1, 1.0).unwrap();
        assert!(words.contains("A budget of 90 s"), "{words}");
        let words = ASKED.refusal("it reaches", 0.1, 240.0).unwrap();
        assert!(words.contains("A budget of 360 s"), "{words}");
        assert!(words.contains("a tolerance of 16 %"), "{words}");
        let words = ASKED.refusal("it reaches", 0.1, 1e6).unwrap();
        assert!(words.contains("No sensible budget"), "{words}");
    }
}
