//! Erasing what is personal in closed accounts (decision 0042), on the thread that takes snapshots.
//!
//! Memory has let go of it when the account was closed. In the journal the account's entries are found by their
//! chain and written anew, as long as they were and with nothing in them that tells a person, a card or a
//! phone; amounts, times, reasons and ids stay. Snapshots from before the closing go by being replaced. Only
//! then is the erasure recorded as ended, so whatever a crash cuts short is done again.

pub(super) mod redact;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};
use thiserror::Error;
use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;

use super::background::Stretch;
use super::decode::{self, NotUnderstood};
use super::journal::{DiskError, NotRewritten, Pruner, ReadError, Rewritten};
use super::{Ledger, LedgerError};
use crate::clock::monotonic;

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Accounts that are looked at together: a segment is written once for all of them.
const MOST_AT_ONCE: usize = 1_000;
/// It rests so many times as long as it worked.
const REST: u32 = 3;

/// What erases.
#[derive(Debug)]
pub(super) struct Erasing {
    pruner: Pruner,
    next_look: Instant,
    /// What is known of those that wait.
    found: BTreeMap<AccountId, Found>,
    /// Accounts that wait.
    waiting: Gauge,
    /// Entries in which something was erased.
    entries: Counter,
}

/// What an erasure still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// Nothing from others.
    Nothing,
    /// A snapshot of the state as it is now.
    Snapshot,
}

/// Why an erasure does not go on for the present.
#[derive(Debug, Error)]
enum NotErased {
    #[error(transparent)]
    NotRewritten(#[from] NotRewritten),
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What an account has in the journal.
#[derive(Debug, Default)]
struct Found {
    /// Entries that tell a person, a card or a phone, and were not written anew yet.
    personal: BTreeSet<u64>,
    /// When it was closed.
    closed_by: u64,
}

impl Erasing {
    pub(super) fn new(pruner: Pruner) -> Self {
        Self {
            pruner,
            next_look: monotonic(),
            found: BTreeMap::new(),
            waiting: gauge!("waika_erasures_waiting"),
            entries: counter!("waika_erased_entries_total"),
        }
    }

    /// Whether it has been some time since the last look.
    pub(super) fn is_due(&self) -> bool {
        monotonic() >= self.next_look
    }

    /// Goes on with what is to be erased, as far as it can now.
    pub(super) fn look(&mut self, ledger: &Ledger, stop: &AtomicBool) -> Wants {
        self.next_look = monotonic() + LOOK_EVERY;
        let accounts = ledger.authoriser.erasures.waiting(MOST_AT_ONCE);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge is a float, and exact up to 2^53"
        )]
        self.waiting.set(accounts.len() as f64);
        if accounts.is_empty() || ledger.room().is_short() {
            return Wants::Nothing;
        }
        match self.erase(ledger, accounts, stop) {
            Ok(wants) => wants,
            Err(NotErased::NotRewritten(NotRewritten::Stopped)) => Wants::Nothing,
            Err(error) => {
                self.next_look = monotonic() + LOOK_AGAIN;
                tracing::warn!(%error, "personal data are not erased for the present");
                Wants::Nothing
            }
        }
    }

    fn erase(
        &mut self,
        ledger: &Ledger,
        accounts: Vec<AccountId>,
        stop: &AtomicBool,
    ) -> Result<Wants, NotErased> {
        let mut stretch = Stretch::begin();
        let mut go_on = || {
            stretch.rest(REST);
            !stop.load(Ordering::Relaxed)
        };
        for account in accounts {
            if !self.found.contains_key(&account)
                && let Some(found) = find(ledger, &account, &mut go_on)?
            {
                self.found.insert(account, found);
            }
        }
        self.rewrite(ledger, &mut go_on)?;
        let held = self.pruner.held_by_snapshots()?;
        let is_gone = |found: &Found| found.personal.is_empty() && found.closed_by <= held;
        let gone = self.found.iter().filter(|(_, found)| is_gone(found));
        let gone: Vec<_> = gone.map(|(account, _)| account.clone()).collect();
        for account in gone {
            ledger.authoriser.end_erasure(&ledger.queue, &account)?;
            self.found.remove(&account);
            tracing::info!(%account, "everything personal in a closed account is erased");
        }
        Ok(if self.found.is_empty() {
            Wants::Nothing
        } else {
            Wants::Snapshot
        })
    }

    /// Writes anew what can be.
    fn rewrite(
        &mut self,
        ledger: &Ledger,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), NotErased> {
        let personal = self.found.values().flat_map(|found| &found.personal);
        let personal: BTreeSet<_> = personal.copied().collect();
        if personal.is_empty() {
            return Ok(());
        }
        let mut change = |sequence, entry: &[u8]| redact::redact(sequence, entry).ok();
        let rewritten = self.pruner.rewrite(&personal, &mut change, go_on)?;
        let Rewritten {
            entries,
            segments,
            left_from,
        } = rewritten;
        self.entries.increment(entries);
        tracing::info!(entries, segments, "personal data erased from the journal");
        for found in self.found.values_mut() {
            found.personal = found.personal.split_off(&left_from.unwrap_or(u64::MAX));
        }
        if left_from.is_some() {
            ledger.queue.end_segment();
        }
        Ok(())
    }
}

/// Looks through an account's entries, from its last to its first or to the oldest that is kept. None as long as
/// its last one is not durable.
fn find(
    ledger: &Ledger,
    account: &AccountId,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Found>, NotErased> {
    let last = |account: &mut waika_domain::account::Account| account.last_sequence();
    let last = ledger.authoriser.accounts.with_account(account, last);
    let mut sequence = last.ok_or(LedgerError::UnknownAccount)?;
    if sequence > ledger.queue.durable() {
        return Ok(None);
    }
    let mut found = Found::default();
    while sequence > 0 {
        if !go_on() {
            return Err(NotRewritten::Stopped.into());
        }
        let bytes = match ledger.reader.read(sequence) {
            Ok(Some(bytes)) => bytes,
            Ok(None) | Err(ReadError::Pruned(_)) => break,
            Err(error) => return Err(error.into()),
        };
        let stored = decode::entry(&bytes)?;
        if let Some(Event::AccountClosed(closed)) = stored.event()
            && closed.outcome.is_ok()
        {
            found.closed_by = sequence;
        }
        if redact::redact(sequence, &bytes)? != bytes {
            found.personal.insert(sequence);
        }
        sequence = stored.previous;
    }
    Ok(Some(found))
}
