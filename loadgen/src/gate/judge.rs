//! Pure: what pairs come to, at one look.

use super::facts::{ChangeFacts, ControlFacts, Decision, MetricFacts, PairFacts};
use super::metric::Series;
use super::statistics;
use crate::figures::count_as_real;

/// How often any of a comparison's intervals may leave out the truth, over all looks and metrics.
pub(crate) const ERROR: f64 = 0.05;

/// When a gate looks, as parts of its budget, and each look's part of [`ERROR`]. They are planned
/// before the first pair, and add up to one: however the pairs depend on each other from look to
/// look, all of them together err no more often than [`ERROR`] says.
pub(crate) const LOOKS: [(f64, f64); 3] = [(0.4, 0.05), (0.7, 0.15), (1.0, 0.8)];

/// A comparison with itself, or of stored runs, looks once.
pub(crate) const ONE_LOOK: [(f64, f64); 1] = [(1.0, 1.0)];

/// What is asked of the pairs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// The change that is allowed.
    pub(crate) tolerance: f64,
    /// Whether there is any difference, instead of whether B is worse.
    pub(crate) against_itself: bool,
    /// How often all intervals of this look together may leave out the truth.
    pub(crate) error: f64,
}

/// Every metric, judged; those that decide share the error by Holm's rule.
pub(crate) fn metrics(all: &[Series], question: Question) -> Vec<MetricFacts> {
    let gating: Vec<f64> = all
        .iter()
        .filter(|series| series.gating)
        .map(|series| probability(&series.used(), question))
        .collect();
    let mut errors = statistics::holm(&gating, question.error).into_iter();
    let judged = all.iter().map(|series| {
        let shared = if series.gating { errors.next() } else { None };
        let error = shared.unwrap_or(question.error);
        one(series, Question { error, ..question })
    });
    judged.collect()
}

/// What the metrics that decide come to together.
pub(crate) fn together(metrics: &[MetricFacts]) -> Decision {
    let has = |verdict| metrics.iter().any(|metric| metric.verdict == verdict);
    if has(Decision::Regressed) {
        Decision::Regressed
    } else if has(Decision::Inconclusive) {
        Decision::Inconclusive
    } else {
        Decision::Passed
    }
}

/// Something that must not differ, judged.
pub(crate) fn control(
    pairs: &[PairFacts],
    tolerance: f64,
    (label, unit): (&str, &str),
) -> ControlFacts {
    let series = Series {
        metric: super::metric::Metric::Cpu,
        gating: false,
        pairs: pairs.to_vec(),
    };
    let used = series.used();
    let interval = statistics::interval(&used, ERROR);
    let bound = tolerance.ln_1p();
    ControlFacts {
        label: label.to_owned(),
        unit: unit.to_owned(),
        change: change(&series, tolerance, ERROR),
        moved: interval.is_some_and(|(low, high)| low > bound || high < -bound),
    }
}

/// How the pairs that are used changed, with an interval that errs so often.
fn change(series: &Series, tolerance: f64, error: f64) -> ChangeFacts {
    let used = series.used();
    let interval = statistics::interval(&used, error);
    ChangeFacts {
        used: used.len(),
        a_median: series.median_of(|pair| pair.a),
        b_median: series.median_of(|pair| pair.b),
        estimate: statistics::estimate(&used).map(f64::exp_m1),
        low: interval.map(|(low, _)| low.exp_m1()),
        high: interval.map(|(_, high)| high.exp_m1()),
        level: 1.0 - error,
        tolerance,
    }
}

/// The probability of pairs like these where nothing is to be claimed, two-sided.
fn probability(used: &[f64], question: Question) -> f64 {
    let bound = bound(question);
    let above = statistics::probability_not_above(used, bound);
    if question.against_itself {
        let below = statistics::probability_not_below(used, bound);
        return (2.0 * above.min(below)).min(1.0);
    }
    // Only one of the interval's two ends can claim a regression.
    (2.0 * above).min(1.0)
}

fn bound(question: Question) -> f64 {
    if question.against_itself {
        return 0.0;
    }
    question.tolerance.ln_1p()
}

