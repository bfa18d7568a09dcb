//! Phone codes, binding and unbinding.

use waika_domain::account::Account;
use waika_domain::card::IssuerCardReference;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{Event, Transaction, UnbindDecided};
use waika_domain::identifiers::{AccountId, Fingerprint};
use waika_domain::period::Timestamp;
use waika_domain::rules;
use waika_domain::rules::bind::Application;
use waika_domain::rules::phone_code::SendFacts;

use super::{Applied, Asks, Authoriser, Outcome, Passage, Patience};
use crate::issuer::Opening;
use crate::ledger::{BindOperation, LedgerError, PhoneCodeOperation, UnbindOperation};

impl Authoriser {
    /// Asks for a phone code (D8). Opens the account (D27).
    pub(crate) fn send_phone_code(
        &self,
        passage: Passage<'_>,
        operation: &PhoneCodeOperation,
    ) -> Outcome {
        self.opening(passage, operation.region, |account, now, in_force| {
            let facts = operation.facts(account.phone_among(&operation.phones, now));
            let rule = &in_force.policy.phone_code;
            let decided = rules::phone_code::send(account, &facts, rule, now);
            Ok(Event::PhoneCode(decided))
        })
    }

    /// Until when a phone code would be good that was sent now, and by which of the phone's digests, so that it
    /// can be sent before it is decided. None if it would be refused, whether it can be sent or not.
    pub(crate) fn phone_code_ahead(
        &self,
        id: &AccountId,
        operation: &PhoneCodeOperation,
    ) -> Result<Option<(Timestamp, Fingerprint)>, LedgerError> {
        let now = self.clock.now();
        let in_force = self.policies.at(now);
        self.check_room(&in_force.policy)?;
        let rule = &in_force.policy.phone_code;
        let expires_at = |account: &Account| {
            // Nothing goes to a phone in the name of an account that was closed.
            if account.closure().is_some() {
                return None;
            }
            let phone = account.phone_among(&operation.phones, now);
            let facts = SendFacts {
                deliverable: true,
                ..operation.facts(phone)
            };
            let decided = rules::phone_code::send(account, &facts, rule, now);
            decided.outcome.ok().map(|sent| (sent.expires_at, phone))
        };
        let known = self
            .accounts
            .with_account(id, |account| expires_at(account));
        Ok(known.unwrap_or_else(|| expires_at(&Account::open(operation.region))))
    }

    /// Climbs the ladder of Bind as far as the issuer, and holds a slot. Opens the account (D27).
    pub(crate) fn reserve_bind(&self, passage: Passage<'_>, bind: &BindOperation) -> Outcome {
        let id = passage.account;
        let mut opened = None;
        let taken = self.opening(
            passage,
            bind.application.region,
            |account, now, in_force| {
                let policy = &in_force.policy;
                self.check_budget(passage.call, policy)?;
                let application = Application {
                    phone: account.phone_among(&bind.phones, now),
                    ..bind.application
                };
                let facts = rules::bind::Facts {
                    rolled_out: policy.is_rolled_out_to(id.as_str()),
                    identity_confirmed: bind.identity_confirmed,
                    phone_code_matches: self.phone_code_is(
                        id,
                        account,
                        application.phone,
                        &bind.phone_code,
                    ),
                    password_matches: self.password_matches(id, account, &bind.password),
                };
                let event = rules::bind::reserve(account, &application, &facts, policy, now);
                let mut event = self.moving(id, account, &bind.password, event);
                if let Event::BindReserved(reserved) = &mut event {
                    let scheme = bind.application.chosen_scheme;
                    let opening = self.issuers.open_verification(&bind.pan, scheme);
                    if let Opening::Ask(question) = &opening {
                        Patience::new(&policy.issuer, bind.deadline)
                            .ok_or_else(|| self.no_budget())?;
                        reserved.debit = Some(question.transaction);
                    }
                    opened = Some(opening);
                }
                Ok(event)
            },
        );
        Ok(taken?.asking(opened.map(Asks::Card)))
    }

    /// True if a code is the one that was sent to a phone.
    pub(super) fn phone_code_is(
        &self,
        id: &AccountId,
        account: &Account,
        phone: Fingerprint,
        given: &str,
    ) -> bool {
        account.phone_code(phone).is_some_and(|outstanding| {
            let nonce = outstanding.nonce;
            self.vault.phone_code(id, phone, nonce).is(given)
        })
    }

    /// Binds the card, or lets the slot go, by the issuer's answer (D6). `debit` is owed back, if the
    /// issuer may have made it.
    pub(crate) fn complete_bind(
        &self,
        passage: Passage<'_>,
        bind: &BindOperation,
        reserved_by: u64,
        (answer, debit): (
            Result<IssuerCardReference, IssuerRefusal>,
            Option<Transaction>,
        ),
    ) -> Result<Applied, LedgerError> {
        let id = passage.account;
        let run = |account: &mut Account| {
            let now = self.clock.now();
            let event = match bind.identity() {
                None => rules::bind::abandon(account, reserved_by, debit),
                Some(identity) => {
                    let completion = rules::bind::Completion {
                        reserved_by,
                        answer: answer
                            .map(|reference| bind.bound_card(reference, self.issuers.kind(), now)),
                        identity,
                        password_offered: self.vault.password(
                            id,
                            &bind.password,
                            bind.password_salt,
                        ),
                        password_matches: self.password_matches(id, account, &bind.password),
                        debit,
                    };
                    let application = &bind.application;
                    let policy = &self.policies.at(now).policy;
                    rules::bind::complete(account, application, completion, policy, now)
                }
            };
            self.record(passage, account, event, now)
        };
        let run = self.accounts.with_account(id, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// Unbinds a card (R48, D22).
    pub(crate) fn unbind(&self, passage: Passage<'_>, asked: &UnbindOperation) -> Outcome {
        let id = passage.account;
        self.existing(passage, |account, now, in_force| {
            let policy = &in_force.policy;
            self.check_budget(passage.call, policy)?;
            let matches = self.password_matches(id, account, &asked.password);
            let (outcome, password) =
                rules::unbind::decide(account, asked.card, matches, policy, now);
            let event = Event::UnbindDecided(Box::new(UnbindDecided {
                card: asked.card,
                password,
                outcome,
            }));
            Ok(self.moving(id, account, &asked.password, event))
        })
    }
}
