//! Whether the store's disk has room for new decisions.
//!
//! A write that finds no room is an error like any other, and ends the server. So below a floor nothing
//! new is begun, and what was begun is finished: the floor leaves room for that.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{Gauge, gauge};
use rustix::fs::{StatVfs, statvfs};

/// The room on a store's disk, as it was when somebody looked last.
#[derive(Debug)]
pub(crate) struct Room {
    /// Where to look: nowhere for a store in memory, or if no room is too little.
    folder: Option<PathBuf>,
    floor: u64,
    short: AtomicBool,
    free: Gauge,
}

/// What is different since somebody looked the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomChange {
    /// There are this many bytes, which is too little.
    RanShort(u64),
    /// There are this many bytes, which is enough again.
    HasRoom(u64),
}

impl Room {
    /// There is room until somebody has looked. A floor of 0 bytes is none.
    pub(crate) fn new(folder: Option<PathBuf>, floor: u64) -> Self {
        Self {
            folder: folder.filter(|_| floor > 0),
            floor,
            short: AtomicBool::new(false),
            free: gauge!("waika_store_free_bytes"),
        }
    }

    /// In bytes.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    /// Whether a look can tell anything.
    pub(crate) fn is_watched(&self) -> bool {
        self.folder.is_some()
    }

    /// Whether nothing new may be begun.
    pub(crate) fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    /// Asks the system, and says what has changed. It blocks for as long as the system takes.
    pub(crate) fn look(&self) -> io::Result<Option<RoomChange>> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let disk = statvfs(folder)?;
        let free = free_on(&disk);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.free.set(free as f64);
        let was_short = self.is_short();
        let short = is_short(free, self.floor, was_short);
        self.short.store(short, Ordering::Relaxed);
        Ok(match (was_short, short) {
            (false, true) => Some(RoomChange::RanShort(free)),
            (true, false) => Some(RoomChange::HasRoom(free)),
            (false, false) | (true, true) => None,
        })
    }
}

/// What room a folder's disk has for us, in bytes; none if the system does not tell.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    statvfs(folder).ok().map(|disk| free_on(&disk))
}

/// What root alone may use is no room of ours.
fn free_on(disk: &StatVfs) -> u64 {
    disk.f_bavail.saturating_mul(disk.f_frsize)
}

/// Whoever was short has room again with an eighth more than the floor, so that a file that comes and goes
/// does not take the server in and out of service.
fn is_short(free: u64, floor: u64, was_short: bool) -> bool {
    let more = if was_short { floor / 8 } else { 0 };
    free < floor.saturating_add(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_floor_is_short_and_an_eighth_more_is_enough_again() {
        for (free, was_short, short) in [
            (0, false, true),
            (7_999, false, true),
            (8_000, false, false),
            (8_000, true, true),
            (8_999, true, true),
            (9_000, true, false),
            (u64::MAX, true, false),
        ] {
            assert_eq!(
                is_short(free, 8_000, was_short),
                short,
                "{free} {was_short}"
            );
        }
        assert!(is_short(u64::MAX - 1, u64::MAX, true), "no floor overflows");
    }

    #[test]
    fn a_look_tells_a_change_once() {
        let here = Some(PathBuf::from("/"));
        let without = Room::new(here.clone(), 0);
        assert_eq!(without.look().unwrap(), None);
        let in_memory = Room::new(None, u64::MAX);
        assert_eq!(in_memory.look().unwrap(), None);
        assert!(!in_memory.is_short());
        let never = Room::new(here.clone(), u64::MAX);
        let change = never.look().unwrap();
        assert!(
            matches!(change, Some(RoomChange::RanShort(_))),
            "{change:?}"
        );
        assert!(never.is_short());
        assert_eq!(never.look().unwrap(), None);
        let always = Room::new(here, 1);
        assert_eq!(always.look().unwrap(), None);
        assert!(!always.is_short());
    }

    #[test]
    fn a_folder_that_is_gone_changes_nothing() {
        let room = Room::new(Some("/no such folder".into()), 1);
        assert_eq!(room.look().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!room.is_short());
    }
}
