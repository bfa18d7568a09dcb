//! Keys, and everything that is computed with one: fingerprints of cards, documents and phones,
//! phone codes, and verifiers of payment passwords. The only place that holds keys.
//!
//! A store has one key for good and data keys that are changed (decision 0040). Both stand in its keyring,
//! wrapped by a key outside the data folder.

mod data_key;
mod key_file;
mod keyring;
mod mac;
mod random;

use std::sync::Arc;

use arc_swap::ArcSwap;
use hmac::Mac as _;
use subtle::ConstantTimeEq as _;
use waika_domain::event::PasswordVerifier;
use waika_domain::fingerprints::KeyNumber;
use waika_domain::identifiers::{AccountId, CodeDigest, Fingerprint};
use waika_domain::identity::{CountryCode, DocumentType};
use waika_domain::period::Timestamp;
use zeroize::Zeroizing;

use self::mac::{HmacSha256, digest, keyed, purpose, short};
use crate::quote_token::{QuoteTerms, QuoteToken};

use self::data_key::DocumentNumber;

pub use self::data_key::LiveKeys;
pub use self::key_file::{KeyFile, VaultError};
pub use self::keyring::{Keyring, KeyringError, WrappedBy};
pub use self::random::{random_bits, random_id, random_salt};

/// The keyed functions of one deployment. Cloning a keyed state is cheaper than keying anew; clones take up
/// a further data key together.
#[derive(Clone)]
pub struct Vault {
    /// What is compared for as long as the store lasts.
    lasting: HmacSha256,
    phone_codes: HmacSha256,
    seals: HmacSha256,
    index_key: [u8; 16],
    accounts_seed: [u64; 2],
    check: [u8; 8],
    live: Arc<ArcSwap<LiveKeys>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Vault(…)")
    }
}