fn one(series: &Series, question: Question) -> MetricFacts {
    let (used, error) = (series.used(), question.error);
    let bound = bound(question);
    let interval = statistics::interval(&used, error);
    let standard_error = interval.map(|interval| statistics::standard_error(interval, error));
    let verdict = match interval {
        _ if !series.gating => Decision::Advisory,
        Some((low, _)) if low > bound => Decision::Regressed,
        Some((_, high)) if question.against_itself => {
            if high < bound {
                Decision::Regressed
            } else {
                Decision::Passed
            }
        }
        Some((_, high)) if high < bound => Decision::Passed,
        None | Some(_) => Decision::Inconclusive,
    };
    MetricFacts {
        name: series.metric.name().to_owned(),
        label: series.metric.label().to_owned(),
        unit: "ns".to_owned(),
        gating: series.gating,
        change: change(series, question.tolerance, error),
        pairs: series.pairs.clone(),
        p_value: (!used.is_empty()).then_some(if question.against_itself {
            probability(&used, question)
        } else {
            statistics::probability_not_above(&used, bound)
        }),
        verdict,
        detectable: standard_error
            .map(|own| (bound + statistics::detectable(own, error / 2.0)).exp_m1()),
        spread: standard_error.map(|own| own * count_as_real(used.len() as u64).sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution as _, StandardNormal};

    use super::super::metric::Metric;
    use super::*;
    use crate::draw::{Draw, Purpose};

    fn series(gating: bool, ratios: &[f64]) -> Series {
        let pair = |ratio: &f64| PairFacts {
            a: 100.0,
            b: 100.0 * ratio.exp(),
            log_ratio: *ratio,
            superblock: 0,
            order: "ABBA".into(),
            discarded: None,
        };
        Series {
            metric: Metric::Cpu,
            gating,
            pairs: ratios.iter().map(pair).collect(),
        }
    }

    fn around(middle: f64) -> Vec<f64> {
        (-10..=10)
            .map(|step| middle + f64::from(step) * 0.002)
            .collect()
    }

    #[test]
    fn the_interval_and_the_tolerance_decide() {
        let check = |all: &[Series], against_itself: bool, decision: Decision| {
            let question = Question {
                tolerance: 0.05,
                against_itself,
                error: ERROR,
            };
            assert_eq!(together(&metrics(all, question)), decision);
        };
        let (same, at, worse) = (
            series(true, &around(0.0)),
            series(true, &around(0.049)),
            series(true, &around(0.1)),
        );
        check(std::slice::from_ref(&same), false, Decision::Passed);
        check(std::slice::from_ref(&at), false, Decision::Inconclusive);
        check(std::slice::from_ref(&worse), false, Decision::Regressed);
        check(&[series(true, &around(-0.1))], false, Decision::Passed);
        check(
            &[series(true, &around(0.1)[..4])],
            false,
            Decision::Inconclusive,
        );
        check(&[same.clone(), worse.clone()], false, Decision::Regressed);
        check(&[same.clone(), at.clone()], false, Decision::Inconclusive);
        // What decides nothing decides nothing.
        check(
            &[same.clone(), series(false, &around(0.1))],
            false,
            Decision::Passed,
        );
        check(&[same], true, Decision::Passed);
        check(&[at], true, Decision::Regressed);
        check(&[series(true, &around(-0.1))], true, Decision::Regressed);
    }

    #[test]
    fn the_p_value_is_of_one_side_and_reaches_one() {
        let p = |middle: f64, against_itself: bool| {
            let question = Question {
                tolerance: 0.05,
                against_itself,
                error: ERROR,
            };
            metrics(&[series(true, &around(middle))], question)[0]
                .p_value
                .unwrap()
        };
        // No pair is above the tolerance; half of them are; all are.
        assert!(p(-0.1, false) > 0.999);
        assert!((p(0.05_f64.ln_1p(), false) - 0.5).abs() < 0.05);
        assert!(p(0.1, false) < 1e-5);
        assert!(p(0.0, true) > 0.9 && p(0.1, true) < 1e-5);
    }

    #[test]
    fn pairs_that_are_not_used_say_nothing() {
        let mut worse = series(true, &around(0.0));
        for pair in worse.pairs.iter_mut().skip(10) {
            pair.log_ratio = 3.0;
            pair.discarded = Some("stolen".to_owned());
        }
        let question = Question {
            tolerance: 0.05,
            against_itself: false,
            error: ERROR,
        };
        let judged = metrics(&[worse], question);
        assert_eq!((judged[0].change.used, judged[0].pairs.len()), (10, 21));
        assert_eq!(judged[0].verdict, Decision::Passed);
    }

    #[test]
    fn a_control_may_move_neither_way() {
        let check = |middle: f64, moved: bool| {
            let pairs = series(false, &around(middle)).pairs;
            assert_eq!(control(&pairs, 0.05, ("health", "ns")).moved, moved);
        };
        check(0.0, false);
        check(0.05, false);
        check(0.1, true);
        check(-0.1, true);
    }

    /// Looks as a gate does, at 10, 18 and 26 pairs; what came of it.
    fn gate(random: &mut Draw, truth: f64) -> Decision {
        let ratios: Vec<f64> = (0..26)
            .map(|_| {
                let noise: f64 = StandardNormal.sample(random);
                truth + 0.03 * noise
            })
            .collect();
        for ((_, part), pairs) in LOOKS.iter().zip([10, 18, 26]) {
            let question = Question {
                tolerance: 0.05,
                against_itself: false,
                error: ERROR * part,
            };
            let decision = together(&metrics(&[series(true, &ratios[..pairs])], question));
            if decision != Decision::Inconclusive {
                return decision;
            }
        }
        Decision::Inconclusive
    }

    #[test]
    fn looking_thrice_is_wrong_no_more_often_than_looking_once() {
        const TIMES: u32 = 2_000;
        let mut random = Draw::new(3, Purpose::Comparison, 0);
        let mut share = |truth: f64, of: Decision| {
            let found = (0..TIMES)
                .filter(|_| gate(&mut random, truth) == of)
                .count();
            count_as_real(found as u64) / f64::from(TIMES)
        };
        // Just tolerated: each wrong claim is half of the error, 2.5 %, and some chance.
        let at = 0.05_f64.ln_1p();
        assert!(share(at, Decision::Regressed) < 0.036);
        assert!(share(at, Decision::Passed) < 0.036);
        assert!(share(0.1_f64.ln_1p(), Decision::Regressed) > 0.99);
        assert!(share(0.0, Decision::Passed) > 0.99);
    }

    #[test]
    fn looks_share_one_error() {
        let sum: f64 = LOOKS.iter().map(|(_, part)| part).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert!(LOOKS.is_sorted_by_key(|(at, _)| *at));
    }
}
