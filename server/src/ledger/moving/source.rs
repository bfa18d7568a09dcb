//! The journal that is moved, as a database has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use waika_domain::account::Account;
use waika_domain::event::Erasure;

use super::{MoveError, Watching};
use crate::idempotency::Idempotency;
use crate::ledger::OpenError;
use crate::ledger::decode::{self, Stored, StoredBody};
use crate::ledger::journal::disk::RealDisk;
use crate::ledger::journal::{self, moved};
use crate::ledger::node::links;
use crate::ledger::postgres::{EntryRow, Links};
use crate::ledger::replay::{scope_of, unknown_code_row};
use crate::ledger::scrub::apart::Apart;
use crate::ledger::{keys, open};
use crate::vault::{KeyFile, Keyring, Vault};

/// A journal on which no server runs for as long as this lives.
pub(super) struct Source {
    disk: RealDisk,
    key_file: KeyFile,
    /// As the database keeps it: wrapped by the key file.
    pub(super) keyring: Vec<u8>,
    check: [u8; 8],
    index: Idempotency,
}

/// An entry with the name of the row that it belongs to.
pub(super) struct Taken {
    pub(super) account: String,
    pub(super) row: EntryRow,
}

/// Every account.
type All = Apart<fn(&str) -> bool>;

/// What all entries come to.
pub(super) struct State {
    pub(super) accounts: All,
    /// Rows that are no account's, with their last entries.
    pub(super) others: BTreeMap<String, u64>,
    /// What something has to follow.
    pub(super) awaiting: BTreeSet<(String, u64)>,
    pub(super) entries: u64,
    pub(super) last: u64,
}

impl Source {
    pub(super) fn open(folder: &Path, key_file: &Path) -> Result<Self, MoveError> {
        let disk = RealDisk::open(folder)?;
        let shown = folder.display().to_string();
        let why = journal::backup::not_a_journal(&disk);
        if let Some(why) = why.map_err(|error| open::unlisted(&shown, error))? {
            return Err(OpenError::NotForAServer { folder: shown, why }.into());
        }
        if let Some(beginning) = journal::beginning(&disk)? {
            return Err(MoveError::Pruned(beginning.first));
        }
        let (keyring, key_file) = keys::open_existing(&disk, &shown, key_file)?;
        let vault = Vault::of(&keyring);
        let wrapped = keyring.wrap(&key_file).map_err(OpenError::NoRandomness)?;
        Ok(Self {
            disk,
            key_file,
            keyring: wrapped,
            check: vault.check(),
            index: Idempotency::elsewhere(vault.index_key()),
        })
    }

    /// True if a database's keyring has this journal's keys.
    pub(super) fn is_same(&self, wrapped: &[u8]) -> bool {
        let keyring = Keyring::unwrap(wrapped, &self.key_file);
        keyring.is_ok_and(|keyring| Vault::of(&keyring).check() == self.check)
    }

    /// About how many entries there are.
    pub(super) fn entries(&self) -> u64 {
        journal::durable(&self.disk).unwrap_or_default()
    }

    /// Where it was moved to, by its mark.
    pub(super) fn moved_to(&self) -> Result<Option<String>, MoveError> {
        Ok(moved::read(&self.disk)?)
    }

    /// No server starts on it any more.
    pub(super) fn mark(&self, to: &str) -> Result<(), MoveError> {
        Ok(moved::mark(&self.disk, to)?)
    }

    /// Servers may start on it again.
    pub(super) fn unmark(&self) -> Result<(), MoveError> {
        Ok(moved::unmark(&self.disk)?)
    }

    /// Hands on every entry, and says what they come to.
    pub(super) fn read(
        &self,
        watching: &dyn Watching,
        on_entry: &mut dyn FnMut(Taken) -> Result<(), MoveError>,
    ) -> Result<State, MoveError> {
        let mut state = State::new();
        let mut ended = None;
        let each = |sequence, bytes: &[u8]| {
            if watching.is_stopped() {
                ended = Some(MoveError::Stopped);
                return Err("stopped".into());
            }
            watching.done(1);
            let stored = decode::entry(bytes)?;
            let taken = self.taken(sequence, &stored, bytes);
            state.last = sequence;
            let Some(taken) = taken else {
                return Ok(());
            };
            state.apply(sequence, &stored, &taken);
            on_entry(taken).map_err(|error| {
                ended = Some(error);
                Box::<dyn std::error::Error + Send + Sync>::from("stopped")
            })
        };
        let read = journal::read_all(&self.disk, 1, u64::MAX, each);
        if let Some(error) = ended {
            return Err(error);
        }
        read?;
        let erasing = state
            .accounts
            .iter()
            .find(|(_, account)| is_erasing(account));
        match erasing {
            Some((name, _)) => Err(MoveError::Erasing(name.to_owned())),
            None => Ok(state),
        }
    }

    /// An entry as the database has it; nothing for what the journal says of itself.
    fn taken(&self, sequence: u64, stored: &Stored, bytes: &[u8]) -> Option<Taken> {
        let StoredBody::Event(event) = &stored.body else {
            return None;
        };
        let call = stored.call.as_ref().filter(|_| event.begun_by().is_none());
        let scope = scope_of(event, &stored.account);
        let call_hash = call.map(|call| {
            let parts = (call.rpc, &*call.caller, call.key.as_str());
            self.index.wide_hash(&scope, parts)
        });
        let account = match call_hash {
            Some(hash) if stored.account.is_empty() && event.payment().is_some() => {
                unknown_code_row(&scope, hash)
            }
            Some(_) | None => stored.account.to_string(),
        };
        let row = EntryRow {
            sequence,
            call_hash,
            entry: bytes.to_vec(),
            links: Links {
                is_operated: stored.operated.is_some(),
                // Whoever starts later has nothing in memory that it concerns.
                is_for_all: false,
                ..links(event)
            },
        };
        Some(Taken { account, row })
    }
}

fn is_erasing(account: &Account) -> bool {
    let closure = account.closure();
    closure.is_some_and(|closure| matches!(closure.erasure, Erasure::Begun(_)))
}

impl State {
    fn new() -> Self {
        let all: fn(&str) -> bool = |_| true;
        Self {
            accounts: Apart::new(all),
            others: BTreeMap::new(),
            awaiting: BTreeSet::new(),
            entries: 0,
            last: 0,
        }
    }

    fn apply(&mut self, sequence: u64, stored: &Stored, taken: &Taken) {
        self.entries += 1;
        self.accounts.apply_stored(sequence, stored);
        if stored.account.is_empty() {
            self.others.insert(taken.account.clone(), sequence);
        }
        let links = taken.row.links;
        if links.is_awaited {
            self.awaiting.insert((taken.account.clone(), sequence));
        }
        if let Some(ended) = links.ends {
            self.awaiting.remove(&(taken.account.clone(), ended));
        }
    }
}
