//! Rewriting: entries of full segments get other bytes, nothing else changes, and wherever a crash cuts it
//! short each segment is the old one or the new one, and whole. A backup takes up what was rewritten.

use std::collections::BTreeSet;

use waika_server::ledger::journal::disk::{Disk as _, Faults, SimulatedDisk};
use waika_server::ledger::journal::{Batch, NotRewritten, Rewritten, verify};

use super::support::*;

/// Twelve batches of three entries in four segments of nine.
const ENTRIES: u64 = 36;
const WANTED: [u64; 4] = [2, 5, 11, 20];

fn blank(old: &[u8]) -> Vec<u8> {
    vec![b'-'; old.len()]
}

fn rewrite(disk: &SimulatedDisk, wanted: &[u64]) -> Result<Rewritten, NotRewritten> {
    let journal = open(disk).unwrap().0;
    let wanted: BTreeSet<_> = wanted.iter().copied().collect();
    journal
        .pruner()
        .rewrite(&wanted, &mut |_, old| Some(blank(old)), &mut || true)
}

/// What a start and a reader find: the entries that are blank. All others are as they were.
fn blanks(case: &str, disk: &SimulatedDisk) -> Vec<u64> {
    let verified = verify(disk, 2, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(verified.damages, [], "{case}");
    let (journal, handed) = open(disk).unwrap();
    let reader = journal.reader();
    let mut blank = Vec::new();
    for (sequence, bytes) in &handed.entries {
        assert_eq!(
            reader.read(*sequence).unwrap().as_ref(),
            Some(bytes),
            "{case}"
        );
        if bytes.iter().all(|&byte| byte == b'-') && bytes.len() == entry(*sequence).len() {
            blank.push(*sequence);
        } else {
            assert_eq!(*bytes, entry(*sequence), "{case}");
        }
    }
    assert_eq!(handed.entries.len() as u64, journal.durable(), "{case}");
    blank
}

#[test]
fn the_wanted_entries_have_other_bytes_and_nothing_else_has() {
    let disk = grown(12);
    let done = rewrite(&disk, &WANTED).unwrap();
    let expected = Rewritten {
        entries: 4,
        segments: 3,
        left_from: None,
    };
    assert_eq!(done, expected);
    assert_eq!(blanks("once", &disk), WANTED);
    let again = rewrite(&disk, &WANTED).unwrap();
    assert_eq!((again.entries, again.segments), (0, 0));
    // It can be written on, and what is there can be rewritten again.
    grow(&disk, 3);
    assert_eq!(rewrite(&disk, &[30]).unwrap().entries, 1);
    let mut all = WANTED.to_vec();
    all.push(30);
    assert_eq!(blanks("grown", &disk), all);
}

#[test]
fn what_stands_in_the_growing_segment_is_left_until_that_is_ended() {
    let disk = grown(12);
    let mut journal = open(&disk).unwrap().0;
    let (pruner, reader) = (journal.pruner(), journal.reader());
    let wanted = BTreeSet::from([3, 29]);
    let rewrite = || {
        pruner
            .rewrite(&wanted, &mut |_, old| Some(blank(old)), &mut || true)
            .unwrap()
    };
    assert!(reader.read(29).unwrap().is_some_and(|old| old == entry(29)));
    let first = rewrite();
    assert_eq!((first.entries, first.left_from), (1, Some(28)));
    journal.end_segment();
    assert_eq!(rewrite().left_from, Some(28), "nothing was written since");
    let mut batch = Batch::new();
    batch.push(&entry(37));
    journal.commit(&mut batch).unwrap();
    // A reader that has the old file open reads the new one.
    assert_eq!(reader.read(29).unwrap(), Some(entry(29)));
    let second = rewrite();
    assert_eq!((second.entries, second.left_from), (1, None));
    assert_eq!(reader.read(29).unwrap(), Some(vec![b'-'; 400]));
    assert_eq!(reader.read(37).unwrap(), Some(entry(37)));
    drop((journal, reader, pruner));
    assert_eq!(blanks("after a start", &disk), [3, 29]);
}

#[test]
fn another_length_a_damage_and_a_stop_change_nothing() {
    let disk = grown(12);
    let journal = open(&disk).unwrap().0;
    let wanted = BTreeSet::from(WANTED);
    let pruner = journal.pruner();
    let mut longer = |_: u64, old: &[u8]| Some([old, b"x"].concat());
    let refused = pruner.rewrite(&wanted, &mut longer, &mut || true);
    assert!(matches!(
        refused,
        Err(NotRewritten::OtherLength { sequence: 2 })
    ));
    let stopped = pruner.rewrite(&wanted, &mut |_, old| Some(blank(old)), &mut || false);
    assert!(matches!(stopped, Err(NotRewritten::Stopped)));
    let name = "journal-0000000000000001.seg";
    let whole = disk.contents(name).unwrap();
    let mut damaged = whole.clone();
    damaged[300] ^= 1;
    let file = disk.open(name).unwrap();
    file.write_at(&damaged, 0).unwrap();
    let found = pruner.rewrite(&wanted, &mut |_, old| Some(blank(old)), &mut || true);
    assert!(matches!(found, Err(NotRewritten::Damaged(_))), "{found:?}");
    file.write_at(&whole, 0).unwrap();
    file.sync().unwrap();
    drop((journal, pruner));
    assert!(blanks("refused", &disk).is_empty());
}

/// At each call of the disk: the power goes, or the process.
#[test]
fn a_crash_at_any_call_leaves_each_segment_old_or_new() {
    for seed in 0..8 {
        let mut cuts = 0;
        for at in 0.. {
            let disk = grown(12);
            for _ in 0..seed {
                drop(disk.after_power_cut(Faults::default()));
            }
            let journal = open(&disk).unwrap().0;
            let [changes, ..] = disk.counts();
            disk.set_faults(Faults {
                power_off_at: Some(changes + at),
                ..Faults::default()
            });
            let wanted = BTreeSet::from(WANTED);
            let done =
                journal
                    .pruner()
                    .rewrite(&wanted, &mut |_, old| Some(blank(old)), &mut || true);
            if done.is_ok() {
                break;
            }
            cuts += 1;
            for (how, survived) in [
                ("power", disk.after_power_cut(Faults::default())),
                ("kill", disk.after_kill(Faults::default())),
            ] {
                let case = format!("seed {seed}, call {at}, {how}");
                let left = blanks(&case, &survived);
                let whole: [&[u64]; 4] = [&[], &WANTED[..2], &WANTED[..3], &WANTED];
                assert!(whole.contains(&&*left), "{case}: {left:?}");
                let names = survived.list().unwrap();
                assert!(
                    names.iter().all(|name| !name.contains(".tmp")),
                    "{case}: {names:?}"
                );
                // The next start ends it.
                rewrite(&survived, &WANTED).unwrap();
                assert_eq!(blanks(&case, &survived), WANTED);
            }
        }
        assert!(cuts > 20, "{cuts}");
    }
}

/// A sync that fails ends it for this process: whether the name is the new one's nobody knows.
#[test]
fn after_a_failure_of_the_disk_nothing_is_rewritten_until_the_next_start() {
    for at in 0..12 {
        let disk = grown(12);
        let journal = open(&disk).unwrap().0;
        let [.., syncs] = disk.counts();
        disk.set_faults(Faults {
            fail_sync_at: Some(syncs + at),
            ..Faults::default()
        });
        let (pruner, wanted) = (journal.pruner(), BTreeSet::from(WANTED));
        let failed = pruner.rewrite(&wanted, &mut |_, old| Some(blank(old)), &mut || true);
        disk.set_faults(Faults::default());
        assert!(failed.is_err(), "sync {at}");
        drop((journal, pruner));
        let survived = disk.after_power_cut(Faults::default());
        blanks(&format!("sync {at}"), &survived);
        rewrite(&survived, &WANTED).unwrap();
        assert_eq!(blanks("again", &survived), WANTED);
    }
}

fn of_backup(case: &str, folder: &SimulatedDisk) -> Vec<u64> {
    let (restored, _) = restore(folder).unwrap();
    blanks(case, &restored)
}

#[test]
fn a_backup_takes_up_what_was_rewritten() {
    let (disk, folder) = (grown(10), new_disk());
    back_up(&disk, &folder).unwrap();
    grow(&disk, 2);
    rewrite(&disk, &WANTED).unwrap();
    back_up(&disk, &folder).unwrap();
    assert_eq!(of_backup("the backup", &folder), WANTED);
    // The segment in which the backup ended has grown and was rewritten since.
    grow(&disk, 4);
    rewrite(&disk, &[34, 35]).unwrap();
    back_up(&disk, &folder).unwrap();
    let mut all = WANTED.to_vec();
    all.extend([34, 35]);
    assert_eq!(of_backup("the backup, later", &folder), all);
    // One that begins now has them as they are.
    let new = new_disk();
    back_up(&disk, &new).unwrap();
    assert_eq!(of_backup("a new one", &new), all);
    assert_eq!(blanks("the journal", &disk), all);
}

#[test]
fn a_crash_of_a_backup_at_any_call_leaves_one_that_counts() {
    for at in 0.. {
        let (disk, folder) = (grown(10), new_disk());
        back_up(&disk, &folder).unwrap();
        grow(&disk, 2);
        rewrite(&disk, &WANTED).unwrap();
        let [changes, ..] = folder.counts();
        folder.set_faults(Faults {
            power_off_at: Some(changes + at),
            ..Faults::default()
        });
        if back_up(&disk, &folder).is_ok() {
            assert!(at > 20, "{at}");
            break;
        }
        for (how, survived) in [
            ("power", folder.after_power_cut(Faults::default())),
            ("kill", folder.after_kill(Faults::default())),
        ] {
            let case = format!("call {at}, {how}");
            let (_, restored) =
                restore(&survived).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!([30, ENTRIES].contains(&restored.last), "{case}");
            back_up(&disk, &survived).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(of_backup(&case, &survived), WANTED);
            let names = survived.list().unwrap();
            assert!(
                names.iter().all(|name| !name.starts_with("rewritten")),
                "{case}: {names:?}"
            );
        }
    }
}
