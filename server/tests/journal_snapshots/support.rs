//! A journal with snapshots, on a simulated disk.

use std::convert::Infallible;
use std::sync::Arc;

use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{
    Batch, Journal, JournalOptions, OpenError, Opened, Published, Replay, SnapshotBlock,
    SnapshotOptions, Start,
};

pub(super) const FIRST: &str = "journal-0000000000000001.seg";
pub(super) const SECOND: &str = "journal-0000000000000002.seg";
pub(super) const THIRD: &str = "journal-0000000000000003.seg";
pub(super) const FOURTH: &str = "journal-0000000000000004.seg";
pub(super) const OLDER: &str = "snapshot-00000000000000000021.snap";
pub(super) const NEWEST: &str = "snapshot-00000000000000000030.snap";

pub(super) const SEGMENT_HEADER: usize = 64;
/// The header, and three entries of 400 bytes behind lengths of two.
pub(super) const RECORD: usize = 36 + 3 * 402;
pub(super) const ENTRIES: u64 = 36;

const OPTIONS: JournalOptions = JournalOptions {
    segment_bytes: 4096,
};

/// Twelve batches of three entries in four segments of nine. The older snapshot is from 19, in the
/// third segment; the newest from 26, in the same.
pub(super) fn healthy() -> SimulatedDisk {
    let disk = SimulatedDisk::new(1, Faults::default());
    append(&disk, 7);
    publish(&disk, 19, 21).unwrap();
    append(&disk, 3);
    publish(&disk, 26, 30).unwrap();
    append(&disk, 2);
    disk
}

pub(super) fn append(disk: &SimulatedDisk, batches: u64) {
    let mut journal = start(disk).unwrap().journal;
    for _ in 0..batches {
        let mut batch = Batch::new();
        for _ in 0..3 {
            let sequence = journal.durable() + 1 + u64::from(batch.count());
            batch.push(&entry(sequence));
        }
        journal.commit(&mut batch).unwrap();
    }
}

pub(super) fn entry(sequence: u64) -> Vec<u8> {
    sequence.to_le_bytes().repeat(50)
}

/// A snapshot of six records of two different lengths, in three blocks.
pub(super) fn publish(disk: &SimulatedDisk, from: u64, covers: u64) -> Option<Published> {
    let options = SnapshotOptions {
        block_bytes: 100,
        piece_bytes: 128,
    };
    let journal = start(disk).unwrap().journal;
    let mut writer = journal.snapshots().with_options(options).begin(from).ok()?;
    for record in records(from) {
        writer.push(&record).ok()?;
    }
    writer.publish(covers).ok()
}

fn records(from: u64) -> Vec<Vec<u8>> {
    (0..6)
        .map(|place: u8| {
            let mut record = from.to_le_bytes().to_vec();
            record.resize(40 + usize::from(place) % 2, place);
            record
        })
        .collect()
}

/// What a start handed over.
#[derive(Debug, Default)]
pub(super) struct Handed {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) entries: Vec<u64>,
}

impl Replay for Handed {
    type Error = Infallible;

    fn block(&mut self, block: SnapshotBlock) -> Result<(), Infallible> {
        self.records.extend(block.records().map(<[u8]>::to_vec));
        Ok(())
    }

    fn entry(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), Infallible> {
        assert_eq!(bytes, entry(sequence));
        self.entries.push(sequence);
        Ok(())
    }
}

/// Starts, and checks that what was handed over fits what is reported.
pub(super) fn start(disk: &SimulatedDisk) -> Result<Opened, OpenError> {
    let mut handed = Handed::default();
    let opened = Journal::open_with(Arc::new(disk.clone()), OPTIONS, &mut handed)?;
    let Start {
        snapshot, entries, ..
    } = &opened.start;
    let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.from);
    assert!(
        handed
            .entries
            .iter()
            .copied()
            .eq(from + 1..=opened.journal.durable())
    );
    assert_eq!(handed.entries.len() as u64, *entries);
    let expected = snapshot.as_ref().map_or_else(Vec::new, |_| records(from));
    assert_eq!(handed.records, expected);
    Ok(opened)
}

pub(super) fn remove(disk: &SimulatedDisk, file: &str) {
    disk.remove(file).unwrap();
}
