//! Erasing what is personal in closed accounts (decision 0042), row by row.
//!
//! A node does it for the accounts whose last entry is of it or of a node that is gone. Whatever is cut short is
//! done again: what was erased reads as it will.

use std::sync::Weak;
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::time::sleep;
use waika_domain::event::Erasure;
use waika_domain::identifiers::AccountId;

use super::Ledger;
use crate::clock::monotonic;
use crate::ledger::LedgerError;
use crate::ledger::erasing::redact;
use crate::ledger::node::{Node, Question, column};

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Entries that are read, and written, by one statement.
const AT_ONCE: i64 = 200;
/// It rests so many times as long as it worked.
const REST: u32 = 3;

/// Erases what is to be erased, for as long as there is a ledger.
pub(in crate::ledger) async fn erase_what_waits(ledger: Weak<Ledger>) {
    let waiting = gauge!("waika_erasures_waiting");
    let mut wait = LOOK_EVERY;
    loop {
        sleep(wait).await;
        wait = LOOK_EVERY;
        let Some(ledger) = ledger.upgrade() else {
            return;
        };
        let Some(node) = ledger.node() else {
            return;
        };
        if !node.is_there() {
            continue;
        }
        let accounts = match node.to_erase().await {
            Ok(accounts) => accounts,
            Err(error) => {
                tracing::debug!(%error, "what is to be erased is not known for the present");
                continue;
            }
        };
        let mut left = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        waiting.set(left);
        for account in accounts {
            if let Err(error) = ledger.erase_on(node, &account).await {
                tracing::warn!(%account, %error, "personal data are not erased for the present");
                wait = LOOK_AGAIN;
                continue;
            }
            left = left.saturating_sub(1);
            waiting.set(left);
        }
    }
}

impl Ledger {
    /// Erases what is personal in an account's entries, newest first, and records that it has ended.
    async fn erase_on(&self, node: &Node, account: &AccountId) -> Result<(), LedgerError> {
        let mut before = i64::MAX;
        loop {
            let begun_at = monotonic();
            let Some((oldest, erased)) = erase_some(node, account, before).await? else {
                break;
            };
            before = oldest.saturating_sub(1);
            counter!("waika_erased_entries_total").increment(erased);
            sleep(begun_at.elapsed() * REST).await;
        }
        node.refresh(&self.authoriser, account).await?;
        let write = || self.authoriser.end_erasure(&self.queue, account);
        self.aside_on(node, (account, None), &write).await?;
        tracing::info!(%account, "everything personal in a closed account is erased");
        Ok(())
    }

    /// True if what an answer is made from may be gone.
    pub(super) async fn is_being_erased_on(
        &self,
        node: &Node,
        account: &AccountId,
    ) -> Result<bool, LedgerError> {
        node.refresh(&self.authoriser, account).await?;
        let closure = |account: &mut waika_domain::account::Account| account.closure();
        let closure = self.authoriser.accounts.with_account(account, closure);
        Ok(closure
            .flatten()
            .is_some_and(|closure| closure.erasure != Erasure::NotAsked))
    }
}

/// Erases what is personal in some entries up to a sequence. Gives the oldest of them and in how many something was;
/// none if there is no entry.
async fn erase_some(
    node: &Node,
    account: &AccountId,
    up_to: i64,
) -> Result<Option<(i64, u64)>, LedgerError> {
    let id = account.as_str();
    let walked = node
        .reads()
        .rows(Question::Walk, &[&id, &0_i64, &up_to, &AT_ONCE])
        .await?;
    let (mut oldest, mut sequences, mut entries) = (None, Vec::new(), Vec::new());
    for row in &walked {
        let sequence: i64 = column(row, 0)?;
        let bytes: &[u8] = column(row, 1)?;
        oldest = Some(sequence);
        let new = redact::redact(sequence.cast_unsigned(), bytes).map_err(|error| {
            tracing::error!(%account, sequence, %error, "an entry cannot be erased");
            LedgerError::Unreadable
        })?;
        if new != bytes {
            sequences.push(sequence);
            entries.push(new);
        }
    }
    let mut erased = 0;
    if !sequences.is_empty() {
        let rows = node
            .reads()
            .rows(Question::Erase, &[&id, &sequences, &entries])
            .await?;
        let row = rows.first().ok_or(LedgerError::NoDatabase)?;
        erased = column::<i64>(row, 0)?.cast_unsigned();
    }
    Ok(oldest.map(|oldest| (oldest, erased)))
}
