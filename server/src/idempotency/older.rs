//! Used keys that are too many for memory: runs beside the journal, of which only a filter stands in
//! memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::ledger::journal::{KeyRun, ReadError};

/// The runs, oldest first. One thread changes them, and everyone asks them.
#[derive(Debug, Default)]
pub(crate) struct Older {
    runs: ArcSwap<Vec<Arc<KeyRun>>>,
    /// Where the newest ends: while it is 0 there is nothing to ask.
    through: AtomicU64,
    keys: AtomicU64,
    memory: AtomicU64,
}

/// The runs as they were when somebody asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked(Arc<Vec<Arc<KeyRun>>>);

impl Older {
    /// The sequence up to which answered keys stand here, but for those that were kept long enough.
    pub(crate) fn through(&self) -> u64 {
        self.through.load(Ordering::Acquire)
    }

    /// How many keys stand here.
    pub(crate) fn keys(&self) -> u64 {
        self.keys.load(Ordering::Relaxed)
    }

    /// Bytes of memory that they take.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// The sequence up to which runs must be searched for a hash behind another sequence; None if
    /// none of them holds it. Asks no disk.
    pub(super) fn may_hold(&self, hash: u64, behind: u64) -> Option<u64> {
        if self.through() <= behind {
            return None;
        }
        let runs = self.runs.load();
        let newest = runs.last()?.span().through;
        let mut asked = runs.iter().filter(|run| run.span().through > behind);
        asked.any(|run| run.may_hold(hash)).then_some(newest)
    }

    /// The runs, to be searched where that may block.
    pub(crate) fn ask(&self) -> Asked {
        Asked(self.runs.load_full())
    }

    /// Puts runs in place of those that there are.
    pub(crate) fn set(&self, runs: Vec<Arc<KeyRun>>) {
        let through = runs.last().map_or(0, |run| run.span().through);
        let keys = runs.iter().map(|run| run.keys()).sum();
        let memory: usize = runs.iter().map(|run| run.memory()).sum();
        self.runs.store(Arc::new(runs));
        let memory = u64::try_from(memory).unwrap_or(u64::MAX);
        self.memory.store(memory, Ordering::Relaxed);
        self.keys.store(keys, Ordering::Relaxed);
        // Last: whoever sees it sees the runs. It never falls, although the runs may all be gone.
        self.through.fetch_max(through, Ordering::Release);
    }
}

impl Asked {
    /// The runs, oldest first.
    pub(crate) fn runs(&self) -> &[Arc<KeyRun>] {
        &self.0
    }

    /// The sequences under a hash in the runs that end behind a sequence, ascending.
    pub(crate) fn find(&self, hash: u64, behind: u64) -> Result<Vec<u64>, ReadError> {
        let mut found = Vec::new();
        let asked = self.0.iter().filter(|run| run.span().through > behind);
        for run in asked.filter(|run| run.may_hold(hash)) {
            found.append(&mut run.find(hash)?);
        }
        found.sort_unstable();
        Ok(found)
    }
}
