//! The order of the ladders of `Authorise` and `Unbind` is a promise: of all that is wrong with a
//! request, the answer names the first (RULES C1, C1b). That of `Bind` is in
//! `bind_ladder_tests.rs`.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::authorise::{Decision, Facts, Quote, decide};
use super::quote::{self, Offer};
use super::testing::wallet::{
    Wallet, amount, at, bound_card, identity, merchant, payment, payment_facts, token, verifier,
};
use super::{risk, unbind};
use crate::card::BoundCard;
use crate::decline::{Decline, DeclineReason as Reason, Evidence};
use crate::event::{Declined, Event, PasswordEffect, Payment, Review, Scene, WalletRegion};
use crate::identity::{DocumentType, Identity};
use crate::merchant::{Merchant, MerchantRegion};
use crate::period::Day;
use crate::refusal::UnbindRefusal;
use crate::version::{Channel, Client, Version};

/// The rungs that exist, in the order of C1.
const RUNGS: [Reason; 21] = [
    Reason::ReversedBeforeArrival, // D31
    Reason::NotRolledOut,          // R3, D21
    Reason::WalletRegion,          // R30, R32, D19
    Reason::ClientTooOld,          // R7
    Reason::WalletNotVerified,     // R29
    Reason::IdentityExpired,       // R5
    Reason::PasswordLocked,        // D7
    Reason::PasswordWrong,         // R42, R69
    Reason::ReviewRequired,        // R49, D5
    Reason::ReviewRejected,        // D5
    Reason::CardNotBound,
    Reason::SceneNotPermitted,  // R72
    Reason::MerchantUnknown,    // D11
    Reason::MerchantOverseas,   // R2, R61
    Reason::MerchantNotEnabled, // R60
    Reason::RiskCardShared,     // R67, D9
    Reason::RiskHolderMismatch, // R6, R67
    Reason::QuoteExpired,       // D32
    Reason::QuoteMismatch,      // D32
    Reason::LimitSingle,        // R63
    Reason::LimitMonth,         // R64
];

/// The last rung before the issuer. It stands apart: a year is full only through payments.
const LAST_RUNG: Reason = Reason::LimitYear; // R65

/// Reasons whose facts come with later steps; they keep their place in the enum.
const NOT_YET: [Reason; 8] = [
    Reason::PaymentTokenInvalid,
    Reason::PaymentTokenExpired,
    Reason::PaymentTokenUsed,
    Reason::PaymentCodeInvalid,
    Reason::PaymentCodeExpired,
    Reason::PaymentCodeUsed,
    Reason::BalanceNotPermitted,
    Reason::BalanceInsufficient,
];

fn rungs() -> Vec<Reason> {
    RUNGS.into_iter().chain([LAST_RUNG]).collect()
}

/// A wallet about which all of that is wrong. Where two reasons exclude each other the earlier
/// one is made true.
fn wallet_with(wrong: &[Reason]) -> Wallet {
    let is = |reason| wrong.contains(&reason);
    let region = if is(Reason::WalletRegion) {
        WalletRegion::HongKong
    } else {
        WalletRegion::Mainland
    };
    let mut wallet = Wallet::open(region);
    let now = wallet.now;
    if !is(Reason::WalletNotVerified) {
        let mut holder = identity(DocumentType::TaiwanTravelPermit);
        if is(Reason::IdentityExpired) {
            holder.expires_on = Day::from_number(now.day().number() - 1);
        }
        let review = if is(Reason::ReviewRequired) {
            Review::Required
        } else if is(Reason::ReviewRejected) {
            Review::Rejected
        } else {
            Review::NotRequired
        };
        let holder_matches = !is(Reason::RiskHolderMismatch);
        let card = BoundCard {
            holder_matches,
            ..bound_card(1, now)
        };
        wallet.bound(card, holder, review);
    }
    if is(Reason::PasswordLocked) {
        lock(&mut wallet);
    }
    if is(Reason::LimitYear) {
        let last_month = at("2024-01-10 12:00");
        wallet.now = at("2024-02-10 12:00");
        wallet.paid(amount("60000.00"), last_month);
        // A window that is full takes the place of one that is over.
        if is(Reason::LimitMonth) {
            wallet.paid(amount("50000.00"), wallet.now);
        }
    } else if is(Reason::LimitMonth) {
        wallet.paid(amount("50000.00"), now);
    }
    wallet
}

