//! Phone codes, and cards that are bound and unbound, on both sides.

use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{Event, UnbindDecided};
use waika_domain::identifiers::CardToken;
use waika_domain::identity::Identity;
use waika_domain::refusal::{BindRefusal, PhoneCodeRefusal, UnbindRefusal};
use waika_domain::rules::{self, bind, phone_code, unbind};

use super::said::{number, refused};
use super::{Drive, Failure};
use crate::answer::Answer;
use crate::calendar::{Ms, date, day_number, month};
use crate::domain::{self, at};
use crate::operation::{Asks, BindOp, DocumentOp, From, Given, Issuer};
use crate::reference::{BindAsk, Card, PhoneCodeNow, Who, issuer_says};
use crate::terms::{PHONE_CODE_VALID, TRIES};

/// The last month that a card can show (`CardExpiry`).
const LAST_MONTH: i64 = 2_099 * 12 + 11;

/// A bind whose issuer has not answered.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    reserved_by: u64,
    event: Event,
    ask: BindAsk,
}

impl Drive<'_> {
    pub(super) fn send_code(&mut self, phone: u8, deliverable: bool) -> Result<(), Failure> {
        let nonce = self.fresh();
        let facts = phone_code::SendFacts {
            region: self.start.region,
            phone: domain::phone(phone),
            nonce,
            deliverable,
        };
        let verdict = self.model.send_code(phone, nonce, deliverable, self.now);
        let rule = &self.policy.phone_code;
        let decided = phone_code::send(&self.account, &facts, rule, at(self.now));
        let answer = match &decided.outcome {
            Ok(sent) => Answer::of("SENT")
                .with("resend_at", sent.resend_at.unix_ms())
                .with("expires_at", sent.expires_at.unix_ms()),
            Err(refusal) => refused(refusal, PhoneCodeRefusal::name),
        };
        self.step("SendPhoneCode", verdict, &answer, Event::PhoneCode(decided))?;
        Ok(())
    }

    /// Asks for a code if that is to be and the phone has none that can be used.
    pub(super) fn ask_for_code(&mut self, phone: u8, asks: Asks) -> Result<(), Failure> {
        let usable = |code: &PhoneCodeNow, now: Ms| {
            let in_time = now < code.sent_at + PHONE_CODE_VALID;
            code.phone == phone && !code.used && code.wrong < TRIES && in_time
        };
        let codes = self.model.phone_codes();
        let is_usable = codes.iter().any(|code| usable(code, self.now));
        if !matches!(asks, Asks::Not) && !is_usable {
            self.send_code(phone, true)?;
        }
        if let Asks::Late(offset) = asks {
            self.now += PHONE_CODE_VALID + offset;
        }
        Ok(())
    }

    /// Both halves of a bind, unless the issuer waits.
    pub(super) fn bind(&mut self, op: &BindOp) -> Result<(), Failure> {
        self.ask_for_code(op.phone, op.asks)?;
        let ask = self.bind_ask(op);
        let verdict = self.model.begin_bind(&ask, self.now);
        let event = bind::reserve(
            &self.account,
            &application(&ask, self.start.region),
            &self.bind_facts(&ask),
            &self.policy,
            at(self.now),
        );
        let answer = said(&event);
        let held = answer.reason == "HELD";
        let reserved_by = self.step("Bind", verdict, &answer, event.clone())?;
        if held {
            self.begun.push(Begun {
                reserved_by,
                event,
                ask,
            });
            let latest = self.begun.len() - 1;
            return self.end_begun(latest, op.issuer);
        }
        Ok(())
    }

    fn bind_ask(&self, op: &BindOp) -> BindAsk {
        let (person, form) = (op.person, op.form);
        let scheme = domain::scheme(op.card);
        let by_number = scheme.unwrap_or(waika_domain::card::Scheme::Visa);
        let last_month = month(self.now) + i64::from(form.expires);
        BindAsk {
            rolled_out: form.rolled_out,
            app: form.app,
            agreed: form.agreed,
            document: match person.document {
                DocumentOp::Usual => Some(self.start.document),
                DocumentOp::Other(document) => Some(document),
                DocumentOp::Unsupported => None,
            },
            abroad: person.abroad,
            person: person.number,
            confirmed: person.confirmed,
            last_day: day_number(date(self.now)) + i64::from(person.expires),
            card: op.card,
            scheme,
            chosen: if form.scheme_right {
                by_number
            } else {
                domain::other_scheme(by_number)
            },
            last_month: last_month.min(LAST_MONTH),
            phone: op.phone,
            code_right: op.code_right,
            password: self.given(op.password),
            holder_matches: op.holder_matches,
        }
    }

    fn bind_facts(&self, ask: &BindAsk) -> bind::Facts {
        bind::Facts {
            rolled_out: ask.rolled_out,
            identity_confirmed: ask.confirmed,
            phone_code_matches: ask.code_right,
            password_matches: self.matches(ask.password),
        }
    }

    pub(super) fn matches(&self, password: u8) -> bool {
        self.account.password() == Some(&domain::verifier(password))
    }

    pub(super) fn end_bind(&mut self, which: u8, issuer: Issuer) -> Result<(), Failure> {
        match self.begun.len() {
            0 => Ok(()),
            len => self.end_begun(usize::from(which) % len, issuer),
        }
    }

    fn end_begun(&mut self, which: usize, issuer: Issuer) -> Result<(), Failure> {
        let answer = match issuer {
            Issuer::Approves => Ok(()),
            Issuer::Refuses(refusal) => Err(refusal),
            Issuer::Waits => return Ok(()),
        };
        let Begun {
            reserved_by, ask, ..
        } = self.begun.remove(which);
        let token = self.fresh();
        let expected = answer.map(|()| token).map_err(issuer_says);
        let verdict = self.model.end_bind(reserved_by, &ask, expected, self.now);
        let completion = bind::Completion {
            reserved_by,
            answer: answer.map(|()| domain::bound_card(&card(&ask, token), self.now)),
            identity: identity(&ask),
            password_offered: domain::verifier(ask.password),
            password_matches: self.matches(ask.password),
            debit: None,
        };
        let application = application(&ask, self.start.region);
        let now = at(self.now);
        let event = bind::complete(&self.account, &application, completion, &self.policy, now);
        let answer = said(&event);
        self.step("Bind", verdict, &answer, event)?;
        Ok(())
    }

    /// The server stopped: what waits for an issuer can no longer be asked about (D6, D16).
    pub(super) fn crash(&mut self) -> Result<(), Failure> {
        self.restart()?;
        let unavailable = IssuerRefusal::Unavailable;
        for begun in std::mem::take(&mut self.begun) {
            let held = begun.reserved_by;
            let token = Err(issuer_says(unavailable));
            let verdict = self.model.end_bind(held, &begun.ask, token, self.now);
            let event = rules::let_go(&self.account, held, &begun.event).unwrap();
            let answer = said(&event);
            self.step("Bind", verdict, &answer, event)?;
        }
        self.let_holds_go()
    }

    pub(super) fn unbind_all(&mut self) -> Result<(), Failure> {
        let cards = self.model.cards().len();
        (0..cards).try_for_each(|_| self.unbind(From::Card(0), Given::Right))
    }

    pub(super) fn unbind(&mut self, from: From, password: Given) -> Result<(), Failure> {
        let (bits, password) = (self.card_token(from), self.given(password));
        let verdict = self.model.unbind(bits, password, self.now);
        let (card, matches) = (CardToken::from_bits(bits), self.matches(password));
        let (outcome, password) =
            unbind::decide(&self.account, card, matches, &self.policy, at(self.now));
        let answer = match &outcome {
            Ok(unbound) => Answer::of("UNBOUND").with("bound_by", number(unbound.bound_by)),
            Err(refusal) => refused(refusal, UnbindRefusal::name),
        };
        let event = Event::UnbindDecided(Box::new(UnbindDecided {
            card,
            password,
            outcome,
        }));
        self.step("Unbind", verdict, &answer, event)?;
        Ok(())
    }
}

