//! What is different where a database says what is durable: nothing follows from an entry before that, since it may
//! have to be decided again.

use waika_domain::account::Account;
use waika_domain::event::{Event, PasswordEffect};
use waika_domain::period::Timestamp;

use super::{Authoriser, Happened, Passage};
use crate::caller::Caller;
use crate::ledger::log::Written;
use crate::ledger::node::Deciding;
use crate::ledger::{Call, scope_of};

/// What follows from an entry once it is durable.
#[derive(Debug)]
pub(crate) struct Effects {
    /// Whose.
    pub(crate) id: Box<str>,
    pub(crate) event: Event,
    pub(crate) at: Timestamp,
    /// Who has sent a wrong password.
    pub(crate) guessed: Option<Caller>,
}

impl Authoriser {
    /// A decision as it is sent to a database.
    pub(super) fn deciding<'a>(
        &self,
        passage: Passage<'_>,
        account: &'a Account,
        (event, sequence, at): (&Event, u64, Timestamp),
        (previous, written): (u64, Written),
    ) -> Deciding<'a> {
        let (id, call) = (passage.account.as_str(), passage.call);
        let is_wrong = matches!(event.password_effect(), PasswordEffect::Wrong { .. });
        Deciding {
            account,
            previous,
            sequence,
            // The end of a call is found by its beginning.
            call_hash: event
                .begun_by()
                .is_none()
                .then(|| self.call_hash(&scope_of(event, id), call)),
            written,
            effects: Effects {
                id: id.into(),
                event: event.clone(),
                at,
                guessed: is_wrong.then(|| call.caller.clone()),
            },
        }
    }

    /// What a database finds a call by.
    pub(crate) fn call_hash(&self, scope: &str, call: &Call) -> [u8; 16] {
        let parts = (call.rpc, &*call.caller, call.key.as_str());
        self.idempotency.wide_hash(scope, parts)
    }

    /// Applies what follows from an entry beyond its account, now that it is durable.
    pub(crate) fn apply_durable(&self, effects: &Effects, sequence: u64) {
        let Effects {
            id,
            event,
            at,
            guessed,
        } = effects;
        let happened = Happened {
            event,
            sequence,
            at: *at,
        };
        self.note_owed(id, happened);
        self.note_cards(event, sequence);
        self.tell(id, happened);
        if let Some(caller) = guessed {
            self.budget.count(caller); // D7
        }
        self.metrics.count(event);
    }

    /// Applies what concerns no account.
    pub(crate) fn apply_global(&self, event: &Event, sequence: u64, at: Timestamp) {
        self.apply_without_account(event, sequence);
        if let Event::PolicyShadowed(_) = event {
            self.shadow.begin(at);
        }
    }

    /// Takes up what another node has written.
    pub(crate) fn hear(&self, id: &str, event: &Event, sequence: u64, at: Timestamp) {
        self.note_cards(event, sequence);
        self.tell(
            id,
            Happened {
                event,
                sequence,
                at,
            },
        );
    }

    /// Notes who has a card, and who has it no more (D9).
    pub(super) fn note_cards(&self, event: &Event, sequence: u64) {
        if let Event::BindDecided(decided) = event {
            self.hold_bound(decided, sequence);
        } else if let Event::UnbindDecided(decided) = event {
            if let Ok(unbound) = &decided.outcome {
                self.let_card_go(unbound);
            }
        } else if let Event::AccountClosed(closed) = event {
            for unbound in closed.outcome.iter().flatten() {
                self.let_card_go(unbound);
            }
        }
    }

    /// Forgets the cards of an account that leaves the memory, but for those that others have too.
    pub(crate) fn let_cards_go(&self, account: &Account) {
        for card in account.cards() {
            for digest in account.fingerprints_of(card).iter() {
                self.bound_cards.forget_alone(digest, card.bound_by);
            }
        }
    }
}
