//! `rotate-keys` and `rewrap-keys`: changing a store's keys, also beside a server that runs on it.
//!
//! The one file that is written is the keyring, and it is replaced as a whole: whenever the power goes, the one
//! before it is there or the new one.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use waika_domain::fingerprints::KeyNumber;

use super::interrupt::{self, Stop};
use super::{require_journal, text};
use crate::clock;
use crate::config::{RewrapConfig, RotateConfig};
use crate::exit::{self, Failure, Reason};
use crate::ledger::journal::backup::not_for_a_server;
use crate::ledger::journal::disk::RealDisk;
use crate::ledger::journal::{self, keyring};
use crate::ledger::under_keys::{UnderKey, UnderKeys};
use crate::ledger::{OpenError, keys};
use crate::vault::{KeyFile, Keyring, KeyringError, VaultError, WrappedBy};

/// There is nothing to clean up.
const GRACE: Duration = Duration::from_secs(1);

/// Adds a data key.
pub(super) fn rotate(config: RotateConfig) -> Result<(), Failure> {
    let told = interrupt::run(GRACE, move |_| {
        let store = Store::open(&config.folder)?;
        let file = KeyFile::open(&config.key_file).map_err(unusable)?;
        let mut keyring = store.keyring(&[(&file, &config.key_file)])?;
        let number = keyring.add_random(clock::machine());
        let number = number.map_err(|error| not_added(&error, &config.folder))?;
        store.publish(&keyring, &file)?;
        Ok(format!(
            "data key {} is the active one of {} now; live are {}\n",
            number.0,
            config.folder.display(),
            list(keyring.numbers().map(|(number, _)| number)),
        ))
    })?;
    exit::print(&told)
}

/// Changes what wraps the keyring, and tells what is under which key.
pub(super) fn rewrap(config: RewrapConfig) -> Result<(), Failure> {
    let told = interrupt::run(GRACE, move |stop| rewrapped(&config, stop))?;
    exit::print(&told)
}

fn rewrapped(config: &RewrapConfig, stop: &Stop) -> Result<String, Failure> {
    let store = Store::open(&config.folder)?;
    let file = KeyFile::open(&config.key_file).map_err(unusable)?;
    let named = config.new_key_file.as_deref();
    let there = named.filter(|path| path.exists()).map(KeyFile::open);
    let mut new = there.transpose().map_err(unusable)?;
    let mut files = vec![(&file, &*config.key_file)];
    files.extend(new.as_ref().zip(named));
    let mut keyring = store.keyring(&files)?;
    if let (None, Some(path)) = (&new, named) {
        new = Some(KeyFile::open_or_create(path).map_err(unusable)?);
    }
    let by = new.as_ref().unwrap_or(&file);
    let (before, after) = (store.wrapped_by()?, by.wraps_as());
    if before != Some(after) {
        store.publish(&keyring, by)?;
    }
    let under = count(&store, stop)?;
    let mut told = render(&store, (before, after), &keyring, &under);
    let older = keyring.numbers().skip(1).map(|(number, _)| number);
    let older: Vec<_> = older.collect();
    if !config.remove_old {
        told.push_str(&advice(&older, &under));
    } else if older.is_empty() {
        told.push_str("there is no older data key to remove\n");
    } else {
        store.check_removable(&older, &under)?;
        keyring.remove_older();
        store.publish(&keyring, by)?;
        // Writing to a string cannot fail.
        let _ = writeln!(told, "removed: {}", list(older));
    }
    Ok(told)
}

fn count(store: &Store<'_>, stop: &Stop) -> Result<UnderKeys, Failure> {
    let counted = UnderKeys::count(&store.disk, &|| {
        if stop.is_asked() {
            Err("stopped".into())
        } else {
            Ok(())
        }
    });
    if stop.is_asked() {
        return Err(interrupt::stopped());
    }
    Ok(counted?)
}

/// A store whose keyring may be changed by nobody else meanwhile.
struct Store<'a> {
    disk: RealDisk,
    folder: &'a Path,
}

impl<'a> Store<'a> {
    fn open(folder: &'a Path) -> Result<Self, Failure> {
        require_journal(folder)?;
        let disk = RealDisk::open_for_keyring(folder).map_err(|error| match error {
            journal::OpenError::Held { .. } => Failure::new(
                Reason::Unavailable,
                format!(
                    "--store: another command changes the keyring in \"{}\": wait for it",
                    folder.display()
                ),
            ),
            error => error.into(),
        })?;
        match not_for_a_server(&disk) {
            Ok(None) => Ok(Self { disk, folder }),
            Ok(Some(why)) => Err(OpenError::NotForAServer {
                folder: folder.display().to_string(),
                why,
            }
            .into()),
            Err(error) => Err(Failure::new(Reason::Io, format!("--store: {error}"))),
        }
    }

    fn wrapped_by(&self) -> Result<Option<WrappedBy>, Failure> {
        let wrapped = keyring::read(&self.disk)?;
        // What was unwrapped names its key.
        Ok(wrapped.and_then(|wrapped| Keyring::wrapped_by(&wrapped).ok()))
    }

    /// The keyring, by whichever of these files has its key, if it is this journal's.
    fn keyring(&self, files: &[(&KeyFile, &Path)]) -> Result<Keyring, Failure> {
        let folder = self.folder.display().to_string();
        let Some(wrapped) = keyring::read(&self.disk)? else {
            let (file, path) = files.first().copied().ok_or_else(no_file)?;
            let keyring = Keyring::of_one(file.first());
            return self.check(keyring, path);
        };
        let mut opened = Err(no_file());
        for (file, path) in files.iter().rev() {
            match keys::unwrap(&wrapped, file, &folder, path) {
                Ok(keyring) => return self.check(keyring, path),
                Err(error) => opened = Err(error.into()),
            }
        }
        opened
    }

