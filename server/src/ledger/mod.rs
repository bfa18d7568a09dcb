//! The seam: what the transport asks of a ledger, whatever stands behind it.
//!
//! [`Ledger::submit`] decides an operation and answers once the decision is durable; reading
//! waits for the highest sequence that it saw. Nothing is told that could be lost.

pub mod journal;

mod call;
pub(crate) mod decode;
pub(crate) mod encode;
mod numbers;
mod open;
mod operation;
mod reading;
mod recovery;
mod replay;
mod reversal;
#[cfg(test)]
pub(crate) mod round_trip_tests;
mod saga;
mod schema;
mod snapshot;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;

pub use self::call::{Business, Call, Rpc};
use self::decode::{Stored, StoredBody};
use self::journal::JournalReader;
pub(crate) use self::numbers::Numbered;
pub use self::open::OpenError;
pub use self::operation::{
    AuthoriseOperation, BindOperation, GlobalOperation, Operation, OriginalNamed,
    PhoneCodeOperation, ReverseOperation, Secret, UnbindOperation,
};
pub use self::reading::{Decided, History, OpenTicket, QuoteAsked, Quoted, QuotedCard, Standing};
use self::replay::{global_scope, is_same_call, replay, scope_of};
pub(crate) use self::reversal::OriginalFound;
use self::saga::Begun;
pub use self::snapshot::SnapshotTaken;
use self::snapshot::Snapshotter;
use crate::authoriser::{Applied, Authoriser, Passage, Taken};
use crate::commit::{CommitQueue, Halted};
use crate::idempotency::Place;
use crate::vault::Vault;

/// What went wrong: an accident, never a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No account of that id.
    #[error("no account of that id")]
    UnknownAccount,
    /// The account has no such card.
    #[error("the account has no such card")]
    UnknownCard,
    /// The account has no such authorisation.
    #[error("the account has no such authorisation")]
    UnknownAuthorisation,
    /// The account has no such open risk ticket.
    #[error("the account has no such open risk ticket")]
    UnknownTicket,
    /// The key was used for something else.
    #[error("the idempotency key was used with another {field}")]
    KeyConflict {
        /// The first field that differs, by its name in the contract.
        field: &'static str,
    },
    /// No further key can be kept; nothing was written.
    #[error("the index of idempotency keys is full")]
    KeysFull,
    /// Too many payments of the account were reversed before they came; nothing was written.
    #[error("too many payments of this account were reversed before they came")]
    AheadFull,
    /// The store takes nothing any more; this operation was not applied.
    #[error("the store has stopped")]
    Stopped,
    /// No snapshot could be written; nothing else is affected.
    #[error("no snapshot could be written: the server's log says why")]
    NoSnapshot,
    /// An entry that was durable cannot be read again.
    #[error("the store cannot read the decision again")]
    Unreadable,
    /// The store failed: whether the operation was written is not known.
    #[error("the store failed before the outcome was durable")]
    OutcomeUnknown,
}

/// A wait that ended without durability: the entry may be on the disk or not.
impl From<Halted> for LedgerError {
    fn from(_: Halted) -> Self {
        Self::OutcomeUnknown
    }
}

/// A decision that is durable.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Its place in the ledger.
    pub sequence: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What was decided.
    pub event: Event,
    /// It was given before, for the same key.
    pub replayed: bool,
}

/// The ledger over a journal: decides in memory, then commits.
#[derive(Debug)]
pub struct Ledger {
    authoriser: Authoriser,
    queue: CommitQueue,
    reader: JournalReader,
    /// Walks through history at the same time: they wait for each other and not for the pool.
    reading: Arc<Semaphore>,
    /// Calls that go on whether their caller waits or not.
    sagas: TaskTracker,
    snapshotter: Snapshotter,
}

