//! Backups, and journals made from them: whatever is cut, lost or changed on the way, a backup holds what it
//! says or is refused.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "journal_backup/pruned.rs"]
mod pruned;
#[path = "journal_backup/refusals.rs"]
mod refusals;
#[path = "journal_backup/rewrites.rs"]
mod rewrites;
#[path = "journal_backup/support.rs"]
mod support;

use support::*;
use waika_server::ledger::journal::backup::{BackupError, MANIFEST, not_for_a_server};
use waika_server::ledger::journal::disk::{Disk, Faults};
use waika_server::ledger::journal::verify;

#[test]
fn a_journal_comes_back_from_its_backup_entry_for_entry() {
    for batches in 1..=10 {
        let (journal, backup) = (grown(batches), new_disk());
        let taken = back_up(&journal, &backup).unwrap();
        let last = batches * 3;
        assert_eq!((taken.first, taken.last, taken.before), (1, last, 0));
        assert_eq!(taken.segments, batches.div_ceil(3));
        let (restored, told) = restore(&backup).unwrap();
        assert_eq!(
            (told.last, told.was_cut, told.taken_at_ms),
            (last, false, 7)
        );
        assert_eq!(entries(&restored).unwrap(), first(last));
        // It is a journal like any other, and its identity is the same.
        grow(&restored, 4);
        assert_eq!(entries(&restored).unwrap(), first(last + 12));
        assert_eq!(back_up(&restored, &backup).unwrap().before, last);
    }
}

#[test]
fn only_what_is_new_is_copied_and_what_the_journal_has_no_more_stays() {
    let (journal, backup) = (grown(4), new_disk());
    back_up(&journal, &backup).unwrap();
    let [_, before, _] = backup.counts();
    back_up(&journal, &backup).unwrap();
    let [_, again, _] = backup.counts();
    assert!(again - before <= 4, "the watermark and the manifest only");
    for batches in [1, 2, 7] {
        grow(&journal, batches);
        let taken = back_up(&journal, &backup).unwrap();
        assert_eq!(taken.last - taken.before, batches * 3);
        let (restored, _) = restore(&backup).unwrap();
        assert_eq!(entries(&restored).unwrap(), first(taken.last));
    }
    // What looks at journals can look at a backup.
    let verified = verify(&backup, 1, &(), &|_, _| Ok(())).unwrap();
    assert_eq!((verified.entries, verified.damages), (42, Vec::new()));
    assert!(not_for_a_server(&backup).unwrap().is_some());
}

#[test]
fn a_journal_is_restored_to_any_of_its_sequences() {
    let (journal, backup) = (grown(9), new_disk());
    publish(&journal, 11, 14);
    back_up(&journal, &backup).unwrap();
    for through in 1..=27 {
        let (restored, told) = restore_with(&backup, None, Some(through)).unwrap();
        assert_eq!(
            (told.last, told.was_cut),
            (through, through < 27),
            "{through}"
        );
        assert_eq!(told.snapshot, through >= 14, "{through}");
        assert_eq!(entries(&restored).unwrap(), first(through), "{through}");
        // What it goes on with is not what it once had.
        grow_with(&restored, 1, |sequence| {
            vec![9; usize::try_from(sequence).unwrap()]
        });
        assert_eq!(entries(&restored).unwrap().len() as u64, through + 3);
        if through < 27 {
            assert!(back_up(&restored, &backup).is_err(), "{through}");
        }
    }
    assert!(matches!(
        restore_with(&backup, None, Some(28)),
        Err(BackupError::NotThatFar { last: 27 })
    ));
}

#[test]
fn a_start_goes_on_from_the_snapshot_that_was_backed_up() {
    let (journal, backup) = (grown(5), new_disk());
    publish(&journal, 8, 12);
    grow(&journal, 2);
    assert!(back_up(&journal, &backup).unwrap().snapshot);
    let (restored, _) = restore(&backup).unwrap();
    let (_, handed) = open(&restored).unwrap();
    assert_eq!((handed.blocks, handed.entries.len()), (3, 21 - 8));
    // A newer one takes its place, and a damaged one is passed over.
    publish(&journal, 15, 18);
    grow(&journal, 1);
    back_up(&journal, &backup).unwrap();
    let snapshots = || named(&backup, "snapshot-");
    assert_eq!(snapshots(), ["snapshot-00000000000000000018.snap"]);
    publish(&journal, 20, 23);
    journal.flip_bit("snapshot-00000000000000000023.snap", 90, 1);
    back_up(&journal, &backup).unwrap();
    assert_eq!(snapshots(), ["snapshot-00000000000000000018.snap"]);
}

#[test]
fn a_journal_that_is_still_there_goes_on_where_the_backup_ends() {
    for (at, more) in [(3, 0), (4, 1), (5, 2), (2, 9)] {
        let (journal, backup) = (grown(at), new_disk());
        back_up(&journal, &backup).unwrap();
        grow(&journal, more);
        let last = (at + more) * 3;
        // Its beginning is damaged and its first segment gone, as far as the backup has them.
        let whole = journal.after_kill(Faults::default());
        let held = (at - 1) / 3 + 1;
        if held > 1 {
            journal.remove("journal-0000000000000001.seg").unwrap();
        }
        journal.flip_bit(&format!("journal-{held:016}.seg"), 70, 3);
        for journal in [&journal, &whole] {
            let (restored, told) = restore_with(&backup, Some(journal), None).unwrap();
            assert_eq!((told.last, told.was_cut), (last, false));
            assert_eq!(entries(&restored).unwrap(), first(last));
        }
    }
}

