//! Snapshots: a state that a start goes on from, so that it need not replay the whole journal.
//!
//! What a snapshot holds is the caller's: records of bytes, in an order of its own. It may be
//! copied while entries go on being appended. Then it holds everything up to the sequence `from`,
//! a part of what came later, and nothing beyond the sequence `covers`: each record must say how
//! far it goes, and a start replays from `from` on. It is published when `covers` is durable, so
//! that a snapshot proves what its journal must hold.
//!
//! A snapshot is `snapshot-<covers, 20 digits>.snap`, and never changes; while it is written it is
//! `snapshot.tmp`. A header of 64 bytes, blocks, and a footer of 40 bytes that ends the file:
//!
//! | bytes | field of the header, little-endian |
//! |---|---|
//! | 8 | magic `WAIKASNP` |
//! | 4 | format version |
//! | 8 | identity of the journal |
//! | 8 | `from` |
//! | 4 | CRC-32C over all of the above; then zeros |
//!
//! | bytes | field of a block |
//! |---|---|
//! | 4 | magic `WKSB` |
//! | 4 | payload length in bytes |
//! | 4 | number of records, at least 1 |
//! | 4 | CRC-32C over identity, `from`, the block's number from 0, all of the above and the payload |
//! | … | payload: each record as a varint length and its bytes |
//!
//! | bytes | field of the footer |
//! |---|---|
//! | 4 | magic `WKSF` |
//! | 8 | `covers`, as in the name |
//! | 8 | number of records |
//! | 8 | number of blocks |
//! | 8 | length of the file in bytes |
//! | 4 | CRC-32C over identity, `from`, the number of blocks, and all of the above |

mod choose;
mod file;
mod layout;
mod writer;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::disk::Disk;
use super::error::{DiskError, OpenError};
use super::file::remove_if_there;
pub(super) use choose::{Choice, Chosen, choose};
pub use file::SnapshotBlock;
pub(super) use file::{Flaw, SnapshotFile, Step};
pub use writer::SnapshotWriter;

/// The name of a snapshot while it is written.
pub(super) const UNFINISHED: &str = "snapshot.tmp";

/// How a snapshot is written.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotOptions {
    /// A block ends before it would get longer than this, in bytes. A longer record is a block of
    /// its own.
    pub block_bytes: usize,
    /// After so many bytes the file is synced, so that no commit waits behind one large flush.
    pub piece_bytes: usize,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self {
            block_bytes: 1 << 20,
            piece_bytes: 4 << 20,
        }
    }
}

/// A snapshot whose file stands under its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The file's name in the folder.
    pub file: String,
    /// It holds everything up to this sequence, and a start replays what comes after.
    pub from: u64,
    /// It holds nothing from behind this sequence.
    pub covers: u64,
    /// The number of records.
    pub records: u64,
    /// The number of blocks.
    pub blocks: u64,
    /// The length of the file in bytes.
    pub bytes: u64,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            from,
            covers,
            records,
            bytes,
            ..
        } = self;
        write!(
            f,
            "{file}: sequences {from} to {covers}, {records} records in {bytes} bytes"
        )
    }
}

/// Where snapshots of a journal are written, beside the thread that commits. Clones are handles to
/// the same place. The folder stays locked for as long as one lives.
#[derive(Clone, Debug)]
pub struct Snapshots {
    disk: Arc<dyn Disk>,
    identity: u64,
    options: SnapshotOptions,
    /// Set while a snapshot is written: there is one unfinished file.
    busy: Arc<AtomicBool>,
}

impl Snapshots {
    pub(super) fn new(disk: Arc<dyn Disk>, identity: u64) -> Self {
        Self {
            disk,
            identity,
            options: SnapshotOptions::default(),
            busy: Arc::default(),
        }
    }

    /// The same place with other options.
    #[must_use]
    pub fn with_options(mut self, options: SnapshotOptions) -> Self {
        self.options = options;
        self
    }

    /// Begins a snapshot that will hold everything up to the sequence `from`. There is one at a
    /// time: [`std::io::ErrorKind::ResourceBusy`] while another is written.
    pub fn begin(&self, from: u64) -> Result<SnapshotWriter, DiskError> {
        SnapshotWriter::begin(self, from)
    }

