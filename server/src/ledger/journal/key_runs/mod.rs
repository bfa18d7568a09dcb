//! Runs of used keys: those that are too many for memory, sorted by hash, beside the journal that
//! they follow from.
//!
//! A run holds the keys whose answers stand behind the sequence `after` and up to the sequence
//! `through`. It is `keys-<after, 20 digits>-<through, 20 digits>.run` and never changes; while it is
//! written it is `keys.tmp`. Runs follow each other without a gap, and the oldest may be missing, for
//! keys are kept for a time only. One that lies within another was merged into it.
//!
//! | bytes | field of the header, little-endian |
//! |---|---|
//! | 8 | magic `WAIKAKEY` |
//! | 4 | format version |
//! | 8 | identity of the journal |
//! | 8 | `after` |
//! | 8 | `through` |
//! | 8 | when its newest key was put in, by the machine's clock, in milliseconds since 1970 |
//! | 8 | number of keys |
//! | 4 | CRC-32C over all of the above; then zeros up to 64 |
//!
//! Then 16 bytes for each key, hash and sequence, in this order; the filter, in blocks of 64 bytes; a
//! fence of 8 bytes for each bucket, which is a range of hashes: the place behind its last key, and a
//! CRC-32C over its keys; and 24 bytes at the end:
//!
//! | bytes | field of the footer |
//! |---|---|
//! | 4 | magic `WKRF` |
//! | 8 | length of the file in bytes |
//! | 4 | CRC-32C over the filter and the fences |
//! | 4 | CRC-32C over the header and all of the above; then zeros |
//!
//! A start reads the filter and the fences. The keys are read a bucket at a time, when the filter
//! says that one may be there, and checked then.

mod filter;
mod layout;
mod merge;
mod run;
mod writer;

use std::sync::Arc;

use super::disk::Disk;
use super::end::End;
use super::error::{Damage, DiskError, OpenError};
use super::file::{NamedFile, remove_if_there, sync_folder};
pub(super) use layout::Flaw;
pub use run::KeyRun;
pub use writer::KeyRunWriter;

/// The name of a run while it is written.
const UNFINISHED: &str = "keys.tmp";

/// A key by its hash, and the sequence of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedKey {
    /// The key's 64 bits: spread evenly, or buckets get long.
    pub hash: u64,
    /// Where its answer stands.
    pub sequence: u64,
}

/// What a run holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Answers behind this sequence,
    pub after: u64,
    /// and up to this one.
    pub through: u64,
    /// When the newest of its keys was put in, in milliseconds since 1970.
    pub put_in_ms: i64,
}

/// Where a journal's runs are written. Clones are handles to the same place.
#[derive(Clone, Debug)]
pub struct KeyRuns {
    disk: Arc<dyn Disk>,
    identity: u64,
}

impl KeyRuns {
    pub(super) fn new(disk: Arc<dyn Disk>, identity: u64) -> Self {
        Self { disk, identity }
    }

    /// Begins a run of so many keys. There is one at a time, and that is up to the caller.
    pub fn begin(&self, span: Span, keys: u64) -> Result<KeyRunWriter, DiskError> {
        KeyRunWriter::begin(&self.disk, self.identity, span, keys)
    }

    /// Makes one run of several that follow each other, oldest first. The old files are there
    /// until [`KeyRuns::remove`]. `go_on` is asked now and then; `None` if it said no.
    pub fn merge(
        &self,
        runs: &[Arc<KeyRun>],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<KeyRun>, OpenError> {
        merge::merge(self, runs, go_on)
    }

    /// Removes a run's file, if it is there.
    pub fn remove(&self, run: &KeyRun) -> Result<(), DiskError> {
        remove_if_there(&*self.disk, run.name())?;
        sync_folder(&*self.disk)
    }
}

/// The file name of a run.
fn name(after: u64, through: u64) -> String {
    format!("keys-{after:020}-{through:020}.run")
}

/// `after` and `through` in a file name; `None` if it is not the exact name of a run.
fn parse(file: &str) -> Option<(u64, u64)> {
    let numbers = file.strip_prefix("keys-")?.strip_suffix(".run")?;
    let (after, through) = numbers.split_once('-')?;
    let (after, through) = (after.parse().ok()?, through.parse().ok()?);
    (name(after, through) == file).then_some((after, through))
}

/// Whether a file's name is a run's.
pub(super) fn is_named_like_one(file: &str) -> bool {
    parse(file).is_some()
}

/// The names of the runs that count, oldest first, and of those that were merged into others.
pub(super) fn names(disk: &dyn Disk) -> Result<(Vec<String>, Vec<String>), DiskError> {
    let files = disk.list();
    let files = files.map_err(DiskError::of("list", "the data folder"))?;
    let mut found: Vec<_> = files.iter().filter_map(|file| parse(file)).collect();
    // The longer of two that begin together comes first.
    found.sort_unstable_by_key(|&(after, through)| (after, std::cmp::Reverse(through)));
    let (mut counting, mut merged) = (Vec::new(), Vec::new());
    let mut reached = None;
    for (after, through) in found {
        if reached.is_some_and(|reached| through <= reached) {
            merged.push(name(after, through));
        } else {
            reached = Some(through);
            counting.push(name(after, through));
        }
    }
    Ok((counting, merged))
}

/// The runs of a folder.
#[derive(Debug)]
pub struct OpenedKeyRuns {
    /// Oldest first.
    pub runs: Vec<Arc<KeyRun>>,
    /// Files that are not needed: of runs that were merged into others, and unfinished.
    leftover: Vec<String>,
}

/// Opens the runs of a folder. Refuses damage, a gap, and runs of different journals.
pub fn open(disk: &dyn Disk) -> Result<OpenedKeyRuns, OpenError> {
    let (counting, mut leftover) = names(disk)?;
    // Before anything is removed or counted on: after a kill only the page cache may have a name.
    sync_folder(disk)?;
    leftover.push(UNFINISHED.to_owned());
    let mut runs: Vec<Arc<KeyRun>> = Vec::with_capacity(counting.len());
    for file in counting {
        let run = NamedFile::open(disk, &file)
            .map_err(Flaw::from)
            .and_then(|opened| KeyRun::open(opened, &file))
            .map_err(|flaw| flaw.into_error(&file))?;
        if let Some(before) = runs.last() {
            check_follows(before, &run)?;
        }
        runs.push(Arc::new(run));
    }
    Ok(OpenedKeyRuns { runs, leftover })
}

impl OpenedKeyRuns {
    /// Refuses runs of another journal, and such that know of more than one which ends there. Then
    /// removes what is left over.
    pub(super) fn adopt(&self, disk: &dyn Disk, identity: u64, end: &End) -> Result<(), OpenError> {
        for run in &self.runs {
            run.check_belongs(identity)?;
            end.check_proof(run.name(), run.span().through)?;
        }
        for file in &self.leftover {
            remove_if_there(disk, file)?;
        }
        Ok(sync_folder(disk)?)
    }
}

fn check_follows(before: &KeyRun, run: &KeyRun) -> Result<(), Damage> {
    let reached = before.span().through;
    let what = if before.identity() != run.identity() {
        "it belongs to another journal than the run before it".to_owned()
    } else if reached != run.span().after {
        format!(
            "it begins behind sequence {}, and the run before it ends at {reached}: one is missing",
            run.span().after
        )
    } else {
        return Ok(());
    };
    Err(run.damage(0, what))
}

#[cfg(test)]
mod tests;
