//! The journal: an append-only log of opaque entries, each with a sequence, durable batch by batch.
//!
//! A batch is one record, one write and one sync, and the next begins when the last has returned,
//! so that a crash can tear only the last. [`Journal::open`] replays what is durable and refuses
//! a folder that has lost or changed anything. Entries are numbered from 1 without gaps.
//!
//! A snapshot beside it shortens a start: [`Journal::open_with`] hands over the newest whole one and
//! the entries behind it. [`verify`] and [`read_all`] look at a journal without its lock, also while
//! a server writes it.

pub mod backup;
mod beginning;
pub mod disk;
mod end;
mod error;
mod file;
mod folder;
mod index;
mod key_runs;
pub mod keyring;
mod live;
pub mod moved;
mod preparing;
mod pruning;
mod read_all;
mod reader;
mod record;
mod recovery;
mod replay;
mod rewriting;
mod rewritten;
mod scan;
mod segment;
mod snapshot;
mod verify;
mod walk;
mod watermark;

use std::error::Error;
use std::io;
use std::mem;
use std::sync::Arc;

use backup::BackupSource;
pub use beginning::{Beginning, beginning};
use disk::Disk;
use end::End;
pub use error::{Damage, DiskError, OpenError, ReadError};
use file::NamedFile;
use index::Index;
pub use key_runs::{
    KeyRun, KeyRunWriter, KeyRuns, OpenedKeyRuns, Span, UsedKey, open as open_key_runs,
};
use preparing::Preparing;
pub use pruning::{NotPruned, Pruned, Pruner, Wanted};
pub use read_all::{durable, identity, read_all};
pub use reader::JournalReader;
pub use record::Batch;
use recovery::{Active, Base, Recovered};
use replay::EntriesOnly;
pub use replay::{Opened, PassedOver, Replay, Start};
pub use rewriting::{NotRewritten, Rewritten};
use segment::Header;
pub use snapshot::{
    Published, SnapshotBlock, SnapshotOptions, SnapshotWriter, Snapshots, read_newest,
};
pub use verify::{EntryCheck, Progress, Verified, verify};
use watermark::Watermark;

/// Whether a file of this name is a part of a journal.
fn is_of_a_journal(name: &str) -> bool {
    segment::ordinal(name).is_some()
        || snapshot::is_named_like_one(name)
        || key_runs::is_named_like_one(name)
        || name == watermark::FILE
        || name == beginning::FILE
        || name == keyring::FILE
        || name == rewritten::FILE
}

/// How a journal is laid out.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// The length of a segment file in bytes, from 4 KiB to 1 GiB. A batch that is longer gets a
    /// segment of its own length. May change from one start to the next.
    pub segment_bytes: usize,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
        }
    }
}

/// The writing end of a journal. There is one, and it commits one batch at a time.
#[derive(Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    segment_bytes: usize,
    identity: u64,
    next: u64,
    active: Active,
    /// The segment after the active one, which is prepared while the active one fills.
    prepared: Prepared,
    watermark: Watermark,
    index: Arc<Index>,
    snapshots: Snapshots,
    /// The next batch begins a segment.
    ends_segment: bool,
    /// Set by the first error, for ever: what is on the disk is unknown from then on.
    failed: bool,
}

#[derive(Debug)]
enum Prepared {
    No,
    /// A thread is at it, or was.
    Begun(Preparing),
    Ready(NamedFile),
}

impl Journal {
    /// Opens the journal on a disk, or begins one if there is none. Every durable entry is handed
    /// to `on_entry` with its sequence, in order; when this returns, all of them are durable, also
    /// those whose batch was never acknowledged. Snapshots are left alone.
    pub fn open<E: Into<Box<dyn Error + Send + Sync>>>(
        disk: Arc<dyn Disk>,
        options: JournalOptions,
        on_entry: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<Self, OpenError> {
        let mut replay = EntriesOnly::new(on_entry);
        Self::recover(disk, options, Base::FirstEntry, &mut replay).map(|opened| opened.journal)
    }

    /// Opens the journal like [`Journal::open`], from its newest snapshot that is whole: its
    /// blocks are handed over first, and then every durable entry behind its `from`. It refuses a
    /// journal that ends before what that snapshot covers.
    pub fn open_with(
        disk: Arc<dyn Disk>,
        options: JournalOptions,
        replay: &mut impl Replay,
    ) -> Result<Opened, OpenError> {
        Self::recover(disk, options, Base::NewestSnapshot, replay)
    }

    fn recover(
        disk: Arc<dyn Disk>,
        options: JournalOptions,
        base: Base,
        replay: &mut impl Replay,
    ) -> Result<Opened, OpenError> {
        let segment_bytes = options.segment_bytes.clamp(4 << 10, 1 << 30);
        let Recovered {
            identity,
            next,
            segments,
            active,
            watermark,
            beginning,
            start,
        } = recovery::recover(&*disk, segment_bytes, base, replay)?;
        let journal = Self {
            segment_bytes,
            identity,
            next,
            active,
            prepared: Prepared::No,
            watermark,
            index: Arc::new(Index::new(identity, segments, beginning)),
            snapshots: Snapshots::new(Arc::clone(&disk), identity),
            disk,
            ends_segment: false,
            failed: false,
        };
        Ok(Opened { journal, start })
    }

    /// The highest sequence that is durable; 0 if there is none.
    pub fn durable(&self) -> u64 {
        self.next - 1
    }

    /// A reader of durable entries that may outlive this.
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(Arc::clone(&self.disk), Arc::clone(&self.index))
    }

