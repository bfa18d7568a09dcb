//! The hop to the issuer: what is decided before it under the account's lock, and what after it
//! under the lock again. In between nothing is held but money.

use std::time::{Duration, Instant};

use waika_domain::account::Account;
use waika_domain::card::IssuerCardReference;
use waika_domain::decline::{DeclineReason, IssuerRefusal};
use waika_domain::event::{
    AdviceTaken, ApprovalCode, Event, IssuerLate, Payment, Reservation, StandIn, StandInReconciled,
};
use waika_domain::identifiers::{AccountId, IdempotencyKey};
use waika_domain::money::Fen;
use waika_domain::policy::{IssuerRule, Policy};
use waika_domain::rules::authorise::{resolve, stand_in, unanswered};

use super::{Applied, Authoriser, Effects, Happened, Passage, append};
use crate::clock::monotonic;
use crate::issuer::{Asked, Heard, Opening, Question, Settled};
use crate::ledger::LedgerError;
use crate::ledger::encode::Entry;
use crate::ledger::log::{Appended, Log};
use crate::ledger::node::Deciding;
use crate::owed::OwedAdvice;

/// Less than this is no time to ask anybody anything.
const LEAST: Duration = Duration::from_millis(1);

/// A payment that is held, and is to be asked about.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) question: Question,
    pub(crate) asked: Asked,
    pub(crate) patience: Patience,
    pub(crate) shadow: ShadowSays,
}

/// What the shadow policy said of a payment before its issuer was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ShadowSays {
    /// There is none.
    Nothing,
    /// Why it would have declined, if it would.
    Would(Option<DeclineReason>),
}

/// What passing a payment on goes by.
#[derive(Clone, Copy)]
pub(super) struct Passing<'a> {
    pub(super) account: &'a Account,
    pub(super) policy: &'a Policy,
    /// When the caller stops waiting.
    pub(super) deadline: Option<Instant>,
}

/// Whose issuer is not there.
#[derive(Clone, Copy)]
struct Absent<'a> {
    id: &'a AccountId,
    account: &'a Account,
    policy: &'a Policy,
    /// The card, where Waika may stand in.
    reference: Option<&'a IssuerCardReference>,
    key: &'a IdempotencyKey,
}

/// How long an answer may be waited for (D16).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    timeout: Duration,
    /// When the caller's own patience is at its end, less what the answer itself needs.
    end: Option<Instant>,
}

impl Patience {
    /// The policy's time, or what is left of the caller's deadline if that is less. None if that is
    /// not enough to ask at all.
    pub(crate) fn new(rule: &IssuerRule, deadline: Option<Instant>) -> Option<Self> {
        let reserve = Duration::from_millis(rule.reserve_ms.into());
        let end = match deadline {
            None => None,
            Some(deadline) => Some(deadline.checked_sub(reserve)?),
        };
        let patience = Self {
            timeout: Duration::from_millis(rule.timeout_ms.into()),
            end,
        };
        patience.left().map(|_| patience)
    }

    /// What it is if it ends without an answer, after so long.
    pub(crate) fn ended_after(&self, time: Duration) -> Heard {
        if time < self.timeout {
            Heard::CutShort
        } else {
            Heard::Silence
        }
    }

    /// How long from now on; None if that is not enough any more.
    pub(crate) fn left(&self) -> Option<Duration> {
        let left = self.end.map_or(self.timeout, |end| {
            let left = end.saturating_duration_since(monotonic());
            left.min(self.timeout)
        });
        (left >= LEAST).then_some(left)
    }
}

/// How a payment goes on that passed every rung of ours.
pub(super) enum Next {
    /// It is decided.
    Decided(Event),
    /// It is held, and its issuer is asked.
    Ask(Event, Box<Hop>),
}

