//! Pure: what was asked and what was told, as plain numbers: all that the oracle sees of a call.
//!
//! The hot path fills these in from indices and from bytes on the wire, so none of them owns
//! anything, and none holds a secret.

use super::calendar::Month;

/// A call that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Index of the arrival that the call belongs to.
    pub(crate) index: u64,
    /// Index of the arrival whose idempotency key it carries; another one for a duplicate.
    pub(crate) key: u64,
    /// Place of the account among the payers.
    pub(crate) account: u64,
    /// What it asks for.
    pub(crate) what: What,
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A payment.
    Authorise {
        /// The price, in fen.
        amount_fen: u64,
        /// It carries a password that is not the account's.
        wrong_password: bool,
        /// A payment code stands for account, card and password (D10).
        by_code: bool,
    },
    /// An authorisation is to be given back before it settles.
    Reverse {
        /// Principal to give back, in fen; 0 for all that remains.
        back_fen: u64,
        /// What is to be given back.
        original: Original,
    },
    /// An authorisation is to settle now.
    Settle,
    /// An authorisation is to be given back after it settled.
    Refund {
        /// Principal to give back, in fen; 0 for all that remains.
        back_fen: u64,
        /// What is to be given back.
        original: Original,
    },
    /// A card more.
    Bind,
    /// A card fewer.
    Unbind,
    /// Something that neither spends nor binds, such as a code for a phone.
    Other,
}

/// What a later call has to know of the approval that it goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    /// Its principal, in fen.
    pub(crate) of_fen: u64,
    /// Its fee as the approval told it, in fen.
    pub(crate) fee_fen: u64,
    /// The month that it was counted in.
    pub(crate) month: Month,
    /// When it was decided, in seconds since 1970.
    pub(crate) decided_at_s: i64,
}

/// What an answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A payment was decided.
    Decision(Decision),
    /// A reversal or a refund gave something back.
    Reversed(Reversed),
    /// A reversal, refund, settlement, bind or unbind was refused.
    Refused(Refusal),
    /// It was done, and there is nothing more to it: settled, bound, unbound, sent.
    Done,
    /// An error of a kind that promises that nothing was written: `RESOURCE_EXHAUSTED`,
    /// `INVALID_ARGUMENT`, `NOT_FOUND`, `ALREADY_EXISTS`, `PERMISSION_DENIED`, `UNAUTHENTICATED`,
    /// `UNIMPLEMENTED`. The audit finds out if the promise was a lie.
    NotDone,
}

/// The decision on a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// It was given before for the same key.
    pub(crate) replayed: bool,
    /// Approved, or declined.
    pub(crate) approved: bool,
    /// Number of the `DeclineReason`; 0 if it was approved.
    pub(crate) reason: i32,
    /// Principal, in fen.
    pub(crate) amount_fen: i64,
    /// Fee, in fen.
    pub(crate) fee_fen: i64,
    /// Both, in fen.
    pub(crate) total_fen: i64,
    /// When it was decided, in seconds since 1970.
    pub(crate) decided_at_s: i64,
    /// [`super::id_hash`] of the authorisation id's bytes.
    pub(crate) id_hash: u128,
    /// [`super::body_hash`] of the bytes of field 1, all of which a replay repeats; 0 where
    /// [`super::Oracle::compares_bodies`] says that it is not wanted.
    pub(crate) body_hash: u64,
    /// The month's limit after an approval.
    pub(crate) month: Window,
    /// The year's limit after an approval.
    pub(crate) year: Window,
    /// Account and card named in it are those that were asked for.
    pub(crate) is_for: bool,
}

impl Decision {
    /// What a later reversal or refund of this approval has to carry.
    pub(crate) fn as_original(&self) -> Original {
        Original {
            of_fen: self.amount_fen.unsigned_abs(),
            fee_fen: self.fee_fen.unsigned_abs(),
            month: self.counted_in(),
            decided_at_s: self.decided_at_s,
        }
    }

    /// The month that an approval was counted in: the one whose end it tells, for money that was
    /// held before midnight stays in the month before it whenever the issuer answers (C2).
    pub(crate) fn counted_in(&self) -> Month {
        Month::at(self.counted_at_s())
    }

    /// An instant of that month.
    pub(super) fn counted_at_s(&self) -> i64 {
        match self.month.ends_at_s {
            0 => self.decided_at_s,
            end_s => end_s.saturating_sub(1),
        }
    }
}

/// A limit as an approval tells it, after itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// The most that may be used, in fen.
    pub(crate) limit_fen: i64,
    /// What is used, in fen.
    pub(crate) used_fen: i64,
    /// What remains, in fen.
    pub(crate) remaining_fen: i64,
    /// `resets_at`: when the next window begins, in seconds since 1970; 0 if it was not told.
    pub(crate) ends_at_s: i64,
}

/// What a reversal or a refund gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reversed {
    /// It was given before for the same key.
    pub(crate) replayed: bool,
    /// Principal, in fen.
    pub(crate) amount_fen: i64,
    /// Fee, in fen.
    pub(crate) fee_fen: i64,
    /// Both, in fen.
    pub(crate) total_fen: i64,
    /// Principal that can still be given back, in fen.
    pub(crate) remaining_fen: i64,
    /// The month has its principal back.
    pub(crate) month_restored: bool,
    /// The year has its principal back.
    pub(crate) year_restored: bool,
    /// When it was decided, in seconds since 1970.
    pub(crate) decided_at_s: i64,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Number of the reason, in the enum that belongs to the call.
    pub(crate) reason: i32,
    /// When it was decided, in seconds since 1970.
    pub(crate) decided_at_s: i64,
}

/// What the server's policy allows, and what it takes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The most that one payment may be, in fen (R63).
    pub(crate) single_fen: u64,
    /// The most in a calendar month, in fen (R64).
    pub(crate) month_fen: u64,
    /// The most in a calendar year, in fen (R65).
    pub(crate) year_fen: u64,
    /// Fees are those of the guide (R71); of another policy's fees nothing is known here.
    pub(crate) guide_fee: bool,
    /// The most cards that may be bound at once (R39).
    pub(crate) cards: u8,
}

impl Terms {
    /// Those of the guide, which are the policy `weixin-2023`'s.
    pub(crate) const GUIDE: Self = Self {
        single_fen: 600_000,
        month_fen: 5_000_000,
        year_fen: 6_000_000,
        guide_fee: true,
        cards: 3,
    };
}

/// What an account had before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// The month that was open.
    pub(crate) month: Month,
    /// Used of it, in fen.
    pub(crate) month_used_fen: u64,
    /// Used of its year, in fen.
    pub(crate) year_used_fen: u64,
    /// Cards that were bound.
    pub(crate) cards: u8,
    /// Its password was locked: it may be told so although no wrong one was sent in this run.
    pub(crate) locked: bool,
}

/// How many keys are remembered, to compare the answers to one key with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMemory {
    /// None: nothing is ever repeated.
    Nothing,
    /// The latest so many, rounded up to a power of two: for duplicates of recent arrivals.
    Recent(usize),
    /// All of them, which are the numbers below this: for a retry storm under few keys.
    All(usize),
}
