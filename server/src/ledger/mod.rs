//! The seam: what the transport asks of a ledger, whatever stands behind it.
//!
//! [`Ledger::submit`] decides an operation and answers once the decision is durable; reading
//! waits for the highest sequence that it saw. Nothing is told that could be lost.

pub mod journal;
pub mod postgres;

mod advices;
mod awaited;
mod background;
mod backups;
mod call;
pub(crate) mod decode;
pub(crate) mod encode;
mod erasing;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod key_keeper;
pub(crate) mod keys;
mod lists;
pub(crate) mod log;
pub(crate) mod moving;
pub(crate) mod node;
mod notices;
mod numbers;
mod open;
mod operation;
mod operator_actions;
mod over_nodes;
mod phone_code;
mod policies;
mod pruning;
mod reading;
mod recovery;
mod replay;
mod reversal;
#[cfg(test)]
pub(crate) mod round_trip_tests;
mod saga;
mod schema;
mod scrub;
mod search;
#[cfg(test)]
pub(crate) mod simulation;
pub(crate) mod snapshot;
mod steps;
mod submit;
pub(crate) mod under_keys;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use waika_domain::event::{Event, Payment};
use waika_domain::period::Timestamp;

pub use self::awaited::Awaited;
use self::backups::BackupKeeper;
pub use self::call::{Business, Call, Rpc};
use self::decode::Stored;
pub use self::error::LedgerError;
pub use self::journal::backup::Taken as BackupTaken;
use self::journal::{JournalReader, ReadError};
use self::key_keeper::KeyKeeper;
pub(crate) use self::lists::{OpenTicket, PendingReview};
use self::log::Log;
pub(crate) use self::notices::{NoticeSeen, Notices};
pub(crate) use self::numbers::Numbered;
pub use self::open::OpenError;
pub use self::operation::{
    AuthoriseOperation, BindOperation, ChangeOperation, CredentialGiven, GlobalOperation,
    NewSecret, Operation, OriginalNamed, PaymentCodeOperation, PhoneCodeOperation, ResetOperation,
    ReverseOperation, Secret, UnbindOperation, VerificationOperation, VerifyOperation,
};
pub(crate) use self::operator_actions::ActionsAsked;
pub(crate) use self::phone_code::Sending;
pub(crate) use self::policies::PolicyList;
pub use self::policies::{PolicyReload, PolicyReloadError};
pub use self::reading::{Decided, History, QuoteAsked, Quoted, QuotedCard, Standing};
pub(crate) use self::replay::scope_of;
use self::replay::{global_scope, replay};
pub(crate) use self::reversal::{OriginalFound, ReadAt, ahead_caller};
use self::saga::Held;
use self::scrub::Scrubber;
use self::search::Search;
pub use self::snapshot::SnapshotTaken;
use self::snapshot::Snapshotter;
pub use self::steps::{Step, StepKind};
pub(crate) use self::walk::Walked;
use crate::admission::Class;
use crate::authoriser::{Authoriser, Passage, Taken};
use crate::exit::Failure;
pub use crate::kept::KeptFrom;
use crate::room::Room;
use crate::vault::Vault;

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
    queue: Log,
    reader: JournalReader,
    /// Readings of many entries at the same time: they wait for each other and not for the pool.
    reading: Arc<Semaphore>,
    /// Readings of the whole journal, which no short one must wait for.
    long_reading: Arc<Semaphore>,
    /// Calls that go on whether their caller waits or not.
    sagas: TaskTracker,
    /// Payments that a stopped server held, until their issuers are asked what became of them.
    left_over: Mutex<Vec<Held>>,
    snapshotter: Snapshotter,
    key_keeper: KeyKeeper,
    scrubber: Scrubber,
    backup_keeper: BackupKeeper,
}

impl Ledger {
    /// Does what concerns no one account, exactly once for its key.
    pub async fn submit_global(
        &self,
        core: usize,
        call: Call,
        operation: GlobalOperation,
    ) -> Result<Answered, LedgerError> {
        if let Some(node) = self.node() {
            return self.submit_global_on(node, &call, &operation).await;
        }
        let scope = global_scope(&operation);
        let mut search = Search::of(&scope, &call);
        loop {
            let slot = self.slot(&search);
            let taken = self.authoriser.global(&self.queue, &call, slot, &operation);
            match self.durably(core, taken).await? {
                Taken::LookAgain => {}
                Taken::Applied(applied) => {
                    return self.answer(core, Awaited::new(applied, None)).await;
                }
                Taken::Known(place) => {
                    let known = self.stored_answer(core, &mut search, place).await?;
                    if let Some(known) = known {
                        return self.replay(known, &call, None);
                    }
                }
            }
        }
    }

    /// Takes a snapshot, and answers once it is durable.
    pub async fn take_snapshot(&self) -> Result<SnapshotTaken, LedgerError> {
        self.only_of_a_journal()?;
        self.snapshotter.take().await
    }

    /// Takes a backup into the folder for them, and answers once it is durable.
    pub async fn take_backup(&self) -> Result<BackupTaken, LedgerError> {
        self.only_of_a_journal()?;
        self.backup_keeper.take().await
    }

