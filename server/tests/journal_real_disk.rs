//! The journal in a folder of the file system, and in memory.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use waika_server::ledger::journal::disk::{Disk, MemoryDisk, RealDisk};
use waika_server::ledger::journal::{Batch, Journal, JournalOptions, OpenError};

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
