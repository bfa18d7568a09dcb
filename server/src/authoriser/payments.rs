//! Payments, quotes, reversals, refunds and early settlements.

use std::sync::Arc;

use waika_domain::account::Account;
use waika_domain::card::BoundCard;
use waika_domain::decline::DeclineReason;
use waika_domain::event::{
    DecidedPayment, Event, Funding, Payment, ReversalDecided, SettleDecided,
};
use waika_domain::fee::{fee, fee_from};
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::receipt::Rung;
use waika_domain::risk::RiskReason;
use waika_domain::rules;
use waika_domain::rules::authorise::{
    Credential, Decision, Facts, Quote, decide, decide_with_receipt,
};
use waika_domain::rules::quote::Offer;
use waika_domain::rules::reverse::{Approved, Original};

use super::hop::{Hop, Next, Passing, ShadowSays};
use super::{Asks, Authoriser, Outcome, Passage, Taken};
use crate::adjusted::Adjustment;
use crate::ledger::log::Log;
use crate::ledger::{
    AuthoriseOperation, Call, CredentialGiven, LedgerError, OriginalFound, QuoteAsked, Quoted,
    QuotedCard, ReadAt, ReverseOperation, ahead_caller,
};
use crate::payment_token::{self, TokenTerms};
use crate::quote_token::{QuoteTerms, QuoteToken};
use crate::stopwatch::{Lap, Part};

/// Payments of one account that may be reversed before they come: they are never forgotten.
const MOST_REVERSED_AHEAD: usize = 10_000;

impl Authoriser {
    /// Decides a payment, or holds it while its issuer is asked. The sandbox issuer answers most of
    /// its cards at once, so that one event holds reservation and answer; the lock is never held
    /// across a hop.
    pub(crate) fn authorise(&self, passage: Passage<'_>, asked: &AuthoriseOperation) -> Outcome {
        let merchant = asked
            .payment
            .merchant
            .as_ref()
            .and_then(|id| self.merchants.find(id));
        let mut hop: Option<Hop> = None;
        let mut says = ShadowSays::Nothing;
        let taken = self.existing(passage, |account, now, in_force| {
            let deciding = Lap::of_decision(passage.call.stopwatch.as_ref());
            let Call { caller, key, .. } = passage.call;
            let reverser = ahead_caller(asked.payment.code, caller);
            let payment = payment_of(account, asked);
            let policy = &in_force.policy;
            let credential = self.credential(passage, account, asked, policy)?;
            let facts = Facts {
                client: asked.client,
                credential,
                reversed_ahead: account.is_reversed_ahead(&reverser, key), // D31
                quote: self.quote_given(passage.account, &payment, asked.quote, (policy, now)),
                ..self.facts(passage.account, account, payment.funding, policy)
            };
            let facts = Facts {
                merchant: merchant.as_deref(),
                ..facts
            };
            let decision = if asked.want_receipt {
                decide_with_receipt(account, payment, &facts, policy, now)
            } else {
                decide(account, payment, &facts, policy, now)
            };
            let event = match decision {
                Decision::Decline(declined) => Event::Declined(declined),
                Decision::Reserve(reservation) => {
                    let passing = Passing {
                        account,
                        policy,
                        deadline: asked.deadline,
                    };
                    match self.pass_on(passage, reservation, passing)? {
                        Next::Decided(event) => event,
                        Next::Ask(event, asks) => {
                            hop = Some(*asks);
                            event
                        }
                    }
                }
            };
            if let Some(shadow) = &in_force.shadow {
                let rolled_out = shadow.is_rolled_out_to(passage.account.as_str());
                let facts = Facts {
                    rolled_out,
                    ..facts
                };
                let would = shadow_says(shadow, account, &facts, (&event, now));
                match (&mut hop, passage.queue) {
                    (Some(hop), _) => hop.shadow = ShadowSays::Would(would),
                    (None, Log::Journal(_)) => self.compare(&event, would),
                    // It may have to be decided again.
                    (None, Log::Node(_)) => says = ShadowSays::Would(would),
                }
            }
            deciding.end(Part::Rules);
            Ok(self.moving_by(&asked.credential, passage.account, account, event))
        });
        let mut taken = taken?.asking(hop.map(Asks::Payment));
        if let Taken::Applied(applied) = &mut taken {
            applied.shadow = says;
        }
        Ok(taken)
    }

