//! Calls that go on after their first entry, because an issuer is asked in between: reserve,
//! ask, resolve. The server owns them; a caller who hangs up only stops waiting (C2).

use std::sync::Arc;

use tokio::sync::watch;
use waika_domain::card::CardNumber;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;

use super::call::Call;
use super::operation::Operation;
use super::{Answered, Ledger, LedgerError};
use crate::authoriser::{Applied, Passage};
use crate::idempotency::Slot;

/// A call that may have to go on after its first entry.
pub(super) struct Begun {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) slot: Slot,
    pub(super) operation: Operation,
}

impl Ledger {
    /// Waits for what was decided, or goes on with what was only begun. The latter runs as a
    /// task of its own, so that a caller who hangs up leaves no slot held for ever.
    pub(super) async fn follow(
        self: &Arc<Self>,
        core: usize,
        begun: Begun,
        applied: Applied,
    ) -> Result<Answered, LedgerError> {
        let Event::BindReserved(_) = &applied.event else {
            return self.answer(core, applied).await;
        };
        let (finished, watched) = watch::channel(());
        self.under_way.lock().insert(applied.sequence, watched);
        let ledger = Arc::clone(self);
        let saga = tokio::spawn(async move {
            let answer = ledger.finish_bind(core, begun, applied.sequence).await;
            ledger.under_way.lock().remove(&applied.sequence);
            drop(finished);
            answer
        });
        saga.await.unwrap_or(Err(LedgerError::OutcomeUnknown))
    }

    /// Asks the issuer once the slot is durable, and binds the card or lets the slot go.
    async fn finish_bind(
        &self,
        core: usize,
        begun: Begun,
        reserved_by: u64,
    ) -> Result<Answered, LedgerError> {
        let Begun {
            account,
            call,
            slot,
            operation,
        } = begun;
        let Operation::Bind(bind) = operation else {
            return Err(LedgerError::OutcomeUnknown);
        };
        self.queue.wait_durable(core, reserved_by).await?;
        let answer = match CardNumber::parse(&bind.pan) {
            Ok(number) => {
                let fingerprint = bind.application.card_fingerprint;
                self.authoriser
                    .issuer
                    .verification_debit(number, fingerprint) // R37
            }
            Err(_) => Err(IssuerRefusal::DoNotHonour),
        };
        let passage = Passage {
            queue: &self.queue,
            account: &account,
            call: &call,
            slot,
        };
        let applied = self
            .authoriser
            .complete_bind(passage, &bind, reserved_by, answer)?;
        self.answer(core, applied).await
    }

    /// Waits until the call that began with that entry has its answer.
    pub(super) async fn wait_for(&self, sequence: u64) {
        let watched = self.under_way.lock().get(&sequence).cloned();
        match watched {
            // The sender is dropped when it is finished, and sends nothing before.
            Some(mut watched) => drop(watched.changed().await),
            // Just begun on another core, or just finished: look again in a moment.
            None => tokio::task::yield_now().await,
        }
    }
}
