//! The whole of a simulated disk: its files, its names, and what it was asked so far.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::Faults;
use super::dice::Dice;
use super::file::Content;

#[derive(Debug)]
pub(super) struct State {
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    pub(super) power: bool,
    pub(super) changes: u64,
    pub(super) writes: u64,
    pub(super) syncs: u64,
    pub(super) delayed: Duration,
    pub(super) inodes: Vec<Content>,
    pub(super) names: BTreeMap<String, usize>,
    pub(super) stored_names: BTreeMap<String, usize>,
    pub(super) unsynced_names: Vec<NameChange>,
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Bind(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

impl NameChange {
    /// What the running system sees, and what a folder sync makes of it.
    pub(super) fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Bind(name, inode) => drop(names.insert(name, inode)),
            Self::Remove(name) => drop(names.remove(&name)),
            Self::Rename(from, to, inode) => {
                names.remove(&from);
                names.insert(to, inode);
            }
        }
    }

    /// What a power cut may leave of it: each end of a renaming survives by itself, so that the
    /// file may have its old name, its new one, or both. It never loses both by being renamed.
    pub(super) fn survive(self, names: &mut BTreeMap<String, usize>, dice: &mut Dice) {
        match self {
            Self::Rename(from, to, inode) if dice.one_in(4) => {
                names.insert(from, inode);
                names.insert(to, inode);
            }
            Self::Rename(from, to, inode) => {
                // Another file may have got the old name in the meantime.
                if names.get(&from) == Some(&inode) {
                    names.remove(&from);
                }
                names.insert(to, inode);
            }
            Self::Bind(..) | Self::Remove(_) => self.apply(names),
        }
    }
}

impl State {
    /// Counts a change, and says whether the power goes during it.
    pub(super) fn change(&mut self) -> io::Result<bool> {
        self.powered()?;
        let last = self.faults.power_off_at == Some(self.changes);
        self.changes += 1;
        self.power = !last;
        Ok(last)
    }

    pub(super) fn powered(&self) -> io::Result<()> {
        if self.power { Ok(()) } else { Err(power_off()) }
    }

    pub(super) fn in_use(&self) -> usize {
        let named = self
            .names
            .values()
            .filter_map(|&inode| self.inodes.get(inode));
        named.map(|content| content.cached().len()).sum()
    }

    pub(super) fn rename(&mut self, change: NameChange) -> io::Result<()> {
        let last = self.change()?;
        self.unsynced_names.push(change.clone());
        change.apply(&mut self.names);
        if last { Err(power_off()) } else { Ok(()) }
    }

    /// Counts a sync and its time, and says whether it is the one that fails.
    pub(super) fn sync(&mut self) -> bool {
        let fails = self.faults.fail_sync_at == Some(self.syncs);
        self.syncs += 1;
        self.delayed += Duration::from_micros(50 + self.dice.below(3_000));
        fails
    }
}

pub(super) fn power_off() -> io::Error {
    io::Error::other("the simulated power is off")
}

pub(super) fn input_output_error() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())
}

pub(super) fn no_space() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error())
}