    /// The same as [`read_newest`] of this journal.
    pub fn read_newest<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        on_block: impl FnMut(Option<SnapshotBlock>) -> Result<(), E>,
    ) -> Result<Option<Published>, OpenError> {
        read_newest(&*self.disk, self.identity, on_block)
    }
    /// The newest snapshot of this journal by its header and its footer; what stands between them
    /// is not read.
    pub fn newest(&self) -> Result<Option<Published>, DiskError> {
        let mut names = names(&*self.disk)?.into_iter();
        Ok(names.find_map(|name| {
            let file = SnapshotFile::open(&*self.disk, name).ok()?;
            (file.identity() == self.identity).then(|| file.footer().ok())?
        }))
    }
}

/// Hands the blocks of the newest whole snapshot of a journal to `on_block`, each as it is read and
/// checked. One that proves to be damaged is named in a warning, and the one before it is read: `None`
/// comes before each, and says that what came before it is to be forgotten.
pub fn read_newest<E: Into<Box<dyn Error + Send + Sync>>>(
    disk: &dyn Disk,
    identity: u64,
    mut on_block: impl FnMut(Option<SnapshotBlock>) -> Result<(), E>,
) -> Result<Option<Published>, OpenError> {
    for name in names(disk)? {
        match read(disk, identity, name.clone(), &mut on_block) {
            Ok(read) => return Ok(read),
            Err(NotRead::Refused(source)) => {
                let (place, source) = (name.file, source.into());
                return Err(OpenError::Refused { place, source });
            }
            Err(NotRead::Flaw(flaw @ Flaw::Newer(_))) => return Err(flaw.into_error(&name)),
            Err(NotRead::Flaw(flaw)) => {
                let why = flaw.into_error(&name);
                tracing::warn!(%why, "a snapshot cannot be used: passed over");
            }
        }
    }
    on_block(None).map_err(|source| OpenError::Refused {
        place: "no snapshot".to_owned(),
        source: source.into(),
    })?;
    Ok(None)
}

fn read<E>(
    disk: &dyn Disk,
    identity: u64,
    name: Name,
    on_block: &mut impl FnMut(Option<SnapshotBlock>) -> Result<(), E>,
) -> Result<Option<Published>, NotRead<E>> {
    let mut file = SnapshotFile::open(disk, name).map_err(NotRead::Flaw)?;
    file.check_identity(identity).map_err(NotRead::Flaw)?;
    on_block(None).map_err(NotRead::Refused)?;
    loop {
        match file.step(Vec::new()).map_err(NotRead::Flaw)? {
            Step::End(published) => return Ok(Some(published)),
            Step::Block(block) => on_block(Some(block)).map_err(NotRead::Refused)?,
        }
    }
}

/// Why a snapshot was not read to its end.
enum NotRead<E> {
    Flaw(Flaw),
    /// Whoever it was handed to could not take it.
    Refused(E),
}

/// A name that says what its file covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) file: String,
    pub(super) covers: u64,
}

impl Name {
    fn of(covers: u64) -> Self {
        let file = format!("snapshot-{covers:020}.snap");
        Self { file, covers }
    }

    /// `None` if it is not the exact name of a snapshot.
    fn parse(file: &str) -> Option<Self> {
        let digits = file.strip_prefix("snapshot-")?.strip_suffix(".snap")?;
        let name = Self::of(digits.parse().ok()?);
        (name.file == file).then_some(name)
    }
}

/// Whether a file's name is a snapshot's.
pub(super) fn is_named_like_one(file: &str) -> bool {
    Name::parse(file).is_some()
}

/// The snapshots in a folder, the newest first.
pub(super) fn names(disk: &dyn Disk) -> Result<Vec<Name>, DiskError> {
    let files = disk.list();
    let files = files.map_err(DiskError::of("list", "the data folder"))?;
    let mut names: Vec<_> = files.iter().filter_map(|file| Name::parse(file)).collect();
    names.sort_unstable_by_key(|name| std::cmp::Reverse(name.covers));
    Ok(names)
}

/// Removes what a crash left of a snapshot that was being written.
pub(super) fn remove_unfinished(disk: &dyn Disk) -> Result<(), DiskError> {
    remove_if_there(disk, UNFINISHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_exact_names_are_snapshots() {
        let cases = [
            ("snapshot-00000000000000000042.snap", Some(42)),
            ("snapshot-00000000000000000000.snap", Some(0)),
            ("snapshot-18446744073709551615.snap", Some(u64::MAX)),
            ("snapshot-18446744073709551616.snap", None),
            ("snapshot-42.snap", None),
            ("snapshot-+0000000000000000042.snap", None),
            ("snapshot-00000000000000000042.snap.bak", None),
            (UNFINISHED, None),
        ];
        for (file, expected) in cases {
            assert_eq!(
                Name::parse(file).map(|name| name.covers),
                expected,
                "{file}"
            );
        }
    }
}
