//! The few things the journal asks of a disk, so that the real one, one in memory and a simulated
//! one that fails in every way a disk may fail run the same journal code.

mod memory;
mod read_only;
mod real;
mod simulated;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use memory::MemoryDisk;
pub use read_only::ReadOnlyDisk;
pub use real::RealDisk;
pub use simulated::{Faults, SimulatedDisk};

/// One flat folder of files. Every change is volatile until the sync that covers it has returned:
/// a file's bytes and length until [`DiskFile::sync`], its name until [`Disk::sync_folder`].
pub trait Disk: Debug + Send + Sync {
    /// The names of the files in the folder, in no order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new and empty file; another of the same name is removed first.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// An existing file, to read and to write; [`io::ErrorKind::NotFound`] if there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, in place of a file that had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name; [`io::ErrorKind::NotFound`] if there is none.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names that were created, renamed and removed durable.
    fn sync_folder(&self) -> io::Result<()>;
}

/// One open file.
pub trait DiskFile: Debug + Send + Sync {
    /// The length in bytes.
    fn length(&self) -> io::Result<u64>;

    /// Fills the whole buffer from `offset`; [`io::ErrorKind::UnexpectedEof`] past the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all bytes at `offset`, and lengthens the file if they reach past its end.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Writes `length` bytes of ones: what an unused part of a segment reads as. They take up
    /// blocks on a disk, so that a later write neither allocates nor changes metadata.
    fn fill_with_ones(&self, offset: u64, length: usize) -> io::Result<()> {
        self.write_at(&vec![0xFF; length], offset)
    }

    /// Makes the bytes and the length durable. After an error nobody knows what is on the disk, and
    /// a second call that returns no error proves nothing: the kernel may have dropped the pages.
    fn sync(&self) -> io::Result<()>;
}
