//! From the files of a folder to a journal that can be written again: read everything, or a snapshot
//! and what comes after it, refuse what was lost or damaged, cut off what a crash left unfinished, and make the rest durable.
//!
//! Only the last batch may be unfinished, because each write begins when the sync before it has
//! returned. Everything else that is not as it was written is damage.

use std::io;

use super::beginning::{self, Beginning};
use super::disk::Disk;
use super::error::{DiskError, OpenError};
use super::file::{NamedFile, remove_if_there, sync_folder};
use super::folder::{self, Folder, Found};
use super::index::SegmentIndex;
use super::replay::{Replay, Start};
use super::rewriting;
use super::rewritten;
use super::scan::{Scan, Scanned};
use super::segment::{self, Header};
use super::snapshot::{self, Choice, Chosen};
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
    /// Where the journal begins; `None`: with sequence 1.
    pub(super) beginning: Option<Beginning>,
    pub(super) start: Start,
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

/// What a start goes on from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    FirstEntry,
    NewestSnapshot,
}

/// Reads a folder, hands over what is there in order, and returns when all of it is durable. A
/// folder in which nothing was ever appended becomes a new journal.
pub(super) fn recover<R: Replay>(
    disk: &dyn Disk,
    segment_bytes: usize,
    base: Base,
    replay: &mut R,
) -> Result<Recovered, OpenError> {
    let mark = Watermark::read(disk)?;
    let folder = folder::look(disk)?;
    let (found, beginning) = (&folder.segments, folder.beginning());
    let Choice {
        mut snapshot,
        passed_over,
    } = choose(disk, base, &folder)?;
    let published = snapshot.as_ref().map(|chosen| chosen.published.clone());
    let mut scan = Scan::behind(replay, published.clone()).beginning_with(beginning);
    read(disk, found, snapshot.as_mut(), &mut scan)?;
    scan.check_begins()?;
    scan.check_end(mark)?;
    let start = Start {
        snapshot: published,
        passed_over,
        entries: scan.entries,
    };
    let Scan {
        next,
        identity,
        mut below,
        segments,
        unused,
        ..
    } = scan;
    let Some(identity) = identity else {
        return Ok(begin(disk, segment_bytes, start)?);
    };
    end_pruning(disk, &folder)?;
    let (read, active) = make_durable(disk, segments, unused)?;
    below.extend(read);
    let now = Mark {
        identity,
        sequence: next - 1,
    };
    Ok(Recovered {
        identity,
        next,
        segments: below,
        active,
        watermark: mark_durable(disk, mark, now)?,
        beginning,
        start,
    })
}

/// The snapshot to go on from. A pruned journal needs one that holds what came before it.
fn choose(disk: &dyn Disk, base: Base, folder: &Folder) -> Result<Choice, OpenError> {
    let beginning = folder.beginning();
    let choice = match base {
        Base::FirstEntry => Choice::default(),
        Base::NewestSnapshot => {
            let header = folder.segments.iter().find_map(|segment| segment.header);
            let first = beginning.map_or(1, |beginning| beginning.first);
            snapshot::choose(disk, header.map(|header| header.identity), first)?
        }
    };
    match (beginning, &choice.snapshot) {
        (Some(beginning), None) => Err(OpenError::NoSnapshot {
            beginning,
            passed_over: choice.passed_over,
        }),
        _ => Ok(choice),
    }
}

/// Ends what a crash left of a pruning. The beginning is published again: after a kill only the page
/// cache may have its name, and no segment may go before the disk has.
fn end_pruning(disk: &dyn Disk, folder: &Folder) -> Result<(), DiskError> {
    remove_if_there(disk, beginning::UNFINISHED)?;
    remove_if_there(disk, rewriting::UNFINISHED)?;
    remove_if_there(disk, rewritten::UNFINISHED)?;
    let Some(declared) = &folder.declared else {
        return Ok(());
    };
    if let Some(flaw) = &declared.flaw {
        tracing::warn!(%flaw, "written anew");
    }
    if declared.flaw.is_some() || !folder.pruned.is_empty() {
        beginning::publish(disk, declared.beginning)?;
    }
    for name in folder.pruned.iter().copied().map(segment::name) {
        disk.remove(&name).map_err(DiskError::of("remove", &name))?;
    }
    Ok(())
}

/// First the headers of what lies wholly below the snapshot, then the snapshot, then the rest in
/// full. The last segment with a header is always among the rest, so there is one to go on in.
fn read<R: Replay>(
    disk: &dyn Disk,
    found: &[Found],
    snapshot: Option<&mut Chosen>,
    scan: &mut Scan<'_, R>,
) -> Result<(), OpenError> {
    let from = snapshot.as_ref().map(|chosen| chosen.published.from);
    let below = from.map_or(0, |from| folder::below(found, from.saturating_add(1)));
    let (below, rest) = found.split_at_checked(below).unwrap_or((&[], found));
    for segment in below {
        if let Some(header) = segment.header {
            scan.skip(segment.ordinal, header)?;
        }
    }
    if let Some(chosen) = snapshot {
        scan.blocks(&mut chosen.file)?;
    }
    let mut bytes = Vec::new();
    for segment in rest {
        folder::read(disk, segment.ordinal, &mut bytes)?;
        scan.segment(segment.ordinal, &bytes)?;
    }
    Ok(())
}

fn mark_durable(disk: &dyn Disk, mark: Option<Mark>, now: Mark) -> Result<Watermark, DiskError> {
    if mark.is_some() {
        return Watermark::resume(disk, now);
    }
    tracing::warn!(
        "the journal had no whole {} file: a new one begins",
        watermark::FILE
    );
    Watermark::create(disk, now)
}

/// Makes durable what was read: the page cache may show more than the disk holds.
fn make_durable(
    disk: &dyn Disk,
    mut segments: Vec<Scanned>,
    unused: Option<u64>,
) -> Result<(Vec<SegmentIndex>, Active), DiskError> {
    let mut obsolete: Vec<_> = unused.into_iter().collect();
    // A header whose first record was cut short: that segment was never used either.
    let has_no_record = |last: &mut Scanned| last.index.last().is_none();
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
    snapshot::remove_unfinished(disk)?;
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
    let begin = index.last().map_or(0, |last| last.offset);
    let again = end - usize::try_from(begin).unwrap_or(end).min(end);
    file.write_at(&file.read(begin, again)?, begin)?;
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

fn new_identity() -> io::Result<u64> {
    #[cfg(test)]
    if let Some(bits) = crate::ledger::simulation::world::random() {
        return Ok(u64::try_from(bits >> 64).unwrap_or_default());
    }
    getrandom::u64().map_err(io::Error::other)
}

/// An empty journal: the watermark is durable before the first segment has its header, and that
/// before anything is appended.
fn begin(disk: &dyn Disk, segment_bytes: usize, start: Start) -> Result<Recovered, DiskError> {
    let (ordinal, next, length) = (1, 1, segment_bytes.min(FIRST_SEGMENT_BYTES));
    let identity =
        new_identity().map_err(DiskError::of("choose an identity for", "the journal"))?;
    let watermark = Watermark::create(
        disk,
        Mark {
            identity,
            sequence: 0,
        },
    )?;
    let file = segment::prepare(disk, ordinal, length, || length)?;
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
        beginning: None,
        start,
    })
}
