//! The payment password's rung and its counter of wrong tries; verifying it for a payment, and
//! changing it (R42, R43, R69, D7).

use crate::Malformed;
use crate::account::Account;
use crate::decline::Evidence;
use crate::event::{
    Funding, PasswordChanged, PasswordEffect, PasswordUnlocked, PasswordVerified, PasswordVerifier,
    TokenMinted,
};
use crate::money::Amount;
use crate::period::Timestamp;
use crate::policy::{PasswordRule, Policy};
use crate::refusal::{PasswordRefusal, Refused};

/// Takes six digits (R43).
pub fn check_shape(password: &str) -> Result<(), Malformed> {
    let six_digits = password.len() == 6 && password.bytes().all(|byte| byte.is_ascii_digit());
    if six_digits {
        Ok(())
    } else {
        Err(Malformed::new("must be six digits"))
    }
}

/// How a try of the password ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    /// It was right.
    Matched,
    /// It was wrong, and counted: so many tries of so many.
    Wrong(Evidence),
    /// It was not looked at: locked until then.
    Locked(Timestamp),
}

/// Spends a try: what it does to the counter must become durable with the answer (D7).
pub(super) fn spend_try(
    account: &Account,
    matches: bool,
    rule: PasswordRule,
    now: Timestamp,
) -> (Try, PasswordEffect) {
    if let Some(until) = account.password_locked_until(now) {
        return (Try::Locked(until), PasswordEffect::Untouched);
    }
    if matches {
        return (Try::Matched, PasswordEffect::Matched);
    }
    let (evidence, effect) = wrong_try(account.wrong_passwords(now), rule, now);
    (Try::Wrong(evidence), effect)
}

/// Counts one more wrong try, which may be the one that locks.
pub(super) fn wrong_try(
    so_far: u8,
    rule: PasswordRule,
    now: Timestamp,
) -> (Evidence, PasswordEffect) {
    let tries = so_far.saturating_add(1);
    let locked_until = (tries >= rule.tries).then(|| now.plus_seconds(rule.lock_seconds));
    (
        Evidence::Count {
            observed: u32::from(tries),
            required: u32::from(rule.tries),
        },
        PasswordEffect::Wrong {
            tries,
            locked_until,
        },
    )
}

/// By which names a call tells of the password.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reasons<R> {
    /// It is locked.
    pub(super) locked: R,
    /// It is wrong.
    pub(super) wrong: R,
}

/// The password's rung of any call but `Authorise`.
pub(super) fn check<R>(
    account: &Account,
    matches: bool,
    policy: &Policy,
    now: Timestamp,
    reasons: Reasons<R>,
) -> (Result<(), Refused<R>>, PasswordEffect) {
    let (attempt, effect) = spend_try(account, matches, policy.password, now);
    let outcome = match attempt {
        Try::Matched => Ok(()),
        Try::Wrong(evidence) => Err(Refused {
            reason: reasons.wrong,
            evidence,
        }),
        Try::Locked(until) => Err(Refused {
            reason: reasons.locked,
            evidence: Evidence::Until(until),
        }),
    };
    (outcome, effect)
}

/// A payment for which a password is verified ahead.
#[derive(Debug, Clone, Copy)]
pub struct Intent {
    /// What it will be paid from.
    pub funding: Funding,
    /// Its principal.
    pub amount: Amount,
    /// Random; the token follows from it.
    pub nonce: u64,
}

/// Decides `VerifyPassword`: a right password is worth a token for one payment.
pub fn verify(
    account: &Account,
    intent: Intent,
    matches: bool,
    policy: &Policy,
    now: Timestamp,
) -> PasswordVerified {
    let (checked, password) = check_wallet(account, matches, policy, now);
    PasswordVerified {
        funding: intent.funding,
        amount: intent.amount,
        password,
        outcome: checked.map(|()| TokenMinted {
            nonce: intent.nonce,
            expires_at: now.plus_seconds(policy.password.token_seconds),
        }),
    }
}

/// What `ChangePassword` was given.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The old password is the account's.
    pub matches: bool,
    /// The two new ones are the same.
    pub agree: bool,
    /// The new one as it would be kept.
    pub offered: PasswordVerifier,
}

/// Decides `ChangePassword` (R45): with the old one, and the new one twice.
pub fn change(
    account: &Account,
    change: Change,
    policy: &Policy,
    now: Timestamp,
) -> PasswordChanged {
    let (checked, password) = check_wallet(account, change.matches, policy, now);
    let outcome = checked.and_then(|()| {
        if change.agree {
            Ok(change.offered)
        } else {
            Err(Refused::because(PasswordRefusal::PasswordsDiffer))
        }
    });
    PasswordChanged { password, outcome }
}

fn check_wallet(
    account: &Account,
    matches: bool,
    policy: &Policy,
    now: Timestamp,
) -> (Result<(), Refused<PasswordRefusal>>, PasswordEffect) {
    if account.password().is_none() {
        let refused = Refused::because(PasswordRefusal::WalletNotVerified);
        return (Err(refused), PasswordEffect::Untouched);
    }
    let reasons = Reasons {
        locked: PasswordRefusal::PasswordLocked,
        wrong: PasswordRefusal::PasswordWrong,
    };
    check(account, matches, policy, now, reasons)
}

/// Unlocks a password at an operator's word (D7).
pub fn unlock(account: &Account, now: Timestamp) -> PasswordUnlocked {
    PasswordUnlocked {
        was_locked: account.password_locked_until(now).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r43_a_password_is_six_digits() {
        for (password, accepted) in [
            ("123456", true),
            ("000000", true),
            ("12345", false),
            ("1234567", false),
            ("12345a", false),
            ("１２", false),
            ("", false),
        ] {
            assert_eq!(check_shape(password).is_ok(), accepted, "{password}");
        }
    }
}
