//! Service messages of an account: read from the events that they follow from, and told as they
//! come (R50, R53).

use std::ops::RangeInclusive;

use waika_domain::identifiers::AccountId;
use waika_domain::notice::Notice;
use waika_domain::period::Timestamp;

use super::decode::Stored;
use super::walk::Walked;
use super::{KeptFrom, Ledger, LedgerError};
use crate::watchers::Watcher;

/// Messages that are read at once while somebody catches up.
const MESSAGES_AT_ONCE: usize = 100;

/// A service message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoticeSeen {
    /// The sequence of its event.
    pub(crate) sequence: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// What it is about.
    pub(crate) notice: Notice,
}

/// What somebody has to catch up with.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    /// The oldest messages, oldest first.
    pub(crate) oldest: Vec<NoticeSeen>,
    /// Among which entries the others are, newest first.
    pub(crate) newer: Vec<RangeInclusive<u64>>,
    /// Some were pruned.
    pub(crate) pruned: Option<KeptFrom>,
}

/// A page of messages, newest first, and where the next one begins.
#[derive(Debug)]
pub(crate) struct Notices {
    pub(crate) seen: Vec<NoticeSeen>,
    pub(crate) next: Option<u64>,
    /// The account's older entries were pruned.
    pub(crate) pruned: Option<KeptFrom>,
}

impl Ledger {
    /// The account's messages, newest first: at most `size` of them, from the entry of sequence
    /// `begin` on, or from its latest.
    pub(crate) async fn notices(
        &self,
        core: usize,
        account: &AccountId,
        begin: Option<u64>,
        size: usize,
    ) -> Result<Notices, LedgerError> {
        let latest = self.last_sequence(core, account).await?;
        let begin = begin.unwrap_or(latest).min(latest);
        let Walked {
            found,
            next,
            pruned,
        } = self.walk(account, 1..=begin, size, has_notice).await?;
        let seen = found.iter().filter_map(seen).collect();
        Ok(Notices { seen, next, pruned })
    }

    /// The sequence of the account's last entry, once that is durable.
    pub(crate) async fn last_sequence(
        &self,
        core: usize,
        account: &AccountId,
    ) -> Result<u64, LedgerError> {
        let last = self.view(core, account, |account, _, _| account.last_sequence());
        last.await
    }

    /// Begins to wait for an account's messages.
    pub(crate) fn watch(&self, account: &AccountId) -> Watcher {
        self.authoriser.watchers.watch(account.as_str())
    }

    /// The account's messages behind an entry: the oldest of them, and where the others are. So
    /// few are kept however far behind somebody is.
    pub(crate) async fn notices_after(
        &self,
        core: usize,
        account: &AccountId,
        after: u64,
    ) -> Result<Behind, LedgerError> {
        let mut begin = Some(self.last_sequence(core, account).await?);
        let mut behind = Behind::default();
        let mut page = None;
        while let Some(last) = begin {
            let first = after.saturating_add(1);
            let walked = self.walk(account, first..=last, MESSAGES_AT_ONCE, has_notice);
            let Walked {
                found,
                next,
                pruned,
            } = walked.await?;
            behind.pruned = pruned;
            begin = next;
            let Some((newest, _)) = found.first() else {
                continue;
            };
            let entries = next.map_or(first, |next| next.saturating_add(1))..=*newest;
            behind.newer.extend(page.replace(entries));
            behind.oldest = found.iter().rev().filter_map(seen).collect();
        }
        Ok(behind)
    }

    /// The messages of one of those places, oldest first.
    pub(crate) async fn notices_among(
        &self,
        account: &AccountId,
        entries: RangeInclusive<u64>,
    ) -> Result<Vec<NoticeSeen>, LedgerError> {
        let walked = self.walk(account, entries, MESSAGES_AT_ONCE, has_notice);
        let found = walked.await?.found;
        Ok(found.iter().rev().filter_map(seen).collect())
    }
}

fn has_notice(stored: &Stored) -> bool {
    notice_of(stored).is_some()
}

fn notice_of(stored: &Stored) -> Option<Notice> {
    stored.event().and_then(Notice::of)
}

fn seen((sequence, stored): &(u64, Stored)) -> Option<NoticeSeen> {
    Some(NoticeSeen {
        sequence: *sequence,
        at: stored.at,
        notice: notice_of(stored)?,
    })
}
