//! The seam: what the transport asks of a ledger, whatever stands behind it.
//!
//! [`Ledger::submit`] decides an operation and answers once the decision is durable; reading
//! waits for the highest sequence that it saw. Nothing is told that could be lost.

pub mod journal;

mod call;
mod decode;
pub(crate) mod encode;
mod numbers;
mod open;
mod operation;
mod recovery;
mod replay;
#[cfg(test)]
mod round_trip_tests;
mod saga;
mod schema;

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use waika_domain::account::Account;
use waika_domain::event::Event;
use waika_domain::identifiers::{AccountId, AuthorisationId, MerchantId};
use waika_domain::merchant::Merchant;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;

pub use self::call::{Business, Call, Rpc};
use self::decode::{Stored, StoredBody};
use self::journal::JournalReader;
pub use self::open::OpenError;
pub use self::operation::{
    AuthoriseOperation, BindOperation, Operation, PhoneCodeOperation, Secret,
};
use self::replay::{is_same_call, merchant_scope, replay};
use self::saga::Begun;
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
    /// The key was used for something else.
    #[error("the idempotency key was used with another {field}")]
    KeyConflict {
        /// The first field that differs, by its name in the contract.
        field: &'static str,
    },
    /// No further key can be kept; nothing was written.
    #[error("the index of idempotency keys is full")]
    KeysFull,
    /// The store takes nothing any more; this operation was not applied.
    #[error("the store has stopped")]
    Stopped,
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
    /// Calls that go on whether their caller waits or not.
    sagas: TaskTracker,
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
            match self.take(passage, &operation)? {
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

    /// Writes a merchant, exactly once for its key.
    pub async fn put_merchant(
        &self,
        core: usize,
        call: Call,
        merchant: Merchant,
    ) -> Result<Answered, LedgerError> {
        let scope = merchant_scope(&merchant.id);
        let (mut attempt, mut idle) = (0, None);
        loop {
            let slot = self.authoriser.idempotency.slot(&scope, &call, attempt);
            match self
                .authoriser
                .put_merchant(&self.queue, &call, slot, &merchant)?
            {
                Taken::Applied(applied) => return self.answer(core, applied).await,
                Taken::Known(Place::UnderWay(sequence)) => {
                    self.wait_for(sequence, &mut idle).await?;
                }
                Taken::Known(Place::Answered(sequence)) => {
                    let stored = self.read(core, sequence).await?;
                    let same_merchant = matches!(
                        &stored.body,
                        StoredBody::Event(Event::MerchantPut(put)) if put.id == merchant.id
                    );
                    if same_merchant && is_same_call(&stored, "", &call) {
                        self.authoriser.metrics.count_replay();
                        return replay(sequence, stored, &call, None);
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// Looks at an account, and answers once everything that was seen is durable.
    pub async fn view<R>(
        &self,
        core: usize,
        id: &AccountId,
        look: impl FnOnce(&Account, &Policy, Timestamp) -> R,
    ) -> Result<R, LedgerError> {
        let now = self.authoriser.clock.now();
        let policy = &self.authoriser.policy;
        let (seen, sequence) = self
            .authoriser
            .accounts
            .with_account(id, |account| {
                (look(account, policy, now), account.last_sequence())
            })
            .ok_or(LedgerError::UnknownAccount)?;
        self.queue.wait_durable(core, sequence).await?;
        Ok(seen)
    }

    /// Reads a decision on a payment of an account again.
    pub async fn authorisation(
        &self,
        core: usize,
        account: &AccountId,
        id: AuthorisationId,
    ) -> Result<Answered, LedgerError> {
        let sequence = id.sequence();
        if sequence == 0 || sequence > self.queue.appended() {
            return Err(LedgerError::UnknownAuthorisation);
        }
        let stored = self.read(core, sequence).await?;
        let at = stored.at;
        match stored.body {
            StoredBody::Event(event @ (Event::Posted(_) | Event::Declined(_)))
                if *stored.account == *account.as_str() =>
            {
                Ok(Answered {
                    sequence,
                    at,
                    event,
                    replayed: false,
                })
            }
            StoredBody::Event(_) | StoredBody::KeyCheck(_) => {
                Err(LedgerError::UnknownAuthorisation)
            }
        }
    }

    /// The merchant of that id, once what was seen of it is durable.
    pub async fn merchant(
        &self,
        core: usize,
        id: &MerchantId,
    ) -> Result<Option<Arc<Merchant>>, LedgerError> {
        let merchant = self.authoriser.merchants.find(id);
        self.queue.wait_durable(core, self.queue.appended()).await?;
        Ok(merchant)
    }

    /// At most `size` merchants after one, in the order of their ids, and whether there are more.
    pub async fn merchants(
        &self,
        core: usize,
        after: Option<&MerchantId>,
        size: usize,
    ) -> Result<(Vec<Arc<Merchant>>, bool), LedgerError> {
        let page = self.authoriser.merchants.page(after, size);
        self.queue.wait_durable(core, self.queue.appended()).await?;
        Ok(page)
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
        drop(self.queue.close());
    }

    fn take(&self, passage: Passage<'_>, operation: &Operation) -> Result<Taken, LedgerError> {
        let authoriser = &self.authoriser;
        match operation {
            Operation::SendPhoneCode(asked) => authoriser.send_phone_code(passage, asked),
            Operation::Bind(bind) => authoriser.reserve_bind(passage, bind),
            Operation::Authorise(asked) => authoriser.authorise(passage, asked),
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
        let read = tokio::task::spawn_blocking(move || reader.read(sequence)).await;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(sequence, %error, "an entry of the journal could not be read again");
            LedgerError::Unreadable
        };
        let bytes = read
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?
            .ok_or_else(|| failed(&"it is not there"))?;
        decode::entry(&bytes).map_err(|error| failed(&error))
    }
}
