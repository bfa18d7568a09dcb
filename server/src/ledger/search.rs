//! Following a used key to the answer that is stored for it (D18).

use waika_domain::identifiers::AccountId;

use super::call::Call;
use super::decode::Stored;
use super::replay::is_same_call;
use super::{Ledger, LedgerError};
use crate::idempotency::{Place, Slot};

/// A call on its way through the index of used keys.
pub(super) struct Search<'a> {
    /// What its key is scoped to beside caller and RPC: mostly its account.
    scope: &'a str,
    call: &'a Call,
    /// Keys of one hash live under their hash of the next attempt.
    attempt: u32,
    /// As [`Ledger::wait_for`] has it.
    idle: Option<u64>,
}

impl<'a> Search<'a> {
    pub(super) fn of(scope: &'a str, call: &'a Call) -> Self {
        Self {
            scope,
            call,
            attempt: 0,
            idle: None,
        }
    }
}

impl Ledger {
    /// The slot at which the key is to be looked for now.
    pub(super) fn slot(&self, search: &Search<'_>) -> Slot {
        let Search {
            scope,
            call,
            attempt,
            ..
        } = *search;
        self.authoriser.idempotency.slot(scope, call, attempt)
    }

    /// Whether the call's key has its answer already, which [`Ledger::submit`] will then give. Waits
    /// for one that is under way.
    pub(crate) async fn is_used(
        &self,
        core: usize,
        account: &AccountId,
        call: &Call,
    ) -> Result<bool, LedgerError> {
        let mut search = Search::of(account.as_str(), call);
        while let Some(place) = self.authoriser.idempotency.find(self.slot(&search)) {
            let stored = self.stored_answer(core, &mut search, place).await?;
            if stored.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The entry with the answer to the call, and its sequence. None if there is none yet: what
    /// filled the slot was under way, or has another key with the same hash, so look again.
    pub(super) async fn stored_answer(
        &self,
        core: usize,
        search: &mut Search<'_>,
        place: Place,
    ) -> Result<Option<(u64, Stored)>, LedgerError> {
        match place {
            Place::UnderWay(sequence) => {
                self.wait_for(sequence, &mut search.idle).await?;
                Ok(None)
            }
            Place::Answered(sequence) => {
                let stored = self.read(core, sequence).await?;
                if is_same_call(&stored, search.scope, search.call) {
                    return Ok(Some((sequence, stored)));
                }
                search.attempt += 1;
                Ok(None)
            }
        }
    }
}
