//! Events of an account's end: it is closed, and later what was personal in it is erased.

use super::Unbound;
use crate::period::Timestamp;
use crate::refusal::{ClosingRefusal, ErasureRefusal, Refused};

/// An account was closed, or not (decision 0042).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountClosed {
    /// The cards that are bound no longer, oldest first, or why it stays open.
    pub outcome: Result<Box<[Unbound]>, Refused<ClosingRefusal>>,
}

/// The erasure of what is personal in a closed account was begun, or not (decision 0042).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasureBegun {
    /// Whether it was, or why not.
    pub outcome: Result<(), Refused<ErasureRefusal>>,
}

/// The end of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closure {
    /// When it was closed.
    pub closed_at: Timestamp,
    /// What has become of personal data.
    pub erasure: Erasure,
}

impl Closure {
    /// Since when the erasure goes on; None before it and after it.
    pub fn erasure_begun_at(&self) -> Option<Timestamp> {
        if let Erasure::Begun(at) = self.erasure {
            Some(at)
        } else {
            None
        }
    }

    /// When the erasure ended.
    pub fn erased_at(&self) -> Option<Timestamp> {
        if let Erasure::Ended(at) = self.erasure {
            Some(at)
        } else {
            None
        }
    }
}

/// How far the erasure of a closed account's personal data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Nobody has asked for it.
    NotAsked,
    /// It goes on since then.
    Begun(Timestamp),
    /// It ended then.
    Ended(Timestamp),
}
