//! The simulated disk, before each change of which a [`super::job::Job`] pauses.

use std::io;
use std::sync::Arc;

use super::world::pause;
use crate::ledger::journal::disk::{Disk, DiskFile, SimulatedDisk};

#[derive(Debug)]
pub(super) struct PausingDisk(pub(super) SimulatedDisk);

impl Disk for PausingDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        pause();
        Ok(Arc::new(PausingFile(self.0.create(name)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(PausingFile(self.0.open(name)?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        pause();
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        pause();
        self.0.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        pause();
        self.0.sync_folder()
    }
}

#[derive(Debug)]
struct PausingFile(Arc<dyn DiskFile>);

impl DiskFile for PausingFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        pause();
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        pause();
        self.0.sync()
    }
}
