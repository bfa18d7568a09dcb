//! Data keys: those that are changed from time to time.

use waika_domain::event::PasswordVerifier;
use waika_domain::fingerprints::{Fingerprints, KeyNumber};
use waika_domain::identifiers::{AccountId, Fingerprint};
use waika_domain::identity::{CountryCode, DocumentType};
use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::mac::{self, HmacSha256, digest, keyed, purpose};

/// The data keys that are live: something may be under each of them.
#[derive(Clone)]
pub struct LiveKeys {
    /// What is new is written under it.
    active: DataKey,
    /// The others, the newest first.
    older: Box<[DataKey]>,
}

impl std::fmt::Debug for LiveKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LiveKeys(…)")
    }
}

impl LiveKeys {
    pub(super) fn of(keyring: &Keyring) -> Self {
        let (number, key) = keyring.active();
        Self {
            active: DataKey::new(number, key),
            older: keyring
                .older()
                .map(|(number, key)| DataKey::new(number, key))
                .collect(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.older.len() + 1
    }

    /// True if that key is among them: nothing is under any other.
    pub fn are(&self, number: KeyNumber) -> bool {
        self.find(number).is_some()
    }

    /// The numbers of all of them, that of the active one first.
    pub fn numbers(&self) -> impl Iterator<Item = KeyNumber> {
        self.all().map(DataKey::number)
    }

    pub(super) fn active(&self) -> &DataKey {
        &self.active
    }

    pub(super) fn find(&self, number: KeyNumber) -> Option<&DataKey> {
        self.all().find(|key| key.number == number)
    }

    fn all(&self) -> impl Iterator<Item = &DataKey> {
        std::iter::once(&self.active).chain(&self.older)
    }

    fn each(&self, digest: impl Fn(&DataKey) -> Fingerprint) -> Fingerprints {
        Fingerprints::with_older(digest(&self.active), self.older.iter().map(digest))
    }

    /// Digests of a card number (D9, D28).
    pub fn card(&self, digits: &str) -> Fingerprints {
        self.each(|key| {
            key.fingerprint("card", &[digits.as_bytes()])
                .under(key.number)
        })
    }

    /// Digests of a document: the same for the same person, however the number was spaced (D9).
    pub fn document(
        &self,
        document: Option<DocumentType>,
        issuing_country: CountryCode,
        number: &str,
    ) -> Fingerprints {
        let number = DocumentNumber::new(document, issuing_country, number);
        self.each(|key| {
            key.fingerprint("document", &number.parts())
                .under(key.number)
        })
    }

    /// Digests of a phone number with its country code. They carry no key's number: a code is over before
    /// anybody would have to count what is under which key.
    pub fn phone(&self, number: &str) -> Fingerprints {
        self.each(|key| key.fingerprint("phone", &[number.as_bytes()]))
    }
}

/// One of them, keyed for what it is for.
#[derive(Clone)]
pub(super) struct DataKey {
    number: KeyNumber,
    fingerprints: HmacSha256,
    passwords: HmacSha256,
}

impl DataKey {
    fn new(number: KeyNumber, key: &[u8; 32]) -> Self {
        Self {
            number,
            fingerprints: keyed(&purpose(key, "fingerprints")),
            passwords: keyed(&purpose(key, "passwords")),
        }
    }

    pub(super) fn number(&self) -> KeyNumber {
        self.number
    }

    fn fingerprint(&self, label: &str, parts: &[&[u8]]) -> Fingerprint {
        mac::fingerprint(&self.fingerprints, label, parts)
    }

    /// What is kept of a password.
    pub(super) fn password(
        &self,
        account: &AccountId,
        password: &str,
        salt: [u8; 8],
    ) -> PasswordVerifier {
        let parts = [account.as_str().as_bytes(), &salt, password.as_bytes()];
        let full = digest(&self.passwords, &parts);
        let digest = full.first_chunk().copied().unwrap_or_default();
        PasswordVerifier { salt, digest }.under(self.number)
    }
}

/// A document's number, folded as far as people write it differently. Wiped when dropped.
pub(super) struct DocumentNumber {
    kind: [u8; 1],
    country: [u8; 2],
    folded: Zeroizing<String>,
}

impl DocumentNumber {
    /// Without hyphens, and in capitals.
    pub(super) fn new(
        document: Option<DocumentType>,
        issuing_country: CountryCode,
        number: &str,
    ) -> Self {
        let mut folded = Zeroizing::new(String::with_capacity(number.len()));
        folded.extend(number.chars().filter(|&letter| letter != '-'));
        folded.make_ascii_uppercase();
        Self {
            kind: [document.map_or(0, |document| document as u8 + 1)],
            country: issuing_country.letters(),
            folded,
        }
    }

    pub(super) fn parts(&self) -> [&[u8]; 3] {
        [&self.kind, &self.country, self.folded.as_bytes()]
    }
}
