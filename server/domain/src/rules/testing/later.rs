//! The verbs of a script for what comes after a payment, for cards that go, and for risks.

use super::script::Play;
use super::wallet::{amount, token, verifier};
use super::words::Line;
use crate::event::{Event, Funding, GiveBack, ReversalDecided, SettleDecided, UnbindDecided};
use crate::identifiers::{CallName, IdempotencyKey};
use crate::risk::RiskReason;
use crate::rules::reverse::{Approved, Asked, GivenBack, Original, SoFar};
use crate::rules::{reverse, risk, unbind};

/// A payment that was decided, as what comes after it finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    sequence: u64,
    /// The sequence of the latest step in its time line; 0 for none.
    latest: u64,
    /// None if it was declined.
    approved: Option<Approved>,
}

impl Play {
    /// Records the decision on a payment, for what comes after it to find.
    pub(super) fn keep_decided(&mut self, event: &Event) {
        let approved = if let Event::Posted(posted) = event {
            Some(Approved {
                original: Original::of(&posted.reservation),
                so_far: SoFar::default(),
            })
        } else {
            None
        };
        self.decided.push(Decided {
            sequence: self.wallet.record(event.clone()),
            latest: 0,
            approved,
        });
    }

    pub(super) fn unbind(&mut self, line: &Line<'_>) -> Vec<String> {
        let wallet = &self.wallet;
        let card = token(line.number("card"));
        let given = verifier(line.number("password"));
        let matches = wallet.account.password() == Some(&given);
        let (outcome, password) =
            unbind::decide(&wallet.account, card, matches, &wallet.policy, wallet.now);
        self.record(Event::UnbindDecided(Box::new(UnbindDecided {
            card,
            password,
            outcome,
        })))
    }

    /// The payment of that number, or the last.
    fn decided_by(&mut self, line: &Line<'_>) -> &mut Decided {
        let last = self.decided.len();
        let number = line
            .value("payment")
            .map_or(last, |number| number.parse().unwrap());
        &mut self.decided[number - 1]
    }

    /// Reverses or refunds an amount, or all that remains.
    pub(super) fn give_back(&mut self, line: &Line<'_>) -> Vec<String> {
        let kind = if line.verb == "refund" {
            GiveBack::Refund
        } else {
            GiveBack::Reversal
        };
        let amount = (!line.object.is_empty()).then(|| amount(&line.object));
        let asked = Asked { kind, amount };
        let decided = *self.decided_by(line);
        let wallet = &self.wallet;
        let outcome = reverse::decide(
            &wallet.account,
            asked,
            decided.approved.as_ref(),
            &wallet.policy,
            wallet.now,
        );
        let event = Event::ReversalDecided(Box::new(ReversalDecided {
            kind,
            original: decided.sequence,
            previous: decided.latest,
            outcome,
        }));
        let answer = self.record(event);
        let latest = self.wallet.account.last_sequence();
        let decided = self.decided_by(line);
        decided.latest = latest;
        if let (Ok(given), Some(approved)) = (&outcome, &mut decided.approved) {
            let given = GivenBack {
                principal: given.principal,
                fee: given.fee,
            };
            let so_far = &mut approved.so_far;
            match kind {
                GiveBack::Reversal => so_far.reversed = so_far.reversed.plus(given),
                GiveBack::Refund => so_far.refunded = so_far.refunded.plus(given),
            }
        }
        answer
    }

    /// Settles a payment before its time (D25).
    pub(super) fn settle(&mut self, line: &Line<'_>) -> Vec<String> {
        let now = self.wallet.now;
        let decided = *self.decided_by(line);
        let outcome = reverse::settle(decided.approved.as_ref(), now);
        let answer = self.record(Event::SettleDecided(SettleDecided {
            original: decided.sequence,
            previous: decided.latest,
            outcome,
        }));
        let latest = self.wallet.account.last_sequence();
        let decided = self.decided_by(line);
        decided.latest = latest;
        if let (Ok(_), Some(approved)) = (outcome, &mut decided.approved) {
            approved.so_far.settled_at = Some(now);
        }
        answer
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

    pub(super) fn risk_of(&self, funding: Funding) -> Option<RiskReason> {
        let card = self.wallet.account.card(funding.card()?)?;
        risk::of_card(&self.wallet.account, card, |after| {
            let mut strangers = self.strangers.iter();
            strangers.any(|&(other, bound_by)| token(other) == card.token && bound_by > after)
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
}

fn key(line: &Line<'_>) -> Option<IdempotencyKey> {
    line.value("key")
        .map(|key| IdempotencyKey::parse(key).unwrap())
}
