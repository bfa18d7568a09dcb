//! Keys, and everything that is computed with one: fingerprints of cards, documents and phones,
//! phone codes, and verifiers of payment passwords. The only file that holds keys.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use waika_domain::event::PasswordVerifier;
use waika_domain::identifiers::{AccountId, Fingerprint};
use waika_domain::identity::{CountryCode, DocumentType};
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

/// First word of a key file: names what it is and the version of its form.
const KEY_FILE_MARK: &str = "waika-key-1";

/// Why there is no vault. The text names the file and the mend, never the key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Others could read it.
    #[error("key file {path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`")]
    Exposed {
        /// The key file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no key file.
    #[error(
        "key file {path} does not hold a key: it must be one line, `{KEY_FILE_MARK}` and 64 \
         hexadecimal digits; restore it from where your keys are kept"
    )]
    Malformed {
        /// The key file.
        path: String,
    },
    /// It could not be read or made.
    #[error("key file {path}: {source}; give another path with --key-file")]
    Io {
        /// The key file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The keyed functions of one deployment. Cloning a keyed state is cheaper than keying anew.
#[derive(Clone)]
pub struct Vault {
    fingerprints: HmacSha256,
    passwords: HmacSha256,
    phone_codes: HmacSha256,
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
        let named = || path.display().to_string();
        let failed = |source| VaultError::Io {
            path: named(),
            source,
        };
        let key = match fs::metadata(path) {
            Ok(metadata) => {
                let mode = metadata.permissions().mode() & 0o7777;
                if mode & 0o077 != 0 {
                    return Err(VaultError::Exposed {
                        path: named(),
                        mode,
                    });
                }
                let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
                parse_key(&text).ok_or_else(|| VaultError::Malformed { path: named() })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_key(path).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Self::from_key(&key))
    }

    /// Derives a key for each purpose, so that no digest of one is of use for another.
    pub fn from_key(key: &[u8; 32]) -> Self {
        let purpose = |label: &str| Zeroizing::new(digest(&keyed(key), &[label.as_bytes()]));
        let mut check = [0; 8];
        check.copy_from_slice(purpose("check").first_chunk::<8>().unwrap_or(&[0; 8]));
        Self {
            fingerprints: keyed(&purpose("fingerprints")),
            passwords: keyed(&purpose("passwords")),
            phone_codes: keyed(&purpose("phone codes")),
            check,
        }
    }

    /// Tells this key from another without saying anything about it: kept in the journal, so
    /// that a server does not start with the wrong one.
    pub fn check(&self) -> [u8; 8] {
        self.check
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
        let number = Zeroizing::new(number.replace('-', "").to_ascii_uppercase());
        self.fingerprint(
            "document",
            &[&[kind], &issuing_country.letters(), number.as_bytes()],
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
    pub fn phone_code(&self, account: &AccountId, phone: Fingerprint, nonce: u64) -> SixDigits {
        let account = account.as_str().as_bytes();
        let full = digest(
            &self.phone_codes,
            &[account, &phone.0, &nonce.to_le_bytes()],
        );
        let number = u64::from_le_bytes(full.first_chunk().copied().unwrap_or_default());
        // 2^64 is 18 million million times a million: the bias is far below one in a billion.
        SixDigits(Zeroizing::new(format!("{:06}", number % 1_000_000)))
    }

    /// What is kept of a new password. `salt` is random.
    pub fn password(
        &self,
        account: &AccountId,
        password: &str,
        salt: [u8; 16],
    ) -> PasswordVerifier {
        let parts = [account.as_str().as_bytes(), &salt, password.as_bytes()];
        PasswordVerifier {
            salt,
            digest: digest(&self.passwords, &parts),
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

/// A code as it was sent: wiped when dropped, compared in constant time, never printed.
pub struct SixDigits(Zeroizing<String>);

impl SixDigits {
    /// The code itself: secret.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if this is the code.
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl std::fmt::Debug for SixDigits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SixDigits(…)")
    }
}

/// Random bits from the system.
pub fn random_bits() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes))
}

/// A random salt from the system.
pub fn random_salt() -> io::Result<[u8; 16]> {
    let mut salt = [0; 16];
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

/// Every part goes in with its length, so that no two lists of parts run together.
fn digest(keyed: &HmacSha256, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn parse_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text
        .trim_end()
        .strip_prefix(KEY_FILE_MARK)?
        .strip_prefix(' ')?;
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(key)
}

fn create_key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    use std::fmt::Write as _;
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|error| io::Error::other(error.to_string()))?;
    let mut line = Zeroizing::new(format!("{KEY_FILE_MARK} "));
    for byte in key.iter() {
        write!(line, "{byte:02x}").map_err(io::Error::other)?;
    }
    line.push('\n');
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(line.as_bytes())?;
    // Without its key a journal's passwords are lost, so the key is durable before the journal.
    file.sync_all()?;
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountId {
        AccountId::parse(name).unwrap()
    }

    #[test]
    fn a_key_file_is_made_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/waika.key");
        let made = Vault::open(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        let read = Vault::open(&path).unwrap();
        assert_eq!(made.card("4111111111111111"), read.card("4111111111111111"));
        assert_eq!(made.check(), read.check());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waika.key");
        Vault::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Vault::open(&path).unwrap_err();
        assert!(
            matches!(error, VaultError::Exposed { mode: 0o640, .. }),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_key_file_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waika.key");
        for content in [
            "",
            "hello",
            "waika-key-1 12",
            &format!("waika-key-1 {}", "g".repeat(64)),
        ] {
            let mut options = fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)
                .unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let error = Vault::open(&path).unwrap_err();
            assert!(
                matches!(error, VaultError::Malformed { .. }),
                "{content}: {error}"
            );
            assert!(
                content.is_empty() || !error.to_string().contains(&content[content.len() / 2..])
            );
        }
    }

    #[test]
    fn a_password_is_checked_for_its_account_only() {
        let vault = Vault::from_key(&[7; 32]);
        let verifier = vault.password(&account("a"), "123456", [1; 16]);
        assert!(vault.password_matches(&account("a"), "123456", &verifier));
        assert!(!vault.password_matches(&account("a"), "123457", &verifier));
        assert!(!vault.password_matches(&account("b"), "123456", &verifier));
        assert!(!Vault::from_key(&[8; 32]).password_matches(&account("a"), "123456", &verifier));
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
    fn parts_of_a_digest_do_not_run_together() {
        let keyed = keyed(&[7; 32]);
        assert_ne!(
            digest(&keyed, &[b"ab", b"c"]),
            digest(&keyed, &[b"a", b"bc"])
        );
    }
}
