//! A disk that forgets everything when it is dropped, for the `memory:` ledger: the same journal
//! code without a device, and with a sync that takes as long as it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::{Disk, DiskFile};

const PAGE_BYTES: usize = 64 * 1024;

/// Files in memory. A page takes up memory from its first real write, not when it is filled with
/// ones, so that a prepared segment costs nothing; all is released with the file or the disk.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: Mutex<BTreeMap<String, Arc<MemoryFile>>>,
    sync_delay: Duration,
}

impl MemoryDisk {
    /// A disk of which each file sync sleeps for `sync_delay` (zero: returns at once).
    pub fn new(sync_delay: Duration) -> Self {
        Self {
            files: Mutex::default(),
            sync_delay,
        }
    }

    fn file(&self, name: &str) -> io::Result<Arc<MemoryFile>> {
        self.files
            .lock()
            .get(name)
            .cloned()
            .ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = MemoryFile {
            pages: RwLock::default(),
            sync_delay: self.sync_delay,
        };
        let file = Arc::new(file);
        self.files.lock().insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.files.lock().remove(name);
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    pages: RwLock<Pages>,
    sync_delay: Duration,
}

/// A page that is not there reads as ones.
#[derive(Debug, Default)]
struct Pages {
    length: usize,
    pages: Vec<Option<Box<[u8]>>>,
}

impl Pages {
    /// Walks `length` bytes from `offset` page by page: the page's slot, the range in it, and the
    /// range of the caller's bytes that lies there.
    fn walk(
        &mut self,
        offset: usize,
        length: usize,
        mut visit: impl FnMut(&mut Option<Box<[u8]>>, std::ops::Range<usize>, std::ops::Range<usize>),
    ) {
        self.length = self.length.max(offset + length);
        self.pages
            .resize(self.length.div_ceil(PAGE_BYTES).max(self.pages.len()), None);
        let mut done = 0;
        for page in self.pages.iter_mut().skip(offset / PAGE_BYTES) {
            if done == length {
                return;
            }
            let within = (offset + done) % PAGE_BYTES;
            let here = (PAGE_BYTES - within).min(length - done);
            visit(page, within..within + here, done..done + here);
            done += here;
        }
    }
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.pages.read().length as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut offset = position(offset)?;
        let pages = self.pages.read();
        if offset
            .checked_add(buffer.len())
            .is_none_or(|end| end > pages.length)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = buffer;
        while !rest.is_empty() {
            let within = offset % PAGE_BYTES;
            let here = (PAGE_BYTES - within).min(rest.len());
            let (target, later) = rest.split_at_mut(here);
            match pages
                .pages
                .get(offset / PAGE_BYTES)
                .and_then(Option::as_ref)
            {
                Some(page) => target.copy_from_slice(part(page, within..within + here)?),
                None => target.fill(0xFF),
            }
            offset += here;
            rest = later;
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = position(offset)?;
        self.pages
            .write()
            .walk(offset, bytes.len(), |page, within, source| {
                let page = page.get_or_insert_with(|| vec![0xFF; PAGE_BYTES].into_boxed_slice());
                if let (Some(target), Some(source)) = (page.get_mut(within), bytes.get(source)) {
                    target.copy_from_slice(source);
                }
            });
        Ok(())
    }

    fn fill_with_ones(&self, offset: u64, length: usize) -> io::Result<()> {
        let offset = position(offset)?;
        self.pages.write().walk(offset, length, |page, within, _| {
            if within.len() == PAGE_BYTES {
                *page = None;
            } else if let Some(target) = page.as_mut().and_then(|page| page.get_mut(within)) {
                target.fill(0xFF);
            }
        });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if !self.sync_delay.is_zero() {
            std::thread::sleep(self.sync_delay);
        }
        Ok(())
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

fn part(page: &[u8], within: std::ops::Range<usize>) -> io::Result<&[u8]> {
    page.get(within).ok_or(io::ErrorKind::UnexpectedEof.into())
}
