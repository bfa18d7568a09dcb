//! The files of a journal as a queue of work for several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::segments::{self, Checked};
use super::{EntryCheck, Found, Progress, Published};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::{Damage, OpenError};
use crate::ledger::journal::file::NamedFile;
use crate::ledger::journal::key_runs::{Flaw as RunFlaw, KeyRun};
use crate::ledger::journal::snapshot::{Flaw, Name, SnapshotFile};

/// What is to be checked, and for whom.
pub(super) struct Work<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) progress: &'a dyn Progress,
    pub(super) check: EntryCheck<'a>,
    /// The journal's; `None` if no segment has a header.
    pub(super) identity: Option<u64>,
    pub(super) snapshots: Vec<Listed<Name>>,
    /// Runs of used keys, by the names of their files.
    pub(super) key_runs: Vec<Listed<String>>,
    pub(super) found: Vec<Found>,
}

/// A file by its name.
pub(super) struct Listed<N> {
    name: N,
    /// The length of the file in bytes.
    length: u64,
}

impl<N> Listed<N> {
    pub(super) fn new(disk: &dyn Disk, name: N, file: impl FnOnce(&N) -> &str) -> Self {
        let length = NamedFile::open(disk, file(&name)).and_then(|file| file.length());
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
    /// A run of used keys by its file, and how far it goes.
    KeyRun(String, u64),
    /// In a snapshot, or in a run of used keys.
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
        let key_runs = self.key_runs.iter().map(|run| run.length);
        segments.chain(snapshots).chain(key_runs).sum()
    }

    /// Checks everything, on this thread and on `jobs - 1` others.
    pub(super) fn run(&self, jobs: usize) -> Result<Vec<Outcome>, OpenError> {
        let shared = Shared::default();
        let files = self.found.len() + self.snapshots.len() + self.key_runs.len();
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
            let Some(outcome) = self.check_file(at) else {
                return;
            };
            match outcome {
                Ok(outcome) => shared.outcomes.lock().push(outcome),
                Err(error) => {
                    shared.failed.lock().get_or_insert(error);
                }
            }
        }
    }

    /// Snapshots come after the segments, and then the runs of keys.
    fn check_file(&self, at: usize) -> Option<Result<Outcome, OpenError>> {
        let Some(behind) = at.checked_sub(self.found.len()) else {
            return Some(self.segment(at));
        };
        let Some(behind) = behind.checked_sub(self.snapshots.len()) else {
            return self
                .snapshots
                .get(behind)
                .map(|listed| self.snapshot(listed));
        };
        self.key_runs.get(behind).map(|listed| self.key_run(listed))
    }

    fn segment(&self, at: usize) -> Result<Outcome, OpenError> {
        let checked = match segments::check(self, at) {
            // Pruned meanwhile: what stands behind it is checked all the same.
            Err(OpenError::Pruned(_)) => None,
            checked => checked?,
        };
        let length = self.found.get(at).map_or(0, |segment| segment.length);
        self.progress.done(length);
        Ok(checked.map_or(Outcome::Nothing, Outcome::Segment))
    }

    fn key_run(&self, listed: &Listed<String>) -> Result<Outcome, OpenError> {
        let Listed { name, length } = listed;
        let mut told = 0;
        let checked = NamedFile::open(self.disk, name)
            .map_err(RunFlaw::from)
            .and_then(|file| {
                let run = KeyRun::open(file, name)?;
                let identity = self.identity.unwrap_or_else(|| run.identity());
                run.check_belongs(identity)?;
                run.check(|bytes| {
                    told += bytes;
                    self.progress.done(bytes);
                    true
                })?;
                Ok(run.span().through)
            });
        self.progress.done(length.saturating_sub(told));
        match checked {
            Ok(through) => Ok(Outcome::KeyRun(name.clone(), through)),
            // A running server removes old ones.
            Err(RunFlaw::Unreadable(error)) if error.is_not_found() => Ok(Outcome::Nothing),
            Err(RunFlaw::Damaged(damage)) => Ok(Outcome::Damage(damage)),
            Err(flaw @ (RunFlaw::Unreadable(_) | RunFlaw::Newer(_))) => Err(flaw.into_error(name)),
        }
    }

    fn snapshot(&self, listed: &Listed<Name>) -> Result<Outcome, OpenError> {
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
