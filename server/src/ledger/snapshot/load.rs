//! Loading a snapshot: its blocks are decoded on several threads while the next ones are read.

use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{Scope, ScopedJoinHandle};

use parking_lot::Mutex;
use waika_domain::account::Account;
use waika_domain::event::PasswordTicketState;
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;

use super::decode::{self, Part};
use crate::authoriser::Authoriser;
use crate::clock::machine;
use crate::idempotency::MovedOut;
use crate::ledger::decode::NotUnderstood;
use crate::ledger::journal::SnapshotBlock;
use crate::ledger::key_keeper::LEAST_KEPT;
use crate::ledger::recovery::RecoveryError;

/// Blocks that wait to be decoded: about 1 MiB each.
const BLOCKS_AHEAD: usize = 4;

/// The threads that load. Nothing may be replayed before [`Loader::finish`].
pub(in crate::ledger) struct Loader<'scope> {
    blocks: SyncSender<SnapshotBlock>,
    workers: Vec<ScopedJoinHandle<'scope, Result<(), RecoveryError>>>,
}

impl<'scope> Loader<'scope> {
    /// Starts the threads.
    pub(in crate::ledger) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        authoriser: &'scope Authoriser,
        workers: usize,
    ) -> Self {
        let (blocks, given) = mpsc::sync_channel::<SnapshotBlock>(BLOCKS_AHEAD);
        let given = Arc::new(Mutex::new(given));
        let work = move || {
            let given = Arc::clone(&given);
            scope.spawn(move || {
                loop {
                    let block = given.lock().recv();
                    let Ok(block) = block else { return Ok(()) };
                    for record in block.records() {
                        restore(authoriser, decode::record(record)?)?;
                    }
                }
            })
        };
        Self {
            blocks,
            workers: (0..workers.max(1)).map(|_| work()).collect(),
        }
    }

    /// Hands over a block.
    pub(in crate::ledger) fn give(&self, block: SnapshotBlock) -> Result<(), RecoveryError> {
        let gone = |_| RecoveryError::Ended;
        self.blocks.send(block).map_err(gone)
    }

    /// Waits until everything is loaded.
    pub(in crate::ledger) fn finish(self) -> Result<(), RecoveryError> {
        drop(self.blocks);
        let mut ended = self.workers.into_iter().map(ScopedJoinHandle::join);
        ended.try_for_each(|ended| ended.unwrap_or(Err(RecoveryError::Ended)))
    }
}

/// Makes a part of a snapshot part of the state.
fn restore(authoriser: &Authoriser, part: Part) -> Result<(), RecoveryError> {
    match part {
        Part::KeyCheck(check, _) if *check != authoriser.vault.check() => {
            return Err(RecoveryError::OtherKey);
        }
        Part::KeyCheck(_, accounts) => {
            // Most accounts have a card. What a snapshot says is under a checksum.
            let accounts = usize::try_from(accounts).unwrap_or_default();
            authoriser.accounts.make_room(accounts);
            authoriser.bound_cards.make_room(accounts);
        }
        Part::Account(id, mut account) => {
            account.forget_keys(|key| authoriser.vault.is_live(key));
            authoriser.hold_cards(&account);
            restore_leads(authoriser, &id, &account);
            authoriser.note_erasure(id.as_str(), &account);
            authoriser.accounts.restore(&id, account);
        }
        Part::Policies(kept) => {
            let policies = &authoriser.policies;
            for text in &kept.stored {
                let unknown = |_| NotUnderstood("a policy");
                policies.restore(text).map_err(unknown)?;
            }
            for name in &kept.activated {
                policies.activate(name);
            }
            policies.set_shadow(kept.shadow);
        }
        Part::Merchant(merchant) => authoriser.merchants.put(merchant),
        Part::CardStatus(reference, status) => {
            authoriser.issuers.sandbox.set_status(&reference, status);
        }
        Part::Adjustment(authorisation, adjustment) => {
            authoriser.adjusted.restore(authorisation, adjustment);
        }
        // What a snapshot holds is durable.
        Part::Clock(setting) => authoriser.clock.set(setting, 0),
        Part::LastOperated(sequence) => authoriser.operator_log.note(sequence),
        Part::Owed(sequence, advice) => authoriser.owed.restore(sequence, advice),
        Part::Keys(keys) => authoriser.idempotency.restore(&keys),
        Part::KeysMovedOut(wanted) => check_runs(wanted, authoriser.idempotency.moved_out())?,
    }
    Ok(())
}

/// Refuses a start without runs of used keys that the snapshot counts on. The oldest may be gone once
/// their keys were kept for long enough.
fn check_runs(wanted: MovedOut, found: Option<MovedOut>) -> Result<(), RecoveryError> {
    let through = found.map_or(0, |found| found.through);
    let after = found.map_or(u64::MAX, |found| found.after);
    let kept_ms = i64::try_from(LEAST_KEPT.as_millis()).unwrap_or(i64::MAX);
    let is_young = machine().unix_ms() < wanted.oldest_ms.saturating_add(kept_ms);
    if through < wanted.through || (after > wanted.after && is_young) {
        let (from, to) = (wanted.after + 1, wanted.through);
        return Err(RecoveryError::KeysMissing { from, to });
    }
    Ok(())
}

/// What leads to an account from outside: its open tickets and its payment codes.
fn restore_leads(authoriser: &Authoriser, id: &AccountId, account: &Account) {
    for ticket in account.risk_tickets() {
        authoriser.risk_desk.open(ticket.id, id.clone());
    }
    let password = account.password_ticket();
    if let Some(ticket) = password.filter(|ticket| ticket.state == PasswordTicketState::Open) {
        authoriser.password_desk.open(ticket.id, id.clone());
    }
    if let Some(ticket) = account.review_ticket() {
        authoriser.review_desk.open(ticket.id, id.clone());
    }
    for code in account.payment_codes() {
        let codes = &authoriser.payment_codes;
        // Nothing is swept while a snapshot is loaded: it has no time of its own.
        let begin = Timestamp::from_unix_ms(i64::MIN);
        codes.issue(code.digest, id.clone(), code.expires_at, begin);
    }
}
