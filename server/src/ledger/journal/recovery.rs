//! From the files of a folder to a journal that can be written again: read everything, refuse what
//! was lost or damaged, cut off what a crash left unfinished, and make the rest durable.
//!
//! Only the last batch may be unfinished, because each write begins when the sync before it has
//! returned. Everything else that is not as it was written is damage.

use std::error::Error;
use std::io;

use super::disk::Disk;
use super::error::{DiskError, OpenError};
use super::file::{NamedFile, sync_folder};
use super::reader::SegmentIndex;
use super::scan::{Scan, Scanned};
use super::segment::{self, Header};
use super::watermark::{self, Mark, Watermark};

/// What was read, and where to go on.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) identity: u64,
    /// The sequence for the next entry.
    pub(super) next: u64,
    pub(super) segments: Vec<SegmentIndex>,
    pub(super) active: Active,
    pub(super) watermark: Watermark,
}

/// The segment to which records are added.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) ordinal: u64,
    pub(super) file: NamedFile,
    /// Where the next record goes, in bytes.
    pub(super) offset: usize,
    /// The length of the file in bytes.
    pub(super) length: usize,
}

/// Reads a folder, hands each entry to `on_entry` in order, and returns when all of them are
/// durable. A folder in which nothing was ever appended becomes a new journal.
pub(super) fn recover<E: Into<Box<dyn Error + Send + Sync>>>(
    disk: &dyn Disk,
    segment_bytes: usize,
    on_entry: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<Recovered, OpenError> {
    let mark = Watermark::read(disk)?;
    let mut scan = Scan::new(on_entry);
    let mut bytes = Vec::new();
    for ordinal in ordinals(disk)? {
        read_segment(disk, ordinal, &mut bytes)?;
        scan.segment(ordinal, &bytes)?;
    }
    scan.check_end(mark)?;
    let Scan {
        next,
        identity,
        segments,
        unused,
        ..
    } = scan;
    let Some(identity) = identity else {
        return Ok(begin(disk, segment_bytes)?);
    };
    let (segments, active) = make_durable(disk, segments, unused)?;
    let now = Mark {
        identity,
        sequence: next - 1,
    };
    let watermark = if mark.is_some() {
        Watermark::resume(disk, now)?
    } else {
        tracing::warn!(
            "the journal had no whole {} file: a new one begins",
            watermark::FILE
        );
        Watermark::create(disk, now)?
    };
    Ok(Recovered {
        identity,
        next,
        segments,
        active,
        watermark,
    })
}

fn ordinals(disk: &dyn Disk) -> Result<Vec<u64>, DiskError> {
    let names = disk
        .list()
        .map_err(DiskError::of("list", "the data folder"))?;
    let mut ordinals: Vec<_> = names
        .iter()
        .filter_map(|name| segment::ordinal(name))
        .collect();
    ordinals.sort_unstable();
    Ok(ordinals)
}

/// The whole file, or so much of it that it is seen to be no segment.
fn read_segment(disk: &dyn Disk, ordinal: u64, bytes: &mut Vec<u8>) -> Result<(), DiskError> {
    let file = NamedFile::open(disk, &segment::name(ordinal))?;
    let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    bytes.resize(length.min(segment::MAX_BYTES + 1), 0);
    file.read_at(bytes, 0)
}

/// Makes durable what was read: the page cache may show more than the disk holds.
fn make_durable(
    disk: &dyn Disk,
    mut segments: Vec<Scanned>,
    unused: Option<u64>,
) -> Result<(Vec<SegmentIndex>, Active), DiskError> {
    let mut obsolete: Vec<_> = unused.into_iter().collect();
    // A header whose first record was cut short: that segment was never used either.
    let has_no_record = |last: &mut Scanned| last.index.last_offset().is_none();
    while segments.len() > 1
        && let Some(scanned) = segments.pop_if(has_no_record)
    {
        obsolete.push(scanned.index.ordinal);
    }
    let none = || DiskError::of("find", &segment::name(1))(io::ErrorKind::NotFound.into());
    let active = resume(disk, segments.last().ok_or_else(none)?)?;
    for name in obsolete.into_iter().map(segment::name) {
        disk.remove(&name).map_err(DiskError::of("remove", &name))?;
    }
    sync_folder(disk)?;
    Ok((
        segments.into_iter().map(|scanned| scanned.index).collect(),
        active,
    ))
}

/// Cuts off what was not finished, and writes the last record once more: after a kill or a failed
/// sync the kernel may show bytes that it will never write unless they change again.
fn resume(disk: &dyn Disk, last: &Scanned) -> Result<Active, DiskError> {
    let Scanned {
        ref index,
        end,
        ones_from,
        length,
    } = *last;
    let file = NamedFile::open(disk, &segment::name(index.ordinal))?;
    // The header needs no case of its own: the first record begins in the header's sector.
    let begin = index.last_offset().unwrap_or(0);
    file.write_at(&file.read(begin as u64, end - begin)?, begin as u64)?;
    if ones_from > end {
        file.fill_with_ones(end as u64, ones_from - end)?;
    }
    file.sync()?;
    Ok(Active {
        ordinal: index.ordinal,
        file,
        offset: end,
        length,
    })
}

/// The first segment is shorter, because the first start waits for it.
const FIRST_SEGMENT_BYTES: usize = 8 << 20;

/// An empty journal: the watermark is durable before the first segment has its header, and that
/// before anything is appended.
fn begin(disk: &dyn Disk, segment_bytes: usize) -> Result<Recovered, DiskError> {
    let (ordinal, next, length) = (1, 1, segment_bytes.min(FIRST_SEGMENT_BYTES));
    let identity = getrandom::u64().map_err(io::Error::other);
    let identity = identity.map_err(DiskError::of("choose an identity for", "the journal"))?;
    let watermark = Watermark::create(
        disk,
        Mark {
            identity,
            sequence: 0,
        },
    )?;
    let file = segment::prepare(disk, ordinal, length)?;
    file.write_at(
        &Header {
            identity,
            ordinal,
            first: next,
        }
        .encode(),
        0,
    )?;
    file.sync()?;
    let active = Active {
        ordinal,
        file,
        offset: segment::HEADER_BYTES,
        length,
    };
    let segments = vec![SegmentIndex::new(ordinal, next)];
    Ok(Recovered {
        identity,
        next,
        segments,
        active,
        watermark,
    })
}
