//! Verifying, changing and unlocking the payment password, and the tokens that stand for it, as
//! tables (R42, R45, R69, D7).

use super::password::{self, Change, Intent};
use super::testing::script::{check, check_from};
use super::testing::wallet::{Wallet, amount, token, verifier};
use crate::event::{Funding, PasswordEffect, WalletRegion};
use crate::refusal::PasswordRefusal as Reason;

/// What is said of both calls with which all of that is wrong, and what each did to the counter.
fn answers(wrong: &[Reason]) -> [(Option<Reason>, PasswordEffect); 2] {
    let is = |reason| wrong.contains(&reason);
    let mut wallet = if is(Reason::WalletNotVerified) {
        Wallet::open(WalletRegion::Mainland)
    } else {
        Wallet::verified()
    };
    if is(Reason::PasswordLocked) {
        wallet.password_locked();
    }
    let matches = !is(Reason::PasswordWrong);
    let change = Change {
        matches,
        agree: !is(Reason::PasswordsDiffer),
        offered: verifier(2),
    };
    let intent = Intent {
        funding: Funding::Card(token(1)),
        amount: amount("5.00"),
        nonce: 1,
    };
    let changed = password::change(&wallet.account, change, &wallet.policy, wallet.now);
    let verified = password::verify(&wallet.account, intent, matches, &wallet.policy, wallet.now);
    [
        (
            changed.outcome.err().map(|refused| refused.reason),
            changed.password,
        ),
        (
            verified.outcome.err().map(|refused| refused.reason),
            verified.password,
        ),
    ]
}

/// D7: all sixteen ways of being wrong, in the published order (C1b). A verification has no new
/// password, so the last rung is none of its.
#[test]
fn c1b_d7_of_all_that_is_wrong_with_a_password_the_first_is_named() {
    for ways in 0_u8..16 {
        let wrong: Vec<_> = Reason::ALL
            .iter()
            .enumerate()
            .filter(|(place, _)| ways & (1 << place) != 0)
            .map(|(_, &reason)| reason)
            .collect();
        let [changed, verified] = answers(&wrong);
        assert_eq!(changed.0, wrong.first().copied(), "{wrong:?}");
        let of_verify = |reason: &Reason| *reason != Reason::PasswordsDiffer;
        assert_eq!(
            verified.0,
            wrong.first().copied().filter(of_verify),
            "{wrong:?}"
        );
        for (refused, effect) in [changed, verified] {
            let expected = match refused {
                None | Some(Reason::PasswordsDiffer) => PasswordEffect::Matched,
                Some(Reason::WalletNotVerified | Reason::PasswordLocked) => {
                    PasswordEffect::Untouched
                }
                Some(Reason::PasswordWrong) => PasswordEffect::Wrong {
                    tries: 1,
                    locked_until: None,
                },
            };
            assert_eq!(effect, expected, "{wrong:?}");
        }
    }
}

/// R29: nothing of a password is there before the first card.
#[test]
fn r29_r45_a_wallet_without_a_password_verifies_and_changes_none() {
    check(
        "verify 5.00 => WALLET_NOT_VERIFIED
         change => WALLET_NOT_VERIFIED
         unlock => was locked false
         look => password 0, tokens 0",
    );
}

/// R42: a token stands for the password, once.
#[test]
fn r42_a_token_pays_once() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         verify 5.00 token 1 => verified, until 2024-01-10 12:05:00
         look => tokens 1
         pay 5.00 token 1 => approved, month 5.00
         pay 5.00 token 1 => PAYMENT_TOKEN_USED, retry FixData, layer Wallet
         pay 5.00 token none => PAYMENT_TOKEN_INVALID, retry FixData, layer Wallet
         look => month 5.00, wrong passwords 0",
    );
}

#[test]
fn r42_a_token_serves_until_its_instant_and_is_forgotten_ten_minutes_later() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         verify 5.00 token 1 => verified
         verify 5.00 token 2 => verified
         at 2024-01-10 12:04:59.999
         pay 5.00 token 1 => approved
         at 2024-01-10 12:05:00
         pay 5.00 token 2 => PAYMENT_TOKEN_EXPIRED, retry FixData
         pay 5.00 token 1 => PAYMENT_TOKEN_EXPIRED
         at 2024-01-10 12:14:59.999
         pay 5.00 token 2 => PAYMENT_TOKEN_EXPIRED
         look => tokens 2
         at 2024-01-10 12:15:00
         pay 5.00 token 2 => PAYMENT_TOKEN_EXPIRED
         look => tokens 0
         pay 5.00 token 2 => PAYMENT_TOKEN_EXPIRED",
    );
}

/// D7: it is spent as a phone code is, whatever a later rung or the issuer says.
#[test]
fn d7_a_token_is_spent_by_a_payment_that_a_later_rung_declines() {
    check_from(
        Wallet::verified(),
        "verify 6000.01 token 1 => verified
         pay 6000.01 token 1 => LIMIT_SINGLE
         pay 6000.00 token 1 => PAYMENT_TOKEN_USED
         verify 5.00 token 2 => verified
         pay 5.00 token 2 issuer lost_card => ISSUER_LOST_CARD
         pay 5.00 token 2 => PAYMENT_TOKEN_USED
         verify 5.00 token 3 => verified
         hold 5.00 token 3 => held
         pay 5.00 token 3 => PAYMENT_TOKEN_USED
         answer issuer unavailable => ISSUER_UNAVAILABLE
         pay 5.00 token 3 => PAYMENT_TOKEN_USED",
    );
}

