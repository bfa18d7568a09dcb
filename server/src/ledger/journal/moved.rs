//! The mark of a journal that was moved into a database: no server starts on it any more, so that nobody decides on
//! both.

use super::disk::Disk;
use super::error::DiskError;
use super::file::{NamedFile, remove_if_there, replace, sync_folder};

/// The file, whose one line says where to.
pub const FILE: &str = "moved-to-database";

const UNFINISHED: &str = "moved-to-database.tmp";

/// Where it was moved to.
pub fn read(disk: &dyn Disk) -> Result<Option<String>, DiskError> {
    let Some(file) = NamedFile::open_if_there(disk, FILE)? else {
        return Ok(None);
    };
    let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    let text = file.read(0, length)?;
    Ok(Some(String::from_utf8_lossy(&text).trim_end().to_owned()))
}

/// Makes it: durable when this returns.
pub fn mark(disk: &dyn Disk, to: &str) -> Result<(), DiskError> {
    replace(disk, UNFINISHED, FILE, format!("{to}\n").as_bytes())
}

/// Removes it.
pub fn unmark(disk: &dyn Disk) -> Result<(), DiskError> {
    remove_if_there(disk, FILE)?;
    sync_folder(disk)
}
