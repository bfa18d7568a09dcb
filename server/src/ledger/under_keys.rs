//! What of a store is under which data key, told from its folder: nothing is changed, and a server may run on
//! it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use waika_domain::account::Account;
use waika_domain::fingerprints::KeyNumber;

use super::decode::{self, NotUnderstood, StoredBody};
use super::journal::disk::Disk;
use super::journal::{self, OpenError};
use super::scrub::apart::Apart;
use super::snapshot;

/// Accounts that are made anew at once: some hundred bytes each.
const ACCOUNTS_A_PART: u64 = 1_000_000;

/// What is under one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UnderKey {
    /// Cards that are bound, or being bound.
    pub(crate) cards: u64,
    /// Documents of accounts, and of requests to reset a password.
    pub(crate) documents: u64,
    /// Payment passwords.
    pub(crate) passwords: u64,
}

impl UnderKey {
    /// True if nothing is.
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// What is under each key of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderKeys {
    keys: BTreeMap<KeyNumber, UnderKey>,
    /// The last sequence that counts in this.
    pub(crate) through: u64,
    /// The number of accounts.
    pub(crate) accounts: u64,
}

/// Why nobody can tell.
type Wrong = Box<dyn std::error::Error + Send + Sync>;

impl UnderKeys {
    /// Counts. `go_on` is asked now and then, and ends it with an error.
    pub(crate) fn count(
        disk: &dyn Disk,
        go_on: &dyn Fn() -> Result<(), Wrong>,
    ) -> Result<Self, OpenError> {
        let mut counted = Self::default();
        let mut records = 0;
        if let Some(identity) = journal::identity(disk) {
            journal::read_newest(disk, identity, |block| {
                records = block.map_or(0, |block| records + block.records().count() as u64);
                go_on()
            })?;
        }
        let parts = records / ACCOUNTS_A_PART + 1;
        for part in 0..parts {
            let is_of_part = |id: &str| {
                let mut hasher = DefaultHasher::new();
                id.hash(&mut hasher);
                hasher.finish() % parts == part
            };
            counted.add_part(disk, Apart::new(is_of_part), go_on)?;
        }
        Ok(counted)
    }

    fn add_part<F: Fn(&str) -> bool>(
        &mut self,
        disk: &dyn Disk,
        mut apart: Apart<F>,
        go_on: &dyn Fn() -> Result<(), Wrong>,
    ) -> Result<(), OpenError> {
        let mut from = 0;
        if let Some(identity) = journal::identity(disk) {
            let snapshot = journal::read_newest(disk, identity, |block| {
                match block {
                    None => apart.forget(),
                    Some(block) => apart.load(&block)?,
                }
                go_on()
            })?;
            from = snapshot.map_or(0, |snapshot| snapshot.from);
        }
        // Every part counts as far as the first one did.
        let to = if self.through == 0 {
            u64::MAX
        } else {
            self.through
        };
        journal::read_all(disk, from + 1, to, |sequence, entry| {
            self.through = self.through.max(sequence);
            apart.apply(sequence, entry)?;
            go_on()
        })?;
        self.through = self.through.max(from);
        for account in apart.rest() {
            self.add(account);
        }
        Ok(())
    }

    fn add(&mut self, account: &Account) {
        self.accounts += 1;
        for card in account.cards() {
            self.under(card.fingerprint.key()).cards += 1;
        }
        for bind in account.pending_binds() {
            self.under(bind.card.active().key()).cards += 1;
        }
        let ticket = account.password_ticket().map(|ticket| ticket.document);
        let document = account.identity().map(|identity| identity.fingerprint);
        for document in document.into_iter().chain(ticket) {
            self.under(document.key()).documents += 1;
        }
        if let Some(password) = account.password() {
            self.under(password.key()).passwords += 1;
        }
    }

    fn under(&mut self, key: KeyNumber) -> &mut UnderKey {
        self.keys.entry(key).or_default()
    }

    /// What is under a key.
    pub(crate) fn of(&self, key: KeyNumber) -> UnderKey {
        self.keys.get(&key).copied().unwrap_or_default()
    }

    /// Every key that something is under.
    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyNumber> {
        self.keys.keys().copied()
    }
}

/// What a journal says of the store's key: the first thing in it, or else in the newest snapshot. None if it
/// says nothing.
pub(crate) fn key_check(disk: &dyn Disk) -> Result<Option<Box<[u8]>>, OpenError> {
    let mut check = None;
    let read = journal::read_all(disk, 1, 1, |_, entry| {
        if let StoredBody::KeyCheck(told) = decode::entry(entry)?.body {
            check = Some(told);
        }
        Ok::<_, NotUnderstood>(())
    });
    match read {
        Err(OpenError::Pruned(_)) => snapshot::key_check(disk),
        read => read.map(|_| check),
    }
}