/// A rung before it leaves a token whole.
#[test]
fn d7_d19_a_token_outlives_a_payment_that_an_earlier_rung_declines() {
    check_from(
        Wallet::verified(),
        "verify 5.00 token 1 => verified
         switch region hong_kong
         pay 5.00 token 1 => WALLET_REGION
         switch region mainland
         pay 5.00 token 1 => approved",
    );
}

#[test]
fn d7_nothing_pays_with_a_token_while_the_password_is_locked() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         verify 5.00 token 1 => verified
         verify 5.00 token 2 password 2 times 5 => PASSWORD_WRONG
         pay 5.00 token 1 => PASSWORD_LOCKED, until 2024-01-10 12:30:00, retry Later
         pay 5.00 token none => PASSWORD_LOCKED
         verify 5.00 token 2 => PASSWORD_LOCKED, until 2024-01-10 12:30:00
         unlock => was locked true
         pay 5.00 token 1 => approved",
    );
}

/// D7: a payment with a token is no try of the password, right or wrong.
#[test]
fn d7_a_token_leaves_the_counter_as_it_is() {
    check_from(
        Wallet::verified(),
        "verify 5.00 token 1 => verified
         pay 5.00 password 2 times 4 => PASSWORD_WRONG
         pay 5.00 token none => PAYMENT_TOKEN_INVALID
         pay 5.00 token 1 => approved
         look => wrong passwords 4",
    );
}

#[test]
fn a_seventeenth_token_takes_the_place_of_the_oldest() {
    let seventeen: Vec<String> = (1..=17)
        .map(|token| format!("verify 5.00 token {token} => verified"))
        .collect();
    let seventeen = seventeen.join("\n");
    check_from(
        Wallet::verified(),
        &format!(
            "{seventeen}
             look => tokens 16
             pay 5.00 token 1 => PAYMENT_TOKEN_EXPIRED
             pay 5.00 token 2 => approved
             pay 5.00 token 17 => approved"
        ),
    );
}

/// R45: with the old one, and the new one twice.
#[test]
fn r45_a_changed_password_is_the_only_one_from_then_on() {
    check_from(
        Wallet::verified(),
        "change password 3 new 2 => PASSWORD_WRONG, 1 of 5
         change password 1 new 2 again 3 => PASSWORDS_DIFFER
         look => password 1, wrong passwords 0
         change password 1 new 2 => changed
         look => password 2
         pay 1.00 password 1 => PASSWORD_WRONG
         pay 1.00 password 2 => approved
         change password 2 new 2 => changed
         pay 1.00 password 2 => approved",
    );
}

/// R57: who has seen the old password has nothing left that stands for it.
#[test]
fn r45_r57_a_change_ends_tokens_and_payment_codes() {
    check_from(
        Wallet::verified(),
        "verify 5.00 token 1 => verified
         show barcode 1 => shown
         change new 2 => changed
         look => tokens 0, barcodes 0
         pay 5.00 token 1 => PAYMENT_TOKEN_EXPIRED
         scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
         verify 5.00 token 2 password 2 => verified
         pay 5.00 token 2 => approved",
    );
}

#[test]
fn r45_a_change_that_is_refused_ends_nothing() {
    check_from(
        Wallet::verified(),
        "verify 5.00 token 1 => verified
         show barcode 1 => shown
         change password 3 => PASSWORD_WRONG
         change again 3 => PASSWORDS_DIFFER
         look => tokens 1, barcodes 1
         pay 5.00 token 1 => approved
         scan 5.00 barcode 1 => approved",
    );
}

/// D7: verify, change, unbind, pay and payment code count in one counter, and each of them is
/// locked by the others.
#[test]
fn r69_d7_five_wrong_tries_of_any_call_lock_all_of_them() {
    let calls = [
        "verify 5.00",
        "change new 3",
        "unbind",
        "pay 5.00",
        "show barcode 1",
    ];
    for first in 0..calls.len() {
        let wrong: Vec<String> = (0..5)
            .map(|count| {
                let call = calls[(first + count) % calls.len()];
                format!("{call} password 2 => PASSWORD_WRONG, {} of 5", count + 1)
            })
            .collect();
        let locked: Vec<String> = calls
            .iter()
            .map(|call| format!("{call} => PASSWORD_LOCKED, until 2024-01-10 12:30:00"))
            .collect();
        check_from(
            Wallet::verified(),
            &format!(
                "at 2024-01-10 12:00
                 {}
                 {}
                 at 2024-01-10 12:29:59.999
                 verify 5.00 => PASSWORD_LOCKED
                 at 2024-01-10 12:30
                 verify 5.00 => verified
                 look => wrong passwords 0",
                wrong.join("\n"),
                locked.join("\n")
            ),
        );
    }
}

/// D7: unlocked by an operator.
#[test]
fn d7_an_operator_unlocks_at_once_and_the_counter_begins_anew() {
    check_from(
        Wallet::verified(),
        "pay 1.00 password 2 times 5 => PASSWORD_WRONG
         pay 1.00 => PASSWORD_LOCKED
         unlock => was locked true
         look => wrong passwords 0
         pay 1.00 password 2 times 4 => PASSWORD_WRONG
         pay 1.00 => approved
         unlock => was locked false",
    );
}
