//! What a schedule promises, whatever its shape.

use std::time::Duration;

use super::*;
use crate::clock::SECOND_NS;
use crate::figures::wide_as_real;

fn rate(per_second: u64) -> Rate {
    Rate::from_thousandths(per_second * 1_000).unwrap()
}

/// A schedule of some shape at 1,000 requests a second, measured after so much warming up.
fn shaped(arrivals: Arrivals, shape: &str, seed: u64, lead_s: u64, measured_s: u64) -> Schedule {
    let span = Span {
        lead: Duration::from_secs(lead_s),
        measured: Duration::from_secs(measured_s),
    };
    let shape: RateShape = shape.parse().unwrap();
    let curve = shape.curve(rate(1_000), span).unwrap();
    Schedule::new(arrivals, curve, seed, (lead_s + measured_s) * SECOND_NS)
}

fn dues(schedule: Schedule) -> Vec<u64> {
    let schedule = Arc::new(schedule);
    let mut cursor = Cursor::new(Arc::clone(&schedule));
    let dues: Vec<u64> = (0..schedule.len())
        .map(|i| cursor.due_at(i).unwrap())
        .collect();
    assert_eq!(cursor.due_at(schedule.len()), None);
    dues
}

fn all_of(arrivals: Arrivals, per_second: u64, seed: u64, seconds: u64) -> Vec<u64> {
    let curve = Curve::steady(rate(per_second));
    dues(Schedule::new(arrivals, curve, seed, seconds * SECOND_NS))
}

#[test]
fn constant_arrivals_never_drift() {
    let dues = all_of(Arrivals::Constant, 3, 1, 1_000);
    assert_eq!(dues.len(), 3_000);
    for (index, due) in dues.iter().enumerate() {
        assert_eq!(*due, index as u64 * SECOND_NS / 3);
    }
}

#[test]
fn slow_rates_are_exact() {
    let curve = Curve::steady(Rate::from_thousandths(500).unwrap());
    let schedule = Arc::new(Schedule::new(Arrivals::Constant, curve, 1, 10 * SECOND_NS));
    assert_eq!(schedule.len(), 5);
    assert_eq!(Cursor::new(schedule).due_at(3), Some(6 * SECOND_NS));
}

#[test]
fn poisson_arrivals_keep_their_mean_rate() {
    let dues = all_of(Arrivals::Poisson, 5_000, 11, 40);
    let expected = 200_000.0_f64;
    let deviation = (count_as_real(dues.len() as u64) - expected).abs();
    assert!(deviation < 4.0 * expected.sqrt(), "{} arrivals", dues.len());
    assert!(dues.is_sorted());
    assert!(dues.iter().all(|&due| due < 40 * SECOND_NS));
}

/// Holds gaps against the exponential distribution of this mean: Kolmogorov and Smirnov, at one in a
/// thousand, 1.95 / sqrt(n).
fn check_exponential(gaps: impl Iterator<Item = f64>, mean: f64, what: &str) {
    let mut gaps: Vec<f64> = gaps.collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let count = count_as_real(gaps.len() as u64);
    let distance = gaps.iter().enumerate().fold(0.0_f64, |worst, (rank, gap)| {
        let rank = count_as_real(rank as u64);
        let theory = 1.0 - (-gap / mean).exp();
        let below = (theory - rank / count).abs();
        let above = ((rank + 1.0) / count - theory).abs();
        worst.max(below).max(above)
    });
    assert!(
        distance < 1.95 / count.sqrt(),
        "{what}: distance {distance} over {count} gaps"
    );
}

#[test]
fn poisson_gaps_are_exponential() {
    let dues = all_of(Arrivals::Poisson, 5_000, 3, 20);
    let gaps = dues.windows(2).map(|pair| count_as_real(pair[1] - pair[0]));
    check_exponential(gaps, count_as_real(SECOND_NS) / 5_000.0, "steady");
}

const SHAPES: [&str; 6] = [
    "steady",
    "ramp:200..4000",
    "ramp:4000..200",
    "step:500@10s,3000@3s,1000@1s",
    "burst:500..5000@1s/4s",
    "diurnal:300..3000/7s",
];

#[test]
fn poisson_gaps_are_exponential_in_expected_requests_whatever_the_shape() {
    for shape in SHAPES {
        let curve = shaped(Arrivals::Poisson, shape, 3, 2, 20).curve;
        let dues = dues(shaped(Arrivals::Poisson, shape, 3, 2, 20));
        let gaps = dues.windows(2).map(|pair| {
            let [from, to] = [pair[0], pair[1]].map(|due| curve.area_before(due));
            wide_as_real(to - from) / wide_as_real(REQUEST)
        });
        check_exponential(gaps, 1.0, shape);
    }
}

