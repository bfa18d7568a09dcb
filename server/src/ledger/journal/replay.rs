//! What a start hands to the one who opens the journal, and what it reports.

use std::error::Error;
use std::marker::PhantomData;

use super::Journal;
use super::snapshot::{Published, SnapshotBlock};

/// Takes what a start reads: first the blocks of a snapshot, if there is one, and then the entries
/// behind its `from`. An entry must change nothing that the snapshot already took from it.
pub trait Replay {
    /// Why something that is whole cannot be taken.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Takes the next block. All blocks come before the first entry, in order.
    fn block(&mut self, records: SnapshotBlock) -> Result<(), Self::Error>;

    /// Takes the next entry; there is no gap between two.
    fn entry(&mut self, sequence: u64, entry: &[u8]) -> Result<(), Self::Error>;
}

/// A journal that was opened, and how.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// What was read.
    pub start: Start,
}

/// What a start was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The snapshot that was used; `None`: all entries were replayed.
    pub snapshot: Option<Published>,
    /// Newer snapshots that could not be used, the newest first.
    pub passed_over: Vec<PassedOver>,
    /// The number of entries that were handed over.
    pub entries: u64,
}

/// A snapshot that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The file's name in the folder.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// For those who only take entries.
pub(super) struct EntriesOnly<F, E> {
    on_entry: F,
    error: PhantomData<fn() -> E>,
}

impl<F, E> EntriesOnly<F, E> {
    pub(super) fn new(on_entry: F) -> Self {
        Self {
            on_entry,
            error: PhantomData,
        }
    }
}

impl<F, E> Replay for EntriesOnly<F, E>
where
    E: Into<Box<dyn Error + Send + Sync>>,
    F: FnMut(u64, &[u8]) -> Result<(), E>,
{
    type Error = E;

    fn block(&mut self, _: SnapshotBlock) -> Result<(), E> {
        Ok(())
    }

    fn entry(&mut self, sequence: u64, entry: &[u8]) -> Result<(), E> {
        (self.on_entry)(sequence, entry)
    }
}
