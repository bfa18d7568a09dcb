//! A journal that has lost or changed anything refuses to open, and says what, where, and how to
//! restore: never a silently shorter history.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::convert::Infallible;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{Batch, Journal, JournalOptions, OpenError, ReadError};

const FIRST: &str = "journal-0000000000000001.seg";
const SECOND: &str = "journal-0000000000000002.seg";
const THIRD: &str = "journal-0000000000000003.seg";
const FOURTH: &str = "journal-0000000000000004.seg";
const FIFTH: &str = "journal-0000000000000005.seg";
const WATERMARK: &str = "watermark";

const SEGMENT_HEADER: usize = 64;
const BATCHES: u64 = 12;
const ENTRIES: u64 = BATCHES * 3;
/// The header, and three entries of 400 bytes behind lengths of two.
const RECORD: usize = 36 + 3 * 402;

/// Twelve batches of three entries: three records in each segment, so that there are four.
fn healthy() -> SimulatedDisk {
    let disk = SimulatedDisk::new(1, Faults::default());
    append(&disk, BATCHES);
    disk
}

fn append(disk: &SimulatedDisk, batches: u64) {
    commit(&mut open(disk).unwrap().0, batches);
}

fn commit(journal: &mut Journal, batches: u64) {
    for _ in 0..batches {
        let mut batch = Batch::new();
        for _ in 0..3 {
            let sequence = journal.durable() + 1 + u64::from(batch.count());
            batch.push(&entry(sequence));
        }
        journal.commit(&mut batch).unwrap();
    }
}

fn entry(sequence: u64) -> Vec<u8> {
    sequence.to_le_bytes().repeat(50)
}

fn open(disk: &SimulatedDisk) -> Result<(Journal, u64), OpenError> {
    open_with(disk, 4096)
}

fn open_with(disk: &SimulatedDisk, segment_bytes: usize) -> Result<(Journal, u64), OpenError> {
    let options = JournalOptions { segment_bytes };
    let mut count = 0;
    let journal = Journal::open(Arc::new(disk.clone()), options, |sequence, bytes| {
        count += 1;
        assert_eq!((sequence, bytes), (count, &*entry(count)));
        Ok::<_, Infallible>(())
    })?;
    Ok((journal, count))
}

/// The file, offset and sequence that a refusal names; `None` if all entries were there.
fn refusal(disk: &SimulatedDisk) -> Option<(String, u64, u64)> {
    match open(disk) {
        Ok((_, count)) => {
            assert_eq!(count, ENTRIES, "a silently shorter history");
            None
        }
        Err(OpenError::Damaged(damage)) => {
            let message = damage.to_string();
            for named in [
                &damage.file,
                &damage.offset.to_string(),
                &damage.sequence.to_string(),
            ] {
                assert!(message.contains(named), "{message:?} does not name {named}");
            }
            assert!(
                message.contains("backup") && message.contains("do not delete"),
                "{message}"
            );
            Some((damage.file, damage.offset, damage.sequence))
        }
        Err(other) => panic!("not named as damage: {other}"),
    }
}

