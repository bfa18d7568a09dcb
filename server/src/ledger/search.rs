//! Following a used key to the answer that is stored for it (D18).

use waika_domain::identifiers::AccountId;

use super::call::Call;
use super::decode::Stored;
use super::replay::is_same_call;
use super::{Ledger, LedgerError};
use crate::idempotency::{Known, Place, Searched, Slot};

/// A call on its way through the index of used keys.
pub(super) struct Search<'a> {
    /// What its key is scoped to beside caller and RPC: mostly its account.
    scope: &'a str,
    call: &'a Call,
    /// What was found so far were other keys of the same hash.
    searched: Searched,
    /// As [`Ledger::wait_for`] has it.
    idle: Option<u64>,
}

impl<'a> Search<'a> {
    pub(super) fn of(scope: &'a str, call: &'a Call) -> Self {
        Self {
            scope,
            call,
            searched: Searched::default(),
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
            searched,
            ..
        } = *search;
        let slot = self.authoriser.idempotency.slot(scope, call);
        slot.after(searched)
    }

    /// Whether the call's key has its answer already, which [`Ledger::submit`] will then give. Waits
    /// for one that is under way.
    pub(crate) async fn is_used(
        &self,
        core: usize,
        account: &AccountId,
        call: &Call,
    ) -> Result<bool, LedgerError> {
        if let Some(node) = self.node() {
            return self.is_used_on(node, account, call).await;
        }
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
        known: Known,
    ) -> Result<Option<(u64, Stored)>, LedgerError> {
        match known {
            Known::At(Place::UnderWay(sequence)) => {
                self.wait_for(sequence, &mut search.idle).await?;
                Ok(None)
            }
            Known::At(Place::Answered(sequence)) => {
                let stored = self.stored_for(core, search, sequence).await?;
                if stored.is_none() {
                    search.searched.recent = sequence;
                }
                Ok(stored)
            }
            Known::PerhapsOlder { through } => {
                for sequence in self.older_places(search).await? {
                    let stored = self.stored_for(core, search, sequence).await?;
                    if stored.is_some() {
                        return Ok(stored);
                    }
                }
                search.searched.older = through;
                Ok(None)
            }
        }
    }

    /// The entry of that sequence, if it is the answer to the call.
    async fn stored_for(
        &self,
        core: usize,
        search: &Search<'_>,
        sequence: u64,
    ) -> Result<Option<(u64, Stored)>, LedgerError> {
        let stored = match self.read(core, sequence).await {
            // Kept for longer than keys are: whatever it was, the key counts as not used.
            Err(LedgerError::AuthorisationPruned(_)) => return Ok(None),
            read => read?,
        };
        let same = is_same_call(&stored, search.scope, search.call);
        Ok(same.then_some((sequence, stored)))
    }

    /// Where the answer may stand by the runs of older keys, which are read away from this core's
    /// runtime.
    async fn older_places(&self, search: &Search<'_>) -> Result<Vec<u64>, LedgerError> {
        let slot = self.slot(search);
        let runs = self.authoriser.idempotency.runs();
        let found = tokio::task::spawn_blocking(move || slot.find_in(&runs)).await;
        let found = found.map_err(|_| LedgerError::Unreadable)?;
        let found = found.map_err(|error| {
            tracing::error!(%error, "a run of used keys could not be read");
            LedgerError::Unreadable
        })?;
        self.authoriser
            .metrics
            .count_older_search(!found.is_empty());
        Ok(found)
    }
}
