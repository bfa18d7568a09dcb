//! The one thread that writes the journal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram};

use super::{CommitOptions, Committed, Halted, Shared};
use crate::clock::monotonic;
use crate::ledger::journal::{Batch, DiskError, Journal};
use crate::sync::thread::{self, JoinHandle};

/// What the thread does. Whoever has no thread for it commits batch by batch.
pub(crate) struct Committer {
    journal: Journal,
    shared: Arc<Shared>,
    options: CommitOptions,
    metrics: Metrics,
}

impl Committer {
    pub(super) fn new(journal: Journal, shared: Arc<Shared>, options: CommitOptions) -> Self {
        Self {
            journal,
            shared,
            options,
            metrics: Metrics::new(),
        }
    }

    pub(super) fn start(self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new()
            .name("waika-commit".to_owned())
            .spawn(move || self.run())
    }

    fn run(mut self) {
        let mut batch = Batch::new();
        loop {
            self.journal.prepare_in_background();
            let Some((begun_at, came)) = self.commit_next(&mut batch) else {
                return;
            };
            self.space(begun_at, came);
        }
    }

    /// Waits for entries and commits them, by means of an empty batch. Says when it began and how many there
    /// were; None once the queue has ended.
    pub(crate) fn commit_next(&mut self, batch: &mut Batch) -> Option<(Instant, u64)> {
        if !self.shared.pending.take(batch) {
            return None;
        }
        let begun_at = monotonic();
        self.shared.pace.note_begun(begun_at);
        #[cfg(feature = "planted-faults")]
        if self.options.tells_early {
            let last = self.journal.durable() + u64::from(batch.count());
            self.shared.waiters.publish(last);
        }
        if self.shared.ends_segment.swap(false, Ordering::Relaxed) {
            self.journal.end_segment();
        }
        match self.journal.commit(batch) {
            Ok(durable) => {
                self.note(batch, durable, begun_at);
                self.shared.waiters.publish(durable);
            }
            Err(error) => {
                self.halt(&error);
                return None;
            }
        }
        let took = self.metrics.record(batch, begun_at);
        self.shared.pace.note_ended(begun_at + took, took);
        let came = u64::from(batch.count());
        batch.clear();
        Some((begun_at, came))
    }

    /// Nothing waits, and the queue has not ended: [`Committer::commit_next`] would wait.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.pending.waiting() == 0 && !self.shared.waiters.has_ended()
    }

    /// The journal, for whoever commits without a thread.
    #[cfg(test)]
    pub(crate) fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Under load, lets the next batch grow: nobody waits longer than the spacing for it. `came` is the
    /// size of the last one.
    fn space(&self, begun_at: Instant, came: u64) {
        let waiting = self.shared.pending.waiting();
        if waiting.max(came) > self.options.spacing_above {
            let since = monotonic().saturating_duration_since(begun_at);
            let rest = self.options.spacing.saturating_sub(since);
            if !rest.is_zero() {
                thread::sleep(rest);
            }
        }
    }

    /// Before anybody hears of it, so that whoever does finds it noted.
    fn note(&self, batch: &Batch, durable: u64, began: Instant) {
        if let Some(log) = self.shared.log.get() {
            log.note(Committed {
                first: durable.saturating_sub(batch.count().into()) + 1,
                last: durable,
                began,
                ended: monotonic(),
            });
        }
    }

    fn halt(&self, error: &DiskError) {
        tracing::error!(%error, "the journal has halted: nothing more becomes durable");
        self.shared.halt(&Halted::new(&error.to_string()));
    }
}

impl Drop for Committer {
    /// Whichever way the thread ends, nobody waits for it any longer.
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.halt(&Halted::new(
                "the committer ended in a panic, which is a bug",
            ));
        } else {
            self.shared.end(&Halted::new("the queue was closed"));
        }
    }
}

struct Metrics {
    batch_size: Histogram,
    flush_seconds: Histogram,
    commits: Counter,
}

impl Metrics {
    fn new() -> Self {
        Self {
            batch_size: metrics::histogram!("waika_commit_batch_size"),
            flush_seconds: metrics::histogram!("waika_commit_flush_seconds"),
            commits: metrics::counter!("waika_commits_total"),
        }
    }

    /// Gives how long it took.
    fn record(&self, batch: &Batch, begun_at: Instant) -> Duration {
        let took = monotonic().saturating_duration_since(begun_at);
        self.batch_size.record(f64::from(batch.count()));
        self.flush_seconds.record(took);
        self.commits.increment(1);
        took
    }
}
