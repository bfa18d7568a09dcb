//! The verbs of a script for what comes after a payment, and for the quote before it.

use super::script::Play;
use super::wallet::{amount, merchant, payment_facts, token, verifier};
use super::words::{Line, declined, said};
use crate::event::{Event, ReversalDecided, Scene, UnbindDecided};
use crate::identifiers::{CallName, IdempotencyKey};
use crate::risk::RiskReason;
use crate::rules::reverse::{GivenBack, Original};
use crate::rules::settlement::settles_at;
use crate::rules::{quote, reverse, risk, unbind};

/// A payment that was decided, as a reversal finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    sequence: u64,
    /// None if it was declined.
    original: Option<Original>,
    so_far: GivenBack,
}

impl Play {
    /// Records the decision on a payment, for reversals to find.
    pub(super) fn keep_decided(&mut self, event: &Event) {
        let original = if let Event::Posted(posted) = event {
            let reservation = &posted.reservation;
            Some(Original {
                principal: reservation.payment.amount,
                fee: reservation.fee,
                month: reservation.month,
                year: reservation.year,
                settles_at: settles_at(self.wallet.now, &self.wallet.policy),
            })
        } else {
            None
        };
        self.decided.push(Decided {
            sequence: self.wallet.record(event.clone()),
            original,
            so_far: GivenBack::default(),
        });
    }

    pub(super) fn unbind(&mut self, line: &Line<'_>) -> Vec<String> {
        let wallet = &self.wallet;
        let card = token(line.number("card"));
        let given = verifier(line.number("password"));
        let matches = wallet.account.password() == Some(&given);
        let (outcome, password) =
            unbind::decide(&wallet.account, card, matches, &wallet.policy, wallet.now);
        self.record(Event::UnbindDecided(UnbindDecided {
            card,
            password,
            outcome,
        }))
    }

    /// Reverses an amount, or all that remains, of the payment of that number, or of the last.
    pub(super) fn reverse(&mut self, line: &Line<'_>) -> Vec<String> {
        let last = self.decided.len();
        let number = line
            .value("payment")
            .map_or(last, |number| number.parse().unwrap());
        let payment = &mut self.decided[number - 1];
        let amount = (!line.object.is_empty()).then(|| amount(&line.object));
        let (usage, now) = (self.wallet.account.usage(), self.wallet.now);
        let outcome = reverse::decide(
            payment.original.as_ref(),
            payment.so_far,
            amount,
            usage,
            now,
        );
        if let Ok(given) = &outcome {
            let GivenBack { principal, fee } = payment.so_far;
            payment.so_far = GivenBack {
                principal: principal.plus(given.principal),
                fee: fee.plus(given.fee),
            };
        }
        let original = payment.sequence;
        self.record(Event::ReversalDecided(Box::new(ReversalDecided {
            original,
            outcome,
        })))
    }

    /// Reverses a payment that has not come (D31).
    pub(super) fn reverse_ahead(&mut self, line: &Line<'_>) -> Vec<String> {
        let name = CallName {
            caller: "".into(),
            key: key(line).unwrap(),
        };
        self.wallet.record(Event::ReversedAhead(Box::new(name)));
        vec!["recorded ahead".into()]
    }

    pub(super) fn is_reversed_ahead(&self, line: &Line<'_>) -> bool {
        key(line).is_some_and(|key| self.wallet.account.is_reversed_ahead("", &key))
    }

    /// Another person binds a card.
    pub(super) fn share(&mut self, line: &Line<'_>) {
        let after = self.wallet.account.last_sequence();
        self.strangers.push((line.number("card"), after + 1));
    }

    /// All other people unbind a card.
    pub(super) fn unshare(&mut self, line: &Line<'_>) {
        let card = line.number("card");
        self.strangers.retain(|stranger| stranger.0 != card);
    }

    pub(super) fn risk_of(&self, line: &Line<'_>) -> Option<RiskReason> {
        let number = line.number("card");
        let card = self.wallet.account.card(token(number))?;
        risk::of_card(&self.wallet.account, card, |after| {
            let mut strangers = self.strangers.iter();
            strangers.any(|&(card, bound_by)| card == number && bound_by > after)
        })
    }

    /// Closes the oldest ticket of a card.
    pub(super) fn resolve_risk(&mut self, line: &Line<'_>) -> Vec<String> {
        let account = &self.wallet.account;
        let card = token(line.number("card"));
        let mut tickets = account.risk_tickets().iter();
        let ticket = tickets.find(|ticket| ticket.card == card);
        let cleared = line.verb == "clear";
        match ticket.and_then(|ticket| risk::resolve(account, ticket.id, cleared)) {
            Some(resolved) => self.record(Event::RiskResolved(resolved)),
            None => vec!["no ticket".into()],
        }
    }

    /// What the payment of the same line would meet (R62).
    pub(super) fn quote(&self, line: &Line<'_>) -> Vec<String> {
        let wallet = &self.wallet;
        let merchant = merchant();
        let facts = crate::rules::authorise::Facts {
            risk: self.risk_of(line),
            ..payment_facts(&merchant)
        };
        let offer = quote::Offer {
            card: token(line.number("card")),
            amount: amount(&line.object),
            scene: Scene::Purchase,
        };
        match quote::decide(&wallet.account, offer, &facts, &wallet.policy, wallet.now) {
            Ok(fee) => vec!["usable".into(), format!("fee {fee}")],
            Err(decline) => declined(&decline),
        }
    }

    /// A quote knows neither the password, nor the key, nor the issuer's mind. Where none of them
    /// stands in the way, it said what the payment met.
    pub(super) fn compare_with_quote(&self, line: &Line<'_>, quoted: &[String], met: &[String]) {
        let password = verifier(line.number("password"));
        let is_right = self.wallet.account.password() == Some(&password);
        let locked = met.iter().any(|said| said == "PASSWORD_LOCKED");
        let unknown = self.wallet.account.password().is_none();
        if !(is_right || locked || unknown) || self.is_reversed_ahead(line) {
            return;
        }
        if quoted[0] == "usable" {
            let issuer_said_no = met[0].starts_with("ISSUER_");
            let approved = met[0] == "approved" && quoted[1] == met[1];
            assert!(approved || issuer_said_no, "{quoted:?}, then {met:?}");
        } else {
            assert_eq!(quoted, met);
        }
    }

    fn record(&mut self, event: Event) -> Vec<String> {
        let answer = said(&event);
        self.wallet.record(event);
        answer
    }
}

fn key(line: &Line<'_>) -> Option<IdempotencyKey> {
    line.value("key")
        .map(|key| IdempotencyKey::parse(key).unwrap())
}
