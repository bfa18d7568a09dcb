//! Replaying a store: a snapshot, then the entries behind it, into the state, the index of keys,
//! and what was begun and never answered.

mod apply;
mod crew;

use std::collections::HashMap;
use std::thread::Scope;

use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;

use self::crew::Crew;
use super::call::Call;
use super::decode::NotUnderstood;
use super::journal::{self, Replay, SnapshotBlock};
use super::snapshot::Loader;
use crate::authoriser::Authoriser;
use crate::idempotency::Slot;

/// A call that was begun and never answered.
pub(super) struct Unanswered {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) slot: Slot,
    /// What it began with.
    pub(super) begun: Event,
}

/// Why a part of a store cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoveryError {
    /// It is not understood.
    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
    /// The journal was written with another key.
    #[error("the journal was written with another key")]
    OtherKey,
    /// The snapshot counts on runs of keys that are not there.
    #[error(
        "it leaves used keys of the sequences {from} to {to} to keys-*.run files, and not all of them are \
         there: put them back or, if the journal was never pruned (there is no beginning file), move every \
         keys-*.run and every snapshot-*.snap out of the folder, and the next start makes them again from \
         the journal"
    )]
    KeysMissing {
        /// The first sequence whose key they must hold,
        from: u64,
        /// and the last.
        to: u64,
    },
    /// A thread has ended early; it says why itself, unless it panicked.
    #[error("a thread that replays ended early")]
    Ended,
}

/// What cannot be applied, and where it stands.
pub(super) struct Failed {
    place: String,
    error: RecoveryError,
}

impl Failed {
    fn at(sequence: u64, error: RecoveryError) -> Self {
        let place = format!("entry {sequence}");
        Self { place, error }
    }

    pub(super) fn in_snapshot(error: RecoveryError) -> Self {
        let place = "the snapshot".to_owned();
        Self { place, error }
    }

    /// True if only the key is wrong.
    pub(super) fn is_other_key(&self) -> bool {
        matches!(self.error, RecoveryError::OtherKey)
    }
}

impl From<Failed> for journal::OpenError {
    fn from(failed: Failed) -> Self {
        let Failed { place, error } = failed;
        let source = Box::new(error);
        Self::Refused { place, source }
    }
}

/// Replays into a state that is empty, on several threads.
pub(super) struct Recovery<'scope> {
    authoriser: &'scope Authoriser,
    /// Loads the snapshot, until the first entry comes.
    loader: Option<Loader<'scope>>,
    loaded: Result<(), Failed>,
    crew: Crew<'scope>,
}

impl Replay for Recovery<'_> {
    type Error = RecoveryError;

    fn block(&mut self, records: SnapshotBlock) -> Result<(), RecoveryError> {
        match &self.loader {
            Some(loader) => loader.give(records),
            None => Err(RecoveryError::Ended),
        }
    }

    fn entry(&mut self, sequence: u64, entry: &[u8]) -> Result<(), RecoveryError> {
        self.finish_loading()?;
        self.crew.give(sequence, entry)
    }
}

impl<'scope> Recovery<'scope> {
    /// Starts so many threads for each part.
    pub(super) fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        authoriser: &'scope Authoriser,
        threads: usize,
    ) -> Self {
        Self {
            authoriser,
            loader: Some(Loader::start(scope, authoriser, threads)),
            loaded: Ok(()),
            crew: Crew::start(scope, authoriser, threads),
        }
    }

    /// Entries are applied to what a snapshot held, and not beside it.
    fn finish_loading(&mut self) -> Result<(), RecoveryError> {
        if let Some(loader) = self.loader.take() {
            self.loaded = loader.finish().map_err(Failed::in_snapshot);
        }
        match &self.loaded {
            Ok(()) => Ok(()),
            Err(_) => Err(RecoveryError::Ended),
        }
    }

    /// Waits until everything is applied. Gives the calls that were begun and never answered.
    pub(super) fn finish(mut self) -> Result<HashMap<u64, Unanswered>, Failed> {
        // Which thread failed is told below.
        drop(self.finish_loading());
        let applied = self.crew.finish();
        self.loaded?;
        let found = applied?;
        self.authoriser.idempotency.count(found.keys);
        for (_, set) in &found.statuses {
            let sandbox = &self.authoriser.issuers.sandbox;
            sandbox.set_status(&set.reference, set.status);
        }
        Ok(found.unanswered)
    }
}