impl Ledger {
    /// Decides an operation, exactly once for its key, and answers when that is durable. The
    /// operation goes on if the caller stops waiting.
    pub async fn submit(
        self: &Arc<Self>,
        core: usize,
        account: AccountId,
        call: Call,
        operation: Operation,
    ) -> Result<Answered, LedgerError> {
        let (mut attempt, mut idle) = (0, None);
        loop {
            let slot = self
                .authoriser
                .idempotency
                .slot(account.as_str(), &call, attempt);
            let passage = Passage {
                queue: &self.queue,
                account: &account,
                call: &call,
                slot,
            };
            let found = self.find_original(core, passage, &operation).await?;
            match self.take_or_wait(core, passage, &operation, &found).await? {
                Taken::LookAgain => {}
                Taken::Applied(applied) => {
                    let begun = Begun {
                        account,
                        call,
                        slot,
                        operation,
                    };
                    return self.follow(core, begun, applied).await;
                }
                Taken::Known(Place::UnderWay(sequence)) => {
                    self.wait_for(sequence, &mut idle).await?;
                }
                Taken::Known(Place::Answered(sequence)) => {
                    let stored = self.read(core, sequence).await?;
                    if is_same_call(&stored, account.as_str(), &call) {
                        self.authoriser.metrics.count_replay();
                        return replay(sequence, stored, &call, Some(&operation));
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// Does what concerns no one account, exactly once for its key.
    pub async fn submit_global(
        &self,
        core: usize,
        call: Call,
        operation: GlobalOperation,
    ) -> Result<Answered, LedgerError> {
        let scope = global_scope(&operation);
        let (mut attempt, mut idle) = (0, None);
        loop {
            let slot = self.authoriser.idempotency.slot(&scope, &call, attempt);
            match self
                .authoriser
                .global(&self.queue, &call, slot, &operation)?
            {
                Taken::Applied(applied) => return self.answer(core, applied).await,
                Taken::LookAgain => {}
                Taken::Known(Place::UnderWay(sequence)) => {
                    self.wait_for(sequence, &mut idle).await?;
                }
                Taken::Known(Place::Answered(sequence)) => {
                    let stored = self.read(core, sequence).await?;
                    let same_scope = matches!(
                        &stored.body,
                        StoredBody::Event(event) if scope_of(event, "") == scope
                    );
                    if same_scope && is_same_call(&stored, "", &call) {
                        self.authoriser.metrics.count_replay();
                        return replay(sequence, stored, &call, None);
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// Takes a snapshot, and answers once it is durable.
    pub async fn take_snapshot(&self) -> Result<SnapshotTaken, LedgerError> {
        self.snapshotter.take().await
    }

    /// The keyed functions of this deployment.
    pub(crate) fn vault(&self) -> &Vault {
        &self.authoriser.vault
    }

    /// Wakes the waiters of one core as commits become durable. One task on each core's runtime.
    pub async fn wake_waiters(&self, core: usize) {
        self.queue.wake_waiters(core).await;
    }

    /// Resolves with the reason once the store has failed.
    pub async fn halted(&self) -> String {
        self.queue.halted().await.to_string()
    }

    /// Resolves once no call is under way any more. New ones must not come.
    pub async fn settled(&self) {
        self.sagas.close();
        self.sagas.wait().await;
    }

    /// Commits what is open and stops the committer. Blocks. What fails is told by
    /// [`Ledger::halted`].
    pub fn close(&self) {
        self.snapshotter.close();
        drop(self.queue.close());
    }

    /// That something is not there is told, too, only once what took it away is durable.
    async fn take_or_wait(
        &self,
        core: usize,
        passage: Passage<'_>,
        operation: &Operation,
        found: &OriginalFound,
    ) -> Result<Taken, LedgerError> {
        let taken = self.take(passage, operation, found);
        if let Err(LedgerError::UnknownCard | LedgerError::UnknownTicket) = taken {
            self.queue.wait_durable(core, self.queue.appended()).await?;
        }
        taken
    }

    fn take(
        &self,
        passage: Passage<'_>,
        operation: &Operation,
        found: &OriginalFound,
    ) -> Result<Taken, LedgerError> {
        let authoriser = &self.authoriser;
        match operation {
            Operation::SendPhoneCode(asked) => authoriser.send_phone_code(passage, asked),
            Operation::Bind(bind) => authoriser.reserve_bind(passage, bind),
            Operation::Unbind(asked) => authoriser.unbind(passage, asked),
            Operation::Authorise(asked) => authoriser.authorise(passage, asked),
            Operation::Reverse(asked) => authoriser.reverse(passage, asked, found),
            Operation::ResolveRisk { ticket, cleared } => {
                authoriser.resolve_risk(passage, *ticket, *cleared)
            }
            Operation::ResolveReview { approve } => authoriser.resolve_review(passage, *approve),
            Operation::SetCardStatus { card, status } => {
                authoriser.set_card_status(passage, *card, *status)
            }
        }
    }

    /// Answers once what was decided is durable.
    async fn answer(&self, core: usize, applied: Applied) -> Result<Answered, LedgerError> {
        let Applied {
            sequence,
            at,
            event,
            ..
        } = applied;
        self.queue.wait_durable(core, sequence).await?;
        Ok(Answered {
            sequence,
            at,
            event,
            replayed: false,
        })
    }

    /// Reads an entry of the journal, away from this core's runtime.
    async fn read(&self, core: usize, sequence: u64) -> Result<Stored, LedgerError> {
        self.queue.wait_durable(core, sequence).await?;
        let reader = self.reader.clone();
        let read = tokio::task::spawn_blocking(move || read_entry(&reader, sequence)).await;
        read.map_err(|_| LedgerError::Unreadable)?
    }
}

/// Reads a durable entry. Blocks.
fn read_entry(reader: &JournalReader, sequence: u64) -> Result<Stored, LedgerError> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(sequence, %error, "an entry of the journal could not be read again");
        LedgerError::Unreadable
    };
    let bytes = reader
        .read(sequence)
        .map_err(|error| failed(&error))?
        .ok_or_else(|| failed(&"it is not there"))?;
    decode::entry(&bytes).map_err(|error| failed(&error))
}
