//! Why there is no backup, or no journal from one.

use std::fmt;

use thiserror::Error;

use crate::ledger::journal::error::{DiskError, OpenError};

/// Which of the folders it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The journal's.
    Journal,
    /// The backup's.
    Backup,
    /// That of the journal that is made.
    Restored,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal => "the journal",
            Self::Backup => "the backup",
            Self::Restored => "the new store",
        })
    }
}

/// Why there is no backup, or no journal from one. What was there before is as it was, but for a folder
/// that a restore had begun to fill.
#[derive(Debug, Error)]
pub enum BackupError {
    /// A file of one side is damaged, from a later release, or cannot be read or written.
    #[error("{side}: {source}")]
    Unusable {
        /// Which folder.
        side: Side,
        /// What is wrong with it.
        source: OpenError,
    },
    /// The journal's watermark is missing or damaged.
    #[error(
        "the journal has no whole watermark file, so nobody knows how far it is durable: start the \
         server once, which makes a new one"
    )]
    NoWatermark,
    /// Files of a journal are there, and no manifest.
    #[error(
        "the folder for the backup holds a journal and no {}: it is a server's own, or some other \
         copy; name an empty folder",
        super::MANIFEST
    )]
    NotABackup,
    /// There is no manifest.
    #[error(
        "there is no {} in the folder: name one that waika-server backup wrote to",
        super::MANIFEST
    )]
    NoManifest,
    /// Nothing was ever finished in it.
    #[error("no backup was finished there yet: nothing can be restored from it")]
    Unfinished,
    /// The manifest cannot be read.
    #[error(
        "{} of the backup is not as it was written ({what}): take a new backup into an empty \
         folder; the files of this one can still be looked at with waika-server journal",
        super::MANIFEST
    )]
    BadManifest {
        /// What is wrong with it.
        what: String,
    },
    /// A later release wrote it.
    #[error(
        "{} has format {found}, and this release reads up to {supported}: use the release that \
         wrote it, or a later one",
        super::MANIFEST
    )]
    NewerManifest {
        /// The format that it names.
        found: u32,
        /// The newest format that this release knows.
        supported: u32,
    },
    /// A file is not what the manifest says.
    #[error("{file} of the backup is not as it was written: {what}; use another backup")]
    Changed {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The backup is another journal's.
    #[error(
        "the backup is of another journal ({theirs:016x}, and this one is {ours:016x}): they have \
         nothing to do with each other, so name another folder"
    )]
    OtherJournal {
        /// The backup's.
        theirs: u64,
        /// The journal's.
        ours: u64,
    },
    /// The two were one journal once and are not any more.
    #[error(
        "the backup and the journal differ before sequence {before}, and both are whole: one of them \
         goes on from an earlier point to which the journal was restored; a backup of it needs an empty \
         folder"
    )]
    OtherCourse {
        /// The sequence that is not the same in both, or a later one.
        before: u64,
    },
    /// The journal ends before the backup.
    #[error(
        "the journal ends at sequence {durable}, and the backup holds up to {held}: the journal was \
         restored to an earlier point, or is an older copy; name an empty folder"
    )]
    Behind {
        /// The journal's last.
        durable: u64,
        /// The backup's last.
        held: u64,
    },
    /// Segments were removed before they were backed up.
    #[error(
        "the backup ends at sequence {held}, and the journal begins at {first} by now: name an empty \
         folder for a backup that begins there"
    )]
    Gap {
        /// The backup's last.
        held: u64,
        /// The journal's first.
        first: u64,
    },
    /// The journal's beginning is gone, and no state is there that a start could go on from.
    #[error(
        "the journal begins at sequence {first} and has no whole snapshot, so that no store could be \
         made of a backup: have its server take one (AdminService.TakeSnapshot), and try again"
    )]
    NoState {
        /// Its first sequence.
        first: u64,
    },
    /// There is a journal already.
    #[error("the folder holds a journal already: name an empty one, or move its files away")]
    NotEmpty,
    /// What was asked for is before what the backup can lead to.
    #[error(
        "this backup does not reach back that far: it begins at sequence {first}, and can be restored to \
         sequence {earliest} or a later one"
    )]
    TooEarly {
        /// Its first sequence.
        first: u64,
        /// The earliest sequence that can be restored to.
        earliest: u64,
    },
    /// What was asked for is behind its end.
    #[error("it ends at sequence {last}: there is nothing further to restore to")]
    NotThatFar {
        /// Its last sequence.
        last: u64,
    },
    /// The journal that was given beside the backup ends early.
    #[error(
        "the journal beside the backup can be read up to sequence {reached}, where it is damaged or \
         something is missing: to restore that much, say --until-sequence {reached}"
    )]
    EndsEarly {
        /// The last sequence that can be read.
        reached: u64,
    },
    /// It was told to end.
    #[error("it was stopped before it was done")]
    Stopped,
}

impl BackupError {
    pub(super) fn of<E: Into<OpenError>>(side: Side) -> impl Fn(E) -> Self {
        move |error| Self::Unusable {
            side,
            source: error.into(),
        }
    }

    pub(super) fn changed(file: &str, what: impl Into<String>) -> Self {
        Self::Changed {
            file: file.to_owned(),
            what: what.into(),
        }
    }
}

/// For `map_err`: an error of one side's disk.
pub(super) fn on(side: Side) -> impl Fn(DiskError) -> BackupError {
    BackupError::of(side)
}
