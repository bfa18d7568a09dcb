//! Pure: where latency leaves its low level, and where a share crosses what is allowed, on a curve
//! that is made to rise with the load.
//!
//! Isotonic regression (the pool-adjacent-violators algorithm) is the rising curve that is nearest
//! to the points in the mean square: a point that the machine has disturbed weighs no more than its
//! neighbours.

use crate::figures::count_as_real;

/// Above how many times its low level the p99 has left it.
const BAND: f64 = 2.0;

/// One rate, and what was found at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Requests a second.
    pub(crate) rate: f64,
    /// What was found.
    pub(crate) value: f64,
    /// How much it counts.
    pub(crate) weight: f64,
}

/// The rising curve nearest to these points, which are sorted by rate.
pub(crate) fn rising(points: &[Point]) -> Vec<Point> {
    // Blocks of neighbours that have one value: its mean, their weight, how many they are.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for point in points {
        let mut block = (point.value, point.weight, 1);
        while let Some(&(value, weight, count)) = blocks.last()
            && value > block.0
        {
            blocks.pop();
            let both = weight + block.1;
            block.0 = (value * weight + block.0 * block.1) / both.max(f64::MIN_POSITIVE);
            block = (block.0, both, count + block.2);
        }
        blocks.push(block);
    }
    let values = blocks
        .into_iter()
        .flat_map(|(value, _, count)| std::iter::repeat_n(value, count));
    let with = |(point, value): (&Point, f64)| Point { value, ..*point };
    points.iter().zip(values).map(with).collect()
}

/// The rate at which a rising curve comes above `level`, between its points evenly in the logarithm
/// of the rate; `None` if it does not, or is above it from the beginning.
pub(crate) fn crossing(rising: &[Point], level: f64) -> Option<f64> {
    let above = rising.iter().position(|point| point.value > level)?;
    let (below, above) = (rising.get(above.checked_sub(1)?)?, rising.get(above)?);
    let way = (level - below.value) / (above.value - below.value);
    Some(below.rate * (above.rate / below.rate).powf(way))
}

/// A knee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Knee {
    /// Requests a second.
    pub(crate) rate: f64,
    /// The p99 at low load, in nanoseconds.
    pub(crate) low_ns: f64,
    /// The p99 at the knee.
    pub(crate) band_ns: f64,
}

/// Where the p99 leaves twice its low level, which is the median of those at most at half the highest
/// rate that is met. `None` with fewer than two of those, or if it does not.
pub(crate) fn knee(p99: &[Point], highest_met: f64) -> Option<Knee> {
    let is_low = |point: &&Point| point.rate <= highest_met / 2.0;
    let mut low: Vec<f64> = p99.iter().filter(is_low).map(|point| point.value).collect();
    if low.len() < 2 {
        return None;
    }
    low.sort_by(f64::total_cmp);
    let low_ns = low.get((low.len() - 1) / 2).copied()?;
    let band_ns = BAND * low_ns;
    let rate = crossing(&rising(p99), band_ns)?;
    Some(Knee {
        rate,
        low_ns,
        band_ns,
    })
}

/// How that is said.
pub(crate) const METHOD: &str = "the p99 of all steps at a rate, smoothed to rise with the rate, leaves twice its low \
                                 level: the median of those at most at half the highest rate that is met";

/// A point of nanoseconds.
pub(crate) fn point(rate: f64, ns: u64, samples: u64) -> Point {
    Point {
        rate,
        value: count_as_real(ns),
        weight: count_as_real(samples),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        let point = |&(rate, value)| Point {
            rate,
            value,
            weight: 1.0,
        };
        values.iter().map(point).collect()
    }

    #[test]
    fn what_falls_is_pooled() {
        let check = |values: &[f64], expected: &[f64]| {
            let with_rates: Vec<(f64, f64)> = values
                .iter()
                .enumerate()
                .map(|(place, value)| (count_as_real(place as u64 + 1), *value))
                .collect();
            let found: Vec<f64> = rising(&points(&with_rates))
                .iter()
                .map(|point| point.value)
                .collect();
            assert_eq!(found, expected, "{values:?}");
        };
        check(&[], &[]);
        check(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]);
        check(&[1.0, 3.0, 2.0], &[1.0, 2.5, 2.5]);
        check(&[3.0, 2.0, 1.0], &[2.0, 2.0, 2.0]);
        check(&[1.0, 5.0, 3.0, 1.0, 9.0], &[1.0, 3.0, 3.0, 3.0, 9.0]);
    }

    #[test]
    fn much_counts_for_more_than_little() {
        let mut points = points(&[(1.0, 4.0), (2.0, 1.0)]);
        points[1].weight = 3.0;
        let found = rising(&points);
        assert!((found[0].value - 1.75).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_knee_is_where_latency_has_doubled() {
        let check = |values: &[(f64, f64)], highest_met, expected: Option<f64>| {
            let found = knee(&points(values), highest_met).map(|knee| knee.rate);
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    assert!((found / expected - 1.0).abs() < 1e-6, "{values:?}: {found}");
                }
                (found, expected) => assert_eq!(found, expected, "{values:?}"),
            }
        };
        let hockey = [(1e3, 1.0), (2e3, 1.0), (4e3, 1.0), (8e3, 1.0), (16e3, 3.0)];
        // Half of the way from 1 to 3, in the logarithm of the rate.
        check(&hockey, 8e3, Some((8e3_f64 * 16e3).sqrt()));
        // One that was disturbed at low load is not the knee.
        let disturbed = [
            (1e3, 1.0),
            (2e3, 1.2),
            (4e3, 1.1),
            (5e3, 2.1),
            (8e3, 1.4),
            (16e3, 9.0),
        ];
        let found = knee(&points(&disturbed), 8e3).unwrap().rate;
        assert!((8e3..16e3).contains(&found), "{found}");
        // It never rises, or there is too little of low load.
        check(&[(1e3, 1.0), (2e3, 1.0), (4e3, 1.5)], 4e3, None);
        check(&[(1e3, 1.0), (2e3, 9.0)], 1e3, None);
        check(&[], 1e3, None);
    }

    #[test]
    fn a_share_crosses_once() {
        let check = |values: &[(f64, f64)], expected: Option<f64>| {
            assert_eq!(
                crossing(&rising(&points(values)), 0.01),
                expected,
                "{values:?}"
            );
        };
        check(&[(100.0, 0.0), (400.0, 0.02)], Some(200.0));
        check(&[(100.0, 0.02), (400.0, 0.03)], None);
        check(&[(100.0, 0.0), (400.0, 0.01)], None);
    }
}