impl Vault {
    /// Of a store from before keyrings: its one key is its key for good, and its first data key.
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self::of(&Keyring::of_one(key))
    }

    /// Derives a key for each purpose, so that no digest of one is of use for another.
    pub fn of(keyring: &Keyring) -> Self {
        let purpose = |label: &str| purpose(keyring.store_key(), label);
        let mut index_key = [0; 16];
        index_key.copy_from_slice(purpose("index").first_chunk::<16>().unwrap_or(&[0; 16]));
        let eight = |label: &str| *purpose(label).first_chunk::<8>().unwrap_or(&[0; 8]);
        let number = |label: &str| u64::from_le_bytes(eight(label));
        Self {
            // The label is from when these were fingerprints too.
            lasting: keyed(&purpose("fingerprints")),
            phone_codes: keyed(&purpose("phone codes")),
            seals: keyed(&purpose("seals")),
            index_key,
            accounts_seed: [number("accounts"), number("accounts' hasher")],
            check: eight("check"),
            live: Arc::new(ArcSwap::from_pointee(LiveKeys::of(keyring))),
        }
    }

    /// Goes on with the data keys of a keyring, unless that is another store's. Says whether it is this one's.
    #[must_use]
    pub fn take_up(&self, keyring: &Keyring) -> bool {
        let is_ours = Self::of(keyring).check == self.check;
        if is_ours {
            self.live.store(Arc::new(LiveKeys::of(keyring)));
        }
        is_ours
    }

    /// The data keys that are live at this moment: all that one call needs is asked of the same ones.
    pub fn live(&self) -> Arc<LiveKeys> {
        self.live.load_full()
    }

    /// True if something may be under that key.
    pub fn is_live(&self, key: KeyNumber) -> bool {
        self.live.load().are(key)
    }

    /// Tells this store's key from another's without saying anything about it: kept in the journal, so
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

    /// Names a card for good, to whoever must know it again whichever key it is found by.
    pub fn lasting_card(&self, digits: &str) -> Fingerprint {
        self.lasting("card", &[digits.as_bytes()])
    }

    /// The same of a document.
    pub fn lasting_document(
        &self,
        document: Option<DocumentType>,
        issuing_country: CountryCode,
        number: &str,
    ) -> Fingerprint {
        let number = DocumentNumber::new(document, issuing_country, number);
        self.lasting("document", &number.parts())
    }

    /// Digest of one business field of a call, for telling later whether a used key came with
    /// other content (D18). Keyed, since such a field may be personal.
    pub fn field(&self, name: &str, value: &[u8]) -> u64 {
        let fingerprint = self.lasting(name, &[value]);
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
        let subject = self.lasting("verifier's subject", &[account.as_str().as_bytes()]);
        format!("{:032x}", u128::from_be_bytes(subject.0))
    }

    /// Begins the digest of a photo, which comes in pieces.
    pub(crate) fn photo(&self) -> PhotoDigest {
        let mut mac = self.lasting.clone();
        mac.update(b"photo");
        PhotoDigest(mac)
    }

    /// What is kept of a new password. `salt` is random.
    pub fn password(&self, account: &AccountId, password: &str, salt: [u8; 8]) -> PasswordVerifier {
        self.live.load().active().password(account, password, salt)
    }

    /// True if the password is the one that was set. Takes as long for a wrong one.
    pub fn password_matches(
        &self,
        account: &AccountId,
        password: &str,
        verifier: &PasswordVerifier,
    ) -> bool {
        let live = self.live.load();
        live.find(verifier.key()).is_some_and(|key| {
            let given = key.password(account, password, verifier.salt);
            given.digest.ct_eq(&verifier.digest).into()
        })
    }

    /// A password that was right, as it is to be kept from now on; None if it is kept so already.
    pub fn moved(
        &self,
        account: &AccountId,
        password: &str,
        verifier: &PasswordVerifier,
    ) -> Option<PasswordVerifier> {
        let live = self.live.load();
        let active = live.active();
        // The salt stays: whatever stands for the password is bound to it.
        (verifier.key() != active.number())
            .then(|| active.password(account, password, verifier.salt))
    }

    fn lasting(&self, label: &str, parts: &[&[u8]]) -> Fingerprint {
        mac::fingerprint(&self.lasting, label, parts)
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
        let phone = |number| vault.live().phone(number).active();
        let (one, other) = (phone("+8613800138000"), phone("+8613800138001"));
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
    fn a_password_moves_to_the_active_key_once() {
        let mut keyring = Keyring::of_one(&[7; 32]);
        let vault = Vault::of(&keyring);
        let account = account("a");
        let before = vault.password(&account, "123456", [1; 8]);
        assert_eq!(vault.moved(&account, "123456", &before), None);
        keyring.add([8; 32], Timestamp::from_unix_ms(0)).unwrap();
        assert!(vault.take_up(&keyring));
        assert!(vault.password_matches(&account, "123456", &before));
        let after = vault.moved(&account, "123456", &before).unwrap();
        assert_eq!((before.key(), after.key()), (KeyNumber(1), KeyNumber(2)));
        assert!(vault.password_matches(&account, "123456", &after));
        assert!(!vault.password_matches(&account, "654321", &after));
        assert_eq!(vault.moved(&account, "123456", &after), None);
        keyring.remove_older();
        assert!(vault.take_up(&keyring));
        assert!(!vault.password_matches(&account, "123456", &before));
        assert!(vault.password_matches(&account, "123456", &after));
    }

    #[test]
    fn what_lasts_does_not_change_with_the_data_keys() {
        let mut keyring = Keyring::of_one(&[7; 32]);
        let before = Vault::of(&keyring);
        keyring.add([8; 32], Timestamp::from_unix_ms(0)).unwrap();
        keyring.remove_older();
        let after = Vault::of(&keyring);
        assert_eq!(before.lasting_card("4111"), after.lasting_card("4111"));
        assert_eq!(before.check(), after.check());
        assert_eq!(before.accounts_seed(), after.accounts_seed());
        assert_ne!(before.live().card("4111"), after.live().card("4111"));
        assert!(
            !before.take_up(&Keyring::of_one(&[9; 32])),
            "another store's"
        );
    }
}
