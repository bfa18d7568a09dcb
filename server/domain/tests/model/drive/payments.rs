//! Payments on both sides, each quoted first, and with a receipt that must change nothing.

use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{ApprovalCode, Event, Payment, PaymentMode, Reservation, Scene};
use waika_domain::identifiers::CardToken;
use waika_domain::merchant::Merchant;
use waika_domain::rules::authorise::{
    Credential, Decision, Facts, Quote, decide, decide_unknown_code, decide_with_receipt, resolve,
};
use waika_domain::rules::{self, quote, risk};

use super::look::risk as named;
use super::said::{declined, reserved};
use super::{Drive, Failure};
use crate::answer::Answer;
use crate::domain::{self, at};
use crate::operation::{From, Given, Issuer, PayOp, Proof, Shop, Sum};
use crate::reference::{Model, Pass, PayAsk, Shown, Source};

/// A payment whose issuer has not answered.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    reserved_by: u64,
    reservation: Reservation,
}

/// Nothing is wrong with it.
const CLEAN: PayOp = PayOp {
    from: From::Card(0),
    sum: Sum::Single(0),
    scene: Scene::Purchase,
    shop: Shop::Good,
    proof: Proof::Password(Given::Right),
    app: None,
    rolled_out: true,
    key: None,
    quote: Quote::Absent,
    issuer: Issuer::Approves,
};

impl Drive<'_> {
    /// Payments of the largest amount that one may have.
    pub(super) fn pay_times(&mut self, times: u8) -> Result<(), Failure> {
        (0..times).try_for_each(|_| self.pay(&CLEAN))
    }

    pub(super) fn pay(&mut self, op: &PayOp) -> Result<(), Failure> {
        match op.proof {
            Proof::FreshToken => self.verify(op.from, op.sum, Given::Right)?,
            Proof::FreshCode => self.create_code(op.from, Given::Right, None, true)?,
            _ => {}
        }
        let ask = self.pay_ask(op);
        let merchant = domain::merchant(ask.shop);
        let facts = self.facts(&ask, merchant.as_ref());
        if facts.risk.map(named) != ask.risk {
            let (risk, expected) = (facts.risk, ask.risk);
            return Err(format!("the card's risk is {risk:?}, by D9 {expected:?}"));
        }
        let payment = payment(&ask);
        if let Proof::NoAccount = op.proof {
            let verdict = Model::authorise_nobody(&ask);
            let nobody = decide_unknown_code(payment, facts.merchant, &self.policy);
            let answer = declined(&nobody.decline);
            return self.agree("Authorise", &verdict.answer, &answer);
        }
        self.quote(&ask, &facts)?;
        let (account, policy, now) = (&self.account, &self.policy, at(self.now));
        let decision = decide(account, payment.clone(), &facts, policy, now);
        let told = decide_with_receipt(account, payment, &facts, policy, now);
        if without_receipt(told.clone()) != decision {
            return Err(format!("{decision:?}, and with a receipt {told:?}"));
        }
        self.conclude(&ask, op.issuer, decision)
    }

    /// What a quote says of the payment, where it can be quoted.
    fn quote(&mut self, ask: &PayAsk, facts: &Facts<'_>) -> Result<(), Failure> {
        if ask.source == Source::Unknown {
            return Ok(());
        }
        let expected = self.model.quote(ask, &self.terms, self.now);
        let offer = quote::Offer {
            funding: domain::funding(ask.source),
            amount: domain::amount(ask.amount),
            scene: ask.scene,
        };
        let facts = Facts {
            reversed_ahead: false, // It has no key.
            ..*facts
        };
        let now = at(self.now);
        let answer = match quote::decide(&self.account, offer, &facts, &self.policy, now) {
            Ok(fee) => Answer::of("USABLE").with("fee", fee.value()),
            Err(decline) => declined(&decline),
        };
        self.agree("Quote", &expected, &answer)
    }

    fn conclude(
        &mut self,
        ask: &PayAsk,
        issuer: Issuer,
        decision: Decision,
    ) -> Result<(), Failure> {
        let issuer = match issuer {
            Issuer::Refuses(_) if ask.source == Source::Balance => Issuer::Approves,
            other => other,
        };
        let verdict = self.model.authorise(ask, issuer, &self.terms, self.now);
        let (answer, event) = match (decision, issuer) {
            (Decision::Decline(no), _) => (declined(&no.decline), Event::Declined(no)),
            (Decision::Reserve(held), Issuer::Approves) => (
                reserved("APPROVED", &held),
                resolve(held, None, Ok(ApprovalCode(*b"A1B2C3"))),
            ),
            (Decision::Reserve(held), Issuer::Refuses(refusal)) => {
                let event = resolve(held, None, Err(refusal));
                (said(&event), event)
            }
            (Decision::Reserve(held), Issuer::Waits) => {
                (reserved("HELD", &held), Event::Reserved(Box::new(held)))
            }
        };
        let sequence = self.step("Authorise", verdict, &answer, event.clone())?;
        match event {
            Event::Reserved(reservation) => self.holds.push(Hold {
                reserved_by: sequence,
                reservation: *reservation,
            }),
            decided => self.keep_decided(sequence, &decided),
        }
        Ok(())
    }

    /// The issuer answers one of those that wait.
    pub(super) fn answer(&mut self, which: u8, issuer: Issuer) -> Result<(), Failure> {
        if self.holds.is_empty() {
            return Ok(());
        }
        let which = usize::from(which) % self.holds.len();
        let held = self.holds.remove(which);
        let refusal = match issuer {
            Issuer::Refuses(refusal) => Some(refusal),
            Issuer::Approves | Issuer::Waits => None,
        };
        let approval = refusal.map_or(Ok(ApprovalCode(*b"A1B2C3")), Err);
        let event = resolve(held.reservation, Some(held.reserved_by), approval);
        self.end_hold(held.reserved_by, refusal, &event)
    }

    pub(super) fn let_holds_go(&mut self) -> Result<(), Failure> {
        for held in std::mem::take(&mut self.holds) {
            let begun = Event::Reserved(Box::new(held.reservation));
            let event = rules::let_go(&self.account, held.reserved_by, &begun).unwrap();
            self.end_hold(held.reserved_by, Some(IssuerRefusal::Unavailable), &event)?;
        }
        Ok(())
    }

    fn end_hold(
        &mut self,
        held: u64,
        refusal: Option<IssuerRefusal>,
        event: &Event,
    ) -> Result<(), Failure> {
        let verdict = Model::answer(held, refusal);
        let answer = said(event);
        let sequence = self.step("Authorise", verdict, &answer, event.clone())?;
        self.keep_decided(sequence, event);
        Ok(())
    }

    fn pay_ask(&self, op: &PayOp) -> PayAsk {
        let (mut source, mut amount) = (self.source(op.from), self.fen(op.sum));
        let shown = match op.proof {
            Proof::Password(given) => Shown::Password(self.given(given)),
            Proof::FreshToken | Proof::Token(_) => {
                let token = self.handed_out(place(op.proof), true);
                (source, amount) = token.map_or((source, amount), own_payment);
                Shown::Token(token.map(|token| token.nonce))
            }
            Proof::OtherToken => Shown::Token(None),
            Proof::FreshCode | Proof::Code(_) => {
                let code = self.handed_out(place(op.proof), false);
                Shown::Code(code.map(|code| code.nonce))
            }
            Proof::ForeignCode | Proof::NoAccount => Shown::Code(None),
        };
        if let Shown::Code(nonce) = shown {
            // D10: the code stands for what it pays from.
            let known = nonce.and_then(|nonce| self.model.payment_code(nonce));
            source = known.map_or(Source::Unknown, |known| known.pass.source);
        }
        let risk = match source {
            Source::Card(token) => self.model.risk(token, &self.strangers),
            Source::Balance | Source::Unknown => None,
        };
        PayAsk {
            source,
            amount,
            scene: op.scene,
            shop: op.shop,
            shown,
            app: op.app,
            rolled_out: op.rolled_out,
            key: op.key,
            quote: op.quote,
            risk,
        }
    }

    /// A token or code by its place among all that ever were, the latest first.
    fn handed_out(&self, which: u8, tokens: bool) -> Option<Pass> {
        let ever = self.model.ever_handed_out(tokens);
        let which = usize::from(which).checked_rem(ever.len())?;
        ever.into_iter().rev().nth(which)
    }

    fn facts<'m>(&self, ask: &PayAsk, merchant: Option<&'m Merchant>) -> Facts<'m> {
        let credential = match ask.shown {
            Shown::Password(password) => Credential::Password {
                matches: self.matches(password),
            },
            Shown::Token(nonce) => Credential::Token(nonce),
            Shown::Code(nonce) => Credential::Code(nonce.map(domain::digest)),
        };
        let ahead = |key| self.account.is_reversed_ahead("", &domain::key(key));
        Facts {
            rolled_out: ask.rolled_out,
            client: domain::client(ask.app),
            credential,
            merchant: merchant.filter(|_| ask.scene == Scene::Purchase),
            risk: self.risk_of(ask),
            reversed_ahead: ask.key.is_some_and(ahead),
            quote: ask.quote,
        }
    }

    fn risk_of(&self, ask: &PayAsk) -> Option<waika_domain::risk::RiskReason> {
        let Source::Card(token) = ask.source else {
            return None;
        };
        let card = self.account.card(CardToken::from_bits(token))?;
        risk::of_card(&self.account, card, |after| {
            let mut strangers = self.strangers.iter();
            strangers.any(|&(number, bound_by)| {
                domain::card_number(number) == card.fingerprint && bound_by > after
            })
        })
    }
}

