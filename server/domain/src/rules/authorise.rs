//! The ladder of `Authorise` (RULES C1).
//!
//! Each rung tests one thing and returns one named reason; the first that applies is the
//! answer, and their order is a promise to callers. Malformed requests, used keys and unknown
//! accounts never come here. The rungs themselves are in `ladder.rs` beside it.

use super::ladder::{Climb, Effects};
use crate::account::Account;
use crate::decline::{Decline, DeclineReason, Evidence, IssuerRefusal};
use crate::event::{
    ApprovalCode, Declined, Event, Funding, Payment, Posted, Reservation, StandIn, Voided,
    WalletRegion, Windows,
};
use crate::fee::fee_from;
use crate::identifiers::CodeDigest;
use crate::merchant::Merchant;
use crate::period::Timestamp;
use crate::policy::Policy;
use crate::receipt::{Receipt, Rung, Witness};
use crate::risk::RiskReason;
use crate::rules::settlement::settles_at;
use crate::version::Client;

/// What is true of a request beyond the account: looked up before the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The feature is rolled out to this wallet (D21).
    pub rolled_out: bool,
    /// The payer's app; None for a server-side caller (D20).
    pub client: Option<Client>,
    /// What proves that the payer is who pays.
    pub credential: Credential,
    /// The merchant of that id, if there is one.
    pub merchant: Option<&'a Merchant>,
    /// The risk of the card that was named, if there is one (D9).
    pub risk: Option<RiskReason>,
    /// A reversal for this key came before (D31).
    pub reversed_ahead: bool,
    /// What the quote token that was given says.
    pub quote: Quote,
}

/// What proves that the payer is who pays (R42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The payment password.
    Password {
        /// It is the account's.
        matches: bool,
    },
    /// A payment token, named by its nonce; None for one that is not ours, or not for this payment.
    Token(Option<u64>),
    /// A payment code, by which funding and account were found (D10); None for one that is not ours.
    Code(Option<CodeDigest>),
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

/// What the ladder says before the issuer is asked. An approval, which is the rule, stands in no
/// box: the ladder allocates nothing for it (benches/ladder.rs counts).
#[expect(
    clippy::large_enum_variant,
    reason = "an approval is the rule, and a box for it an allocation"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// No, and why.
    Decline(Box<Declined>),
    /// Yes, if the issuer agrees.
    Reserve(Reservation),
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
    let mut nobody = ();
    let mut climber = Climb::new(account, policy, now, &mut nobody);
    let (outcome, effects) = climb(&payment, facts, &mut climber);
    match outcome {
        Err(decline) => Decision::Decline(Box::new(declined(payment, decline, effects, policy))),
        Ok(()) => Decision::Reserve(reserve(&climber, payment, effects)),
    }
}

/// The same, and every rung with what it saw: from the same evaluation.
pub fn decide_with_receipt(
    account: &Account,
    payment: Payment,
    facts: &Facts<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let mut receipt = Receipt::begun();
    let mut climber = Climb::new(account, policy, now, &mut receipt);
    let (outcome, effects) = climb(&payment, facts, &mut climber);
    if let Err(decline) = outcome {
        let mut declined = declined(payment, decline, effects, policy);
        declined.receipt = Some(Box::new(receipt.ended(Some(&decline))));
        return Decision::Decline(Box::new(declined));
    }
    let mut reservation = reserve(&climber, payment, effects);
    reservation.receipt = Some(Box::new(receipt)); // It ends with the issuer's word.
    Decision::Reserve(reservation)
}

/// Decides a payment with a code that leads to no account (D10): of its rungs only the
/// merchant's and the code's can say anything.
pub fn decide_unknown_code(
    payment: Payment,
    merchant: Option<&Merchant>,
    policy: &Policy,
) -> Declined {
    let nobody = Account::open(WalletRegion::Mainland);
    let mut receipt = Receipt::begun();
    let mut climb = Climb::new(&nobody, policy, Timestamp::default(), &mut receipt);
    let (funding, scene) = (payment.funding, payment.scene);
    let merchant = climb.merchant(merchant, funding, scene);
    let code = merchant.and_then(|()| climb.code(Credential::Code(None)));
    let invalid = Decline::because(DeclineReason::PaymentCodeInvalid);
    let decline = code.err().unwrap_or(invalid);
    let mut declined = declined(payment, decline, Effects::NONE, policy);
    declined.receipt = Some(Box::new(receipt.ended(Some(&decline))));
    declined
}

/// Rungs 3 to 20, and what the credential's did.
fn climb<W: Witness>(
    payment: &Payment,
    facts: &Facts<'_>,
    climb: &mut Climb<'_, W>,
) -> (Result<(), Decline>, Effects) {
    let begun = climb.begin(facts.reversed_ahead, facts.rolled_out);
    if let Err(decline) = begun {
        return (Err(decline), Effects::NONE);
    }
    let (climbed, mut effects) = match facts.credential {
        Credential::Code(_) => (Ok(()), Effects::NONE), // Rungs 5 to 11 were run with it (D10).
        Credential::Password { .. } | Credential::Token(_) => climb_wallet(payment, facts, climb),
    };
    let (funding, scene) = (payment.funding, payment.scene);
    let code = climbed
        .and_then(|()| climb.scene(funding, scene))
        .and_then(|()| climb.merchant(facts.merchant, funding, scene))
        .and_then(|()| climb.code(facts.credential));
    let climbed = code.and_then(|spent| {
        effects.spent = effects.spent.or(spent);
        climb.risk_and_quote(facts.risk, facts.quote, funding)?;
        climb.money(funding, payment.amount)
    });
    (climbed, effects)
}

