//! Pruning: the oldest segments are removed, once everything that a start needs of them stands
//! elsewhere, and that is checked at this moment.
//!
//! The order is the promise: check, say durably where the journal begins from now on, remove oldest
//! first. Whatever a crash cuts short, the next start finds a journal that begins where it says, and
//! removes what is before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};
use thiserror::Error;

use super::beginning::{self, Beginning};
use super::disk::Disk;
use super::error::{DiskError, OpenError, ReadError};
use super::file::{NamedFile, sync_folder};
use super::index::Index;
use super::key_runs::{self, Flaw as RunFlaw, KeyRun};
use super::record::Record;
use super::snapshot::{self, Flaw, SnapshotFile, Step};
use super::{segment, walk};

/// So many whole snapshots must hold what is removed, so that one that is damaged later does not
/// cost the store.
const SNAPSHOTS: usize = 2;
/// Bytes of a run that are read between two questions whether to go on.
const SLICE_BYTES: u64 = 1 << 20;

/// Where a journal is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The first sequence that is kept: that with which a segment begins.
    pub first: u64,
    /// When its entry was decided, in milliseconds since 1970.
    pub at_ms: i64,
    /// From which instant on days are whole, the same.
    pub days_from_ms: i64,
    /// Used keys up to this sequence must stand in runs; 0: none need to.
    pub keys_through: u64,
}

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Where the journal begins now.
    pub beginning: Beginning,
    /// How many segments are gone.
    pub segments: u64,
    /// Their length in bytes.
    pub bytes: u64,
}

/// Why nothing was removed, or not everything: the next start goes on with what was begun.
#[derive(Debug, Error)]
pub enum NotPruned {
    /// No segment but the oldest begins with that sequence.
    #[error("no later segment begins with sequence {first}")]
    NoSegment {
        /// The sequence.
        first: u64,
    },
    /// Too few whole snapshots hold what was to be removed.
    #[error("{whole} whole snapshots hold everything up to sequence {first}, and {SNAPSHOTS} must")]
    TooFewSnapshots {
        /// With which sequence the journal was to begin.
        first: u64,
        /// How many there are.
        whole: usize,
    },
    /// A run of used keys is gone, and after a pruning nothing could make it anew.
    #[error(
        "used keys up to sequence {through} must stand in keys-*.run files, and not all of them are there"
    )]
    KeysMissing {
        /// The last sequence.
        through: u64,
    },
    /// A run of used keys, or a file's format, is not as it should be.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A call to the disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An earlier pruning failed: what is on the disk is unknown until the next start.
    #[error("an earlier pruning failed: the next start ends it")]
    FailedBefore,
    /// It was told not to go on.
    #[error("the server is stopping")]
    Stopped,
}

/// Removes the oldest segments of a journal. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Pruner {
    disk: Arc<dyn Disk>,
    index: Arc<Index>,
    one_at_a_time: Arc<Mutex<()>>,
    failed: Arc<AtomicBool>,
}

impl Pruner {
    pub(super) fn new(disk: Arc<dyn Disk>, index: Arc<Index>) -> Self {
        Self {
            disk,
            index,
            one_at_a_time: Arc::default(),
            failed: Arc::default(),
        }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Held by whoever removes old segments or writes them anew.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.one_at_a_time.lock()
    }

    /// Does what leaves the disk in a state that only the next start can tell, should it fail, and nothing of
    /// the kind any more from then on.
    pub(super) fn at_risk<T, E>(
        &self,
        failed_before: E,
        act: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if self.failed.swap(true, Ordering::AcqRel) {
            return Err(failed_before);
        }
        // What a sync that failed has left on the disk, a later one does not tell.
        let done = act()?;
        self.failed.store(false, Ordering::Release);
        Ok(done)
    }

    /// Where the journal begins; `None`: with sequence 1.
    pub fn beginning(&self) -> Option<Beginning> {
        self.index.beginning()
    }

    /// With which sequences the journal could begin instead, ascending: those of its segments but the
    /// oldest.
    pub fn places(&self) -> Vec<u64> {
        let places = self.index.places().into_iter().skip(1);
        places.map(|(_, first)| first).collect()
    }

    /// Up to which sequence the newest snapshots hold everything, by what they say of themselves.
    pub fn held_by_snapshots(&self) -> Result<u64, DiskError> {
        let names = snapshot::names(&*self.disk)?;
        let from = names.into_iter().filter_map(|name| {
            let file = SnapshotFile::open(&*self.disk, name).ok()?;
            (file.identity() == self.index.identity()).then(|| file.footer().ok())?
        });
        let newest: Vec<_> = from.take(SNAPSHOTS).map(|known| known.from).collect();
        let held = newest.iter().min().filter(|_| newest.len() == SNAPSHOTS);
        Ok(held.copied().unwrap_or(0))
    }

    /// The entry with which a segment begins; `None` if none begins with that sequence. Reads nothing
    /// else of it.
    pub fn first_entry(&self, first: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let places = self.index.places();
        let Some((ordinal, _)) = places.into_iter().find(|&(_, begins)| begins == first) else {
            return Ok(None);
        };
        let file = NamedFile::open(&*self.disk, &segment::name(ordinal))?;
        let bytes = walk::read_record(&file, segment::HEADER_BYTES as u64)?;
        let record = bytes.as_deref().and_then(|it| Record::decode(it).ok());
        let record = record.filter(|record| record.first == first);
        let entry = record.and_then(|record| record.entries().next().flatten());
        Ok(entry.map(<[u8]>::to_vec))
    }

