//! Applies the rules to one account under its lock. Knows no transport and waits for nothing.
//!
//! Under the lock: look for the key, decide, append to the open batch, apply, remember the key.
//! The sequence is given inside the batch's own lock while the account's is held, so order
//! under the lock is order in the journal. Locks go account → batch and never back.

use std::sync::Arc;

use waika_domain::account::Account;
use waika_domain::card::IssuerCardReference;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{ApprovalCode, CardStatusSet, Event, Payment, WalletRegion};
use waika_domain::identifiers::{AccountId, CardToken};
use waika_domain::merchant::Merchant;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::rules;
use waika_domain::rules::authorise::{Decision, Facts, Quote, decide, resolve};

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::commit::CommitQueue;
use crate::decision_metrics::DecisionMetrics;
use crate::idempotency::{Idempotency, Place, Slot};
use crate::issuer::SandboxIssuer;
use crate::ledger::{
    AuthoriseOperation, BindOperation, Call, LedgerError, PhoneCodeOperation, encode,
};
use crate::merchants::Merchants;
use crate::under_way::{GoingOn, UnderWay};
use crate::vault::Vault;

/// What became of an operation under the lock.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was decided, and the entry with this sequence is in the open batch.
    Applied(Applied),
    /// Its key was used before.
    Known(Place),
}

/// A decision that is in the open batch.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    /// Set if the call goes on: its answer is still to come.
    pub(crate) going_on: Option<GoingOn>,
}

/// The state in memory and what decides over it.
#[derive(Debug)]
pub(crate) struct Authoriser {
    pub(crate) accounts: Accounts,
    pub(crate) merchants: Merchants,
    pub(crate) idempotency: Idempotency,
    pub(crate) issuer: SandboxIssuer,
    pub(crate) vault: Vault,
    pub(crate) policy: Arc<Policy>,
    pub(crate) clock: Clock,
    pub(crate) metrics: DecisionMetrics,
    pub(crate) under_way: UnderWay,
    /// Orders what concerns no one account; taken before an account's lock.
    pub(crate) global: parking_lot::Mutex<()>,
}

type Outcome = Result<Taken, LedgerError>;

/// One call on its way through: where to append, and under which key.
#[derive(Clone, Copy)]
pub(crate) struct Passage<'a> {
    pub(crate) queue: &'a CommitQueue,
    pub(crate) account: &'a AccountId,
    pub(crate) call: &'a Call,
    pub(crate) slot: Slot,
}

impl Authoriser {
    /// Asks for a phone code (D8). Opens the account (D27).
    pub(crate) fn send_phone_code(
        &self,
        passage: Passage<'_>,
        operation: &PhoneCodeOperation,
    ) -> Outcome {
        let facts = operation.facts();
        self.opening(passage, operation.region, |account, now| {
            Event::PhoneCode(rules::phone_code::send(
                account,
                &facts,
                &self.policy.phone_code,
                now,
            ))
        })
    }

    /// Climbs the ladder of Bind as far as the issuer, and holds a slot. Opens the account (D27).
    pub(crate) fn reserve_bind(&self, passage: Passage<'_>, bind: &BindOperation) -> Outcome {
        let id = passage.account;
        self.opening(passage, bind.application.region, |account, now| {
            let code = account
                .phone_code(bind.application.phone)
                .is_some_and(|outstanding| {
                    let phone = outstanding.phone;
                    self.vault
                        .phone_code(id, phone, outstanding.nonce)
                        .is(&bind.phone_code)
                });
            let facts = rules::bind::Facts {
                rolled_out: self.policy.is_rolled_out_to(id.as_str()),
                identity_confirmed: bind.identity_confirmed,
                phone_code_matches: code,
                password_matches: self.password_matches(id, account, &bind.password),
            };
            rules::bind::reserve(account, &bind.application, &facts, &self.policy, now)
        })
    }

