//! The order of the ladder of `Authorise` is a promise: of all that is wrong with a request, the
//! answer names the first (RULES C1). That of `Bind` is in `bind_ladder_tests.rs`, that of
//! `Unbind` in `unbind_ladder_tests.rs`.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::authorise::{Credential, Decision, decide};
use super::quote::{self, Offer};
use super::testing::ladder::{BY_CARD_AND_PASSWORD, By, RUNGS, Scenario, WAYS, Way};
use super::testing::wallet::{
    Wallet, amount, at, bound_card, identity, merchant, payment, payment_facts,
};
use crate::decline::{DeclineReason as Reason, Evidence};
use crate::event::{PasswordEffect, Review, Spent, WalletRegion};
use crate::identity::{DocumentType, Identity};
use crate::period::Day;

/// The answer to a payment with which all of that is wrong.
fn answer(way: Way, wrong: &[Reason]) -> Option<Reason> {
    let decline = Scenario::of(way, wrong).decline();
    decline.map(|decline| decline.reason)
}

/// A way to pay, and any choice of its rungs.
pub(super) fn anything_wrong() -> impl Strategy<Value = (Way, Vec<Reason>)> {
    select(&WAYS[..]).prop_flat_map(|way| {
        let rungs = way.rungs();
        let most = rungs.len();
        (Just(way), subsequence(rungs, 0..=most))
    })
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
    /// reach the issuer; else with the very decline that the payment would meet. So is the balance.
    #[test]
    fn r62_d32_a_quote_says_what_the_payment_would_meet(
        from_balance in any::<bool>(),
        wrong in subsequence(RUNGS.to_vec(), 0..=RUNGS.len()),
    ) {
        let way = Way { from_balance, by: By::Password };
        let concerned = |reason: &Reason| way.concerns(*reason) && !NOT_QUOTED.contains(reason);
        let wrong: Vec<_> = wrong.into_iter().filter(concerned).collect();
        let scenario = Scenario::of(way, &wrong);
        let payment = &scenario.payment;
        let offer = Offer {
            funding: payment.funding,
            amount: payment.amount,
            scene: payment.scene,
        };
        let Wallet { account, policy, now, .. } = &scenario.wallet;
        let quoted = quote::decide(account, offer, &scenario.facts(), policy, *now);
        prop_assert_eq!(quoted.err(), scenario.decline());
    }
}

#[test]
fn c1_every_reason_is_a_rung_or_an_issuer_s() {
    let mut known = RUNGS.to_vec();
    known.extend(
        Reason::ALL
            .iter()
            .filter(|reason| reason.name().starts_with("ISSUER_")),
    );
    assert_eq!(known, Reason::ALL);
    for reason in RUNGS {
        assert!(WAYS.iter().any(|way| way.concerns(reason)), "{reason:?}");
    }
}

#[test]
fn c1_with_nothing_wrong_the_issuer_is_asked() {
    for way in WAYS {
        assert_eq!(answer(way, &[]), None, "{way:?}");
    }
}

#[test]
fn c1_each_rung_alone_gives_its_own_reason() {
    for way in WAYS {
        for reason in way.rungs() {
            assert_eq!(answer(way, &[reason]), Some(reason), "{way:?}");
        }
    }
}

/// D10, D12: a code was made on the rungs of the wallet and the card, and the balance knows no
/// card.
#[test]
fn c1_d10_d12_a_rung_that_does_not_concern_a_payment_does_not_object() {
    for way in WAYS {
        for reason in RUNGS {
            // Nobody's balance cannot be; it would not pay either.
            let nobody_s = way.from_balance && reason == Reason::WalletNotVerified;
            if !way.concerns(reason) && !nobody_s {
                assert_eq!(answer(way, &[reason]), None, "{way:?} {reason:?}");
            }
        }
    }
}

#[test]
fn c1_of_two_that_are_wrong_the_earlier_is_named() {
    for way in WAYS {
        let rungs = way.rungs();
        for (place, &earlier) in rungs.iter().enumerate() {
            for &later in &rungs[place + 1..] {
                assert_eq!(
                    answer(way, &[earlier, later]),
                    Some(earlier),
                    "{way:?}: {earlier:?} before {later:?}"
                );
            }
        }
    }
}

#[test]
fn c1_mending_one_thing_at_a_time_climbs_the_ladder_in_its_order() {
    for way in WAYS {
        let mut wrong = way.rungs();
        let mut named = Vec::new();
        while let Some(reason) = answer(way, &wrong) {
            named.push(reason);
            wrong.remove(0);
        }
        assert_eq!(named, way.rungs(), "{way:?}");
    }
}

proptest! {
    #[test]
    fn c1_of_all_that_is_wrong_the_first_is_named((way, wrong) in anything_wrong()) {
        prop_assert_eq!(answer(way, &wrong), wrong.first().copied());
    }
}

/// D7, D10: what a token or a code did stays done, whatever a later rung says; a rung that
/// objects before it leaves it whole.
#[test]
fn d7_d10_a_token_or_code_is_spent_once_its_rung_passes() {
    for way in WAYS {
        let spends = match way.by {
            By::Password => None,
            By::Token => Some((Spent::Token(5), Reason::PaymentTokenUsed)),
            By::Code => Some((Spent::Code(5), Reason::PaymentCodeUsed)),
        };
        for reason in way.rungs() {
            let decision = Scenario::of(way, &[reason]).decision();
            let Decision::Decline(declined) = decision else {
                panic!("{reason:?} did not object");
            };
            let expected = spends
                .filter(|&(_, last)| reason > last)
                .map(|(spent, _)| spent);
            assert_eq!(declined.spent, expected, "{way:?} {reason:?}");
        }
        let Decision::Reserve(reservation) = Scenario::of(way, &[]).decision() else {
            panic!("{way:?} was declined");
        };
        assert_eq!(reservation.spent, spends.map(|(spent, _)| spent), "{way:?}");
    }
}

/// C1: the list in the tests is the ladder itself for a card and a password.
#[test]
fn c1_a_card_with_a_password_meets_no_rung_of_tokens_codes_or_balance() {
    let left_out: Vec<_> = RUNGS
        .into_iter()
        .filter(|&reason| !BY_CARD_AND_PASSWORD.concerns(reason))
        .collect();
    let expected = [
        Reason::PaymentTokenInvalid,
        Reason::PaymentTokenExpired,
        Reason::PaymentTokenUsed,
        Reason::PaymentCodeInvalid,
        Reason::PaymentCodeExpired,
        Reason::PaymentCodeUsed,
        Reason::BalanceNotPermitted,
        Reason::BalanceInsufficient,
    ];
    assert_eq!(left_out, expected);
}

/// D7: a rung below the password does not give the try back.
#[test]
fn d7_a_try_of_the_password_is_spent_whatever_a_later_rung_says() {
    let wallet = Wallet::verified();
    for (matches, merchant_known) in [(true, false), (true, true), (false, false), (false, true)] {
        let merchant = merchant();
        let mut facts = payment_facts(&merchant);
        facts.credential = Credential::Password { matches };
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
