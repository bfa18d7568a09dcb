//! Keys, and everything that is computed with one: fingerprints of cards, documents and phones,
//! phone codes, and verifiers of payment passwords. The only place that holds keys.

mod key_file;

use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use waika_domain::event::PasswordVerifier;
use waika_domain::identifiers::{AccountId, CodeDigest, Fingerprint};
use waika_domain::identity::{CountryCode, DocumentType};
use waika_domain::period::Timestamp;
use zeroize::Zeroizing;

use crate::quote_token::{QuoteTerms, QuoteToken};

pub use key_file::VaultError;

type HmacSha256 = Hmac<Sha256>;

/// The keyed functions of one deployment. Cloning a keyed state is cheaper than keying anew.
#[derive(Clone)]
pub struct Vault {
    fingerprints: HmacSha256,
    passwords: HmacSha256,
    phone_codes: HmacSha256,
    seals: HmacSha256,
    index_key: [u8; 16],
    accounts_seed: [u64; 2],
    check: [u8; 8],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Vault(…)")
    }
}

impl Vault {
    /// Opens the key file, or makes one (0600, in a folder made 0700) where there is none.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        key_file::open_or_create(path).map(|key| Self::from_key(&key))
    }

    /// Derives a key for each purpose, so that no digest of one is of use for another.
    pub fn from_key(key: &[u8; 32]) -> Self {
        let purpose = |label: &str| Zeroizing::new(digest(&keyed(key), &[label.as_bytes()]));
        let mut index_key = [0; 16];
        index_key.copy_from_slice(purpose("index").first_chunk::<16>().unwrap_or(&[0; 16]));
        let eight = |label: &str| *purpose(label).first_chunk::<8>().unwrap_or(&[0; 8]);
        let number = |label: &str| u64::from_le_bytes(eight(label));
        Self {
            fingerprints: keyed(&purpose("fingerprints")),
            passwords: keyed(&purpose("passwords")),
            phone_codes: keyed(&purpose("phone codes")),
            seals: keyed(&purpose("seals")),
            index_key,
            accounts_seed: [number("accounts"), number("accounts' hasher")],
            check: eight("check"),
        }
    }

    /// Tells this key from another without saying anything about it: kept in the journal, so
    /// that a server does not start with the wrong one.
    pub fn check(&self) -> [u8; 8] {
        self.check
    }

    /// Keys the index of used keys, so that a snapshot's index means the same to the next start
    /// and callers cannot choose what collides in it.
    pub(crate) fn index_key(&self) -> [u8; 16] {
        self.index_key
    }

    /// Orders the table of accounts, so that a snapshot's accounts come in the order in which the next start
    /// lays them down, and callers cannot choose what collides in it.
    pub(crate) fn accounts_seed(&self) -> [u64; 2] {
        self.accounts_seed
    }

    /// A number that nobody without the key can tell: proves that a token was made here.
    pub(crate) fn seal(&self, purpose: &str, account: &str, numbers: &[u64]) -> u64 {
        let numbers: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        short(
            &self.seals,
            &[purpose.as_bytes(), account.as_bytes(), &numbers],
        )
    }

    /// True if this is that seal. Takes as long for a wrong one.
    pub(crate) fn is_seal(&self, seal: u64, purpose: &str, account: &str, numbers: &[u64]) -> bool {
        let right = self.seal(purpose, account, numbers);
        seal.ct_eq(&right).into()
    }

    /// Digest of what a quote is for (D32).
    pub(crate) fn digest_of_terms(&self, parts: &[&[u8]]) -> u64 {
        let mut labelled: Vec<&[u8]> = vec![b"terms"];
        labelled.extend_from_slice(parts);
        short(&self.seals, &labelled)
    }

    /// The token of a quote, good until an instant (D32).
    pub(crate) fn quote_token(&self, terms: &QuoteTerms<'_>, expires_at: Timestamp) -> String {
        QuoteToken::of(self, terms, expires_at).seal(self)
    }

    /// Digest of a card number (D9, D28).
    pub fn card(&self, digits: &str) -> Fingerprint {
        self.fingerprint("card", &[digits.as_bytes()])
    }

    /// Digest of a document: the same for the same person, however the number was spaced (D9).
    pub fn document(
        &self,
        document: Option<DocumentType>,
        issuing_country: CountryCode,
        number: &str,
    ) -> Fingerprint {
        let kind = document.map_or(0, |document| document as u8 + 1);
        let mut folded = Zeroizing::new(String::with_capacity(number.len()));
        folded.extend(number.chars().filter(|&letter| letter != '-'));
        folded.make_ascii_uppercase();
        self.fingerprint(
            "document",
            &[&[kind], &issuing_country.letters(), folded.as_bytes()],
        )
    }

    /// Digest of a phone number with its country code.
    pub fn phone(&self, number: &str) -> Fingerprint {
        self.fingerprint("phone", &[number.as_bytes()])
    }

    /// Digest of one business field of a call, for telling later whether a used key came with
    /// other content (D18). Keyed, since such a field may be personal.
    pub fn field(&self, name: &str, value: &[u8]) -> u64 {
        let fingerprint = self.fingerprint(name, &[value]);
        u64::from_le_bytes(fingerprint.0.first_chunk().copied().unwrap_or_default())
    }

    /// The six-digit code that belongs to a nonce: computed, so that it is stored nowhere (D8).
    pub fn phone_code(&self, account: &AccountId, phone: Fingerprint, nonce: u64) -> SecretDigits {
        let account = account.as_str().as_bytes();
        let full = digest(
            &self.phone_codes,
            &[account, &phone.0, &nonce.to_le_bytes()],
        );
        let number = u64::from_le_bytes(full.first_chunk().copied().unwrap_or_default());
        // 2^64 is 18 million million times a million: the bias is far below one in a billion.
        SecretDigits(Zeroizing::new(format!("{:06}", number % 1_000_000)))
    }

    /// The eighteen digits of a payment code: computed from a nonce, so that no code is stored
    /// (R57, D10). They begin with 10 to 15.
    pub fn payment_code(&self, account: &AccountId, nonce: u64) -> SecretDigits {
        let parts: [&[u8]; 3] = [
            b"payment code",
            account.as_str().as_bytes(),
            &nonce.to_le_bytes(),
        ];
        let full = digest(&self.phone_codes, &parts);
        let number = u64::from_le_bytes(full.first_chunk().copied().unwrap_or_default());
        let beginning = full.last().map_or(0, |byte| byte % 6);
        let rest = number % 10_000_000_000_000_000;
        SecretDigits(Zeroizing::new(format!("1{beginning}{rest:016}")))
    }

    /// What a payment code is found by.
    pub(crate) fn payment_code_digest(&self, code: &str) -> CodeDigest {
        CodeDigest(self.field("payment code", code.as_bytes()))
    }

    /// Who an account is to the identity verifier, in hexadecimal: the same each time, and nothing
    /// can be told from it.
    pub(crate) fn verifier_subject(&self, account: &AccountId) -> String {
        let subject = self.fingerprint("verifier's subject", &[account.as_str().as_bytes()]);
        format!("{:032x}", u128::from_be_bytes(subject.0))
    }

    /// Begins the digest of a photo, which comes in pieces.
    pub(crate) fn photo(&self) -> PhotoDigest {
        let mut mac = self.fingerprints.clone();
        mac.update(b"photo");
        PhotoDigest(mac)
    }

    /// What is kept of a new password. `salt` is random.
    pub fn password(&self, account: &AccountId, password: &str, salt: [u8; 8]) -> PasswordVerifier {
        let parts = [account.as_str().as_bytes(), &salt, password.as_bytes()];
        let full = digest(&self.passwords, &parts);
        PasswordVerifier {
            salt,
            digest: full.first_chunk().copied().unwrap_or_default(),
        }
    }

    /// True if the password is the one that was set. Takes as long for a wrong one.
    pub fn password_matches(
        &self,
        account: &AccountId,
        password: &str,
        verifier: &PasswordVerifier,
    ) -> bool {
        let given = self.password(account, password, verifier.salt);
        given.digest.ct_eq(&verifier.digest).into()
    }

    fn fingerprint(&self, label: &str, parts: &[&[u8]]) -> Fingerprint {
        let mut labelled = vec![label.as_bytes()];
        labelled.extend_from_slice(parts);
        let full = digest(&self.fingerprints, &labelled);
        Fingerprint(full.first_chunk().copied().unwrap_or_default())
    }
}

