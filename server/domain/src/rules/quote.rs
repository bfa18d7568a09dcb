//! What a payment with one card would meet, without spending anything (R62, D32).

use super::authorise::{Facts, check_limits, check_payment, check_review, check_wallet};
use crate::account::Account;
use crate::decline::{Decline, DeclineReason, Evidence};
use crate::event::Scene;
use crate::fee::fee;
use crate::identifiers::CardToken;
use crate::money::{Amount, Fen};
use crate::period::Timestamp;
use crate::policy::Policy;

/// What is to be quoted: a payment as far as a card can make it.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// The card.
    pub card: CardToken,
    /// Principal.
    pub amount: Amount,
    /// What it is for.
    pub scene: Scene,
}

/// The fee if the card could make the payment, else what it would be declined with. The ladder
/// of `Authorise` without what costs a try: the password is right, and the issuer willing.
pub fn decide(
    account: &Account,
    offer: Offer,
    facts: &Facts<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Fen, Decline> {
    let Offer {
        card,
        amount,
        scene,
    } = offer;
    check_wallet(account, facts, policy, now)?;
    if let Some(until) = account.password_locked_until(now) {
        return Err(Decline {
            reason: DeclineReason::PasswordLocked, // D7
            evidence: Evidence::Until(until),
        });
    }
    check_review(account.review(), policy.passport_review)?;
    check_payment(account, card, scene, facts)?;
    check_limits(account.usage().at(now), amount, policy)?;
    Ok(fee(amount, &policy.fee)) // R71
}
