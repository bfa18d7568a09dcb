//! Segment files: what one is called, how it begins, and what its unused end says.
//!
//! A segment is `journal-<ordinal, 16 digits>.seg`: a header of 64 bytes, records one after the
//! other, and ones up to its length. It is written with ones, synced, and named on the disk before
//! its first use; its header is written with its first record, under the same sync. So a segment
//! without a header is one that was prepared and never used.
//!
//! | bytes | field of the header, little-endian |
//! |---|---|
//! | 8 | magic `WAIKAJNL` |
//! | 4 | format version |
//! | 8 | identity of the journal, random, the same in all its files |
//! | 8 | ordinal, as in the name |
//! | 8 | sequence of the first entry |
//! | 4 | CRC-32C over all of the above; then zeros |

use std::ops::Range;

use bytes::BufMut;

use super::disk::Disk;
use super::error::DiskError;
use super::file::{NamedFile, sync_folder};
use super::record::{self, NoRecord, Record, file_header, take};

/// Bytes before the first record.
pub(super) const HEADER_BYTES: usize = 64;
/// The segment format that this release writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;
/// No segment is longer; a batch must fit in the difference to the longest configurable one.
pub(super) const MAX_BYTES: usize = 2 << 30;

const MAGIC: [u8; 8] = *b"WAIKAJNL";
const CHECKED_HEADER_BYTES: usize = 36;
/// A new segment goes to the disk in pieces, each with a sync: a commit waits behind one of them at most.
/// Short ones while there is time,
pub(super) const PIECE_BYTES: usize = 256 << 10;
/// and long ones when there is none: a sync may take longer than what it writes.
pub(super) const HURRIED_PIECE_BYTES: usize = 4 << 20;
const ONES: [u8; 4096] = [0xFF; 4096];

/// The file name of a segment; ordinals begin at 1.
pub(super) fn name(ordinal: u64) -> String {
    format!("journal-{ordinal:016}.seg")
}

/// The ordinal in a file name; `None` if it is not a segment's.
pub(super) fn ordinal(file: &str) -> Option<u64> {
    let digits = file.strip_prefix("journal-")?.strip_suffix(".seg")?;
    digits
        .parse()
        .ok()
        .filter(|&ordinal| ordinal > 0 && name(ordinal) == file)
}

/// How a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) identity: u64,
    pub(super) ordinal: u64,
    pub(super) first: u64,
}

impl Header {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.put_slice(&MAGIC);
        bytes.put_u32_le(FORMAT);
        bytes.put_u64_le(self.identity);
        bytes.put_u64_le(self.ordinal);
        bytes.put_u64_le(self.first);
        bytes.put_u32_le(crc32c::crc32c(&bytes));
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    /// Reads the header that these bytes begin with. Every later format keeps this layout up to
    /// the checksum, so that it can be told from damage.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NoRecord> {
        let (header, format) = Self::fields(bytes).ok_or(NoRecord::Invalid)?;
        if format > FORMAT {
            Err(NoRecord::Newer(format))
        } else {
            Ok(header)
        }
    }

    fn fields(bytes: &[u8]) -> Option<(Self, u32)> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (format, mut rest) = file_header(header, CHECKED_HEADER_BYTES, MAGIC)?;
        let fields = &mut rest;
        let identity = u64::from_le_bytes(take(fields)?);
        let ordinal = u64::from_le_bytes(take(fields)?);
        let first = u64::from_le_bytes(take(fields)?);
        Some((
            Self {
                identity,
                ordinal,
                first,
            },
            format,
        ))
    }
}

/// A new segment, full of ones: its bytes, its length and its name are durable when this returns. Before
/// each piece it asks how many bytes that may have, and may be made to wait.
pub(super) fn prepare(
    disk: &dyn Disk,
    ordinal: u64,
    length: usize,
    piece: impl FnMut() -> usize,
) -> Result<NamedFile, DiskError> {
    let file = NamedFile::create(disk, &name(ordinal))?;
    extend(&file, 0..length, piece)?;
    sync_folder(disk)?;
    Ok(file)
}

