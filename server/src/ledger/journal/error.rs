//! What may go wrong with a journal, in words that an operator can act on.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::beginning::{self, Beginning};
use super::replay::PassedOver;
use super::{key_runs, snapshot};

/// Why a journal does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the folder (exit 69).
    #[error("{} is held by another process: stop it, or give this one a folder of its own", path.display())]
    Held {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be made, read or written (exit 73).
    #[error("{} cannot be used as a data folder: {source}", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was once durable is not there any more, or not as it was written (exit 65).
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The journal was pruned, and no snapshot holds what came before its beginning (exit 65).
    #[error(
        "the journal begins with sequence {}, what came before was pruned, and no whole snapshot holds it{}: \
         nothing was changed; put back the newest whole snapshot-*.snap from a backup or a copy of this \
         folder, or restore the whole folder, and start again",
        beginning.first,
        not_used(passed_over)
    )]
    NoSnapshot {
        /// Where it begins.
        beginning: Beginning,
        /// Snapshots that are there and cannot be used, the newest first.
        passed_over: Vec<PassedOver>,
    },
    /// What was asked for is before where the journal begins (exit 64).
    #[error("{0}")]
    Pruned(Beginning),
    /// A later release wrote this file (exit 65).
    #[error(
        "{file} has format {found}, and this release reads up to {supported}: start the release \
         that wrote it, or a later one"
    )]
    NewerFormat {
        /// The file's name in the folder.
        file: String,
        /// The format that it names.
        found: u32,
        /// The newest format that this release knows.
        supported: u32,
    },
    /// The one who opened the journal could not take what is whole (exit 65).
    #[error("{place} is whole but cannot be applied: {source}")]
    Refused {
        /// `entry 17`, or a block and the snapshot's file.
        place: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A call to the disk failed (exit 74).
    #[error(transparent)]
    Io(#[from] DiskError),
}

fn not_used(snapshots: &[PassedOver]) -> String {
    let told = snapshots
        .iter()
        .map(|PassedOver { file, why }| format!(" (not {file}: {why})"));
    told.collect()
}

/// Why an entry cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is before where the journal begins.
    #[error("{0}")]
    Pruned(Beginning),
    /// The record that holds it is not as it was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A call to the disk failed.
    #[error(transparent)]
    Io(#[from] DiskError),
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Pruned(beginning) => Self::Pruned(beginning),
            ReadError::Damaged(damage) => Self::Damaged(damage),
            ReadError::Io(error) => Self::Io(error),
        }
    }
}

/// A call to the disk that failed: on which file, and what was wanted of it.
#[derive(Debug, Error)]
#[error("cannot {action} {file}: {source}")]
pub struct DiskError {
    /// The file's name in the folder.
    pub file: String,
    /// What was wanted, as a verb.
    pub action: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl DiskError {
    /// Whether there is no such file.
    pub(super) fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// For `map_err`: names the file and the action that a bare error lacks.
    pub(super) fn of(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            file: file.to_owned(),
            action,
            source,
        }
    }
}

/// A place in a journal that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file's name in the folder.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The first sequence that cannot be read; all below it can.
    pub sequence: u64,
    /// What is wrong there.
    pub what: String,
}

impl Damage {
    /// How to get the journal back.
    pub fn mend(&self) -> String {
        if snapshot::is_named_like_one(&self.file) {
            return format!(
                "nothing was changed, and no authorisation is lost while all journal segments are \
                 there; move {} out of the folder, and the next start uses an older snapshot or, if \
                 the journal was never pruned (there is no {} file), the journal alone",
                self.file,
                beginning::FILE
            );
        }
        if key_runs::is_named_like_one(&self.file) {
            return format!(
                "nothing was changed, and no authorisation is lost while all journal segments are \
                 there; put it back from a backup or, if the journal was never pruned (there is no {} \
                 file), move every keys-*.run and every snapshot-*.snap out of the folder, and \
                 the next start makes them again from the journal, all \
                 in memory at first: 34 bytes for each key that was ever used",
                beginning::FILE
            );
        }
        if self.file == beginning::FILE {
            return format!(
                "nothing was changed; if one of its two copies is whole, the next start writes both anew, and \
                 otherwise put back {} from a backup or a copy of this folder that begins with the same \
                 segment; do not remove it, for without it a start takes the segments that were pruned \
                 for lost",
                self.file
            );
        }
        let readable = match self.sequence {
            0 | 1 => "no sequence before it".to_owned(),
            first => format!("what is kept before sequence {first}"),
        };
        format!(
            "nothing was changed and {readable} can be read; copy the whole folder aside, then put \
             back {} from a backup or a copy of this folder that still has sequence {}, and start \
             again; do not delete or edit files by hand, for that would lose acknowledged \
             authorisations",
            self.file, self.sequence,
        )
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            offset,
            sequence,
            what,
        } = self;
        let mend = self.mend();
        write!(
            f,
            "{file} is damaged at byte {offset} (sequence {sequence}): {what}; {mend}"
        )
    }
}

impl Error for Damage {}