fn application(ask: &BindAsk, region: waika_domain::event::WalletRegion) -> bind::Application {
    bind::Application {
        region,
        client: domain::client(ask.app),
        agreements_accepted: ask.agreed,
        document: ask.document,
        issuing_country: domain::country(ask.abroad),
        document_fingerprints: domain::document(person(ask)).into(),
        document_expires_on: domain::day(ask.last_day),
        card_fingerprints: domain::card_number(ask.card).into(),
        card_scheme: ask.scheme,
        chosen_scheme: ask.chosen,
        card_expiry: domain::expiry(ask.last_month),
        phone: domain::phone(ask.phone),
    }
}

/// A document that is not on the list has a digest too, of whatever kind.
fn person(ask: &BindAsk) -> Who {
    let document = waika_domain::identity::DocumentType::Passport;
    ask.who().unwrap_or(Who {
        number: ask.person,
        document,
        abroad: ask.abroad,
    })
}

fn identity(ask: &BindAsk) -> Identity {
    Identity {
        document: person(ask).document,
        fingerprint: domain::document(person(ask)),
        expires_on: domain::day(ask.last_day),
    }
}

fn card(ask: &BindAsk, token: u64) -> Card {
    Card {
        number: ask.card,
        token,
        scheme: ask.scheme.unwrap(),
        last_month: ask.last_month,
        phone: ask.phone,
        holder_matches: ask.holder_matches,
    }
}

fn said(event: &Event) -> Answer {
    match event {
        Event::BindReserved(_) => Answer::of("HELD"),
        Event::BindDecided(decided) => match &decided.outcome {
            Ok(binding) => {
                let sets = i64::from(binding.password_set.is_some());
                Answer::of("BOUND").with("sets_password", sets)
            }
            Err(refusal) => refused(refusal, BindRefusal::name),
        },
        other => panic!("a bind became {other:?}"),
    }
}
