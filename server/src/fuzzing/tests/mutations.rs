//! Changes to inputs, each of which follows from a number.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// No input grows beyond this, in bytes.
const MOST_BYTES: usize = 8 * 1_024;
/// Numbers at which something is likely to end.
const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'"', b'\n'];

pub(super) struct Mutator {
    dice: ChaCha8Rng,
}

impl Mutator {
    pub(super) fn new(number: u64) -> Self {
        Self {
            dice: ChaCha8Rng::seed_from_u64(number),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.dice.random_range(0..bound.max(1))
    }

    /// One of the inputs, changed a few times.
    pub(super) fn change(mut self, kept: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut input = kept[self.below(kept.len())].1.clone();
        for _ in 0..=self.below(4) {
            let other = &kept[self.below(kept.len())].1;
            self.change_once(&mut input, other);
            input.truncate(MOST_BYTES);
        }
        input
    }

    fn change_once(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len());
        let end = (at + 1 + self.below(16)).min(input.len());
        match self.below(8) {
            // Turn a bit over.
            0 => {
                let bit = self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            // Another byte, or one at an edge.
            1 => {
                let byte = self.byte();
                if let Some(place) = input.get_mut(at) {
                    *place = byte;
                }
            }
            // More bytes.
            2 => {
                let bytes: Vec<_> = (0..=self.below(8)).map(|_| self.byte()).collect();
                drop(input.splice(at..at, bytes));
            }
            // Fewer.
            3 => drop(input.drain(at..end)),
            // Said twice, as a repeated field is.
            4 => {
                let again = input[at.min(end)..end].to_vec();
                drop(input.splice(at..at, again));
            }
            // The end of another.
            5 => {
                let begin = self.below(other.len());
                input.truncate(at);
                input.extend_from_slice(&other[begin..]);
            }
            // A piece of another.
            6 => {
                let begin = self.below(other.len());
                let end = (begin + 1 + self.below(64)).min(other.len());
                drop(input.splice(at..at, other[begin.min(end)..end].to_vec()));
            }
            // Cut.
            _ => input.truncate(at),
        }
    }

    fn byte(&mut self) -> u8 {
        let edge = self.below(2 * EDGES.len());
        let any = self.dice.next_u32().to_le_bytes()[0];
        EDGES.get(edge).copied().unwrap_or(any)
    }
}