    /// Where its snapshots are written, also from another thread and after this is gone.
    pub fn snapshots(&self) -> Snapshots {
        self.snapshots.clone()
    }

    /// What backups are taken from, also from another thread and after this is gone.
    pub fn backup_source(&self) -> BackupSource {
        BackupSource(Arc::clone(&self.disk))
    }

    /// What removes its oldest segments, also from another thread.
    pub fn pruner(&self) -> Pruner {
        Pruner::new(Arc::clone(&self.disk), Arc::clone(&self.index))
    }

    /// Where runs of used keys are written, also from another thread.
    pub fn key_runs(&self) -> KeyRuns {
        KeyRuns::new(Arc::clone(&self.disk), self.identity)
    }

    /// Takes the runs of used keys that were found in its folder for its own, and removes what was left
    /// over of others. Refuses another journal's, and such that prove it to be cut.
    pub fn adopt(&self, found: &OpenedKeyRuns) -> Result<(), OpenError> {
        let end = End {
            file: segment::name(self.active.ordinal),
            offset: self.active.offset as u64,
            next: self.next,
            identity: Some(self.identity),
            unfinished_bytes: 0,
        };
        found.adopt(&*self.disk, self.identity, &end)
    }

    /// Makes a batch durable and returns its last sequence; its first is the one after
    /// [`Journal::durable`]. After an error nothing more can be committed, and whether this batch
    /// will be there after a restart is unknown.
    pub fn commit(&mut self, batch: &mut Batch) -> Result<u64, DiskError> {
        if self.failed {
            let earlier = io::Error::other("an earlier write or sync failed");
            return Err(self.active.file.failed("write")(earlier));
        }
        // Until it has succeeded: no way out of here may leave this unset.
        self.failed = true;
        if batch.count() > 0 {
            self.write(batch)?;
        }
        self.failed = false;
        Ok(self.durable())
    }

    /// Lets the next batch begin a segment, so that what is before it is not written to any more.
    pub fn end_segment(&mut self) {
        self.ends_segment = self.active.offset > segment::HEADER_BYTES;
    }

    fn write(&mut self, batch: &mut Batch) -> Result<(), DiskError> {
        let is_full = self.active.offset + batch.record_bytes() > self.active.length;
        if mem::take(&mut self.ends_segment) || is_full {
            self.roll(batch.record_bytes())?;
        }
        let (first, Active { file, offset, .. }) = (self.next, &mut self.active);
        let too_long = || file.failed("fit a batch in")(io::ErrorKind::FileTooLarge.into());
        let record = batch.seal(self.identity, first).ok_or_else(too_long)?;
        file.write_at(record, *offset as u64)?;
        file.sync()?;
        self.index.push(first, *offset);
        *offset += record.len();
        if let Prepared::Begun(preparing) = &self.prepared
            && *offset > self.active.length / 2
        {
            preparing.hurry();
        }
        self.next += u64::from(batch.count());
        self.watermark.raise(self.next - 1)
    }

    /// Goes on in the prepared segment. Its header becomes durable with its first record.
    fn roll(&mut self, record_bytes: usize) -> Result<(), DiskError> {
        let file = self.next_segment()?;
        let ordinal = self.active.ordinal + 1;
        let length = self.segment_bytes.max(segment::HEADER_BYTES + record_bytes);
        let piece = || segment::HURRIED_PIECE_BYTES;
        segment::extend(&file, self.segment_bytes..length, piece)?;
        let header = Header {
            identity: self.identity,
            ordinal,
            first: self.next,
        };
        file.write_at(&header.encode(), 0)?;
        self.index.begin_segment(ordinal, self.next);
        self.active = Active {
            ordinal,
            file,
            offset: segment::HEADER_BYTES,
            length,
        };
        Ok(())
    }

    /// Prepares the next segment on a thread of its own, unless that was already begun.
    pub fn prepare_in_background(&mut self) {
        if !matches!(self.prepared, Prepared::No) {
            return;
        }
        let disk = Arc::clone(&self.disk);
        let (ordinal, length) = (self.active.ordinal + 1, self.segment_bytes);
        match Preparing::begin(disk, ordinal, length) {
            Ok(preparing) => self.prepared = Prepared::Begun(preparing),
            Err(error) => tracing::warn!(%error, "no thread to prepare the next journal segment"),
        }
    }

    /// Prepares the next segment, or waits until that is done.
    pub fn prepare_next(&mut self) -> Result<(), DiskError> {
        self.prepared = Prepared::Ready(self.next_segment()?);
        Ok(())
    }

    /// What failed in the background is tried once more, with a new file: there may be room by now.
    fn next_segment(&mut self) -> Result<NamedFile, DiskError> {
        match mem::replace(&mut self.prepared, Prepared::No) {
            Prepared::Ready(file) => return Ok(file),
            Prepared::Begun(preparing) => match preparing.finish() {
                Ok(Ok(file)) => return Ok(file),
                Ok(Err(error)) => tracing::warn!(%error, "the next journal segment is not ready"),
                Err(_) => tracing::warn!("the thread that prepared a journal segment panicked"),
            },
            Prepared::No => {}
        }
        let (ordinal, length) = (self.active.ordinal + 1, self.segment_bytes);
        segment::prepare(&*self.disk, ordinal, length, || {
            segment::HURRIED_PIECE_BYTES
        })
    }
}

impl Drop for Journal {
    /// Waits for the thread that prepares a segment, so that the folder is free afterwards.
    fn drop(&mut self) {
        if let Prepared::Begun(preparing) = mem::replace(&mut self.prepared, Prepared::No) {
            // The segment that it made is unused, and the next start replaces it.
            drop(preparing.finish());
        }
    }
}
