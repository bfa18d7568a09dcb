//! Everything that the issuer draws: a pure function of the seed and of what is asked, so that
//! two processes with one seed do the same, in whatever order they are asked.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// Shares are counted in parts of this many.
pub(crate) const WHOLE: u32 = 1_000_000_000;

/// What is drawn. Each has draws of its own, so that trouble does not follow latency. The numbers
/// never change: the seed's plan hangs on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draw {
    /// How long an answer takes.
    Latency = 1,
    /// Whether something goes wrong, and what.
    Trouble = 2,
    /// No draw: which card a transaction is of, in the books.
    Card = 3,
    /// No draw: which advice a reversal is, in the books.
    Reversal = 4,
}

/// Draws by a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    /// Draws by this seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Two numbers, each evenly spread over all 64 bits, for a card (or what stands for one) and
    /// a key.
    pub(crate) fn draw(self, draw: Draw, card: &[u8], key: &[u8]) -> [u64; 2] {
        let mut hasher = SipHasher13::new_with_keys(self.seed, draw as u64);
        hasher.write_u64(card.len() as u64);
        hasher.write(card);
        hasher.write(key);
        let hash = hasher.finish128();
        [hash.h1, hash.h2]
    }
}

/// True for a share of all numbers, in parts of [`WHOLE`].
pub(crate) fn falls_within(number: u64, share: u32) -> bool {
    place(number) < share
}

/// Where a number falls among [`WHOLE`] places.
pub(crate) fn place(number: u64) -> u32 {
    let scaled = (u128::from(number) * u128::from(WHOLE)) >> 64;
    // Below WHOLE by what was just computed.
    u32::try_from(scaled).unwrap_or(WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_follows_from_seed_subject_card_and_key() {
        let chance = Chance::new(7);
        let drawn = chance.draw(Draw::Latency, b"card", b"key");
        assert_eq!(Chance::new(7).draw(Draw::Latency, b"card", b"key"), drawn);
        for other in [
            Chance::new(8).draw(Draw::Latency, b"card", b"key"),
            chance.draw(Draw::Trouble, b"card", b"key"),
            chance.draw(Draw::Latency, b"cards", b"key"),
            chance.draw(Draw::Latency, b"card", b"keys"),
            chance.draw(Draw::Latency, b"cardk", b"ey"),
        ] {
            assert_ne!(other, drawn);
        }
    }

    #[test]
    fn the_seed_s_plan_never_changes() {
        let drawn = Chance::new(1).draw(Draw::Latency, b"0-1", b"k");
        assert_eq!(
            drawn,
            [16_244_713_109_641_956_571, 3_039_732_446_998_619_378]
        );
    }

    #[test]
    fn places_are_spread_evenly() {
        assert_eq!((place(0), place(u64::MAX)), (0, WHOLE - 1));
        assert_eq!(place(1 << 63), WHOLE / 2);
        assert!(!falls_within(0, 0) && falls_within(u64::MAX, WHOLE));
        let within = (0..100_000_u32).filter(|number| {
            let [drawn, _] = Chance::new(1).draw(Draw::Trouble, b"c", &number.to_le_bytes());
            falls_within(drawn, WHOLE / 100)
        });
        let within = within.count();
        assert!((900..1_100).contains(&within), "{within} of 100,000 at 1 %");
    }
}
