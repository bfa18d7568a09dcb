//! How far a run is, readable by others while it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::live::{Board, Live};

/// Counters of one run, over all its workers, warm-up included.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Requests sent.
    pub(crate) sent: AtomicU64,
    /// Requests over, in whatever way.
    pub(crate) done: AtomicU64,
    /// Requests not sent: too many were in flight, it was too late, or there was no connection.
    pub(crate) not_sent: AtomicU64,
    /// Set once the run shall end now.
    stop: AtomicBool,
    /// Rough figures; `None` where nobody looks at them.
    live: Option<Arc<Live>>,
}

impl Progress {
    /// Nothing done yet; rough figures are noted there, if anybody looks at them.
    pub(crate) fn new(live: Option<Arc<Live>>) -> Self {
        Self {
            live,
            ..Self::default()
        }
    }

    /// Where one more worker notes its rough figures, if anybody looks at them.
    pub(crate) fn board(&self) -> Option<Arc<Board>> {
        self.live.as_ref().map(|live| live.board())
    }

    /// Adds one.
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that are open.
    pub(crate) fn in_flight(&self) -> u64 {
        let done = self.done.load(Ordering::Relaxed);
        self.sent.load(Ordering::Relaxed).saturating_sub(done)
    }

    /// Asks all workers to end now.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the run shall end now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