    /// What proves that the payer is who pays. A token is held against this very payment.
    fn credential(
        &self,
        passage: Passage<'_>,
        account: &Account,
        asked: &AuthoriseOperation,
        policy: &Policy,
    ) -> Result<Credential, LedgerError> {
        let Passage {
            account: id, call, ..
        } = passage;
        Ok(match &asked.credential {
            CredentialGiven::Password(password) => {
                self.check_budget(call, policy)?;
                let matches = self.password_matches(id, account, password);
                Credential::Password { matches }
            }
            CredentialGiven::Token(token) => {
                Credential::Token(account.password().and_then(|password| {
                    let terms = TokenTerms {
                        caller: &call.caller,
                        account: id,
                        funding: asked.payment.funding,
                        amount: asked.payment.amount,
                        password,
                    };
                    payment_token::nonce(&self.vault, &terms, token)
                }))
            }
            CredentialGiven::Code => Credential::Code(asked.payment.code),
        })
    }

    /// Counts what another policy would have said to a payment that is decided. The issuer is asked
    /// once: its word counts for both.
    pub(crate) fn compare(&self, event: &Event, shadow: Option<DeclineReason>) {
        let Some(decided) = event.decision() else {
            return;
        };
        let active = match decided {
            DecidedPayment::Approved(_) => None,
            DecidedPayment::Declined(declined) => Some(declined.decline.reason),
            DecidedPayment::Voided(voided) => Some(voided.decline.reason),
        };
        let by_issuer = active.filter(|reason| reason.rung() == Rung::Issuer);
        self.shadow.count(active, shadow.or(by_issuer));
    }

    /// What a payment would cost, and which cards, or the balance, could make it (R62). Changes
    /// nothing.
    pub(crate) fn quote(
        &self,
        id: &AccountId,
        account: &Account,
        asked: &QuoteAsked,
        (policy, now): (&Policy, Timestamp),
    ) -> Quoted {
        let merchant = asked
            .merchant
            .as_ref()
            .and_then(|id| self.merchants.find(id));
        let expires_at = now.plus_seconds(policy.quote_seconds); // D32
        let quoted = |funding: Funding| {
            let offer = Offer {
                funding,
                amount: asked.amount,
                scene: asked.scene,
            };
            let facts = Facts {
                client: asked.client,
                ..self.facts(id, account, funding, policy)
            };
            let facts = Facts {
                merchant: merchant.as_deref(),
                ..facts
            };
            let fee = rules::quote::decide(account, offer, &facts, policy, now)?;
            let terms = QuoteTerms {
                account: id,
                funding,
                merchant: asked.merchant.as_ref(),
                amount: asked.amount,
                scene: asked.scene,
                fee,
                policy: &policy.name,
            };
            Ok(self.vault.quote_token(&terms, expires_at))
        };
        let cards = account.cards().iter().map(|card| QuotedCard {
            card: card.clone(),
            token: quoted(Funding::Card(card.token)),
        });
        Quoted {
            fee: fee(asked.amount, &policy.fee),
            cards: cards.collect(),
            balance: account.balance(),
            balance_token: quoted(Funding::Balance),
            policy: Arc::clone(&policy.name),
            at: now,
            expires_at,
        }
    }

