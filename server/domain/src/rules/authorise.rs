//! The ladder of `Authorise` (RULES C1).
//!
//! Each rung tests one thing and returns one named reason; the first that applies is the
//! answer, and their order is a promise to callers. Malformed requests, used keys and unknown
//! accounts never come here. Rungs whose facts do not exist yet (payment tokens, payment codes,
//! the balance) have their reasons in [`DeclineReason`](Reason), in their place.

use super::password::{Try, spend_try};
use super::refuse_if;
use crate::account::Account;
use crate::decline::{AmountOverLimit, Decline, DeclineReason as Reason, Evidence, IssuerRefusal};
use crate::event::{
    ApprovalCode, Declined, Event, PasswordEffect, Payment, Posted, Reservation, Review, Scene,
    Voided, WalletRegion, Windows,
};
use crate::fee::fee;
use crate::identifiers::CardToken;
use crate::merchant::{Merchant, MerchantRegion};
use crate::money::{Amount, Fen};
use crate::period::Timestamp;
use crate::policy::{PassportReview, Policy};
use crate::risk::RiskReason;
use crate::usage::Usage;
use crate::version::Client;

/// What is true of a request beyond the account: looked up before the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The feature is rolled out to this wallet (D21).
    pub rolled_out: bool,
    /// The payer's app; None for a server-side caller (D20).
    pub client: Option<Client>,
    /// The password given is the account's.
    pub password_matches: bool,
    /// The merchant of that id, if there is one.
    pub merchant: Option<&'a Merchant>,
    /// The risk of the card that was named, if there is one (D9).
    pub risk: Option<RiskReason>,
    /// A reversal for this key came before (D31).
    pub reversed_ahead: bool,
    /// What the quote token that was given says.
    pub quote: Quote,
}

/// What a quote token says about the payment it came with (D32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// None was given.
    Absent,
    /// It is for this payment, and in time.
    Holds,
    /// It is too old.
    Expired,
    /// It is for something else.
    Differs,
}

/// What the ladder says before the issuer is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// No, and why.
    Decline(Box<Declined>),
    /// Yes, if the issuer agrees.
    Reserve(Box<Reservation>),
}

/// Decides one payment as far as the issuer. Pure, total, and without effect: the effect is
/// the event that [`Decision`] becomes.
pub fn decide(
    account: &Account,
    payment: Payment,
    facts: &Facts<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let usage = account.usage().at(now);
    let (climbed, password) = climb(account, &payment, facts, policy, now);
    let climbed = climbed.and_then(|()| check_limits(usage, payment.amount, policy));
    if let Err(decline) = climbed {
        let policy = policy.name.clone();
        return Decision::Decline(Box::new(Declined {
            payment,
            decline,
            password,
            policy,
        }));
    }

    // From here on nothing can fail: the reservation holds its place in both windows.
    let after = usage.counting(usage.month, usage.year, payment.amount);
    Decision::Reserve(Box::new(Reservation {
        fee: fee(payment.amount, &policy.fee),
        month: usage.month,
        year: usage.year,
        windows: Windows {
            month_limit: policy.limits.month,
            month_used: after.in_month,
            year_limit: policy.limits.year,
            year_used: after.in_year,
        },
        password,
        policy: policy.name.clone(),
        payment,
    }))
}

/// Ends a reservation with the issuer's answer. `reserved_by` is the sequence of its `Reserved`
/// event, or None where the issuer answered before the account was let go, so that one event
/// holds both.
pub fn resolve(
    reservation: Reservation,
    reserved_by: Option<u64>,
    answer: Result<ApprovalCode, IssuerRefusal>,
) -> Event {
    match (answer, reserved_by) {
        (Ok(approval_code), reserved_by) => Event::Posted(Box::new(Posted {
            reserved_by,
            reservation,
            approval_code,
        })),
        (Err(refusal), Some(reserved_by)) => {
            let decline = Decline::because(refusal.into());
            Event::Voided(Box::new(Voided {
                reserved_by,
                reservation,
                decline,
            }))
        }
        (Err(refusal), None) => Event::Declined(Box::new(Declined {
            payment: reservation.payment,
            decline: Decline::because(refusal.into()),
            password: reservation.password,
            policy: reservation.policy,
        })),
    }
}

/// Rungs 3 to 16, and what they did to the password's counter.
fn climb(
    account: &Account,
    payment: &Payment,
    facts: &Facts<'_>,
    policy: &Policy,
    now: Timestamp,
) -> (Result<(), Decline>, PasswordEffect) {
    if let Err(decline) = check_wallet(account, facts, policy, now) {
        return (Err(decline), PasswordEffect::Untouched);
    }
    let (attempt, effect) = spend_try(account, facts.password_matches, policy.password, now);
    let climbed = check_password(attempt)
        .and_then(|()| check_review(account.review(), policy.passport_review)) // R49
        .and_then(|()| check_payment(account, payment.card, payment.scene, facts));
    (climbed, effect) // D7: it is spent whatever a later rung says.
}

