//! The fuzz target `journal`: bytes as entries, as a snapshot's records, and as what became of a journal's files.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use super::Input;
use crate::ledger::fuzzing::{entry, history, snapshot_record};
use crate::ledger::journal::disk::{Disk as _, Faults, SimulatedDisk};
use crate::ledger::journal::{
    Batch, Journal, JournalOptions, OpenError, SnapshotOptions, open_key_runs, read_all, verify,
};

/// The first byte says what the others are.
const KINDS: u8 = 5;
const SEGMENT_BYTES: usize = 4_096;
const ENTRIES: u64 = 36;
/// Changes to files in an input.
const MOST_CHANGES: usize = 16;
const WATERMARK: &str = "watermark";

/// Reads bytes as a part of a journal.
///
/// # Panics
///
/// Where reading does, where what was read is another thing when it is written anew, and where a damaged journal
/// is taken for a shorter one.
pub fn journal(input: &[u8]) {
    let mut input = Input::new(input);
    match input.byte() % KINDS {
        0 => entry(input.bytes(usize::MAX)),
        1 => snapshot_record(input.bytes(usize::MAX)),
        2 => history(std::iter::from_fn(|| {
            (!input.is_at_end()).then(|| input.delimited())
        })),
        3 => damaged(input),
        _ => foreign(input),
    }
}

/// What an entry of the journal here says: its place.
fn told(sequence: u64) -> Vec<u8> {
    sequence.to_le_bytes().repeat(50)
}

fn options() -> JournalOptions {
    JournalOptions {
        segment_bytes: SEGMENT_BYTES,
    }
}

/// Four segments, a snapshot, and the rest of what stands beside them.
static HEALTHY: LazyLock<SimulatedDisk> = LazyLock::new(|| {
    let disk = SimulatedDisk::new(1, Faults::default());
    let written = (|| -> Result<(), OpenError> {
        let mut journal = open(&disk)?;
        while journal.durable() < ENTRIES {
            let mut batch = Batch::new();
            for place in 1..=3 {
                batch.push(&told(journal.durable() + place));
            }
            journal.commit(&mut batch)?;
        }
        let options = SnapshotOptions {
            block_bytes: 100,
            piece_bytes: 128,
        };
        let snapshots = journal.snapshots().with_options(options);
        let mut writer = snapshots.begin(ENTRIES - 10)?;
        for place in 0..6 {
            writer.push(&[place; 40])?;
        }
        writer.publish(ENTRIES)?;
        Ok(())
    })();
    assert!(written.is_ok(), "a journal could not be begun: {written:?}");
    disk
});

fn open(disk: &SimulatedDisk) -> Result<Journal, OpenError> {
    Journal::open(Arc::new(disk.clone()), options(), |_, _| {
        Ok::<_, Infallible>(())
    })
}

/// Changes some bytes of a journal's files: what is read is what was written, and all of it as long as the
/// watermark is the right one.
fn damaged(mut input: Input<'_>) {
    let disk = HEALTHY.after_kill(Faults::default());
    let mut names = disk.list().unwrap_or_default();
    names.sort();
    for _ in 0..MOST_CHANGES {
        if input.is_at_end() {
            break;
        }
        let Some(name) = names.get(usize::from(input.byte()) % names.len()) else {
            break;
        };
        change(&disk, name, &mut input);
    }
    let is_marked = disk.contents(WATERMARK) == HEALTHY.contents(WATERMARK);
    let mut next = 1;
    let opened = Journal::open(Arc::new(disk.clone()), options(), |sequence, bytes| {
        assert_eq!((sequence, bytes), (next, &*told(sequence)));
        next += 1;
        Ok::<_, Infallible>(())
    });
    let is_whole = opened.is_err() || !is_marked || next == ENTRIES + 1;
    assert!(is_whole, "a silently shorter history: {} entries", next - 1);
    drop(opened);
    look(&disk);
}

/// Turns bits of a file over, or cuts it.
fn change(disk: &SimulatedDisk, name: &str, input: &mut Input<'_>) {
    let Some(mut bytes) = disk.contents(name) else {
        return;
    };
    let (place, what) = (usize::from(input.number()), input.byte());
    match what {
        0 => bytes.truncate(place),
        what => {
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(place % length) {
                *byte ^= what;
            }
        }
    }
    disk.replace(name, &bytes);
}

/// Puts files with whatever bytes into a folder, in the place of a journal's or beside them.
fn foreign(mut input: Input<'_>) {
    let disk = match input.byte() % 2 {
        0 => SimulatedDisk::new(1, Faults::default()),
        _ => HEALTHY.after_kill(Faults::default()),
    };
    for _ in 0..MOST_CHANGES {
        if input.is_at_end() {
            break;
        }
        let kind = input.byte();
        let number = u64::from_le_bytes(std::array::from_fn(|_| input.byte()));
        let name = match kind % 6 {
            0 => format!("journal-{number:016}.seg"),
            1 => format!("snapshot-{number:020}.snap"),
            2 => format!("keys-{number:020}-{:020}.run", number.wrapping_add(9)),
            3 => "keyring".to_owned(),
            4 => "beginning".to_owned(),
            _ => WATERMARK.to_owned(),
        };
        disk.replace(&name, input.delimited());
    }
    drop(open(&disk));
    look(&disk);
}

/// Whoever only looks at a folder refuses it, or reads it.
fn look(disk: &SimulatedDisk) {
    drop(verify(disk, 1, &(), &|_, _| Ok(())));
    let read = |_: u64, _: &[u8]| Ok::<_, Infallible>(());
    drop(read_all(disk, 1, u64::MAX, read));
    drop(open_key_runs(disk));
}
