//! The order of the ladder of `Unbind` is a promise (RULES C1b): of all that is wrong with a
//! request, the answer names the first.

use super::testing::wallet::{Wallet, token, verifier};
use super::unbind;
use crate::event::{PasswordEffect, WalletRegion};
use crate::refusal::UnbindRefusal;

/// The answer to an unbind with which all of that is wrong, and what it did to the counter.
fn unbind(wrong: &[UnbindRefusal]) -> (Option<UnbindRefusal>, PasswordEffect) {
    let is = |reason| wrong.contains(&reason);
    let mut wallet = if is(UnbindRefusal::WalletNotVerified) {
        Wallet::open(WalletRegion::Mainland)
    } else {
        Wallet::verified()
    };
    if is(UnbindRefusal::PasswordLocked) {
        wallet.password_locked();
    }
    let given = if is(UnbindRefusal::PasswordWrong) {
        2
    } else {
        1
    };
    let card = if is(UnbindRefusal::CardNotBound) {
        9
    } else {
        1
    };
    let matches = wallet.account.password() == Some(&verifier(given));
    let (outcome, effect) = unbind::decide(
        &wallet.account,
        token(card),
        matches,
        &wallet.policy,
        wallet.now,
    );
    (outcome.err().map(|refused| refused.reason), effect)
}

/// R48: unbinding needs the payment password. All sixteen ways of being wrong.
#[test]
fn r48_d7_of_all_that_is_wrong_with_an_unbind_the_first_is_named() {
    for ways in 0_u8..16 {
        let wrong: Vec<_> = UnbindRefusal::ALL
            .iter()
            .enumerate()
            .filter(|(place, _)| ways & (1 << place) != 0)
            .map(|(_, &reason)| reason)
            .collect();
        let (refused, effect) = unbind(&wrong);
        assert_eq!(refused, wrong.first().copied(), "{wrong:?}");
        let expected = match refused {
            None | Some(UnbindRefusal::CardNotBound) => PasswordEffect::Matched,
            Some(UnbindRefusal::WalletNotVerified | UnbindRefusal::PasswordLocked) => {
                PasswordEffect::Untouched
            }
            Some(UnbindRefusal::PasswordWrong) => PasswordEffect::Wrong {
                tries: 1,
                locked_until: None,
            },
        };
        assert_eq!(effect, expected, "{wrong:?}");
    }
}
