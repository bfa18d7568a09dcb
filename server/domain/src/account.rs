//! An account: what is known of one wallet, and how events change it.

use crate::card::BoundCard;
use crate::event::{
    BindDecided, BindReserved, Event, PasswordEffect, PasswordVerifier, PhoneCodeDecided,
    PhoneCodeEffect, Reservation, Review, WalletRegion,
};
use crate::identifiers::{CardToken, Fingerprint};
use crate::identity::Identity;
use crate::period::Timestamp;
use crate::refusal::PhoneCodeRefusal;
use crate::usage::Usage;

/// How long after its end a code is still known, so that using it late is told as that.
const EXPIRED_CODE_KEPT_SECONDS: u32 = 600;

/// One wallet. Every field changes only by [`Account::apply`], so that replaying the events
/// gives the same account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    region: WalletRegion,
    identity: Option<Identity>,
    review: Review,
    password: Option<PasswordVerifier>,
    wrong_passwords: u8,
    password_locked_until: Option<Timestamp>,
    cards: Vec<BoundCard>,
    usage: Usage,
    last_sequence: u64,
    /// Most accounts have none of these most of the time.
    unfinished: Option<Box<Unfinished>>,
}

/// What is under way: codes that were sent, cards that are being bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Unfinished {
    phone_codes: Vec<PhoneCode>,
    binds: Vec<PendingBind>,
}

/// A code that was sent to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCode {
    /// The phone's digest.
    pub phone: Fingerprint,
    /// What the code follows from.
    pub nonce: u64,
    /// From when on another may be asked for.
    pub resend_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// Wrong tries so far.
    pub wrong_tries: u8,
    /// It was used.
    pub used: bool,
}

