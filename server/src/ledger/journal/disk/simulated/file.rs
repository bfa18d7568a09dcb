//! One simulated file: what the cache shows, what the platter holds, and which sectors differ.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::SimulatedDisk;
use super::dice::Dice;
use super::state::{State, input_output_error, no_space, power_off};
use crate::ledger::journal::disk::DiskFile;

const SECTOR_BYTES: usize = 512;

/// How much of what was not synced a power cut takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    Everything,
    Nothing,
    /// Each unit of so many sectors is lost or kept by itself.
    Units {
        sectors: usize,
    },
}

impl Loss {
    pub(super) fn roll(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self::Everything,
            1 => Self::Nothing,
            2..5 => Self::Units { sectors: 1 },
            5.. => Self::Units { sectors: 8 },
        }
    }

    pub(super) fn survives(self, dice: &mut Dice) -> bool {
        match self {
            Self::Everything => false,
            Self::Nothing => true,
            Self::Units { .. } => dice.one_in(2),
        }
    }

    fn sectors(self) -> usize {
        match self {
            Self::Everything | Self::Nothing => 1,
            Self::Units { sectors } => sectors,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    cached: Vec<u8>,
    stored: Vec<u8>,
    unsynced: BTreeSet<usize>,
}

impl Content {
    pub(super) fn stored(bytes: &[u8]) -> Self {
        Self {
            cached: bytes.to_vec(),
            stored: bytes.to_vec(),
            unsynced: BTreeSet::new(),
        }
    }

    pub(super) fn cached(&self) -> &[u8] {
        &self.cached
    }

    /// The file after a power cut. A sector past the old end that was lost reads as zeros.
    pub(super) fn survivor(&self, loss: Loss, dice: &mut Dice) -> Self {
        let mut after = self.clone();
        let mut unit = None;
        let mut survives = false;
        for &sector in &self.unsynced {
            if unit.replace(sector / loss.sectors()) != Some(sector / loss.sectors()) {
                survives = loss.survives(dice);
            }
            if survives {
                after.store(sector);
            }
        }
        Self::stored(&after.stored)
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.cached.len() < end {
            self.cached.resize(end, 0);
        }
        if let Some(target) = self.cached.get_mut(offset..end) {
            target.copy_from_slice(bytes);
        }
        self.unsynced
            .extend(offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
    }

    /// Moves one sector from the cache to the platter.
    fn store(&mut self, sector: usize) {
        let end = ((sector + 1) * SECTOR_BYTES).min(self.cached.len());
        let range: Range<usize> = sector * SECTOR_BYTES..end;
        if self.stored.len() < end {
            self.stored.resize(end, 0);
        }
        if let (Some(to), Some(from)) = (self.stored.get_mut(range.clone()), self.cached.get(range))
        {
            to.copy_from_slice(from);
        }
    }

    fn sync(&mut self) {
        for sector in std::mem::take(&mut self.unsynced) {
            self.store(sector);
        }
    }

    /// The kernel writes pages back when it likes: any sectors now, and the rest stay unsynced.
    fn write_back(&mut self, dice: &mut Dice) {
        for sector in std::mem::take(&mut self.unsynced) {
            if dice.one_in(2) {
                self.store(sector);
            } else {
                self.unsynced.insert(sector);
            }
        }
    }

    /// A sync that failed: some sectors are on the platter, and the kernel believes that all are.
    fn fail_sync(&mut self, dice: &mut Dice) {
        self.write_back(dice);
        self.unsynced.clear();
    }
}

#[derive(Debug)]
pub(super) struct SimulatedFile {
    state: Arc<Mutex<State>>,
    inode: usize,
}

impl SimulatedFile {
    pub(super) fn new(disk: &SimulatedDisk, inode: usize) -> Self {
        Self {
            state: Arc::clone(&disk.state),
            inode,
        }
    }

    fn with<T>(
        &self,
        act: impl FnOnce(&mut Content, &mut Dice) -> io::Result<T>,
        state: &mut State,
    ) -> io::Result<T> {
        let content = state
            .inodes
            .get_mut(self.inode)
            .ok_or(io::ErrorKind::NotFound)?;
        act(content, &mut state.dice)
    }
}

impl DiskFile for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        let state = &mut *self.state.lock();
        state.powered()?;
        self.with(|content, _| Ok(content.cached.len() as u64), state)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = &mut *self.state.lock();
        state.powered()?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buffer.len());
        let read = |content: &mut Content, _: &mut Dice| {
            let bytes = content
                .cached
                .get(start..end)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        };
        self.with(read, state)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let state = &mut *self.state.lock();
        let last = state.change()?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let fails = state.faults.fail_write_at == Some(state.writes);
        state.writes += 1;
        let in_use = state.in_use();
        let capacity = state.faults.capacity_bytes.unwrap_or(usize::MAX);
        self.with(
            |content, dice| {
                let growth = (offset + bytes.len()).saturating_sub(content.cached.len());
                let full = in_use + growth > capacity;
                let written = if last || fails || full {
                    usize::try_from(dice.below(bytes.len() as u64)).unwrap_or(0)
                } else {
                    bytes.len()
                };
                content.write(bytes.get(..written).unwrap_or(bytes), offset);
                if dice.one_in(8) {
                    content.write_back(dice);
                }
                match (last, fails, full) {
                    (true, _, _) => Err(power_off()),
                    (_, true, _) => Err(input_output_error()),
                    (_, _, true) => Err(no_space()),
                    (false, false, false) => Ok(()),
                }
            },
            state,
        )
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *self.state.lock();
        let last = state.change()?;
        let fails = state.sync();
        self.with(
            |content, dice| match (last, fails) {
                (true, _) => Err(power_off()),
                (false, true) => {
                    content.fail_sync(dice);
                    Err(input_output_error())
                }
                (false, false) => {
                    content.sync();
                    Ok(())
                }
            },
            state,
        )
    }
}
