//! The key file: readable by its owner only, outside the data folder. A line holds the key that wraps the
//! keyring; while that is being changed there may be several, and the last one wraps.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::keyring::{Key, WrappedBy, random};

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
        "key file {path} does not hold a key: each of its lines must be `{KEY_FILE_MARK}` and 64 \
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

/// The keys of a key file.
pub struct KeyFile {
    /// What wraps.
    last: Key,
    /// What stands before it in the file.
    before: Vec<Key>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyFile(…)")
    }
}

impl KeyFile {
    /// Reads it.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let path_text = || path.display().to_string();
        let failed = |source| VaultError::Io {
            path: path_text(),
            source,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(VaultError::Exposed {
                path: path_text(),
                mode,
            });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
        Self::parse(&text).ok_or(VaultError::Malformed { path: path_text() })
    }

    /// Reads it, or makes one with one key (0600, in a folder made 0700) where there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, VaultError> {
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
        Self::open(path)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text.trim_end().lines();
        let mut keys = lines.map(parse_key).collect::<Option<Vec<_>>>()?;
        Some(Self {
            last: keys.pop()?,
            before: keys,
        })
    }

    /// The key that is written first: a store from before keyrings has no other.
    pub(crate) fn first(&self) -> &[u8; 32] {
        self.before.first().unwrap_or(&self.last)
    }

    /// The key that wraps.
    pub(super) fn last(&self) -> &Key {
        &self.last
    }

    /// Names the key that wraps.
    pub fn wraps_as(&self) -> WrappedBy {
        WrappedBy::of(&self.last)
    }

    pub(super) fn find(&self, name: WrappedBy) -> Option<&Key> {
        let mut keys = std::iter::once(&self.last).chain(&self.before);
        keys.find(|key| WrappedBy::of(key) == name)
    }

    #[cfg(test)]
    pub(crate) fn of(keys: &[[u8; 32]]) -> Self {
        let mut keys: Vec<_> = keys.iter().map(|key| Zeroizing::new(*key)).collect();
        Self {
            last: keys.pop().unwrap(),
            before: keys,
        }
    }
}

fn parse_key(line: &str) -> Option<Key> {
    let digits = line
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
    let key = random::<32>().map_err(io::Error::other)?;
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

    #[test]
    fn a_key_file_is_made_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/waika.key");
        let made = KeyFile::open_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        let read = KeyFile::open_or_create(&path).unwrap();
        assert_eq!(made.wraps_as(), read.wraps_as());
        assert_eq!(made.first(), read.first());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waika.key");
        KeyFile::open_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = KeyFile::open_or_create(&path).unwrap_err();
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
            let error = KeyFile::open_or_create(&path).unwrap_err();
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
        let first = KeyFile::open_or_create(&path).unwrap();
        assert_eq!(
            create(&path).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(
            KeyFile::open_or_create(&path).unwrap().wraps_as(),
            first.wraps_as()
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_several_keys_the_last_wraps_and_the_first_is_a_store_s_from_before_keyrings() {
        let line = |digit: &str| format!("{KEY_FILE_MARK} {}\n", digit.repeat(64));
        let both = KeyFile::parse(&(line("1") + &line("2"))).unwrap();
        let [one, two] = ["1", "2"].map(|digit| KeyFile::parse(&line(digit)).unwrap());
        assert_eq!(both.wraps_as(), two.wraps_as());
        assert_eq!(both.first(), one.first());
        assert!(both.find(one.wraps_as()).is_some());
        assert!(one.find(two.wraps_as()).is_none());
        for text in ["\n", "\n\n", "waika-key-2 11"] {
            assert!(
                KeyFile::parse(&(line("1") + text + &line("2"))).is_none(),
                "{text:?}"
            );
        }
    }
}
