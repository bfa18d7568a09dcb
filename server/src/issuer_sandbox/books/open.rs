//! Opening the books: in memory, or replayed from their journal.

use std::sync::Arc;

use parking_lot::Mutex;

use super::entry::{Happened, Unknown};
use super::{Books, SHARDS};
use crate::clock::Clock;
use crate::commit::{CommitOptions, CommitQueue};
use crate::config::BooksStore;
use crate::exit::{Failure, Reason};
use crate::ledger::journal::disk::{Disk, RealDisk};
use crate::ledger::journal::{Journal, JournalOptions};

impl Books {
    /// Opens the books and replays what is in them, which blocks for as long as that takes.
    pub(crate) fn open(
        store: &BooksStore,
        segment_bytes: u64,
        cores: usize,
    ) -> Result<Self, Failure> {
        match store {
            BooksStore::Memory => Ok(Self::empty()),
            BooksStore::Journal(folder) => {
                let disk = Arc::new(RealDisk::open(folder)?);
                let segment_bytes = usize::try_from(segment_bytes).unwrap_or(usize::MAX);
                Self::replay(disk, JournalOptions { segment_bytes }, cores)
            }
        }
    }

    /// Opens the books on a disk.
    pub(super) fn replay(
        disk: Arc<dyn Disk>,
        options: JournalOptions,
        cores: usize,
    ) -> Result<Self, Failure> {
        let mut books = Self::empty();
        let journal = Journal::open(disk, options, |sequence, entry| {
            let happened = Happened::decode(entry)?;
            // Anything may look like an entry, but not like the first.
            if (sequence == 1) != (happened == Happened::Begun) {
                return Err(Unknown::NotBooks);
            }
            books.apply(&happened);
            Ok(())
        })?;
        let is_new = journal.durable() == 0;
        let queue = CommitQueue::start(journal, cores, CommitOptions::default());
        let queue = queue.map_err(|error| {
            let text = format!("the system gave no thread for commits: {error}");
            Failure::new(Reason::System, text)
        })?;
        if is_new {
            let begun = queue.append(&Happened::Begun.encode());
            begun.map_err(|halted| Failure::new(Reason::Io, halted.to_string()))?;
        }
        books.queue = Some(queue);
        Ok(books)
    }

    /// Books without an entry and without a disk.
    pub(super) fn empty() -> Self {
        Self {
            queue: None,
            transactions: (0..SHARDS).map(|_| Mutex::default()).collect(),
            reversals: (0..SHARDS).map(|_| Mutex::default()).collect(),
            clock: Clock::system(),
        }
    }
}
