//! Calls that go on after their first entry, because an issuer is asked in between: reserve,
//! ask, resolve. The server owns them; a caller who hangs up only stops waiting (C2).

use std::sync::Arc;

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
        let Some(going_on) = applied.going_on else {
            return self.answer(core, applied).await;
        };
        let ledger = Arc::clone(self);
        let saga = self.sagas.spawn(async move {
            let answer = ledger.finish_bind(core, begun, applied.sequence).await;
            drop(going_on);
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
        let fingerprint = bind.application.card_fingerprint;
        let issuer = &self.authoriser.issuer;
        let answer = issuer.verification_debit(&bind.pan, fingerprint); // R37
        let passage = Passage {
            queue: &self.queue,
            account: &account,
            call: &call,
            slot,
        };
        let applied = self
            .authoriser
            .complete_bind(passage, &bind, reserved_by, answer)
            // Something was applied already: its beginning, and what the code was spent on.
            .map_err(|_| LedgerError::OutcomeUnknown)?;
        self.answer(core, applied).await
    }

    /// Waits until the call that began with that entry has its answer. `idle` remembers between
    /// turns that nobody was at it: once is an answer that came in between, twice is a call that
    /// ended without one, which only a stopping store or a defect can bring about.
    pub(super) async fn wait_for(
        &self,
        sequence: u64,
        idle: &mut Option<u64>,
    ) -> Result<(), LedgerError> {
        let waited = self.authoriser.under_way.wait(sequence).await;
        if !waited && idle.replace(sequence) == Some(sequence) {
            return Err(LedgerError::OutcomeUnknown);
        }
        Ok(())
    }
}
