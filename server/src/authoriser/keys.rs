//! What follows from there being several keys: whom a shared card is found by, and how a password moves.

use waika_domain::account::Account;
use waika_domain::card::BoundCard;
use waika_domain::event::{BindDecided, Event, PasswordEffect, Unbound};
use waika_domain::fingerprints::Fingerprints;
use waika_domain::identifiers::{AccountId, Fingerprint};

use super::Authoriser;
use crate::ledger::CredentialGiven;

impl Authoriser {
    /// Where an event says that the password was right, and it is kept under an older key, lets the event say
    /// too how it is kept from now on.
    pub(super) fn moving(
        &self,
        id: &AccountId,
        account: &Account,
        password: &str,
        mut event: Event,
    ) -> Event {
        if event.password_effect() == PasswordEffect::Matched
            && let Some(kept) = account.password()
            && let Some(moved) = self.vault.moved(id, password, kept)
        {
            event.move_password(moved.into());
            self.metrics.count_moved_password();
        }
        event
    }

    /// The same of a payment, which may be made without the password.
    pub(super) fn moving_by(
        &self,
        credential: &CredentialGiven,
        id: &AccountId,
        account: &Account,
        event: Event,
    ) -> Event {
        match credential {
            CredentialGiven::Password(password) => self.moving(id, account, password, event),
            CredentialGiven::Token(_) | CredentialGiven::Code => event,
        }
    }

    /// Notes every card of an account that a snapshot holds (D9).
    pub(crate) fn hold_cards(&self, account: &Account) {
        let Some(document) = account.document_fingerprints() else {
            return;
        };
        for card in account.cards() {
            self.hold(&account.fingerprints_of(card), &document, card.bound_by);
        }
    }

    /// Notes a card that was bound (D9).
    pub(super) fn hold_bound(&self, decided: &BindDecided, sequence: u64) {
        if let Ok(binding) = &decided.outcome {
            let card = Fingerprints::new(binding.card.fingerprint, binding.older.card);
            let document = Fingerprints::new(binding.identity.fingerprint, binding.older.document);
            self.hold(&card, &document, sequence);
        }
    }

    fn hold(&self, card: &Fingerprints, document: &Fingerprints, sequence: u64) {
        for (card, identity) in under_one_key(card, document) {
            self.bound_cards.bind(card, identity, sequence);
        }
    }

    /// A card is bound no longer.
    pub(super) fn let_card_go(&self, unbound: &Unbound) {
        for card in unbound.card.iter() {
            self.bound_cards.unbind(card, unbound.bound_by);
        }
    }

    /// True if another person bound the card after that sequence, and has it still (D9): each key that both
    /// were written under tells, and no digest is held against one of another key.
    pub(super) fn is_shared(&self, account: &Account, card: &BoundCard, after: u64) -> bool {
        let Some(identity) = account.identity() else {
            return false;
        };
        if account.also_known().is_empty() {
            let (card, identity) = (card.fingerprint, identity.fingerprint);
            return self.bound_cards.is_shared(card, identity, after);
        }
        let document = account.document_fingerprints();
        document.is_some_and(|document| {
            under_one_key(&account.fingerprints_of(card), &document)
                .any(|(card, identity)| self.bound_cards.is_shared(card, identity, after))
        })
    }
}

/// Digests of a card and a document, by each key that there are both of.
fn under_one_key(
    card: &Fingerprints,
    document: &Fingerprints,
) -> impl Iterator<Item = (Fingerprint, Fingerprint)> {
    card.iter().filter_map(|card| {
        let mut documents = document.iter();
        let identity = documents.find(|document| document.key() == card.key())?;
        Some((card, identity))
    })
}
