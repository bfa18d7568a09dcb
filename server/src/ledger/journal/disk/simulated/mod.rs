//! A disk in memory that fails as real ones do, repeatably under a seed.
//!
//! Each file has two contents: what the page cache shows, and what the platter holds. A sync moves
//! the one to the other; a power cut moves an arbitrary part. After a failed sync the cache still
//! shows bytes that the platter never got and that no later sync will write (as Linux does). A name
//! is as volatile until the folder's sync: a renamed file may have its old name, its new one, or
//! both.

mod dice;
mod file;
mod state;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Disk, DiskFile};
use dice::Dice;
use file::{Content, Loss};
use state::{NameChange, State, input_output_error, power_off};

/// What goes wrong, and when. The default is a disk on which nothing does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The power goes during this change (any write, sync, creation, renaming or removal, from 0).
    pub power_off_at: Option<u64>,
    /// This write (from 0) fails with EIO after a part of it.
    pub fail_write_at: Option<u64>,
    /// This file or folder sync (from 0) fails with EIO after a part of it.
    pub fail_sync_at: Option<u64>,
    /// Files may not take up more bytes than this together; a write that would fails with ENOSPC.
    pub capacity_bytes: Option<usize>,
}

/// The simulated disk. Clones are handles to the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

impl SimulatedDisk {
    /// An empty disk. All its chances follow from the seed and the order of the calls.
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self::with(Dice::new(seed), faults, Vec::new(), BTreeMap::new())
    }

    fn with(
        dice: Dice,
        faults: Faults,
        inodes: Vec<Content>,
        names: BTreeMap<String, usize>,
    ) -> Self {
        let state = State {
            dice,
            faults,
            power: true,
            changes: 0,
            writes: 0,
            syncs: 0,
            delayed: Duration::ZERO,
            inodes,
            stored_names: names.clone(),
            names,
            unsynced_names: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// What a machine finds after a power cut: of all that was not synced, none, all, or any part,
    /// torn at 512 or 4,096 bytes, with holes, and with names of files missing.
    #[must_use]
    pub fn after_power_cut(&self, faults: Faults) -> Self {
        let mut state = self.state.lock();
        let loss = Loss::roll(&mut state.dice);
        let State {
            dice,
            inodes,
            stored_names,
            unsynced_names,
            ..
        } = &mut *state;
        let survivors = inodes
            .iter()
            .map(|content| content.survivor(loss, dice))
            .collect();
        let mut names = stored_names.clone();
        for change in unsynced_names.iter().cloned() {
            if !loss.survives(dice) {
                continue;
            }
            change.survive(&mut names, dice);
        }
        let dice = state.dice.split();
        Self::with(dice, faults, survivors, names)
    }

    /// What a process finds after another was killed: the page cache, with what is on the platter
    /// behind it as uncertain as before.
    #[must_use]
    pub fn after_kill(&self, faults: Faults) -> Self {
        let mut state = self.state.lock();
        let dice = state.dice.split();
        let disk = Self::with(dice, faults, state.inodes.clone(), state.names.clone());
        let mut next = disk.state.lock();
        next.stored_names.clone_from(&state.stored_names);
        next.unsynced_names.clone_from(&state.unsynced_names);
        drop(next);
        disk
    }

    /// Changes what goes wrong from now on; what was counted so far stays counted.
    pub fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// The changes, the writes and the syncs that were asked of this disk, for choosing [`Faults`].
    pub fn counts(&self) -> [u64; 3] {
        let state = self.state.lock();
        [state.changes, state.writes, state.syncs]
    }

    /// The time that syncs would have taken. It is counted, never slept.
    pub fn delayed(&self) -> Duration {
        self.state.lock().delayed
    }

    /// A file's bytes as the page cache shows them.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        let inode = *state.names.get(name)?;
        Some(state.inodes.get(inode)?.cached().to_vec())
    }

    /// Damage: puts a file with these bytes on the platter, in place of any other of its name.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state.lock();
        let inode = state.inodes.len();
        state.inodes.push(Content::stored(bytes));
        state.names.insert(name.to_owned(), inode);
        state.stored_names.insert(name.to_owned(), inode);
    }

    /// Damage: turns one bit of a file over, on the platter and in the cache. Nothing happens past
    /// its end.
    pub fn flip_bit(&self, name: &str, offset: usize, bit: u32) {
        let Some(mut bytes) = self.contents(name) else {
            return;
        };
        if let Some(byte) = bytes.get_mut(offset) {
            *byte ^= 1_u8.rotate_left(bit);
        }
        self.replace(name, &bytes);
    }
}

impl Disk for SimulatedDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        state.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state.lock();
        let inode = state.inodes.len();
        state.inodes.push(Content::default());
        state.rename(NameChange::Bind(name.to_owned(), inode))?;
        Ok(Arc::new(file::SimulatedFile::new(self, inode)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state.lock();
        state.powered()?;
        let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(file::SimulatedFile::new(self, inode)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.rename(NameChange::Rename(from.to_owned(), to.to_owned(), inode))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename(NameChange::Remove(name.to_owned()))
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.change()? {
            return Err(power_off());
        }
        if state.sync() {
            return Err(input_output_error());
        }
        state.stored_names = state.names.clone();
        state.unsynced_names.clear();
        Ok(())
    }
}
