//! Segments from a backup, and behind its end from a journal that goes on from there.

use super::copy;
use super::error::{BackupError, Side, on};
use super::manifest::Manifest;
use super::records::walk;
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::OpenError;
use crate::ledger::journal::folder;
use crate::ledger::journal::rewritten::Rewrites;
use crate::ledger::journal::segment::{self, Header, Tail};
use crate::ledger::journal::watermark::Watermark;

/// The bytes of one segment.
pub(super) struct Layer {
    pub(super) bytes: Vec<u8>,
    pub(super) header: Header,
}

pub(super) struct Layers<'a> {
    pub(super) backup: &'a dyn Disk,
    pub(super) manifest: &'a Manifest,
    pub(super) journal: Option<&'a dyn Disk>,
    /// Which segments the journal has written anew.
    pub(super) rewrites: Rewrites,
    pub(super) identity: u64,
}

impl Layers<'_> {
    /// The ordinal of the first segment.
    pub(super) fn first(&self) -> Result<u64, BackupError> {
        let first = self.manifest.segments.first();
        let first = first.and_then(|copied| segment::ordinal(&copied.file));
        first.ok_or(BackupError::Unfinished)
    }

    /// The segment of this ordinal; `None` if neither has it.
    pub(super) fn segment(&self, ordinal: u64) -> Result<Option<Layer>, BackupError> {
        let name = segment::name(ordinal);
        let mut segments = self.manifest.segments.iter();
        let held = segments.find(|copied| copied.file == name);
        let is_last = segments.next().is_none();
        let Some(held) = held else {
            return self.of_journal(ordinal);
        };
        let mut bytes = copy::read(self.backup, held)?;
        let header = Header::decode(&bytes);
        let header = header.map_err(|_| BackupError::changed(&name, "it has no header"))?;
        if header.identity != self.identity || header.ordinal != ordinal {
            return Err(BackupError::changed(
                &name,
                "it is another journal's, or another segment",
            ));
        }
        if let Some(theirs) = self.rewritten(ordinal, bytes.len())? {
            return Ok(Some(theirs));
        }
        if is_last && let Some(theirs) = self.of_journal(ordinal)? {
            bytes = go_on(bytes, theirs)?;
        }
        Ok(Some(Layer { bytes, header }))
    }

    /// The journal's own of a segment that it has written anew since, if it is whole as far as the backup goes:
    /// what was erased there does not come back.
    fn rewritten(&self, ordinal: u64, bytes: usize) -> Result<Option<Layer>, BackupError> {
        if !self.rewrites.is_newer(ordinal, self.manifest.rewrites()) {
            return Ok(None);
        }
        let Some(theirs) = self.of_journal(ordinal)? else {
            return Ok(None);
        };
        let walked = walk(&theirs.bytes, theirs.header, |_, _| {
            Ok::<_, BackupError>(true)
        })?;
        Ok((walked.end >= bytes).then_some(theirs))
    }

    fn of_journal(&self, ordinal: u64) -> Result<Option<Layer>, BackupError> {
        let Some(journal) = self.journal else {
            return Ok(None);
        };
        let found = match folder::find(journal, ordinal) {
            Err(OpenError::Io(error)) if error.is_not_found() => return Ok(None),
            found => found.map_err(BackupError::of(Side::Journal))?,
        };
        let Some(header) = found.header else {
            return Ok(None);
        };
        if header.identity != self.identity {
            let (theirs, ours) = (self.identity, header.identity);
            return Err(BackupError::OtherJournal { theirs, ours });
        }
        let mut bytes = Vec::new();
        folder::read(journal, ordinal, &mut bytes).map_err(on(Side::Journal))?;
        Ok(Some(Layer { bytes, header }))
    }

    /// Refuses an end before what the journal once had.
    pub(super) fn check_end(&self, next: u64, last: Option<&Layer>) -> Result<(), BackupError> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let of_journal = BackupError::of(Side::Journal);
        let mark = Watermark::read(journal).map_err(&of_journal)?;
        let had_more = mark.is_some_and(|mark| mark.sequence >= next);
        let folder = folder::look_without_beginning(journal).map_err(&of_journal)?;
        let goes_on = folder.segments.iter().any(|found| {
            let header = found.header;
            header.is_some_and(|header| header.first > next)
        });
        let follows = last.is_some_and(|last| {
            let walked = walk(&last.bytes, last.header, |_, _| Ok::<_, BackupError>(true));
            let end = walked.map_or(0, |walked| walked.end);
            matches!(
                Tail::of(&last.bytes, end, self.identity),
                Tail::Damaged { .. }
            )
        });
        if had_more || goes_on || follows {
            let reached = next - 1;
            return Err(BackupError::EndsEarly { reached });
        }
        Ok(())
    }
}

/// What the backup has of a segment, and what the journal has behind it. Where the journal is damaged before
/// that, the backup is right.
fn go_on(mut bytes: Vec<u8>, theirs: Layer) -> Result<Vec<u8>, BackupError> {
    if theirs.bytes.starts_with(&bytes) {
        return Ok(theirs.bytes);
    }
    let before = theirs.bytes.get(..bytes.len()).unwrap_or(&theirs.bytes);
    let walked = walk(before, theirs.header, |_, _| Ok::<_, BackupError>(true))?;
    if walked.end == bytes.len() {
        let before = walked.next;
        return Err(BackupError::OtherCourse { before });
    }
    let behind = theirs.bytes.get(bytes.len()..).unwrap_or_default();
    bytes.extend_from_slice(behind);
    Ok(bytes)
}
