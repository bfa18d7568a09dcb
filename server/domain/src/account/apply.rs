//! How events change an account. Nothing is decided here.

use super::{Account, PendingBind, PhoneCode, Rare};
use crate::card::BoundCard;
use crate::decline::DeclineReason;
use crate::event::{
    BindDecided, BindReserved, Declined, Event, PasswordEffect, PhoneCodeDecided, PhoneCodeEffect,
    Reservation, ReversalDecided, UnbindDecided,
};
use crate::identifiers::{CardToken, TicketId};
use crate::period::Timestamp;
use crate::refusal::PhoneCodeRefusal;
use crate::risk::{Clearance, RiskReason, RiskResolved, RiskTicket};

impl Account {
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
            Event::Declined(declined) => self.apply_declined(declined, sequence, at),
            Event::ReversalDecided(decided) => self.apply_reversal(decided, at),
            Event::ReversedAhead(name) => {
                self.rare().reversed_ahead.insert((**name).clone());
            }
            Event::ReviewResolved(resolved) => self.review = resolved.review,
            Event::RiskResolved(resolved) => self.apply_risk_resolved(resolved, sequence),
            // These are not about an account's own state.
            Event::MerchantPut(_) | Event::CardStatusSet(_) | Event::ClockSet(_) => {}
        }
        self.forget_what_is_finished(at);
    }

    /// Frees what nobody can use any more, so that an account at rest is small.
    fn forget_what_is_finished(&mut self, now: Timestamp) {
        if self.phone_codes.iter().any(|code| !code.is_remembered(now)) {
            let codes = self.phone_codes.iter().copied();
            self.phone_codes = codes.filter(|code| code.is_remembered(now)).collect();
        }
        if self
            .rare
            .as_deref()
            .is_some_and(|rare| *rare == Rare::default())
        {
            self.rare = None;
        }
    }

    fn rare(&mut self) -> &mut Rare {
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
        }
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

    fn apply_declined(&mut self, declined: &Declined, sequence: u64, at: Timestamp) {
        self.apply_password(declined.password);
        self.usage = self.usage.at(at); // D1: a period that was decided in is not left again.
        self.open_risk_ticket(declined.payment.card, declined.decline.reason, sequence, at);
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
        if let Ok(reversal) = &decided.outcome {
            self.usage =
                self.usage
                    .at(at)
                    .giving_back(reversal.month, reversal.year, reversal.principal);
        }
    }

    fn apply_password(&mut self, effect: PasswordEffect) {
        match effect {
            PasswordEffect::Untouched => {}
            PasswordEffect::Matched => {
                if let Some(rare) = &mut self.rare {
                    (rare.wrong_passwords, rare.password_locked_until) = (0, None);
                }
            }
            PasswordEffect::Wrong {
                tries,
                locked_until,
            } => {
                let rare = self.rare();
                (rare.wrong_passwords, rare.password_locked_until) = (tries, locked_until);
            }
        }
    }

    fn apply_phone_code_effect(&mut self, effect: PhoneCodeEffect) {
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
