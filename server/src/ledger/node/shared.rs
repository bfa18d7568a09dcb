//! Accounts that other nodes decide over too: their rows are held first (decision 0048).

use std::sync::atomic::Ordering;

use waika_domain::account::Account;
use waika_domain::identifiers::AccountId;

use super::{Node, cards, row};
use crate::authoriser::Authoriser;
use crate::ledger::LedgerError;
use crate::ledger::postgres::Turn;

impl Node {
    /// True if other nodes decide over an account in memory too.
    pub(crate) fn is_shared(&self, id: &AccountId) -> bool {
        self.cache.is_shared(id.as_str())
    }

    /// If other nodes decide over an account in memory too, sees to it that it is as new as it can be, and stays so
    /// until what is given is dropped. Decide at once, and wait for nothing of that account before.
    pub(crate) async fn hold(
        &self,
        authoriser: &Authoriser,
        id: &AccountId,
    ) -> Result<Option<Turn>, LedgerError> {
        if !self.is_shared(id) {
            return Ok(None);
        }
        let known = authoriser.accounts.last_sequence(id).unwrap_or_default();
        let Some(held) = self.lanes.hold(id.as_str(), known).await else {
            return Ok(None);
        };
        let Some(newer) = &held.newer else {
            if held.is_first {
                self.counts.held_as_left.increment(1);
                self.cache.found_unchanged(id.as_str());
            }
            return Ok(Some(held.turn));
        };
        if held.is_first {
            self.counts.held_changed.increment(1);
            self.cache.share(id.as_str());
        }
        self.take_up(authoriser, id, newer).await?;
        Ok(Some(held.turn))
    }

    /// Takes up a row that is held, if what is in memory is older.
    async fn take_up(
        &self,
        authoriser: &Authoriser,
        id: &AccountId,
        newer: &tokio_postgres::Row,
    ) -> Result<(), LedgerError> {
        let version = row::version(newer)?;
        if authoriser.accounts.last_sequence(id) >= Some(version) {
            return Ok(());
        }
        let heard = self.heard.load(Ordering::Acquire);
        let (_, account) = row::account(newer)?;
        self.sequences.see(version);
        let has_its_cards = |there: &mut Account| cards(there) == cards(&account);
        let is_alike = authoriser.accounts.with_account(id, has_its_cards);
        if is_alike != Some(true) {
            // Who else has its cards has to be read with it.
            return self.fetch(authoriser, id, 0).await.map(|_| ());
        }
        let put = || self.cache.read(id.as_str(), version);
        authoriser.accounts.put_if_newer(id, account, put);
        if self.heard.load(Ordering::Acquire) == heard {
            Ok(())
        } else {
            self.fetch(authoriser, id, 0).await.map(|_| ())
        }
    }
}
