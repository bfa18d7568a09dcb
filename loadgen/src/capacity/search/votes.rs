//! Pure: what several tries at one rate say together.

use super::super::facts::Stage;
use super::{Tried, Vote};

/// The most tries at one rate, after which the majority holds.
pub(super) const MOST_TRIES: u32 = 7;

/// What the tries at one rung say together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Votes {
    pub(super) met: u32,
    missed: u32,
    generator: u32,
    pub(super) retests: u32,
}

impl Votes {
    pub(super) fn count(&mut self, tried: Tried) {
        match tried.vote {
            Vote::Met => self.met += 1,
            Vote::Missed => self.missed += 1,
            Vote::Generator => self.generator += 1,
        }
        self.retests += u32::from(tried.stage == Stage::Retest);
    }

    pub(super) fn not_met(&self) -> u32 {
        self.missed + self.generator
    }

    pub(super) fn total(&self) -> u32 {
        self.met + self.not_met()
    }

    /// The majority; a tie is none.
    fn majority(&self) -> Option<Vote> {
        match self.met.cmp(&self.not_met()) {
            std::cmp::Ordering::Greater => Some(Vote::Met),
            std::cmp::Ordering::Equal => None,
            // Where the server was seen to miss half the time, it is its miss.
            std::cmp::Ordering::Less if self.missed >= self.generator => Some(Vote::Missed),
            std::cmp::Ordering::Less => Some(Vote::Generator),
        }
    }

    /// What is believed while the bracket is wide; `None` asks for another try.
    pub(super) fn opinion(&self) -> Option<Vote> {
        let is_once_missed = self.total() == 1 && self.met == 0;
        self.majority().filter(|_| !is_once_missed)
    }

    /// Whether a retest has left no doubt.
    pub(super) fn is_firm(&self) -> bool {
        let lead = self.met.abs_diff(self.not_met());
        self.retests > u32::from(self.met < self.not_met())
            && (lead >= 2 || self.total() >= MOST_TRIES)
    }
}
