//! What a payment with one card would meet, without spending anything (R62, D32).

use super::authorise::Facts;
use super::ladder::Climb;
use crate::account::Account;
use crate::decline::Decline;
use crate::event::{Funding, Scene};
use crate::fee::fee_from;
use crate::money::{Amount, Fen};
use crate::period::Timestamp;
use crate::policy::Policy;

/// What is to be quoted: a payment as far as a card or the balance can make it.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// What it would be paid from.
    pub funding: Funding,
    /// Principal.
    pub amount: Amount,
    /// What it is for.
    pub scene: Scene,
}

/// The fee if the payment could be made, else what it would be declined with. The ladder of
/// `Authorise` without what costs a try: the password is right, and the issuer willing.
pub fn decide(
    account: &Account,
    offer: Offer,
    facts: &Facts<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Fen, Decline> {
    let Offer {
        funding,
        amount,
        scene,
    } = offer;
    let mut witness = ();
    let mut climb = Climb::new(account, policy, now, &mut witness);
    climb.begin(facts.reversed_ahead, facts.rolled_out)?;
    climb.wallet(facts.client)?;
    climb.unlocked()?;
    climb.review()?;
    climb.card(funding)?;
    climb.scene(funding, scene)?;
    climb.merchant(facts.merchant, funding, scene)?;
    climb.risk_and_quote(facts.risk, facts.quote, funding)?;
    climb.money(funding, amount)?;
    Ok(fee_from(funding, amount, &policy.fee)) // R71, D12
}
