//! What an account's document and cards are found by, while there are several keys.

use super::{Account, Rare};
use crate::card::BoundCard;
use crate::event::OlderOfBinding;
use crate::fingerprints::{AlsoKnown, Fingerprints, KeyNumber};
use crate::identifiers::{CardToken, Fingerprint};
use crate::period::Timestamp;

impl Account {
    /// Digests of the document that it was verified with; None before anybody was.
    pub fn document_fingerprints(&self) -> Option<Fingerprints> {
        let identity = self.identity()?;
        Some(self.with_older(identity.fingerprint, None))
    }

    /// Digests of one of its cards.
    pub fn fingerprints_of(&self, card: &BoundCard) -> Fingerprints {
        self.with_older(card.fingerprint, Some(card.token))
    }

    /// What is known beside what is under the keys of the document and of each card.
    pub fn also_known(&self) -> &[AlsoKnown] {
        self.rare.as_ref().map_or(&[], |rare| &rare.also_known)
    }

    /// By which of a phone's digests it is known here: that of the code that was sent to it and counts still,
    /// or else that under the active key. So a code is one code, whichever key becomes active meanwhile.
    pub fn phone_among(&self, phones: &Fingerprints, now: Timestamp) -> Fingerprint {
        let counts = |phone: &Fingerprint| {
            let code = self.phone_code(*phone);
            code.is_some_and(|code| code.is_remembered(now))
        };
        phones.iter().find(counts).unwrap_or(phones.active())
    }

    fn with_older(&self, active: Fingerprint, of: Option<CardToken>) -> Fingerprints {
        match &self.rare {
            None => active.into(),
            Some(rare) => {
                let older = rare.also_known.iter().filter(|known| known.card == of);
                Fingerprints::with_older(active, older.map(|known| known.fingerprint))
            }
        }
    }

    /// Takes note of what a bind brought along beside what is under the active key. What was known of the
    /// document before goes: the bind has told all of it anew.
    pub(super) fn note_older(&mut self, card: CardToken, older: &OlderOfBinding) {
        let of_card = older.card.into_iter().flatten();
        let of_card = of_card.map(|fingerprint| AlsoKnown {
            card: Some(card),
            fingerprint,
        });
        let of_document = older.document.into_iter().flatten();
        let of_document = of_document.map(|fingerprint| AlsoKnown {
            card: None,
            fingerprint,
        });
        let mut new = of_card.chain(of_document).peekable();
        if new.peek().is_none() && self.rare.is_none() {
            return;
        }
        let known = &mut self.rare().also_known;
        known.retain(|known| known.card.is_some());
        known.extend(new);
    }

    /// Frees digests under keys that are not live any more. What is decided does not change by it: nothing is
    /// looked for under such a key.
    pub fn forget_keys(&mut self, is_live: impl Fn(KeyNumber) -> bool) {
        let Some(rare) = &mut self.rare else { return };
        rare.also_known
            .retain(|known| is_live(known.fingerprint.key()));
        if **rare == Rare::default() {
            self.rare = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountParts, PhoneCode};
    use crate::event::{
        Event, Funding, PasswordEffect, PasswordVerified, PasswordVerifier, Review, WalletRegion,
    };
    use crate::identity::{DocumentType, Identity};
    use crate::money::Amount;
    use crate::period::Day;
    use crate::refusal::{PasswordRefusal, Refused};

    const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

    const fn under(key: u8) -> Fingerprint {
        Fingerprint([7; 16]).under(KeyNumber(key))
    }

    /// Whose document is under key 2, and known under key 1.
    fn account() -> Account {
        let empty = Account::open(WalletRegion::Mainland).into_parts();
        let identity = Identity {
            document: DocumentType::Passport,
            fingerprint: under(2),
            expires_on: Day::from_number(0),
        };
        let also_known = vec![AlsoKnown {
            card: None,
            fingerprint: under(1),
        }];
        Account::from_parts(AccountParts {
            review: Review::Approved,
            identity: Some(identity),
            password: Some(PasswordVerifier::NONE.under(KeyNumber(1))),
            rare: Rare {
                also_known,
                wrong_passwords: 3,
                ..Rare::default()
            },
            ..empty
        })
    }

    #[test]
    fn what_is_under_a_key_that_is_gone_is_freed() {
        let mut account = account();
        let both = Fingerprints::with_older(under(2), [under(1)]);
        assert_eq!(account.document_fingerprints(), Some(both));
        account.forget_keys(|_| true);
        assert_eq!(account.document_fingerprints(), Some(both));
        account.forget_keys(|key| key == KeyNumber(2));
        assert_eq!(account.document_fingerprints(), Some(under(2).into()));
        assert!(account.also_known().is_empty());
    }

    #[test]
    fn d7_a_password_moves_with_the_try_that_was_right_and_with_no_other() {
        let moved = PasswordVerifier::NONE.under(KeyNumber(2));
        let tried = |effect| {
            let mut event = Event::PasswordVerified(PasswordVerified {
                funding: Funding::Balance,
                amount: Amount::from_fen(1).unwrap(),
                password: effect,
                outcome: Err(Refused::because(PasswordRefusal::PasswordsDiffer)),
            });
            event.move_password(moved.into());
            let mut account = account();
            account.apply(&event, 1, NOW);
            let key = account.password().unwrap().key();
            (key.0, account.wrong_passwords(NOW))
        };
        let wrong = PasswordEffect::Wrong {
            tries: 4,
            locked_until: None,
        };
        assert_eq!(tried(PasswordEffect::Matched), (2, 0));
        assert_eq!(tried(wrong), (1, 4));
        assert_eq!(tried(PasswordEffect::Untouched), (1, 3));
    }

    #[test]
    fn d8_a_code_that_counts_is_gone_on_with_whichever_key_is_active() {
        let code = PhoneCode {
            phone: under(1),
            nonce: 1,
            expires_at: NOW.plus_seconds(300),
            resend_before: 240,
            wrong_tries: 0,
            used: false,
        };
        let parts = AccountParts {
            phone_codes: [code].into_iter().collect(),
            ..account().into_parts()
        };
        let account = Account::from_parts(parts);
        let both = Fingerprints::with_older(under(2), [under(1)]);
        assert_eq!(account.phone_among(&both, NOW), under(1));
        assert_eq!(
            account.phone_among(&both, NOW.plus_seconds(3_600)),
            under(2)
        );
        assert_eq!(account.phone_among(&under(3).into(), NOW), under(3));
    }
}
