//! A journal of entries in memory that knows which of them a sync has returned for, and fails when told to.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::sync::point;

#[path = "../../../src/ledger/journal/record.rs"]
#[expect(
    dead_code,
    reason = "a recovery reads more of a record than a fake does"
)]
mod record;

pub use record::Batch;
use record::Record;

const IDENTITY: u64 = 7;

/// A write or a sync that failed.
#[derive(Debug, Error)]
#[error("the disk failed: {0}")]
pub struct DiskError(io::Error);

/// Which of the commits fails, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing of the n-th is written.
    Write(u64),
    /// The n-th is written, and its sync fails.
    Sync(u64),
}

/// What lies on the disk, and what was found wrong. It is looked at between the steps of threads, so its
/// lock is never waited for.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    entries: Vec<Vec<u8>>,
    synced: u64,
    commits: u64,
    has_failed: bool,
    is_released: bool,
    wrong: Vec<String>,
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest sequence that a sync has returned for.
    pub fn synced(&self) -> u64 {
        self.state().synced
    }

    /// The number of batches that were begun.
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    /// Whether a write or a sync has failed.
    pub fn has_failed(&self) -> bool {
        self.state().has_failed
    }

    /// Whether the journal has let go of it.
    pub fn is_released(&self) -> bool {
        self.state().is_released
    }

    /// The entry with this sequence, if it was written.
    pub fn entry(&self, sequence: u64) -> Option<Vec<u8>> {
        let place = usize::try_from(sequence.checked_sub(1)?).ok()?;
        self.state().entries.get(place).cloned()
    }

    /// Keeps something that must not be. It is told at the end: a panic in the midst would leave
    /// threads behind.
    pub fn wrong(&self, what: String) {
        self.state().wrong.push(what);
    }

    /// What must not be, and was.
    pub fn all_wrong(&self) -> Vec<String> {
        self.state().wrong.clone()
    }
}

/// In place of the server's journal.
#[derive(Debug)]
pub struct Journal {
    disk: Disk,
    failure: Option<Failure>,
    record_bytes: usize,
    next: u64,
}

impl Journal {
    /// An empty journal; a record beyond `record_bytes` that holds more than one entry is wrong.
    pub fn new(disk: Disk, record_bytes: usize, failure: Option<Failure>) -> Self {
        Self {
            disk,
            failure,
            record_bytes,
            next: 1,
        }
    }

    /// The highest sequence whose commit returned.
    pub fn durable(&self) -> u64 {
        self.next - 1
    }

    /// Nothing that a schedule could order.
    pub fn prepare_in_background(&mut self) {
        point();
    }

    /// One segment is as good as two.
    pub fn end_segment(&mut self) {
        point();
    }

    /// Writes and syncs, with another thread perhaps in between.
    pub fn commit(&mut self, batch: &mut Batch) -> Result<u64, DiskError> {
        point();
        let nth = self.begin(batch);
        if self.failure == Some(Failure::Write(nth)) {
            return Err(self.fail());
        }
        self.write(batch);
        point();
        if self.failure == Some(Failure::Sync(nth)) {
            return Err(self.fail());
        }
        self.next += u64::from(batch.count());
        self.disk.state().synced = self.durable();
        point();
        Ok(self.durable())
    }

    fn begin(&self, batch: &Batch) -> u64 {
        let (bytes, count) = (batch.record_bytes(), batch.count());
        if self.disk.has_failed() {
            self.disk.wrong("a commit after one that failed".to_owned());
        }
        if count == 0 || (count > 1 && bytes > self.record_bytes) {
            let what = format!("a record of {count} entries and {bytes} bytes");
            self.disk.wrong(what);
        }
        let mut state = self.disk.state();
        state.commits += 1;
        state.commits
    }

    fn write(&self, batch: &mut Batch) {
        let record = batch.seal(IDENTITY, self.next).expect("it is not too long");
        let record = Record::decode(record).expect("it was just sealed");
        let entries = record.entries().map(|entry| entry.expect("it is whole"));
        let entries = entries.map(<[u8]>::to_vec);
        self.disk.state().entries.extend(entries);
    }

    fn fail(&self) -> DiskError {
        self.disk.state().has_failed = true;
        DiskError(io::Error::other("told to"))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        point();
        self.disk.state().is_released = true;
    }
}
