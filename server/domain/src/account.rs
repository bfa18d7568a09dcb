//! An account: what is known of one wallet, and how events change it.

mod apply;
mod closing;
mod credentials;
mod keys;
mod parts;
mod phone_codes;

pub use self::parts::{
    AccountParts, EXPIRED_KEPT_SECONDS, PaymentCode, PaymentToken, PendingBind, Rare, ReviewTicket,
};
pub use self::phone_codes::{PhoneCode, PhoneCodes};
use crate::card::BoundCard;
use crate::event::{PasswordTicket, PasswordVerifier, Review, WalletRegion};
use crate::identifiers::{CallName, CardToken, CodeDigest, Fingerprint, IdempotencyKey, TicketId};
use crate::identity::{DocumentType, Identity};
use crate::money::Fen;
use crate::period::{Day, Timestamp};
use crate::risk::{Clearance, RiskReason, RiskTicket};
use crate::usage::Usage;

/// One wallet. Every field changes only by [`Account::apply`], so that replaying the events
/// gives the same account.
///
/// There may be ten million of them, so an account at rest is small: lists hold no spare room,
/// and what few accounts have stands in a box of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    region: WalletRegion,
    review: Review,
    /// An identity taken apart takes less room. None before anybody is verified.
    document: Option<DocumentType>,
    document_fingerprint: Fingerprint,
    document_expires_on: Day,
    password: Option<PasswordVerifier>,
    cards: Box<[BoundCard]>,
    phone_codes: PhoneCodes,
    usage: Usage,
    last_sequence: u64,
    rare: Option<Box<Rare>>,
}

impl Account {
    /// An account at first contact: unverified, without a card (D19, D27).
    pub fn open(region: WalletRegion) -> Self {
        Self {
            region,
            review: Review::NotRequired,
            document: None,
            document_fingerprint: Fingerprint([0; 16]),
            document_expires_on: Day::from_number(0),
            password: None,
            cards: Box::default(),
            phone_codes: PhoneCodes::default(),
            usage: Usage::default(),
            last_sequence: 0,
            rare: None,
        }
    }

    fn verify(&mut self, identity: Identity) {
        self.document = Some(identity.document);
        self.document_fingerprint = identity.fingerprint;
        self.document_expires_on = identity.expires_on;
    }

    /// The wallet's region.
    pub fn region(&self) -> WalletRegion {
        self.region
    }

    /// Who it was verified as; None before the first card (R29).
    pub fn identity(&self) -> Option<Identity> {
        Some(Identity {
            document: self.document?,
            fingerprint: self.document_fingerprint,
            expires_on: self.document_expires_on,
        })
    }

    /// A passport holder's review.
    pub fn review(&self) -> Review {
        self.review
    }

    /// What a payment password is checked against; None before the first card.
    pub fn password(&self) -> Option<&PasswordVerifier> {
        self.password.as_ref()
    }

    /// Until when the password is locked, if it is at this instant (D7).
    pub fn password_locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.rare
            .as_ref()
            .and_then(|rare| rare.password_locked_until)
            .filter(|&until| now < until)
    }

    /// Wrong tries that count at this instant: none once a lock has run out (D7).
    pub fn wrong_passwords(&self, now: Timestamp) -> u8 {
        self.rare.as_ref().map_or(0, |rare| {
            counted(rare.wrong_passwords, rare.password_locked_until, now)
        })
    }

    /// Until when no password can be reset, if that is so at this instant.
    pub fn reset_locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        let rare = self.rare.as_ref();
        rare.and_then(|rare| rare.reset_locked_until)
            .filter(|&until| now < until)
    }

    /// Wrong card data and documents that count at this instant.
    pub fn wrong_proofs(&self, now: Timestamp) -> u8 {
        self.rare.as_ref().map_or(0, |rare| {
            counted(rare.wrong_proofs, rare.reset_locked_until, now)
        })
    }

    /// The balance (D12).
    pub fn balance(&self) -> Fen {
        self.rare.as_ref().map_or(Fen::ZERO, |rare| rare.balance)
    }

    /// What was approved in an issuer's place and not agreed to since, in principal (D17).
    pub fn stood_in(&self) -> Fen {
        self.rare.as_ref().map_or(Fen::ZERO, |rare| rare.stood_in)
    }

    /// The payment token of that nonce, outstanding or remembered.
    pub fn payment_token(&self, nonce: u64) -> Option<&PaymentToken> {
        let tokens = self.rare.as_ref().map_or(&[][..], |rare| &rare.tokens);
        tokens.iter().find(|token| token.nonce == nonce)
    }

    /// The payment code of that digest, outstanding or remembered (D10).
    pub fn payment_code(&self, digest: CodeDigest) -> Option<&PaymentCode> {
        self.payment_codes()
            .iter()
            .find(|code| code.digest == digest)
    }

    /// Payment codes that are outstanding or remembered, oldest first.
    pub fn payment_codes(&self) -> &[PaymentCode] {
        self.rare.as_ref().map_or(&[], |rare| &rare.codes)
    }

    /// Its request to reset the password (R46).
    pub fn password_ticket(&self) -> Option<&PasswordTicket> {
        self.rare
            .as_ref()
            .and_then(|rare| rare.password_ticket.as_ref())
    }

    /// Face checks that failed in this review (R54).
    pub fn face_failures(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.face_failures)
    }

    /// Its cards, oldest first.
    pub fn cards(&self) -> &[BoundCard] {
        &self.cards
    }

    /// The card of that name.
    pub fn card(&self, token: CardToken) -> Option<&BoundCard> {
        self.cards.iter().find(|card| card.token == token)
    }

    /// Slots that are held for cards being bound.
    pub fn pending_binds(&self) -> &[PendingBind] {
        self.rare.as_ref().map_or(&[], |rare| &rare.binds)
    }

    /// The latest code that was sent to a phone.
    pub fn phone_code(&self, phone: Fingerprint) -> Option<&PhoneCode> {
        self.phone_codes.iter().find(|code| code.phone == phone)
    }

    /// Codes that were sent and not forgotten yet.
    pub fn phone_codes(&self) -> &PhoneCodes {
        &self.phone_codes
    }

    /// Its open risk tickets, oldest first (R68).
    pub fn risk_tickets(&self) -> &[RiskTicket] {
        self.rare.as_ref().map_or(&[], |rare| &rare.risk_tickets)
    }

    /// The open risk ticket of that name.
    pub fn risk_ticket(&self, id: TicketId) -> Option<&RiskTicket> {
        self.risk_tickets().iter().find(|ticket| ticket.id == id)
    }

    /// An operator's latest word that a risk of a card is none.
    pub fn clearance(&self, card: CardToken, reason: RiskReason) -> Option<&Clearance> {
        let clearances = self.rare.as_ref().map_or(&[][..], |rare| &rare.clearances);
        clearances
            .iter()
            .find(|clearance| clearance.card == card && clearance.reason == reason)
    }

    /// True if a payment was reversed before it came, named by its caller and key (D31).
    pub fn is_reversed_ahead(&self, caller: &str, key: &IdempotencyKey) -> bool {
        let names = self.rare.as_ref().map(|rare| &rare.reversed_ahead);
        names
            .filter(|names| !names.is_empty())
            .is_some_and(|names| {
                names.contains(&CallName {
                    caller: caller.into(),
                    key: key.clone(),
                })
            })
    }

    /// How many payments were reversed before they came (D31).
    pub fn reversed_ahead(&self) -> usize {
        self.rare
            .as_ref()
            .map_or(0, |rare| rare.reversed_ahead.len())
    }

    /// Its review, while that waits for an operator (R53).
    pub fn review_ticket(&self) -> Option<ReviewTicket> {
        self.rare.as_ref().and_then(|rare| rare.review_ticket)
    }

    /// True if a review was rejected and none approved since (D5).
    pub fn review_was_rejected(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.review_rejected)
    }

    /// What is used of the limits.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The sequence of its last event.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }
}

