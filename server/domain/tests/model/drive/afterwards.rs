//! What becomes of payments afterwards, on both sides.

use waika_domain::event::{Event, GiveBack, ReversalDecided, SettleDecided};
use waika_domain::identifiers::CallName;
use waika_domain::money::Fen;
use waika_domain::refusal::ReversalRefusal;
use waika_domain::rules::reverse::{self, Approved, Asked, GivenBack, Original, SoFar};

use super::said::refused;
use super::{Drive, Failure};
use crate::answer::Answer;
use crate::domain::{self, at};
use crate::operation::Part;
use crate::reference::{Happening, Verdict};

/// A payment that was decided, as the server keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    sequence: u64,
    /// None if it was declined.
    approved: Option<Approved>,
    /// The sequence of the last step of its time line.
    previous: u64,
}

impl Drive<'_> {
    pub(super) fn keep_decided(&mut self, sequence: u64, event: &Event) {
        let approved = match event {
            Event::Posted(posted) => Some(Approved {
                original: Original::of(&posted.reservation),
                so_far: SoFar::default(),
            }),
            _ => None,
        };
        self.decided.push(Decided {
            sequence,
            approved,
            previous: 0,
        });
    }

    /// The place of an approved payment, the latest first; from 100 on, of any.
    fn place(&self, which: u8) -> Option<usize> {
        let all = which >= 100;
        let places: Vec<usize> = (0..self.decided.len())
            .rev()
            .filter(|&place| all || self.decided[place].approved.is_some())
            .collect();
        let back = usize::from(which % 100).checked_rem(places.len())?;
        Some(places[back])
    }

    pub(super) fn give_back(
        &mut self,
        which: u8,
        kind: GiveBack,
        part: Part,
    ) -> Result<(), Failure> {
        let Some(place) = self.place(which) else {
            return Ok(());
        };
        let Decided {
            sequence: original,
            approved,
            previous,
        } = self.decided[place];
        let amount = self.part(original, part);
        let asked = (original, kind, amount);
        let verdict = self.model.give_back(asked, &self.terms, self.now);
        let asked = Asked {
            kind,
            amount: amount.map(domain::amount),
        };
        let (account, now) = (&self.account, at(self.now));
        let outcome = reverse::decide(account, asked, approved.as_ref(), &self.policy, now);
        let answer = match &outcome {
            Ok(given) => Answer::of("GIVEN_BACK")
                .with("principal", given.principal.value())
                .with("fee", given.fee.value())
                .with("remaining", given.remaining.value())
                .with("month_restored", i64::from(given.month_restored))
                .with("year_restored", i64::from(given.year_restored))
                .with_any("balance_left", given.balance_left.map(Fen::value)),
            Err(refusal) => refused(refusal, ReversalRefusal::name),
        };
        let event = Event::ReversalDecided(Box::new(ReversalDecided {
            kind,
            original,
            previous,
            outcome,
        }));
        let call = match kind {
            GiveBack::Reversal => "Reverse",
            GiveBack::Refund => "Refund",
        };
        let step = self.step(call, verdict, &answer, event)?;
        if let Ok(given) = outcome {
            let given = GivenBack {
                principal: given.principal,
                fee: given.fee,
            };
            self.decided[place].take_note(kind, given);
            self.decided[place].previous = step;
        }
        Ok(())
    }

    /// How much is asked for; None for all that remains.
    fn part(&self, original: u64, part: Part) -> Option<i64> {
        let paid = self.model.decided(original).unwrap();
        let remaining = paid.principal - paid.given_back();
        let fen = match part {
            Part::Rest => return None,
            Part::Remaining(more) => remaining + more,
            Part::Percent(percent) => paid.principal * percent / 100,
            Part::Fen(fen) => fen,
        };
        Some(fen.max(1))
    }

    pub(super) fn settle(&mut self, which: u8) -> Result<(), Failure> {
        let Some(place) = self.place(which) else {
            return Ok(());
        };
        let decided = &self.decided[place];
        let (original, previous) = (decided.sequence, decided.previous);
        let verdict = self.model.settle(original, self.now);
        let outcome = reverse::settle(decided.approved.as_ref(), at(self.now));
        let answer = match &outcome {
            Ok(settled) => Answer::of("SETTLED")
                .with("principal", settled.principal.value())
                .with("fee", settled.fee.value()),
            Err(refusal) => refused(refusal, ReversalRefusal::name),
        };
        let event = Event::SettleDecided(SettleDecided {
            original,
            previous,
            outcome,
        });
        let step = self.step("Settle", verdict, &answer, event)?;
        if outcome.is_ok() {
            let decided = &mut self.decided[place];
            decided.approved.as_mut().unwrap().so_far.settled_at = Some(at(self.now));
            decided.previous = step;
        }
        Ok(())
    }

    /// A reversal comes before its payment does (D31).
    pub(super) fn reverse_ahead(&mut self, key: u8) -> Result<(), Failure> {
        let answer = Answer::of("RECORDED_AHEAD");
        let happened = vec![Happening::ReversedAhead { key }];
        let verdict = Verdict::new(answer.clone(), happened);
        let event = Event::ReversedAhead(Box::new(CallName {
            caller: "".into(),
            key: domain::key(key),
        }));
        self.step("Reverse", verdict, &answer, event)?;
        Ok(())
    }
}

impl Decided {
    fn take_note(&mut self, kind: GiveBack, given: GivenBack) {
        let so_far = &mut self.approved.as_mut().unwrap().so_far;
        let sum = match kind {
            GiveBack::Reversal => &mut so_far.reversed,
            GiveBack::Refund => &mut so_far.refunded,
        };
        *sum = sum.plus(given);
    }
}
