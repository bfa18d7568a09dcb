//! The ladder of `CreatePaymentCode`: rungs 4 to 11 of `Authorise`, run ahead (R56, R57, D10).

use super::authorise::Credential;
use super::ladder::{Climb, Effects};
use crate::account::Account;
use crate::decline::Decline;
use crate::event::{CodeIssued, Funding, PaymentCodeDecided};
use crate::identifiers::CodeDigest;
use crate::period::Timestamp;
use crate::policy::Policy;
use crate::version::Client;

/// The code that would be issued.
#[derive(Debug, Clone, Copy)]
pub struct Offered {
    /// What payments with it are paid from.
    pub funding: Funding,
    /// The code follows from it.
    pub nonce: u64,
    /// What it is found by.
    pub digest: CodeDigest,
}

/// What is true of the request beyond the account.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The feature is rolled out to this wallet (D21).
    pub rolled_out: bool,
    /// The payer's app; None for a server-side caller (D20).
    pub client: Option<Client>,
    /// The password given is the account's.
    pub password_matches: bool,
}

/// Decides whether a code is issued.
pub fn decide(
    account: &Account,
    offered: Offered,
    facts: Facts,
    policy: &Policy,
    now: Timestamp,
) -> PaymentCodeDecided {
    let (climbed, effects) = climb(account, offered.funding, facts, policy, now);
    PaymentCodeDecided {
        funding: offered.funding,
        password: effects.password,
        outcome: climbed.map(|()| CodeIssued {
            nonce: offered.nonce,
            digest: offered.digest,
            expires_at: now.plus_seconds(policy.payment_code_seconds),
        }),
    }
}

fn climb(
    account: &Account,
    funding: Funding,
    facts: Facts,
    policy: &Policy,
    now: Timestamp,
) -> (Result<(), Decline>, Effects) {
    let mut witness = ();
    let mut climb = Climb::new(account, policy, now, &mut witness);
    let wallet = climb.begin(false, facts.rolled_out);
    if let Err(decline) = wallet.and_then(|()| climb.wallet(facts.client)) {
        return (Err(decline), Effects::NONE);
    }
    let matches = facts.password_matches;
    let (checked, effects) = climb.credential(Credential::Password { matches });
    let climbed = checked
        .and_then(|()| climb.review())
        .and_then(|()| climb.card(funding));
    (climbed, effects) // D7
}
