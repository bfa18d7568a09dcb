//! A journal that grows, its backup, and journals made from that, each on a simulated disk.

use std::io;
use std::sync::Arc;

use waika_server::ledger::journal::backup::{Backup, BackupError, Restore, Restored, Taken};
use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{
    Batch, Journal, JournalOptions, Replay, SnapshotBlock, SnapshotOptions, Span, UsedKey,
};

pub(super) const OPTIONS: JournalOptions = JournalOptions {
    segment_bytes: 4096,
};

pub(super) fn entry(sequence: u64) -> Vec<u8> {
    sequence.to_le_bytes().repeat(50)
}

pub(super) fn new_disk() -> SimulatedDisk {
    SimulatedDisk::new(1, Faults::default())
}

/// A journal of so many batches of three entries, nine entries a segment.
pub(super) fn grown(batches: u64) -> SimulatedDisk {
    let disk = new_disk();
    grow(&disk, batches);
    disk
}

pub(super) fn grow(disk: &SimulatedDisk, batches: u64) {
    grow_with(disk, batches, entry);
}

pub(super) fn grow_with(disk: &SimulatedDisk, batches: u64, entry: impl Fn(u64) -> Vec<u8>) {
    let mut journal = open(disk).unwrap().0;
    for _ in 0..batches {
        let mut batch = Batch::new();
        for _ in 0..3 {
            batch.push(&entry(journal.durable() + 1 + u64::from(batch.count())));
        }
        journal.commit(&mut batch).unwrap();
    }
}

/// A snapshot, and a run of keys up to the same sequence.
pub(super) fn publish(disk: &SimulatedDisk, from: u64, covers: u64) {
    let journal = open(disk).unwrap().0;
    let span = Span {
        after: 0,
        through: from,
        put_in_ms: 1,
    };
    let mut run = journal.key_runs().begin(span, 2).unwrap();
    for sequence in [1, from] {
        let hash = sequence << 40;
        run.push(UsedKey { hash, sequence }).unwrap();
    }
    run.publish().unwrap();
    let options = SnapshotOptions {
        block_bytes: 100,
        piece_bytes: 128,
    };
    let mut writer = journal
        .snapshots()
        .with_options(options)
        .begin(from)
        .unwrap();
    for place in 0..6_u8 {
        writer.push(&[place; 40]).unwrap();
    }
    writer.publish(covers).unwrap();
}

/// What a start hands over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) blocks: usize,
    pub(super) entries: Vec<(u64, Vec<u8>)>,
}

impl Replay for Handed {
    type Error = String;

    fn block(&mut self, _: SnapshotBlock) -> Result<(), String> {
        self.blocks += 1;
        Ok(())
    }

    fn entry(&mut self, sequence: u64, entry: &[u8]) -> Result<(), String> {
        self.entries.push((sequence, entry.to_vec()));
        Ok(())
    }
}

pub(super) fn open(disk: &SimulatedDisk) -> Result<(Journal, Handed), String> {
    let mut handed = Handed::default();
    let opened = Journal::open_with(Arc::new(disk.clone()), OPTIONS, &mut handed);
    let journal = opened.map_err(|error| error.to_string())?.journal;
    Ok((journal, handed))
}

/// Every entry of a journal, without its snapshots.
pub(super) fn entries(disk: &SimulatedDisk) -> Result<Vec<Vec<u8>>, String> {
    let mut entries = Vec::new();
    let opened = Journal::open(Arc::new(disk.clone()), OPTIONS, |_, entry| {
        entries.push(entry.to_vec());
        Ok::<_, io::Error>(())
    });
    opened.map_err(|error| error.to_string())?;
    Ok(entries)
}

pub(super) fn first(count: u64) -> Vec<Vec<u8>> {
    (1..=count).map(entry).collect()
}

pub(super) fn back_up(
    journal: &SimulatedDisk,
    folder: &SimulatedDisk,
) -> Result<Taken, BackupError> {
    let backup = Backup {
        journal,
        folder,
        watch: &(),
    };
    backup.take(7)
}

/// A new journal from a backup.
pub(super) fn restore(backup: &SimulatedDisk) -> Result<(SimulatedDisk, Restored), BackupError> {
    restore_with(backup, None, None)
}

pub(super) fn restore_with(
    backup: &SimulatedDisk,
    journal: Option<&SimulatedDisk>,
    through: Option<u64>,
) -> Result<(SimulatedDisk, Restored), BackupError> {
    let folder = new_disk();
    let restored = restore_into(backup, journal, through, &folder)?;
    Ok((folder, restored))
}

pub(super) fn restore_into(
    backup: &SimulatedDisk,
    journal: Option<&SimulatedDisk>,
    through: Option<u64>,
    folder: &SimulatedDisk,
) -> Result<Restored, BackupError> {
    let restore = Restore {
        backup,
        journal: journal.map(|journal| journal as &dyn Disk),
        folder,
        through,
        watch: &(),
    };
    restore.run(&mut |_, _| Ok(()))
}

/// The files whose names begin so.
pub(super) fn named(disk: &SimulatedDisk, begin: &str) -> Vec<String> {
    let names = disk.list().unwrap().into_iter();
    names.filter(|name| name.starts_with(begin)).collect()
}
