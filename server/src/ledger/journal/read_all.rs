//! Reading a journal from one sequence to another without its lock, for exports.

use std::error::Error;

use super::disk::Disk;
use super::error::OpenError;
use super::folder;
use super::live;
use super::replay::EntriesOnly;
use super::scan::Scan;
use super::watermark::{Mark, Watermark};

/// The random number that all files of a journal carry, if it has a whole watermark.
pub fn identity(disk: &dyn Disk) -> Option<u64> {
    let mark = Watermark::read(disk).ok().flatten()?;
    Some(mark.identity)
}

/// Up to which sequence a journal is durable, or a little further by now; None if it has no whole watermark.
pub fn durable(disk: &dyn Disk) -> Option<u64> {
    let mark = Watermark::read(disk).ok().flatten()?;
    Some(mark.sequence)
}

/// Hands every entry from the sequence `from` to the sequence `to`, both included, to `on_entry`,
/// in order, and returns how many there were. Writes nothing and needs no lock: a server may be
/// running beside it. It stops at what is not finished yet; damage is an error, as it is for
/// [`super::Journal::open`], and so is a `from` before the beginning of a pruned journal.
pub fn read_all<E: Into<Box<dyn Error + Send + Sync>>>(
    disk: &dyn Disk,
    from: u64,
    to: u64,
    mut on_entry: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<u64, OpenError> {
    let mark = Watermark::read(disk)?;
    let folder = folder::look(disk)?;
    let beginning = folder.beginning();
    if let Some(beginning) = beginning.filter(|beginning| from < beginning.first) {
        return Err(OpenError::Pruned(beginning));
    }
    let mut found = folder.segments;
    // A segment without a header at the end was prepared and not used yet.
    let used = found.iter().rposition(|segment| segment.header.is_some());
    found.truncate(used.map_or(0, |last| last + 1));
    let mut count = 0;
    let mut replay = EntriesOnly::new(|sequence, entry: &[u8]| {
        if sequence > to {
            return Ok(());
        }
        count += 1;
        on_entry(sequence, entry)
    });
    let before = from.saturating_sub(1);
    let mut scan = Scan::new(&mut replay, before).beginning_with(beginning);
    let (below, last) = (folder::below(&found, from), found.len().saturating_sub(1));
    let mut bytes = Vec::new();
    for (at, segment) in found.iter().enumerate() {
        let read = match segment.header {
            Some(header) if at < below => {
                scan.skip(segment.ordinal, header)?;
                continue;
            }
            Some(header) if at == last => {
                live::read(disk, segment.ordinal, header.identity, &mut bytes)
            }
            Some(_) | None => folder::read(disk, segment.ordinal, &mut bytes),
        };
        read.map_err(|error| folder::unread(disk, segment.ordinal, error))?;
        scan.segment(segment.ordinal, &bytes)?;
        if scan.next > to {
            return Ok(count);
        }
    }
    scan.check_begins()?;
    check_end(&scan, mark)?;
    Ok(count)
}

/// What is unfinished at the end may be what a server writes at the moment, also where there is no
/// watermark.
fn check_end<R: super::Replay>(scan: &Scan<'_, R>, mark: Option<Mark>) -> Result<(), OpenError> {
    mark.map_or(Ok(()), |mark| scan.check_end(Some(mark)))
}
