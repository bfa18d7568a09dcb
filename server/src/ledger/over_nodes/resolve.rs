//! The end of a call that asked an issuer: decided again until it is durable, since money is held until then.

use waika_domain::card::IssuerCardReference;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::Transaction;
use waika_domain::identifiers::AccountId;

use super::{Ledger, Tries};
use crate::authoriser::{Applied, Passage, ShadowSays};
use crate::issuer::Heard;
use crate::ledger::LedgerError;
use crate::ledger::log::NotDurable;
use crate::ledger::node::{Node, Question, column};
use crate::ledger::operation::BindOperation;
use crate::ledger::saga::{Begun, Held};

impl Ledger {
    /// Posts or voids a payment that was held, and waits until that is durable.
    pub(in crate::ledger) async fn resolve_on(
        &self,
        node: &Node,
        held: Held,
        reference: Option<&IssuerCardReference>,
        heard: Heard,
    ) -> Result<Applied, LedgerError> {
        let resolve = || {
            let passage = Passage {
                queue: &self.queue,
                account: &held.account,
                call: &held.call,
                slot: held.slot,
            };
            let reserved = (held.reserved_by, held.reservation.clone());
            self.authoriser
                .resolve_payment(passage, reserved, reference, heard)
        };
        let resolved = self
            .end_on(node, &held.account, held.reserved_by, &resolve)
            .await?;
        held.going_on.ended();
        Ok(resolved)
    }

    /// Binds a card or lets its slot go, and waits until that is durable.
    pub(in crate::ledger) async fn complete_bind_on(
        &self,
        node: &Node,
        (begun, bind): (&Begun, &BindOperation),
        reserved_by: u64,
        (answer, debit): (
            Result<IssuerCardReference, IssuerRefusal>,
            Option<Transaction>,
        ),
    ) -> Result<Applied, LedgerError> {
        let complete = || {
            let passage = Passage {
                queue: &self.queue,
                account: &begun.account,
                call: &begun.call,
                slot: begun.slot,
            };
            let answer = (answer.clone(), debit);
            self.authoriser
                .complete_bind(passage, bind, reserved_by, answer)
        };
        self.end_on(node, &begun.account, reserved_by, &complete)
            .await
    }

    /// Ends what began with an entry, once: another may have ended it, if this node was taken for gone.
    pub(super) async fn end_on(
        &self,
        node: &Node,
        account: &AccountId,
        begun_by: u64,
        end: &(dyn Fn() -> Result<Applied, LedgerError> + Sync),
    ) -> Result<Applied, LedgerError> {
        let mut is_checked = false;
        let mut tries = Tries::until(None);
        loop {
            let ended = async {
                let is_there = node.ensure(&self.authoriser, account).await?;
                let held = if is_checked {
                    // What is looked at here is to be of the version that it is decided over.
                    self.check_awaited(node, account, begun_by).await?;
                    None
                } else {
                    node.hold(&self.authoriser, account).await?
                };
                let ended = end();
                drop(held);
                let applied = match ended {
                    // It was let go in between.
                    Err(LedgerError::UnknownAccount) if is_there => return Ok(None),
                    ended => ended?,
                };
                match node.wait(applied.sequence).await {
                    Ok(()) => Ok(Some(applied)),
                    Err(NotDurable::Conflict | NotDurable::Refused) => Ok(None),
                    Err(NotDurable::Known | NotDurable::Unknown) => {
                        Err(LedgerError::OutcomeUnknown)
                    }
                }
            };
            match ended.await {
                Ok(Some(applied)) => return Ok(applied),
                Ok(None) | Err(LedgerError::NoDatabase | LedgerError::OutcomeUnknown) => {
                    // What is not known may be there.
                    is_checked = true;
                    if let Some(ended) = self.ended_on(node, account, begun_by).await {
                        return Ok(ended);
                    }
                }
                Err(error) => return Err(error),
            }
            loop {
                // Something is held: it is tried for as long as this server runs.
                if tries.pause().await.is_err() {
                    tries = Tries::until(None);
                }
                if node.is_there() {
                    break;
                }
            }
        }
    }

    /// The entry that ended a call, if it is there.
    async fn ended_on(&self, node: &Node, account: &AccountId, begun_by: u64) -> Option<Applied> {
        let id = account.as_str();
        let ending = node
            .reads()
            .entry(Question::Ending, &[&id, &begun_by.cast_signed()])
            .await;
        let (sequence, stored) = ending.ok().flatten()?;
        node.reads().confirm().await.ok()?;
        let at = stored.at;
        Some(Applied {
            sequence,
            at,
            event: stored.into_event()?,
            going_on: None,
            asks: None,
            shadow: ShadowSays::Nothing,
        })
    }

    /// Says whether something is awaited still, of the very account that is in memory.
    pub(super) async fn check_awaited(
        &self,
        node: &Node,
        account: &AccountId,
        sequence: u64,
    ) -> Result<(), LedgerError> {
        node.refresh(&self.authoriser, account).await?;
        let rows = node
            .reads()
            .rows(
                Question::Awaited,
                &[&account.as_str(), &sequence.cast_signed()],
            )
            .await?;
        let row = rows.first().ok_or(LedgerError::UnknownAccount)?;
        let is_awaited: bool = column(row, 1)?;
        if is_awaited {
            Ok(())
        } else {
            Err(LedgerError::OutcomeUnknown)
        }
    }

    /// Writes what no call has asked for, until it is durable. `write` gives its sequence, or none if there is
    /// nothing to write any more.
    pub(in crate::ledger) async fn aside_on(
        &self,
        node: &Node,
        (account, awaited): (&AccountId, Option<u64>),
        write: &(dyn Fn() -> Result<Option<u64>, LedgerError> + Sync),
    ) -> Result<(), LedgerError> {
        let mut tries = Tries::until(None);
        loop {
            node.ensure(&self.authoriser, account).await?;
            if let Some(awaited) = awaited {
                match self.check_awaited(node, account, awaited).await {
                    Ok(()) => {}
                    // Somebody has paid it off.
                    Err(LedgerError::OutcomeUnknown) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            let sequence = match write() {
                Ok(Some(sequence)) => sequence,
                Ok(None) => return Ok(()),
                // It was let go in between.
                Err(LedgerError::UnknownAccount) => {
                    tries.pause().await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match node.wait(sequence).await {
                Ok(()) => return Ok(()),
                Err(NotDurable::Conflict) => tries.pause().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