    /// Binds the card, or lets the slot go, by the issuer's answer (D6).
    pub(crate) fn complete_bind(
        &self,
        passage: Passage<'_>,
        bind: &BindOperation,
        reserved_by: u64,
        answer: Result<IssuerCardReference, IssuerRefusal>,
    ) -> Result<Applied, LedgerError> {
        let id = passage.account;
        let run = |account: &mut Account| {
            let now = self.clock.now();
            let event = match bind.identity() {
                None => rules::bind::abandon(account, reserved_by),
                Some(identity) => {
                    let completion = rules::bind::Completion {
                        reserved_by,
                        answer: answer.map(|reference| bind.bound_card(reference, now)),
                        identity,
                        password_offered: self.vault.password(
                            id,
                            &bind.password,
                            bind.password_salt,
                        ),
                        password_matches: self.password_matches(id, account, &bind.password),
                    };
                    let application = &bind.application;
                    rules::bind::complete(account, application, completion, &self.policy, now)
                }
            };
            self.record(passage, account, event, now)
        };
        let run = self.accounts.with_account(id, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// Ends a call that a stopped server had begun: what it held is free again (D6, D16).
    pub(crate) fn let_go(
        &self,
        passage: Passage<'_>,
        reserved_by: u64,
        begun: &Event,
    ) -> Result<(), LedgerError> {
        let run = |account: &mut Account| {
            let Some(event) = rules::let_go(account, reserved_by, begun) else {
                return Ok(());
            };
            let now = self.clock.now();
            self.record(passage, account, event, now).map(drop)
        };
        self.accounts
            .with_account(passage.account, run)
            .unwrap_or(Ok(()))
    }

    /// Decides a payment. The sandbox issuer answers at once, so one event holds reservation
    /// and answer; the lock is never held across a hop.
    pub(crate) fn authorise(&self, passage: Passage<'_>, asked: &AuthoriseOperation) -> Outcome {
        let merchant = asked
            .payment
            .merchant
            .as_ref()
            .and_then(|id| self.merchants.find(id));
        self.existing(passage, |account, now| {
            let facts = Facts {
                rolled_out: self.policy.is_rolled_out_to(passage.account.as_str()),
                client: asked.client,
                password_matches: self.password_matches(passage.account, account, &asked.password),
                merchant: merchant.as_deref(),
                card_shared: false,
                reversed_ahead: false,
                quote: Quote::Absent,
            };
            let payment = asked.payment.clone();
            Ok(match decide(account, payment, &facts, &self.policy, now) {
                Decision::Decline(declined) => Event::Declined(declined),
                Decision::Reserve(reservation) => {
                    let answer = self.ask_issuer(account, &reservation.payment, passage.call);
                    resolve(*reservation, None, answer)
                }
            })
        })
    }

    /// Resolves a passport holder's review (D5).
    pub(crate) fn resolve_review(&self, passage: Passage<'_>, approve: bool) -> Outcome {
        self.existing(passage, |account, _| {
            Ok(Event::ReviewResolved(rules::review::resolve(
                account, approve,
            )))
        })
    }

    /// Tells the sandbox issuer what to think of a card.
    pub(crate) fn set_card_status(
        &self,
        passage: Passage<'_>,
        card: CardToken,
        status: waika_domain::event::CardStatus,
    ) -> Outcome {
        // The card may be bound elsewhere too: one order for all, in the journal and at the issuer.
        let _ordered = self.global.lock();
        self.existing(passage, |account, _| {
            let bound = account.card(card).ok_or(LedgerError::UnknownCard)?;
            let reference = bound.issuer_reference.clone();
            Ok(Event::CardStatusSet(CardStatusSet {
                card,
                reference,
                status,
            }))
        })
    }

    /// Adds a merchant or replaces one (D11).
    pub(crate) fn put_merchant(
        &self,
        queue: &CommitQueue,
        call: &Call,
        slot: Slot,
        merchant: &Merchant,
    ) -> Outcome {
        let _ordered = self.global.lock();
        if let Some(place) = self.idempotency.find(slot) {
            return Ok(Taken::Known(place));
        }
        self.check_room()?;
        let now = self.clock.now();
        let event = Event::MerchantPut(merchant.clone());
        let sequence = append(queue, &encode::entry("", 0, now, Some(call), &event))?;
        self.merchants.put(merchant.clone());
        self.idempotency.fill(slot, Place::Answered(sequence));
        Ok(Taken::Applied(Applied {
            sequence,
            at: now,
            event,
            going_on: None,
        }))
    }

    /// Asks the sandbox issuer, which answers from what is in memory.
    fn ask_issuer(
        &self,
        account: &Account,
        payment: &Payment,
        call: &Call,
    ) -> Result<ApprovalCode, IssuerRefusal> {
        let card = account
            .card(payment.card)
            .ok_or(IssuerRefusal::DoNotHonour)?;
        self.issuer
            .authorise(&card.issuer_reference, call.key.as_str())
    }

    fn password_matches(&self, id: &AccountId, account: &Account, password: &str) -> bool {
        account
            .password()
            .is_some_and(|verifier| self.vault.password_matches(id, password, verifier))
    }

    fn opening(
        &self,
        passage: Passage<'_>,
        region: WalletRegion,
        decide: impl FnOnce(&Account, Timestamp) -> Event,
    ) -> Outcome {
        self.accounts
            .with_account_or_open(passage.account, region, |account| {
                self.take(passage, account, |account, now| Ok(decide(account, now)))
            })
    }

    fn existing(
        &self,
        passage: Passage<'_>,
        decide: impl FnOnce(&Account, Timestamp) -> Result<Event, LedgerError>,
    ) -> Outcome {
        self.accounts
            .with_account(passage.account, |account| {
                self.take(passage, account, decide)
            })
            .unwrap_or(Err(LedgerError::UnknownAccount))
    }

    fn take(
        &self,
        passage: Passage<'_>,
        account: &mut Account,
        decide: impl FnOnce(&Account, Timestamp) -> Result<Event, LedgerError>,
    ) -> Outcome {
        if let Some(place) = self.idempotency.find(passage.slot) {
            return Ok(Taken::Known(place));
        }
        self.check_room()?;
        let now = self.clock.now();
        let event = decide(account, now)?;
        self.record(passage, account, event, now)
            .map(Taken::Applied)
    }

    /// Appends and applies: from here the decision is made, and only its durability is awaited.
    fn record(
        &self,
        passage: Passage<'_>,
        account: &mut Account,
        event: Event,
        now: Timestamp,
    ) -> Result<Applied, LedgerError> {
        let Passage {
            queue,
            account: id,
            call,
            slot,
        } = passage;
        let previous = account.last_sequence();
        let entry = encode::entry(id.as_str(), previous, now, Some(call), &event);
        let sequence = append(queue, &entry)?;
        account.apply(&event, sequence, now);
        let going_on = event.is_beginning().then(|| self.under_way.begin(sequence));
        self.idempotency.fill(slot, place_of(&event, sequence));
        self.apply_beyond_the_account(&event);
        self.metrics.count(&event);
        Ok(Applied {
            sequence,
            at: now,
            event,
            going_on,
        })
    }

    /// What an event changes outside its account.
    pub(crate) fn apply_beyond_the_account(&self, event: &Event) {
        match event {
            Event::CardStatusSet(set) => self.issuer.set_status(&set.reference, set.status),
            Event::MerchantPut(merchant) => self.merchants.put(merchant.clone()),
            Event::PhoneCode(_)
            | Event::BindReserved(_)
            | Event::BindDecided(_)
            | Event::Reserved(_)
            | Event::Posted(_)
            | Event::Voided(_)
            | Event::Declined(_)
            | Event::ReviewResolved(_) => {}
        }
    }

    fn check_room(&self) -> Result<(), LedgerError> {
        if self.idempotency.is_full() {
            Err(LedgerError::KeysFull)
        } else {
            Ok(())
        }
    }
}

/// An entry that the queue does not take is not applied, and never will be.
fn append(queue: &CommitQueue, entry: &[u8]) -> Result<u64, LedgerError> {
    queue.append(entry).map_err(|_| LedgerError::Stopped)
}

/// Where the answer to the call of an event is: with the event, or still to come.
pub(crate) fn place_of(event: &Event, sequence: u64) -> Place {
    if event.is_beginning() {
        Place::UnderWay(sequence)
    } else {
        Place::Answered(sequence)
    }
}
