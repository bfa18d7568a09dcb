//! The verbs of a script for passwords, for what stands for them, and for a passport holder's
//! review.

use super::script::Play;
use super::wallet::{amount, barcode, card_number, person, phone, token, verifier};
use super::words::Line;
use crate::card::{CardExpiry, Scheme};
use crate::event::{Event, Material, PasswordVerifier, RegionSwitched, VerificationSubmitted};
use crate::identifiers::Fingerprint;
use crate::rules::{password, payment_code, reset, review};

impl Play {
    /// The password of the line, or password 1, is the account's.
    fn password_matches(&self, line: &Line<'_>) -> bool {
        self.wallet.account.password() == Some(&verifier(line.number("password")))
    }

    /// Verifies the password for a payment of that amount; the token is named by its nonce.
    pub(super) fn verify(&mut self, line: &Line<'_>) -> Vec<String> {
        let intent = password::Intent {
            funding: line.funding(),
            amount: amount(&line.object),
            nonce: u64::from(line.number("token")),
        };
        let matches = self.password_matches(line);
        let wallet = &self.wallet;
        let verified =
            password::verify(&wallet.account, intent, matches, &wallet.policy, wallet.now);
        self.record(Event::PasswordVerified(verified))
    }

    pub(super) fn change(&mut self, line: &Line<'_>) -> Vec<String> {
        let (offered, agree) = new_password(line);
        let change = password::Change {
            matches: self.password_matches(line),
            agree,
            offered,
        };
        let wallet = &self.wallet;
        let changed = password::change(&wallet.account, change, &wallet.policy, wallet.now);
        self.record(Event::PasswordChanged(changed))
    }

    /// By `identity` (the default) or by `card`.
    pub(super) fn reset(&mut self, line: &Line<'_>) -> Vec<String> {
        let proof = match line.value("by") {
            None | Some("identity") => reset::Proof::Identity {
                document: person(line.number("person")).into(),
            },
            Some("card") => reset::Proof::Card(card_proof(line)),
            Some(other) => panic!("no reset by {other}"),
        };
        let (offered, agree) = new_password(line);
        let new = reset::NewPassword { agree, offered };
        let wallet = &self.wallet;
        let decided = reset::decide(&wallet.account, &proof, new, &wallet.policy, wallet.now);
        self.record(Event::PasswordResetDecided(Box::new(decided)))
    }

    /// An operator approves or rejects the request to reset the password.
    pub(super) fn resolve_password_ticket(&mut self, line: &Line<'_>) -> Vec<String> {
        let account = &self.wallet.account;
        let approve = line.verb == "grant";
        let resolved = account
            .password_ticket()
            .and_then(|ticket| reset::resolve_ticket(account, ticket.id, approve));
        match resolved {
            Some(resolved) => self.record(Event::PasswordTicketResolved(Box::new(resolved))),
            None => vec!["no ticket".into()],
        }
    }

    pub(super) fn unlock(&mut self) -> Vec<String> {
        let unlocked = password::unlock(&self.wallet.account, self.wallet.now);
        self.record(Event::PasswordUnlocked(unlocked))
    }

    /// Shows a payment code of that number.
    pub(super) fn show(&mut self, line: &Line<'_>) -> Vec<String> {
        let number = line.number("barcode");
        let offered = payment_code::Offered {
            funding: line.funding(),
            nonce: u64::from(number),
            digest: barcode(number),
        };
        let facts = payment_code::Facts {
            rolled_out: true,
            client: None,
            password_matches: self.password_matches(line),
        };
        let wallet = &self.wallet;
        let decided =
            payment_code::decide(&wallet.account, offered, facts, &wallet.policy, wallet.now);
        self.record(Event::PaymentCodeDecided(Box::new(decided)))
    }

    /// A passport holder sends in the next photo.
    pub(super) fn submit(&mut self, line: &Line<'_>) -> Vec<String> {
        let material = match line.verb {
            "page" => Material::PassportPage,
            "hand-held" => Material::HandHeldPage,
            _ => Material::Face,
        };
        let matches = line.verb != "face-fails";
        let (outcome, review) = review::submit(&self.wallet.account, material, matches);
        self.record(Event::VerificationSubmitted(VerificationSubmitted {
            material,
            digest: Fingerprint([9; 16]),
            bytes: 1_000,
            outcome,
            review,
        }))
    }

    pub(super) fn resolve_review(&mut self, line: &Line<'_>) -> Vec<String> {
        let resolved = review::resolve(&self.wallet.account, line.verb == "approve");
        self.record(Event::ReviewResolved(resolved))
    }

    pub(super) fn switch_region(&mut self, line: &Line<'_>) {
        let region = line.region();
        self.record(Event::RegionSwitched(RegionSwitched { region }));
    }
}

/// Password 2, unless the line says which, and given twice the same, unless the line says otherwise.
fn new_password(line: &Line<'_>) -> (PasswordVerifier, bool) {
    let new = line.value("new").map_or(2, |new| new.parse().unwrap());
    let again = line.value("again");
    let agree = again.is_none_or(|again| again.parse() == Ok(new));
    (verifier(new), agree)
}

/// The data of the card that is chosen, unless the line says what else was entered.
fn card_proof(line: &Line<'_>) -> reset::CardProof {
    let card = line.number("card");
    let number = line.value("number");
    let number = number.map_or(card, |number| number.parse().unwrap());
    let scheme = match line.value("scheme") {
        None => Scheme::Visa,
        Some("jcb") => Scheme::Jcb,
        Some(other) => panic!("no scheme {other}"),
    };
    let expiry = match line.value("expiry") {
        None => CardExpiry::new(2033, 12),
        Some("other") => CardExpiry::new(2033, 11),
        Some(other) => panic!("no expiry {other}"),
    };
    reset::CardProof {
        card: token(card),
        number: card_number(number).into(),
        scheme,
        expiry: expiry.unwrap(),
        phones: phone(line.number("phone")).into(),
        phone: phone(line.number("phone")),
        phone_code_matches: line.value("code").is_none(),
    }
}
