//! The end of an account, as tables (decision 0042).

use super::closing::{LEAST_KEPT_SECONDS, close, erasable_from, erase};
use super::testing::wallet::{Wallet, amount, bound_card, card_number, identity};
use crate::account::Account;
use crate::event::{
    BindReserved, Erasure, Event, FundsKind, FundsReceived, PasswordEffect, PhoneCodeEffect,
    Review, WalletRegion,
};
use crate::fingerprints::Fingerprints;
use crate::identity::DocumentType;
use crate::money::Fen;
use crate::refusal::{ClosingRefusal, ErasureRefusal};

fn with_money(wallet: &mut Wallet) {
    wallet.record(Event::FundsReceived(FundsReceived {
        kind: FundsKind::Transfer,
        amount: amount("1.00"),
        outcome: Ok(Fen::new(100)),
    }));
}

fn binding(wallet: &mut Wallet) {
    wallet.record(Event::BindReserved(Box::new(BindReserved {
        region: WalletRegion::Mainland,
        card: Fingerprints::from(card_number(2)),
        phone_code: PhoneCodeEffect::Untouched,
        password: PasswordEffect::Untouched,
        debit: None,
    })));
}

fn closed(wallet: &mut Wallet) {
    wallet.record(Event::AccountClosed(Box::new(close(&wallet.account))));
}

fn standing_in(wallet: &mut Wallet) {
    let mut parts = wallet.account.clone().into_parts();
    parts.rare.stood_in = Fen::new(1);
    wallet.account = Account::from_parts(parts);
}

#[test]
fn c1b_of_all_that_keeps_an_account_open_the_first_is_named() {
    for ways in 0_u8..8 {
        let mut wallet = Wallet::verified();
        let mut wrong = Vec::new();
        if ways & 1 != 0 {
            binding(&mut wallet);
            wrong.push(ClosingRefusal::BindUnderWay);
        }
        if ways & 2 != 0 {
            with_money(&mut wallet);
            wrong.push(ClosingRefusal::BalanceLeft);
        }
        if ways & 4 != 0 {
            standing_in(&mut wallet);
            wrong.push(ClosingRefusal::StandInOpen);
        }
        let refused = close(&wallet.account).outcome.err();
        let refused = refused.map(|refused| refused.reason);
        assert_eq!(refused, wrong.first().copied(), "{wrong:?}");
    }
    let mut wallet = Wallet::verified();
    closed(&mut wallet);
    let again = close(&wallet.account).outcome.err();
    let again = again.map(|refused| refused.reason);
    assert_eq!(again, Some(ClosingRefusal::AlreadyClosed));
}

#[test]
fn closing_takes_all_that_says_who_it_was_and_leaves_what_was_used() {
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    for number in [1, 2] {
        let card = bound_card(number, wallet.now);
        wallet.bound(card, identity(DocumentType::Passport), Review::Approved);
    }
    let before = wallet.account.clone();
    let unbound = close(&before).outcome.unwrap();
    let digests: Vec<_> = unbound.iter().map(|card| card.card.active()).collect();
    assert_eq!(digests, [card_number(1), card_number(2)]);
    assert!(unbound.iter().all(|card| card.bound_by > 0));
    closed(&mut wallet);
    let account = &wallet.account;
    assert_eq!(account.closure().unwrap().closed_at, wallet.now);
    assert_eq!(account.identity(), None);
    assert_eq!(account.password(), None);
    assert!(account.cards().is_empty() && account.also_known().is_empty());
    assert_eq!(account.phone_codes().iter().count(), 0);
    assert_eq!(account.review(), Review::NotRequired);
    assert_eq!(account.usage(), before.usage());
    assert_eq!(account.region(), before.region());
}

#[test]
fn c1b_what_keeps_personal_data_from_being_erased() {
    let kept = 10 * 24 * 3_600;
    let reason = |wallet: &Wallet, kept| {
        let begun = erase(&wallet.account, kept, wallet.now);
        begun.outcome.err().map(|refused| refused.reason)
    };
    let mut wallet = Wallet::verified();
    assert_eq!(reason(&wallet, kept), Some(ErasureRefusal::NotClosed));
    closed(&mut wallet);
    let closed_at = wallet.now;
    let too_early = Some(ErasureRefusal::RetentionNotOver);
    for (kept, after, expected) in [
        (kept, kept - 1, too_early),
        (kept, kept, None),
        (0, LEAST_KEPT_SECONDS - 1, too_early),
        (0, LEAST_KEPT_SECONDS, None),
    ] {
        wallet.now = closed_at.plus_seconds(after);
        assert_eq!(reason(&wallet, kept), expected, "{kept} {after}");
        let from = erasable_from(closed_at, kept);
        assert_eq!(wallet.now < from, expected.is_some());
    }
    let mut richer = wallet.clone();
    with_money(&mut richer);
    assert_eq!(reason(&richer, kept), too_early);
    richer.now = closed_at.plus_seconds(kept);
    assert_eq!(reason(&richer, kept), Some(ErasureRefusal::BalanceLeft));
    let begun_at = wallet.now;
    let begun = erase(&wallet.account, 0, begun_at);
    wallet.record(Event::ErasureBegun(begun));
    let erasure = |wallet: &Wallet| wallet.account.closure().unwrap().erasure;
    assert_eq!(erasure(&wallet), Erasure::Begun(begun_at));
    assert_eq!(reason(&wallet, 0), Some(ErasureRefusal::AlreadyBegun));
    wallet.record(Event::ErasureEnded);
    assert_eq!(erasure(&wallet), Erasure::Ended(begun_at));
    assert_eq!(reason(&wallet, 0), Some(ErasureRefusal::AlreadyBegun));
}
