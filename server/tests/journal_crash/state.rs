//! A state that depends on every entry, kept in parts as a ledger keeps accounts, and the copying
//! of it while entries go on being appended.

use std::convert::Infallible;

use waika_server::ledger::journal::{
    DiskError, Published, Replay, SnapshotBlock, SnapshotWriter, Snapshots,
};

const PARTS: usize = 5;

/// What follows from the entries of one residue class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    /// The last entry that changed it.
    last: u64,
    count: u64,
    hash: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    parts: [Part; PARTS],
}

impl State {
    /// The state after all these entries.
    pub(super) fn of(entries: &[Vec<u8>]) -> Self {
        let mut state = Self::default();
        for (sequence, entry) in (1..).zip(entries) {
            state.apply(sequence, entry);
        }
        state
    }

    /// An entry changes only a part that does not have it yet.
    pub(super) fn apply(&mut self, sequence: u64, entry: &[u8]) {
        let part = &mut self.parts[usize::try_from(sequence).unwrap() % PARTS];
        if sequence > part.last {
            part.last = sequence;
            part.count += 1;
            part.hash = part.hash.rotate_left(7) ^ u64::from(crc32c::crc32c(entry)) ^ sequence;
        }
    }
}

/// What a start hands over.
#[derive(Debug, Default)]
pub(super) struct Restart {
    pub(super) state: State,
    pub(super) blocks: u64,
    pub(super) entries: Vec<(u64, Vec<u8>)>,
}

impl Replay for Restart {
    type Error = Infallible;

    fn block(&mut self, block: SnapshotBlock) -> Result<(), Infallible> {
        assert!(self.entries.is_empty(), "blocks come before entries");
        assert_eq!(block.number(), self.blocks);
        assert_eq!(block.records().count(), block.count() as usize);
        self.blocks += 1;
        for record in block.records() {
            let mut fields = record.chunks_exact(8).map(|bytes| {
                let bytes: [u8; 8] = bytes.try_into().unwrap();
                u64::from_le_bytes(bytes)
            });
            let mut field = || fields.next().unwrap();
            let place = usize::try_from(field()).unwrap();
            self.state.parts[place] = Part {
                last: field(),
                count: field(),
                hash: field(),
            };
        }
        Ok(())
    }

    fn entry(&mut self, sequence: u64, entry: &[u8]) -> Result<(), Infallible> {
        self.state.apply(sequence, entry);
        self.entries.push((sequence, entry.to_vec()));
        Ok(())
    }
}

/// A snapshot that is being made, part by part.
#[derive(Debug)]
pub(super) struct Copying {
    writer: SnapshotWriter,
    done: usize,
    covers: u64,
}

impl Copying {
    /// `applied` is the last sequence that the state has, durable or not.
    pub(super) fn begin(snapshots: &Snapshots, applied: u64) -> Result<Self, DiskError> {
        Ok(Self {
            writer: snapshots.begin(applied)?,
            done: 0,
            covers: applied,
        })
    }

    /// Copies the next part as it is now, behind so many bytes that make blocks of all sizes.
    pub(super) fn copy(&mut self, state: &State, padding: usize) -> Result<(), DiskError> {
        let Some(&Part { last, count, hash }) = state.parts.get(self.done) else {
            return Ok(());
        };
        let fields = [self.done as u64, last, count, hash].map(u64::to_le_bytes);
        let mut record = fields.concat();
        record.resize(record.len() + padding, 0);
        self.covers = self.covers.max(last);
        self.done += 1;
        self.writer.push(&record)
    }

    /// Whether all of it is there, and durable.
    pub(super) fn is_ready(&self, durable: u64) -> bool {
        self.done == PARTS && durable >= self.covers
    }

    pub(super) fn publish(self) -> Result<Published, DiskError> {
        self.writer.publish(self.covers)
    }
}
