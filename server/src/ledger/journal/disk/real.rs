//! The operating system's file system, in a folder that one process holds.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Disk, DiskFile};
use crate::ledger::journal::OpenError;

const LOCK: &str = "LOCK";

/// A folder on a real disk. It is locked against every other process for as long as this lives.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    handle: File,
    _lock: File,
}

impl RealDisk {
    /// Creates the folder if it is missing (mode 0700) and takes its lock.
    ///
    /// [`OpenError::Held`] if another process has it, [`OpenError::Unwritable`] if it cannot be
    /// made or written.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let unwritable = |source| OpenError::Unwritable {
            path: folder.to_owned(),
            source,
        };
        create_folder(folder).map_err(unwritable)?;
        let handle = File::open(folder).map_err(unwritable)?;
        let lock = options()
            .create(true)
            .open(folder.join(LOCK))
            .map_err(unwritable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                handle,
                _lock: lock,
            }),
            Err(Errno::WOULDBLOCK) => Err(OpenError::Held {
                path: folder.to_owned(),
            }),
            Err(error) => Err(unwritable(error.into())),
        }
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // The new folder's own name lives in its parent.
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let entries = self.folder.read_dir()?;
        // The journal's own names are ASCII; a name that is not UTF-8 is somebody else's.
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        match self.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(Arc::new(RealFile(
            options().create_new(true).open(self.folder.join(name))?,
        )))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(options().open(self.folder.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
