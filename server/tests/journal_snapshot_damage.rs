//! A snapshot that is cut, changed or another journal's is named and passed over; a start that
//! would lose what a snapshot proves is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

#[path = "journal_snapshots/support.rs"]
mod support;

use std::convert::Infallible;
use std::sync::Arc;

use support::*;
use waika_server::ledger::journal::disk::{Faults, SimulatedDisk};
use waika_server::ledger::journal::{
    Damage, Journal, JournalOptions, OpenError, ReadError, Replay, SnapshotBlock, Start, verify,
};

const WATERMARK: &str = "watermark";

type Harm<'a> = &'a dyn Fn(&SimulatedDisk);

fn cut(disk: &SimulatedDisk, file: &str, length: usize) {
    let bytes = disk.contents(file).unwrap();
    disk.replace(file, &bytes[..length]);
}

/// The file that a start used, and those that it passed over, with why.
fn used(disk: &SimulatedDisk) -> (Option<String>, Vec<String>) {
    let opened = start(disk).unwrap();
    assert_eq!(opened.journal.durable(), ENTRIES);
    let Start {
        snapshot,
        passed_over,
        ..
    } = opened.start;
    let names = passed_over.into_iter().map(|passed| {
        assert!(!passed.why.is_empty());
        format!("{}: {}", passed.file, passed.why)
    });
    (snapshot.map(|snapshot| snapshot.file), names.collect())
}

fn damage(disk: &SimulatedDisk) -> Damage {
    match start(disk) {
        Err(OpenError::Damaged(damage)) => {
            let message = damage.to_string();
            assert!(message.contains("backup"), "{message}");
            damage
        }
        other => panic!("not refused as damage: {other:?}"),
    }
}

