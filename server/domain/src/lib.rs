//! The rules of Waika, pure: no clock, no randomness, no I/O, no lock, no await.
//!
//! Time, ids and verdicts of cryptography are arguments. Given the same account, request,
//! facts, policy and time, the answer is the same; that is what lets a journal be replayed and
//! every rule be tested as a table. Start at [`rules::authorise::decide`].
//!
//! `R…` and `D…` in comments are the numbers of the rules and decisions that a line enforces.

#![deny(clippy::wildcard_enum_match_arm, clippy::float_arithmetic)]

pub mod account;
pub mod card;
pub mod decline;
pub mod event;
pub mod fee;
pub mod fingerprints;
pub mod identifiers;
pub mod identity;
pub mod merchant;
pub mod money;
pub mod notice;
pub mod period;
pub mod policy;
pub mod receipt;
pub mod refusal;
pub mod risk;
pub mod rules;
pub mod sandbox_clock;
pub mod usage;
pub mod version;

/// A value from outside that does not have the shape it must have.
///
/// Its text completes "`field` …", so that an edge can name the field in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct Malformed {
    /// What would have been accepted, such as "must be 1 to 64 characters".
    pub expected: &'static str,
}

impl Malformed {
    /// Says what would have been accepted.
    pub const fn new(expected: &'static str) -> Self {
        Self { expected }
    }
}
