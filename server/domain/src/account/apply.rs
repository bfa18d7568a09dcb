//! How events change an account. Nothing is decided here.

use super::parts::is_remembered;
use super::{Account, PendingBind, PhoneCode, Rare, ReviewTicket};
use crate::card::BoundCard;
use crate::decline::DeclineReason;
use crate::event::{
    BindDecided, BindReserved, Declined, Erasure, Event, Funding, Material, PhoneCodeDecided,
    PhoneCodeEffect, Posted, Reservation, ReversalDecided, Review, ReviewResolved,
    StandInReconciled, UnbindDecided, VerificationSubmitted, Voided, WalletRegion,
};
use crate::identifiers::{CardToken, TicketId};
use crate::period::Timestamp;
use crate::refusal::PhoneCodeRefusal;
use crate::risk::{Clearance, RiskReason, RiskResolved, RiskTicket};

impl Account {
    /// Makes an event part of the account that is replayed, unless the account has seen it. Says whether it
    /// was new.
    pub fn replay(&mut self, event: &Event, sequence: u64, at: Timestamp) -> bool {
        let is_new = sequence > self.last_sequence;
        if is_new {
            self.apply(event, sequence, at);
        }
        is_new
    }

    /// Makes an event part of the account. `sequence` is the event's place in the ledger, `at`
    /// its time.
    pub fn apply(&mut self, event: &Event, sequence: u64, at: Timestamp) {
        self.last_sequence = sequence;
        match event {
            Event::PhoneCode(decided) => self.apply_phone_code(decided),
            Event::BindReserved(reserved) => self.apply_bind_reserved(reserved, sequence),
            Event::BindDecided(decided) => self.apply_bind_decided(decided, sequence),
            Event::UnbindDecided(decided) => self.apply_unbind_decided(decided),
            Event::Reserved(reservation) => self.apply_reservation(reservation),
            Event::Posted(posted) => self.apply_posted(posted),
            Event::StandInReconciled(reconciled) => self.apply_reconciled(reconciled),
            Event::Voided(voided) => self.apply_voided(voided),
            Event::Declined(declined) => self.apply_declined(declined, sequence, at),
            Event::ReversalDecided(decided) => self.apply_reversal(decided, at),
            Event::ReversedAhead(name) => {
                self.rare().reversed_ahead.insert((**name).clone());
            }
            Event::ReviewResolved(resolved) => self.apply_review_resolved(*resolved),
            Event::RiskResolved(resolved) => self.apply_risk_resolved(resolved, sequence),
            Event::PasswordVerified(verified) => self.apply_password_verified(verified),
            Event::PasswordChanged(changed) => self.apply_password_changed(changed),
            Event::PasswordResetDecided(decided) => {
                self.apply_password_reset(decided, sequence, at);
            }
            Event::PasswordTicketResolved(resolved) => {
                self.rare().password_ticket = Some(resolved.ticket);
            }
            Event::PasswordUnlocked(_) => self.clear_password_lock(),
            Event::VerificationSubmitted(submitted) => {
                self.apply_verification(submitted, sequence, at);
            }
            Event::RegionSwitched(switched) => self.apply_region(switched.region),
            Event::PaymentCodeDecided(decided) => self.apply_payment_code(decided),
            Event::FundsReceived(received) => {
                if let Ok(balance) = received.outcome {
                    self.rare().balance = balance;
                }
            }
            Event::AccountClosed(closed) => self.apply_closed(closed, at),
            Event::ErasureBegun(begun) => self.apply_erasure_begun(*begun, at),
            Event::ErasureEnded => self.apply_erasure(Erasure::Ended(at)),
            // These are not about an account's own state.
            Event::SettleDecided(_)
            | Event::MerchantPut(_)
            | Event::CardStatusSet(_)
            | Event::ClockSet(_)
            | Event::PolicyPut(_)
            | Event::PolicyActivated(_)
            | Event::PolicyShadowed(_)
            | Event::AdviceTaken(_)
            | Event::IssuerLate(_) => {}
        }
        self.forget_what_is_over(at);
    }

