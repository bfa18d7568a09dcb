//! The ladder of `Unbind` (R48, D22).

use super::password;
use crate::account::Account;
use crate::event::{PasswordEffect, Unbound};
use crate::identifiers::CardToken;
use crate::period::Timestamp;
use crate::policy::Policy;
use crate::refusal::{Refused, UnbindRefusal as Reason};

/// Decides whether a card is let go, and what the try of the password did.
pub fn decide(
    account: &Account,
    card: CardToken,
    password_matches: bool,
    policy: &Policy,
    now: Timestamp,
) -> (Result<Unbound, Refused<Reason>>, PasswordEffect) {
    if account.identity().is_none() {
        let refused = Refused::because(Reason::WalletNotVerified);
        return (Err(refused), PasswordEffect::Untouched);
    }
    let reasons = password::Reasons {
        locked: Reason::PasswordLocked,
        wrong: Reason::PasswordWrong, // R48
    };
    let (checked, effect) = password::check(account, password_matches, policy, now, reasons); // D7
    let outcome = checked.and_then(|()| match account.card(card) {
        None => Err(Refused::because(Reason::CardNotBound)),
        // R40, D22: whatever was paid with it stays as it is.
        Some(card) => Ok(Unbound {
            card: account.fingerprints_of(card),
            bound_by: card.bound_by,
        }),
    });
    (outcome, effect)
}
