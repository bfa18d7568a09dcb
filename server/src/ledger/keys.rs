//! The store's keys: opened with it, and taken up anew while it serves.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use metrics::gauge;

use super::journal::disk::Disk;
use super::journal::{self, keyring};
use super::under_keys::key_check;
use super::{Ledger, OpenError, open};
use crate::clock;
use crate::config::{LedgerConfig, Store};
use crate::vault::{KeyFile, Keyring, KeyringError, Vault};

/// How soon a server goes on with keys that were changed beside it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Opens the keys of a store. A new store is given a keyring; one from before keyrings has none, and its one
/// key is in the key file.
pub(super) fn open(disk: &dyn Disk, folder: &str, key_file: &Path) -> Result<Vault, OpenError> {
    let wrapped = keyring::read(disk)?;
    let may_make = wrapped.is_none() && is_new(disk, folder)?;
    let file = if may_make {
        KeyFile::open_or_create(key_file)?
    } else {
        open_file(folder, key_file)?
    };
    let keyring = match wrapped {
        Some(wrapped) => {
            let keyring = unwrap(&wrapped, &file, folder, key_file)?;
            if let Some(flaw) = keyring::flaw(disk).map_err(journal::OpenError::from)? {
                tracing::warn!(%flaw, "the keyring is written anew");
                keyring::publish(disk, &wrapped).map_err(journal::OpenError::from)?;
            }
            keyring
        }
        None if may_make => {
            let fresh = Keyring::fresh(clock::machine()).map_err(OpenError::NoRandomness)?;
            let wrapped = fresh.wrap(&file).map_err(OpenError::NoRandomness)?;
            keyring::publish(disk, &wrapped).map_err(journal::OpenError::from)?;
            fresh
        }
        None => Keyring::of_one(file.first()),
    };
    Ok(Vault::of(&keyring))
}

/// The keys of a store that is there, and what wraps them. Nothing is made.
pub(crate) fn open_existing(
    disk: &dyn Disk,
    folder: &str,
    key_file: &Path,
) -> Result<(Keyring, KeyFile), OpenError> {
    let file = open_file(folder, key_file)?;
    let keyring = match keyring::read(disk)? {
        Some(wrapped) => unwrap(&wrapped, &file, folder, key_file)?,
        // It is from before keyrings.
        None => Keyring::of_one(file.first()),
    };
    check_own(disk, &keyring, folder, key_file)?;
    Ok((keyring, file))
}

/// What wraps the keys of a store that is there.
pub(super) fn open_file(folder: &str, key_file: &Path) -> Result<KeyFile, OpenError> {
    if key_file.exists() {
        return Ok(KeyFile::open(key_file)?);
    }
    Err(no_key(folder, key_file))
}

pub(super) fn no_key(folder: &str, key_file: &Path) -> OpenError {
    OpenError::NoKey {
        folder: folder.to_owned(),
        key_file: key_file.display().to_string(),
    }
}

/// Refuses keys that are not those which a journal was written with.
pub(crate) fn check_own(
    disk: &dyn Disk,
    keyring: &Keyring,
    folder: &str,
    key_file: &Path,
) -> Result<(), OpenError> {
    let check = key_check(disk)?;
    if check.is_none_or(|check| *check == Vault::of(keyring).check()) {
        return Ok(());
    }
    Err(OpenError::OtherKey {
        folder: folder.to_owned(),
        key_file: key_file.display().to_string(),
    })
}

/// True if nothing was ever written here, so that keys may be made.
fn is_new(disk: &dyn Disk, folder: &str) -> Result<bool, OpenError> {
    let names = disk.list().map_err(|error| open::unlisted(folder, error))?;
    let has_ending = |name: &String| Path::new(name).extension().is_some_and(|end| end == "seg");
    Ok(!names.iter().any(has_ending))
}

/// Unwraps what stands in a data folder.
pub(crate) fn unwrap(
    wrapped: &[u8],
    file: &KeyFile,
    folder: &str,
    key_file: &Path,
) -> Result<Keyring, OpenError> {
    let damaged = |what| OpenError::Journal(keyring::damage(what).into());
    Keyring::unwrap(wrapped, file).map_err(|error| match error {
        KeyringError::OtherKey(wrapped_by) => OpenError::OtherWrapping {
            folder: folder.to_owned(),
            key_file: key_file.display().to_string(),
            wrapped_by,
        },
        KeyringError::NewerFormat(found) => OpenError::Journal(journal::OpenError::NewerFormat {
            file: "keyring".to_owned(),
            found,
            supported: 1,
        }),
        KeyringError::Damaged
        | KeyringError::TooMany
        | KeyringError::Spent
        | KeyringError::Random(_) => damaged("it is whole, and does not open under its key"),
    })
}

impl Ledger {
    /// Looks again and again, for as long as the ledger lives, whether its keyring was changed beside it.
    pub(super) fn watch_keys(self: &Arc<Self>, config: &LedgerConfig) -> io::Result<()> {
        gauge!("waika_live_keys").set(count(self));
        if matches!(config.store, Store::Memory { .. }) {
            return Ok(());
        }
        let mut watch = Watch {
            ledger: Arc::downgrade(self),
            key_file: config.key_file.clone(),
            seen: None,
            has_failed: false,
        };
        let builder = thread::Builder::new().name("waika-keyring".to_owned());
        // It may have been changed since the store was opened.
        let mut goes_on = watch.look().is_some();
        builder.spawn(move || {
            while goes_on {
                thread::sleep(LOOK_EVERY);
                goes_on = watch.look().is_some();
            }
        })?;
        Ok(())
    }
}

