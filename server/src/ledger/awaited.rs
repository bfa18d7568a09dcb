//! What is decided and not durable yet.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::Either;

use super::{Answered, Ledger, LedgerError};
use crate::authoriser::Applied;
use crate::commit::BatchLog;
use crate::stopwatch::{Lap, Stopwatch};

/// A decision that is in the open batch: nothing of it may be told before that is durable.
#[derive(Debug)]
pub struct Awaited {
    answered: Answered,
    /// What measures the wait.
    waiting: Lap,
}

impl Awaited {
    /// The wait begins now.
    pub(super) fn new(applied: Applied, stopwatch: Option<&Arc<Stopwatch>>) -> Self {
        Self {
            answered: applied.into(),
            waiting: Lap::of(stopwatch),
        }
    }

    /// What has to be durable before it is told.
    pub fn sequence(&self) -> u64 {
        self.answered.sequence
    }

    /// What is told when the wait for its sequence has ended so.
    pub fn told(self, durable: Result<(), LedgerError>) -> Result<Answered, LedgerError> {
        self.waiting.committed(self.answered.sequence);
        durable.map(|()| self.answered)
    }
}

/// What is told of a decision once it is durable.
impl From<Applied> for Answered {
    fn from(applied: Applied) -> Self {
        let Applied {
            sequence,
            at,
            event,
            ..
        } = applied;
        Self {
            sequence,
            at,
            event,
            replayed: false,
        }
    }
}

impl Ledger {
    /// Waits until everything up to a sequence is durable.
    pub fn wait_durable(
        &self,
        core: usize,
        sequence: u64,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send + use<'_> {
        let durable = self.queue.wait_durable(core, sequence);
        durable.map(|durable| durable.map_err(LedgerError::from))
    }

    /// From now on notes there which entries became durable together.
    pub(crate) fn note_batches(&self, log: Arc<BatchLog>) {
        self.queue.keep_log(log);
    }

    /// The highest sequence that is durable.
    pub fn durable(&self) -> u64 {
        self.queue.durable()
    }

    /// Answers once what was decided is durable.
    pub(super) fn answer(
        &self,
        core: usize,
        awaited: Awaited,
    ) -> impl Future<Output = Result<Answered, LedgerError>> + Send + use<'_> {
        let durable = self.wait_durable(core, awaited.sequence());
        durable.map(|durable| awaited.told(durable))
    }

    /// The same, or the answer of whatever else is waited for.
    pub(super) fn answer_either<F>(
        &self,
        core: usize,
        decided: Either<Awaited, F>,
    ) -> Either<impl Future<Output = Result<Answered, LedgerError>> + Send + use<'_, F>, F> {
        match decided {
            Either::Left(awaited) => Either::Left(self.answer(core, awaited)),
            Either::Right(other) => Either::Right(other),
        }
    }
}