/// Wrong tries of a counter: none once its lock has run out.
fn counted(wrong: u8, locked_until: Option<Timestamp>, now: Timestamp) -> u8 {
    match locked_until {
        Some(until) if now >= until => 0,
        Some(_) | None => wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_forgotten_and_nothing_else() {
        let expires_at = Timestamp::from_unix_ms(1_000_000);
        let code = |phone, expires_at| PhoneCode {
            phone: Fingerprint([phone; 16]),
            nonce: 0,
            expires_at,
            resend_before: 240,
            wrong_tries: 0,
            used: true,
        };
        let later = expires_at.plus_seconds(60);
        let pay_code = |nonce, expires_at| PaymentCode {
            nonce,
            digest: CodeDigest(0),
            funding: crate::event::Funding::Balance,
            expires_at,
            used: true,
        };
        let token = |nonce, expires_at| PaymentToken {
            nonce,
            funding: crate::event::Funding::Balance,
            expires_at,
            used: false,
        };
        let account = |first: bool, second: bool| {
            let parts = Account::open(WalletRegion::Mainland).into_parts();
            let both = [(first, 1, expires_at), (second, 2, later)];
            let left = || both.into_iter().filter(|(is_left, ..)| *is_left);
            Account::from_parts(AccountParts {
                phone_codes: left().map(|(_, phone, end)| code(phone, end)).collect(),
                rare: Rare {
                    tokens: left()
                        .map(|(_, nonce, end)| token(nonce.into(), end))
                        .collect(),
                    codes: left()
                        .map(|(_, nonce, end)| pay_code(nonce.into(), end))
                        .collect(),
                    ..Rare::default()
                },
                last_sequence: 7,
                ..parts
            })
        };
        let kept = EXPIRED_KEPT_SECONDS;
        let cases = [
            (expires_at, (true, true)),
            (expires_at.plus_seconds(kept - 1), (true, true)),
            (expires_at.plus_seconds(kept), (false, true)),
            (later.plus_seconds(kept), (false, false)),
        ];
        for (now, (first, second)) in cases {
            let mut found = account(true, true);
            found.forget_what_is_over(now);
            assert_eq!(found, account(first, second), "{now:?}");
        }
    }

    #[test]
    fn r19_a_code_is_known_for_as_long_as_another_may_not_be_sent() {
        let expires_at = Timestamp::from_unix_ms(1_000_000);
        let code = PhoneCode {
            phone: Fingerprint([1; 16]),
            nonce: 0,
            expires_at,
            resend_before: -3_600,
            wrong_tries: 0,
            used: true,
        };
        let mut account = Account::from_parts(AccountParts {
            phone_codes: [code].into_iter().collect(),
            ..Account::open(WalletRegion::Mainland).into_parts()
        });
        let is_known_after = |account: &mut Account, seconds| {
            account.forget_what_is_over(expires_at.plus_seconds(seconds));
            account.phone_code(code.phone).is_some()
        };
        assert!(is_known_after(&mut account, 3_599));
        assert!(!is_known_after(&mut account, 3_600));
    }

    #[test]
    fn an_account_at_rest_is_small() {
        // The allocator hands out multiples of sixteen.
        assert!(size_of::<Account>() <= 112, "{}", size_of::<Account>());
        assert!(size_of::<BoundCard>() <= 80, "{}", size_of::<BoundCard>());
    }
}
