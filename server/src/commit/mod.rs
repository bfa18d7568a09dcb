//! Group commit: what many callers append becomes durable together, with one write and one sync.
//!
//! Callers append under their account's lock, get a sequence at once, and wait for it without a
//! lock. One thread writes batch after batch. It wakes each core at most once a batch, and the
//! core wakes its own waiters: a wake-up across threads for each call costs 1 to 4 µs, one for
//! each batch next to nothing.

mod committer;
mod log;
mod pace;
mod pending;
mod waiters;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;

use crate::clock::monotonic;
use crate::ledger::journal::{Batch, Journal};
use crate::sync::thread::JoinHandle;
use crate::sync::{Mutex, OnceLock};
pub(crate) use committer::Committer;
pub use log::{BatchLog, Committed};
pub use pace::Pace;
pub(crate) use pace::PaceBoard;
use pending::Pending;
use waiters::Waiters;

/// How batches are formed.
#[derive(Clone, Copy, Debug)]
pub struct CommitOptions {
    /// The least time from the beginning of one commit to the next while many wait: a sync costs
    /// the same CPU whatever its size. Zero: none.
    pub spacing: Duration,
    /// Commits are spaced while more appends than this wait or were in the last one, and begin at once
    /// otherwise.
    pub spacing_above: u64,
    /// The length of a record, in bytes, that further appends do not exceed. One entry always
    /// fits.
    pub record_bytes: usize,
    /// Tells a batch as durable before it is written.
    #[cfg(feature = "planted-faults")]
    pub tells_early: bool,
}

impl Default for CommitOptions {
    fn default() -> Self {
        Self {
            spacing: Duration::from_millis(1),
            spacing_above: 8,
            record_bytes: 16 << 20,
            #[cfg(feature = "planted-faults")]
            tells_early: false,
        }
    }
}

/// Nothing more becomes durable, after an error or because the queue was closed. Whether entries
/// beyond the durable sequence will be there after a restart is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("commits have ended: {cause}")]
pub struct Halted {
    cause: Arc<str>,
}

impl Halted {
    fn new(cause: &str) -> Self {
        Self {
            cause: cause.into(),
        }
    }
}

/// The queue in front of a journal. Clones are handles to the same queue; the last one to go
/// commits what is open, and blocks until that is done, unless [`CommitQueue::close`] did.
#[derive(Clone, Debug)]
pub struct CommitQueue {
    shared: Arc<Shared>,
    thread: Arc<Thread>,
}

#[derive(Debug)]
struct Shared {
    pending: Pending,
    waiters: Waiters,
    pace: PaceBoard,
    halted: watch::Sender<Option<Halted>>,
    /// The next batch begins a segment of the journal.
    ends_segment: AtomicBool,
    /// Where each batch is noted once it is durable, if anybody wants to know.
    log: OnceLock<Arc<BatchLog>>,
}

impl CommitQueue {
    /// Starts the thread that commits. `cores` is the number of runtimes whose tasks will wait;
    /// an error means that the system gave no thread.
    pub fn start(journal: Journal, cores: usize, options: CommitOptions) -> io::Result<Self> {
        let (queue, committer) = Self::with_committer(journal, cores, options);
        queue.commit_by_thread(committer)?;
        Ok(queue)
    }

    /// The queue, and what commits what comes into it: by [`CommitQueue::commit_by_thread`], or by hand.
    pub(crate) fn with_committer(
        journal: Journal,
        cores: usize,
        options: CommitOptions,
    ) -> (Self, Committer) {
        let durable = journal.durable();
        let shared = Arc::new(Shared {
            pending: Pending::new(durable, options.record_bytes),
            waiters: Waiters::new(durable, cores),
            pace: PaceBoard::new(durable),
            halted: watch::Sender::new(None),
            ends_segment: AtomicBool::new(false),
            log: OnceLock::new(),
        });
        let committer = Committer::new(journal, Arc::clone(&shared), options);
        let thread = Thread {
            shared: Arc::clone(&shared),
            handle: Mutex::default(),
        };
        let queue = Self {
            shared,
            thread: Arc::new(thread),
        };
        (queue, committer)
    }

    /// Lets a thread commit, which [`CommitQueue::close`] waits for.
    pub(crate) fn commit_by_thread(&self, committer: Committer) -> io::Result<()> {
        *self.thread.handle.lock() = Some(committer.start()?);
        Ok(())
    }

