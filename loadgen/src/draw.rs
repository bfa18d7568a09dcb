//! Pure: randomness as a function of what is asked for, never of what was asked before.
//!
//! A [`Draw`] is opened for (seed, purpose, index) and gives the same numbers wherever and whenever
//! it is opened. That is what makes request `i` computable without computing those before it, on
//! any worker and any host. The generator is `SplitMix64`, whose state is one addition per number; it
//! is for shaping traffic and hides nothing.

use std::convert::Infallible;

use rand::rand_core::TryRng;

/// What a draw is for. Each has numbers of its own under the same seed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// How many arrivals a block of time holds, and when.
    Arrivals,
    /// Who pays whom, how much, and how.
    Request,
    /// What an arrival is there for.
    Errand,
    /// Which earlier request a duplicate repeats.
    Duplicate,
    /// A person and their card.
    Person,
    /// The card that an arrival binds and unbinds.
    SecondCard,
    /// The phone that it does so with.
    SecondPhone,
    /// A merchant.
    Merchant,
    /// The permutation that scatters popular accounts.
    Scatter,
    /// Which blocks of time a difference between hosts is looked for in again.
    Likeness,
    /// The order of blocks, and the plans that both arms of a comparison follow.
    Comparison,
}

impl Purpose {
    fn salt(self) -> u64 {
        match self {
            Self::Arrivals => 0x61_7272,
            Self::Request => 0x72_6571,
            Self::Errand => 0x65_7272,
            Self::Duplicate => 0x64_7570,
            Self::Person => 0x70_6572,
            Self::SecondCard => 0x63_6172,
            Self::SecondPhone => 0x70_686f,
            Self::Merchant => 0x6d_6572,
            Self::Scatter => 0x73_6361,
            Self::Likeness => 0x6c_696b,
            Self::Comparison => 0x63_6d70,
        }
    }
}

/// The streams of one seed and purpose, for those who open many of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    salted: u64,
}

impl Draws {
    /// The streams of this seed and purpose.
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        Self {
            salted: mix(seed ^ mix(purpose.salt())),
        }
    }

    /// Opens the stream of one index.
    pub(crate) fn at(self, index: u64) -> Draw {
        Draw {
            state: mix(self.salted ^ mix(index.wrapping_add(0x5851_f42d_4c95_7f2d))),
        }
    }
}

/// A stream of numbers that depends on nothing but its seed, purpose and index.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    /// Opens the stream for one purpose and index.
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        Draws::new(seed, purpose).at(index)
    }

    /// The next 64 bits.
    pub(crate) fn next_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `bound`, or 0 if `bound` is 0. Its bias is below 2⁻³² for bounds below 2³².
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_bits()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// True with a probability of `parts` in a million.
    pub(crate) fn chance(&mut self, parts: u32) -> bool {
        self.below(1_000_000) < u64::from(parts)
    }
}

/// A number that stands for some others in their order: for telling whether two runs are alike.
pub(crate) fn digest(numbers: &[u64]) -> u64 {
    numbers.iter().fold(
        0x7761_696b_6131,
        |so_far, number| mix(so_far ^ mix(*number)),
    )
}

impl TryRng for Draw {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.next_bits() >> 32).unwrap_or(0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_bits())
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for chunk in target.chunks_mut(8) {
            let bytes = self.next_bits().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
        Ok(())
    }
}

/// A fixed shuffle of the numbers below `size`, computed for one number at a time.
///
/// A four-round Feistel network over the next even power of two, walked until it lands inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permutation {
    size: u64,
    half_bits: u32,
    key: u64,
}

impl Permutation {
    /// The shuffle of the numbers below `size` under `seed`.
    pub(crate) fn new(seed: u64, size: u64) -> Self {
        let bits = 64 - size.saturating_sub(1).leading_zeros();
        Self {
            size,
            half_bits: bits.div_ceil(2).max(1),
            key: Draw::new(seed, Purpose::Scatter, size).next_bits(),
        }
    }

    /// Where `value` goes; values at or beyond the size stay where they are.
    pub(crate) fn apply(&self, value: u64) -> u64 {
        if value >= self.size {
            return value;
        }
        let mut walked = self.round_trip(value);
        while walked >= self.size {
            walked = self.round_trip(walked);
        }
        walked
    }

    fn round_trip(&self, value: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in 0..4_u64 {
            let scrambled = mix(right ^ self.key.wrapping_add(round << 56)) & mask;
            (left, right) = (right, left ^ scrambled);
        }
        (left << self.half_bits) | right
    }
}

/// The finaliser of `SplitMix64`: every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer() {
        let ask = || Draw::new(7, Purpose::Request, 42).next_bits();
        assert_eq!(ask(), ask());
        assert_ne!(ask(), Draw::new(8, Purpose::Request, 42).next_bits());
        assert_ne!(ask(), Draw::new(7, Purpose::Person, 42).next_bits());
        assert_ne!(ask(), Draw::new(7, Purpose::Request, 43).next_bits());
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut seen = [0_u32; 7];
        for index in 0..7_000 {
            let value = Draw::new(1, Purpose::Request, index).below(7);
            seen[usize::try_from(value).unwrap()] += 1;
        }
        assert!(
            seen.iter().all(|count| (850..1_150).contains(count)),
            "{seen:?}"
        );
        assert_eq!(Draw::new(1, Purpose::Request, 0).below(0), 0);
    }

    #[test]
    fn a_permutation_hits_every_place_once() {
        for size in [1, 2, 3, 10, 1_000, 4_096, 4_097] {
            let shuffle = Permutation::new(9, size);
            let mut places: Vec<u64> = (0..size).map(|value| shuffle.apply(value)).collect();
            places.sort_unstable();
            assert_eq!(places, (0..size).collect::<Vec<_>>(), "size {size}");
        }
    }

    #[test]
    fn a_permutation_leaves_few_where_they_were() {
        let shuffle = Permutation::new(3, 10_000);
        let fixed = (0..10_000)
            .filter(|&value| shuffle.apply(value) == value)
            .count();
        assert!(fixed < 10, "{fixed} of 10,000 did not move");
    }
}