impl Authoriser {
    /// Answers for a payment that passed every rung of ours, or holds it and says whom to ask.
    pub(super) fn pass_on(
        &self,
        passage: Passage<'_>,
        mut reservation: Reservation,
        passing: Passing<'_>,
    ) -> Result<Next, LedgerError> {
        let Passing {
            account,
            policy,
            deadline,
        } = passing;
        let key = passage.call.key.as_str();
        let sandbox = &self.issuers.sandbox;
        let Some(card) = reservation.payment.funding.card() else {
            let code = sandbox.without_issuer(passage.account.as_str(), key);
            return Ok(Next::Decided(resolve(reservation, None, Ok(code))));
        };
        let Some(card) = account.card(card) else {
            let refused = Err(IssuerRefusal::DoNotHonour);
            return Ok(Next::Decided(resolve(reservation, None, refused)));
        };
        let reference = &card.issuer_reference;
        match self.issuers.open(card) {
            Opening::AtOnce => {
                let answer = sandbox.authorise(reference, key);
                Ok(Next::Decided(resolve(reservation, None, answer)))
            }
            Opening::Busy => {
                let refused = Err(IssuerRefusal::Unavailable);
                Ok(Next::Decided(resolve(reservation, None, refused)))
            }
            Opening::Absent(transaction) => {
                reservation.transaction = Some(transaction);
                let of = Absent {
                    id: passage.account,
                    account,
                    policy,
                    reference: Some(reference),
                    key: &passage.call.key,
                };
                let event = match self.stand_in_for(&reservation, of) {
                    Some((code, by)) => stand_in(reservation, None, code, by),
                    None => resolve(reservation, None, Err(IssuerRefusal::Unavailable)),
                };
                Ok(Next::Decided(event))
            }
            Opening::Ask(question) => {
                let patience = Patience::new(&policy.issuer, deadline);
                let patience = patience.ok_or_else(|| self.no_budget())?;
                reservation.transaction = Some(question.transaction);
                let asked = Asked {
                    transaction: question.transaction,
                    reference: reference.clone(),
                    amount: total(&reservation),
                    merchant: merchant_of(&reservation.payment),
                    key: key.to_owned(),
                };
                let hop = Hop {
                    question,
                    asked,
                    patience,
                    shadow: ShadowSays::Nothing,
                };
                Ok(Next::Ask(
                    Event::Reserved(Box::new(reservation)),
                    Box::new(hop),
                ))
            }
        }
    }

    /// The caller's deadline leaves no time to ask (D16): nothing is written.
    pub(super) fn no_budget(&self) -> LedgerError {
        self.metrics.hops.count_deadline_budget();
        LedgerError::DeadlineBudget
    }

    /// The code by which Waika approves a payment in the place of an issuer that is not there, and what
    /// that is told later; None where it may not (D17).
    fn stand_in_for(
        &self,
        reservation: &Reservation,
        of: Absent<'_>,
    ) -> Option<(ApprovalCode, StandIn)> {
        let Absent {
            id,
            account,
            policy,
            reference,
            key,
        } = of;
        let principal = reservation.payment.amount.fen();
        reservation.transaction?;
        let allowed = policy.issuer.stands_in_for(principal, account.stood_in());
        let reference = reference.filter(|_| allowed)?.clone();
        let code = self
            .issuers
            .sandbox
            .without_issuer(id.as_str(), key.as_str());
        let by = StandIn {
            reference,
            key: key.clone(),
            merchant: reservation.payment.merchant.clone(),
            code,
        };
        Some((code, by))
    }