/// Rungs 5 to 11.
fn climb_wallet<W: Witness>(
    payment: &Payment,
    facts: &Facts<'_>,
    climb: &mut Climb<'_, W>,
) -> (Result<(), Decline>, Effects) {
    if let Err(decline) = climb.wallet(facts.client) {
        return (Err(decline), Effects::NONE);
    }
    let (checked, effects) = climb.credential(facts.credential);
    let climbed = checked
        .and_then(|()| climb.review())
        .and_then(|()| climb.card(payment.funding));
    (climbed, effects) // D7: it is spent whatever a later rung says.
}

fn declined(payment: Payment, decline: Decline, effects: Effects, policy: &Policy) -> Declined {
    Declined {
        payment,
        decline,
        password: effects.password,
        spent: effects.spent,
        policy: policy.name.clone(),
        receipt: None,
    }
}

/// From here on nothing can fail: the reservation holds its place in both windows, or its part
/// of the balance.
fn reserve<W>(climbed: &Climb<'_, W>, payment: Payment, effects: Effects) -> Reservation {
    let (policy, usage, amount) = (climbed.policy, climbed.usage, payment.amount);
    let (after, balance_left) = match payment.funding {
        Funding::Card(_) | Funding::Unknown => {
            (usage.counting(usage.month, usage.year, amount), None)
        }
        // D12: no limit of cards.
        Funding::Balance => (usage, Some(climbed.account.balance().minus(amount.fen()))),
    };
    Reservation {
        fee: fee_from(payment.funding, amount, &policy.fee),
        month: usage.month,
        year: usage.year,
        windows: Windows {
            month_limit: policy.limits.month,
            month_used: after.in_month,
            year_limit: policy.limits.year,
            year_used: after.in_year,
        },
        balance_left,
        settles_at: settles_at(climbed.now, policy),
        password: effects.password,
        spent: effects.spent,
        policy: policy.name.clone(),
        receipt: None,
        transaction: None,
        payment,
    }
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
        (Ok(code), _) => Event::Posted(Box::new(post(reservation, reserved_by, code))),
        (Err(refusal), Some(reserved_by)) => void(reservation, reserved_by, refusal, false),
        (Err(refusal), None) => {
            let decline = Decline::because(refusal.into());
            let reservation = with_whole_receipt(reservation, Some(&decline));
            Event::Declined(Box::new(Declined {
                payment: reservation.payment,
                decline,
                password: reservation.password,
                spent: reservation.spent,
                policy: reservation.policy,
                receipt: reservation.receipt,
            }))
        }
    }
}

/// Ends a reservation whose issuer gave no answer in time, or none that can be believed: it has
/// declined (D16), and if it knows of the transaction it is owed the reversal, for it may have
/// approved.
pub fn unanswered(reservation: Reservation, reserved_by: u64) -> Event {
    let reversal_owed = reservation.transaction.is_some();
    let refusal = IssuerRefusal::Unavailable;
    void(reservation, reserved_by, refusal, reversal_owed)
}

/// Ends a reservation in the place of an issuer that was not reached, which the policy must allow
/// (D17). The issuer is told later.
pub fn stand_in(
    reservation: Reservation,
    reserved_by: Option<u64>,
    approval_code: ApprovalCode,
    stand_in: StandIn,
) -> Event {
    Event::Posted(Box::new(Posted {
        stand_in: Some(stand_in),
        ..post(reservation, reserved_by, approval_code)
    }))
}

fn post(reservation: Reservation, reserved_by: Option<u64>, approval_code: ApprovalCode) -> Posted {
    Posted {
        reserved_by,
        reservation: with_whole_receipt(reservation, None),
        approval_code,
        stand_in: None,
    }
}

fn void(
    reservation: Reservation,
    reserved_by: u64,
    refusal: IssuerRefusal,
    reversal_owed: bool,
) -> Event {
    let decline = Decline::because(refusal.into());
    Event::Voided(Box::new(Voided {
        reserved_by,
        reservation: with_whole_receipt(reservation, Some(&decline)),
        decline,
        reversal_owed,
    }))
}

/// The receipt, if there is one, ends with the issuer's word.
fn with_whole_receipt(mut reservation: Reservation, decline: Option<&Decline>) -> Reservation {
    if let Some(mut receipt) = reservation.receipt.take() {
        if decline.is_none() && reservation.counts() {
            receipt.passed(Rung::Issuer, || Evidence::None);
        }
        reservation.receipt = Some(Box::new(receipt.ended(decline)));
    }
    reservation
}

#[cfg(test)]
#[path = "authorise_tests.rs"]
mod tests;
