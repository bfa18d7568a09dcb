//! Snapshots of the state: taken in the background while the ledger goes on, and loaded at a
//! start, so that it need not replay the whole journal.
//!
//! A snapshot is fuzzy. Each account is copied under its lock at a moment of its own and says
//! which event it saw last; a start replays what came after `from`, and an event changes an
//! account only if it is newer. Everything else either says the same when it is replayed, or
//! carries the sequence that it saw last too.

mod decode;
mod encode;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod load;
mod schema;
mod take;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::tests::an_account;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use waika_domain::account::Account;
use waika_domain::identifiers::AccountId;
use waika_domain::sandbox_clock::ClockSetting;
use waika_domain::usage::Usage;

#[cfg(any(test, feature = "fuzzing"))]
pub(super) use self::fuzzing::read_twice;
pub(super) use self::load::Loader;
use super::background::give_way;
use super::decode::{Decoded, NotUnderstood};
use super::erasing::{Erasing, Wants};
use super::journal::disk::Disk;
use super::journal::{self, DiskError, OpenError, Published, SnapshotBlock, Snapshots};
use super::pruning::Pruning;
use super::{Ledger, LedgerError};

/// What of a snapshot is held against memory.
pub(super) enum Compared {
    /// An account, with its id.
    Account(AccountId, Box<Account>),
    /// The sequence of the newest entry of the operator log.
    LastOperated(u64),
}

