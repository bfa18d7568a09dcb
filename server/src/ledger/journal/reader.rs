//! Reading one entry by its sequence, while the journal grows.

use std::error::Error;
use std::sync::Arc;

use parking_lot::Mutex;

use super::beginning::Beginning;
use super::disk::Disk;
use super::error::{Damage, DiskError, OpenError, ReadError};
use super::file::NamedFile;
use super::index::{BatchPlace, Index, Place, Unread};
use super::keyring;
use super::read_all::read_all;
use super::record::Record;
use super::segment;
use super::walk::{self, Walked};

#[derive(Debug)]
struct Opened {
    ordinal: u64,
    /// How often segments had been written anew when it was opened.
    rewritten: u64,
    file: NamedFile,
}

/// Reads durable entries by sequence. Calls block on the disk: make them from a blocking
/// pool. The folder stays locked for as long as a reader lives.
#[derive(Clone, Debug)]
pub struct JournalReader {
    disk: Arc<dyn Disk>,
    index: Arc<Index>,
    /// One file stays open, because neighbours and repeats are asked for together, and one for
    /// each segment would in time be more than a process may have.
    last_opened: Arc<Mutex<Option<Opened>>>,
}

impl JournalReader {
    pub(super) fn new(disk: Arc<dyn Disk>, index: Arc<Index>) -> Self {
        Self {
            disk,
            index,
            last_opened: Arc::default(),
        }
    }

    /// Where the journal begins; `None`: with sequence 1.
    pub fn beginning(&self) -> Option<Beginning> {
        self.index.beginning()
    }

    /// The store's keyring as it stands in the folder now.
    pub fn keyring(&self) -> Result<Option<Vec<u8>>, OpenError> {
        keyring::read(&*self.disk)
    }

    /// Says for others beside the server that it goes on with this keyring.
    pub fn note_taken_up(&self, keyring: &[u8]) -> Result<(), DiskError> {
        keyring::note_taken_up(&*self.disk, keyring)
    }

    /// The bytes of an entry; `None` if nothing durable has this sequence, and
    /// [`ReadError::Pruned`] if what had it was pruned.
    pub fn read(&self, sequence: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let read = self.read_durable(sequence);
        // Its file went while it was read, perhaps.
        if read.is_err()
            && let Place::Pruned(beginning) = self.index.find(sequence)
        {
            return Err(ReadError::Pruned(beginning));
        }
        read
    }

    fn read_durable(&self, sequence: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let place = match self.index.find(sequence) {
            Place::Unread(unread) => self.index_first(unread, sequence)?,
            Place::Batch(place) => Some(place),
            Place::Nowhere => None,
            Place::Pruned(beginning) => return Err(ReadError::Pruned(beginning)),
        };
        let Some(place) = place else {
            return Ok(None);
        };
        let name = segment::name(place.ordinal);
        let file = self.file(place.ordinal, &name)?;
        let offset = walk::seek(&file, self.index.identity(), place, sequence)?;
        let bytes = walk::read_record(&file, offset)?;
        let damaged = |what: &str| {
            let what = what.to_owned();
            ReadError::Damaged(Damage {
                file: name.clone(),
                offset,
                sequence,
                what,
            })
        };
        let record = bytes
            .as_deref()
            .and_then(|bytes| Record::decode(bytes).ok());
        let record = record.ok_or_else(|| damaged("its record is not as it was written"))?;
        // An index that was wrong would show here: as a sequence from before the record, or from behind
        // one that is not the last.
        let another = || damaged("another record stands in its place");
        let number = sequence.checked_sub(record.first).ok_or_else(another)?;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        match record.entries().nth(number) {
            Some(Some(entry)) => Ok(Some(entry.to_vec())),
            Some(None) => Err(damaged("the lengths in its record do not add up")),
            // Behind the last record's end there is nothing yet.
            None if place.is_newest => Ok(None),
            None => Err(another()),
        }
    }

    /// Hands every durable entry from the sequence `from` to the sequence `to` to `on_entry`, in
    /// order: much faster than [`JournalReader::read`] for each.
    pub fn read_all<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        from: u64,
        to: u64,
        on_entry: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<u64, OpenError> {
        read_all(&*self.disk, from, to, on_entry)
    }

    /// Indexes a segment that the start did not read, and keeps that. If the segment is damaged,
    /// what is before the damage can be read all the same.
    fn index_first(&self, unread: Unread, sequence: u64) -> Result<Option<BatchPlace>, ReadError> {
        // Whoever comes second finds it done.
        let _one_at_a_time = self.index.reading();
        if let Place::Batch(place) = self.index.find(sequence) {
            return Ok(Some(place));
        }
        let name = segment::name(unread.ordinal);
        let file = self.file(unread.ordinal, &name)?;
        let Walked { index, next, end } = walk::walk(&file, self.index.identity(), unread)?;
        let place = index.find(sequence);
        if next == unread.end {
            self.index.know(index);
        } else if sequence >= next {
            let what = "the record here is not as it was written".to_owned();
            return Err(ReadError::Damaged(Damage {
                file: name,
                offset: end,
                sequence: next,
                what,
            }));
        }
        Ok(place)
    }

    fn file(&self, ordinal: u64, name: &str) -> Result<NamedFile, DiskError> {
        let mut last = self.last_opened.lock();
        // Before the file is opened: one that takes its name afterwards counts as newer.
        let rewritten = self.index.rewritten();
        let is_it = |opened: &&Opened| opened.ordinal == ordinal && opened.rewritten == rewritten;
        if let Some(opened) = last.as_ref().filter(is_it) {
            return Ok(opened.file.clone());
        }
        let file = NamedFile::open(&*self.disk, name)?;
        *last = Some(Opened {
            ordinal,
            rewritten,
            file: file.clone(),
        });
        Ok(file)
    }
}
