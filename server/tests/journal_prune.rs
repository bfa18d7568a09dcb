//! Pruning: the oldest segments go, nothing that a start needs does, and wherever a crash cuts it short,
//! the journal begins where it says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

#[path = "journal_prune/beginnings.rs"]
mod beginnings;
#[path = "journal_prune/cuts.rs"]
mod cuts;
#[path = "journal_snapshots/support.rs"]
mod support;

use std::convert::Infallible;
use std::sync::Arc;

use support::*;
use waika_server::ledger::journal::disk::{Disk, SimulatedDisk};
use waika_server::ledger::journal::{
    Beginning, Journal, JournalOptions, NotPruned, OpenError, Pruned, ReadError, Span, UsedKey,
    Wanted, beginning, read_all, verify,
};

const BEGINNING: &str = "beginning";

fn wanted(first: u64) -> Wanted {
    Wanted {
        first,
        at_ms: 1_000,
        days_from_ms: 2_000,
        keys_through: 0,
    }
}

fn prune(disk: &SimulatedDisk, first: u64) -> Result<Pruned, NotPruned> {
    let journal = start(disk).unwrap().journal;
    journal.pruner().prune(wanted(first), &mut || true)
}

/// A healthy journal that begins with the third segment, as most others here.
fn pruned() -> SimulatedDisk {
    let disk = healthy();
    prune(&disk, 19).unwrap();
    disk
}

fn begins(disk: &dyn Disk) -> u64 {
    beginning(disk).unwrap().map_or(1, |known| known.first)
}

