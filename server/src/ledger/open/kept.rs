//! What reads and keeps a journal beside the answers.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::OpenError;
use crate::authoriser::Authoriser;
use crate::config::LedgerConfig;
use crate::ledger::Ledger;
use crate::ledger::backups::BackupKeeper;
use crate::ledger::erasing::Erasing;
use crate::ledger::journal::{Journal, JournalReader};
use crate::ledger::key_keeper::{KeyKeeper, KeyKeeping};
use crate::ledger::log::Log;
use crate::ledger::pruning::Pruning;
use crate::ledger::scrub::Scrubber;
use crate::ledger::snapshot::Snapshotter;

/// Readings of many entries at once: mostly pages of history, each some dozens of short reads.
const HISTORY_READERS: usize = 4;

/// Readings of the whole journal at once: an operator's, who can wait for another's.
const JOURNAL_READERS: usize = 1;

/// What a journal is read and kept by.
pub(super) struct JournalKept {
    reader: JournalReader,
    snapshotter: Snapshotter,
    key_keeper: KeyKeeper,
    scrubber: Scrubber,
    backup_keeper: BackupKeeper,
}

impl JournalKept {
    /// Starts its threads, which wait for their ledger. `last` is where the newest snapshot begins.
    pub(super) fn start(
        journal: &Journal,
        config: &LedgerConfig,
        last: u64,
    ) -> Result<Self, OpenError> {
        let snapshots = journal.snapshots();
        let backup_keeper = BackupKeeper::start(journal.backup_source(), config.backup.clone())?;
        let pruner = journal.pruner();
        let pruning = Pruning::new(pruner.clone(), config.journal_retention);
        let erasing = Erasing::new(pruner);
        let key_keeper =
            KeyKeeper::start(journal.key_runs(), KeyKeeping::of(config.keys_in_memory));
        let key_keeper = key_keeper.map_err(OpenError::Thread)?;
        let scrubber = Scrubber::start(snapshots.clone(), config.scrub_every);
        let snapshotter =
            Snapshotter::start(snapshots, config.snapshot_every, last, (pruning, erasing));
        Ok(Self {
            reader: journal.reader(),
            snapshotter: snapshotter.map_err(OpenError::Thread)?,
            key_keeper,
            scrubber: scrubber.map_err(OpenError::Thread)?,
            backup_keeper,
        })
    }

    pub(super) fn ledger(self, authoriser: Authoriser, queue: Log) -> Ledger {
        let Self {
            reader,
            snapshotter,
            key_keeper,
            scrubber,
            backup_keeper,
        } = self;
        Ledger {
            queue,
            authoriser,
            reader,
            reading: Arc::new(Semaphore::new(HISTORY_READERS)),
            long_reading: Arc::new(Semaphore::new(JOURNAL_READERS)),
            sagas: TaskTracker::new(),
            left_over: Mutex::default(),
            snapshotter,
            key_keeper,
            scrubber,
            backup_keeper,
        }
    }
}
