//! A distribution as a curve: times by percentile, as far as the samples support it.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::percentile;
use crate::figures::count_as_real;

/// Points in each nine: between 0 and 90 %, between 90 and 99 %, and so on.
const POINTS_A_NINE: u32 = 20;

/// The most nines that are shown: 99.999 %.
const MOST_NINES: u32 = 5;

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CurvePoint {
    /// From 0 to 1.
    pub(crate) quantile: f64,
    /// This share of the samples was not longer.
    pub(crate) ns: u64,
}

/// How far a quantile is from 1, in powers of ten: 1 for 0.9, 2 for 0.99.
pub(crate) fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// At most 102 points, evenly spread over the nines, up to the last percentile that the samples
/// support; empty without samples.
pub(crate) fn points(histogram: &Histogram<u64>) -> Vec<CurvePoint> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let steps = (0..=POINTS_A_NINE * MOST_NINES).map(|step| {
        let nines = f64::from(step) / f64::from(POINTS_A_NINE);
        1.0 - 10.0_f64.powf(-nines)
    });
    let supported = supported(histogram.len());
    let last = (nines(supported) < f64::from(MOST_NINES)).then_some(supported);
    steps
        .take_while(|&step| step < supported)
        .chain(last)
        .filter_map(|quantile| {
            let ns = percentile(histogram, quantile)?;
            Some(CurvePoint { quantile, ns })
        })
        .collect()
}

/// The last quantile that so many samples support: the inverse of what [`percentile`] asks for.
fn supported(samples: u64) -> f64 {
    // Less by a hair, for rounding must not ask for one sample more.
    (0.01_f64.ln() / count_as_real(samples)).exp() - 1e-12
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Times;

    fn of_so_many(count: u64) -> Histogram<u64> {
        let mut histogram = Times::new().response;
        for value in 1..=count {
            histogram.saturating_record(value * value % 999_983 + 1_000);
        }
        histogram
    }

    #[test]
    fn a_curve_rises_and_ends_where_its_support_does() {
        for count in [1, 2, 7, 44, 459, 460, 4_603, 100_000, 1_000_000] {
            let histogram = of_so_many(count);
            let points = points(&histogram);
            assert!(!points.is_empty() && points.len() <= 102, "{count}");
            assert!(points.is_sorted_by(|a, b| a.quantile < b.quantile && a.ns <= b.ns));
            for point in &points {
                let shown = percentile(&histogram, point.quantile);
                assert_eq!(shown, Some(point.ns), "{count} samples, {point:?}");
            }
        }
    }

    #[test]
    fn a_curve_goes_as_far_as_its_samples() {
        let check = |count, least: f64, most: f64| {
            let last = points(&of_so_many(count)).last().unwrap().quantile;
            assert!((least..=most).contains(&last), "{count} samples: {last}");
        };
        check(1, 0.009_999, 0.01);
        check(459, 0.99, 0.9901);
        check(458, 0.989, 0.99);
        check(46_050, 0.9999, 0.999_91);
        check(1_000_000, 0.99999, 0.999_990_1);
    }

    #[test]
    fn nothing_measured_has_no_curve() {
        assert!(points(&of_so_many(0)).is_empty());
    }

    #[test]
    fn nines_count_the_nines() {
        let check = |quantile, expected: f64| assert!((nines(quantile) - expected).abs() < 1e-9);
        check(0.0, 0.0);
        check(0.9, 1.0);
        check(0.99, 2.0);
        check(0.9999, 4.0);
    }
}
