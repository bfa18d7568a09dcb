//! The segments of a folder: which there are, how each begins, and its bytes.

use super::disk::Disk;
use super::error::{DiskError, OpenError};
use super::file::NamedFile;
use super::record::NoRecord;
use super::segment::{self, Header};

/// A segment file of which only the header was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) ordinal: u64,
    /// The length of the file in bytes.
    pub(super) length: u64,
    /// `None`: it was never used, or is damaged.
    pub(super) header: Option<Header>,
}

/// The segments in the order of their ordinals.
pub(super) fn segments(disk: &dyn Disk) -> Result<Vec<Found>, OpenError> {
    let names = disk
        .list()
        .map_err(DiskError::of("list", "the data folder"))?;
    let mut ordinals: Vec<_> = names
        .iter()
        .filter_map(|name| segment::ordinal(name))
        .collect();
    ordinals.sort_unstable();
    ordinals
        .into_iter()
        .map(|ordinal| find(disk, ordinal))
        .collect()
}

/// Reads the header of one segment.
pub(super) fn find(disk: &dyn Disk, ordinal: u64) -> Result<Found, OpenError> {
    let name = segment::name(ordinal);
    let file = NamedFile::open(disk, &name)?;
    let length = file.length()?;
    let header = if length < segment::HEADER_BYTES as u64 {
        Err(NoRecord::Invalid)
    } else {
        Header::decode(&file.read(0, segment::HEADER_BYTES)?)
    };
    let header = match header {
        Ok(header) => Some(header),
        Err(NoRecord::Invalid) => None,
        Err(NoRecord::Newer(found)) => return Err(newer(name, found, segment::FORMAT)),
    };
    Ok(Found {
        ordinal,
        length,
        header,
    })
}

/// How many of these segments end before a sequence, by the headers alone: the next one begins with
/// it or earlier. One before a gap is not among them: where it ends, only its records tell.
pub(super) fn below(found: &[Found], sequence: u64) -> usize {
    let pairs = found.iter().zip(found.iter().skip(1));
    let ends_by = |(this, next): &(&Found, &Found)| {
        let goes_on_by = next.header.is_some_and(|header| header.first <= sequence);
        this.header.is_some() && goes_on_by && next.ordinal == this.ordinal + 1
    };
    pairs.take_while(ends_by).count()
}

/// The whole file, or so much of it that it is seen to be no segment.
pub(super) fn read(disk: &dyn Disk, ordinal: u64, bytes: &mut Vec<u8>) -> Result<(), DiskError> {
    let file = NamedFile::open(disk, &segment::name(ordinal))?;
    let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    bytes.resize(length.min(segment::MAX_BYTES + 1), 0);
    file.read_at(bytes, 0)
}

pub(super) fn newer(file: String, found: u32, supported: u32) -> OpenError {
    OpenError::NewerFormat {
        file,
        found,
        supported,
    }
}
