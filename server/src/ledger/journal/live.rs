//! Reading the segment that a running server may be writing.
//!
//! Such a read is not one moment: it may see the beginning of a record before it was written and
//! the record behind it afterwards. What looks damaged is therefore looked at a second time.

use super::disk::Disk;
use super::error::DiskError;
use super::file::NamedFile;
use super::folder;
use super::record::Record;
use super::segment::{self, Tail};

/// The bytes of the last segment. What still looks damaged in them is.
pub(super) fn read(
    disk: &dyn Disk,
    ordinal: u64,
    identity: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), DiskError> {
    folder::read(disk, ordinal, bytes)?;
    let file = NamedFile::open(disk, &segment::name(ordinal))?;
    let mut end = segment::HEADER_BYTES;
    while let Some(damaged_at) = damaged_at(bytes, end, identity) {
        end = damaged_at;
        let rest = bytes.get_mut(end..).unwrap_or_default();
        file.read_at(rest, end as u64)?;
        if Record::decode(rest).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Where the first record that is not whole, and that a whole one follows, begins at or behind
/// `from`, in bytes.
fn damaged_at(bytes: &[u8], from: usize, identity: u64) -> Option<usize> {
    let mut end = from;
    while let Ok(record) = Record::decode(bytes.get(end..).unwrap_or_default()) {
        end += record.bytes();
    }
    match Tail::of(bytes, end, identity) {
        Tail::Damaged { .. } => Some(end),
        Tail::Unused | Tail::Torn { .. } => None,
    }
}