/// What of a part of a snapshot is held against memory.
pub(super) fn compared(block: &SnapshotBlock) -> impl Iterator<Item = Decoded<Compared>> {
    let parts = block.records().map(decode::record);
    parts.filter_map(|part| match part {
        Ok(decode::Part::Account(id, account)) => Some(Ok(Compared::Account(id, account))),
        Ok(decode::Part::LastOperated(last)) => Some(Ok(Compared::LastOperated(last))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// An account as a record, without what it has used of its windows: a database keeps that beside it.
pub(crate) fn account_record(id: &str, account: Account) -> Vec<u8> {
    let mut parts = account.into_parts();
    parts.usage = Usage::default();
    encode::account(id, parts)
}

/// The account of such a record.
pub(crate) fn account_of_record(record: &[u8]) -> Decoded<(AccountId, Box<Account>)> {
    match decode::record(record)? {
        decode::Part::Account(id, account) => Ok((id, account)),
        _ => Err(NotUnderstood("an account's record")),
    }
}

/// How the clock stood by the newest whole snapshot in a folder: what set it may be pruned.
pub(crate) fn clock(disk: &dyn Disk) -> Result<Option<ClockSetting>, OpenError> {
    let Some(identity) = journal::identity(disk) else {
        return Ok(None);
    };
    let mut setting = None;
    journal::read_newest(disk, identity, |block| {
        let Some(block) = block else {
            setting = None;
            return Ok(());
        };
        for record in block.records() {
            if let decode::Part::Clock(known) = decode::record(record)? {
                setting = Some(known);
            }
        }
        Ok::<_, NotUnderstood>(())
    })?;
    Ok(setting)
}

/// What the newest whole snapshot in a folder says of the store's key.
pub(crate) fn key_check(disk: &dyn Disk) -> Result<Option<Box<[u8]>>, OpenError> {
    let Some(identity) = journal::identity(disk) else {
        return Ok(None);
    };
    let mut check = None;
    journal::read_newest(disk, identity, |block| {
        let first = block.iter().flat_map(|block| block.records().take(1));
        for record in first {
            if let decode::Part::KeyCheck(told, _) = decode::record(record)? {
                check = Some(told);
            }
        }
        Ok::<_, NotUnderstood>(())
    })?;
    Ok(check)
}

/// How often it is looked whether a snapshot is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every other thread goes first: a snapshot has time, and answers have not.
const LEAST_URGENT: i32 = 19;

/// A snapshot that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotTaken {
    /// Its file, and what it holds.
    pub published: Published,
    /// The last sequence when it was begun.
    pub begun: u64,
    /// Accounts in it.
    pub accounts: u64,
}

/// Why there is no snapshot. The journal is as it was.
#[derive(Debug, thiserror::Error)]
enum SnapshotError {
    /// It could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The server stops, or its store has failed.
    #[error("the server is stopping")]
    Stopping,
}

/// Where a snapshot's answer goes.
type Answer = oneshot::Sender<Result<SnapshotTaken, LedgerError>>;

/// What the thread is told.
#[derive(Debug)]
enum Told {
    /// Whose state it is: first, and once.
    Ledger(Weak<Ledger>),
    /// Take one now.
    Take(Answer),
    /// End.
    Stop,
}

impl Told {
    fn answer(self) -> Option<Answer> {
        match self {
            Self::Take(answer) => Some(answer),
            Self::Ledger(_) | Self::Stop => None,
        }
    }
}

/// The thread that takes snapshots, one at a time.
#[derive(Debug)]
pub(super) struct Snapshotter {
    told: mpsc::Sender<Told>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Snapshotter {
    /// Starts the thread, which waits for [`Snapshotter::begin`]. It takes a snapshot when asked,
    /// and by itself once `every` entries have come since the last (0: never). Between two it prunes.
    pub(super) fn start(
        snapshots: Snapshots,
        every: u64,
        last: u64,
        (pruning, erasing): (Pruning, Erasing),
    ) -> std::io::Result<Self> {
        let (told, tells) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let taker = Taker {
            ledger: Weak::new(),
            snapshots,
            every,
            next: last.saturating_add(every),
            covered: 0,
            pruning,
            erasing,
            stop: Arc::clone(&stop),
        };
        let builder = thread::Builder::new().name("waika-snapshot".to_owned());
        let thread = builder.spawn(move || taker.run(&tells))?;
        Ok(Self {
            told,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Says whose state it is. The thread ends with the ledger.
    pub(super) fn begin(&self, ledger: &Arc<Ledger>) {
        // A thread that is gone has panicked, and that was logged.
        drop(self.told.send(Told::Ledger(Arc::downgrade(ledger))));
    }

    /// Takes a snapshot, after one that is being taken.
    pub(super) async fn take(&self) -> Result<SnapshotTaken, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let told = self.told.send(Told::Take(answer));
        told.map_err(|_| LedgerError::Stopped)?;
        answered.await.unwrap_or(Err(LedgerError::Stopped))
    }

    /// Gives up what is being taken and ends the thread. Blocks for a moment.
    pub(super) fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.told.send(Told::Stop));
        if let Some(thread) = self.thread.lock().take() {
            // A panic in it was logged, and a snapshot is no promise.
            drop(thread.join());
        }
    }
}

/// Takes one on this thread.
#[cfg(test)]
pub(super) fn take_at_once(
    ledger: &Ledger,
    snapshots: &Snapshots,
    stop: &AtomicBool,
) -> Result<SnapshotTaken, String> {
    take::snapshot(ledger, snapshots, stop).map_err(|error| error.to_string())
}

struct Taker {
    ledger: Weak<Ledger>,
    snapshots: Snapshots,
    every: u64,
    /// The sequence at which the next one is due.
    next: u64,
    /// The last sequence when one was last begun.
    covered: u64,
    pruning: Pruning,
    erasing: Erasing,
    stop: Arc<AtomicBool>,
}

impl Taker {
    fn run(mut self, tells: &mpsc::Receiver<Told>) {
        give_way(LEAST_URGENT);
        if let Ok(Told::Ledger(ledger)) = tells.recv() {
            self.ledger = ledger;
        }
        loop {
            let mut answers = Vec::new();
            match tells.recv_timeout(LOOK_EVERY) {
                Ok(Told::Take(answer)) => answers.push(answer),
                Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Told::Ledger(_)) | Err(RecvTimeoutError::Timeout) => {}
            }
            // One snapshot is for all who wait for one; whoever asked may have gone by now.
            answers.extend(tells.try_iter().filter_map(Told::answer));
            answers.retain(|answer| !answer.is_closed());
            let Some(ledger) = self.ledger.upgrade() else {
                return;
            };
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            // What room there is belongs to the journal.
            let due =
                self.every > 0 && ledger.queue.appended() >= self.next && !ledger.room().is_short();
            let asked = !answers.is_empty();
            if asked || due {
                let taken = self.take(&ledger);
                for answer in answers {
                    drop(answer.send(taken.clone()));
                }
            }
            if asked || self.pruning.is_due() {
                self.pruning.look(&ledger, &self.stop);
            }
            if self.erasing.is_due()
                && self.erasing.look(&ledger, &self.stop) == Wants::Snapshot
                && ledger.queue.appended() > self.covered
            {
                drop(self.take(&ledger));
            }
        }
    }

    fn take(&mut self, ledger: &Ledger) -> Result<SnapshotTaken, LedgerError> {
        let begun_at = crate::clock::monotonic();
        let taken = take::snapshot(ledger, &self.snapshots, &self.stop);
        let begun = taken.as_ref().ok().map(|taken| taken.begun);
        self.covered = begun.unwrap_or(self.covered);
        self.next = due(begun, ledger.queue.appended(), self.every);
        match taken {
            Ok(taken) => {
                tracing::info!(
                    snapshot = %taken.published,
                    accounts = taken.accounts,
                    took = ?begun_at.elapsed(),
                    "snapshot taken"
                );
                Ok(taken)
            }
            Err(SnapshotError::Stopping) => Err(LedgerError::Stopped),
            Err(error @ SnapshotError::Disk(_)) => {
                tracing::warn!(%error, "no snapshot was taken: the next start replays more");
                Err(LedgerError::NoSnapshot)
            }
        }
    }
}

/// At which sequence the next one is due, after one that was begun at a sequence, or has failed. What came
/// while it was taken counts, for a start replays that. A disk that is full is not tried again at once.
fn due(begun: Option<u64>, appended: u64, every: u64) -> u64 {
    begun.unwrap_or(appended).saturating_add(every)
}