    /// Begins the journal with a later segment, and removes those before it. Never the last one, nor any
    /// of which a start needs something. Reads two snapshots and all runs of used keys, and asks `go_on`
    /// now and then.
    pub fn prune(
        &self,
        wanted: Wanted,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Pruned, NotPruned> {
        let _alone = self.alone();
        let places = self.index.places();
        let begins = |&(_, first): &(u64, u64)| first == wanted.first;
        let place = places.iter().skip(1).copied().find(begins);
        let first = wanted.first;
        let (segment, _) = place.ok_or(NotPruned::NoSegment { first })?;
        self.check_snapshots(first, go_on)?;
        self.check_keys(wanted.keys_through, go_on)?;
        let beginning = Beginning {
            identity: self.index.identity(),
            segment,
            first,
            at_ms: wanted.at_ms,
            days_from_ms: wanted.days_from_ms,
        };
        self.at_risk(NotPruned::FailedBefore, || {
            beginning::publish(&*self.disk, beginning)?;
            // Before any file goes: whoever looks for what was in it hears why it is not there.
            self.index.begin_with(beginning);
            let older = places.iter().take_while(|(ordinal, _)| *ordinal < segment);
            Ok(self.remove(older.map(|(ordinal, _)| *ordinal), beginning)?)
        })
    }

    fn remove(
        &self,
        ordinals: impl Iterator<Item = u64>,
        beginning: Beginning,
    ) -> Result<Pruned, DiskError> {
        let mut pruned = Pruned {
            beginning,
            segments: 0,
            bytes: 0,
        };
        for ordinal in ordinals {
            let name = segment::name(ordinal);
            let length = NamedFile::open(&*self.disk, &name)?.length()?;
            let removed = self.disk.remove(&name);
            removed.map_err(DiskError::of("remove", &name))?;
            pruned.segments += 1;
            pruned.bytes += length;
        }
        sync_folder(&*self.disk)?;
        Ok(pruned)
    }

    /// Reads the newest snapshots, until enough of them are whole and hold what came before `first`, and
    /// that itself: an entry with that sequence is durable then.
    fn check_snapshots(
        &self,
        first: u64,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), NotPruned> {
        let mut whole = 0;
        for name in snapshot::names(&*self.disk)? {
            if whole == SNAPSHOTS {
                break;
            }
            match self.holds(name.clone(), first, go_on) {
                Ok(Some(holds)) => whole += usize::from(holds),
                Ok(None) => return Err(NotPruned::Stopped),
                Err(flaw @ Flaw::Newer(_)) => return Err(flaw.into_error(&name).into()),
                Err(flaw) => {
                    let why = flaw.into_error(&name);
                    tracing::warn!(%why, "a snapshot is not whole: nothing is pruned on its word");
                }
            }
        }
        match whole {
            SNAPSHOTS => Ok(()),
            whole => Err(NotPruned::TooFewSnapshots { first, whole }),
        }
    }

    /// Whether a snapshot holds everything up to a sequence and is whole; `None` if told to stop.
    fn holds(
        &self,
        name: snapshot::Name,
        first: u64,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<bool>, Flaw> {
        let mut file = SnapshotFile::open(&*self.disk, name)?;
        file.check_identity(self.index.identity())?;
        loop {
            if !go_on() {
                return Ok(None);
            }
            if let Step::End(published) = file.step(Vec::new())? {
                return Ok(Some(published.from >= first));
            }
        }
    }

    /// Reads the runs of used keys: snapshots leave keys to them, and no start makes them anew.
    fn check_keys(&self, through: u64, go_on: &mut dyn FnMut() -> bool) -> Result<(), NotPruned> {
        let mut reached = None;
        let (names, _) = key_runs::names(&*self.disk)?;
        for name in names {
            let run = NamedFile::open(&*self.disk, &name)
                .map_err(RunFlaw::from)
                .and_then(|file| KeyRun::open(file, &name));
            let run = match run {
                // It was merged into another, or kept long enough: the next look sees the rest.
                Err(RunFlaw::Unreadable(error)) if error.is_not_found() => break,
                run => run.map_err(|flaw| flaw.into_error(&name))?,
            };
            run.check_belongs(self.index.identity())
                .map_err(OpenError::from)?;
            if reached.is_some_and(|reached| reached != run.span().after) {
                break;
            }
            let mut unasked = 0;
            let checked = run.check(|bytes| {
                unasked += bytes;
                if unasked < SLICE_BYTES {
                    return true;
                }
                unasked = 0;
                go_on()
            });
            let checked = checked.map_err(|error| RunFlaw::from(error).into_error(&name))?;
            if !checked {
                return Err(NotPruned::Stopped);
            }
            reached = Some(run.span().through);
        }
        if reached.unwrap_or(0) < through {
            return Err(NotPruned::KeysMissing { through });
        }
        Ok(())
    }
}
