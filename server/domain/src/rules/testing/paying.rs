//! The verbs of a script for paying, by whatever means, and for the quote before it.

use super::phrases::{declined, said};
use super::receipts::compare_with_receipt;
use super::script::Play;
use super::wallet::{amount, barcode, merchant, payment, payment_facts, verifier};
use super::words::Line;
use crate::event::{ApprovalCode, Event, Funding, Payment, PaymentMode};
use crate::merchant::Merchant;
use crate::rules::authorise::{self, Credential, Decision, Facts};
use crate::rules::quote::Offer;

use crate::rules::{quote, receive};

impl Play {
    /// Of the password, unless the line names a token (or `none`, for one that is not ours).
    fn credential(&self, line: &Line<'_>) -> Credential {
        match line.value("token") {
            Some("none") => Credential::Token(None),
            Some(nonce) => Credential::Token(Some(nonce.parse().unwrap())),
            None => {
                let given = verifier(line.number("password"));
                let matches = self.wallet.account.password() == Some(&given);
                Credential::Password { matches }
            }
        }
    }

    fn facts<'a>(&self, line: &Line<'_>, merchant: &'a Merchant) -> Facts<'a> {
        let mut facts = Facts {
            credential: self.credential(line),
            risk: self.risk_of(line.funding()),
            reversed_ahead: self.is_reversed_ahead(line),
            ..payment_facts(merchant)
        };
        if !line.scene().has_merchant() {
            facts.merchant = None;
        }
        facts
    }

    fn decide(&self, payment: Payment, facts: &Facts<'_>) -> Decision {
        let (account, policy) = (&self.wallet.account, &self.wallet.policy);
        let now = self.wallet.now;
        let decision = authorise::decide(account, payment.clone(), facts, policy, now);
        let told = authorise::decide_with_receipt(account, payment, facts, policy, now);
        compare_with_receipt(&decision, told);
        decision
    }

    fn decide_line(&self, line: &Line<'_>) -> Decision {
        let merchant = merchant();
        self.decide(payment_of(line), &self.facts(line, &merchant))
    }

    pub(super) fn pay(&mut self, line: &Line<'_>) -> Vec<String> {
        let quoted = self.quote(line);
        let answer = self.finish_payment(self.decide_line(line), line);
        self.compare_with_quote(line, &quoted, &answer);
        answer
    }

    fn finish_payment(&mut self, decision: Decision, line: &Line<'_>) -> Vec<String> {
        let event = match decision {
            Decision::Decline(declined) => Event::Declined(declined),
            Decision::Reserve(reservation) => {
                let answer = line.issuer().map(|()| ApprovalCode(*b"A1B2C3"));
                authorise::resolve(reservation, None, answer)
            }
        };
        let answer = said(&event);
        self.keep_decided(&event);
        answer
    }

    /// A merchant scans a payment code; one that leads to no account is decided without one (D10).
    pub(super) fn scan(&mut self, line: &Line<'_>) -> Vec<String> {
        let digest = barcode(line.number("barcode"));
        let known = self.wallet.account.payment_code(digest).copied();
        let merchant = merchant();
        let mut payment = payment_of(line);
        payment.funding = known.map_or(Funding::Unknown, |code| code.funding);
        (payment.mode, payment.code) = (PaymentMode::PaymentCode, Some(digest));
        let facts = Facts {
            credential: Credential::Code(known.map(|code| code.digest)),
            risk: self.risk_of(payment.funding),
            ..self.facts(line, &merchant)
        };
        if known.is_none() {
            let policy = &self.wallet.policy;
            let unknown = authorise::decide_unknown_code(payment, facts.merchant, policy);
            return declined(&unknown.decline);
        }
        let decision = self.decide(payment, &facts);
        self.finish_payment(decision, line)
    }

    pub(super) fn hold(&mut self, line: &Line<'_>) -> Vec<String> {
        let event = match self.decide_line(line) {
            Decision::Decline(declined) => Event::Declined(declined),
            Decision::Reserve(reservation) => Event::Reserved(Box::new(reservation)),
        };
        let answer = said(&event);
        let sequence = self.wallet.record(event.clone());
        if let Event::Reserved(reservation) = event {
            self.holds.push((sequence, *reservation));
        }
        answer
    }

    /// The issuer answers for the oldest hold.
    pub(super) fn answer(&mut self, line: &Line<'_>) -> Vec<String> {
        let (reserved_by, reservation) = self.holds.remove(0);
        let answer = line.issuer().map(|()| ApprovalCode(*b"A1B2C3"));
        let event = authorise::resolve(reservation, Some(reserved_by), answer);
        let answer = said(&event);
        self.keep_decided(&event);
        answer
    }

    /// What the payment of the same line would meet (R62).
    pub(super) fn quote(&self, line: &Line<'_>) -> Vec<String> {
        let merchant = merchant();
        let facts = Facts {
            reversed_ahead: false,
            ..self.facts(line, &merchant)
        };
        let offer = Offer {
            funding: line.funding(),
            amount: amount(&line.object),
            scene: line.scene(),
        };
        let wallet = &self.wallet;
        match quote::decide(&wallet.account, offer, &facts, &wallet.policy, wallet.now) {
            Ok(fee) => vec!["usable".into(), format!("fee {fee}")],
            Err(decline) => declined(&decline),
        }
    }

    /// A quote knows neither password nor token, nor the key, nor the issuer's mind. Where none of
    /// them stands in the way, it said what the payment met.
    fn compare_with_quote(&self, line: &Line<'_>, quoted: &[String], met: &[String]) {
        let of_credential = ["PASSWORD_WRONG", "PAYMENT_TOKEN_"];
        let proved = !of_credential.iter().any(|said| met[0].starts_with(said));
        if !proved || self.is_reversed_ahead(line) {
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

    /// Money comes into the balance (R72, D12).
    pub(super) fn receive(&mut self, line: &Line<'_>) -> Vec<String> {
        let account = &self.wallet.account;
        let received = receive::decide(account, line.funds_kind(), amount(&line.object));
        self.record(Event::FundsReceived(received))
    }
}

fn payment_of(line: &Line<'_>) -> Payment {
    let scene = line.scene();
    let mut payment = payment(amount(&line.object));
    (payment.funding, payment.scene) = (line.funding(), scene);
    if !scene.has_merchant() {
        payment.merchant = None;
    }
    payment
}
