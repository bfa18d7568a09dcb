//! Runs on a disk in memory: what is found, merged, refused.

use super::*;
use crate::ledger::journal::disk::MemoryDisk;
use std::time::Duration;

fn disk() -> Arc<dyn Disk> {
    Arc::new(MemoryDisk::new(Duration::ZERO))
}

/// A good enough spread of hashes, the same each time.
pub(super) fn hash(number: u64) -> u64 {
    (number + 1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(29)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

pub(super) fn keys(sequences: std::ops::RangeInclusive<u64>) -> Vec<UsedKey> {
    let mut keys: Vec<_> = sequences
        .map(|sequence| UsedKey {
            hash: hash(sequence),
            sequence,
        })
        .collect();
    keys.sort_unstable();
    keys
}

fn span(after: u64, through: u64) -> Span {
    Span {
        after,
        through,
        put_in_ms: i64::try_from(through).unwrap(),
    }
}

fn write(runs: &KeyRuns, after: u64, through: u64) -> KeyRun {
    let keys = keys(after + 1..=through);
    let mut writer = runs.begin(span(after, through), keys.len() as u64).unwrap();
    for key in keys {
        writer.push(key).unwrap();
    }
    writer.publish().unwrap()
}

#[test]
fn only_its_own_exact_names_are_runs() {
    let good = "keys-00000000000000000000-00000000000000000042.run";
    let cases = [
        (good, Some((0, 42))),
        ("keys-0-42.run", None),
        (
            "keys-00000000000000000000-00000000000000000042.run.bak",
            None,
        ),
        ("keys-+0000000000000000000-00000000000000000042.run", None),
        (UNFINISHED, None),
    ];
    for (file, expected) in cases {
        assert_eq!(parse(file), expected, "{file}");
    }
}

#[test]
fn d18_every_key_of_a_run_is_found_and_no_other_also_after_a_start() {
    let disk = disk();
    let runs = KeyRuns::new(Arc::clone(&disk), 7);
    let written = write(&runs, 0, 10_000);
    let opened = open(&*disk).unwrap().runs.pop().unwrap();
    for run in [&written, &opened] {
        assert_eq!((run.identity(), run.span()), (7, span(0, 10_000)));
        let mut false_alarms = 0;
        for number in 1..=10_000 {
            assert!(run.may_hold(hash(number)), "{number}");
            assert_eq!(run.find(hash(number)).unwrap(), [number]);
        }
        for number in 10_001..=110_000 {
            false_alarms += u32::from(run.may_hold(hash(number)));
            assert!(run.find(hash(number)).unwrap().is_empty(), "{number}");
        }
        assert!(false_alarms < 400, "{false_alarms} of 100,000");
    }
}

#[test]
fn d18_keys_of_one_hash_are_all_found() {
    let runs = KeyRuns::new(disk(), 7);
    let mut writer = runs.begin(span(0, 9), 3).unwrap();
    for (hash, sequence) in [(5, 2), (5, 8), (u64::MAX, 9)] {
        writer.push(UsedKey { hash, sequence }).unwrap();
    }
    let run = writer.publish().unwrap();
    assert_eq!(run.find(5).unwrap(), [2, 8]);
    assert_eq!(run.find(u64::MAX).unwrap(), [9]);
    assert!(run.find(6).unwrap().is_empty());
}

#[test]
fn merged_runs_hold_the_same_and_the_old_ones_go_at_the_next_start() {
    let disk = disk();
    let runs = KeyRuns::new(Arc::clone(&disk), 7);
    let old: Vec<_> = [(0, 3_000), (3_000, 3_001), (3_001, 9_000)]
        .map(|(after, through)| Arc::new(write(&runs, after, through)))
        .into();
    let merged = runs.merge(&old, &mut || true).unwrap().unwrap();
    assert_eq!(merged.span(), span(0, 9_000));
    assert_eq!(merged.keys(), 9_000);
    for number in 1..=9_000 {
        assert!(merged.may_hold(hash(number)));
        assert_eq!(merged.find(hash(number)).unwrap(), [number]);
    }
    // A crash before the old ones were removed.
    let opened = open(&*disk).unwrap();
    let spans: Vec<_> = opened.runs.iter().map(|run| run.span()).collect();
    assert_eq!(spans, [span(0, 9_000)]);
    assert_eq!(disk.list().unwrap().len(), 4);
    let end = |next| End {
        file: "journal-0000000000000001.seg".to_owned(),
        offset: 64,
        next,
        identity: Some(7),
        unfinished_bytes: 0,
    };
    let other = opened.adopt(&*disk, 8, &end(9_001)).unwrap_err();
    assert!(other.to_string().contains("another journal"), "{other}");
    let cut = opened.adopt(&*disk, 7, &end(9_000)).unwrap_err();
    assert!(
        cut.to_string().contains("sequence 9000 was durable"),
        "{cut}"
    );
    assert_eq!(disk.list().unwrap().len(), 4, "nothing was changed");
    opened.adopt(&*disk, 7, &end(9_001)).unwrap();
    assert_eq!(disk.list().unwrap(), [name(0, 9_000)]);
}

#[test]
fn a_merge_that_is_given_up_leaves_the_old_ones() {
    let disk = disk();
    let runs = KeyRuns::new(Arc::clone(&disk), 7);
    let old: Vec<_> = [(0, 600), (600, 900)]
        .map(|(after, through)| Arc::new(write(&runs, after, through)))
        .into();
    assert!(runs.merge(&old, &mut || false).unwrap().is_none());
    assert_eq!(open(&*disk).unwrap().runs.len(), 2);
    assert_eq!(disk.list().unwrap().len(), 2);
}

#[test]
fn a_gap_and_another_journal_are_refused_and_the_oldest_may_be_gone() {
    let disk = disk();
    let runs = KeyRuns::new(Arc::clone(&disk), 7);
    for (after, through) in [(0, 10), (10, 20), (20, 30)] {
        write(&runs, after, through);
    }
    disk.remove(&name(0, 10)).unwrap();
    assert_eq!(open(&*disk).unwrap().runs.len(), 2);
    write(&KeyRuns::new(Arc::clone(&disk), 8), 30, 40);
    let other = open(&*disk).unwrap_err().to_string();
    assert!(other.contains("another journal"), "{other}");
    disk.remove(&name(30, 40)).unwrap();
    write(&runs, 35, 40);
    let gap = open(&*disk).unwrap_err().to_string();
    assert!(gap.contains("one is missing"), "{gap}");
    assert!(gap.contains("move every keys-"), "{gap}");
}

#[test]
fn any_flipped_bit_is_seen() {
    let disk = disk();
    let runs = KeyRuns::new(Arc::clone(&disk), 7);
    drop(write(&runs, 0, 600));
    let file = disk.open(&name(0, 600)).unwrap();
    let mut whole = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
    file.read_at(&mut whole, 0).unwrap();
    for at in 0..whole.len() {
        let flipped = whole[at] ^ 1 << (at % 8);
        file.write_at(&[flipped], at as u64).unwrap();
        let seen = match open(&*disk) {
            Err(error) => matches!(error, OpenError::Damaged(_)),
            Ok(opened) => opened.runs[0].check(|_| true).is_err(),
        };
        assert!(seen, "byte {at} of {}", whole.len());
        file.write_at(&whole[at..=at], at as u64).unwrap();
    }
    assert!(open(&*disk).unwrap().runs[0].check(|_| true).is_ok());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = disk();
    drop(write(&KeyRuns::new(Arc::clone(&disk), 7), 0, 6));
    let file = disk.open(&name(0, 6)).unwrap();
    file.write_at(&layout::later_format(7, span(0, 6), 6), 0)
        .unwrap();
    let refused = open(&*disk).unwrap_err();
    assert!(
        matches!(refused, OpenError::NewerFormat { found: 2, .. }),
        "{refused}"
    );
}
