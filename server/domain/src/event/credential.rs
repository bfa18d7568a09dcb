//! Events of the payment password, and of the tokens and codes that stand for it.

use super::{Event, Funding, MovedPassword, PasswordEffect, PasswordVerifier, PhoneCodeEffect};
use crate::decline::Decline;
use crate::identifiers::{CodeDigest, Fingerprint, TicketId};
use crate::money::Amount;
use crate::period::Timestamp;
use crate::refusal::{PasswordRefusal, Refused, ResetRefusal};

impl Event {
    /// Where it says that the password was right, lets it say too that it is kept like this from now on: one
    /// event, so that either both are durable or neither is.
    pub fn move_password(&mut self, to: MovedPassword) {
        if let Some(effect) = self.password_effect_mut()
            && *effect == PasswordEffect::Matched
        {
            *effect = PasswordEffect::Moved(to);
        }
    }

    fn password_effect_mut(&mut self) -> Option<&mut PasswordEffect> {
        if let Self::BindReserved(reserved) = self {
            Some(&mut reserved.password)
        } else if let Self::BindDecided(decided) = self {
            Some(&mut decided.password)
        } else if let Self::UnbindDecided(decided) = self {
            Some(&mut decided.password)
        } else if let Self::PasswordVerified(verified) = self {
            Some(&mut verified.password)
        } else if let Self::PasswordChanged(changed) = self {
            Some(&mut changed.password)
        } else if let Self::PaymentCodeDecided(decided) = self {
            Some(&mut decided.password)
        } else if let Self::Declined(declined) = self {
            Some(&mut declined.password)
        } else if let Self::Reserved(reservation) = self {
            Some(&mut reservation.password)
        } else if let Self::Posted(posted) = self {
            Some(&mut posted.reservation.password)
        } else {
            None
        }
    }
}

/// A password was verified for one payment, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordVerified {
    /// What the payment will be paid from.
    pub funding: Funding,
    /// Its principal.
    pub amount: Amount,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// What became of it.
    pub outcome: Result<TokenMinted, Refused<PasswordRefusal>>,
}

/// A payment token is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenMinted {
    /// Random; the token follows from it under a key, so that no token is ever stored.
    pub nonce: u64,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// A password was changed by someone who knew it, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordChanged {
    /// What it did to the counter.
    pub password: PasswordEffect,
    /// The new password as it is kept, or why not.
    pub outcome: Result<PasswordVerifier, Refused<PasswordRefusal>>,
}

/// How a call to reset a forgotten password ended (R45 to R47, D23).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordResetDecided {
    /// What it did to the counter of wrong card data and wrong documents.
    pub wrong_proofs: PasswordEffect,
    /// What it did to the phone code.
    pub phone_code: PhoneCodeEffect,
    /// What became of it.
    pub outcome: Result<ResetStep, Refused<ResetRefusal>>,
}

/// What a call to reset a password came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetStep {
    /// Route 1: an operator looks at the identity that was submitted (R46).
    TicketOpened {
        /// Digest of the document that was submitted.
        document: Fingerprint,
        /// It is the one that the wallet was verified with.
        matches: bool,
    },
    /// The password is set anew.
    Reset(PasswordVerifier),
}

/// A request to reset a password, waiting for an operator or for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordTicket {
    /// Its name.
    pub id: TicketId,
    /// Digest of the document that was submitted.
    pub document: Fingerprint,
    /// It is the one that the wallet was verified with.
    pub matches: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub state: PasswordTicketState,
}

/// Where a request to reset a password stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordTicketState {
    /// An operator has to look.
    Open,
    /// The person may set a new password.
    Approved,
    /// The person is told so, once.
    Rejected,
}

/// An operator's verdict on a password ticket, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordTicketResolved {
    /// The verdict.
    pub approve: bool,
    /// False if it was resolved before.
    pub resolved: bool,
    /// The ticket afterwards.
    pub ticket: PasswordTicket,
}

/// An operator unlocked a password (D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordUnlocked {
    /// False if there was no lock.
    pub was_locked: bool,
}

/// A payment code was asked for (D10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentCodeDecided {
    /// What payments with it are paid from.
    pub funding: Funding,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// What became of it.
    pub outcome: Result<CodeIssued, Decline>,
}

/// A payment code is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeIssued {
    /// The code follows from it under a key, so that no code is ever stored (R57).
    pub nonce: u64,
    /// What it is found by.
    pub digest: CodeDigest,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}
