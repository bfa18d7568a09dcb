//! Reading one entry by its sequence, while the journal grows.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::disk::Disk;
use super::error::{Damage, DiskError, ReadError};
use super::file::NamedFile;
use super::record::{HEADER_BYTES, Header, Record};
use super::segment;

/// Where each durable batch is: 8 bytes a batch.
#[derive(Debug, Default)]
pub(super) struct Index {
    segments: RwLock<Vec<SegmentIndex>>,
}

/// The batches of one segment, in order.
#[derive(Debug)]
pub(super) struct SegmentIndex {
    pub(super) ordinal: u64,
    pub(super) first: u64,
    batches: Vec<BatchPlace>,
}

#[derive(Clone, Copy, Debug)]
struct BatchPlace {
    /// The sequence of its first entry, from the segment's first.
    relative: u32,
    /// Where its record begins, in bytes.
    offset: u32,
}

impl SegmentIndex {
    pub(super) fn new(ordinal: u64, first: u64) -> Self {
        Self {
            ordinal,
            first,
            batches: Vec::new(),
        }
    }

    /// Adds a batch. A segment's bounds keep both numbers within 32 bits.
    pub(super) fn push(&mut self, first: u64, offset: usize) {
        let relative = u32::try_from(first.saturating_sub(self.first)).unwrap_or(u32::MAX);
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        self.batches.push(BatchPlace { relative, offset });
    }

    /// The offset of the last batch's record.
    pub(super) fn last_offset(&self) -> Option<usize> {
        self.batches.last().map(|batch| batch.offset as usize)
    }
}

impl Index {
    pub(super) fn new(segments: Vec<SegmentIndex>) -> Self {
        Self {
            segments: RwLock::new(segments),
        }
    }

    pub(super) fn begin_segment(&self, ordinal: u64, first: u64) {
        self.segments
            .write()
            .push(SegmentIndex::new(ordinal, first));
    }

    pub(super) fn push(&self, first: u64, offset: usize) {
        if let Some(segment) = self.segments.write().last_mut() {
            segment.push(first, offset);
        }
    }

    /// The segment and the offset of the batch that would hold this sequence.
    fn find(&self, sequence: u64) -> Option<(u64, u64)> {
        let segments = self.segments.read();
        let after = segments.partition_point(|segment| segment.first <= sequence);
        let segment = segments.get(after.checked_sub(1)?)?;
        let relative = sequence - segment.first;
        let after = segment
            .batches
            .partition_point(|b| u64::from(b.relative) <= relative);
        let batch = segment.batches.get(after.checked_sub(1)?)?;
        Some((segment.ordinal, u64::from(batch.offset)))
    }
}

#[derive(Debug)]
struct Opened {
    ordinal: u64,
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

    /// The bytes of an entry; `None` if nothing durable has this sequence.
    pub fn read(&self, sequence: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some((ordinal, offset)) = self.index.find(sequence) else {
            return Ok(None);
        };
        let name = segment::name(ordinal);
        let file = self.file(ordinal, &name)?;
        let bytes = read_record(&file, offset)?;
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
        // Behind the last record's end there is nothing yet, and an index that was wrong would
        // show here as a sequence from before the record.
        let Some(place) = sequence.checked_sub(record.first) else {
            return Err(damaged("another record stands in its place"));
        };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        match record.entries().nth(place) {
            Some(Some(entry)) => Ok(Some(entry.to_vec())),
            Some(None) => Err(damaged("the lengths in its record do not add up")),
            None => Ok(None),
        }
    }

    fn file(&self, ordinal: u64, name: &str) -> Result<NamedFile, DiskError> {
        let mut last = self.last_opened.lock();
        if let Some(opened) = last.as_ref().filter(|opened| opened.ordinal == ordinal) {
            return Ok(opened.file.clone());
        }
        let file = NamedFile::open(&*self.disk, name)?;
        *last = Some(Opened {
            ordinal,
            file: file.clone(),
        });
        Ok(file)
    }
}

/// The bytes of the record at `offset`; `None` if there is no header, or the file ends before it
/// does.
fn read_record(file: &NamedFile, offset: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let rest = file.length()?.saturating_sub(offset);
    if rest < HEADER_BYTES as u64 {
        return Ok(None);
    }
    match Header::decode(&file.read(offset, HEADER_BYTES)?) {
        Some(header) if HEADER_BYTES as u64 + u64::from(header.length) <= rest => file
            .read(offset, HEADER_BYTES + header.length as usize)
            .map(Some),
        Some(_) | None => Ok(None),
    }
}
