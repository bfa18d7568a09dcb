//! Applying entries to a state: outcomes only, nothing is decided here.

use std::collections::HashMap;
use std::convert::Infallible;

use waika_domain::account::Account;
use waika_domain::event::{CardStatusSet, Event, WalletRegion};
use waika_domain::identifiers::AccountId;

use super::{RecoveryError, Unanswered};
use crate::authoriser::{Authoriser, Happened, place_of};
use crate::idempotency::{Place, Slot};
use crate::ledger::call::{Business, Call};
use crate::ledger::decode::{self, NotUnderstood, Stored, StoredBody, StoredCall};
use crate::ledger::replay::scope_of;
use crate::policy_book::PolicyBook;

/// Applies the entries of some accounts, in their order.
pub(super) struct Applier<'a> {
    authoriser: &'a Authoriser,
    pub(super) found: Found,
}

/// What applying has found beyond the state itself.
#[derive(Default)]
pub(super) struct Found {
    /// Calls that were begun and never answered.
    pub(super) unanswered: HashMap<u64, Unanswered>,
    /// What operators told the issuer, by sequence: of one card, but of any account.
    pub(super) statuses: Vec<(u64, CardStatusSet)>,
    /// Keys that were added to the index.
    pub(super) keys: usize,
}

impl<'a> Applier<'a> {
    pub(super) fn new(authoriser: &'a Authoriser) -> Self {
        Self {
            authoriser,
            found: Found::default(),
        }
    }

    pub(super) fn apply(&mut self, sequence: u64, entry: &[u8]) -> Result<(), RecoveryError> {
        let stored = decode::entry(entry)?;
        match stored.body {
            StoredBody::KeyCheck(check) if *check != self.authoriser.vault.check() => {
                return Err(RecoveryError::OtherKey);
            }
            StoredBody::KeyCheck(_) => {}
            StoredBody::Event(ref event) => {
                if let Event::PolicyPut(put) = event {
                    PolicyBook::parse(&put.text).map_err(|_| NotUnderstood("a policy"))?;
                }
                self.apply_event(sequence, event, &stored);
            }
        }
        Ok(())
    }

    fn apply_event(&mut self, sequence: u64, event: &Event, stored: &Stored) {
        let happened = Happened {
            event,
            sequence,
            at: stored.at,
        };
        match &*stored.account {
            "" => self.authoriser.apply_without_account(event, sequence),
            _ => self.apply_to_account(happened, stored),
        }
        if let Event::CardStatusSet(set) = event {
            self.found.statuses.push((sequence, set.clone()));
        }
        let Some(by) = &stored.call else { return };
        let slot = self.fill_slot(sequence, event, &scope_of(event, &stored.account), by);
        if event.is_beginning()
            && let Ok(account) = AccountId::parse(&stored.account)
        {
            let fields = by.fields.iter().map(|&digest| ("", digest));
            let call = Call {
                rpc: by.rpc,
                caller: by.caller.clone(),
                key: by.key.clone(),
                business: Business::Fields(fields.collect()),
            };
            let begun = Unanswered {
                account,
                call,
                slot,
                begun: event.clone(),
            };
            self.found.unanswered.insert(sequence, begun);
        } else if let Some(reserved_by) = event.begun_by() {
            self.found.unanswered.remove(&reserved_by);
        }
    }

    /// An account that a snapshot held has seen its earlier events already.
    fn apply_to_account(&self, happened: Happened<'_>, stored: &Stored) {
        let Happened {
            event, sequence, ..
        } = happened;
        let id = &*stored.account;
        let authoriser = self.authoriser;
        let apply = |account: &mut Account| {
            if sequence > account.last_sequence() {
                account.apply(event, sequence, stored.at);
            }
            authoriser.apply_beyond_the_account(id, account, happened);
            Ok::<_, Infallible>(())
        };
        let region = event.opening_region().unwrap_or(WalletRegion::Mainland);
        let Ok(()) = authoriser.accounts.with_account_or_open(id, region, apply);
    }

    /// Notes that the call's key is used. A slot that is filled already is this call's own, or
    /// another key's with the same hash.
    fn fill_slot(&mut self, sequence: u64, event: &Event, scope: &str, by: &StoredCall) -> Slot {
        let idempotency = &self.authoriser.idempotency;
        let call = (by.rpc, &*by.caller, by.key.as_str());
        let mut attempt = 0;
        loop {
            let slot = idempotency.slot_of(scope, call, attempt);
            let place = place_of(event, sequence);
            match idempotency.fill_or_find(slot, place) {
                None => {
                    self.found.keys += 1;
                    return slot;
                }
                Some(taken) if is_answered_by(taken, event, sequence) => return slot,
                Some(taken) if is_beginning_of(taken, event, sequence) => {
                    idempotency.fill(slot, place);
                    return slot;
                }
                Some(_) => attempt += 1,
            }
        }
    }
}

/// True if a taken slot has this call's answer already, from a snapshot: this very event, or, for
/// a beginning, a later one. (A later answer of another key with the same 64 bits would be taken
/// for it; the next start would find that call's end under the next attempt.)
fn is_answered_by(taken: Place, event: &Event, sequence: u64) -> bool {
    match taken {
        Place::Answered(answer) if event.is_beginning() => answer > sequence,
        Place::Answered(answer) => answer == sequence,
        Place::UnderWay(_) => false,
    }
}

/// True if a taken slot is this call's own beginning.
fn is_beginning_of(taken: Place, event: &Event, sequence: u64) -> bool {
    match taken {
        Place::UnderWay(begun) => begun == sequence || event.begun_by() == Some(begun),
        Place::Answered(_) => false,
    }
}
