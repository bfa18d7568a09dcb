//! From a segment that a start did not read to an index of its batches: a walk from one record's
//! header to the next. The payloads' checksums are checked when a record is read.

use super::error::DiskError;
use super::file::NamedFile;
use super::index::{BatchPlace, SPACING_BYTES, SegmentIndex, Unread};
use super::record::{HEADER_BYTES, Header, Record};
use super::segment;

/// Small records stand many to a window, so that not each of them costs a call.
const WINDOW_BYTES: u64 = 256 * 1024;

/// How far a walk came.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) index: SegmentIndex,
    /// The sequence after the last batch that is indexed. If it is not that with which the next
    /// segment begins, the record at `end` is damaged.
    pub(super) next: u64,
    /// Where the last of these batches ends, in bytes.
    pub(super) end: u64,
}

/// Walks over a sealed segment.
pub(super) fn walk(file: &NamedFile, identity: u64, unread: Unread) -> Result<Walked, DiskError> {
    let mut window = Window::new(file, WINDOW_BYTES)?;
    let mut index = SegmentIndex::new(unread.ordinal, unread.first);
    let (mut next, mut end) = (unread.first, segment::HEADER_BYTES as u64);
    while let Some(header) = window.header_at(end)?
        && header.identity == identity
        && header.first == next
        && next < unread.end
    {
        index.push(next, usize::try_from(end).unwrap_or(usize::MAX));
        next = next.saturating_add(u64::from(header.count));
        end += HEADER_BYTES as u64 + u64::from(header.length);
    }
    let walked = Walked { index, next, end };
    if next == unread.end {
        return Ok(walked);
    }
    without_damaged_end(walked, file)
}

/// Where the record stands that holds a sequence, from where the index says. If one on the way is not as
/// it was written, that one.
pub(super) fn seek(
    file: &NamedFile,
    identity: u64,
    place: BatchPlace,
    sequence: u64,
) -> Result<u64, DiskError> {
    let mut at = place.offset;
    if place.is_newest {
        return Ok(at);
    }
    let mut window = Window::new(file, u64::from(SPACING_BYTES))?;
    let (mut before, mut next) = (at, None);
    while let Some(header) = window.header_at(at)?
        && header.identity == identity
        && next.is_none_or(|next| header.first == next)
    {
        let behind = header.first.saturating_add(u64::from(header.count));
        if sequence < behind {
            return Ok(at);
        }
        (before, next) = (at, Some(behind));
        at += HEADER_BYTES as u64 + u64::from(header.length);
    }
    Ok(if is_whole(file, before)? { at } else { before })
}

/// A header whose count or length is wrong shows only at the record behind it.
fn without_damaged_end(mut walked: Walked, file: &NamedFile) -> Result<Walked, DiskError> {
    let Some(last) = walked.index.last() else {
        return Ok(walked);
    };
    if !is_whole(file, last.offset)? {
        walked.next = last.first;
        walked.end = last.offset;
        walked.index.pop();
    }
    Ok(walked)
}

fn is_whole(file: &NamedFile, offset: u64) -> Result<bool, DiskError> {
    let bytes = read_record(file, offset)?;
    Ok(bytes.is_some_and(|bytes| Record::decode(&bytes).is_ok()))
}

/// A part of a file that was read ahead.
struct Window<'a> {
    file: &'a NamedFile,
    length: u64,
    /// So much is read at once.
    ahead: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a NamedFile, ahead: u64) -> Result<Self, DiskError> {
        Ok(Self {
            file,
            length: file.length()?,
            ahead,
            start: 0,
            bytes: Vec::new(),
        })
    }

    /// `None` if no header stands there.
    fn header_at(&mut self, offset: u64) -> Result<Option<Header>, DiskError> {
        if let Some(header) = self.header_within(offset) {
            return Ok(Header::decode(header));
        }
        let length = self.ahead.min(self.length.saturating_sub(offset));
        if length < HEADER_BYTES as u64 {
            return Ok(None);
        }
        self.bytes
            .resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        self.file.read_at(&mut self.bytes, offset)?;
        self.start = offset;
        Ok(Header::decode(&self.bytes))
    }

    fn header_within(&self, offset: u64) -> Option<&[u8]> {
        let at = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(at..)?.get(..HEADER_BYTES)
    }
}

/// The bytes of the record at `offset`; `None` if there is no header, or the file ends before it
/// does.
pub(super) fn read_record(file: &NamedFile, offset: u64) -> Result<Option<Vec<u8>>, DiskError> {
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