    /// Ends a payment that was held, by what was heard of its issuer. Once: whoever calls this has
    /// the reservation.
    pub(crate) fn resolve_payment(
        &self,
        passage: Passage<'_>,
        (reserved_by, reservation): (u64, Reservation),
        reference: Option<&IssuerCardReference>,
        heard: Heard,
    ) -> Result<Applied, LedgerError> {
        let id = passage.account;
        let run = |account: &mut Account| {
            let now = self.clock.now();
            let in_force = self.policies.at(now);
            let of = Absent {
                id,
                account,
                policy: &in_force.policy,
                reference,
                key: &passage.call.key,
            };
            let held = Some(reserved_by);
            // D17: for an issuer that is not there, and for no other.
            let stood_in = match heard {
                Heard::Absent | Heard::Silence => self.stand_in_for(&reservation, of),
                Heard::Approved(_)
                | Heard::Refused(_)
                | Heard::NotAsked
                | Heard::CutShort
                | Heard::Nonsense(_) => None,
            };
            let event = match (stood_in, heard) {
                (Some((code, by)), _) => stand_in(reservation, held, code, by),
                (None, Heard::Approved(code)) => resolve(reservation, held, Ok(code)),
                (None, Heard::Refused(refusal)) => resolve(reservation, held, Err(refusal)),
                (None, Heard::Absent | Heard::NotAsked) => {
                    resolve(reservation, held, Err(IssuerRefusal::Unavailable))
                }
                (None, Heard::Silence | Heard::CutShort | Heard::Nonsense(_)) => {
                    unanswered(reservation, reserved_by) // D16
                }
            };
            self.record(passage, account, event, now)
        };
        let run = self.accounts.with_account(id, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// Notes that an issuer approved a payment that was declined for its silence (D16).
    pub(crate) fn note_late(
        &self,
        queue: &Log,
        id: &AccountId,
        original: u64,
        amount: Fen,
    ) -> Result<Option<u64>, LedgerError> {
        self.record_aside(queue, id, |_, previous| {
            Some(Event::IssuerLate(IssuerLate {
                original,
                previous: previous(original),
                amount,
            }))
        })
    }

    /// Notes that an issuer has taken an advice, once.
    pub(crate) fn note_settled(
        &self,
        queue: &Log,
        owed_by: u64,
        advice: &OwedAdvice,
        settled: Settled,
    ) -> Result<Option<u64>, LedgerError> {
        let reconciled = |previous: u64, diverged| {
            Event::StandInReconciled(StandInReconciled {
                original: owed_by,
                previous,
                principal: advice.owed.principal,
                diverged,
            })
        };
        self.record_aside(queue, &advice.account, |_, previous| {
            if !self.owed.is_owed(owed_by) {
                return None;
            }
            Some(match settled {
                Settled::Reversed(amount) => Event::AdviceTaken(AdviceTaken { owed_by, amount }),
                Settled::Agreed => reconciled(previous(owed_by), None),
                Settled::Diverged(refusal) => reconciled(previous(owed_by), Some(refusal.into())),
            })
        })
    }

    /// Records what no call has asked for, and says as which entry. `previous` finds the last step of a payment's
    /// time line.
    pub(super) fn record_aside(
        &self,
        queue: &Log,
        id: &AccountId,
        event: impl FnOnce(&Account, &dyn Fn(u64) -> u64) -> Option<Event>,
    ) -> Result<Option<u64>, LedgerError> {
        let run = |account: &mut Account| {
            let previous = |original| self.adjusted.find(original).last;
            let Some(event) = event(account, &previous) else {
                return Ok(None);
            };
            let now = self.clock.now();
            let entry = Entry {
                account: id.as_str(),
                previous: account.last_sequence(),
                at: now,
                call: None,
                event: &event,
            };
            let previous = entry.previous;
            let Appended { sequence, written } = append(queue, &entry)?;
            account.apply(&event, sequence, now);
            if let (Some(written), Log::Node(node)) = (written, queue) {
                node.decided(Deciding {
                    account,
                    previous,
                    sequence,
                    call_hash: None,
                    written,
                    effects: Effects {
                        id: id.as_str().into(),
                        event,
                        at: now,
                        guessed: None,
                    },
                });
                return Ok(Some(sequence));
            }
            let happened = Happened {
                event: &event,
                sequence,
                at: now,
            };
            self.apply_beyond_the_account(id.as_str(), account, happened);
            self.metrics.count(&event);
            Ok(Some(sequence))
        };
        let run = self.accounts.with_account(id, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }
}

/// What the issuer is asked for: principal and fee (D3).
pub(crate) fn total(reservation: &Reservation) -> Fen {
    reservation.payment.amount.fen().plus(reservation.fee)
}

fn merchant_of(payment: &Payment) -> String {
    let merchant = payment.merchant.as_ref();
    merchant.map_or_else(String::new, ToString::to_string)
}