fn count(ledger: &Ledger) -> f64 {
    let count = ledger.vault().live().count();
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

/// Who looks.
struct Watch {
    ledger: Weak<Ledger>,
    key_file: PathBuf,
    /// The keyring as it was when it was last taken up. None at the beginning.
    seen: Option<Vec<u8>>,
    /// The last look has told of a failure.
    has_failed: bool,
}

impl Watch {
    /// None once the ledger is gone.
    fn look(&mut self) -> Option<()> {
        let ledger = self.ledger.upgrade()?;
        let looked = self.take_up(&ledger);
        if let Err(error) = &looked
            && !self.has_failed
        {
            tracing::error!(
                error,
                "the keyring was changed and cannot be read: the keys from before it stay in use; a start \
                 would fail"
            );
        }
        self.has_failed = looked.is_err();
        Some(())
    }

    fn take_up(&mut self, ledger: &Ledger) -> Result<(), String> {
        let wrapped = ledger.reader.keyring().map_err(|error| error.to_string())?;
        if wrapped == self.seen {
            return Ok(());
        }
        let Some(there) = &wrapped else {
            return Err("the file keyring is gone: put it back from a backup".to_owned());
        };
        let file = KeyFile::open(&self.key_file).map_err(|error| error.to_string())?;
        let keyring = unwrap(there, &file, "the data folder", &self.key_file);
        let keyring = keyring.map_err(|error| error.to_string())?;
        let before = ledger.vault().live();
        if !ledger.vault().take_up(&keyring) {
            return Err("the file keyring is another store's".to_owned());
        }
        let now = ledger.vault().live();
        if !now.numbers().eq(before.numbers()) {
            let keys: Vec<_> = now.numbers().map(|key| key.0).collect();
            tracing::info!(?keys, "goes on with these data keys, the active one first");
        }
        gauge!("waika_live_keys").set(count(ledger));
        if let Err(error) = ledger.reader.note_taken_up(there) {
            // Without it older keys are not removed while this server runs.
            tracing::warn!(%error, "nobody is told that the keyring was taken up");
        }
        self.seen = wrapped;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::journal::disk::{Faults, SimulatedDisk};

    fn made(disk: &SimulatedDisk, key_file: &Path) -> Result<[u8; 8], OpenError> {
        open(disk, "folder", key_file).map(|vault| vault.check())
    }

    #[test]
    fn a_new_store_has_one_keyring_whenever_the_power_goes() {
        let home = tempfile::tempdir().unwrap();
        let key_file = home.path().join("waika.key");
        for seed in 0..20 {
            for at in 0.. {
                let faults = Faults {
                    power_off_at: Some(at),
                    ..Faults::default()
                };
                let disk = SimulatedDisk::new(seed, faults);
                let first = made(&disk, &key_file);
                let after = disk.after_power_cut(Faults::default());
                let second = made(&after, &key_file).unwrap();
                if let Ok(first) = first {
                    assert_eq!(first, second, "{seed} {at}");
                    break;
                }
                assert_eq!(made(&after, &key_file).unwrap(), second, "{seed} {at}");
            }
        }
    }

    #[test]
    fn a_keyring_is_the_one_before_or_the_new_one_whenever_the_power_goes() {
        let home = tempfile::tempdir().unwrap();
        let key_file = home.path().join("waika.key");
        let file = KeyFile::open_or_create(&key_file).unwrap();
        for seed in 0..50 {
            for at in 0.. {
                let disk = SimulatedDisk::new(seed, Faults::default());
                let check = made(&disk, &key_file).unwrap();
                let wrapped = keyring::read(&disk).unwrap().unwrap();
                let mut ring = Keyring::unwrap(&wrapped, &file).unwrap();
                ring.add_random(clock::machine()).unwrap();
                let [changes, ..] = disk.counts();
                disk.set_faults(Faults {
                    power_off_at: Some(changes + at),
                    ..Faults::default()
                });
                let published = keyring::publish(&disk, &ring.wrap(&file).unwrap());
                let after = disk.after_power_cut(Faults::default());
                let vault = open(&after, "folder", &key_file).unwrap();
                assert_eq!(vault.check(), check);
                let keys = vault.live().count();
                assert!(
                    keys == 2 || (keys == 1 && published.is_err()),
                    "{seed} {at}"
                );
                if published.is_ok() {
                    break;
                }
            }
        }
    }

    #[test]
    fn another_key_file_is_refused_by_name() {
        let home = tempfile::tempdir().unwrap();
        let disk = SimulatedDisk::new(1, Faults::default());
        made(&disk, &home.path().join("ours")).unwrap();
        let error = made(&disk, &home.path().join("theirs")).unwrap_err();
        assert!(matches!(error, OpenError::NoKey { .. }), "{error}");
        KeyFile::open_or_create(&home.path().join("theirs")).unwrap();
        let error = made(&disk, &home.path().join("theirs")).unwrap_err();
        assert!(matches!(error, OpenError::OtherWrapping { .. }), "{error}");
        assert!(error.to_string().contains("theirs"), "{error}");
    }
}
