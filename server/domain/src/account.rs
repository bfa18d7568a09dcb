//! An account: what is known of one wallet, and how events change it.

mod apply;

use std::collections::BTreeSet;

use crate::card::BoundCard;
use crate::event::{PasswordVerifier, Review, WalletRegion};
use crate::identifiers::{CallName, CardToken, Fingerprint, IdempotencyKey, TicketId};
use crate::identity::{DocumentType, Identity};
use crate::period::{Day, Timestamp};
use crate::risk::{Clearance, RiskReason, RiskTicket};
use crate::usage::Usage;

/// How long after its end a code is still known, so that using it late is told as that.
const EXPIRED_CODE_KEPT_SECONDS: u32 = 600;

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
    phone_codes: Box<[PhoneCode]>,
    usage: Usage,
    last_sequence: u64,
    rare: Option<Box<Rare>>,
}

/// What an account is made of: for a snapshot of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountParts {
    /// The wallet's region.
    pub region: WalletRegion,
    /// A passport holder's review.
    pub review: Review,
    /// Who it was verified as.
    pub identity: Option<Identity>,
    /// What a payment password is checked against.
    pub password: Option<PasswordVerifier>,
    /// Its cards, oldest first.
    pub cards: Box<[BoundCard]>,
    /// Codes that were sent and not forgotten yet.
    pub phone_codes: Box<[PhoneCode]>,
    /// What is used of the limits.
    pub usage: Usage,
    /// The sequence of its last event.
    pub last_sequence: u64,
    /// What few accounts have.
    pub rare: Rare,
}

/// What few accounts have at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rare {
    /// Wrong tries of the password since the last right one.
    pub wrong_passwords: u8,
    /// Until when the password is locked (D7).
    pub password_locked_until: Option<Timestamp>,
    /// Slots that are held for cards being bound.
    pub binds: Vec<PendingBind>,
    /// Open risk tickets, oldest first (R68).
    pub risk_tickets: Vec<RiskTicket>,
    /// What operators have said of risks.
    pub clearances: Vec<Clearance>,
    /// Payments that were reversed before they came (D31).
    pub reversed_ahead: BTreeSet<CallName>,
}

/// A code that was sent to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCode {
    /// The phone's digest.
    pub phone: Fingerprint,
    /// What the code follows from.
    pub nonce: u64,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// How long before that another may be asked for, in seconds.
    pub resend_before: i32,
    /// Wrong tries so far.
    pub wrong_tries: u8,
    /// It was used.
    pub used: bool,
}

impl PhoneCode {
    /// From when on another may be asked for (R19).
    pub fn resend_at(&self) -> Timestamp {
        let before = i64::from(self.resend_before).saturating_mul(1_000);
        Timestamp::from_unix_ms(self.expires_at.unix_ms().saturating_sub(before))
    }

    /// False once it is so old that it counts as never sent, whether or not an event has come
    /// by since to free its place.
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        now < self.expires_at.plus_seconds(EXPIRED_CODE_KEPT_SECONDS)
    }
}

/// A slot that is held while the issuer is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingBind {
    /// The sequence of its `BindReserved`.
    pub sequence: u64,
    /// Digest of the card's number.
    pub card: Fingerprint,
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
            phone_codes: Box::default(),
            usage: Usage::default(),
            last_sequence: 0,
            rare: None,
        }
    }

    /// An account as a snapshot kept it.
    pub fn from_parts(parts: AccountParts) -> Self {
        let AccountParts {
            region,
            review,
            identity,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare,
        } = parts;
        let mut account = Self {
            review,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            ..Self::open(region)
        };
        if let Some(identity) = identity {
            account.verify(identity);
        }
        account
    }

    /// What a snapshot keeps of it.
    pub fn into_parts(self) -> AccountParts {
        let identity = self.identity();
        let Self {
            region,
            review,
            document: _,
            document_fingerprint: _,
            document_expires_on: _,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare,
        } = self;
        AccountParts {
            region,
            review,
            identity,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare: rare.map(|rare| *rare).unwrap_or_default(),
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
        match &self.rare {
            None => 0,
            Some(rare) => match rare.password_locked_until {
                Some(until) if now >= until => 0,
                Some(_) | None => rare.wrong_passwords,
            },
        }
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
    pub fn phone_codes(&self) -> &[PhoneCode] {
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

    /// What is used of the limits.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The sequence of its last event.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_at_rest_is_small() {
        assert!(size_of::<Account>() <= 120, "{}", size_of::<Account>());
        assert!(size_of::<PhoneCode>() <= 40, "{}", size_of::<PhoneCode>());
        assert!(size_of::<BoundCard>() <= 72, "{}", size_of::<BoundCard>());
    }
}
