//! A small language for tests of more than one call: what a person does, and what is answered.
//!
//! ```text
//! at 2024-01-10 12:00
//! pay 6000.00 times 8 => approved, fee 180.00
//! pay 0.01 password 2 => PASSWORD_WRONG
//! ```
//!
//! A line is a verb, then pairs of a name and a value, then phrases that must all be in the
//! answer. At its end every script is replayed: the events alone must give the same account, and
//! so must its parts. Each payment is quoted first: the quote must say what the payment then meets;
//! and it is decided with a receipt too, which must change nothing and tell every rung once.

use super::later::Decided;
use super::phrases::said;
use super::wallet::{
    Wallet, application, at, bind_facts, bound_card, identity, person, phone, verifier,
};
use super::words::Line;
use crate::account::Account;
use crate::event::{Event, Reservation, WalletRegion};
use crate::policy::{Limits, PassportReview};
use crate::rules::{bind, phone_code};

/// Plays a script from first contact on, or from wherever `wallet` stands.
pub(in crate::rules) fn check(script: &str) {
    check_from(Wallet::open(WalletRegion::Mainland), script);
}

/// Plays a script on a wallet.
pub(in crate::rules) fn check_from(wallet: Wallet, script: &str) {
    let mut play = Play {
        wallet,
        holds: Vec::new(),
        begun: Vec::new(),
        decided: Vec::new(),
        strangers: Vec::new(),
    };
    for text in script
        .lines()
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        let line = Line::parse(text);
        for round in 1..=line.times {
            let answer = play.act(&line);
            for phrase in &line.expected {
                assert!(
                    answer.iter().any(|said| said == phrase),
                    "`{text}` (time {round}) gave {answer:?}, without {phrase:?}"
                );
            }
        }
    }
    let account = &play.wallet.account;
    assert_eq!(&play.wallet.replayed(), account, "{script}");
    let kept = Account::from_parts(account.clone().into_parts());
    assert_eq!(&kept, account, "{script}");
}

pub(super) struct Play {
    pub(super) wallet: Wallet,
    /// Reservations whose issuer has not answered.
    pub(super) holds: Vec<(u64, Reservation)>,
    /// Binds whose issuer has not answered.
    begun: Vec<Begun>,
    /// Payments that were decided, oldest first.
    pub(super) decided: Vec<Decided>,
    /// Cards that another person has bound too, and after which sequence.
    pub(super) strangers: Vec<(u8, u64)>,
}

struct Begun {
    reserved_by: u64,
    card: u8,
    application: bind::Application,
    /// The password that was given.
    password: u8,
}

impl Play {
    fn act(&mut self, line: &Line<'_>) -> Vec<String> {
        match line.verb {
            "code" => self.ask_for_a_code(line),
            "bind" => {
                let held = self.begin(line);
                if held == ["held"] {
                    self.finish(line)
                } else {
                    held
                }
            }
            "begin" => self.begin(line),
            "finish" => self.finish(line),
            "abandon" => self.abandon(line),
            "unbind" => self.unbind(line),
            "pay" => self.pay(line),
            "scan" => self.scan(line),
            "hold" => self.hold(line),
            "answer" => self.answer(line),
            "quote" => self.quote(line),
            "reverse" | "refund" => self.give_back(line),
            "settle" => self.settle(line),
            "ahead" => self.reverse_ahead(line),
            "receive" => self.receive(line),
            "verify" => self.verify(line),
            "change" => self.change(line),
            "reset" => self.reset(line),
            "grant" | "deny" => self.resolve_password_ticket(line),
            "unlock" => self.unlock(),
            "show" => self.show(line),
            "page" | "face" | "face-fails" | "hand-held" => self.submit(line),
            "approve" | "reject" => self.resolve_review(line),
            "clear" | "uphold" => self.resolve_risk(line),
            "look" => self.look(),
            _ => self.set(line),
        }
    }

    /// What is not a call of the person's or an operator's, and has no answer.
    fn set(&mut self, line: &Line<'_>) -> Vec<String> {
        match line.verb {
            "at" => self.wallet.now = at(&line.object),
            "deferred" => self.wallet.policy.passport_review = PassportReview::Deferred,
            "refunds-restore" => self.wallet.policy.refund_restores_limit = true,
            "limits" => self.set_limits(line),
            "share" => self.share(line),
            "unshare" => self.unshare(line),
            "switch" => self.switch_region(line),
            verb => panic!("no verb {verb}"),
        }
        Vec::new()
    }