impl PhoneCode {
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
            identity: None,
            review: Review::NotRequired,
            password: None,
            wrong_passwords: 0,
            password_locked_until: None,
            cards: Vec::new(),
            usage: Usage::default(),
            last_sequence: 0,
            unfinished: None,
        }
    }

    /// The wallet's region.
    pub fn region(&self) -> WalletRegion {
        self.region
    }

    /// Who it was verified as; None before the first card (R29).
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
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
        self.password_locked_until.filter(|&until| now < until)
    }

    /// Wrong tries that count at this instant: none once a lock has run out (D7).
    pub fn wrong_passwords(&self, now: Timestamp) -> u8 {
        match self.password_locked_until {
            Some(until) if now >= until => 0,
            Some(_) | None => self.wrong_passwords,
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
        self.unfinished
            .as_ref()
            .map_or(&[], |unfinished| &unfinished.binds)
    }

    /// The latest code that was sent to a phone.
    pub fn phone_code(&self, phone: Fingerprint) -> Option<&PhoneCode> {
        self.phone_codes().iter().find(|code| code.phone == phone)
    }

    /// Codes that were sent and not forgotten yet.
    pub fn phone_codes(&self) -> &[PhoneCode] {
        self.unfinished
            .as_ref()
            .map_or(&[], |unfinished| &unfinished.phone_codes)
    }

    /// What is used of the limits.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The sequence of its last event.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// Makes an event part of the account. `sequence` is the event's place in the ledger, `at`
    /// its time.
    pub fn apply(&mut self, event: &Event, sequence: u64, at: Timestamp) {
        self.last_sequence = sequence;
        match event {
            Event::PhoneCode(decided) => self.apply_phone_code(decided),
            Event::BindReserved(reserved) => self.apply_bind_reserved(reserved, sequence),
            Event::BindDecided(decided) => self.apply_bind_decided(decided),
            Event::Reserved(reservation) => self.apply_reservation(reservation),
            Event::Posted(posted) => {
                if posted.reserved_by.is_none() {
                    self.apply_reservation(&posted.reservation);
                }
            }
            Event::Voided(voided) => {
                let held = &voided.reservation;
                self.usage =
                    self.usage
                        .giving_back(held.month, held.year, held.payment.amount.fen());
            }
            Event::Declined(declined) => self.apply_password(declined.password),
            Event::ReviewResolved(resolved) => self.review = resolved.review,
            // These are not about an account's own state.
            Event::MerchantPut(_) | Event::CardStatusSet(_) => {}
        }
        self.forget_what_is_finished(at);
    }

    fn apply_phone_code(&mut self, decided: &PhoneCodeDecided) {
        if decided
            .outcome
            .is_err_and(|refused| refused.reason == PhoneCodeRefusal::ResendTooSoon)
        {
            return; // The code that was sent a moment ago still holds.
        }
        let codes = &mut self.unfinished.get_or_insert_default().phone_codes;
        codes.retain(|code| code.phone != decided.phone);
        let Ok(sent) = decided.outcome else { return }; // R24: none is outstanding now.
        codes.push(PhoneCode {
            phone: decided.phone,
            nonce: sent.nonce,
            resend_at: sent.resend_at,
            expires_at: sent.expires_at,
            wrong_tries: 0,
            used: false,
        });
    }

    fn apply_bind_reserved(&mut self, reserved: &BindReserved, sequence: u64) {
        self.apply_phone_code_effect(reserved.phone_code);
        self.apply_password(reserved.password);
        let pending = PendingBind {
            sequence,
            card: reserved.card,
        };
        self.unfinished.get_or_insert_default().binds.push(pending);
    }

    fn apply_bind_decided(&mut self, decided: &BindDecided) {
        self.apply_phone_code_effect(decided.phone_code);
        self.apply_password(decided.password);
        if let (Some(unfinished), Some(reserved_by)) = (&mut self.unfinished, decided.reserved_by) {
            unfinished
                .binds
                .retain(|pending| pending.sequence != reserved_by);
        }
        if let Ok(binding) = &decided.outcome {
            self.identity = Some(binding.identity);
            self.password = binding.password_set.or(self.password);
            self.cards.reserve_exact(1);
            self.cards.push(binding.card.clone());
        }
        self.review = decided.review;
    }

    fn apply_reservation(&mut self, reservation: &Reservation) {
        self.apply_password(reservation.password);
        let Reservation {
            month,
            year,
            payment,
            ..
        } = reservation;
        self.usage = self.usage.counting(*month, *year, payment.amount);
    }

    fn apply_password(&mut self, effect: PasswordEffect) {
        match effect {
            PasswordEffect::Untouched => {}
            PasswordEffect::Matched => {
                (self.wrong_passwords, self.password_locked_until) = (0, None);
            }
            PasswordEffect::Wrong {
                tries,
                locked_until,
            } => {
                (self.wrong_passwords, self.password_locked_until) = (tries, locked_until);
            }
        }
    }

    fn apply_phone_code_effect(&mut self, effect: PhoneCodeEffect) {
        let (PhoneCodeEffect::Wrong { phone, .. } | PhoneCodeEffect::Used { phone }) = effect
        else {
            return;
        };
        let Some(unfinished) = &mut self.unfinished else {
            return;
        };
        let Some(code) = unfinished
            .phone_codes
            .iter_mut()
            .find(|code| code.phone == phone)
        else {
            return;
        };
        match effect {
            PhoneCodeEffect::Untouched => {}
            PhoneCodeEffect::Wrong { tries, .. } => code.wrong_tries = tries,
            PhoneCodeEffect::Used { .. } => code.used = true,
        }
    }

    /// Frees what nobody can use any more, so that an account at rest is small.
    fn forget_what_is_finished(&mut self, now: Timestamp) {
        let Some(unfinished) = &mut self.unfinished else {
            return;
        };
        unfinished
            .phone_codes
            .retain(|code| code.is_remembered(now));
        if unfinished.phone_codes.is_empty() && unfinished.binds.is_empty() {
            self.unfinished = None;
        }
    }
}
