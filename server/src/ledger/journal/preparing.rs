//! The segment after the active one, prepared on a thread of its own: a commit then changes segments without
//! waiting until 64 MiB are written.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::disk::Disk;
use super::error::DiskError;
use super::file::NamedFile;
use super::segment;
use crate::clock::monotonic;
use crate::ledger::background::give_way;

/// Answers and commits go first: the active segment lasts for seconds.
const LESS_URGENT: i32 = 5;
/// It rests so many times as long as it worked, so that three quarters of the disk are left to commits,
/// while there is time.
const REST: u32 = 3;

/// The thread.
#[derive(Debug)]
pub(super) struct Preparing {
    thread: JoinHandle<Result<NamedFile, DiskError>>,
    hurry: Arc<AtomicBool>,
}

impl Preparing {
    /// Begins to prepare a segment of so many bytes.
    pub(super) fn begin(disk: Arc<dyn Disk>, ordinal: u64, length: usize) -> io::Result<Self> {
        let hurry = Arc::new(AtomicBool::new(false));
        let is_hurried = Arc::clone(&hurry);
        let work = move || {
            give_way(LESS_URGENT);
            let mut begun_at = monotonic();
            let piece = || {
                if is_hurried.load(Ordering::Relaxed) {
                    return segment::HURRIED_PIECE_BYTES;
                }
                thread::sleep(begun_at.elapsed() * REST);
                begun_at = monotonic();
                segment::PIECE_BYTES
            };
            segment::prepare(&*disk, ordinal, length, piece)
        };
        let builder = thread::Builder::new().name("waika-prepare".to_owned());
        let thread = builder.spawn(work)?;
        Ok(Self { thread, hurry })
    }

    /// There is no time for rests any more.
    pub(super) fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// Waits for the segment. An error is a panic of the thread.
    pub(super) fn finish(self) -> thread::Result<Result<NamedFile, DiskError>> {
        self.hurry();
        self.thread.join()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::journal::disk::MemoryDisk;

    #[test]
    fn a_segment_is_prepared_whole_in_a_hurry_too() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(std::time::Duration::ZERO));
        for (ordinal, length) in [
            (2, 7),
            (3, 5 * segment::PIECE_BYTES + 7),
            (4, 3 * segment::HURRIED_PIECE_BYTES),
        ] {
            let preparing = Preparing::begin(Arc::clone(&disk), ordinal, length).unwrap();
            preparing.hurry();
            let file = preparing.finish().unwrap().unwrap();
            assert_eq!(file.length().unwrap(), length as u64);
            let bytes = file.read(0, length).unwrap();
            assert!(bytes.iter().all(|&byte| byte == u8::MAX));
        }
    }
}
