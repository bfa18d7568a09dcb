//! Applying entries to a state: outcomes only, nothing is decided here.

use std::collections::HashMap;
use std::convert::Infallible;

use waika_domain::account::Account;
use waika_domain::event::{CardStatusSet, Event, WalletRegion};
use waika_domain::identifiers::AccountId;

use super::{RecoveryError, Unanswered};
use crate::authoriser::{Authoriser, Happened, place_of};
use crate::idempotency::Slot;
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
                #[cfg(feature = "planted-faults")]
                if self.authoriser.skips(&stored) {
                    return Ok(());
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
        if stored.operated.is_some() {
            self.authoriser.operator_log.note(sequence);
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
            let call = Call::new(
                by.rpc,
                by.caller.clone(),
                by.key.clone(),
                Business::Fields(fields.collect()),
            );
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
            #[cfg(feature = "planted-faults")]
            let seen = account.last_sequence();
            account.replay(event, sequence, stored.at);
            #[cfg(feature = "planted-faults")]
            if sequence > seen {
                authoriser.plant_after_start(stored, account);
            }
            authoriser.apply_beyond_the_account(id, account, happened);
            Ok::<_, Infallible>(())
        };
        let region = event.opening_region().unwrap_or(WalletRegion::Mainland);
        let Ok(()) = authoriser.accounts.with_account_or_open(id, region, apply);
    }

    /// Notes that the call's key is used, unless it is noted already: in a run, or by a snapshot.
    fn fill_slot(&mut self, sequence: u64, event: &Event, scope: &str, by: &StoredCall) -> Slot {
        let idempotency = &self.authoriser.idempotency;
        let slot = idempotency.slot_of(scope, (by.rpc, &*by.caller, by.key.as_str()));
        let begun_by = event.begun_by();
        if !event.is_beginning() && sequence <= idempotency.moved_out_through() {
            if let Some(begun) = begun_by {
                idempotency.is_over(slot, begun);
            }
        } else if idempotency.note(slot, place_of(event, sequence), begun_by) {
            self.found.keys += 1;
        }
        slot
    }
}
