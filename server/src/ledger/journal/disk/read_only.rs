//! A folder that is only looked at, also while a server holds it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;

use super::real::{list, open_below};
use super::{Disk, DiskFile};
use crate::ledger::journal::{OpenError, is_of_a_journal};

/// A folder on a real disk in which nothing can be written. It takes no lock and creates nothing;
/// see [`super::RealDisk::open_read_only`].
#[derive(Debug)]
pub struct ReadOnlyDisk {
    handle: File,
}

impl ReadOnlyDisk {
    pub(super) fn open(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unwritable {
            path: folder.to_owned(),
            source,
        };
        let disk = Self {
            handle: File::open(folder).map_err(unusable)?,
        };
        let names = disk.list().map_err(unusable)?;
        if names.iter().any(|name| is_of_a_journal(name)) {
            return Ok(disk);
        }
        let what = "it holds no journal: name the folder that the server writes to";
        Err(unusable(io::Error::new(io::ErrorKind::NotFound, what)))
    }
}

impl Disk for ReadOnlyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        list(&self.handle)
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = open_below(&self.handle, name, OFlags::RDONLY)?;
        Ok(Arc::new(ReadOnlyFile(file)))
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_folder(&self) -> io::Result<()> {
        refused()
    }
}

#[derive(Debug)]
struct ReadOnlyFile(File);

impl DiskFile for ReadOnlyFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        refused()
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}
