//! The power goes, the server is killed, or the disk fails, at each of the calls that a pruning makes, and
//! at each of those of the start that follows.

use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{Batch, NotPruned, verify};

use super::support::*;
use super::{BEGINNING, begins, check_begins, wanted};

const SEEDS: u64 = 12;

/// Whether what was going on is over, and a cut at a later call would come too late.
type Over = bool;

/// A journal in the middle of pruning when one thing went wrong. `first_time`: it was never pruned before.
fn interrupted(
    seed: u64,
    faults: &dyn Fn([u64; 3]) -> Faults,
    first_time: bool,
) -> (SimulatedDisk, Over) {
    let disk = healthy();
    // So that the dice fall otherwise.
    for _ in 0..seed {
        drop(disk.after_power_cut(Faults::default()));
    }
    if !first_time {
        super::prune(&disk, 10).unwrap();
    }
    let journal = start(&disk).unwrap().journal;
    disk.set_faults(faults(disk.counts()));
    let over = journal.pruner().prune(wanted(19), &mut || true).is_ok();
    (disk, over)
}

/// It begins where it began before or where it was to, and all from there on is there.
fn check_after(case: &str, disk: &SimulatedDisk, before: u64) {
    let known = begins(disk);
    assert!([before, 19].contains(&known), "{case}: {known}");
    let verified = verify(disk, 1, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(verified.damages, [], "{case}");
    drop(start(disk).unwrap());
    check_begins(case, disk, known);
    let names = disk.list().unwrap();
    assert!(!names.iter().any(|name| name == "beginning.tmp"), "{case}");
    for (file, last) in [(FIRST, 9), (SECOND, 18)] {
        assert_eq!(
            disk.contents(file).is_some(),
            last >= known,
            "{case}: {file}"
        );
    }
}

fn cut_at(at: u64) -> impl Fn([u64; 3]) -> Faults {
    move |[changes, _, _]| Faults {
        power_off_at: Some(changes + at),
        ..Faults::default()
    }
}

#[test]
fn the_power_goes_at_any_call_of_a_pruning() {
    for (first_time, before) in [(true, 1), (false, 10)] {
        for seed in 0..SEEDS {
            let mut cuts = 0;
            for at in 0.. {
                let (disk, over) = interrupted(seed, &cut_at(at), first_time);
                if over {
                    break;
                }
                cuts += 1;
                let case = format!("seed {seed}, call {at}");
                check_after(&case, &disk.after_power_cut(Faults::default()), before);
                let killed = disk.after_kill(Faults::default());
                check_after(&format!("{case}, killed"), &killed, before);
            }
            assert!(cuts >= 6, "{cuts}");
        }
    }
}

#[test]
fn the_power_goes_again_at_any_call_of_the_start_that_follows() {
    for seed in 0..SEEDS {
        for at in 0.. {
            let (disk, over) = interrupted(seed, &cut_at(at), true);
            if over {
                break;
            }
            for again in 0.. {
                let disks = [
                    disk.after_power_cut(Faults::default()),
                    disk.after_kill(Faults::default()),
                ];
                let mut all_over = true;
                for (how, second) in disks.into_iter().enumerate() {
                    second.set_faults(Faults {
                        power_off_at: Some(again),
                        ..Faults::default()
                    });
                    let started = start(&second).is_ok();
                    all_over &= started;
                    let case = format!("seed {seed}, call {at}, then {again} ({how})");
                    check_after(&case, &second.after_power_cut(Faults::default()), 1);
                }
                if all_over {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_disk_that_fails_ends_all_pruning_and_loses_nothing() {
    let write = |at: u64| {
        move |[_, writes, _]: [u64; 3]| Faults {
            fail_write_at: Some(writes + at),
            ..Faults::default()
        }
    };
    let sync = |at: u64| {
        move |[_, _, syncs]: [u64; 3]| Faults {
            fail_sync_at: Some(syncs + at),
            ..Faults::default()
        }
    };
    let cases: [&dyn Fn([u64; 3]) -> Faults; 5] =
        [&write(0), &write(1), &sync(0), &sync(1), &sync(2)];
    for (case, faults) in cases.into_iter().enumerate() {
        for seed in 0..SEEDS {
            let (disk, over) = interrupted(seed, faults, true);
            assert!(!over, "case {case}");
            let name = format!("case {case}, seed {seed}");
            check_after(&name, &disk.after_power_cut(Faults::default()), 1);
            check_after(&name, &disk.after_kill(Faults::default()), 1);
        }
    }
    let disk = healthy();
    let journal = start(&disk).unwrap().journal;
    let pruner = journal.pruner();
    disk.set_faults(sync(0)(disk.counts()));
    assert!(pruner.prune(wanted(10), &mut || true).is_err());
    disk.set_faults(Faults::default());
    let later = pruner.clone().prune(wanted(10), &mut || true).unwrap_err();
    assert!(matches!(later, NotPruned::FailedBefore), "{later}");
    assert!(disk.contents(BEGINNING).is_none());
    drop(journal);
    // The next start may.
    super::prune(&disk, 10).unwrap();
    check_begins("after a start", &disk, 10);
}

/// Records go on being written while it is pruned, and the power goes then.
#[test]
fn a_journal_grows_while_it_is_pruned() {
    for seed in 0..SEEDS {
        for at in 0..30 {
            let disk = healthy();
            for _ in 0..seed {
                drop(disk.after_power_cut(Faults::default()));
            }
            let mut journal = start(&disk).unwrap().journal;
            let pruner = journal.pruner();
            disk.set_faults(cut_at(at)(disk.counts()));
            let mut batch = Batch::new();
            batch.push(&entry(ENTRIES + 1));
            let mut told = ENTRIES;
            if journal.commit(&mut batch).is_ok() {
                told += 1;
            }
            let outcome = pruner.prune(wanted(19), &mut || true);
            batch.clear();
            batch.push(&entry(told + 1));
            if journal.commit(&mut batch).is_ok() {
                told += 1;
            }
            let survived = disk.after_power_cut(Faults::default());
            let case = format!("seed {seed}, call {at}: {outcome:?}");
            let opened = start(&survived).unwrap();
            assert!(opened.journal.durable() >= told, "{case}");
            let first = begins(&survived);
            assert!(outcome.is_err() || first == 19, "{case}");
            let reader = opened.journal.reader();
            for sequence in first..=told {
                assert_eq!(
                    reader.read(sequence).unwrap(),
                    Some(entry(sequence)),
                    "{case}"
                );
            }
        }
    }
}