#[test]
fn what_a_journal_beside_the_backup_has_lost_is_said() {
    let (journal, backup) = (grown(4), new_disk());
    back_up(&journal, &backup).unwrap();
    grow(&journal, 6);
    // Segments of nine: 10 to 18, 19 to 27, 28 to 30.
    for (file, offset, reached) in [(2, 64 + 1242 * 2 + 50, 15), (3, 70, 18), (4, 80, 27)] {
        let damaged = journal.after_kill(Faults::default());
        damaged.flip_bit(&format!("journal-{file:016}.seg"), offset, 0);
        let error = restore_with(&backup, Some(&damaged), None).unwrap_err();
        assert!(
            matches!(error, BackupError::EndsEarly { reached: at } if at == reached),
            "{file}: {error}"
        );
        let (restored, _) = restore_with(&backup, Some(&damaged), Some(reached)).unwrap();
        assert_eq!(entries(&restored).unwrap(), first(reached));
    }
}

/// The power goes, or the process is killed, at each operation on the backup's disk.
#[test]
fn a_backup_that_is_cut_off_is_the_one_before_it() {
    let (before, now) = (grown(5), grown(5));
    publish(&before, 6, 9);
    publish(&now, 6, 9);
    grow(&now, 6);
    publish(&now, 27, 30);
    // The same journal, earlier and later: the identity is random.
    let later = before.after_kill(Faults::default());
    grow(&later, 6);
    publish(&later, 27, 30);
    let backup = new_disk();
    back_up(&before, &backup).unwrap();
    let mut cut = 0;
    for at in 0.. {
        for kill in [false, true] {
            let faults = Faults {
                power_off_at: Some(at),
                ..Faults::default()
            };
            let disk = backup.after_kill(faults);
            let ended = back_up(&later, &disk);
            let rest = if kill {
                disk.after_kill(Faults::default())
            } else {
                disk.after_power_cut(Faults::default())
            };
            let (restored, told) = restore(&rest).unwrap();
            assert!(told.last == 15 || told.last == 33, "{}", told.last);
            assert!(
                ended.is_err() || told.last == 33,
                "what was told is durable"
            );
            assert_eq!(entries(&restored).unwrap(), first(told.last), "{at}");
            open(&restored).unwrap();
            // And the next one mends it.
            back_up(&later, &rest).unwrap();
            let (restored, _) = restore(&rest).unwrap();
            assert_eq!(entries(&restored).unwrap(), first(33), "{at}");
            if ended.is_ok() {
                eprintln!("a backup cut off at each of {cut} operations");
                assert!(cut > 20);
                return;
            }
            cut += 1;
        }
    }
}

/// The same of a restore: no server starts on half of a journal.
#[test]
fn a_restore_that_is_cut_off_is_no_journal() {
    let (journal, backup) = (grown(7), new_disk());
    publish(&journal, 11, 14);
    back_up(&journal, &backup).unwrap();
    for at in 0.. {
        for kill in [false, true] {
            let faults = Faults {
                power_off_at: Some(at),
                ..Faults::default()
            };
            let disk = new_disk().after_kill(faults);
            let ended = restore_into(&backup, None, None, &disk);
            let rest = if kill {
                disk.after_kill(Faults::default())
            } else {
                disk.after_power_cut(Faults::default())
            };
            let refused = not_for_a_server(&rest).unwrap().is_some();
            if !refused && !named(&rest, "journal-").is_empty() {
                assert_eq!(entries(&rest).unwrap(), first(21), "{at}");
            }
            if ended.is_ok() {
                assert!(!refused && at > 10);
                return;
            }
            if refused {
                restore_into(&backup, None, None, &rest).unwrap();
                assert_eq!(entries(&rest).unwrap(), first(21), "{at}");
            }
        }
    }
}

/// Any bit of any file that the manifest names, and of the manifest.
#[test]
fn a_backup_with_a_changed_bit_is_refused_or_leads_to_the_same() {
    let (journal, backup) = (grown(5), new_disk());
    publish(&journal, 8, 12);
    back_up(&journal, &backup).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for name in backup.list().unwrap() {
        let length = backup.contents(&name).unwrap().len();
        for bit in (0..length * 8).step_by(7) {
            let changed = backup.after_kill(Faults::default());
            changed.flip_bit(&name, bit / 8, u32::try_from(bit % 8).unwrap());
            match restore(&changed) {
                Ok((restored, _)) => {
                    harmless += 1;
                    assert_eq!(entries(&restored).unwrap(), first(15), "{name} bit {bit}");
                    let (_, handed) = open(&restored).unwrap();
                    assert_eq!(handed.entries.last(), Some(&(15, entry(15))));
                }
                Err(error) => {
                    refused += 1;
                    let text = error.to_string();
                    let named = text.contains(&name) || text.contains(MANIFEST);
                    let of_manifest = name == MANIFEST;
                    assert!(named || of_manifest, "{name} bit {bit}: {text}");
                }
            }
        }
    }
    eprintln!("F6: bits of a backup: {refused} refused, {harmless} harmless");
    assert!(refused > 1_000);
}
