//! The files of a journal as a queue of work for several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::segments::{self, Checked};
use super::{EntryCheck, Found, Progress, Published};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::{Damage, OpenError};
use crate::ledger::journal::file::NamedFile;
use crate::ledger::journal::snapshot::{Flaw, Name, SnapshotFile};

/// What is to be checked, and for whom.
pub(super) struct Work<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) progress: &'a dyn Progress,
    pub(super) check: EntryCheck<'a>,
    /// The journal's; `None` if no segment has a header.
    pub(super) identity: Option<u64>,
    pub(super) snapshots: Vec<Listed>,
    pub(super) found: Vec<Found>,
}

/// A snapshot by its name.
pub(super) struct Listed {
    name: Name,
    /// The length of the file in bytes.
    length: u64,
}

impl Listed {
    pub(super) fn new(disk: &dyn Disk, name: Name) -> Self {
        let length = NamedFile::open(disk, &name.file).and_then(|file| file.length());
        Self {
            name,
            // Why it cannot be opened is told when it is checked.
            length: length.unwrap_or(0),
        }
    }
}

/// What was found out about one file.
pub(super) enum Outcome {
    Segment(Checked),
    Snapshot(Published),
    /// In a snapshot.
    Damage(Damage),
    /// It is not in use yet, or not any more.
    Nothing,
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    next: AtomicUsize,
    outcomes: Mutex<Vec<Outcome>>,
    failed: Mutex<Option<OpenError>>,
}

impl Work<'_> {
    /// The length of all files.
    pub(super) fn bytes(&self) -> u64 {
        let segments = self.found.iter().map(|segment| segment.length);
        let snapshots = self.snapshots.iter().map(|snapshot| snapshot.length);
        segments.chain(snapshots).sum()
    }

    /// Checks everything, on this thread and on `jobs - 1` others.
    pub(super) fn run(&self, jobs: usize) -> Result<Vec<Outcome>, OpenError> {
        let shared = Shared::default();
        let files = self.found.len() + self.snapshots.len();
        thread::scope(|scope| {
            for _ in 1..jobs.min(files) {
                let builder = thread::Builder::new().name("waika-verify".to_owned());
                if let Err(error) = builder.spawn_scoped(scope, || self.work(&shared)) {
                    tracing::warn!(%error, "no thread to check the journal faster");
                    break;
                }
            }
            self.work(&shared);
        });
        match shared.failed.into_inner() {
            Some(error) => Err(error),
            None => Ok(shared.outcomes.into_inner()),
        }
    }

    fn work(&self, shared: &Shared) {
        while shared.failed.lock().is_none() {
            let at = shared.next.fetch_add(1, Ordering::Relaxed);
            let outcome = match (self.found.get(at), self.snapshot_at(at)) {
                (Some(_), _) => self.segment(at),
                (None, Some(listed)) => self.snapshot(listed),
                (None, None) => return,
            };
            match outcome {
                Ok(outcome) => shared.outcomes.lock().push(outcome),
                Err(error) => {
                    shared.failed.lock().get_or_insert(error);
                }
            }
        }
    }

    /// Snapshots come after the segments.
    fn snapshot_at(&self, at: usize) -> Option<&Listed> {
        self.snapshots.get(at.checked_sub(self.found.len())?)
    }

    fn segment(&self, at: usize) -> Result<Outcome, OpenError> {
        let checked = segments::check(self, at)?;
        let length = self.found.get(at).map_or(0, |segment| segment.length);
        self.progress.done(length);
        Ok(checked.map_or(Outcome::Nothing, Outcome::Segment))
    }

    fn snapshot(&self, listed: &Listed) -> Result<Outcome, OpenError> {
        let Listed { name, length } = listed;
        let mut told = 0;
        let checked = SnapshotFile::open(self.disk, name.clone()).and_then(|mut file| {
            if self
                .identity
                .is_some_and(|identity| identity != file.identity())
            {
                let what = "it belongs to another journal".to_owned();
                return Err(Flaw::Damaged { offset: 0, what });
            }
            file.check(|at| {
                self.progress.done(at - told);
                told = at;
            })
        });
        self.progress.done(length.saturating_sub(told));
        match checked {
            Ok(published) => Ok(Outcome::Snapshot(published)),
            // A running server removes old ones.
            Err(Flaw::Unreadable(error)) if error.is_not_found() => Ok(Outcome::Nothing),
            Err(flaw) => match flaw.into_error(name) {
                OpenError::Damaged(damage) => Ok(Outcome::Damage(damage)),
                other => Err(other),
            },
        }
    }
}
