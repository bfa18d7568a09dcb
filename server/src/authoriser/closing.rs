//! The end of an account (decision 0042).

use waika_domain::account::Account;
use waika_domain::event::{Erasure, Event};
use waika_domain::identifiers::AccountId;
use waika_domain::rules::closing;

use super::{Authoriser, Outcome, Passage};
use crate::ledger::LedgerError;
use crate::ledger::log::Log;

impl Authoriser {
    /// Closes an account, if nothing of it is open.
    pub(crate) fn close_account(&self, passage: Passage<'_>) -> Outcome {
        self.operated(passage, |account, _, _| {
            Ok(Event::AccountClosed(Box::new(closing::close(account))))
        })
    }

    /// Lets what is personal in a closed account be erased, once it has been kept for long enough.
    pub(crate) fn erase_account(&self, passage: Passage<'_>) -> Outcome {
        let kept = self.erasures.retention_seconds();
        self.operated(passage, |account, now, _| {
            let begun = closing::erase(account, kept, now);
            if begun.outcome.is_ok() {
                // What came before is to be in a segment that can be written anew.
                passage.queue.end_segment();
            }
            Ok(Event::ErasureBegun(begun))
        })
    }

    /// Records that an erasure has ended, unless it was recorded before.
    pub(crate) fn end_erasure(
        &self,
        queue: &Log,
        id: &AccountId,
    ) -> Result<Option<u64>, LedgerError> {
        self.record_aside(queue, id, |account, _| {
            let closure = account.closure()?;
            matches!(closure.erasure, Erasure::Begun(_)).then_some(Event::ErasureEnded)
        })
    }

    /// Notes whether something of an account is to be erased.
    pub(crate) fn note_erasure(&self, id: &str, account: &Account) {
        let Some(closure) = account.closure() else {
            return;
        };
        let Ok(id) = AccountId::parse(id) else {
            return;
        };
        match closure.erasure {
            Erasure::Begun(_) => self.erasures.begin(id),
            Erasure::Ended(_) => self.erasures.end(&id),
            Erasure::NotAsked => {}
        }
    }
}