#[test]
fn every_part_of_a_shape_has_its_mean_rate() {
    let check = |shape: &str, parts: &[(u64, u64, u32)]| {
        for arrivals in [Arrivals::Poisson, Arrivals::Constant] {
            let dues = dues(shaped(arrivals, shape, 9, 2, 20));
            assert!(dues.is_sorted());
            for &(from_s, until_s, expected) in parts {
                let part = from_s * SECOND_NS..until_s * SECOND_NS;
                let found = dues.iter().filter(|due| part.contains(due)).count();
                let off = (count_as_real(found as u64) - f64::from(expected)).abs();
                let most = match arrivals {
                    Arrivals::Poisson => 4.0 * f64::from(expected).sqrt(),
                    Arrivals::Constant => 1.0,
                };
                assert!(off <= most, "{shape}, {part:?}: {found} for {expected}");
            }
        }
    };
    // The first rate holds while warming up.
    check(
        "ramp:200..4200",
        &[(0, 2, 400), (2, 12, 12_000), (12, 22, 32_000)],
    );
    check(
        "step:500@10s,3000@3s,1000@1s",
        &[(0, 12, 6_000), (12, 15, 9_000), (15, 22, 7_000)],
    );
    check(
        "burst:0.5x..5x@1s/4s",
        &[(0, 5, 2_500), (5, 6, 5_000), (6, 9, 1_500), (21, 22, 5_000)],
    );
    check(
        "diurnal:300..3300",
        &[
            (0, 2, 600),
            (2, 22, 36_000),
            (2, 12, 18_000),
            (12, 22, 18_000),
        ],
    );
}

#[test]
fn constant_arrivals_on_a_ramp_are_where_the_integral_says() {
    let schedule = shaped(Arrivals::Constant, "ramp:100..300", 1, 5, 10);
    // 500 while warming up, and (100 + 300) / 2 for ten seconds.
    assert_eq!(schedule.len(), 2_500);
    let found = dues(schedule);
    assert_eq!(found[499], 4_990_000_000);
    for (index, due) in (0_u32..).zip(&found).skip(500) {
        // After t seconds of the ramp 100 t + 10 t² are expected.
        let t = (25.0 + f64::from(index - 500) / 10.0).sqrt() - 5.0;
        let expected = (5.0 + t) * 1e9;
        let off = count_as_real(*due) - expected;
        assert!(off.abs() < 2.0, "{index}: {due} for {expected}");
    }
}

#[test]
fn poisson_counts_vary_as_they_must_over_spans_longer_than_a_block() {
    let dues = all_of(Arrivals::Poisson, 5_000, 5, 200);
    let mut counts = vec![0_f64; 200];
    for due in &dues {
        counts[usize::try_from(due / SECOND_NS).unwrap()] += 1.0;
    }
    let mean = counts.iter().sum::<f64>() / 200.0;
    let variance = counts
        .iter()
        .map(|count| (count - mean).powi(2))
        .sum::<f64>()
        / 199.0;
    // The ratio is chi-square with 199 degrees of freedom over 199: 0.7 to 1.35 is beyond 99.9 %.
    assert!(
        (0.7..1.35).contains(&(variance / mean)),
        "ratio {}",
        variance / mean
    );
}

#[test]
fn the_same_seed_gives_the_same_arrivals_and_another_gives_others() {
    let first = all_of(Arrivals::Poisson, 1_000, 1, 5);
    assert_eq!(first, all_of(Arrivals::Poisson, 1_000, 1, 5));
    assert_ne!(first, all_of(Arrivals::Poisson, 1_000, 2, 5));
}

#[test]
fn a_longer_run_begins_with_the_shorter_one() {
    let short = all_of(Arrivals::Poisson, 700, 1, 3);
    let long = all_of(Arrivals::Poisson, 700, 1, 9);
    assert_eq!(short, long[..short.len()]);
}

#[test]
fn random_access_equals_reading_in_order() {
    for shape in SHAPES {
        for arrivals in [Arrivals::Poisson, Arrivals::Constant] {
            let dues = dues(shaped(arrivals, shape, 4, 1, 5));
            let mut cursor = Cursor::new(Arc::new(shaped(arrivals, shape, 4, 1, 5)));
            for step in 0..200 {
                let index = step * 7_919 % dues.len();
                let found = cursor.due_at(index as u64);
                assert_eq!(found, Some(dues[index]), "{shape}, index {index}");
            }
        }
    }
}

#[test]
fn a_steady_schedule_is_the_one_that_it_always_was() {
    let dues = all_of(Arrivals::Poisson, 1_234, 7, 3);
    let sum = dues.iter().fold(0_u64, |sum, due| sum.rotate_left(7) ^ due);
    assert_eq!((dues.len(), sum), (3_661, 18_208_617_137_617_533_547));
}

#[test]
fn the_mean_rate_is_that_of_the_part_that_is_asked_for() {
    let check = |shape: &str, expected: f64| {
        let schedule = shaped(Arrivals::Constant, shape, 1, 2, 20);
        let found = schedule.mean_rate(2 * SECOND_NS, 22 * SECOND_NS);
        assert!((found - expected).abs() < 0.002, "{shape}: {found}");
    };
    check("steady", 1_000.0);
    check("ramp:500..2000", 1_250.0);
    check("burst:1x..3x@1s/4s", 1_500.0);
}