    /// From now on each batch is noted there. Only the first log is kept.
    pub fn keep_log(&self, log: Arc<BatchLog>) {
        let _ = self.shared.log.set(log);
    }

    /// Appends an entry and returns its sequence, the one after the last. It is not durable yet.
    /// Call it under the lock that orders the entries: that order is the journal's. An entry
    /// beyond [`Batch::MAX_ENTRY_BYTES`] halts the queue, because its caller counts on it.
    pub fn append(&self, entry: &[u8]) -> Result<u64, Halted> {
        if entry.len() > Batch::MAX_ENTRY_BYTES {
            let cause = format!("an entry of {} bytes is too long", entry.len());
            self.shared.halt(&Halted::new(&cause));
        }
        let sequence = self.shared.pending.append(entry)?;
        self.shared.pace.note_appended(sequence);
        // Nothing waited before it: from here on the committer may be waited for.
        if sequence == self.durable() + 1 {
            self.shared.pace.note_begun(monotonic());
        }
        Ok(sequence)
    }

    /// Completes when everything up to `sequence` is durable. `core` is the runtime of the task
    /// that waits, and its [`CommitQueue::wake_waiters`] must be running. A dropped wait leaves
    /// nothing behind.
    pub fn wait_durable(
        &self,
        core: usize,
        sequence: u64,
    ) -> impl Future<Output = Result<(), Halted>> + Send {
        self.shared.waiters.wait(core, sequence)
    }

    /// Wakes this core's waiters as their entries become durable: one task on each core's runtime
    /// runs this. It ends when the queue does.
    pub fn wake_waiters(&self, core: usize) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.waiters.wake(core).await }
    }

    /// The highest durable sequence.
    pub fn durable(&self) -> u64 {
        self.shared.waiters.durable()
    }

    /// The highest sequence that was given out.
    pub fn appended(&self) -> u64 {
        self.shared.pending.appended()
    }

    /// The number of entries that are not durable yet.
    pub fn pending(&self) -> u64 {
        self.appended().saturating_sub(self.durable())
    }

    /// How fast commits follow each other, and how much waits for them. Takes no lock.
    pub fn pace(&self) -> Pace {
        self.shared.pace.pace(self.durable())
    }

    /// For how long the committer has neither begun a batch nor ended one.
    pub fn still_for(&self) -> Duration {
        self.shared.pace.still_for()
    }

    /// How long what is not durable yet has waited for the commit that is going on; zero if nothing waits.
    pub fn age(&self) -> Duration {
        if self.pending() == 0 {
            return Duration::ZERO;
        }
        self.still_for()
    }

    /// Lets the next batch begin a segment of the journal: what is in batches before it can be written
    /// anew then. Nothing waits for it.
    pub fn end_segment(&self) {
        self.shared.ends_segment.store(true, Ordering::Relaxed);
    }

    /// True once nothing more becomes durable.
    pub fn has_ended(&self) -> bool {
        self.shared.waiters.has_ended()
    }

    /// Completes when a write or a sync has failed, and never otherwise: the process must stop
    /// (exit 74).
    pub fn halted(&self) -> impl Future<Output = Halted> + Send + use<> {
        let mut halted = self.shared.halted.subscribe();
        async move {
            let cause = halted
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|cause| cause.clone());
            match cause {
                Some(cause) => cause,
                None => std::future::pending().await,
            }
        }
    }

    /// Commits what is open, refuses what comes later, and returns when the thread has ended and
    /// the journal is released. It blocks for a sync. The error is that of [`CommitQueue::halted`].
    pub fn close(&self) -> Result<(), Halted> {
        self.thread.end();
        self.shared.halted.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Shared {
    /// Ends appends and waits, for ever.
    fn end(&self, cause: &Halted) {
        self.pending.end(cause);
        self.waiters.end(cause);
    }

    /// The same after an error, which the server is told of.
    fn halt(&self, cause: &Halted) {
        self.end(cause);
        self.halted.send_replace(Some(cause.clone()));
    }
}

#[derive(Debug)]
struct Thread {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Thread {
    fn end(&self) {
        self.shared.pending.close();
        if let Some(handle) = self.handle.lock().take() {
            // A thread that panicked has ended all waits on its way out.
            drop(handle.join());
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.end();
    }
}
