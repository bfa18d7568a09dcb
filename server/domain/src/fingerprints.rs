//! Under which key a digest was made, and the digests of one thing under several.
//!
//! Keys are numbers here and nothing else. A digest that can be under one of several carries its key's number
//! in its last byte, so that an account at rest has no more to hold than the digest.

use crate::event::PasswordVerifier;
use crate::identifiers::{CardToken, Fingerprint};

/// The number of a key that fingerprints of cards and documents, and verifiers of passwords, are made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyNumber(pub u8);

impl KeyNumber {
    /// The first: what was written before keys had numbers is under it.
    pub const FIRST: Self = Self(1);
}

/// Puts a key's number in the place of a digest's last byte: 120 bits are left, and nobody guesses those.
const fn under(mut digest: [u8; 16], key: KeyNumber) -> [u8; 16] {
    let [.., last] = &mut digest;
    *last = key.0;
    digest
}

const fn key_of(digest: [u8; 16]) -> KeyNumber {
    let [.., last] = digest;
    KeyNumber(last)
}

impl Fingerprint {
    /// Of a card or a document, under a key.
    #[must_use]
    pub const fn under(self, key: KeyNumber) -> Self {
        Self(under(self.0, key))
    }

    /// The key that it is under, if it is a card's or a document's.
    pub const fn key(self) -> KeyNumber {
        key_of(self.0)
    }
}

impl PasswordVerifier {
    /// The same, marked as made under a key.
    #[must_use]
    pub const fn under(self, key: KeyNumber) -> Self {
        let Self { salt, digest } = self;
        Self {
            salt,
            digest: under(digest, key),
        }
    }

    /// The key that it is under.
    pub const fn key(&self) -> KeyNumber {
        key_of(self.digest)
    }
}

/// Keys beside the active one that can be live at once.
pub const MOST_OLDER_KEYS: usize = 3;

/// The digests of one thing, such as a card, under every key that was live when they were made, so that it is
/// found again whichever of them it was written under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    active: Fingerprint,
    older: OlderFingerprints,
}

/// Those of them that are not under the active key, the newest key's first.
pub type OlderFingerprints = [Option<Fingerprint>; MOST_OLDER_KEYS];

impl Fingerprints {
    /// Under the active key, and under older ones.
    pub const fn new(active: Fingerprint, older: OlderFingerprints) -> Self {
        Self { active, older }
    }

    /// Takes them in the order of their keys, the active one first. Those beyond the most there can be are
    /// dropped.
    pub fn with_older(active: Fingerprint, older: impl IntoIterator<Item = Fingerprint>) -> Self {
        let mut places = [None; MOST_OLDER_KEYS];
        for (place, fingerprint) in places.iter_mut().zip(older) {
            *place = Some(fingerprint);
        }
        Self::new(active, places)
    }

    /// Under the active key: what is written.
    pub const fn active(&self) -> Fingerprint {
        self.active
    }

    /// Under keys before it.
    pub const fn older(&self) -> OlderFingerprints {
        self.older
    }

    /// All of them, that of the active key first.
    pub fn iter(&self) -> impl Iterator<Item = Fingerprint> {
        std::iter::once(self.active).chain(self.older.into_iter().flatten())
    }

    /// That of the oldest key: the same before a further key becomes the active one and after it.
    pub fn oldest(&self) -> Fingerprint {
        self.older
            .into_iter()
            .flatten()
            .last()
            .unwrap_or(self.active)
    }

    /// True if one of them is this.
    pub fn contain(&self, fingerprint: Fingerprint) -> bool {
        self.iter().any(|one| one == fingerprint)
    }

    /// True if both are digests of the same thing: under one key at least they agree.
    pub fn are_those_of(&self, other: &Self) -> bool {
        self.iter().any(|one| other.contain(one))
    }
}

impl From<Fingerprint> for Fingerprints {
    fn from(active: Fingerprint) -> Self {
        Self::new(active, [None; MOST_OLDER_KEYS])
    }
}

/// What is also known of an account's card or document while another key than its own is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlsoKnown {
    /// The card; None for the document.
    pub card: Option<CardToken>,
    /// Its digest under an older key.
    pub fingerprint: Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn digest(number: u8, key: u8) -> Fingerprint {
        Fingerprint([number; 16]).under(KeyNumber(key))
    }

    #[test]
    fn a_digest_says_under_which_key_it_is() {
        assert_eq!(digest(9, 2).key(), KeyNumber(2));
        assert_ne!(digest(9, 2), digest(9, 1));
        assert_ne!(digest(9, 2), digest(8, 2));
        let verifier = PasswordVerifier::NONE.under(KeyNumber(3));
        assert_eq!(verifier.key(), KeyNumber(3));
    }

    #[test]
    fn the_same_card_is_found_whichever_live_key_it_was_written_under() {
        let before = Fingerprints::from(digest(1, 1));
        let meanwhile = Fingerprints::with_older(digest(2, 2), [digest(1, 1)]);
        let after = Fingerprints::from(digest(2, 2));
        let another = Fingerprints::with_older(digest(4, 2), [digest(3, 1)]);
        for (one, other, same) in [
            (before, before, true),
            (before, meanwhile, true),
            (meanwhile, after, true),
            (before, after, false),
            (before, another, false),
            (meanwhile, another, false),
        ] {
            assert_eq!(one.are_those_of(&other), same, "{one:?} {other:?}");
            assert_eq!(other.are_those_of(&one), same, "{one:?} {other:?}");
        }
        assert_eq!(meanwhile.oldest(), before.oldest());
        assert_eq!(meanwhile.iter().count(), 2);
    }
}
