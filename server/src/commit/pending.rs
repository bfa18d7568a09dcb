//! What was appended and is not yet taken for a commit.

use std::collections::VecDeque;
use std::mem;

use super::Halted;
use crate::ledger::journal::Batch;
use crate::sync::{Condvar, Mutex};

#[derive(Debug)]
pub(super) struct Pending {
    state: Mutex<State>,
    work: Condvar,
    record_bytes: usize,
}

#[derive(Debug)]
struct State {
    /// Batches that reached the bound, oldest first.
    full: VecDeque<Batch>,
    open: Batch,
    /// The last sequence that was given out, and the last that was taken.
    appended: u64,
    taken: u64,
    /// The committer sleeps, and the next append wakes it.
    idle: bool,
    ended: Option<Halted>,
}

impl Pending {
    pub(super) fn new(appended: u64, record_bytes: usize) -> Self {
        let state = State {
            full: VecDeque::new(),
            open: Batch::new(),
            appended,
            taken: appended,
            idle: false,
            ended: None,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            record_bytes,
        }
    }

    pub(super) fn append(&self, entry: &[u8]) -> Result<u64, Halted> {
        let state = &mut *self.state.lock();
        if let Some(halted) = &state.ended {
            return Err(halted.clone());
        }
        let record_bytes = state.open.record_bytes_with(entry.len());
        if record_bytes > self.record_bytes && state.open.count() > 0 {
            state.full.push_back(mem::take(&mut state.open));
        }
        state.open.push(entry);
        state.appended += 1;
        if mem::take(&mut state.idle) {
            self.work.notify_one();
        }
        Ok(state.appended)
    }

    /// Waits for entries and puts the oldest batch in place of this empty one. Says whether there
    /// was any: not when the queue has ended and nothing is left.
    pub(super) fn take(&self, batch: &mut Batch) -> bool {
        let state = &mut self.state.lock();
        loop {
            if let Some(full) = state.full.pop_front() {
                *batch = full;
            } else {
                mem::swap(&mut state.open, batch);
            }
            if batch.count() > 0 {
                state.taken += u64::from(batch.count());
                return true;
            }
            if state.ended.is_some() {
                return false;
            }
            state.idle = true;
            self.work.wait(state);
        }
    }

    /// The number of entries that [`Pending::take`] would find now.
    pub(super) fn waiting(&self) -> u64 {
        let state = self.state.lock();
        state.appended - state.taken
    }

    pub(super) fn appended(&self) -> u64 {
        self.state.lock().appended
    }

    /// Refuses further appends; what is there can still be taken.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state
            .ended
            .get_or_insert_with(|| Halted::new("the queue was closed"));
        self.work.notify_one();
    }

    /// Refuses further appends, and drops what is there.
    pub(super) fn end(&self, cause: &Halted) {
        let mut state = self.state.lock();
        state.ended.get_or_insert_with(|| cause.clone());
        state.full.clear();
        state.open.clear();
        self.work.notify_one();
    }
}
