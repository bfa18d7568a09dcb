//! Files whose errors say which file it was and what was wanted of it.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::error::DiskError;

#[derive(Clone, Debug)]
pub(super) struct NamedFile {
    name: Arc<str>,
    file: Arc<dyn DiskFile>,
}

impl NamedFile {
    pub(super) fn create(disk: &dyn Disk, name: &str) -> Result<Self, DiskError> {
        let file = disk.create(name).map_err(DiskError::of("create", name))?;
        Ok(Self {
            name: name.into(),
            file,
        })
    }

    pub(super) fn open(disk: &dyn Disk, name: &str) -> Result<Self, DiskError> {
        let file = disk.open(name).map_err(DiskError::of("open", name))?;
        Ok(Self {
            name: name.into(),
            file,
        })
    }

    pub(super) fn open_if_there(disk: &dyn Disk, name: &str) -> Result<Option<Self>, DiskError> {
        match Self::open(disk, name) {
            Err(error) if error.is_not_found() => Ok(None),
            opened => opened.map(Some),
        }
    }

    pub(super) fn length(&self) -> Result<u64, DiskError> {
        self.file.length().map_err(self.failed("measure"))
    }

    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, DiskError> {
        let mut bytes = vec![0; length];
        self.read_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), DiskError> {
        self.file
            .read_at(buffer, offset)
            .map_err(self.failed("read"))
    }

    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.file
            .write_at(bytes, offset)
            .map_err(self.failed("write"))
    }

    pub(super) fn fill_with_ones(&self, offset: u64, length: usize) -> Result<(), DiskError> {
        self.file
            .fill_with_ones(offset, length)
            .map_err(self.failed("fill"))
    }

    pub(super) fn sync(&self) -> Result<(), DiskError> {
        self.file.sync().map_err(self.failed("sync"))
    }

    /// For `map_err`: an error of this file.
    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> DiskError {
        DiskError::of(action, &self.name)
    }
}

/// Removes a file, if it is there.
pub(super) fn remove_if_there(disk: &dyn Disk, name: &str) -> Result<(), DiskError> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DiskError::of("remove", name)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Lets a file that is durable take a name, in place of one that had it, durably.
pub(super) fn take_name(disk: &dyn Disk, from: &str, name: &str) -> Result<(), DiskError> {
    disk.rename(from, name)
        .map_err(DiskError::of("rename", from))?;
    sync_folder(disk)
}

/// Writes a file as a whole beside the one of that name, and lets it take the name: a crash leaves one or the
/// other.
pub(super) fn replace(
    disk: &dyn Disk,
    unfinished: &str,
    name: &str,
    bytes: &[u8],
) -> Result<(), DiskError> {
    let file = NamedFile::create(disk, unfinished)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    take_name(disk, unfinished, name)
}

pub(super) fn sync_folder(disk: &dyn Disk) -> Result<(), DiskError> {
    disk.sync_folder()
        .map_err(DiskError::of("sync", "the data folder"))
}