/// The digest of a photo that is still coming.
pub(crate) struct PhotoDigest(HmacSha256);

impl PhotoDigest {
    /// Takes the next piece.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all that came.
    pub(crate) fn finish(self) -> Fingerprint {
        let full: [u8; 32] = self.0.finalize().into_bytes().into();
        Fingerprint(full.first_chunk().copied().unwrap_or_default())
    }
}

/// A code as it was sent: wiped when dropped, compared in constant time, never printed.
pub struct SecretDigits(Zeroizing<String>);

impl SecretDigits {
    /// The code itself: secret.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if this is the code.
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl std::fmt::Debug for SecretDigits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretDigits(…)")
    }
}

/// Random bits from the system.
pub fn random_bits() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes))
}

/// A random name from the system: 128 bits.
pub fn random_id() -> io::Result<u128> {
    #[cfg(test)]
    if let Some(bits) = crate::ledger::simulation::world::random() {
        return Ok(bits);
    }
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}

/// A random salt from the system.
pub fn random_salt() -> io::Result<[u8; 8]> {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(salt)
}

/// A short key is padded with zeros to a block of the hash (RFC 2104), so doing it here takes a
/// key of any other length, and with it an error, out of the question.
fn keyed(key: &[u8; 32]) -> HmacSha256 {
    let mut block = Zeroizing::new([0; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    HmacSha256::new((&*block).into())
}

fn short(keyed: &HmacSha256, parts: &[&[u8]]) -> u64 {
    let full = digest(keyed, parts);
    u64::from_le_bytes(full.first_chunk().copied().unwrap_or_default())
}

/// Every part goes in with its length, so that no two lists of parts run together.
fn digest(keyed: &HmacSha256, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountId {
        AccountId::parse(name).unwrap()
    }

    #[test]
    fn a_password_is_checked_for_its_account_only() {
        let vault = Vault::from_key(&[7; 32]);
        let verifier = vault.password(&account("a"), "123456", [1; 8]);
        assert!(vault.password_matches(&account("a"), "123456", &verifier));
        assert!(!vault.password_matches(&account("a"), "123457", &verifier));
        assert!(!vault.password_matches(&account("b"), "123456", &verifier));
        assert!(!Vault::from_key(&[8; 32]).password_matches(&account("a"), "123456", &verifier));
    }

    #[test]
    fn what_orders_accounts_follows_from_the_key() {
        let seed = |key: u8| Vault::from_key(&[key; 32]).accounts_seed();
        assert_eq!(seed(7), seed(7));
        assert!(seed(7).iter().all(|number| !seed(8).contains(number)));
    }

    #[test]
    fn a_phone_code_belongs_to_account_phone_and_nonce() {
        let vault = Vault::from_key(&[7; 32]);
        let (one, other) = (vault.phone("+8613800138000"), vault.phone("+8613800138001"));
        let code = vault.phone_code(&account("a"), one, 1);
        assert_eq!(code.expose().len(), 6);
        assert!(code.is(vault.phone_code(&account("a"), one, 1).expose()));
        let others = [
            (account("b"), one, 1),
            (account("a"), other, 1),
            (account("a"), one, 2),
        ];
        let differ = others.iter().filter(|(account, phone, nonce)| {
            !code.is(vault.phone_code(account, *phone, *nonce).expose())
        });
        assert!(
            differ.count() >= 2,
            "three codes of six digits are hardly ever the same"
        );
    }

    #[test]
    fn d10_a_payment_code_is_eighteen_digits_that_begin_with_10_to_15() {
        let vault = Vault::from_key(&[7; 32]);
        for nonce in 0..200 {
            let code = vault.payment_code(&account("a"), nonce);
            assert!(crate::payment_token::check_code(code.expose()).is_ok());
            assert!(code.is(vault.payment_code(&account("a"), nonce).expose()));
        }
    }

    #[test]
    fn parts_of_a_digest_do_not_run_together() {
        let keyed = keyed(&[7; 32]);
        assert_ne!(
            digest(&keyed, &[b"ab", b"c"]),
            digest(&keyed, &[b"a", b"bc"])
        );
    }
}