    fn set_limits(&mut self, line: &Line<'_>) {
        let Limits {
            single,
            month,
            year,
        } = self.wallet.policy.limits;
        self.wallet.policy.limits = Limits {
            single: line.sum("single", single),
            month: line.sum("month", month),
            year: line.sum("year", year),
        };
    }

    fn ask_for_a_code(&mut self, line: &Line<'_>) -> Vec<String> {
        let wallet = &self.wallet;
        let facts = phone_code::SendFacts {
            region: WalletRegion::Mainland,
            phone: phone(line.number("phone")),
            nonce: 7,
            deliverable: line.value("gateway").is_none(),
        };
        let decided = phone_code::send(
            &wallet.account,
            &facts,
            &wallet.policy.phone_code,
            wallet.now,
        );
        self.record(Event::PhoneCode(decided))
    }

    fn begin(&mut self, line: &Line<'_>) -> Vec<String> {
        let wallet = &mut self.wallet;
        let (card, password) = (line.number("card"), line.number("password"));
        let application = bind::Application {
            document: Some(line.document()),
            document_fingerprints: person(line.number("person")).into(),
            phone: phone(line.number("phone")),
            ..application(card)
        };
        let facts = bind::Facts {
            phone_code_matches: line.value("code").is_none(),
            password_matches: wallet.account.password() == Some(&verifier(password)),
            ..bind_facts()
        };
        let event = bind::reserve(
            &wallet.account,
            &application,
            &facts,
            &wallet.policy,
            wallet.now,
        );
        let answer = said(&event);
        let reserved_by = wallet.record(event);
        if answer == ["held"] {
            self.begun.push(Begun {
                reserved_by,
                card,
                application,
                password,
            });
        }
        answer
    }

    fn take_begun(&mut self, card: u8) -> Begun {
        let place = self.begun.iter().position(|begun| begun.card == card);
        self.begun.remove(place.unwrap())
    }

    fn finish(&mut self, line: &Line<'_>) -> Vec<String> {
        let begun = self.take_begun(line.number("card"));
        let wallet = &mut self.wallet;
        let mut card = bound_card(begun.card, wallet.now);
        card.holder_matches = line.value("holder").is_none();
        card.phone = begun.application.phone.mark();
        let mut identity = identity(begun.application.document.unwrap());
        identity.fingerprint = begun.application.document_fingerprints.active();
        let completion = bind::Completion {
            reserved_by: begun.reserved_by,
            answer: line.issuer().map(|()| card),
            identity,
            password_offered: verifier(begun.password),
            password_matches: wallet.account.password() == Some(&verifier(begun.password)),
            debit: None,
        };
        let event = bind::complete(
            &wallet.account,
            &begun.application,
            completion,
            &wallet.policy,
            wallet.now,
        );
        let answer = said(&event);
        wallet.record(event);
        answer
    }

    fn abandon(&mut self, line: &Line<'_>) -> Vec<String> {
        let begun = self.take_begun(line.number("card"));
        let event = bind::abandon(&self.wallet.account, begun.reserved_by, None);
        let answer = said(&event);
        self.wallet.record(event);
        answer
    }

    /// Makes an event part of the account, and tells it.
    pub(super) fn record(&mut self, event: Event) -> Vec<String> {
        let answer = said(&event);
        self.wallet.record(event);
        answer
    }

    fn look(&self) -> Vec<String> {
        let Wallet { account, now, .. } = &self.wallet;
        let usage = account.usage().at(*now);
        let password = (1..=9).find(|&number| account.password() == Some(&verifier(number)));
        let tokens = account.clone().into_parts().rare.tokens;
        let ticket = account.password_ticket().map(|ticket| ticket.state);
        vec![
            format!("month {}", usage.in_month),
            format!("year {}", usage.in_year),
            format!("cards {}", account.cards().len()),
            format!("slots held {}", account.pending_binds().len()),
            format!("codes {}", account.phone_codes().iter().count()),
            format!("wrong passwords {}", account.wrong_passwords(*now)),
            format!("wrong card data {}", account.wrong_proofs(*now)),
            format!("password {}", password.unwrap_or(0)),
            format!("review {:?}", account.review()),
            format!("face failures {}", account.face_failures()),
            format!("waits for review {}", account.review_ticket().is_some()),
            format!("tickets {}", account.risk_tickets().len()),
            format!("password ticket {ticket:?}"),
            format!("tokens {}", tokens.len()),
            format!("barcodes {}", account.payment_codes().len()),
            format!("balance {}", account.balance()),
        ]
    }
}
