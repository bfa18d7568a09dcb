//! A journal whose oldest segments were pruned, before its first backup or after it.

use waika_server::ledger::journal::backup::BackupError;
use waika_server::ledger::journal::disk::SimulatedDisk;
use waika_server::ledger::journal::{Wanted, beginning, read_all, verify};

use crate::support::*;

/// Removes what lies before a sequence with which a segment begins.
fn prune(disk: &SimulatedDisk, first: u64) {
    let wanted = Wanted {
        first,
        at_ms: 1_000,
        days_from_ms: 2_000,
        keys_through: 0,
    };
    let journal = open(disk).unwrap().0;
    journal.pruner().prune(wanted, &mut || true).unwrap();
}

/// Thirty entries in four segments, with two snapshots.
fn with_two_snapshots() -> SimulatedDisk {
    let journal = grown(8);
    publish(&journal, 19, 21);
    grow(&journal, 2);
    publish(&journal, 22, 27);
    journal
}

/// The sequences of the entries that a folder has.
fn sequences(disk: &SimulatedDisk, from: u64) -> Vec<u64> {
    let mut read = Vec::new();
    let take = |sequence, bytes: &[u8]| {
        assert_eq!(bytes, entry(sequence));
        read.push(sequence);
        Ok::<_, std::io::Error>(())
    };
    read_all(disk, from, u64::MAX, take).unwrap();
    read
}

#[test]
fn what_was_backed_up_before_it_went_is_there_again() {
    let (journal, backup) = (with_two_snapshots(), new_disk());
    back_up(&journal, &backup).unwrap();
    prune(&journal, 19);
    grow(&journal, 3);
    let taken = back_up(&journal, &backup).unwrap();
    assert_eq!((taken.first, taken.last, taken.before), (1, 39, 30));
    let (restored, _) = restore(&backup).unwrap();
    assert_eq!(beginning(&restored).unwrap(), None);
    assert_eq!(entries(&restored).unwrap(), first(39));
    for through in [5, 19, 30, 38] {
        let (restored, _) = restore_with(&backup, None, Some(through)).unwrap();
        assert_eq!(entries(&restored).unwrap(), first(through));
    }
}

#[test]
fn a_backup_of_what_was_left_begins_where_the_journal_does() {
    let (journal, backup) = (with_two_snapshots(), new_disk());
    prune(&journal, 19);
    let taken = back_up(&journal, &backup).unwrap();
    assert_eq!((taken.first, taken.last), (19, 30));
    let (restored, told) = restore(&backup).unwrap();
    assert_eq!((told.first, told.last, told.snapshot), (19, 30, true));
    assert_eq!(beginning(&restored).unwrap(), beginning(&journal).unwrap());
    for folder in [&backup, &restored] {
        assert!(sequences(folder, 19).into_iter().eq(19..=30));
        let verified = verify(folder, 1, &(), &|_, _| Ok(())).unwrap();
        assert_eq!((verified.first, verified.damages), (19, Vec::new()));
    }
    let (_, handed) = open(&restored).unwrap();
    assert!(handed.entries.iter().map(|(at, _)| *at).eq(23..=30));
    // Without the entries before it, it cannot be made as it was before its snapshot.
    for through in [19, 26] {
        let error = restore_with(&backup, None, Some(through)).unwrap_err();
        let earliest = matches!(
            error,
            BackupError::TooEarly {
                first: 19,
                earliest: 27
            }
        );
        assert!(earliest, "{error}");
    }
    // The state of its beginning stays, and so does everything from there on.
    grow(&journal, 4);
    publish(&journal, 36, 40);
    back_up(&journal, &backup).unwrap();
    assert_eq!(named(&backup, "snapshot-").len(), 2);
    for (through, behind) in [(27, 22), (39, 22), (40, 36), (42, 36)] {
        let (restored, _) = restore_with(&backup, None, Some(through)).unwrap();
        let (_, handed) = open(&restored).unwrap();
        let replayed = handed.entries.iter().map(|(at, _)| *at);
        assert!(replayed.eq(behind + 1..=through), "{through}");
    }
}

#[test]
fn a_backup_that_no_store_could_start_from_is_refused() {
    let (journal, backup) = (with_two_snapshots(), new_disk());
    prune(&journal, 19);
    for snapshot in named(&journal, "snapshot-") {
        journal.flip_bit(&snapshot, 90, 1);
    }
    assert!(matches!(
        back_up(&journal, &backup),
        Err(BackupError::NoState { first: 19 })
    ));
    assert!(matches!(restore(&backup), Err(BackupError::Unfinished)));
}

#[test]
fn what_went_before_it_was_backed_up_is_a_gap() {
    let backup = new_disk();
    let journal = grown(3);
    back_up(&journal, &backup).unwrap();
    grow(&journal, 5);
    publish(&journal, 19, 21);
    grow(&journal, 2);
    publish(&journal, 22, 27);
    prune(&journal, 19);
    assert!(matches!(
        back_up(&journal, &backup),
        Err(BackupError::Gap { held: 9, first: 19 })
    ));
    assert_eq!(entries(&restore(&backup).unwrap().0).unwrap(), first(9));
}
