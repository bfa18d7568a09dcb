//! A state that a restored journal can start from: the newest snapshot, and the runs of used keys that it
//! leaves keys to.

use super::copy::Target;
use super::error::{BackupError, Side, on};
use super::manifest::{Copied, Manifest, State};
use super::take::Backup;
use crate::ledger::journal::file::{NamedFile, remove_if_there};
use crate::ledger::journal::key_runs::{self, KeyRun};
use crate::ledger::journal::snapshot::{self, Flaw, Name, SnapshotFile};

/// How often the files are listed anew because one of them was gone: a server merges and removes them.
const TRIES: usize = 8;

/// What came of one try.
enum Tried {
    Whole(State),
    /// The journal has none.
    None,
    /// A file was gone before it was copied.
    Gone,
}

impl Backup<'_> {
    /// The newest whole state of the journal, copied if it is not held yet. `None` if it has none.
    pub(super) fn state(
        &self,
        held: &Manifest,
        identity: u64,
    ) -> Result<Option<State>, BackupError> {
        for _ in 0..TRIES {
            match self.try_state(held, identity)? {
                Tried::Whole(state) => return Ok(Some(state)),
                Tried::None => return Ok(None),
                Tried::Gone => {}
            }
        }
        tracing::warn!("the journal's snapshots change too fast to copy one: without");
        Ok(None)
    }

    fn try_state(&self, held: &Manifest, identity: u64) -> Result<Tried, BackupError> {
        for name in snapshot::names(self.journal).map_err(on(Side::Journal))? {
            let is_it = |state: &&State| state.snapshot.file == name.file;
            if let Some(state) = held.states.iter().find(is_it) {
                return Ok(Tried::Whole(state.clone()));
            }
            let (file, covers) = (name.file.clone(), name.covers);
            let Some(snapshot) = self.copy_if_there(&file)? else {
                return Ok(Tried::Gone);
            };
            if let Err(error) = self.check_snapshot(name, identity) {
                remove_if_there(self.folder, &file).map_err(on(Side::Backup))?;
                tracing::warn!(file, %error, "a snapshot cannot be used: passed over");
                continue;
            }
            let Some((key_runs, through)) = self.key_runs(held, identity)? else {
                return Ok(Tried::Gone);
            };
            return Ok(Tried::Whole(State {
                proves: covers.max(through),
                snapshot,
                key_runs,
            }));
        }
        Ok(Tried::None)
    }

    /// `None` if it is gone.
    fn copy_if_there(&self, name: &str) -> Result<Option<Copied>, BackupError> {
        let side = Side::Journal;
        let Some(file) = NamedFile::open_if_there(self.journal, name).map_err(on(side))? else {
            return Ok(None);
        };
        let length = file.length().map_err(on(side))?;
        self.target().copy((&file, side), name, length).map(Some)
    }

    pub(super) fn target(&self) -> Target<'_> {
        Target {
            disk: self.folder,
            side: Side::Backup,
            watch: self.watch,
        }
    }

    /// Reads the copy in full.
    fn check_snapshot(&self, name: Name, identity: u64) -> Result<(), BackupError> {
        let as_named = name.clone();
        let checked = SnapshotFile::open(self.folder, name).and_then(|mut file| {
            file.check_identity(identity)?;
            file.check(|_| ())
        });
        let checked = checked.map_err(|flaw: Flaw| flaw.into_error(&as_named));
        checked.map(drop).map_err(BackupError::of(Side::Journal))
    }

    /// The runs that count, and the last sequence that they prove. `None` if one is gone.
    fn key_runs(
        &self,
        held: &Manifest,
        identity: u64,
    ) -> Result<Option<(Vec<Copied>, u64)>, BackupError> {
        let (names, _) = key_runs::names(self.journal).map_err(on(Side::Journal))?;
        let (mut runs, mut through) = (Vec::new(), 0);
        for name in names {
            let known = held.files().find(|copied| copied.file == name).cloned();
            let run = match known {
                Some(known) => Some(known),
                None => self.copy_if_there(&name)?,
            };
            let Some(run) = run else {
                return Ok(None);
            };
            through = through.max(self.check_run(&name, identity)?);
            runs.push(run);
        }
        Ok(Some((runs, through)))
    }

    /// Reads the copy in full, and gives the last sequence of which it knows.
    fn check_run(&self, name: &str, identity: u64) -> Result<u64, BackupError> {
        let damaged = BackupError::of(Side::Journal);
        let file = NamedFile::open(self.folder, name).map_err(on(Side::Backup))?;
        let run = KeyRun::open(file, name).map_err(|flaw| damaged(flaw.into_error(name)))?;
        run.check_belongs(identity)
            .map_err(BackupError::of(Side::Journal))?;
        run.check(|_| true)
            .map_err(|error| damaged(key_runs::Flaw::from(error).into_error(name)))?;
        Ok(run.span().through)
    }
}
