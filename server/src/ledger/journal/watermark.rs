//! The watermark: how far the journal was durable, kept beside it, so that a journal that has lost
//! its end is told from one that never had more.
//!
//! After each sync the durable sequence goes into one of two slots in turn, and is not synced: it
//! may be older than the truth, never newer. A slot is 28 bytes in a sector of its own, so a power
//! cut leaves it old or new: magic `WKWM`, version, identity, sequence, CRC-32C.

use bytes::BufMut;

use super::disk::Disk;
use super::error::{DiskError, OpenError};
use super::file::{NamedFile, sync_folder};
use super::record::take;

/// The file's name.
pub(super) const FILE: &str = "watermark";

const MAGIC: [u8; 4] = *b"WKWM";
const FORMAT: u32 = 1;
const SLOT_BYTES: usize = 28;
const CHECKED_BYTES: usize = SLOT_BYTES - 4;
const SLOTS_AT: [u64; 2] = [0, 4096];

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The journal to which it belongs.
    pub(super) identity: u64,
    /// The highest sequence that was durable when it was written.
    pub(super) sequence: u64,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Watermark {
    file: NamedFile,
    identity: u64,
    /// The slot for the next mark: never the one that holds the newest.
    turn: usize,
}

impl Watermark {
    /// The newest mark; `None` if there is no file, or none in it that is whole.
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Mark>, OpenError> {
        let Some(file) = NamedFile::open_if_there(disk, FILE)? else {
            return Ok(None);
        };
        let [first, second] = SLOTS_AT;
        let slots = [read_slot(&file, first)?, read_slot(&file, second)?];
        Ok(slots.into_iter().flatten().max_by_key(|mark| mark.sequence))
    }

    /// A new file with this mark in both slots, durable when this returns.
    pub(super) fn create(disk: &dyn Disk, mark: Mark) -> Result<Self, DiskError> {
        let watermark = Self::begin(NamedFile::create(disk, FILE)?, mark)?;
        sync_folder(disk)?;
        Ok(watermark)
    }

    /// The file that is there, from which [`Watermark::read`] had a mark, with this mark in both
    /// slots. It is synced because a process may have been killed before its creation was.
    pub(super) fn resume(disk: &dyn Disk, mark: Mark) -> Result<Self, DiskError> {
        Self::begin(NamedFile::open(disk, FILE)?, mark)
    }

    fn begin(file: NamedFile, mark: Mark) -> Result<Self, DiskError> {
        let mut watermark = Self {
            file,
            identity: mark.identity,
            turn: 0,
        };
        watermark.raise(mark.sequence)?;
        watermark.raise(mark.sequence)?;
        watermark.file.sync()?;
        Ok(watermark)
    }

    /// Says that everything up to `sequence` is durable.
    pub(super) fn raise(&mut self, sequence: u64) -> Result<(), DiskError> {
        let [first, second] = SLOTS_AT;
        let at = if self.turn == 0 { first } else { second };
        let slot = encode(Mark {
            identity: self.identity,
            sequence,
        });
        self.file.write_at(&slot, at)?;
        self.turn = 1 - self.turn;
        Ok(())
    }
}

fn encode(mark: Mark) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT_BYTES);
    slot.put_slice(&MAGIC);
    slot.put_u32_le(FORMAT);
    slot.put_u64_le(mark.identity);
    slot.put_u64_le(mark.sequence);
    slot.put_u32_le(crc32c::crc32c(&slot));
    slot
}

fn read_slot(file: &NamedFile, at: u64) -> Result<Option<Mark>, OpenError> {
    let mut bytes = [0; SLOT_BYTES];
    if file.length()? < at + SLOT_BYTES as u64 {
        return Ok(None);
    }
    file.read_at(&mut bytes, at)?;
    let Some((mark, format)) = decode(&bytes) else {
        return Ok(None);
    };
    if format > FORMAT {
        let file = FILE.to_owned();
        return Err(OpenError::NewerFormat {
            file,
            found: format,
            supported: FORMAT,
        });
    }
    Ok(Some(mark))
}

fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<(Mark, u32)> {
    let checked = bytes.get(..CHECKED_BYTES)?;
    let fields = &mut &bytes[..];
    let magic: [u8; 4] = take(fields)?;
    let format = u32::from_le_bytes(take(fields)?);
    let identity = u64::from_le_bytes(take(fields)?);
    let sequence = u64::from_le_bytes(take(fields)?);
    let whole = magic == MAGIC && u32::from_le_bytes(take(fields)?) == crc32c::crc32c(checked);
    whole.then_some((Mark { identity, sequence }, format))
}
