//! Backups of the journal while it serves: now and then, and when an operator asks.
//!
//! A backup that fails is told and counted, and nothing else is affected; the one before it stays.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use waika_domain::period::Timestamp;

use super::background::{Stretch, give_way};
use super::journal::Progress;
use super::journal::backup::{BackupError, BackupSource, Side, Taken, Watch};
use super::journal::disk::RealDisk;
use super::{Ledger, LedgerError, OpenError, journal};
use crate::clock::{machine, monotonic};
use crate::config::BackupKeeping;
use crate::room::free_bytes;

/// How often it is looked whether a backup is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Every other thread goes first.
const LEAST_URGENT: i32 = 19;
/// It rests so many times as long as it worked.
const REST: u32 = 3;

/// Where a backup's answer goes.
type Answer = oneshot::Sender<Result<Taken, LedgerError>>;

/// What the thread is told.
#[derive(Debug)]
enum Told {
    /// Whose journal it is: first, and once.
    Ledger(Weak<Ledger>),
    /// Take one now.
    Take(Answer),
    /// End.
    Stop,
}

/// The thread that takes backups, one at a time; none if there is no folder for them.
#[derive(Debug)]
pub(super) struct BackupKeeper(Option<Running>);

#[derive(Debug)]
struct Running {
    told: mpsc::Sender<Told>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl BackupKeeper {
    /// Looks whether the folder can be used, and starts the thread, which waits for
    /// [`BackupKeeper::begin`].
    pub(super) fn start(
        source: BackupSource,
        keeping: Option<BackupKeeping>,
    ) -> Result<Self, OpenError> {
        let Some(keeping) = keeping else {
            return Ok(Self(None));
        };
        match RealDisk::open(&keeping.folder) {
            Ok(folder) => {
                source
                    .check_fits(&folder)
                    .map_err(|error| OpenError::BackupFolder {
                        folder: keeping.folder.display().to_string(),
                        why: error.to_string(),
                    })?;
            }
            // Somebody takes one at the moment.
            Err(journal::OpenError::Held { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let (told, tells) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let taker = Taker {
            ledger: Weak::new(),
            source,
            keeping,
            stop: Arc::clone(&stop),
            figures: Figures::new(),
        };
        let builder = thread::Builder::new().name("waika-backup".to_owned());
        let thread = builder.spawn(move || taker.run(&tells));
        Ok(Self(Some(Running {
            told,
            stop,
            thread: Mutex::new(Some(thread.map_err(OpenError::Thread)?)),
        })))
    }

    /// Says whose journal it is. The thread ends with the ledger.
    pub(super) fn begin(&self, ledger: &Arc<Ledger>) {
        if let Some(running) = &self.0 {
            // Until there is a backup nothing is removed from the journal: it is the archive.
            ledger.let_prune_through(Some(0));
            // A thread that is gone has panicked, and that was logged.
            drop(running.told.send(Told::Ledger(Arc::downgrade(ledger))));
        }
    }

    /// Takes a backup, after one that is being taken.
    pub(super) async fn take(&self) -> Result<Taken, LedgerError> {
        let running = self.0.as_ref().ok_or(LedgerError::NoBackupFolder)?;
        let (answer, answered) = oneshot::channel();
        let told = running.told.send(Told::Take(answer));
        told.map_err(|_| LedgerError::Stopped)?;
        answered.await.unwrap_or(Err(LedgerError::Stopped))
    }

    /// Gives up what is being taken and ends the thread. Blocks for a moment.
    pub(super) fn close(&self) {
        let Some(running) = &self.0 else { return };
        running.stop.store(true, Ordering::Relaxed);
        drop(running.told.send(Told::Stop));
        if let Some(thread) = running.thread.lock().take() {
            // A panic in it was logged.
            drop(thread.join());
        }
    }
}

struct Taker {
    ledger: Weak<Ledger>,
    source: BackupSource,
    keeping: BackupKeeping,
    stop: Arc<AtomicBool>,
    figures: Figures,
}

impl Taker {
    fn run(mut self, tells: &mpsc::Receiver<Told>) {
        give_way(LEAST_URGENT);
        let mut due: Option<Instant> = None;
        loop {
            let mut answers = Vec::new();
            match tells.recv_timeout(LOOK_EVERY) {
                Ok(Told::Take(answer)) => answers.push(answer),
                Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Told::Ledger(ledger)) => {
                    self.ledger = ledger;
                    due = (!self.keeping.every.is_zero()).then(monotonic);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if answers.is_empty() && due.is_none_or(|due| monotonic() < due) {
                continue;
            }
            let Some(ledger) = self.ledger.upgrade() else {
                return;
            };
            let taken = self.take(&ledger);
            due = due.map(|_| monotonic() + self.keeping.every);
            for answer in answers {
                // Whoever asked may have gone by now.
                let _ = answer.send(taken);
            }
        }
    }

    fn take(&self, ledger: &Arc<Ledger>) -> Result<Taken, LedgerError> {
        let (begun_at, of) = (monotonic(), machine());
        match self.try_to_take(ledger, of) {
            Ok(taken) => {
                ledger.let_prune_through(Some(taken.last));
                self.figures.taken(&taken, of);
                tracing::info!(
                    folder = %self.keeping.folder.display(),
                    through = taken.last,
                    new = taken.new_entries(),
                    took = ?begun_at.elapsed(),
                    "backup taken"
                );
                Ok(taken)
            }
            Err(_) if self.stop.load(Ordering::Relaxed) => Err(LedgerError::Stopped),
            Err(error) => {
                self.figures.failed.increment(1);
                let error = match error {
                    BackupError::Stopped => {
                        "the disk of its folder has less room than --min-free-bytes".to_owned()
                    }
                    error => error.to_string(),
                };
                tracing::warn!(
                    folder = %self.keeping.folder.display(),
                    %error,
                    "no backup was taken: the one before it stays"
                );
                Err(LedgerError::NoBackup)
            }
        }
    }

    fn try_to_take(&self, ledger: &Ledger, of: Timestamp) -> Result<Taken, BackupError> {
        let folder = RealDisk::open(&self.keeping.folder);
        let folder = folder.map_err(|source| BackupError::Unusable {
            side: Side::Backup,
            source,
        })?;
        let resting = Resting {
            stretch: Mutex::new(Stretch::begin()),
            stop: Arc::clone(&self.stop),
            folder: self.keeping.folder.clone(),
            floor: ledger.room().floor(),
        };
        self.source.take(&folder, &resting, of.unix_ms())
    }
}

/// Leaves most of the disk and of a core to answers.
#[derive(Debug)]
struct Resting {
    stretch: Mutex<Stretch>,
    stop: Arc<AtomicBool>,
    /// Where the backup goes.
    folder: PathBuf,
    /// Bytes that are left free there.
    floor: u64,
}

impl Progress for Resting {
    fn total(&self, _: u64) {}

    fn done(&self, _: u64) {}
}

impl Watch for Resting {
    fn go_on(&self) -> bool {
        self.stretch.lock().rest(REST);
        // It may be the journal's disk, to which what room there is belongs.
        let has_room = free_bytes(&self.folder).is_none_or(|free| free >= self.floor);
        has_room && !self.stop.load(Ordering::Relaxed)
    }
}

struct Figures {
    taken: Counter,
    failed: Counter,
    through: Gauge,
    taken_at: Gauge,
}

impl Figures {
    fn new() -> Self {
        let ended = |outcome: &'static str| {
            let counter = counter!("waika_backups_total", "outcome" => outcome);
            // There from the start, so that a first failure shows as a rise.
            counter.increment(0);
            counter
        };
        Self {
            taken: ended("taken"),
            failed: ended("failed"),
            through: gauge!("waika_backup_sequence"),
            taken_at: gauge!("waika_backup_timestamp_seconds"),
        }
    }

    fn taken(&self, taken: &Taken, of: Timestamp) {
        self.taken.increment(1);
        #[expect(
            clippy::cast_precision_loss,
            reason = "2^53 entries are more than there will be"
        )]
        self.through.set(taken.last as f64);
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds since 1970 have 41 bits"
        )]
        self.taken_at.set(of.unix_ms() as f64 / 1_000.0);
    }
}
