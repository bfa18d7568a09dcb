//! A disk whose syncs are not what they should be.

use std::io;
use std::sync::Arc;

use super::{FaultKind, PlantedFault};
use crate::ledger::journal::disk::{Disk, DiskFile};

/// A disk as it is seen by a journal with a fault in its syncs.
#[derive(Debug)]
pub struct PlantedDisk {
    inner: Arc<dyn Disk>,
    fault: FaultKind,
}

impl PlantedDisk {
    /// The disk with that fault, and as it was where the fault is none of a disk's.
    pub fn over(inner: Arc<dyn Disk>, fault: Option<PlantedFault>) -> Arc<dyn Disk> {
        match fault.map(|fault| fault.kind) {
            Some(fault @ (FaultKind::SyncSkipped | FaultKind::SyncErrorIgnored)) => {
                Arc::new(Self { inner, fault })
            }
            Some(_) | None => inner,
        }
    }

    fn with_fault(&self, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let fault = self.fault;
        Arc::new(PlantedFile { inner, fault })
    }
}

impl Disk for PlantedDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.with_fault(self.inner.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.with_fault(self.inner.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.inner.sync_folder()
    }
}

#[derive(Debug)]
struct PlantedFile {
    inner: Arc<dyn DiskFile>,
    fault: FaultKind,
}

impl DiskFile for PlantedFile {
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_at(bytes, offset)
    }

    fn fill_with_ones(&self, offset: u64, length: usize) -> io::Result<()> {
        self.inner.fill_with_ones(offset, length)
    }

    fn sync(&self) -> io::Result<()> {
        if self.fault != FaultKind::SyncSkipped {
            drop(self.inner.sync());
        }
        Ok(())
    }
}