    /// Refuses keys that are not those which the journal was written with.
    fn check(&self, keyring: Keyring, key_file: &Path) -> Result<Keyring, Failure> {
        let folder = self.folder.display().to_string();
        keys::check_own(&self.disk, &keyring, &folder, key_file)?;
        Ok(keyring)
    }

    fn publish(&self, keyring: &Keyring, by: &KeyFile) -> Result<(), Failure> {
        let wrapped = keyring.wrap(by);
        let wrapped = wrapped.map_err(|error| not_added(&error, self.folder))?;
        let published = keyring::publish(&self.disk, &wrapped);
        Ok(published.map_err(journal::OpenError::from)?)
    }

    /// Refuses to remove a key that something is under, or may be under in a moment.
    fn check_removable(&self, older: &[KeyNumber], under: &UnderKeys) -> Result<(), Failure> {
        let left = older.iter().map(|&key| (key, under.of(key)));
        let left: Vec<_> = left.filter(|(_, left)| !left.is_none()).collect();
        let refuse = |why: String| Err(Failure::new(Reason::Configuration, why));
        if !left.is_empty() {
            let left = left
                .iter()
                .map(|(key, left)| format!("under data key {}: {}", key.0, shown(*left)));
            let left = left.collect::<Vec<_>>().join("; ");
            return refuse(format!(
                "--remove-old: {left}: each card has to be bound again and each password used once; nothing \
                 was removed"
            ));
        }
        let io = |error| Failure::new(Reason::Io, format!("--store: {error}"));
        let wrapped = keyring::read(&self.disk)?.unwrap_or_default();
        let taken_up = keyring::is_taken_up(&self.disk, &wrapped);
        let taken_up = taken_up.map_err(journal::OpenError::from)?;
        if RealDisk::is_served(self.folder).map_err(io)? && !taken_up {
            return refuse(
                "--remove-old: the server that runs on the folder does not go on with this keyring yet, and \
                 still writes under an older key: look into its log, and try again in two seconds; nothing \
                 was removed"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

fn no_file() -> Failure {
    Failure::new(Reason::Configuration, "--key-file: name a file")
}

fn unusable(error: VaultError) -> Failure {
    OpenError::from(error).into()
}

fn not_added(error: &KeyringError, folder: &Path) -> Failure {
    let (reason, mend) = match error {
        KeyringError::TooMany | KeyringError::Spent => (
            Reason::Configuration,
            ": rewrap-keys tells what is under the older ones, and removes them with --remove-old",
        ),
        KeyringError::Random(_) => (Reason::System, ""),
        KeyringError::OtherKey(_) | KeyringError::Damaged | KeyringError::NewerFormat(_) => {
            (Reason::Damaged, "")
        }
    };
    let text = format!(
        "--store: keyring of \"{}\": {error}{mend}",
        folder.display()
    );
    Failure::new(reason, text)
}

fn list(keys: impl IntoIterator<Item = KeyNumber>) -> String {
    let keys = keys.into_iter().map(|key| key.0.to_string());
    keys.collect::<Vec<_>>().join(", ")
}

fn shown(under: UnderKey) -> String {
    let UnderKey {
        cards,
        documents,
        passwords,
    } = under;
    format!(
        "cards {}, documents {}, passwords {}",
        text::grouped(cards),
        text::grouped(documents),
        text::grouped(passwords)
    )
}

fn render(
    store: &Store<'_>,
    (before, after): (Option<WrappedBy>, WrappedBy),
    keyring: &Keyring,
    under: &UnderKeys,
) -> String {
    let mut told = format!("keyring of {}\n", store.folder.display());
    let wrapped = match before {
        Some(before) if before == after => format!("{after}, as before"),
        Some(before) => format!("{after}; before, by {before}"),
        None => format!("{after}; before, there was none"),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(told, "  {:<16}{wrapped}", "wrapped by");
    for (place, (number, _)) in keyring.numbers().enumerate() {
        let name = format!("data key {}", number.0);
        let active = if place == 0 { " (active)" } else { "" };
        let _ = writeln!(told, "  {name:<16}{}{active}", shown(under.of(number)));
    }
    let live: Vec<_> = keyring.numbers().map(|(number, _)| number).collect();
    for number in under.keys().filter(|number| !live.contains(number)) {
        let name = format!("data key {}", number.0);
        let _ = writeln!(
            told,
            "  {name:<16}{} (not there any more)",
            shown(under.of(number))
        );
    }
    let _ = writeln!(
        told,
        "  {:<16}{}",
        "accounts",
        text::grouped(under.accounts)
    );
    let _ = writeln!(
        told,
        "  {:<16}{}",
        "last sequence",
        text::grouped(under.through)
    );
    told
}

/// What to do about older keys.
fn advice(older: &[KeyNumber], under: &UnderKeys) -> String {
    if older.is_empty() {
        return String::new();
    }
    let old = older.iter().map(|&key| under.of(key));
    let old = old.fold(UnderKey::default(), |sum, one| UnderKey {
        cards: sum.cards + one.cards,
        documents: sum.documents + one.documents,
        passwords: sum.passwords + one.passwords,
    });
    let sum = old.cards + old.documents + old.passwords;
    let next = if sum == 0 {
        "--remove-old removes the older ones"
    } else {
        "they move when cards are bound again and passwords used"
    };
    format!("under older data keys: {}: {next}\n", text::grouped(sum))
}
