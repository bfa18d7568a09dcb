//! The operating system's file system, in a folder that one process holds.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::{Disk, DiskFile, ReadOnlyDisk};
use crate::ledger::journal::OpenError;

const LOCK: &str = "LOCK";
const KEYRING_LOCK: &str = "keyring.lock";

/// A folder on a real disk. It is locked against every other process for as long as this lives.
///
/// Files are named below the folder's handle and never by its path: whoever moves the folder away
/// and puts another in its place does not make this process write into that one.
#[derive(Debug)]
pub struct RealDisk {
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
        Self::lock(folder, LOCK)
    }

    /// The folder of a store, to change its keyring in and nothing else, also while a server holds it.
    ///
    /// [`OpenError::Held`] while another process does the same, [`OpenError::Unwritable`] if the folder is not
    /// there or cannot be written.
    pub fn open_for_keyring(folder: &Path) -> Result<Self, OpenError> {
        Self::lock(folder, KEYRING_LOCK)
    }

    /// True if a server, or whoever else writes the journal, has the folder.
    pub fn is_served(folder: &Path) -> io::Result<bool> {
        let handle = File::open(folder)?;
        match open_below(&handle, LOCK, OFlags::RDWR) {
            Ok(lock) => match flock(&lock, FlockOperation::NonBlockingLockShared) {
                Ok(()) => Ok(false),
                Err(Errno::WOULDBLOCK) => Ok(true),
                Err(error) => Err(error.into()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn lock(folder: &Path, name: &str) -> Result<Self, OpenError> {
        let unwritable = |source| OpenError::Unwritable {
            path: folder.to_owned(),
            source,
        };
        let handle = File::open(folder).map_err(unwritable)?;
        let lock = open_below(&handle, name, OFlags::RDWR | OFlags::CREATE).map_err(unwritable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                handle,
                _lock: lock,
            }),
            Err(Errno::WOULDBLOCK) => Err(OpenError::Held {
                path: folder.to_owned(),
            }),
            Err(error) => Err(unwritable(error.into())),
        }
    }

    /// The folder of a journal, only to look at it, also while a server holds it: nothing is
    /// created or locked, and every call that would write answers
    /// [`io::ErrorKind::ReadOnlyFilesystem`].
    ///
    /// [`OpenError::Unwritable`] if it is not there, cannot be read, or holds no journal.
    pub fn open_read_only(folder: &Path) -> Result<ReadOnlyDisk, OpenError> {
        ReadOnlyDisk::open(folder)
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    // The names that may be new: those that are made here, and the folder's own, which a server
    // that was cut off may have made a moment ago.
    let made = folder.ancestors().take_while(|ancestor| !ancestor.is_dir());
    let count = made.count().max(1);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    // A folder's name lives in its parent.
    for parent in folder.ancestors().skip(1).take(count) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Opens a file for what `access` says. A link is never followed.
pub(super) fn open_below(folder: &File, name: &str, access: OFlags) -> io::Result<File> {
    // Without waiting: a pipe that somebody put in a file's place has no other end.
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | access;
    Ok(openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// The names of the files below a folder's handle.
pub(super) fn list(folder: &File) -> io::Result<Vec<String>> {
    let entries = Dir::read_from(folder)?;
    // The journal's own names are ASCII; a name that is not UTF-8 is somebody else's.
    let names = entries.map(|entry| Ok(entry?.file_name().to_str().ok().map(str::to_owned)));
    names.filter_map(io::Result::transpose).collect()
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        list(&self.handle)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        match self.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let new = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(Arc::new(RealFile(open_below(&self.handle, name, new)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = open_below(&self.handle, name, OFlags::RDWR)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &self.handle, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::empty())?)
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