fn lock(wallet: &mut Wallet) {
    wallet.record(Event::Declined(Box::new(Declined {
        payment: payment(amount("1.00")),
        decline: Decline::because(Reason::PasswordWrong),
        password: PasswordEffect::Wrong {
            tries: 5,
            locked_until: Some(at("2024-12-31 00:00")),
        },
        policy: "weixin-2023".into(),
    })));
}

/// A payment with which all of that is wrong, and its merchant.
fn payment_with(wrong: &[Reason]) -> (Payment, Merchant) {
    let is = |reason| wrong.contains(&reason);
    let region = if is(Reason::MerchantOverseas) {
        MerchantRegion::Overseas
    } else {
        MerchantRegion::Mainland
    };
    let merchant = Merchant {
        region,
        international_cards: !is(Reason::MerchantNotEnabled),
        ..merchant()
    };
    let mut payment = payment(amount("5.00"));
    if is(Reason::CardNotBound) {
        payment.card = token(9);
    }
    if is(Reason::SceneNotPermitted) {
        payment.scene = Scene::Transfer;
    }
    if is(Reason::LimitSingle) {
        payment.amount = amount("6000.01");
    }
    (payment, merchant)
}

fn facts_with<'a>(wrong: &[Reason], wallet: &Wallet, merchant: &'a Merchant) -> Facts<'a> {
    let is = |reason| wrong.contains(&reason);
    let mut facts = payment_facts(merchant);
    facts.reversed_ahead = is(Reason::ReversedBeforeArrival);
    facts.rolled_out = !is(Reason::NotRolledOut);
    facts.password_matches = !is(Reason::PasswordWrong);
    let card = wallet.account.card(token(1));
    facts.risk =
        card.and_then(|card| risk::of_card(&wallet.account, card, |_| is(Reason::RiskCardShared)));
    if is(Reason::ClientTooOld) {
        let version = Version::new(8, 0, 9);
        let channel = Channel::Ios;
        facts.client = Some(Client { channel, version });
    }
    if is(Reason::MerchantUnknown) {
        facts.merchant = None;
    }
    if is(Reason::QuoteExpired) {
        facts.quote = Quote::Expired;
    } else if is(Reason::QuoteMismatch) {
        facts.quote = Quote::Differs;
    }
    facts
}

/// The answer to a payment with which all of that is wrong.
fn decline(wrong: &[Reason]) -> Option<Decline> {
    let wallet = wallet_with(wrong);
    let (payment, merchant) = payment_with(wrong);
    let facts = facts_with(wrong, &wallet, &merchant);
    match decide(&wallet.account, payment, &facts, &wallet.policy, wallet.now) {
        Decision::Decline(declined) => Some(declined.decline),
        Decision::Reserve(_) => None,
    }
}

fn answer(wrong: &[Reason]) -> Option<Reason> {
    decline(wrong).map(|decline| decline.reason)
}

/// What a quote does not look at: it has no key, no password and no quote token.
const NOT_QUOTED: [Reason; 4] = [
    Reason::ReversedBeforeArrival,
    Reason::PasswordWrong,
    Reason::QuoteExpired,
    Reason::QuoteMismatch,
];

proptest! {
    /// R62, D32: a card is quoted as usable exactly if a payment with the right password would
    /// reach the issuer; else with the very decline that the payment would meet.
    #[test]
    fn r62_d32_a_quote_says_what_the_payment_would_meet(wrong in subsequence(rungs(), 0..=22)) {
        let (wrong, _): (Vec<_>, Vec<_>) =
            wrong.into_iter().partition(|reason| !NOT_QUOTED.contains(reason));
        let wallet = wallet_with(&wrong);
        let (payment, merchant) = payment_with(&wrong);
        let facts = facts_with(&wrong, &wallet, &merchant);
        let offer = Offer {
            card: payment.card,
            amount: payment.amount,
            scene: payment.scene,
        };
        let quoted = quote::decide(&wallet.account, offer, &facts, &wallet.policy, wallet.now);
        prop_assert_eq!(quoted.err(), decline(&wrong));
    }
}