    /// Gives a payment back, or records that it will be (D13, D31). What was looked up before the
    /// lock holds, unless the payment has come in between.
    pub(crate) fn reverse(
        &self,
        passage: Passage<'_>,
        asked: &ReverseOperation,
        found: &OriginalFound,
    ) -> Outcome {
        let run = |account: &mut Account| match found {
            OriginalFound::NotYet { slot, .. } if self.idempotency.find(*slot).is_some() => {
                Ok(Taken::LookAgain)
            }
            OriginalFound::NotYet { read, .. } if !is_whole(account, *read) => Ok(Taken::LookAgain),
            OriginalFound::NotYet { name, .. } => self.take(passage, account, |account, _, _| {
                if account.reversed_ahead() >= MOST_REVERSED_AHEAD {
                    return Err(LedgerError::AheadFull);
                }
                Ok(Event::ReversedAhead(Box::new(name.clone()))) // D31
            }),
            OriginalFound::Decided { read, .. } if !is_current(passage, *read) => {
                Ok(Taken::LookAgain)
            }
            OriginalFound::Decided {
                sequence,
                original,
                read,
            } => self.take(passage, account, |account, now, in_force| {
                self.kept.check(*sequence)?;
                let (previous, approved) = self.standing_of(*sequence, original.as_ref(), *read);
                let asked = rules::reverse::Asked {
                    kind: asked.kind,
                    amount: asked.amount,
                };
                let (approved, policy) = (approved.as_ref(), &in_force.policy);
                let outcome = rules::reverse::decide(account, asked, approved, policy, now);
                Ok(Event::ReversalDecided(Box::new(ReversalDecided {
                    kind: asked.kind,
                    original: *sequence,
                    previous,
                    outcome,
                })))
            }),
            OriginalFound::KeyKnown => Ok(match self.idempotency.find(passage.slot) {
                Some(place) => Taken::Known(place),
                None => Taken::LookAgain,
            }),
        };
        let run = self.accounts.with_account(passage.account, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// Settles a payment early (D25).
    pub(crate) fn settle(&self, passage: Passage<'_>, found: &OriginalFound) -> Outcome {
        let OriginalFound::Decided {
            sequence,
            original,
            read,
        } = found
        else {
            let known = self.idempotency.find(passage.slot);
            return Ok(known.map_or(Taken::LookAgain, Taken::Known));
        };
        let run = |account: &mut Account| {
            if !is_current(passage, *read) {
                return Ok(Taken::LookAgain);
            }
            self.take(passage, account, |_, now, _| {
                self.kept.check(*sequence)?;
                let (previous, approved) = self.standing_of(*sequence, original.as_ref(), *read);
                Ok(Event::SettleDecided(SettleDecided {
                    original: *sequence,
                    previous,
                    outcome: rules::reverse::settle(approved.as_ref(), now),
                }))
            })
        };
        let run = self.accounts.with_account(passage.account, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// The last step of an authorisation's time line, and what became of it if it was approved.
    fn standing_of(
        &self,
        sequence: u64,
        original: Option<&Original>,
        read: Option<ReadAt>,
    ) -> (u64, Option<Approved>) {
        let adjustment = read.map(|read| read.adjustment);
        let adjustment = adjustment.unwrap_or_else(|| self.adjusted.find(sequence));
        let Adjustment { so_far, last } = adjustment;
        let approved = original.map(|&original| Approved { original, so_far });
        (last, approved)
    }

    /// The risk for which payments with a card are declined now.
    pub(crate) fn risk_of(&self, account: &Account, card: &BoundCard) -> Option<RiskReason> {
        account.identity()?;
        rules::risk::of_card(account, card, |after| self.is_shared(account, card, after))
    }

    /// What is true of a payment as far as the account says.
    fn facts(
        &self,
        id: &AccountId,
        account: &Account,
        funding: Funding,
        policy: &Policy,
    ) -> Facts<'static> {
        let card = funding.card().and_then(|card| account.card(card));
        Facts {
            rolled_out: policy.is_rolled_out_to(id.as_str()),
            client: None,
            credential: Credential::Password { matches: true },
            merchant: None,
            risk: card.and_then(|card| self.risk_of(account, card)),
            reversed_ahead: false,
            quote: Quote::Absent,
        }
    }

    /// What the quote token that came with a payment says about it (D32).
    fn quote_given(
        &self,
        id: &AccountId,
        payment: &Payment,
        quote: Option<QuoteToken>,
        (policy, now): (&Policy, Timestamp),
    ) -> Quote {
        let Some(token) = quote else {
            return Quote::Absent;
        };
        let terms = QuoteTerms {
            account: id,
            funding: payment.funding,
            merchant: payment.merchant.as_ref(),
            amount: payment.amount,
            scene: payment.scene,
            fee: fee_from(payment.funding, payment.amount, &policy.fee),
            policy: &policy.name,
        };
        token.compare(&self.vault, &terms, now)
    }
}

/// Why another policy would have declined a payment before its issuer; None if it would not.
fn shadow_says(
    shadow: &Policy,
    account: &Account,
    facts: &Facts<'_>,
    (event, now): (&Event, Timestamp),
) -> Option<DeclineReason> {
    let payment = event.payment()?.clone();
    match decide(account, payment, facts, shadow, now) {
        Decision::Decline(declined) => Some(declined.decline.reason),
        Decision::Reserve(_) => None,
    }
}

/// What is asked: with a payment code, what that stands for (D10).
fn payment_of(account: &Account, asked: &AuthoriseOperation) -> Payment {
    let mut payment = asked.payment.clone();
    if let Some(code) = payment.code {
        let known = account.payment_code(code);
        payment.funding = known.map_or(Funding::Unknown, |code| code.funding);
    }
    payment
}

/// True if what was read of a payment is all that happened to it so far. Under the account's lock.
fn is_current(passage: Passage<'_>, read: Option<ReadAt>) -> bool {
    match (read, passage.queue) {
        (Some(read), Log::Node(node)) => node.is_whole_at(passage.account, read.version),
        (Some(_) | None, _) => true,
    }
}

/// True if nothing at all was decided since it was read.
fn is_whole(account: &Account, read: Option<ReadAt>) -> bool {
    read.is_none_or(|read| account.last_sequence() == read.version)
}