    /// Frees what nobody can use any more, so that an account at rest is small. What is told and decided
    /// does not change by it: whatever is over counts as gone whether or not this has come by.
    pub fn forget_what_is_over(&mut self, now: Timestamp) {
        if !self.phone_codes.are_all(|code| code.is_remembered(now)) {
            let codes = self.phone_codes.iter().copied();
            self.phone_codes = codes.filter(|code| code.is_remembered(now)).collect();
        }
        let Some(rare) = &mut self.rare else { return };
        rare.tokens
            .retain(|token| is_remembered(token.expires_at, now));
        rare.codes
            .retain(|code| is_remembered(code.expires_at, now));
        if **rare == Rare::default() {
            self.rare = None;
        }
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn apply_phone_code(&mut self, decided: &PhoneCodeDecided) {
        if decided
            .outcome
            .is_err_and(|refused| refused.reason == PhoneCodeRefusal::ResendTooSoon)
        {
            return; // The code that was sent a moment ago still holds.
        }
        let others = self.phone_codes.iter().copied();
        let others = others.filter(|code| code.phone != decided.phone);
        // R24: if it could not be sent, none is outstanding now.
        let sent = decided.outcome.ok().map(|sent| PhoneCode {
            phone: decided.phone,
            nonce: sent.nonce,
            expires_at: sent.expires_at,
            resend_before: whole_seconds(sent.resend_at, sent.expires_at),
            wrong_tries: 0,
            used: false,
        });
        self.phone_codes = others.chain(sent).collect();
    }

    fn apply_bind_reserved(&mut self, reserved: &BindReserved, sequence: u64) {
        self.apply_phone_code_effect(reserved.phone_code);
        self.apply_password(reserved.password);
        let pending = PendingBind {
            sequence,
            card: reserved.card,
        };
        self.rare().binds.push(pending);
    }

    fn apply_bind_decided(&mut self, decided: &BindDecided, sequence: u64) {
        self.apply_phone_code_effect(decided.phone_code);
        self.apply_password(decided.password);
        if let (Some(rare), Some(reserved_by)) = (&mut self.rare, decided.reserved_by) {
            rare.binds.retain(|pending| pending.sequence != reserved_by);
        }
        if let Ok(binding) = &decided.outcome {
            self.verify(binding.identity);
            self.password = binding.password_set.or(self.password);
            let card = BoundCard {
                bound_by: sequence,
                ..binding.card.clone()
            };
            self.note_older(card.token, &binding.older);
            let cards = std::mem::take(&mut self.cards);
            self.cards = cards.into_iter().chain([card]).collect();
        }
        self.review = decided.review;
    }

    fn apply_unbind_decided(&mut self, decided: &UnbindDecided) {
        self.apply_password(decided.password);
        if decided.outcome.is_err() {
            return;
        }
        let cards = std::mem::take(&mut self.cards).into_iter();
        self.cards = cards.filter(|card| card.token != decided.card).collect();
        if let Some(rare) = &mut self.rare {
            rare.risk_tickets
                .retain(|ticket| ticket.card != decided.card);
            rare.clearances.retain(|clear| clear.card != decided.card);
            let funding = Funding::Card(decided.card);
            rare.codes.retain(|code| code.funding != funding); // D22
            rare.tokens.retain(|token| token.funding != funding); // D22
            rare.also_known
                .retain(|known| known.card != Some(decided.card));
        }
    }

    /// Only a mainland wallet may pay, so what could pay is at an end elsewhere (D19).
    fn apply_region(&mut self, region: WalletRegion) {
        self.region = region;
        if region != WalletRegion::Mainland {
            self.end_codes();
        }
    }

    fn apply_review_resolved(&mut self, resolved: ReviewResolved) {
        self.review = resolved.review;
        if !resolved.resolved {
            return;
        }
        let rare = self.rare();
        (rare.face_failures, rare.review_rejected) = (0, !resolved.approve);
        rare.review_ticket = None;
        if !resolved.approve {
            self.end_codes(); // D5
        }
    }

    fn apply_verification(
        &mut self,
        submitted: &VerificationSubmitted,
        sequence: u64,
        at: Timestamp,
    ) {
        self.review = submitted.review;
        if submitted.outcome.is_err() {
            return;
        }
        if submitted.review == Review::FaceFailed && submitted.material == Material::Face {
            let failures = &mut self.rare().face_failures;
            *failures = failures.saturating_add(1);
        }
        if submitted.review == Review::UnderReview {
            self.rare().review_ticket = Some(ReviewTicket {
                id: TicketId::from_sequence(sequence),
                submitted_at: at,
            });
        }
    }

    fn apply_reservation(&mut self, reservation: &Reservation) {
        self.apply_password(reservation.password);
        self.apply_spent(reservation.spent);
        let Reservation {
            month,
            year,
            payment,
            balance_left,
            ..
        } = reservation;
        match balance_left {
            None => self.usage = self.usage.counting(*month, *year, payment.amount),
            Some(left) => self.rare().balance = *left, // D12
        }
    }

    fn apply_posted(&mut self, posted: &Posted) {
        if posted.reserved_by.is_none() {
            self.apply_reservation(&posted.reservation);
        }
        if posted.stand_in.is_some() {
            let rare = self.rare();
            rare.stood_in = rare.stood_in.plus(posted.reservation.payment.amount.fen()); // D17
        }
    }

    /// What the issuer agrees with is no risk any more; what it would have declined stays one.
    fn apply_reconciled(&mut self, reconciled: &StandInReconciled) {
        if reconciled.diverged.is_none() {
            let rare = self.rare();
            rare.stood_in = rare.stood_in.minus(reconciled.principal);
        }
    }

    fn apply_voided(&mut self, voided: &Voided) {
        let held = &voided.reservation;
        let amount = held.payment.amount.fen();
        if held.counts() {
            let (month, year) = (Some(held.month), Some(held.year));
            self.usage = self.usage.giving_back(month, year, amount);
        } else {
            let rare = self.rare();
            rare.balance = rare.balance.plus(amount);
        }
    }

    fn apply_declined(&mut self, declined: &Declined, sequence: u64, at: Timestamp) {
        self.apply_password(declined.password);
        self.apply_spent(declined.spent);
        self.usage = self.usage.at(at); // D1: a period that was decided in is not left again.
        if let Funding::Card(card) = declined.payment.funding {
            self.open_risk_ticket(card, declined.decline.reason, sequence, at);
        }
    }

    /// The first decline for a risk of a card opens a ticket; later ones find it (R68).
    fn open_risk_ticket(
        &mut self,
        card: CardToken,
        reason: DeclineReason,
        sequence: u64,
        at: Timestamp,
    ) {
        let Some(reason) = RiskReason::of(reason) else {
            return;
        };
        let open = self.risk_tickets().iter();
        if open
            .into_iter()
            .any(|ticket| ticket.card == card && ticket.reason == reason)
        {
            return;
        }
        self.rare().risk_tickets.push(RiskTicket {
            id: TicketId::from_sequence(sequence),
            card,
            reason,
            opened_at: at,
        });
    }

    fn apply_risk_resolved(&mut self, resolved: &RiskResolved, sequence: u64) {
        let RiskTicket {
            id, card, reason, ..
        } = resolved.ticket;
        let rare = self.rare();
        rare.risk_tickets.retain(|ticket| ticket.id != id);
        if resolved.cleared {
            rare.clearances
                .retain(|clear| (clear.card, clear.reason) != (card, reason));
            rare.clearances.push(Clearance {
                card,
                reason,
                sequence,
            });
        }
    }

    /// Gives back to the windows that are open at the time of the reversal: taking note of that
    /// time keeps a window that is over from opening again when the clock steps back (D1, D13).
    fn apply_reversal(&mut self, decided: &ReversalDecided, at: Timestamp) {
        let Ok(reversal) = &decided.outcome else {
            return;
        };
        let month = reversal.month_restored.then_some(reversal.month);
        let year = reversal.year_restored.then_some(reversal.year);
        let usage = self.usage.at(at);
        self.usage = usage.giving_back(month, year, reversal.principal);
        if let Some(left) = reversal.balance_left {
            self.rare().balance = left;
        }
    }

    pub(super) fn apply_phone_code_effect(&mut self, effect: PhoneCodeEffect) {
        let (PhoneCodeEffect::Wrong { phone, .. } | PhoneCodeEffect::Used { phone }) = effect
        else {
            return;
        };
        let codes = &mut self.phone_codes;
        let Some(code) = codes.iter_mut().find(|code| code.phone == phone) else {
            return;
        };
        match effect {
            PhoneCodeEffect::Untouched => {}
            PhoneCodeEffect::Wrong { tries, .. } => code.wrong_tries = tries,
            PhoneCodeEffect::Used { .. } => code.used = true,
        }
    }
}

/// Both instants lie whole seconds behind the event's own, so that nothing is lost.
fn whole_seconds(from: Timestamp, to: Timestamp) -> i32 {
    let seconds = to.unix_ms().saturating_sub(from.unix_ms()) / 1_000;
    i32::try_from(seconds).unwrap_or(if seconds < 0 { i32::MIN } else { i32::MAX })
}
