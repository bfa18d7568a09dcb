//! Accounts, and where the operator log ends, made anew from the store apart from those that answer.

use std::collections::HashMap;

use compact_str::CompactString;
use waika_domain::account::Account;
use waika_domain::event::WalletRegion;

use crate::ledger::decode::{self, NotUnderstood, Stored};
use crate::ledger::journal::SnapshotBlock;
use crate::ledger::snapshot::{Compared, compared};

/// The accounts of one part, as the store has them.
pub(in crate::ledger) struct Apart<F> {
    is_of_part: F,
    accounts: HashMap<CompactString, Account>,
    last_operated: u64,
}

impl<F: Fn(&str) -> bool> Apart<F> {
    /// None yet.
    pub(in crate::ledger) fn new(is_of_part: F) -> Self {
        Self {
            is_of_part,
            accounts: HashMap::new(),
            last_operated: 0,
        }
    }

    /// Begins again with none.
    pub(in crate::ledger) fn forget(&mut self) {
        self.accounts.clear();
        self.last_operated = 0;
    }

    /// Takes its accounts out of a snapshot.
    pub(in crate::ledger) fn load(&mut self, block: &SnapshotBlock) -> Result<(), NotUnderstood> {
        for part in compared(block) {
            match part? {
                Compared::Account(id, account) if (self.is_of_part)(id.as_str()) => {
                    self.accounts.insert(id.as_str().into(), *account);
                }
                Compared::Account(..) => {}
                Compared::LastOperated(last) => self.last_operated = last,
            }
        }
        Ok(())
    }

    /// Applies an entry, unless it is another part's, or the snapshot's account has seen it.
    pub(in crate::ledger) fn apply(
        &mut self,
        sequence: u64,
        entry: &[u8],
    ) -> Result<(), NotUnderstood> {
        self.apply_stored(sequence, &decode::entry(entry)?);
        Ok(())
    }

    /// The same, of an entry that was decoded.
    pub(in crate::ledger) fn apply_stored(&mut self, sequence: u64, stored: &Stored) {
        if stored.operated.is_some() {
            self.last_operated = sequence.max(self.last_operated);
        }
        let Some(event) = stored.event() else {
            return;
        };
        if stored.account.is_empty() || !(self.is_of_part)(&stored.account) {
            return;
        }
        let account = self.accounts.entry((*stored.account).into());
        let account = account.or_insert_with(|| {
            Account::open(event.opening_region().unwrap_or(WalletRegion::Mainland))
        });
        account.replay(event, sequence, stored.at);
    }

    /// How many there are.
    pub(in crate::ledger) fn len(&self) -> u64 {
        u64::try_from(self.accounts.len()).unwrap_or(u64::MAX)
    }

    /// All, with their names, in no order.
    pub(in crate::ledger) fn iter(&self) -> impl Iterator<Item = (&str, &Account)> {
        let accounts = self.accounts.iter();
        accounts.map(|(name, account)| (name.as_str(), account))
    }

    /// The same, taken out.
    pub(in crate::ledger) fn into_accounts(self) -> impl Iterator<Item = (CompactString, Account)> {
        self.accounts.into_iter()
    }

    /// Takes an account out.
    pub(in crate::ledger) fn take(&mut self, name: &str) -> Option<Account> {
        self.accounts.remove(name)
    }

    /// The sequence of the newest entry of the operator log; 0 if there is none.
    pub(in crate::ledger) fn last_operated(&self) -> u64 {
        self.last_operated
    }

    /// Those that nobody has taken out.
    pub(in crate::ledger) fn rest(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }
}