/// Rungs 3 to 8.
pub(super) fn check_wallet(
    account: &Account,
    facts: &Facts<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Decline> {
    let because = |reason| move || Decline::because(reason);
    refuse_if(facts.reversed_ahead, because(Reason::ReversedBeforeArrival))?; // D31
    refuse_if(!facts.rolled_out, because(Reason::NotRolledOut))?; // R3
    refuse_if(
        account.region() != WalletRegion::Mainland,
        because(Reason::WalletRegion),
    )?; // R30
    check_client(facts.client, policy)?; // R7
    let Some(identity) = account.identity() else {
        return Err(Decline::because(Reason::WalletNotVerified)); // R29
    };
    refuse_if(identity.is_out_of_date(now), || Decline {
        reason: Reason::IdentityExpired, // R5
        evidence: Evidence::Date {
            observed: identity.expires_on,
            required: now.day(),
        },
    })
}

fn check_client(client: Option<Client>, policy: &Policy) -> Result<(), Decline> {
    let Some(client) = client else { return Ok(()) };
    let required = policy.client.oldest_accepted(client.channel);
    refuse_if(client.version < required, || Decline {
        reason: Reason::ClientTooOld,
        evidence: Evidence::Version {
            observed: client.version,
            required,
        },
    })
}

/// Rung 9.
fn check_password(attempt: Try) -> Result<(), Decline> {
    match attempt {
        Try::Matched => Ok(()),
        Try::Wrong(evidence) => Err(Decline {
            reason: Reason::PasswordWrong, // R69
            evidence,
        }),
        Try::Locked(until) => Err(Decline {
            reason: Reason::PasswordLocked, // D7
            evidence: Evidence::Until(until),
        }),
    }
}

/// Rung 10: a passport holder pays once the review is approved, or until it is rejected (R49, D5).
pub(super) fn check_review(review: Review, rule: PassportReview) -> Result<(), Decline> {
    match (review, rule) {
        (Review::NotRequired | Review::Approved, _)
        | (Review::Required, PassportReview::Deferred) => Ok(()),
        (Review::Required, PassportReview::BeforePayment) => {
            Err(Decline::because(Reason::ReviewRequired))
        }
        (Review::Rejected, _) => Err(Decline::because(Reason::ReviewRejected)),
    }
}

/// Rungs 11 to 16.
pub(super) fn check_payment(
    account: &Account,
    card: CardToken,
    scene: Scene,
    facts: &Facts<'_>,
) -> Result<(), Decline> {
    let because = |reason| move || Decline::because(reason);
    let is_bound = account.card(card).is_some();
    refuse_if(!is_bound, because(Reason::CardNotBound))?;
    refuse_if(scene != Scene::Purchase, because(Reason::SceneNotPermitted))?; // R72
    check_merchant(facts.merchant)?; // R60, R61
    if let Some(risk) = facts.risk {
        return Err(Decline::because(risk.decline_reason())); // R67
    }
    match facts.quote {
        Quote::Absent | Quote::Holds => Ok(()),
        Quote::Expired => Err(Decline::because(Reason::QuoteExpired)), // D32
        Quote::Differs => Err(Decline::because(Reason::QuoteMismatch)), // D32
    }
}

fn check_merchant(merchant: Option<&Merchant>) -> Result<(), Decline> {
    let Some(merchant) = merchant else {
        return Err(Decline::because(Reason::MerchantUnknown)); // D11
    };
    let overseas = merchant.region == MerchantRegion::Overseas;
    refuse_if(overseas, || Decline::because(Reason::MerchantOverseas))?; // R61
    refuse_if(!merchant.international_cards, || {
        Decline::because(Reason::MerchantNotEnabled)
    }) // R60
}

/// Rungs 17 to 19: exactly a limit is allowed, one fen more is not (C2). Limits count the
/// principal (D3), over all cards of the account (D2).
pub(super) fn check_limits(usage: Usage, amount: Amount, policy: &Policy) -> Result<(), Decline> {
    let limits = &policy.limits;
    let amount = amount.fen();
    let check = |reason, used: Fen, limit: Fen, resets_at| {
        let observed = used.plus(amount);
        refuse_if(observed > limit, || Decline {
            reason,
            evidence: Evidence::Amount(AmountOverLimit {
                observed,
                limit,
                remaining: limit.minus(used),
                largest_approvable: usage.largest_approvable(limits),
                resets_at,
            }),
        })
    };
    check(Reason::LimitSingle, Fen::ZERO, limits.single, None)?; // R63
    // Next month is no help to a payment that the year's limit would stop then.
    let passes_next_month = usage.in_year.plus(amount) <= limits.year;
    let (month_end, year_end) = (usage.month.end(), usage.year.end());
    let after_month = Some(if passes_next_month {
        month_end
    } else {
        year_end
    });
    check(
        Reason::LimitMonth,
        usage.in_month,
        limits.month,
        after_month,
    )?; // R64
    check(
        Reason::LimitYear,
        usage.in_year,
        limits.year,
        Some(year_end),
    ) // R65
}

#[cfg(test)]
#[path = "authorise_tests.rs"]
mod tests;
