//! Held against published examples, and against chance itself.

use proptest::prelude::*;
use rand_distr::{Distribution as _, StandardNormal};

use super::*;
use crate::draw::{Draw, Purpose};

/// Hamilton's depression scale before and after, nine patients (Hollander and Wolfe, table 3.1).
const DIFFERENCES: [f64; 9] = [
    -0.952, 0.147, -1.022, -0.430, -0.620, -0.590, -0.490, 0.080, -0.010,
];

#[test]
fn a_published_example_agrees() {
    let close = |found: f64, published: f64| {
        assert!((found - published).abs() < 5e-4, "{found} {published}");
    };
    close(estimate(&DIFFERENCES).unwrap(), -0.46);
    let (low, high) = interval(&DIFFERENCES, 0.05).unwrap();
    close(low, -0.786);
    close(high, -0.010);
    close(probability_not_below(&DIFFERENCES, 0.0), 0.019_53);
    close(probability_not_above(&DIFFERENCES, 0.0), 1.0 - 0.013_67);
}

#[test]
fn ties_share_ranks_and_zeros_say_nothing() {
    // Ranks 1.5, 1.5 and 3: of eight ways only all plus is as far.
    assert!((probability_not_above(&[1.0, 1.0, 2.0, 0.0], 0.0) - 0.125).abs() < 1e-12);
    // With -1: the sum of minus is at most 1.5 in three of eight ways.
    assert!((probability_not_above(&[1.0, -1.0, 2.0], 0.0) - 0.375).abs() < 1e-12);
    assert!((probability_not_above(&[], 0.0) - 1.0).abs() < 1e-12);
}

#[test]
fn too_few_pairs_have_no_interval() {
    assert_eq!(fewest(0.05), 6);
    for pairs in 0..12_u32 {
        let values: Vec<f64> = (0..pairs).map(f64::from).collect();
        let enough = values.len() >= fewest(0.05);
        assert_eq!(interval(&values, 0.05).is_some(), enough, "{pairs}");
    }
}

#[test]
fn holm_gives_way_claim_by_claim() {
    let check = |probabilities: &[f64], errors: &[f64]| {
        for (found, error) in holm(probabilities, 0.06).iter().zip(errors) {
            assert!((found - error).abs() < 1e-12, "{probabilities:?}: {found}");
        }
    };
    check(&[0.5], &[0.06]);
    check(&[0.001, 0.5, 0.4], &[0.02, 0.03, 0.03]);
    check(&[0.04, 0.001, 0.025], &[0.06, 0.02, 0.03]);
    check(&[0.5, 0.021, 0.9], &[0.02, 0.02, 0.02]);
}

#[test]
fn a_standard_error_is_found_again() {
    let error = standard_error((-1.96, 1.96), 0.05);
    assert!((error - 1.0).abs() < 1e-3);
    assert!((detectable(2.0, 0.025) - 2.0 * (1.96 + 0.8416)).abs() < 1e-2);
}

/// Pairs of a wild kind: mostly near the truth, one in ten five times as far.
fn pairs(random: &mut Draw, count: usize, truth: f64) -> Vec<f64> {
    let mut one = || {
        let far: f64 = StandardNormal.sample(random);
        let kind: f64 = StandardNormal.sample(random);
        truth + far * if kind > 1.2816 { 5.0 } else { 1.0 }
    };
    (0..count).map(|_| one()).collect()
}

#[test]
fn intervals_leave_out_the_truth_as_rarely_as_they_say() {
    const TIMES: u32 = 4_000;
    let mut random = Draw::new(1, Purpose::Comparison, 0);
    for (count, error) in [(8, 0.05), (13, 0.05), (30, 0.05), (30, 0.0025)] {
        let mut left_out = 0;
        for _ in 0..TIMES {
            let (low, high) = interval(&pairs(&mut random, count, 3.0), error).unwrap();
            left_out += u32::from(low > 3.0 || high < 3.0);
        }
        let (found, times) = (f64::from(left_out) / f64::from(TIMES), f64::from(TIMES));
        let chance = 4.0 * (error * (1.0 - error) / times).sqrt();
        assert!(found <= error + chance, "{count}: {found}");
        // Exact, not merely careful: what is whole cannot be finer with eight.
        assert!(found >= error * 0.6 - chance, "{count}: {found}");
    }
}

#[test]
fn what_could_be_seen_is_seen_in_four_of_five() {
    const TIMES: u32 = 1_000;
    let mut random = Draw::new(2, Purpose::Comparison, 0);
    let mean_error: f64 = (0..200)
        .map(|_| {
            let interval = interval(&pairs(&mut random, 30, 0.0), 0.05).unwrap();
            standard_error(interval, 0.05) / 200.0
        })
        .sum();
    let effect = detectable(mean_error, 0.025);
    let mut seen = 0;
    for _ in 0..TIMES {
        let values = pairs(&mut random, 30, effect);
        seen += u32::from(probability_not_above(&values, 0.0) <= 0.025);
    }
    let seen = f64::from(seen) / f64::from(TIMES);
    assert!((0.74..0.88).contains(&seen), "{seen}");
}

proptest! {
    #[test]
    fn estimate_and_interval_move_with_the_pairs(
        values in prop::collection::vec(-1.0..1.0_f64, 6..40),
        by in -1.0..1.0_f64,
    ) {
        let moved: Vec<f64> = values.iter().map(|value| value + by).collect();
        let (low, high) = interval(&values, 0.05).unwrap();
        let middle = estimate(&values).unwrap();
        prop_assert!(low <= middle && middle <= high);
        prop_assert!((estimate(&moved).unwrap() - middle - by).abs() < 1e-9);
        let (moved_low, moved_high) = interval(&moved, 0.05).unwrap();
        prop_assert!((moved_low - low - by).abs() < 1e-9);
        prop_assert!((moved_high - high - by).abs() < 1e-9);
    }

    #[test]
    fn a_bound_below_the_interval_is_as_unlikely_as_its_error(
        values in prop::collection::vec(-1.0..1.0_f64, 6..40),
        bound in -1.0..1.0_f64,
    ) {
        let (low, high) = interval(&values, 0.05).unwrap();
        prop_assert_eq!(low > bound, probability_not_above(&values, bound) <= 0.025);
        prop_assert_eq!(high < bound, probability_not_below(&values, bound) <= 0.025);
    }
}
