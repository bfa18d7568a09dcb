//! From a journal to a database, in one transaction: the keys, every entry as it is, and the accounts that follow
//! from them. All of it is read back and held against the journal before it counts.

mod compare;
mod copy;
mod error;
mod source;

use std::path::Path;
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use self::compare::Compare;
pub(crate) use self::error::MoveError;
use self::source::Source;
use super::journal::moved;
use super::postgres::{Address, Session, migrate};
use crate::clock::monotonic;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Entries go to the database.
    CopyEntries,
    /// Accounts do.
    CopyAccounts,
    /// Entries are read back.
    CompareEntries,
    /// Accounts are.
    CompareAccounts,
}

/// Who is told how far it is, and says whether to go on.
pub(crate) trait Watching {
    /// A stage begins, of about so many; 0 if nobody knows.
    fn begins(&self, stage: Stage, total: u64);

    /// So many more are done.
    fn done(&self, more: u64);

    /// It is to end early: nothing will have been moved.
    fn is_stopped(&self) -> bool;
}

/// What was moved, or found to have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Entries of the journal, without what it says of itself.
    pub(crate) entries: u64,
    /// Accounts.
    pub(crate) accounts: u64,
    /// Entries that something has to follow, which a server sees to.
    pub(crate) awaited: u64,
    /// Everything had been moved before: it was compared and nothing written.
    pub(crate) was_there: bool,
    /// Accounts that have gone on in the database since.
    pub(crate) gone_on: u64,
    /// How long writing took,
    pub(crate) copied_in: Duration,
    /// and reading back.
    pub(crate) compared_in: Duration,
}

/// Moves a journal, or finds that it was moved and compares. Blocks.
pub(crate) fn run(
    (folder, key_file): (&Path, &Path),
    address: &Address,
    watching: &dyn Watching,
) -> Result<Moved, MoveError> {
    let source = Source::open(folder, key_file)?;
    let to = address.to_string();
    if let Some(other) = source.moved_to()?.filter(|marked| *marked != to) {
        return Err(MoveError::MovedElsewhere(other));
    }
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(MoveError::Thread)?;
    let handle = runtime.handle();
    let mut session = handle.block_on(Session::open(address))?;
    handle.block_on(migrate(session.client_mut()))?;
    let work = handle.block_on(session.client_mut().transaction())?;
    let moving = Moving {
        source: &source,
        work: &work,
        handle,
        watching,
    };
    let moved = moving.all()?;
    // Before it counts there: no server may decide on both.
    source.mark(&to)?;
    if let Err(error) = handle.block_on(work.commit()) {
        // It said no, or nobody knows.
        if error.as_db_error().is_some() && !moved.was_there {
            source.unmark()?;
            return Err(error.into());
        }
        return Err(MoveError::Unknown {
            reason: super::postgres::said(&error),
            mark: moved::FILE,
        });
    }
    Ok(moved)
}

/// One transaction.
struct Moving<'a> {
    source: &'a Source,
    work: &'a Transaction<'a>,
    handle: &'a Handle,
    watching: &'a dyn Watching,
}

impl Moving<'_> {
    fn all(&self) -> Result<Moved, MoveError> {
        let is_empty = self.take()?;
        let began = monotonic();
        if is_empty {
            self.copy()?;
        }
        let copied_in = began.elapsed();
        let began = monotonic();
        let compare = Compare {
            moving: self,
            may_have_gone_on: !is_empty,
        };
        let compared = compare.all().map_err(|error| match error {
            MoveError::Differs(what) if !is_empty => MoveError::Another(what),
            error => error,
        })?;
        Ok(Moved {
            entries: compared.entries,
            accounts: compared.accounts,
            awaited: compared.awaited,
            was_there: !is_empty,
            gone_on: compared.gone_on,
            copied_in,
            compared_in: began.elapsed(),
        })
    }

    /// Nobody else writes from now on. True if there is nothing, and false if it is this journal's.
    fn take(&self) -> Result<bool, MoveError> {
        let (work, handle) = (self.work, self.handle);
        // Autovacuum lets go of a table that somebody waits for, but only after a while.
        handle.block_on(work.batch_execute(
            "set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '1min';
             lock table store, node, account, entry, awaiting in exclusive mode;",
        ))?;
        let held = handle.block_on(work.query(
            "select name from node where held_until > now() order by number",
            &[],
        ))?;
        if let Some(first) = held.first() {
            return Err(MoveError::Served(first.try_get(0)?));
        }
        let there = handle.block_on(work.query_one(
            "select exists (select from entry) or exists (select from account), keyring from store",
            &[],
        ))?;
        let keyring: Option<Vec<u8>> = there.try_get(1)?;
        if !there.try_get::<_, bool>(0)? {
            let keyring: [&(dyn ToSql + Sync); 1] = [&self.source.keyring];
            handle.block_on(work.execute("update store set keyring = $1", &keyring))?;
            return Ok(true);
        }
        let is_ours = keyring.is_some_and(|keyring| self.source.is_same(&keyring));
        if is_ours {
            Ok(false)
        } else {
            Err(MoveError::Occupied)
        }
    }

    fn copy(&self) -> Result<(), MoveError> {
        let Self {
            source,
            work,
            handle,
            watching,
        } = self;
        watching.begins(Stage::CopyEntries, source.entries());
        let mut entries = copy::entries(work, handle)?;
        let state = source.read(*watching, &mut |taken| entries.push(taken))?;
        entries.end()?;
        watching.begins(Stage::CopyAccounts, state.accounts.len());
        copy::accounts(work, handle, state, *watching)?;
        // So that whoever comes first has good plans.
        let analyse = work.batch_execute("analyze account, entry");
        Ok(handle.block_on(analyse)?)
    }
}
