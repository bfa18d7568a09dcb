//! The key file: one line, readable by its owner only, outside the data folder.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

/// A key, wiped when dropped.
type Key = Zeroizing<[u8; 32]>;

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

/// Reads the key, or makes one (0600, in a folder made 0700) where there is no file.
pub(super) fn open_or_create(path: &Path) -> Result<Key, VaultError> {
    let failed = |source| VaultError::Io {
        path: path.display().to_string(),
        source,
    };
    if !path.try_exists().map_err(failed)? {
        match create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            // Another server made it in the meantime: its key is the key.
            Ok(()) | Err(_) => {}
        }
    }
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o7777;
    let path_text = path.display().to_string();
    if mode & 0o077 != 0 {
        return Err(VaultError::Exposed {
            path: path_text,
            mode,
        });
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    parse_key(&text).ok_or(VaultError::Malformed { path: path_text })
}

fn parse_key(text: &str) -> Option<Key> {
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

/// Writes a random key beside its place, makes it durable, and only then gives it its name, so
/// that a crash leaves either no key file or a whole one. Durable before the journal: without its
/// key a journal's passwords are lost.
fn create(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let unnamed = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unnamed)?;
    file.write_all(random_line()?.as_bytes())?;
    file.sync_all()?;
    let named = fs::hard_link(&unnamed, &path);
    fs::remove_file(&unnamed)?;
    named?;
    fs::File::open(folder)?.sync_all()
}

fn random_line() -> io::Result<Zeroizing<String>> {
    use std::fmt::Write as _;
    let mut key = Key::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|error| io::Error::other(error.to_string()))?;
    // Room for all of it, so that it does not grow and leave a copy behind.
    let mut line = Zeroizing::new(String::with_capacity(128));
    line.push_str(KEY_FILE_MARK);
    line.push(' ');
    for byte in key.iter() {
        write!(line, "{byte:02x}").map_err(io::Error::other)?;
    }
    line.push('\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Vault;

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
    fn a_key_that_another_made_first_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waika.key");
        let first = Vault::open(&path).unwrap();
        assert_eq!(
            create(&path).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(Vault::open(&path).unwrap().check(), first.check());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
