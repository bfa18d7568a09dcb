//! Everything about the payment password, on both sides.

use waika_domain::event::{Event, PasswordChanged, PasswordResetDecided, ResetStep};
use waika_domain::identifiers::{CardToken, TicketId};
use waika_domain::refusal::{PasswordRefusal, ResetRefusal};
use waika_domain::rules::{password, reset};

use super::said::refused;
use super::{Drive, Failure};
use crate::answer::Answer;
use crate::domain::{self, at};
use crate::operation::{Asks, CardResetOp, From, Given, NewOp, Sum};
use crate::reference::{CardAsk, VerifyAsk, Who};

impl Drive<'_> {
    pub(super) fn verify(&mut self, from: From, sum: Sum, given: Given) -> Result<(), Failure> {
        let ask = VerifyAsk {
            source: self.source(from),
            amount: self.fen(sum),
            nonce: self.fresh(),
            password: self.given(given),
        };
        let verdict = self.model.verify(&ask, &self.terms, self.now);
        let intent = password::Intent {
            funding: domain::funding(ask.source),
            amount: domain::amount(ask.amount),
            nonce: ask.nonce,
        };
        let matches = self.matches(ask.password);
        let verified = password::verify(&self.account, intent, matches, &self.policy, at(self.now));
        let answer = match &verified.outcome {
            Ok(minted) => Answer::of("VERIFIED").with("expires_at", minted.expires_at.unix_ms()),
            Err(refusal) => refused(refusal, PasswordRefusal::name),
        };
        let event = Event::PasswordVerified(verified);
        self.step("VerifyPassword", verdict, &answer, event)?;
        Ok(())
    }

    /// Guesses, or more tokens than are remembered.
    pub(super) fn verify_times(&mut self, times: u8, right: bool) -> Result<(), Failure> {
        let wrong = self.given(Given::Right) % 4 + 1;
        let given = if right {
            Given::Right
        } else {
            Given::Number(wrong)
        };
        (0..times).try_for_each(|_| self.verify(From::Card(0), Sum::Fen(100), given))
    }

    pub(super) fn change(&mut self, old: Given, new: NewOp) -> Result<(), Failure> {
        let old = self.given(old);
        let verdict = self.model.change(old, new.password, new.agree, self.now);
        let change = password::Change {
            matches: self.matches(old),
            agree: new.agree,
            offered: domain::verifier(new.password),
        };
        let changed: PasswordChanged =
            password::change(&self.account, change, &self.policy, at(self.now));
        let answer = match &changed.outcome {
            Ok(_) => Answer::of("CHANGED"),
            Err(refusal) => refused(refusal, PasswordRefusal::name),
        };
        let event = Event::PasswordChanged(changed);
        self.step("ChangePassword", verdict, &answer, event)?;
        Ok(())
    }

    pub(super) fn unlock(&mut self) -> Result<(), Failure> {
        let verdict = self.model.unlock(self.now);
        let unlocked = password::unlock(&self.account, at(self.now));
        let was_locked = i64::from(unlocked.was_locked);
        let answer = Answer::of("UNLOCKED").with("was_locked", was_locked);
        self.step(
            "UnlockPassword",
            verdict,
            &answer,
            Event::PasswordUnlocked(unlocked),
        )?;
        Ok(())
    }

    /// Route 2 (R47).
    pub(super) fn reset_by_card(&mut self, op: &CardResetOp) -> Result<(), Failure> {
        let ask = self.card_ask(op);
        self.ask_for_code(ask.phone, op.asks)?;
        let verdict = self.model.reset_by_card(&ask, op.new, self.now);
        let proof = reset::Proof::Card(reset::CardProof {
            card: CardToken::from_bits(ask.token),
            number: domain::card_number(ask.number).into(),
            scheme: ask.scheme,
            expiry: domain::expiry(ask.last_month),
            phones: domain::phone(ask.phone).into(),
            phone: domain::phone(ask.phone),
            phone_code_matches: ask.code_right,
        });
        self.reset(&proof, op.new, verdict)
    }

    /// Card data, or where no card is bound a document.
    pub(super) fn guess_proof(&mut self, times: u8) -> Result<(), Failure> {
        let guess = CardResetOp {
            card: From::Card(0),
            number_right: false,
            scheme_right: true,
            expiry_right: true,
            phone_right: true,
            asks: Asks::Not,
            code_right: true,
            new: NewOp {
                password: 1,
                agree: true,
            },
        };
        (0..times).try_for_each(|_| {
            if self.model.cards().is_empty() {
                self.reset_by_identity(2, guess.new)
            } else {
                self.reset_by_card(&guess)
            }
        })
    }

    /// The data of the card that is named, or wrong ones.
    fn card_ask(&self, op: &CardResetOp) -> CardAsk {
        let token = self.card_token(op.card);
        let bound = self.model.card(token).map(|bound| bound.card);
        let number = bound.map_or(1, |card| card.number);
        let scheme = bound.map_or(waika_domain::card::Scheme::Visa, |card| card.scheme);
        let last_month = bound.map_or(2_030 * 12, |card| card.last_month);
        let phone = bound.map_or(1, |card| card.phone);
        CardAsk {
            token,
            number: number + u8::from(!op.number_right),
            scheme: if op.scheme_right {
                scheme
            } else {
                domain::other_scheme(scheme)
            },
            last_month: last_month - i64::from(!op.expiry_right),
            phone: phone + u8::from(!op.phone_right),
            code_right: op.code_right,
        }
    }

    /// Route 1 (R46).
    pub(super) fn reset_by_identity(&mut self, person: u8, new: NewOp) -> Result<(), Failure> {
        let who = Who {
            number: person,
            document: self.start.document,
            abroad: false,
        };
        let verdict = self.model.reset_by_identity(who, new, self.now);
        let document = domain::document(who).into();
        self.reset(&reset::Proof::Identity { document }, new, verdict)
    }

    fn reset(
        &mut self,
        proof: &reset::Proof,
        new: NewOp,
        verdict: crate::reference::Verdict,
    ) -> Result<(), Failure> {
        let new = reset::NewPassword {
            agree: new.agree,
            offered: domain::verifier(new.password),
        };
        let decided: PasswordResetDecided =
            reset::decide(&self.account, proof, new, &self.policy, at(self.now));
        let answer = match &decided.outcome {
            Ok(ResetStep::Reset(_)) => Answer::of("RESET"),
            Ok(ResetStep::TicketOpened { matches, .. }) => {
                Answer::of("TICKET_OPENED").with("matches", i64::from(*matches))
            }
            Err(refusal) => refused(refusal, ResetRefusal::name),
        };
        let event = Event::PasswordResetDecided(Box::new(decided));
        self.step("ResetPassword", verdict, &answer, event)?;
        Ok(())
    }

    pub(super) fn resolve_ticket(&mut self, approve: bool, known: bool) -> Result<(), Failure> {
        let latest = self.model.ticket().map(|ticket| ticket.id);
        let id = latest.filter(|_| known).unwrap_or(u64::MAX);
        let verdict = self.model.resolve_ticket(id, approve);
        let ticket = TicketId::from_sequence(id);
        match reset::resolve_ticket(&self.account, ticket, approve) {
            None => self.agree(
                "ResolvePasswordTicket",
                &verdict.answer,
                &Answer::of("NO_TICKET"),
            ),
            Some(resolved) => {
                let answer = Answer::of("TICKET").with("resolved", i64::from(resolved.resolved));
                let event = Event::PasswordTicketResolved(Box::new(resolved));
                self.step("ResolvePasswordTicket", verdict, &answer, event)?;
                Ok(())
            }
        }
    }
}
