//! The end of an account (decision 0042).

use super::{Account, Rare};
use crate::event::{AccountClosed, Closure, Erasure, ErasureBegun};
use crate::period::Timestamp;

impl Account {
    /// How it ended; None while it is open.
    pub fn closure(&self) -> Option<Closure> {
        self.rare.as_ref().and_then(|rare| rare.closure)
    }

    /// Amounts stay, and what later reversals are held against; whatever says who this was goes.
    pub(super) fn apply_closed(&mut self, closed: &AccountClosed, at: Timestamp) {
        if closed.outcome.is_err() {
            return;
        }
        let rare = std::mem::take(self.rare());
        let kept = Rare {
            reversed_ahead: rare.reversed_ahead,
            balance: rare.balance,
            stood_in: rare.stood_in,
            closure: Some(Closure {
                closed_at: at,
                erasure: Erasure::NotAsked,
            }),
            ..Rare::default()
        };
        *self = Self {
            usage: self.usage,
            last_sequence: self.last_sequence,
            rare: Some(Box::new(kept)),
            ..Self::open(self.region)
        };
    }

    pub(super) fn apply_erasure_begun(&mut self, begun: ErasureBegun, at: Timestamp) {
        if begun.outcome.is_ok() {
            self.apply_erasure(Erasure::Begun(at));
        }
    }

    pub(super) fn apply_erasure(&mut self, erasure: Erasure) {
        if let Some(closure) = self.rare.as_mut().and_then(|rare| rare.closure.as_mut()) {
            closure.erasure = erasure;
        }
    }
}