    /// A database is kept by its own means.
    fn only_of_a_journal(&self) -> Result<(), LedgerError> {
        match self.node() {
            Some(_) => Err(LedgerError::NotOfThisStore),
            None => Ok(()),
        }
    }

    /// False while the database that is decided over is not there.
    pub(crate) fn store_is_there(&self) -> bool {
        self.node().is_none_or(|node| node.is_there())
    }

    /// Lets pruning by age remove entries up to this sequence at most: what a backup folder holds.
    /// None: there is no such folder, and age alone decides.
    pub fn let_prune_through(&self, through: Option<u64>) {
        self.authoriser.kept.let_go_through(through);
    }

    /// The room on the store's disk.
    pub(crate) fn room(&self) -> &Room {
        &self.authoriser.room
    }

    /// Says whether something may be read: not while payments wait too long.
    pub(crate) fn admit_reading(&self) -> Result<(), LedgerError> {
        self.authoriser
            .admission
            .check(Class::Read, &self.queue, None)
    }

    /// How long the oldest entry has waited that is not durable yet.
    pub(crate) fn commit_queue_age(&self) -> Duration {
        self.queue.age()
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
        self.queue.halted().await
    }

    /// Resolves once memory and the store do not agree, with what an operator reads.
    pub async fn damaged(&self) -> Failure {
        self.scrubber.found().await
    }

    /// Resolves once no call is under way any more. New ones must not come.
    pub async fn settled(&self) {
        self.sagas.close();
        self.sagas.wait().await;
    }

    /// Commits what is open and stops the committer. Blocks. What fails is told by
    /// [`Ledger::halted`].
    pub fn close(&self) {
        // Over a database they were never given anything to do.
        if self.node().is_none() {
            self.snapshotter.close();
            self.key_keeper.close();
            self.scrubber.close();
            self.backup_keeper.close();
        }
        self.queue.close();
    }

    /// Waits until all that was written so far is durable.
    pub(crate) async fn kept(&self, core: usize) -> Result<(), LedgerError> {
        // What is in memory beside accounts was read from a database, if there is one.
        if self.node().is_none() {
            self.queue.wait_durable(core, self.queue.appended()).await?;
        }
        Ok(())
    }

    /// What is told of the state, too, is told only once what made it so is durable: that
    /// something is not there, or that a name is taken.
    async fn durably(
        &self,
        core: usize,
        taken: Result<Taken, LedgerError>,
    ) -> Result<Taken, LedgerError> {
        if let Err(
            LedgerError::UnknownCard
            | LedgerError::AccountClosed
            | LedgerError::UnknownTicket
            | LedgerError::UnknownPasswordTicket
            | LedgerError::PolicyNameTaken
            | LedgerError::PoliciesFull
            | LedgerError::AheadFull,
        ) = taken
        {
            self.kept(core).await?;
        }
        taken
    }

    /// Gives the stored answer again, if the call asks for the same.
    fn replay(
        &self,
        (sequence, stored): (u64, Stored),
        call: &Call,
        asked: Option<&Payment>,
    ) -> Result<Answered, LedgerError> {
        self.authoriser.metrics.count_replay();
        #[cfg(feature = "planted-faults")]
        let account = stored.account.clone();
        let answered = replay(sequence, stored, call, asked)?;
        #[cfg(feature = "planted-faults")]
        self.authoriser
            .plant_after_replay(&answered.event, &call.key, &account);
        Ok(answered)
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
            Operation::Settle(_) => authoriser.settle(passage, found),
            Operation::VerifyPassword(asked) => authoriser.verify_password(passage, asked),
            Operation::ChangePassword(asked) => authoriser.change_password(passage, asked),
            Operation::ResetPassword(asked) => authoriser.reset_password(passage, asked),
            Operation::ResolvePasswordTicket { ticket, approve } => {
                authoriser.resolve_password_ticket(passage, *ticket, *approve)
            }
            Operation::UnlockPassword => authoriser.unlock_password(passage),
            Operation::CloseAccount => authoriser.close_account(passage),
            Operation::EraseAccount => authoriser.erase_account(passage),
            Operation::SubmitVerification(photo) => authoriser.submit_verification(passage, photo),
            Operation::SwitchRegion(region) => authoriser.switch_region(passage, *region),
            Operation::CreatePaymentCode(asked) => authoriser.create_payment_code(passage, asked),
            Operation::ReceiveFunds { kind, amount } => {
                authoriser.receive_funds(passage, *kind, *amount)
            }
            Operation::ResolveRisk { ticket, cleared } => {
                authoriser.resolve_risk(passage, *ticket, *cleared)
            }
            Operation::ResolveReview { approve } => authoriser.resolve_review(passage, *approve),
            Operation::SetCardStatus { card, status } => {
                authoriser.set_card_status(passage, *card, *status)
            }
        }
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
    let read = reader.read(sequence).map_err(|error| match error {
        ReadError::Pruned(beginning) => LedgerError::AuthorisationPruned(beginning.into()),
        error @ (ReadError::Damaged(_) | ReadError::Io(_)) => failed(&error),
    });
    let bytes = read?.ok_or_else(|| failed(&"it is not there"))?;
    decode::entry(&bytes).map_err(|error| failed(&error))
}