fn check(case: &str, harm: impl FnOnce(&SimulatedDisk), expected: Option<(&str, usize, u64)>) {
    let disk = healthy();
    harm(&disk);
    let expected = expected.map(|(file, offset, at)| (file.to_owned(), offset as u64, at));
    assert_eq!(refusal(&disk), expected, "{case}");
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_record_is_refused_where_the_record_is() {
    let healthy = healthy();
    // In a middle record; in the last of a sealed segment; in the last of all, where only the
    // watermark tells damage from a write that was cut short.
    for (file, place, sequence) in [(SECOND, 1, 13), (SECOND, 2, 16), (FOURTH, 2, 34)] {
        let begin = SEGMENT_HEADER + place * RECORD;
        for offset in begin..begin + RECORD {
            let disk = healthy.after_kill(Faults::default());
            disk.flip_bit(file, offset, u32::try_from(offset % 8).unwrap());
            let expected = Some((file.to_owned(), begin as u64, sequence));
            assert_eq!(refusal(&disk), expected, "byte {offset} of {file}");
        }
    }
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_segment_header_is_refused() {
    for (file, sequence) in [(FIRST, 1), (SECOND, 10), (FOURTH, 28)] {
        for offset in 0..SEGMENT_HEADER {
            let flip = |disk: &SimulatedDisk| disk.flip_bit(file, offset, 3);
            check(&format!("byte {offset}"), flip, Some((file, 0, sequence)));
        }
    }
}

#[test]
fn a_flipped_bit_in_the_watermark_or_in_unused_space_is_harmless() {
    let length = healthy().contents(WATERMARK).unwrap().len();
    for offset in (0..length).filter(|offset| offset % 4096 < 32) {
        check(
            "watermark",
            |disk| disk.flip_bit(WATERMARK, offset, 5),
            None,
        );
    }
    let unused = SEGMENT_HEADER + 3 * RECORD;
    for (file, offset) in [
        (FIRST, unused),
        (SECOND, 4095),
        (FOURTH, unused),
        (FOURTH, 4000),
    ] {
        check("unused space", |disk| disk.flip_bit(file, offset, 5), None);
    }
}

#[test]
fn damage_before_a_whole_record_is_refused_also_when_the_watermark_is_old() {
    let disk = healthy();
    let old = disk.contents(WATERMARK).unwrap();
    append(&disk, 2);
    disk.replace(WATERMARK, &old);
    disk.flip_bit(FIFTH, SEGMENT_HEADER + 50, 0);
    let expected = (FIFTH.to_owned(), SEGMENT_HEADER as u64, ENTRIES + 1);
    assert_eq!(refusal(&disk), Some(expected));
}

#[test]
fn what_a_cut_write_left_is_overwritten_before_the_journal_goes_on() {
    let disk = healthy();
    let end = SEGMENT_HEADER + 3 * RECORD;
    disk.flip_bit(FOURTH, end + 1, 0);
    open(&disk).unwrap();
    let kept = disk
        .after_power_cut(Faults::default())
        .contents(FOURTH)
        .unwrap();
    assert!(kept[end..].iter().all(|&byte| byte == 0xFF));
}

#[test]
fn missing_and_mixed_up_files_are_refused_by_name() {
    let end = SEGMENT_HEADER + 3 * RECORD;
    let cut = |file: &'static str, length: usize| {
        move |disk: &SimulatedDisk| {
            let bytes = disk.contents(file).unwrap();
            disk.replace(file, &bytes[..length]);
        }
    };
    let remove = |file: &'static str| move |disk: &SimulatedDisk| disk.remove(file).unwrap();
    check("first segment missing", remove(FIRST), Some((FIRST, 0, 1)));
    check(
        "middle segment missing",
        remove(SECOND),
        Some((SECOND, 0, 10)),
    );
    check(
        "last segment missing",
        remove(FOURTH),
        Some((THIRD, end, 28)),
    );
    let all = |disk: &SimulatedDisk| {
        for file in [FIRST, SECOND, THIRD, FOURTH] {
            disk.remove(file).unwrap();
        }
    };
    check("all missing", all, Some((FIRST, 0, 1)));
    check(
        "sealed segment truncated",
        cut(SECOND, 2000),
        Some((SECOND, SEGMENT_HEADER + RECORD, 13)),
    );
    check(
        "last segment truncated",
        cut(FOURTH, 2000),
        Some((FOURTH, SEGMENT_HEADER + RECORD, 31)),
    );
    check(
        "sealed segment empty",
        cut(SECOND, 0),
        Some((SECOND, 0, 10)),
    );
    check("last segment empty", cut(FOURTH, 0), Some((THIRD, end, 28)));
    check("only unused space truncated", cut(FOURTH, end), None);
    check("watermark missing", remove(WATERMARK), None);
    check("watermark empty", cut(WATERMARK, 0), None);
    let copy = |disk: &SimulatedDisk| disk.replace(THIRD, &disk.contents(SECOND).unwrap());
    check("a segment copied over another", copy, Some((THIRD, 0, 19)));
}

#[test]
fn a_cut_write_without_a_watermark_is_refused_because_it_may_have_been_acknowledged() {
    let last = SEGMENT_HEADER + 2 * RECORD;
    let harm = |disk: &SimulatedDisk| {
        disk.remove(WATERMARK).unwrap();
        disk.flip_bit(FOURTH, last + 50, 0);
    };
    check("both", harm, Some((FOURTH, last, 34)));
}

#[test]
fn files_of_another_journal_are_refused() {
    let other = healthy();
    let segment = other.contents(THIRD).unwrap();
    check(
        "segment",
        |disk| disk.replace(THIRD, &segment),
        Some((THIRD, 0, 19)),
    );
    let mark = other.contents(WATERMARK).unwrap();
    check(
        "watermark",
        |disk| disk.replace(WATERMARK, &mark),
        Some((WATERMARK, 0, 37)),
    );
}

#[test]
fn a_foreign_file_is_left_alone_and_an_empty_folder_is_a_new_journal() {
    let disk = healthy();
    disk.replace("notes.txt", b"mine");
    disk.replace("journal-9.seg", b"mine too");
    assert_eq!(refusal(&disk), None);
    assert_eq!(disk.contents("notes.txt").unwrap(), b"mine");
    assert_eq!(disk.contents("journal-9.seg").unwrap(), b"mine too");
    assert_eq!(
        open(&SimulatedDisk::new(2, Faults::default())).unwrap().1,
        0
    );
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let record = |at: usize| (FIRST, SEGMENT_HEADER + at * RECORD, RECORD, 32);
    let cases = [(FIRST, 0, 0, 36), (FOURTH, 0, 0, 36), record(0), record(2)];
    for (file, begin, whole, checked) in cases {
        let disk = healthy();
        let mut bytes = disk.contents(file).unwrap();
        let format_at = begin + if whole == 0 { 8 } else { 4 };
        bytes[format_at..format_at + 4].copy_from_slice(&9_u32.to_le_bytes());
        let mut checksum = crc32c::crc32c(&bytes[begin..begin + checked]);
        if whole > 0 {
            let payload = &bytes[begin + checked + 4..begin + whole];
            checksum = crc32c::crc32c_append(checksum, payload);
        }
        bytes[begin + checked..begin + checked + 4].copy_from_slice(&checksum.to_le_bytes());
        disk.replace(file, &bytes);
        let error = open(&disk).unwrap_err();
        assert!(
            matches!(error, OpenError::NewerFormat { found: 9, .. }),
            "{error}"
        );
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn an_entry_that_was_damaged_after_the_start_is_not_given_out() {
    let disk = healthy();
    let journal = open(&disk).unwrap().0;
    let damaged_at = SEGMENT_HEADER + RECORD + 100;
    disk.open(SECOND)
        .unwrap()
        .write_at(&[0], damaged_at as u64)
        .unwrap();
    let reader = journal.reader();
    for sequence in 1..=ENTRIES {
        match reader.read(sequence) {
            Ok(bytes) => assert_eq!(bytes, Some(entry(sequence))),
            Err(ReadError::Damaged(damage)) => {
                assert!((13..16).contains(&sequence));
                assert_eq!((&*damage.file, damage.sequence), (SECOND, sequence));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(reader.read(0).unwrap(), None);
    assert_eq!(reader.read(ENTRIES + 1).unwrap(), None);
}

/// Where a record's header has its length.
const LENGTH_AT: usize = 28;

/// Few of a segment's batches are noted in memory: the others are looked for on the disk.
#[test]
fn a_record_that_was_damaged_on_the_way_to_another_is_named() {
    let disk = SimulatedDisk::new(1, Faults::default());
    let mut journal = open_with(&disk, 1 << 20).unwrap().0;
    commit(&mut journal, 400);
    let reader = journal.reader();
    for sequence in 1..=1_200 {
        assert_eq!(reader.read(sequence).unwrap(), Some(entry(sequence)));
    }
    assert_eq!(reader.read(1_201).unwrap(), None);

    let record_at = SEGMENT_HEADER + 50 * RECORD;
    let file = disk.open(FIRST).unwrap();
    let at = u64::try_from(record_at + LENGTH_AT).unwrap();
    file.write_at(&[0xFF; 2], at).unwrap();
    let mut damaged = Vec::new();
    for sequence in 1..=1_200 {
        match reader.read(sequence) {
            Ok(bytes) => assert_eq!(bytes, Some(entry(sequence))),
            Err(ReadError::Damaged(damage)) => {
                assert_eq!((&*damage.file, damage.offset), (FIRST, record_at as u64));
                damaged.push(sequence);
            }
            Err(other) => panic!("{other}"),
        }
    }
    let (first, last) = (damaged.first().unwrap(), damaged.last().unwrap());
    assert_eq!(*first, 151);
    assert!(*last < 151 + 16 * 1024 / 400, "far behind it: {last}");
}

#[test]
fn any_bytes_at_all_are_refused_or_read_without_a_panic() {
    for seed in 0..2_000 {
        let disk = healthy();
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |bound: usize| dice.random_range(0..bound);
        for _ in 0..=below(4) {
            let file = [FIRST, SECOND, THIRD, FOURTH, WATERMARK][below(5)];
            let mut bytes = disk.contents(file).unwrap();
            let (at, length) = (below(bytes.len()), below(9));
            let end = bytes.len().min(at + length);
            bytes[at..end].fill([0, 0xFF, 0x7F, b'W'][below(4)]);
            disk.replace(file, &bytes);
        }
        refusal(&disk);
    }
}