/// The older one is used, and the newest is named with these words.
fn check_passed_over(case: &str, disk: &SimulatedDisk, why: &str) {
    let (file, passed_over) = used(disk);
    assert_eq!(file.as_deref(), Some(OLDER), "{case}");
    assert_eq!(passed_over.len(), 1, "{case}: {passed_over:?}");
    assert!(
        passed_over[0].starts_with(NEWEST),
        "{case}: {passed_over:?}"
    );
    assert!(passed_over[0].contains(why), "{case}: {passed_over:?}");
    let verified = verify(disk, 2, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(verified.damages.len(), 1, "{case}: {verified:?}");
    assert_eq!(verified.damages[0].file, NEWEST, "{case}");
    assert_eq!(verified.snapshots.len(), 1, "{case}");
}

#[test]
fn a_start_uses_the_newest_and_reads_what_comes_after_it() {
    let disk = healthy();
    let opened = start(&disk).unwrap();
    let snapshot = opened.start.snapshot.unwrap();
    assert_eq!(snapshot.file, NEWEST);
    assert_eq!((snapshot.from, snapshot.covers), (26, 30));
    assert_eq!((snapshot.records, snapshot.blocks), (6, 3));
    assert_eq!(snapshot.bytes, disk.contents(NEWEST).unwrap().len() as u64);
    assert_eq!(opened.start.entries, 10);
}

#[test]
fn one_that_is_cut_at_any_length_is_passed_over() {
    let healthy = healthy();
    for length in 0..healthy.contents(NEWEST).unwrap().len() {
        let disk = healthy.after_kill(Faults::default());
        cut(&disk, NEWEST, length);
        check_passed_over(&format!("cut to {length}"), &disk, "");
    }
}

#[test]
fn one_with_any_bit_flipped_is_passed_over() {
    let healthy = healthy();
    for offset in 0..healthy.contents(NEWEST).unwrap().len() {
        let disk = healthy.after_kill(Faults::default());
        disk.flip_bit(NEWEST, offset, u32::try_from(offset % 8).unwrap());
        let why = if offset < 64 { "its header" } else { "" };
        check_passed_over(&format!("byte {offset}"), &disk, why);
    }
}

#[test]
fn one_that_is_not_what_was_published_is_passed_over() {
    // Two records of 40 and 41 bytes behind their lengths, behind a header of 16.
    let block = 16 + 41 + 42;
    let swapped = |disk: &SimulatedDisk| {
        let mut bytes = disk.contents(NEWEST).unwrap();
        let (first, second) = bytes[64..].split_at_mut(block);
        first.swap_with_slice(&mut second[..block]);
        disk.replace(NEWEST, &bytes);
    };
    let twice = |disk: &SimulatedDisk| {
        let bytes = disk.contents(NEWEST).unwrap();
        let end = bytes.len() - 40;
        let longer = [&bytes[..end], &bytes[end - block..]].concat();
        disk.replace(NEWEST, &longer);
    };
    let longer = |disk: &SimulatedDisk| {
        let bytes = disk.contents(NEWEST).unwrap();
        disk.replace(NEWEST, &[&bytes[..], &[0; 40]].concat());
    };
    let renamed = |disk: &SimulatedDisk| disk.replace(NEWEST, &disk.contents(OLDER).unwrap());
    let other = healthy().contents(NEWEST).unwrap();
    let foreign = |disk: &SimulatedDisk| disk.replace(NEWEST, &other);
    let other_end = |disk: &SimulatedDisk| {
        let mut bytes = disk.contents(NEWEST).unwrap();
        let footer = bytes.len() - 40;
        bytes.truncate(footer);
        bytes.extend_from_slice(&other[footer..]);
        disk.replace(NEWEST, &bytes);
    };
    let cases: [(&str, Harm<'_>, &str); 6] = [
        ("two blocks in each other's place", &swapped, "byte 64"),
        ("a block twice", &twice, "the block here"),
        ("bytes behind the footer", &longer, "the block here"),
        (
            "the older one under its name",
            &renamed,
            "covers sequence 21",
        ),
        ("another journal's", &foreign, "another journal"),
        ("another journal's footer", &other_end, "no footer"),
    ];
    for (case, harm, why) in cases {
        let disk = healthy();
        harm(&disk);
        check_passed_over(case, &disk, why);
    }
}

#[test]
fn when_none_is_whole_everything_is_replayed() {
    let disk = healthy();
    cut(&disk, NEWEST, 100);
    disk.flip_bit(OLDER, 70, 1);
    let (file, passed_over) = used(&disk);
    assert_eq!(file, None);
    assert!(passed_over[0].starts_with(NEWEST) && passed_over[1].starts_with(OLDER));
}

#[test]
fn whoever_reads_beside_a_journal_is_handed_the_newest_that_is_whole() {
    let disk = healthy();
    let snapshots = start(&disk).unwrap().journal.snapshots();
    let read = || {
        let mut records = Vec::new();
        let published = snapshots.read_newest(|block| {
            match block {
                None => records.clear(),
                Some(block) => records.extend(block.records().map(<[u8]>::to_vec)),
            }
            Ok::<_, Infallible>(())
        });
        let file = published.unwrap().map(|published| published.file);
        (file, records.len())
    };
    assert_eq!(read(), (Some(NEWEST.to_owned()), 6));
    // In its last block, when the others were handed over.
    let last = disk.contents(NEWEST).unwrap().len() - 50;
    disk.flip_bit(NEWEST, last, 1);
    assert_eq!(read(), (Some(OLDER.to_owned()), 6));
    disk.flip_bit(OLDER, 70, 1);
    assert_eq!(read(), (None, 0));
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = healthy();
    let mut bytes = disk.contents(NEWEST).unwrap();
    bytes[8..12].copy_from_slice(&9_u32.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..28]);
    bytes[28..32].copy_from_slice(&checksum.to_le_bytes());
    disk.replace(NEWEST, &bytes);
    let error = start(&disk).unwrap_err();
    assert!(
        matches!(error, OpenError::NewerFormat { found: 9, .. }),
        "{error}"
    );
    assert!(error.to_string().contains(NEWEST), "{error}");
}

#[test]
fn a_journal_that_ends_before_what_a_snapshot_covers_is_refused() {
    let end = SEGMENT_HEADER + 3 * RECORD;
    let last_lost = |disk: &SimulatedDisk| remove(disk, FOURTH);
    let cut_short = |disk: &SimulatedDisk| cut(disk, FOURTH, SEGMENT_HEADER);
    let last_two_lost = |disk: &SimulatedDisk| {
        remove(disk, FOURTH);
        remove(disk, THIRD);
    };
    let all_lost = |disk: &SimulatedDisk| {
        for file in [FIRST, SECOND, THIRD, FOURTH] {
            remove(disk, file);
        }
    };
    let cases: [(&str, Harm<'_>, (&str, usize, u64)); 4] = [
        ("the last segment", &last_lost, (THIRD, end, 28)),
        ("its records", &cut_short, (FOURTH, SEGMENT_HEADER, 28)),
        ("the last two", &last_two_lost, (SECOND, end, 19)),
        ("all", &all_lost, (FIRST, 0, 1)),
    ];
    for (case, harm, (file, offset, sequence)) in cases {
        let disk = healthy();
        // Without a watermark the snapshot alone knows.
        remove(&disk, WATERMARK);
        harm(&disk);
        let damage = damage(&disk);
        assert_eq!((&*damage.file, damage.sequence), (file, sequence), "{case}");
        assert_eq!(damage.offset, offset as u64, "{case}");
        assert!(damage.what.contains(NEWEST), "{case}: {damage}");
        let verified = verify(&disk, 1, &(), &|_, _| Ok(())).unwrap();
        let found = |known: &Damage| known.what.contains(NEWEST) && known.file == file;
        assert!(verified.damages.iter().any(found), "{case}: {verified:?}");
    }
}

#[test]
fn a_missing_or_changed_segment_is_refused_also_where_a_snapshot_covers_it() {
    for (file, sequence) in [(FIRST, 1), (SECOND, 10)] {
        let disk = healthy();
        remove(&disk, file);
        let damage = damage(&disk);
        assert_eq!(
            (&*damage.file, damage.offset, damage.sequence),
            (file, 0, sequence)
        );
        let note = "a snapshot does not hold the answers to keys that were used";
        assert!(
            damage.what.contains(note) && damage.what.contains(NEWEST),
            "{damage}"
        );
        for offset in 0..SEGMENT_HEADER {
            let disk = healthy();
            disk.flip_bit(file, offset, 3);
            assert_eq!(damage_file(&disk), file, "byte {offset}");
        }
        let disk = healthy();
        disk.replace(file, &disk.contents(THIRD).unwrap());
        assert_eq!(damage_file(&disk), file);
    }
}

fn damage_file(disk: &SimulatedDisk) -> String {
    damage(disk).file
}

#[test]
fn a_record_below_the_snapshot_is_refused_when_it_is_read_and_found_by_a_check() {
    let at = SEGMENT_HEADER + RECORD;
    // In the payload, the length, the number of entries, the first sequence, and the magic.
    for within in [50, 29, 31, 24, 27, 16, 0] {
        let disk = healthy();
        disk.flip_bit(SECOND, at + within, 2);
        let opened = start(&disk).unwrap();
        assert_eq!(opened.start.snapshot.unwrap().file, NEWEST);
        let reader = opened.journal.reader();
        for sequence in 1..=ENTRIES {
            match reader.read(sequence) {
                Ok(bytes) => assert_eq!(bytes, Some(entry(sequence))),
                Err(ReadError::Damaged(damage)) => {
                    assert!((13..=18).contains(&sequence), "{sequence}: {damage}");
                    assert_eq!((&*damage.file, damage.offset), (SECOND, at as u64));
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(reader.read(13).is_err());
        let verified = verify(&disk, 2, &(), &|_, _| Ok(())).unwrap();
        let found: Vec<_> = verified
            .damages
            .iter()
            .map(|d| (&*d.file, d.offset))
            .collect();
        assert_eq!(found, [(SECOND, at as u64)]);
        assert_eq!(verified.entries, ENTRIES - 3);
    }
}

/// Cannot take the second block.
struct NoAccounts;

impl Replay for NoAccounts {
    type Error = String;

    fn block(&mut self, block: SnapshotBlock) -> Result<(), String> {
        match block.number() {
            0 => Ok(()),
            _ => Err("no such account".to_owned()),
        }
    }

    fn entry(&mut self, _: u64, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_block_that_the_ledger_cannot_take_is_named() {
    let disk = Arc::new(healthy());
    let error = Journal::open_with(disk, JournalOptions::default(), &mut NoAccounts).unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains(&format!("block 1 of {NEWEST}")),
        "{message}"
    );
}

/// The power went while the first record of a segment was written, right behind a snapshot.
#[test]
fn a_journal_goes_on_behind_a_snapshot_that_holds_all_of_it() {
    let disk = SimulatedDisk::new(1, Faults::default());
    append(&disk, 9);
    publish(&disk, 27, 27).unwrap();
    let watermark = disk.contents(WATERMARK).unwrap();
    append(&disk, 1);
    disk.replace(WATERMARK, &watermark);
    let mut bytes = disk.contents(FOURTH).unwrap();
    bytes[SEGMENT_HEADER + 100..].fill(0xFF);
    disk.replace(FOURTH, &bytes);
    let opened = start(&disk).unwrap();
    assert_eq!((opened.journal.durable(), opened.start.entries), (27, 0));
    drop(opened);
    append(&disk, 3);
    assert_eq!(
        used(&disk).0.as_deref(),
        Some("snapshot-00000000000000000027.snap")
    );
}

#[test]
fn an_unfinished_file_is_removed_and_a_foreign_one_is_left_alone() {
    let disk = healthy();
    let bytes = disk.contents(NEWEST).unwrap();
    for file in ["snapshot.tmp", "snapshot-31.snap", "snapshot.tmp.bak"] {
        disk.replace(file, &bytes);
    }
    assert_eq!(used(&disk).0.as_deref(), Some(NEWEST));
    assert!(disk.contents("snapshot.tmp").is_none());
    assert!(disk.contents("snapshot-31.snap").is_some());
    assert!(disk.contents("snapshot.tmp.bak").is_some());
}

#[test]
fn any_bytes_at_all_are_passed_over_or_refused_without_a_panic() {
    let healthy = healthy();
    let files = [FIRST, SECOND, THIRD, FOURTH, OLDER, NEWEST, WATERMARK];
    let mut dice: u64 = 1;
    let mut below = |bound: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(dice >> 33).unwrap() % bound
    };
    for _ in 0..2_000 {
        let disk = healthy.after_kill(Faults::default());
        for _ in 0..=below(4) {
            let file = files[below(files.len())];
            let mut bytes = disk.contents(file).unwrap();
            let (at, length) = (below(bytes.len()), below(9));
            let end = bytes.len().min(at + length);
            bytes[at..end].fill([0, 0xFF, 0x7F, b'W'][below(4)]);
            disk.replace(file, &bytes);
        }
        drop(verify(&disk, 1, &(), &|_, _| Ok(())).unwrap());
        match start(&disk) {
            Ok(opened) => assert_eq!(opened.journal.durable(), ENTRIES),
            Err(OpenError::Damaged(_)) => {}
            Err(other) => panic!("not named as damage: {other}"),
        }
    }
}
