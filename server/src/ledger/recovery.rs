//! Replaying a journal: the state, the index of keys, and what was begun and never answered.

use std::collections::HashMap;
use std::convert::Infallible;

use waika_domain::account::Account;
use waika_domain::event::{Event, WalletRegion};
use waika_domain::identifiers::AccountId;

use super::call::{Business, Call};
use super::decode::{self, NotUnderstood, Stored, StoredBody};
use super::replay::merchant_scope;
use crate::authoriser::{Authoriser, place_of};
use crate::idempotency::{Place, Slot};

/// A call that was begun and never answered.
pub(super) struct Unanswered {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) slot: Slot,
    /// What it began with.
    pub(super) begun: Event,
}

/// What replaying has found beyond the state itself.
pub(super) struct Recovered {
    /// Calls that were begun and never answered.
    pub(super) unanswered: HashMap<u64, Unanswered>,
    pub(super) entries: u64,
    /// The journal was written with another key.
    pub(super) other_key: bool,
}

/// Why an entry cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoveryError {
    /// It is not understood.
    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
    /// The journal was written with another key.
    #[error("the journal was written with another key")]
    OtherKey,
}

/// Replays entries into a state. Outcomes only: nothing is decided here.
pub(super) struct Recovery<'a> {
    authoriser: &'a Authoriser,
    found: Recovered,
}

impl<'a> Recovery<'a> {
    pub(super) fn new(authoriser: &'a Authoriser) -> Self {
        let found = Recovered {
            unanswered: HashMap::new(),
            entries: 0,
            other_key: false,
        };
        Self { authoriser, found }
    }

    pub(super) fn apply(&mut self, sequence: u64, entry: &[u8]) -> Result<(), RecoveryError> {
        let stored = decode::entry(entry)?;
        self.found.entries += 1;
        match stored.body {
            StoredBody::KeyCheck(check) => {
                self.found.other_key = *check != self.authoriser.vault.check();
            }
            StoredBody::Event(ref event) => self.apply_event(sequence, event, &stored),
        }
        if self.found.other_key {
            return Err(RecoveryError::OtherKey);
        }
        Ok(())
    }

    fn apply_event(&mut self, sequence: u64, event: &Event, stored: &Stored) {
        let Authoriser {
            accounts,
            idempotency,
            ..
        } = self.authoriser;
        let account = AccountId::parse(&stored.account).ok();
        if let Some(id) = &account {
            let apply = |account: &mut Account| {
                account.apply(event, sequence, stored.at);
                Ok::<_, Infallible>(())
            };
            let region = event.opening_region().unwrap_or(WalletRegion::Mainland);
            let Ok(()) = accounts.with_account_or_open(id, region, apply);
        }
        self.authoriser.apply_beyond_the_account(event);
        let Some(by) = &stored.call else { return };
        let call = Call {
            rpc: by.rpc,
            caller: by.caller.clone(),
            key: by.key.clone(),
            business: Business::Fields(by.fields.iter().map(|&digest| ("", digest)).collect()),
        };
        let scope = scope_of(event, &stored.account);
        let place = place_of(event, sequence);
        let mut attempt = 0;
        let mut slot = idempotency.slot(&scope, &call, attempt);
        // A filled slot is this call's own beginning, or another key's with the same hash.
        while let Some(taken) = idempotency.find(slot) {
            if is_beginning_of(taken, event) {
                break;
            }
            attempt += 1;
            slot = idempotency.slot(&scope, &call, attempt);
        }
        idempotency.fill(slot, place);
        if let (Place::UnderWay(_), Some(account)) = (place, account) {
            self.found.unanswered.insert(
                sequence,
                Unanswered {
                    account,
                    call,
                    slot,
                    begun: event.clone(),
                },
            );
        } else if let Some(reserved_by) = event.begun_by() {
            self.found.unanswered.remove(&reserved_by);
        }
    }

    pub(super) fn finish(self) -> Recovered {
        self.found
    }
}

/// True if a taken slot is the beginning of the call that this event answers.
fn is_beginning_of(taken: Place, event: &Event) -> bool {
    match taken {
        Place::UnderWay(begun) => event.begun_by() == Some(begun),
        Place::Answered(_) => false,
    }
}

/// What an event's key is scoped to.
fn scope_of(event: &Event, account: &str) -> String {
    if let Event::MerchantPut(merchant) = event {
        merchant_scope(&merchant.id)
    } else {
        account.to_owned()
    }
}
