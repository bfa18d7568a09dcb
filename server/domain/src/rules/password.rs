//! The payment password's rung, and its counter of wrong tries (R42, R43, R69, D7).

use crate::Malformed;
use crate::account::Account;
use crate::decline::Evidence;
use crate::event::PasswordEffect;
use crate::period::Timestamp;
use crate::policy::PasswordRule;

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
    let tries = account.wrong_passwords(now).saturating_add(1);
    let locked_until = (tries >= rule.tries).then(|| now.plus_seconds(rule.lock_seconds));
    (
        Try::Wrong(Evidence::Count {
            observed: u32::from(tries),
            required: u32::from(rule.tries),
        }),
        PasswordEffect::Wrong {
            tries,
            locked_until,
        },
    )
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
