//! Pure: in which order the arms are loaded, and with what.
//!
//! A pair is several rounds of four short blocks on two fresh servers, each ABBA or BAAB: what
//! changes evenly over a round, such as a machine that grows warmer, is the same for both arms.
//! Which of the two comes first is drawn, and as often the one as the other.

use crate::draw::{Draw, Purpose};

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The baseline.
    A,
    /// What is held against it.
    B,
}

/// The order of a round's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// A first and last.
    Abba,
    /// B first and last.
    Baab,
}

impl Order {
    /// The order of this round, counted over all pairs: two that follow each other, from an even
    /// one on, have one each.
    pub(crate) fn of(seed: u64, round: u32) -> Self {
        let drawn = Draw::new(seed, Purpose::Comparison, u64::from(round / 2)).next_bits();
        let is_first = round.is_multiple_of(2);
        if (drawn >> 63 == 0) == is_first {
            Self::Abba
        } else {
            Self::Baab
        }
    }

    /// Who is loaded, one after the other.
    pub(crate) fn sides(self) -> [Side; 4] {
        match self {
            Self::Abba => [Side::A, Side::B, Side::B, Side::A],
            Self::Baab => [Side::B, Side::A, Side::A, Side::B],
        }
    }

    /// Its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Abba => "ABBA",
            Self::Baab => "BAAB",
        }
    }
}

/// The orders of a pair's rounds.
pub(crate) fn orders(seed: u64, pair: u32, rounds: u32) -> Vec<Order> {
    let first = pair.saturating_mul(rounds);
    (0..rounds)
        .map(|round| Order::of(seed, first.saturating_add(round)))
        .collect()
}

/// The seed of a pair's people, arrivals and amounts: the same for both arms, another for each
/// pair.
pub(crate) fn plan_seed(seed: u64, pair: u32) -> u64 {
    Draw::new(seed, Purpose::Comparison, (1 << 32) + u64::from(pair)).next_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_arm_is_as_often_first_and_which_is_drawn() {
        let words = |seed| -> Vec<_> { (0..64).map(|pair| Order::of(seed, pair)).collect() };
        for seed in 0..20 {
            let orders = words(seed);
            for two in orders.chunks(2) {
                assert_ne!(two[0], two[1], "seed {seed}");
            }
            let firsts = orders.chunks(2).filter(|two| two[0] == Order::Abba).count();
            assert!((4..28).contains(&firsts), "seed {seed}: {firsts}");
        }
        assert_eq!(words(7), words(7));
        assert_ne!(words(7), words(8));
    }

    #[test]
    fn both_arms_have_two_blocks_around_one_middle() {
        for order in [Order::Abba, Order::Baab] {
            let sides = order.sides();
            let places = |side| -> usize {
                let of_it = sides.iter().enumerate().filter(|(_, one)| **one == side);
                of_it.map(|(place, _)| place).sum()
            };
            assert_eq!(places(Side::A), places(Side::B));
            assert_eq!(order.word().len(), sides.len());
        }
    }

    #[test]
    fn rounds_are_counted_over_all_pairs() {
        let one_by_one: Vec<_> = (0..12).map(|round| Order::of(1, round)).collect();
        let by_pairs: Vec<_> = (0..4).flat_map(|pair| orders(1, pair, 3)).collect();
        assert_eq!(one_by_one, by_pairs);
    }

    #[test]
    fn pairs_have_plans_of_their_own() {
        let seeds: std::collections::BTreeSet<u64> =
            (0..1_000).map(|pair| plan_seed(1, pair)).collect();
        assert_eq!(seeds.len(), 1_000);
        assert_eq!(plan_seed(1, 5), plan_seed(1, 5));
    }
}
