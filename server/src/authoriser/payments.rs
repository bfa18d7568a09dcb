//! Payments, quotes and reversals.

use waika_domain::account::Account;
use waika_domain::card::BoundCard;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{ApprovalCode, Event, Payment, ReversalDecided};
use waika_domain::identifiers::{AccountId, CardToken};
use waika_domain::merchant::Merchant;
use waika_domain::period::Timestamp;
use waika_domain::risk::RiskReason;
use waika_domain::rules;
use waika_domain::rules::authorise::{Decision, Facts, Quote, decide, resolve};
use waika_domain::rules::quote::Offer;

use super::{Authoriser, Outcome, Passage, Taken};
use crate::ledger::{
    AuthoriseOperation, Call, LedgerError, OriginalFound, QuoteAsked, Quoted, QuotedCard,
    ReverseOperation,
};
use crate::quote_token::QuoteTerms;

/// Payments of one account that may be reversed before they come: they are never forgotten.
const MOST_REVERSED_AHEAD: usize = 10_000;

impl Authoriser {
    /// Decides a payment. The sandbox issuer answers at once, so one event holds reservation
    /// and answer; the lock is never held across a hop.
    pub(crate) fn authorise(&self, passage: Passage<'_>, asked: &AuthoriseOperation) -> Outcome {
        let merchant = asked
            .payment
            .merchant
            .as_ref()
            .and_then(|id| self.merchants.find(id));
        self.existing(passage, |account, now| {
            let payment = asked.payment.clone();
            let Call { caller, key, .. } = passage.call;
            let facts = Facts {
                client: asked.client,
                password_matches: self.password_matches(passage.account, account, &asked.password),
                reversed_ahead: account.is_reversed_ahead(caller, key), // D31
                quote: self.quote_given(passage.account, asked, now),
                ..self.facts(passage.account, account, payment.card, merchant.as_deref())
            };
            Ok(match decide(account, payment, &facts, &self.policy, now) {
                Decision::Decline(declined) => Event::Declined(declined),
                Decision::Reserve(reservation) => {
                    let answer = self.ask_issuer(account, &reservation.payment, passage.call);
                    resolve(*reservation, None, answer)
                }
            })
        })
    }

    /// What a payment would cost and which cards could make it (R62). Changes nothing.
    pub(crate) fn quote(
        &self,
        id: &AccountId,
        account: &Account,
        asked: &QuoteAsked,
        now: Timestamp,
    ) -> Quoted {
        let merchant = asked
            .merchant
            .as_ref()
            .and_then(|id| self.merchants.find(id));
        let expires_at = now.plus_seconds(self.policy.quote_seconds); // D32
        let quoted = |card: &BoundCard| {
            let offer = Offer {
                card: card.token,
                amount: asked.amount,
                scene: asked.scene,
            };
            let facts = Facts {
                client: asked.client,
                ..self.facts(id, account, card.token, merchant.as_deref())
            };
            let fee = rules::quote::decide(account, offer, &facts, &self.policy, now);
            let token = fee.map(|fee| {
                let terms = QuoteTerms {
                    account: id,
                    card: card.token,
                    merchant: asked.merchant.as_ref(),
                    amount: asked.amount,
                    scene: asked.scene,
                    fee,
                    policy: &self.policy.name,
                };
                self.vault.quote_token(&terms, expires_at)
            });
            QuotedCard {
                card: card.clone(),
                token,
            }
        };
        Quoted {
            fee: waika_domain::fee::fee(asked.amount, &self.policy.fee),
            cards: account.cards().iter().map(quoted).collect(),
            policy: self.policy.name.clone(),
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
            OriginalFound::NotYet { name, .. } => self.take(passage, account, |account, _| {
                if account.reversed_ahead() >= MOST_REVERSED_AHEAD {
                    return Err(LedgerError::AheadFull);
                }
                Ok(Event::ReversedAhead(Box::new(name.clone()))) // D31
            }),
            OriginalFound::Decided { sequence, original } => {
                self.take(passage, account, |account, now| {
                    let so_far = self.adjusted.given_back(*sequence).given_back;
                    let usage = account.usage();
                    let original = original.as_ref();
                    let outcome =
                        rules::reverse::decide(original, so_far, asked.amount, usage, now);
                    Ok(Event::ReversalDecided(Box::new(ReversalDecided {
                        original: *sequence,
                        outcome,
                    })))
                })
            }
            OriginalFound::KeyKnown => Ok(match self.idempotency.find(passage.slot) {
                Some(place) => Taken::Known(place),
                None => Taken::LookAgain,
            }),
        };
        let run = self.accounts.with_account(passage.account, run);
        run.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// The risk for which payments with a card are declined now.
    pub(crate) fn risk_of(&self, account: &Account, card: &BoundCard) -> Option<RiskReason> {
        let identity = account.identity()?.fingerprint;
        rules::risk::of_card(account, card, |after| {
            self.bound_cards
                .is_shared(card.fingerprint, identity, after)
        })
    }

    /// What is true of a payment with a card, as far as account and merchant say.
    fn facts<'a>(
        &self,
        id: &AccountId,
        account: &Account,
        card: CardToken,
        merchant: Option<&'a Merchant>,
    ) -> Facts<'a> {
        let card = account.card(card);
        Facts {
            rolled_out: self.policy.is_rolled_out_to(id.as_str()),
            client: None,
            password_matches: true,
            merchant,
            risk: card.and_then(|card| self.risk_of(account, card)),
            reversed_ahead: false,
            quote: Quote::Absent,
        }
    }

    /// What the quote token that came with a payment says about it (D32).
    fn quote_given(&self, id: &AccountId, asked: &AuthoriseOperation, now: Timestamp) -> Quote {
        let Some(token) = &asked.quote else {
            return Quote::Absent;
        };
        let payment = &asked.payment;
        let terms = QuoteTerms {
            account: id,
            card: payment.card,
            merchant: payment.merchant.as_ref(),
            amount: payment.amount,
            scene: payment.scene,
            fee: waika_domain::fee::fee(payment.amount, &self.policy.fee),
            policy: &self.policy.name,
        };
        token.compare(&self.vault, &terms, now)
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
}
