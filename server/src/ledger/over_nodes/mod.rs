//! A ledger over a database: the same decisions, each made again if another node was faster (decision 0048).

mod begin;
mod erasing;
mod global;
mod left_behind;
mod original;
mod owed;
mod read;
mod resolve;
mod tries;

use std::sync::Arc;

use waika_domain::event::{Event, Payment};
use waika_domain::identifiers::{AccountId, CodeDigest};

pub(super) use self::erasing::erase_what_waits;
use self::tries::Tries;
use super::call::Call;
use super::decode::Stored;
use super::log::NotDurable;
use super::node::{Node, Question, digests};
use super::operation::{AuthoriseOperation, Operation};
use super::replay::code_scope;
use super::reversal::OriginalFound;
use super::saga::Begun;
use super::search::Search;
use super::{Answered, Ledger, LedgerError};
use crate::authoriser::{Applied, Passage, Taken};
use crate::traces::around;

/// A call on its way, and how its key is found.
pub(super) struct Scoped<'a> {
    pub(super) account: &'a AccountId,
    pub(super) call: &'a Call,
    pub(super) hash: [u8; 16],
    pub(super) asked: Option<&'a Payment>,
    /// The version of the account in memory from which on it was decided.
    pub(super) before: Option<u64>,
}

impl Ledger {
    /// The node, if decisions go to a database.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.queue.node()
    }

    /// Decides until it is durable, or was decided before, or nobody can wait any longer. `first` is what was
    /// decided already.
    pub(super) async fn decide_on(
        self: &Arc<Self>,
        node: &Node,
        core: usize,
        (account, call, operation): (AccountId, Call, Operation),
        mut first: Option<Taken>,
    ) -> Result<Answered, LedgerError> {
        let authoriser = &self.authoriser;
        let hash = authoriser.call_hash(account.as_str(), &call);
        let slot = self.slot(&Search::of(account.as_str(), &call));
        if let Operation::Bind(bind) = &operation {
            // Who has the card decides with what this account had cleared before (D9).
            let card = digests(&bind.application.card_fingerprints);
            node.look_for_holders(authoriser, &card).await?;
        }
        if let Operation::Authorise(asked) = &operation {
            self.know_merchant(node, asked).await?;
        }
        let _turn = match operation.original() {
            None => None,
            Some(_) => Some(node.turn(&account).await),
        };
        let mut tries = Tries::until(call.deadline);
        loop {
            node.ensure(authoriser, &account).await?;
            // What has to be read beside it may have to be waited for.
            let held = match operation.original() {
                None => node.hold(authoriser, &account).await?,
                Some(_) => None,
            };
            let before = self.authoriser.accounts.last_sequence(&account);
            let passage = Passage {
                queue: &self.queue,
                account: &account,
                call: &call,
                slot,
            };
            let taken = if let Some(first) = first.take() {
                Ok(first)
            } else {
                let found = match operation.original() {
                    None => Ok(OriginalFound::KeyKnown),
                    Some(named) => self.find_original_on(node, passage, named).await,
                };
                found.and_then(|found| self.take(passage, &operation, &found))
            };
            drop(held);
            let scoped = Scoped {
                account: &account,
                call: &call,
                hash,
                asked: operation.payment(),
                before,
            };
            match self.settle_on(node, scoped, taken).await? {
                Settled::Durable(applied) => {
                    let bind = operation.goes_on_with();
                    let begun = Begun {
                        account,
                        call,
                        slot,
                        bind,
                    };
                    let followed = self.follow(core, begun, applied);
                    return self.answer_either(core, followed).await;
                }
                Settled::Known(answered) => return Ok(answered),
                Settled::Again => tries.pause().await?,
            }
        }
    }

    /// Decides a payment with a payment code, which leads to its account. Says whose the code is.
    pub(super) async fn submit_code_on(
        self: Arc<Self>,
        node: Arc<Node>,
        core: usize,
        (digest, call): (CodeDigest, Call),
        asked: AuthoriseOperation,
    ) -> Result<(Option<AccountId>, Answered), LedgerError> {
        let ledger = Arc::clone(&self);
        let submitted = around::spawn_on(&self.sagas, async move {
            ledger
                .decide_code_on(&node, core, (digest, call), asked)
                .await
        });
        submitted.await.unwrap_or(Err(LedgerError::OutcomeUnknown))
    }

    async fn decide_code_on(
        self: &Arc<Self>,
        node: &Node,
        core: usize,
        (digest, call): (CodeDigest, Call),
        asked: AuthoriseOperation,
    ) -> Result<(Option<AccountId>, Answered), LedgerError> {
        let scope = code_scope(digest);
        let hash = self.authoriser.call_hash(&scope, &call);
        let slot = self.slot(&Search::of(&scope, &call));
        self.know_merchant(node, &asked).await?;
        let mut tries = Tries::until(call.deadline);
        loop {
            let Some(account) = node.account_of(digest).await? else {
                let answered = self.decline_unknown_code(node, (digest, hash), &call, &asked);
                return Ok((None, answered.await?));
            };
            node.ensure(&self.authoriser, &account).await?;
            let held = node.hold(&self.authoriser, &account).await?;
            let before = self.authoriser.accounts.last_sequence(&account);
            let owner = Some(account.clone());
            let taken =
                self.authoriser
                    .authorise_by_code(&self.queue, &call, slot, (owner, &asked));
            drop(held);
            let scoped = Scoped {
                account: &account,
                call: &call,
                hash,
                asked: Some(&asked.payment),
                before,
            };
            let taken = taken.map(|(_, taken)| taken);
            match self.settle_on(node, scoped, taken).await? {
                Settled::Durable(applied) => {
                    let begun = Begun {
                        account: account.clone(),
                        call,
                        slot,
                        bind: None,
                    };
                    let followed = self.follow(core, begun, applied);
                    let answered = self.answer_either(core, followed).await?;
                    return Ok((Some(account), answered));
                }
                Settled::Known(answered) => return Ok((Some(account), answered)),
                Settled::Again => tries.pause().await?,
            }
        }
    }

    /// A merchant that is not known may have been put by another node a moment ago: nobody is declined for that.
    async fn know_merchant(
        &self,
        node: &Node,
        asked: &AuthoriseOperation,
    ) -> Result<(), LedgerError> {
        let merchants = &self.authoriser.merchants;
        match &asked.payment.merchant {
            Some(merchant) if merchants.find(merchant).is_none() => {
                node.catch_up(&self.authoriser).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Waits until what was decided is durable, or finds out why it was not, or not decided.
    async fn settle_on(
        &self,
        node: &Node,
        scoped: Scoped<'_>,
        taken: Result<Taken, LedgerError>,
    ) -> Result<Settled, LedgerError> {
        let Scoped {
            account,
            call,
            hash,
            asked,
            before,
        } = scoped;
        match taken {
            Ok(Taken::Applied(mut applied)) => {
                let ended = node.wait(applied.sequence).await;
                if ended.is_err()
                    && let Some(going_on) = applied.going_on.take()
                {
                    going_on.ended();
                }
                match ended {
                    Ok(()) => {
                        self.compare_durable(&applied);
                        Ok(Settled::Durable(applied))
                    }
                    // If by the same call, which came twice, that is found by the next try.
                    Err(NotDurable::Conflict) => Ok(Settled::Again),
                    Err(NotDurable::Known) => {
                        let known = self.known_on(node, account, hash, call).await?;
                        let known = known.ok_or(LedgerError::OutcomeUnknown)?;
                        self.replay(known, call, asked).map(Settled::Known)
                    }
                    Err(error @ (NotDurable::Refused | NotDurable::Unknown)) => Err(error.into()),
                }
            }
            Ok(Taken::Known(_) | Taken::LookAgain) => Ok(Settled::Again),
            Err(error) => {
                if !depends_on_memory(error) {
                    return Err(error);
                }
                if error == LedgerError::AccountClosed
                    && self.is_being_erased_on(node, account).await?
                {
                    return Err(error);
                }
                if let Some(known) = self.known_on(node, account, hash, call).await? {
                    return self.replay(known, call, asked).map(Settled::Known);
                }
                let is_there = node.refresh(&self.authoriser, account).await?;
                // It was told over the newest that there is; or there is no account.
                let is_final = match (before, error) {
                    // It may have been let go a moment ago.
                    (None, _) | (Some(_), LedgerError::UnknownAccount) => !is_there,
                    (Some(before), _) => {
                        self.authoriser.accounts.last_sequence(account) == Some(before)
                    }
                };
                if is_final {
                    return Err(error);
                }
                Ok(Settled::Again)
            }
        }
    }

    /// The stored answer of a call, if it was made before. Waits for one that is under way.
    pub(super) async fn known_on(
        &self,
        node: &Node,
        account: &AccountId,
        hash: [u8; 16],
        call: &Call,
    ) -> Result<Option<(u64, Stored)>, LedgerError> {
        let id = account.as_str();
        let found = node
            .reads()
            .entry(Question::OfCall, &[&id, &hash.as_slice()])
            .await?;
        let Some((sequence, stored)) = found else {
            return Ok(None);
        };
        let is_beginning = stored.event().is_some_and(Event::is_beginning);
        let mut tries = Tries::until(call.deadline);
        let answered = if is_beginning {
            loop {
                // One that this node is at is told at once.
                self.authoriser.under_way.wait(sequence).await;
                let ending = node
                    .reads()
                    .entry(Question::Ending, &[&id, &sequence.cast_signed()])
                    .await?;
                match ending {
                    Some(ending) => break ending,
                    None => tries
                        .pause()
                        .await
                        .map_err(|_| LedgerError::OutcomeUnknown)?,
                }
            }
        } else {
            (sequence, stored)
        };
        // What was read need not be on the replica that it has to be on.
        node.reads().confirm().await?;
        Ok(Some(answered))
    }
}

/// What became of what was decided.
enum Settled {
    Durable(Applied),
    /// It had been decided before.
    Known(Answered),
    /// It has to be decided again.
    Again,
}

/// True of an error that an account in memory is the reason of, which may be old; or a key that was used.
fn depends_on_memory(error: LedgerError) -> bool {
    !matches!(
        error,
        LedgerError::NoDatabase
            | LedgerError::Stopped
            | LedgerError::NotOfThisStore
            | LedgerError::Unreadable
            | LedgerError::OutcomeUnknown
            | LedgerError::KeyConflict { .. }
            // Who is sent away because there is too much to do is not to cost two more questions.
            | LedgerError::DeadlineBudget
            | LedgerError::DeadlineTooShort
            | LedgerError::Overloaded { .. }
            | LedgerError::DiskShort
    )
}
