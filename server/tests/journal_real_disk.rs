//! The journal in a folder of the file system, and in memory.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use waika_server::ledger::journal::disk::{Disk, MemoryDisk, RealDisk};
use waika_server::ledger::journal::{Batch, Journal, JournalOptions, OpenError, read_all, verify};

const OPTIONS: JournalOptions = JournalOptions {
    segment_bytes: 64 << 10,
};

fn open(disk: Arc<dyn Disk>) -> (Journal, Vec<Vec<u8>>) {
    let mut entries = Vec::new();
    let journal = Journal::open(disk, OPTIONS, |_, entry| {
        entries.push(entry.to_vec());
        Ok::<_, Infallible>(())
    });
    (journal.unwrap(), entries)
}

fn real(folder: &Path) -> Arc<dyn Disk> {
    Arc::new(RealDisk::open(folder).unwrap())
}

/// Enough for several segments, and one entry that fits in none.
fn append(journal: &mut Journal) -> Vec<Vec<u8>> {
    let lengths = [0, 1, 30_000, 40_000, 200_000, 5_000, 60_000];
    let entries: Vec<_> = (0_u8..)
        .zip(lengths)
        .map(|(fill, length)| vec![fill; length])
        .collect();
    for entry in &entries {
        let mut batch = Batch::new();
        batch.push(entry);
        journal.commit(&mut batch).unwrap();
        journal.prepare_in_background();
    }
    entries
}

#[test]
fn what_was_written_is_there_after_a_restart_and_after_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("nested/data");
    let mut expected = Vec::new();
    for _ in 0..3 {
        let (mut journal, entries) = open(real(&data));
        assert_eq!(entries, expected);
        expected.extend(append(&mut journal));
        let reader = journal.reader();
        for (sequence, entry) in (1..).zip(&expected) {
            assert_eq!(reader.read(sequence).unwrap().as_ref(), Some(entry));
        }
    }
}

#[test]
fn the_folder_and_its_files_are_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    append(&mut open(real(&data)).0);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in data.read_dir().unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_second_opener_is_told_that_the_folder_is_held_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(real(folder.path()));
    let error = RealDisk::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Held { .. }), "{error}");
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
    drop(journal);
    open(real(folder.path()));
}

#[test]
fn a_folder_that_cannot_be_made_is_unwritable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = RealDisk::open(&file.path().join("data")).unwrap_err();
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
    let error = RealDisk::open(file.path()).unwrap_err();
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
}

#[test]
fn a_disk_in_memory_runs_the_same_journal_until_it_is_dropped() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::from_micros(1)));
    let (mut journal, _) = open(Arc::clone(&disk));
    let expected = append(&mut journal);
    drop(journal);
    assert_eq!(open(disk).1, expected);
}

/// A server holds the folder that it opened, and not whatever stands at its path later.
#[test]
fn a_folder_that_was_moved_away_is_written_to_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("data"), folder.path().join("moved"));
    let (mut first, none) = open(real(&path));
    assert!(none.is_empty());
    let mut expected = append(&mut first);
    std::fs::rename(&path, &moved).unwrap();

    let (mut second, none) = open(real(&path));
    assert!(none.is_empty(), "another folder, another journal");
    expected.extend(append(&mut first));
    let others = append(&mut second);
    drop((first, second));
    assert_eq!(open(real(&moved)).1, expected);
    assert_eq!(open(real(&path)).1, others);
}

#[test]
fn a_folder_that_is_not_there_or_holds_no_journal_cannot_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let missing = folder.path().join("missing");
    for (path, why) in [(folder.path(), "holds no journal"), (&*missing, "No such")] {
        let message = RealDisk::open_read_only(path).unwrap_err().to_string();
        assert!(
            message.contains(path.to_str().unwrap()) && message.contains(why),
            "{message}"
        );
    }
    assert!(!missing.exists());
}

#[test]
fn a_journal_is_looked_at_while_its_server_has_it_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(real(folder.path()));
    let expected = append(&mut journal);
    journal.snapshots().begin(2).unwrap().publish(5).unwrap();
    let looking = RealDisk::open_read_only(folder.path()).unwrap();
    let verified = verify(&looking, 2, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(verified.damages, []);
    assert_eq!(
        (verified.last, verified.snapshots.len()),
        (expected.len() as u64, 1)
    );
    let mut read = Vec::new();
    let count = read_all(&looking, 1, u64::MAX, |_, entry| {
        read.push(entry.to_vec());
        Ok::<_, Infallible>(())
    });
    assert_eq!(count.unwrap(), expected.len() as u64);
    assert!(read == expected);
    let file = looking.open("watermark").unwrap();
    let refusals = [
        looking.create("new").map(drop),
        looking.rename("watermark", "new"),
        looking.remove("watermark"),
        looking.sync_folder(),
        file.write_at(b"x", 0),
        file.fill_with_ones(0, 1),
        file.sync(),
    ];
    for refusal in refusals {
        let kind = refusal.unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::ReadOnlyFilesystem);
    }
}

/// Records that are half there when they are looked at, segments that are begun in between, and
/// snapshots that come and go are no damage.
#[test]
fn a_journal_that_is_being_written_is_never_found_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(real(folder.path()));
    let looking = RealDisk::open_read_only(folder.path()).unwrap();
    let durable = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let snapshots = journal.snapshots();
            for number in 0..800_u64 {
                let mut batch = Batch::new();
                for place in 0..number % 7 {
                    batch.push(
                        &number
                            .to_le_bytes()
                            .repeat(usize::try_from(place * 40).unwrap()),
                    );
                }
                durable.store(journal.commit(&mut batch).unwrap(), Ordering::Release);
                journal.prepare_in_background();
                if number % 100 == 0 {
                    let (from, covers) = (journal.durable(), journal.durable());
                    let mut writer = snapshots.begin(from).unwrap();
                    writer.push(&vec![1; 100_000]).unwrap();
                    writer.publish(covers).unwrap();
                }
            }
            durable.store(u64::MAX, Ordering::Release);
        });
        let mut before = 0;
        while before < u64::MAX {
            let verified = verify(&looking, 2, &(), &|_, _| Ok(())).unwrap();
            assert_eq!(verified.damages, []);
            assert_eq!(verified.entries, verified.last);
            let count = read_all(&looking, 1, u64::MAX, |_, _| Ok::<_, Infallible>(()));
            assert!(verified.last >= before && count.unwrap() >= before);
            before = durable.load(Ordering::Acquire);
        }
    });
}