/// A fresh one is the latest.
fn place(proof: Proof) -> u8 {
    match proof {
        Proof::Token(which) | Proof::Code(which) => which,
        _ => 0,
    }
}

/// What a token is for.
fn own_payment(token: Pass) -> (Source, i64) {
    (token.source, token.amount)
}

fn payment(ask: &PayAsk) -> Payment {
    let code = match ask.shown {
        Shown::Code(nonce) => Some(domain::digest(nonce.unwrap_or(0))),
        Shown::Password(_) | Shown::Token(_) => None,
    };
    Payment {
        funding: domain::funding(ask.source),
        merchant: (ask.scene == Scene::Purchase).then(domain::merchant_id),
        amount: domain::amount(ask.amount),
        scene: ask.scene,
        mode: if code.is_some() {
            PaymentMode::PaymentCode
        } else {
            PaymentMode::MerchantQr
        },
        code,
    }
}

fn without_receipt(mut decision: Decision) -> Decision {
    match &mut decision {
        Decision::Decline(no) => no.receipt = None,
        Decision::Reserve(held) => held.receipt = None,
    }
    decision
}

fn said(event: &Event) -> Answer {
    match event {
        Event::Posted(_) => Answer::of("APPROVED"),
        Event::Voided(voided) => declined(&voided.decline),
        Event::Declined(no) => declined(&no.decline),
        other => panic!("a payment became {other:?}"),
    }
}