#[test]
fn c1_every_reason_is_a_rung_an_issuer_s_or_comes_later() {
    let mut known = rungs();
    known.extend(NOT_YET);
    known.extend(
        Reason::ALL
            .iter()
            .filter(|reason| reason.name().starts_with("ISSUER_")),
    );
    known.sort_unstable();
    assert_eq!(known, Reason::ALL);
}

#[test]
fn c1_with_nothing_wrong_the_issuer_is_asked() {
    assert_eq!(answer(&[]), None);
}

#[test]
fn c1_each_rung_alone_gives_its_own_reason() {
    for reason in rungs() {
        assert_eq!(answer(&[reason]), Some(reason));
    }
}

#[test]
fn c1_of_two_that_are_wrong_the_earlier_is_named() {
    let rungs = rungs();
    for (place, &earlier) in rungs.iter().enumerate() {
        for &later in &rungs[place + 1..] {
            assert_eq!(
                answer(&[earlier, later]),
                Some(earlier),
                "{earlier:?} before {later:?}"
            );
        }
    }
}

#[test]
fn c1_mending_one_thing_at_a_time_climbs_the_ladder_in_its_order() {
    let mut wrong = rungs();
    let mut named = Vec::new();
    while let Some(reason) = answer(&wrong) {
        named.push(reason);
        wrong.remove(0);
    }
    assert_eq!(named, rungs());
}

proptest! {
    #[test]
    fn c1_of_all_that_is_wrong_the_first_is_named(wrong in subsequence(rungs(), 1..=22)) {
        prop_assert_eq!(answer(&wrong), wrong.first().copied());
    }
}

/// D7: a rung below the password does not give the try back.
#[test]
fn d7_a_try_of_the_password_is_spent_whatever_a_later_rung_says() {
    let wallet = Wallet::verified();
    for (matches, merchant_known) in [(true, false), (true, true), (false, false), (false, true)] {
        let merchant = merchant();
        let mut facts = payment_facts(&merchant);
        facts.password_matches = matches;
        if !merchant_known {
            facts.merchant = None;
        }
        let payment = payment(amount("5.00"));
        let effect = match decide(&wallet.account, payment, &facts, &wallet.policy, wallet.now) {
            Decision::Decline(declined) => declined.password,
            Decision::Reserve(reservation) => reservation.password,
        };
        let expected = if matches {
            PasswordEffect::Matched
        } else {
            PasswordEffect::Wrong {
                tries: 1,
                locked_until: None,
            }
        };
        assert_eq!(effect, expected, "{matches} {merchant_known}");
    }
}

/// R5, D29: the evidence of a document that is out of date is two days.
#[test]
fn r5_d29_a_document_serves_through_its_last_day() {
    let last_day = Day::from_civil(2024, 5, 31).unwrap();
    let holder = Identity {
        expires_on: last_day,
        ..identity(DocumentType::Passport)
    };
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    let card = bound_card(1, wallet.now);
    wallet.bound(card, holder, Review::Approved);
    let merchant = merchant();
    let facts = payment_facts(&merchant);
    for (now, in_date) in [
        ("2024-05-31 23:59:59.999", true),
        ("2024-06-01 00:00:00.000", false),
    ] {
        let payment = payment(amount("5.00"));
        let decision = decide(&wallet.account, payment, &facts, &wallet.policy, at(now));
        match decision {
            Decision::Reserve(_) => assert!(in_date, "{now}"),
            Decision::Decline(declined) => {
                assert!(!in_date, "{now}");
                let evidence = Evidence::Date {
                    observed: last_day,
                    required: at(now).day(),
                };
                assert_eq!(declined.decline.evidence, evidence);
            }
        }
    }
}

/// The answer to an unbind with which all of that is wrong, and what it did to the counter.
fn unbind(wrong: &[UnbindRefusal]) -> (Option<UnbindRefusal>, PasswordEffect) {
    let is = |reason| wrong.contains(&reason);
    let mut wallet = if is(UnbindRefusal::WalletNotVerified) {
        Wallet::open(WalletRegion::Mainland)
    } else {
        Wallet::verified()
    };
    if is(UnbindRefusal::PasswordLocked) {
        lock(&mut wallet);
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
