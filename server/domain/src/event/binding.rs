//! Events of phone codes, and of cards that are bound and unbound.

use super::{PasswordEffect, PhoneCodeEffect, Review, Transaction, WalletRegion};
use crate::card::BoundCard;
use crate::fingerprints::{Fingerprints, OlderFingerprints};
use crate::identifiers::{CardToken, Fingerprint};
use crate::identity::Identity;
use crate::period::Timestamp;
use crate::refusal::{BindRefusal, PhoneCodeRefusal, Refused, UnbindRefusal};

/// A phone code was sent or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCodeDecided {
    /// The wallet's region, which counts only if this opened the account (D19, D27).
    pub region: WalletRegion,
    /// The phone's digest.
    pub phone: Fingerprint,
    /// What became of it.
    pub outcome: Result<PhoneCodeSent, Refused<PhoneCodeRefusal>>,
}

/// A code is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCodeSent {
    /// Random; the code follows from it under a key, so that no code is ever stored.
    pub nonce: u64,
    /// From when on another may be asked for.
    pub resend_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// A slot is held for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindReserved {
    /// The wallet's region, which counts only if this opened the account.
    pub region: WalletRegion,
    /// Digests of the card's number.
    pub card: Fingerprints,
    /// The code is spent by now.
    pub phone_code: PhoneCodeEffect,
    /// A wrong password would have been refused, so it matched or none was set.
    pub password: PasswordEffect,
    /// The verification debit, as the issuer knows it; None where the sandbox answers at once.
    pub debit: Option<Transaction>,
}

/// How a bind ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindDecided {
    /// The wallet's region, which counts only if this opened the account.
    pub region: WalletRegion,
    /// The sequence of its `BindReserved`, if it came so far.
    pub reserved_by: Option<u64>,
    /// What it did to the phone code.
    pub phone_code: PhoneCodeEffect,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// What became of it.
    pub outcome: Result<Binding, Refused<BindRefusal>>,
    /// The review's state afterwards.
    pub review: Review,
    /// The verification debit that the issuer may have made, and is owed the reversal of (D6).
    pub debit: Option<Transaction>,
}

/// A card that was bound, and what it brought along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The card.
    pub card: BoundCard,
    /// Who the wallet is verified as.
    pub identity: Identity,
    /// The password, if this bind set it (R44, D6).
    pub password_set: Option<PasswordVerifier>,
    /// What else the card and the document are found by.
    pub older: OlderOfBinding,
}

/// Digests of what a bind brought along under live keys beside the active one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OlderOfBinding {
    /// Of the card's number.
    pub card: OlderFingerprints,
    /// Of the document.
    pub document: OlderFingerprints,
}

/// What is kept of a payment password: enough to check one, under a key that is elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PasswordVerifier {
    /// Random.
    pub salt: [u8; 8],
    /// Half of the keyed digest of account, salt and password: 128 bits, which nobody guesses.
    pub digest: [u8; 16],
}

impl PasswordVerifier {
    /// Checks nothing: stands where none is set.
    pub const NONE: Self = Self {
        salt: [0; 8],
        digest: [0; 16],
    };
}

impl std::fmt::Debug for PasswordVerifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PasswordVerifier(…)")
    }
}

/// A password's digest under another key. Its salt stays, which payment tokens are bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MovedPassword {
    /// What takes the place of the verifier's digest.
    pub digest: [u8; 16],
}

impl From<PasswordVerifier> for MovedPassword {
    fn from(verifier: PasswordVerifier) -> Self {
        let PasswordVerifier { salt: _, digest } = verifier;
        Self { digest }
    }
}

impl std::fmt::Debug for MovedPassword {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MovedPassword(…)")
    }
}

/// How an unbind ended (R48, D22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnbindDecided {
    /// The card that was named.
    pub card: CardToken,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// What became of it.
    pub outcome: Result<Unbound, Refused<UnbindRefusal>>,
}

/// A card that is no longer bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbound {
    /// Digests of its number.
    pub card: Fingerprints,
    /// The sequence of the event that had bound it.
    pub bound_by: u64,
}