/// Writes ones at these offsets, and syncs.
pub(super) fn extend(
    file: &NamedFile,
    offsets: Range<usize>,
    mut piece: impl FnMut() -> usize,
) -> Result<(), DiskError> {
    let mut start = offsets.start;
    while start < offsets.end {
        let length = piece().clamp(1, offsets.end - start);
        file.fill_with_ones(start as u64, length)?;
        file.sync()?;
        start += length;
    }
    Ok(())
}

/// What stands behind the last whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Ones, as before the first use.
    Unused,
    /// Something else, and no whole record: what a write leaves that a crash cut short. From
    /// `end` on there are ones.
    Torn { end: usize },
    /// A whole record, at this offset: what is before it was damaged after it was written.
    Damaged { follows_at: usize },
}

impl Tail {
    /// Looks at a segment's bytes from `from` on.
    pub(super) fn of(segment: &[u8], from: usize, identity: u64) -> Self {
        let rest = segment.get(from..).unwrap_or_default();
        let used = rest.rchunks(ONES.len()).skip_while(|chunk| is_ones(chunk));
        let end = from + used.map(<[u8]>::len).sum::<usize>();
        match find_record(segment, from, identity) {
            Some(follows_at) => Self::Damaged { follows_at },
            None if end > from => Self::Torn { end },
            None => Self::Unused,
        }
    }
}

/// The offset of the first whole record of this journal at or behind `from`, at any alignment.
pub(super) fn find_record(segment: &[u8], from: usize, identity: u64) -> Option<usize> {
    let chunks = (from..segment.len()).step_by(ONES.len());
    chunks
        .filter(|&start| !is_ones(chunk(segment, start)))
        .find_map(|start| {
            let places = chunk(segment, start).iter().zip(start..);
            let mut starts = places.filter(|&(&byte, _)| byte == record::MAGIC[0]);
            starts.find_map(|(_, at)| is_record(segment, at, identity).then_some(at))
        })
}

/// The cheap test first, or a file made of false headers would take hours.
fn is_record(segment: &[u8], at: usize, identity: u64) -> bool {
    let bytes = segment.get(at..).unwrap_or_default();
    record::Header::decode(bytes).is_some_and(|header| header.identity == identity)
        && !matches!(Record::decode(bytes), Err(NoRecord::Invalid))
}

fn chunk(segment: &[u8], start: usize) -> &[u8] {
    segment
        .get(start..segment.len().min(start + ONES.len()))
        .unwrap_or_default()
}

fn is_ones(chunk: &[u8]) -> bool {
    ONES.get(..chunk.len()) == Some(chunk)
}

/// Whether a segment holds nothing but ones and the zeros of pages that were never written. Its
/// header may be anything.
pub(super) fn is_blank(segment: &[u8]) -> bool {
    let body = segment.get(HEADER_BYTES..).unwrap_or_default();
    body.chunks(ONES.len())
        .all(|chunk| is_ones(chunk) || chunk.iter().all(|&byte| byte == 0xFF || byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_exact_names_are_segments() {
        let cases = [
            ("journal-0000000000000001.seg", Some(1)),
            ("journal-0000000000000000.seg", None),
            ("journal-1.seg", None),
            ("journal-+000000000000001.seg", None),
            ("journal-0000000000000001.seg.bak", None),
            ("LOCK", None),
        ];
        for (file, expected) in cases {
            assert_eq!(ordinal(file), expected, "{file}");
        }
    }

    #[test]
    fn a_header_survives_and_any_flipped_bit_in_it_is_seen() {
        let header = Header {
            identity: 7,
            ordinal: 3,
            first: 100,
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Header::decode(&flipped),
                Err(NoRecord::Invalid),
                "bit {bit}"
            );
        }
    }
}
