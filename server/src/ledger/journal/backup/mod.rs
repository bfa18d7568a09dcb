//! Backups: a copy of a journal's folder that is brought up to date while the journal is written, and a
//! journal made from such a copy, up to its end or up to an earlier entry.
//!
//! A backup is a folder of the same files, so that whatever looks at a journal can look at it, and
//! [`MANIFEST`] beside them. Segments only ever grow there, up to the last entry that was durable, and
//! stay when the journal's own are gone: the folder is the journal's archive too. What the manifest
//! says of a file is true of its first so many bytes; what stands behind them is of a copy that was
//! not finished. It is replaced last, so an interrupted backup is the one before it.

mod copy;
mod error;
mod layers;
mod manifest;
mod records;
mod restore;
mod rewrites;
mod states;
mod take;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use super::disk::Disk;
use super::error::DiskError;
use super::moved;
pub use error::{BackupError, Side};
pub use manifest::FILE as MANIFEST;
pub use restore::{Checked, OnEntry, Restore, Restored};
pub use take::{Backup, Taken};

/// What stands in a folder while a journal is made in it.
pub const RESTORING: &str = "restoring";

/// Told how far a copy has come, and asked whether it shall go on.
pub trait Watch: super::Progress + Debug {
    /// Called after each piece, and may wait. False: end as soon as possible.
    fn go_on(&self) -> bool;
}

/// For those who do not look.
impl Watch for () {
    fn go_on(&self) -> bool {
        true
    }
}

/// What backups of an open journal are taken from, also from another thread. Clones are handles to the same
/// journal.
#[derive(Clone, Debug)]
pub struct BackupSource(pub(super) Arc<dyn Disk>);

impl BackupSource {
    /// Refuses a folder that cannot hold this journal's backup.
    pub fn check_fits(&self, folder: &dyn Disk) -> Result<(), BackupError> {
        let backup = Backup {
            journal: &*self.0,
            folder,
            watch: &(),
        };
        backup.check_fits()
    }

    /// As [`Backup::take`] does.
    pub fn take(
        &self,
        folder: &dyn Disk,
        watch: &dyn Watch,
        taken_at_ms: i64,
    ) -> Result<Taken, BackupError> {
        let journal = &*self.0;
        let backup = Backup {
            journal,
            folder,
            watch,
        };
        backup.take(taken_at_ms)
    }
}

/// Why no server may write to a folder, if it may not.
pub fn not_for_a_server(disk: &dyn Disk) -> io::Result<Option<&'static str>> {
    let why = not_a_journal(disk)?;
    let is_moved = disk.list()?.iter().any(|name| name == moved::FILE);
    Ok(why.or(is_moved.then_some(
        "it was moved into a database, which the file moved-to-database in it names: start the servers with that \
         --store; or delete the file to go on here, without what was decided there",
    )))
}

/// Why a folder holds no journal that is whole; None if it does, or nothing at all.
pub fn not_a_journal(disk: &dyn Disk) -> io::Result<Option<&'static str>> {
    let names = disk.list()?;
    let has = |file: &str| names.iter().any(|name| name == file);
    if has(manifest::FILE) {
        return Ok(Some(
            "it is a backup: make a store from it with waika-server restore",
        ));
    }
    Ok(has(RESTORING).then_some(
        "a restore into it was not finished: run waika-server restore again, which begins anew",
    ))
}

fn list(disk: &dyn Disk) -> Result<Vec<String>, DiskError> {
    disk.list()
        .map_err(DiskError::of("list", "the data folder"))
}
