//! Pure: Wilcoxon's signed-rank distribution.
//!
//! If the pairs are independent and lie symmetrically about the true change, so far above it as
//! likely as so far below, each rank has its sign by the toss of a coin: so the sum of those with a
//! plus is known exactly, whatever the pairs' distribution is otherwise. That its median is the true
//! change is not enough.

use super::normal;
use crate::figures::{count_as_real, real_as_count};

/// From more pairs on, the sum is as good as normal.
const MOST_EXACT: usize = 200;

/// How likely a sum of ranks with a plus is, if each has its sign by the toss of a coin.
#[derive(Debug)]
pub(super) enum SignedRank {
    /// For each sum of doubled ranks, how likely it or a smaller one is.
    Exact(Vec<f64>),
    /// The mean and the standard deviation of the sum of doubled ranks.
    Normal(f64, f64),
}

impl SignedRank {
    /// Without ties, of so many pairs.
    pub(super) fn of(pairs: usize) -> Self {
        let ranks: Vec<usize> = (1..=pairs).map(|rank| 2 * rank).collect();
        Self::of_doubled(&ranks)
    }

    /// Of these ranks, each doubled so that the middle of two is whole.
    pub(super) fn of_doubled(ranks: &[usize]) -> Self {
        if ranks.len() > MOST_EXACT {
            let real = |rank: &usize| count_as_real(*rank as u64);
            let sum: f64 = ranks.iter().map(real).sum();
            let squares: f64 = ranks.iter().map(|rank| real(rank).powi(2)).sum();
            return Self::Normal(sum / 2.0, squares.sqrt() / 2.0);
        }
        let largest: usize = ranks.iter().sum();
        let mut likely = vec![0.0; largest + 1];
        if let Some(none) = likely.first_mut() {
            *none = 1.0;
        }
        for &rank in ranks {
            let before = likely.clone();
            for (sum, likely) in likely.iter_mut().enumerate() {
                let with = sum.checked_sub(rank).and_then(|rest| before.get(rest));
                *likely = 0.5 * (*likely + with.copied().unwrap_or(0.0));
            }
        }
        let mut below = 0.0;
        for likely in &mut likely {
            below += *likely;
            *likely = below;
        }
        Self::Exact(likely)
    }

    /// How likely a sum of at most this many doubled ranks is.
    pub(super) fn at_most(&self, sum: usize) -> f64 {
        match self {
            Self::Exact(likely) => likely.get(sum).copied().unwrap_or(1.0).min(1.0),
            // Whole ranks lie two apart.
            Self::Normal(mean, deviation) => {
                normal::above((mean - count_as_real(sum as u64) - 1.0) / deviation)
            }
        }
    }

    /// The largest sum of whole ranks that with all smaller ones is at most so likely; `None` if
    /// even 0 is likelier.
    pub(super) fn largest_within(&self, probability: f64) -> Option<usize> {
        let most = match self {
            Self::Exact(likely) => likely.len() / 2,
            Self::Normal(mean, _) => usize::try_from(real_as_count(*mean)).unwrap_or(usize::MAX),
        };
        // Likelier with each step, so halving finds it.
        let (mut found, mut beyond) = (None, most + 1);
        let mut from = 0;
        while from < beyond {
            let middle = from.midpoint(beyond);
            if self.at_most(2 * middle) <= probability {
                found = Some(middle);
                from = middle + 1;
            } else {
                beyond = middle;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_tables_agree() {
        let check = |pairs: usize, sum: usize, probability: f64| {
            let found = SignedRank::of(pairs).at_most(2 * sum);
            assert!((found - probability).abs() < 5e-5, "{pairs} {sum}: {found}");
        };
        check(5, 0, 0.031_25);
        check(6, 0, 0.015_625);
        check(8, 3, 0.019_53);
        check(10, 8, 0.024_41);
        check(10, 10, 0.041_99);
        check(15, 25, 0.024_00);
        check(20, 52, 0.024_18);
    }

    #[test]
    fn published_critical_values_agree() {
        // Two-sided, 5 %.
        for (pairs, sum) in [
            (6, Some(0)),
            (10, Some(8)),
            (20, Some(52)),
            (30, Some(137)),
            (50, Some(434)),
            (5, None),
        ] {
            assert_eq!(SignedRank::of(pairs).largest_within(0.025), sum, "{pairs}");
        }
    }

    #[test]
    fn many_pairs_are_as_good_as_normal() {
        let exact = SignedRank::of(MOST_EXACT);
        let ranks: Vec<usize> = (1..=MOST_EXACT).map(|rank| 2 * rank).collect();
        let squares: usize = ranks.iter().map(|rank| rank * rank).sum();
        let sum: usize = ranks.iter().sum();
        let normal = SignedRank::Normal(
            count_as_real(sum as u64) / 2.0,
            count_as_real(squares as u64).sqrt() / 2.0,
        );
        for probability in [0.2, 0.025, 0.005] {
            let (a, b) = (
                exact.largest_within(probability).unwrap(),
                normal.largest_within(probability).unwrap(),
            );
            assert!(a.abs_diff(b) <= 20, "{a} {b}");
        }
    }
}
