//! Checks and exports beside a server: what a read sees half of, because it is being written, is
//! no damage.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::*;
use waika_server::ledger::journal::disk::{Disk, DiskFile, SimulatedDisk};
use waika_server::ledger::journal::{read_all, verify};

/// A part of a file that the first read of it sees as it was before it was written.
#[derive(Clone, Debug)]
struct Unseen {
    file: &'static str,
    from: usize,
    to: usize,
    seen: Arc<AtomicBool>,
}

/// A disk that is only read.
#[derive(Debug)]
struct Glimpse {
    disk: SimulatedDisk,
    unseen: Unseen,
}

#[derive(Debug)]
struct GlimpsedFile {
    file: Arc<dyn DiskFile>,
    unseen: Option<Unseen>,
}

impl Disk for Glimpse {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(GlimpsedFile {
            file: self.disk.open(name)?,
            unseen: Some(self.unseen.clone()).filter(|unseen| unseen.file == name),
        }))
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl DiskFile for GlimpsedFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)?;
        let Some(unseen) = &self.unseen else {
            return Ok(());
        };
        let offset = usize::try_from(offset).unwrap();
        let sees_all = offset <= unseen.from && unseen.to <= offset + buffer.len();
        if sees_all && !unseen.seen.swap(true, Ordering::Relaxed) {
            buffer
                .get_mut(unseen.from - offset..unseen.to - offset)
                .unwrap()
                .fill(0xFF);
        }
        Ok(())
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

/// A healthy journal, of which a part is not seen at first, and that was shorter when the
/// watermark was read.
fn glimpse(file: &'static str, from: usize, to: usize) -> Glimpse {
    let disk = healthy();
    let header = disk.contents(FIRST).unwrap();
    let identity = header.get(12..20).unwrap();
    let older = [
        b"WKWM",
        &1_u32.to_le_bytes()[..],
        identity,
        &20_u64.to_le_bytes(),
    ]
    .concat();
    let checksum = crc32c::crc32c(&older).to_le_bytes();
    disk.replace("watermark", &[&older[..], &checksum].concat());
    remove(&disk, NEWEST);
    let seen = Arc::default();
    let unseen = Unseen {
        file,
        from,
        to,
        seen,
    };
    Glimpse { disk, unseen }
}

fn check(case: &str, file: &'static str, [from, to]: [usize; 2], last: u64) {
    let disk = glimpse(file, from, to);
    let verified = verify(&disk, 1, &(), &|_, _| Ok(())).unwrap();
    assert!(disk.unseen.seen.load(Ordering::Relaxed), "{case}");
    assert_eq!(verified.damages, [], "{case}");
    assert_eq!((verified.last, verified.entries), (last, last), "{case}");
    let disk = glimpse(file, from, to);
    let count = read_all(&disk, 1, u64::MAX, |_, _| Ok::<_, Infallible>(()));
    assert!(disk.unseen.seen.load(Ordering::Relaxed), "{case}");
    assert_eq!(count.unwrap(), last, "{case}");
}

#[test]
fn what_is_written_while_it_is_read_is_no_damage() {
    let record = |at: usize| SEGMENT_HEADER + at * RECORD;
    let cases = [
        (
            "a record before a whole one",
            [record(0), record(1)],
            ENTRIES,
        ),
        ("half of one", [record(1) + 600, record(2)], ENTRIES),
        ("a header alone", [0, SEGMENT_HEADER], 27),
        ("the last record", [record(2), record(3)], ENTRIES - 3),
        (
            "half of the last record",
            [record(2) + 600, record(3)],
            ENTRIES - 3,
        ),
    ];
    for (case, part, last) in cases {
        check(case, FOURTH, part, last);
    }
}

#[test]
fn what_was_sealed_is_not_looked_at_twice() {
    let part = SEGMENT_HEADER + RECORD;
    let disk = glimpse(SECOND, part, part + RECORD);
    let verified = verify(&disk, 1, &(), &|_, _| Ok(())).unwrap();
    let damage = verified.damages.first().unwrap();
    assert_eq!((&*damage.file, damage.sequence), (SECOND, 13));
}
