//! Snapshots as they are written, and journals as they are read behind one, checked and exported.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

#[path = "journal_snapshots/looked_at.rs"]
mod looked_at;
#[path = "journal_snapshots/support.rs"]
mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use support::*;
use waika_server::ledger::journal::disk::{Disk, Faults, MemoryDisk, SimulatedDisk};
use waika_server::ledger::journal::{
    Batch, Journal, JournalOptions, OpenError, Opened, Progress, Replay, SnapshotBlock, Verified,
    read_all, verify,
};

/// Takes anything.
#[derive(Default)]
struct Any {
    blocks: Vec<SnapshotBlock>,
    entries: u64,
}

impl Replay for Any {
    type Error = String;

    fn block(&mut self, block: SnapshotBlock) -> Result<(), String> {
        self.blocks.push(block);
        Ok(())
    }

    fn entry(&mut self, _: u64, _: &[u8]) -> Result<(), String> {
        self.entries += 1;
        Ok(())
    }
}

fn open_any(disk: Arc<dyn Disk>, segment_bytes: usize) -> (Opened, Any) {
    let mut any = Any::default();
    let opened = Journal::open_with(disk, JournalOptions { segment_bytes }, &mut any);
    (opened.unwrap(), any)
}

#[test]
fn records_of_any_length_come_back_in_order_and_blocks_may_go_to_other_threads() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::ZERO));
    let (opened, _) = open_any(Arc::clone(&disk), 4096);
    let lengths = [0, 1, 300, 700_000, 700_000, 9 << 20, 5, 1 << 20, 3 << 20, 0];
    let records: Vec<_> = (0_u8..)
        .zip(lengths)
        .map(|(fill, length)| vec![fill; length])
        .collect();
    let mut writer = opened.journal.snapshots().begin(0).unwrap();
    for record in &records {
        writer.push(record).unwrap();
    }
    let published = writer.publish(0).unwrap();
    assert_eq!(
        opened.journal.snapshots().newest().unwrap(),
        Some(published.clone())
    );
    drop(opened);
    let (opened, any) = open_any(disk, 4096);
    assert_eq!(opened.start.snapshot, Some(published));
    let read: Vec<_> = thread::scope(|scope| {
        let own = |block: &SnapshotBlock| block.records().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let blocks = any.blocks.iter();
        let threads: Vec<_> = blocks
            .map(|block| scope.spawn(move || own(block)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(read == records);
}

#[test]
fn no_more_than_four_mebibytes_wait_for_a_sync() {
    let disk = SimulatedDisk::new(1, Faults::default());
    let (opened, _) = open_any(Arc::new(disk.clone()), 4096);
    let [_, _, before] = disk.counts();
    let mut writer = opened.journal.snapshots().begin(0).unwrap();
    writer.push(&vec![1; 9 << 20]).unwrap();
    for _ in 0..11 {
        writer.push(&vec![1; 1_000_000]).unwrap();
    }
    let bytes = writer.publish(0).unwrap().bytes;
    // One for each whole piece, one for the rest, one for the folder.
    let [_, _, after] = disk.counts();
    assert_eq!(after - before, bytes / (4 << 20) + 2);
}

#[test]
fn an_empty_snapshot_is_one_too() {
    let disk = SimulatedDisk::new(1, Faults::default());
    let snapshots = open_any(Arc::new(disk.clone()), 4096).0.journal.snapshots();
    assert_eq!(snapshots.newest().unwrap(), None);
    let published = snapshots.begin(0).unwrap().publish(0).unwrap();
    assert_eq!((published.records, published.blocks), (0, 0));
    let (opened, any) = open_any(Arc::new(disk), 4096);
    assert_eq!(opened.start.snapshot, Some(published));
    assert!(any.blocks.is_empty());
}

#[test]
fn one_is_written_at_a_time_and_one_that_is_dropped_leaves_nothing() {
    let disk = healthy();
    let snapshots = start(&disk).unwrap().journal.snapshots();
    let mut writer = snapshots.begin(36).unwrap();
    writer.push(b"a part").unwrap();
    let busy = snapshots.clone().begin(36).unwrap_err();
    assert_eq!(busy.source.kind(), io::ErrorKind::ResourceBusy);
    assert!(disk.contents("snapshot.tmp").is_some());
    drop(writer);
    assert!(disk.contents("snapshot.tmp").is_none());
    let backwards = snapshots.begin(36).unwrap().publish(35).unwrap_err();
    assert_eq!(backwards.source.kind(), io::ErrorKind::InvalidInput);
    assert!(disk.contents("snapshot.tmp").is_none());
    assert_eq!(snapshots.newest().unwrap().unwrap().file, NEWEST);
}

#[test]
fn the_newest_two_are_kept() {
    let disk = healthy();
    assert!(disk.contents(OLDER).is_some() && disk.contents(NEWEST).is_some());
    let published = publish(&disk, 33, 36).unwrap();
    assert!(disk.contents(OLDER).is_none());
    assert!(disk.contents(NEWEST).is_some() && disk.contents(&published.file).is_some());
    // The same state once more.
    assert_eq!(publish(&disk, 33, 36), Some(published));
    assert!(disk.contents(NEWEST).is_some());
}

#[test]
fn a_snapshot_that_failed_once_is_not_published() {
    let disk = healthy();
    let journal = start(&disk).unwrap().journal;
    let mut writer = journal.snapshots().begin(36).unwrap();
    let [_, asked, _] = disk.counts();
    disk.set_faults(Faults {
        fail_write_at: Some(asked),
        ..Faults::default()
    });
    let record = vec![1; 800_000];
    writer.push(&record).unwrap();
    assert!(writer.push(&record).is_err());
    let error = writer.publish(36).unwrap_err();
    assert!(error.to_string().contains("an earlier write"), "{error}");
    assert_eq!(journal.snapshots().newest().unwrap().unwrap().file, NEWEST);
    assert!(disk.contents("snapshot.tmp").is_none());
}

/// Many small segments, a snapshot near the end, and entries that fill a segment of their own.
fn many_segments() -> (SimulatedDisk, Vec<Vec<u8>>) {
    let disk = SimulatedDisk::new(7, Faults::default());
    let (Opened { mut journal, .. }, _) = open_any(Arc::new(disk.clone()), 4096);
    let mut entries = Vec::new();
    for number in 0..400_usize {
        let mut batch = Batch::new();
        for place in 0..=number % 4 {
            let length = if number % 97 == 0 {
                9_000
            } else {
                number % 350
            };
            let fill = u8::try_from((number + place) % 251).unwrap();
            entries.push(vec![fill; length]);
            batch.push(&entries[entries.len() - 1]);
        }
        journal.commit(&mut batch).unwrap();
    }
    let from = journal.durable() - 20;
    journal
        .snapshots()
        .begin(from)
        .unwrap()
        .publish(from + 7)
        .unwrap();
    (disk, entries)
}

#[test]
fn every_sequence_can_be_read_after_a_start_from_a_snapshot() {
    let (disk, entries) = many_segments();
    let segments = disk.list().unwrap().len() - 2;
    assert!(segments > 40, "{segments}");
    for seed in 0..3_usize {
        let (opened, any) = open_any(Arc::new(disk.clone()), 4096);
        assert_eq!(any.entries, 20);
        let reader = opened.journal.reader();
        thread::scope(|scope| {
            for turn in 0..2 {
                let (reader, entries) = (reader.clone(), &entries);
                scope.spawn(move || {
                    for place in 0..entries.len() {
                        // In order, backwards, and from both ends.
                        let place = match (seed + turn) % 3 {
                            0 => place,
                            1 => entries.len() - 1 - place,
                            _ => place * 613 % entries.len(),
                        };
                        let read = reader.read(place as u64 + 1).unwrap();
                        assert!(read.as_ref() == Some(&entries[place]), "{place}");
                    }
                });
            }
        });
        assert_eq!(reader.read(0).unwrap(), None);
        assert_eq!(reader.read(entries.len() as u64 + 1).unwrap(), None);
    }
}

#[derive(Default)]
struct Bytes {
    total: AtomicU64,
    done: AtomicU64,
}

impl Progress for Bytes {
    fn total(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    fn done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[test]
fn a_check_sees_every_entry_once_and_tells_how_far_it_is() {
    let (disk, entries) = many_segments();
    for jobs in [0, 1, 3, 1_000] {
        let (progress, seen) = (Bytes::default(), AtomicU64::new(0));
        let verified = verify(&disk, jobs, &progress, &|sequence, bytes| {
            assert!(bytes == entries[usize::try_from(sequence).unwrap() - 1]);
            seen.fetch_add(sequence, Ordering::Relaxed);
            Ok(())
        });
        let Verified {
            entries: count,
            first,
            last,
            bytes,
            damages,
            unfinished_bytes,
            snapshots,
            ..
        } = verified.unwrap();
        assert_eq!((count, first, last), (1_000, 1, 1_000));
        assert_eq!(
            (damages.len(), unfinished_bytes, snapshots.len()),
            (0, 0, 1)
        );
        assert_eq!(seen.into_inner(), 1_000 * 1_001 / 2);
        assert_eq!(
            (progress.total.into_inner(), progress.done.into_inner()),
            (bytes, bytes)
        );
    }
}

#[test]
fn a_check_names_all_damages_and_an_unfinished_end_is_none() {
    let disk = healthy();
    disk.flip_bit(FIRST, SEGMENT_HEADER + 50, 1);
    disk.flip_bit(SECOND, SEGMENT_HEADER + 2 * RECORD + 50, 1);
    disk.flip_bit(THIRD, SEGMENT_HEADER + RECORD + 50, 1);
    disk.flip_bit(OLDER, 70, 1);
    let end = SEGMENT_HEADER + 3 * RECORD;
    disk.flip_bit(FOURTH, end + 9, 1);
    let verified = verify(&disk, 2, &(), &|sequence, _| match sequence {
        30 => Err("an unknown event".to_owned()),
        _ => Ok(()),
    });
    let verified = verified.unwrap();
    let found: Vec<_> = verified
        .damages
        .iter()
        .map(|damage| (&*damage.file, damage.offset, damage.sequence))
        .collect();
    let at = |records: usize| (SEGMENT_HEADER + records * RECORD) as u64;
    let expected = [
        (FIRST, at(0), 1),
        (SECOND, at(2), 16),
        (THIRD, at(1), 22),
        (FOURTH, at(0), 30),
        (OLDER, 64, 21),
    ];
    assert_eq!(found, expected);
    assert!(verified.damages[3].what.contains("an unknown event"));
    assert_eq!((verified.entries, verified.last), (ENTRIES - 9, ENTRIES));
    assert!(verified.unfinished_bytes > 0);
    // One that the watermark vouches for is.
    let disk = healthy();
    disk.flip_bit(FOURTH, end - 9, 1);
    let verified = verify(&disk, 2, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(
        (&*verified.damages[0].file, verified.damages[0].sequence),
        (FOURTH, 34)
    );
}

#[test]
fn missing_and_headless_segments_are_named_by_a_check() {
    for (file, sequence) in [(FIRST, 1), (SECOND, 10), (THIRD, 19)] {
        let disk = healthy();
        remove(&disk, file);
        let verified = verify(&disk, 2, &(), &|_, _| Ok(())).unwrap();
        assert_eq!(verified.damages.len(), 1, "{verified:?}");
        let damage = &verified.damages[0];
        assert_eq!((&*damage.file, damage.sequence), (file, sequence));
    }
    for file in [FIRST, SECOND, THIRD, FOURTH] {
        let disk = healthy();
        disk.flip_bit(file, 20, 1);
        let verified = verify(&disk, 2, &(), &|_, _| Ok(())).unwrap();
        assert!(
            verified.damages.iter().any(|damage| damage.file == file),
            "{verified:?}"
        );
    }
    let empty = SimulatedDisk::new(1, Faults::default());
    assert_eq!(
        verify(&empty, 1, &(), &|_, _| Ok(())).unwrap(),
        Verified::default()
    );
}

#[test]
fn an_export_walks_any_range_and_stops_at_the_unfinished_end() {
    let disk = healthy();
    disk.flip_bit(FOURTH, SEGMENT_HEADER + 3 * RECORD + 9, 1);
    let cases = [
        (0, u64::MAX, 1, 36),
        (1, 36, 1, 36),
        (10, 18, 10, 18),
        (11, 19, 11, 19),
        (36, 36, 36, 36),
        (37, 40, 37, 36),
        (9, 8, 9, 8),
    ];
    for (from, to, first, last) in cases {
        let mut read = Vec::new();
        let count = read_all(&disk, from, to, |sequence, bytes| {
            assert_eq!(bytes, entry(sequence));
            read.push(sequence);
            Ok::<_, String>(())
        });
        assert!(
            read.iter().copied().eq(first..=last),
            "{from} to {to}: {read:?}"
        );
        assert_eq!(count.unwrap(), read.len() as u64);
    }
    let refuse = |_, _: &[u8]| Err("the disk of the export is full".to_owned());
    let error = read_all(&disk, 5, 6, refuse).unwrap_err();
    assert!(error.to_string().contains("entry 5"), "{error}");
    disk.flip_bit(SECOND, SEGMENT_HEADER + 9, 1);
    let error = read_all(&disk, 1, 36, |_, _| Ok::<_, String>(())).unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)), "{error}");
}