/// Everything that can be asked of a journal that begins with a sequence.
fn check_begins(case: &str, disk: &SimulatedDisk, first: u64) {
    let verified = verify(disk, 2, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(verified.damages, [], "{case}");
    assert_eq!((verified.first, verified.last), (first, ENTRIES), "{case}");
    let mut read = Vec::new();
    let take = |sequence, bytes: &[u8]| {
        assert_eq!(bytes, entry(sequence), "{case}");
        read.push(sequence);
        Ok::<_, Infallible>(())
    };
    read_all(disk, first, u64::MAX, take).unwrap();
    assert!(read.into_iter().eq(first..=ENTRIES), "{case}");
    let reader = start(disk).unwrap().journal.reader();
    for sequence in 0..=ENTRIES + 1 {
        match reader.read(sequence) {
            Ok(Some(bytes)) => {
                assert!((first..=ENTRIES).contains(&sequence), "{case}: {sequence}");
                assert_eq!(bytes, entry(sequence), "{case}");
            }
            Ok(None) => assert!(sequence == 0 || sequence > ENTRIES, "{case}: {sequence}"),
            Err(ReadError::Pruned(known)) => {
                assert!(sequence < first, "{case}: {sequence}");
                assert_eq!(known.first, first, "{case}");
            }
            Err(other) => panic!("{case}: {other}"),
        }
    }
}

#[test]
fn what_is_wholly_below_goes_and_everything_else_can_be_read() {
    for (first, gone, kept) in [(10, &[FIRST][..], SECOND), (19, &[FIRST, SECOND], THIRD)] {
        let disk = healthy();
        let told = prune(&disk, first).unwrap();
        assert_eq!(told.segments, gone.len() as u64);
        assert_eq!(told.bytes, 4096 * told.segments);
        let Beginning {
            segment,
            at_ms,
            days_from_ms,
            ..
        } = told.beginning;
        assert_eq!(
            (segment, at_ms, days_from_ms),
            (first / 9 + 1, 1_000, 2_000)
        );
        assert_eq!(beginning(&disk).unwrap(), Some(told.beginning));
        for file in gone {
            assert!(disk.contents(file).is_none(), "{file}");
        }
        assert!(disk.contents(kept).is_some());
        check_begins(kept, &disk, first);
        append(&disk, 4);
        assert_eq!(start(&disk).unwrap().journal.durable(), ENTRIES + 12);
    }
}

#[test]
fn what_is_before_the_beginning_is_told_apart_from_damage() {
    let disk = pruned();
    for from in [0, 1, 18] {
        let error = read_all(&disk, from, 30, |_, _| Ok::<_, Infallible>(())).unwrap_err();
        assert!(matches!(error, OpenError::Pruned(_)), "{from}: {error}");
        assert!(
            error.to_string().contains("begins with sequence 19"),
            "{error}"
        );
    }
    let error = Journal::open(Arc::new(disk), JournalOptions::default(), |_, _| {
        Ok::<_, Infallible>(())
    });
    let error = error.unwrap_err();
    assert!(matches!(error, OpenError::NoSnapshot { .. }), "{error}");
}

#[test]
fn a_reader_hears_of_a_pruning_that_came_while_it_read() {
    let disk = healthy();
    let journal = start(&disk).unwrap().journal;
    let reader = journal.reader();
    assert_eq!(reader.read(12).unwrap(), Some(entry(12)));
    assert_eq!(journal.pruner().places(), [10, 19, 28]);
    assert_eq!(journal.pruner().held_by_snapshots().unwrap(), 19);
    let first = journal.pruner().first_entry(19).unwrap();
    assert_eq!(first, Some(entry(19)));
    assert_eq!(journal.pruner().first_entry(20).unwrap(), None);
    journal.pruner().prune(wanted(19), &mut || true).unwrap();
    for sequence in [1, 12, 18] {
        let read = reader.read(sequence);
        assert!(matches!(read, Err(ReadError::Pruned(_))), "{read:?}");
    }
    assert_eq!(reader.read(19).unwrap(), Some(entry(19)));
    assert_eq!(journal.pruner().places(), [28]);
    // What is kept and damaged is another thing.
    let disk = healthy();
    prune(&disk, 10).unwrap();
    disk.flip_bit(SECOND, SEGMENT_HEADER + RECORD + 50, 1);
    let read = start(&disk).unwrap().journal.reader().read(13);
    assert!(matches!(read, Err(ReadError::Damaged(_))), "{read:?}");
}

/// Nothing has changed.
fn check_not_pruned(disk: &SimulatedDisk, first: u64) -> NotPruned {
    let before = disk.list().unwrap();
    let why = prune(disk, first).unwrap_err();
    assert_eq!(disk.list().unwrap(), before, "{why}");
    assert!(beginning(disk).unwrap().is_none(), "{why}");
    why
}

#[test]
fn nothing_goes_that_no_two_whole_snapshots_hold() {
    for first in [0, 1, 11, 18, 37, u64::MAX] {
        let why = check_not_pruned(&healthy(), first);
        assert!(matches!(why, NotPruned::NoSegment { .. }), "{why}");
    }
    let why = check_not_pruned(&healthy(), 28);
    assert!(
        matches!(why, NotPruned::TooFewSnapshots { whole: 0, .. }),
        "{why}"
    );
    for file in [OLDER, NEWEST] {
        let disk = healthy();
        // Where neither header nor footer tells.
        disk.flip_bit(file, 70, 1);
        let why = check_not_pruned(&disk, 10);
        assert!(
            matches!(why, NotPruned::TooFewSnapshots { whole: 1, .. }),
            "{why}"
        );
        let disk = healthy();
        remove(&disk, file);
        assert!(matches!(
            check_not_pruned(&disk, 10),
            NotPruned::TooFewSnapshots { whole: 1, .. }
        ));
    }
}

#[test]
fn nothing_goes_while_used_keys_are_not_where_snapshots_leave_them() {
    let disk = healthy();
    let journal = start(&disk).unwrap().journal;
    let pruner = journal.pruner();
    let wanted = Wanted {
        keys_through: 12,
        ..wanted(19)
    };
    let missing = pruner.prune(wanted, &mut || true).unwrap_err();
    assert!(
        matches!(missing, NotPruned::KeysMissing { through: 12 }),
        "{missing}"
    );
    let span = Span {
        after: 0,
        through: 12,
        put_in_ms: 1,
    };
    let mut writer = journal.key_runs().begin(span, 1).unwrap();
    let (hash, sequence) = (1 << 40, 7);
    writer.push(UsedKey { hash, sequence }).unwrap();
    let run = writer.publish().unwrap();
    let whole = disk.contents(run.name()).unwrap();
    // In the key itself, which no start reads.
    disk.flip_bit(run.name(), 64, 1);
    let damaged = pruner.prune(wanted, &mut || true).unwrap_err();
    assert!(damaged.to_string().contains(run.name()), "{damaged}");
    disk.replace(run.name(), &whole);
    let stopped = pruner.prune(wanted, &mut || false).unwrap_err();
    assert!(matches!(stopped, NotPruned::Stopped), "{stopped}");
    assert_eq!(begins(&disk), 1);
    pruner.prune(wanted, &mut || true).unwrap();
    assert_eq!(begins(&disk), 19);
}

#[test]
fn a_journal_is_pruned_again_and_goes_on() {
    let disk = healthy();
    prune(&disk, 10).unwrap();
    check_begins("once", &disk, 10);
    prune(&disk, 19).unwrap();
    check_begins("twice", &disk, 19);
    append(&disk, 6);
    publish(&disk, 40, 40).unwrap();
    publish(&disk, 41, 42).unwrap();
    assert_eq!(prune(&disk, 37).unwrap().segments, 2);
    assert_eq!(begins(&disk), 37);
    let verified = verify(&disk, 1, &(), &|_, _| Ok(())).unwrap();
    assert_eq!((verified.first, verified.last), (37, 54));
    assert_eq!(verified.damages, []);
}

#[test]
fn a_start_uses_the_older_snapshot_and_without_any_it_is_refused_by_name() {
    let disk = pruned();
    disk.flip_bit(NEWEST, 70, 1);
    let opened = start(&disk).unwrap();
    assert_eq!(opened.start.snapshot.unwrap().file, OLDER);
    drop(opened.journal);
    let refused = |disk: &SimulatedDisk, named: &[&str]| {
        let before = disk.list().unwrap();
        let error = start(disk).unwrap_err();
        let OpenError::NoSnapshot { beginning, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(beginning.first, 19);
        let text = error.to_string();
        for named in named {
            assert!(text.contains(named), "{named} not in {text}");
        }
        assert_eq!(disk.list().unwrap(), before);
    };
    disk.flip_bit(OLDER, 70, 1);
    refused(&disk, &["sequence 19", "backup", NEWEST, OLDER]);
    remove(&disk, OLDER);
    remove(&disk, NEWEST);
    refused(&disk, &["sequence 19", "backup"]);
    // One that leaves out what was pruned is none.
    let early = healthy();
    let copy = early.after_kill(waika_server::ledger::journal::disk::Faults::default());
    publish(&copy, 5, 36).unwrap();
    let name = "snapshot-00000000000000000036.snap";
    prune(&early, 19).unwrap();
    for file in [OLDER, NEWEST] {
        remove(&early, file);
    }
    early.replace(name, &copy.contents(name).unwrap());
    refused(&early, &["up to sequence 5 only", name]);
}
