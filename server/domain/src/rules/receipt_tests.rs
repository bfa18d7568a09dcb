//! Receipts: every rung with what it saw, from the same evaluation that decided (RULES C1). Each
//! script of the other tests compares its decisions with their receipts too.

use proptest::prelude::*;

use super::authorise::{self, Quote, decide_unknown_code, decide_with_receipt};
use super::ladder_tests::anything_wrong;
use super::testing::ladder::{By, RUNGS, Scenario, WAYS, Way};
use super::testing::receipts::{compare_with_receipt, seen};
use super::testing::wallet::{
    Wallet, amount, bound_card, identity, merchant, payment, payment_facts,
};
use crate::decline::{DeclineReason as Reason, Evidence};
use crate::event::{Funding, Review, WalletRegion};
use crate::identity::DocumentType;
use crate::receipt::{Receipt, Rung, Verdict};
use crate::version::{Channel, Client, Version};

/// The receipt of a payment with which all of that is wrong.
fn receipt(way: Way, wrong: &[Reason]) -> Receipt {
    let scenario = Scenario::of(way, wrong);
    let Wallet {
        account,
        policy,
        now,
        ..
    } = &scenario.wallet;
    let payment = scenario.payment.clone();
    let told = decide_with_receipt(account, payment, &scenario.facts(), policy, *now);
    compare_with_receipt(&scenario.decision(), told)
}

/// The rungs that such a payment climbs, where it gives no client and no quote.
fn climbed(way: Way) -> Vec<Rung> {
    let mut rungs: Vec<_> = way.rungs().iter().map(|reason| reason.rung()).collect();
    rungs.dedup();
    rungs.retain(|rung| !matches!(rung, Rung::ClientVersion | Rung::Quote));
    if !way.from_balance {
        rungs.push(Rung::Issuer);
    }
    rungs
}

/// Each rung that concerns the payment passed, up to the one that objected.
fn check(way: Way, wrong: &[Reason]) {
    let receipt = receipt(way, wrong);
    let objected = wrong.first().map(|reason| reason.rung());
    let climbed = climbed(way);
    for &rung in Rung::ALL {
        let expected = match objected {
            Some(by) if rung == by => Verdict::Rejected,
            Some(by) if rung > by => Verdict::Skipped,
            Some(_) | None if climbed.contains(&rung) => Verdict::Passed,
            Some(_) | None => Verdict::Skipped,
        };
        assert_eq!(
            seen(&receipt, rung).verdict,
            expected,
            "{way:?} {wrong:?} {rung:?}"
        );
    }
}

#[test]
fn c1_a_receipt_tells_what_passed_what_objected_and_what_was_not_tried() {
    for way in WAYS {
        check(way, &[]);
        let rungs = way.rungs();
        for (place, &earlier) in rungs.iter().enumerate() {
            check(way, &[earlier]);
            for &later in &rungs[place + 1..] {
                check(way, &[earlier, later]);
            }
        }
        check(way, &rungs);
    }
}

proptest! {
    #[test]
    fn c1_a_receipt_agrees_with_the_decision_whatever_is_wrong((way, wrong) in anything_wrong()) {
        check(way, &wrong);
    }
}

/// D20, D32: a rung is told of where there was something to look at.
#[test]
fn d20_d32_a_client_and_a_quote_that_were_given_are_told() {
    let wallet = Wallet::verified();
    let merchant = merchant();
    let version = Version::new(8, 0, 40);
    let channel = Channel::Android;
    let facts = authorise::Facts {
        client: Some(Client { channel, version }),
        quote: Quote::Holds,
        ..payment_facts(&merchant)
    };
    let payment = payment(amount("5.00"));
    let Wallet {
        account,
        policy,
        now,
        ..
    } = &wallet;
    let plain = authorise::decide(account, payment.clone(), &facts, policy, *now);
    let told = decide_with_receipt(account, payment, &facts, policy, *now);
    let receipt = compare_with_receipt(&plain, told);
    let client = seen(&receipt, Rung::ClientVersion);
    assert_eq!(client.verdict, Verdict::Passed);
    let (observed, required) = (version, version);
    assert_eq!(client.evidence, Evidence::Version { observed, required });
    assert_eq!(seen(&receipt, Rung::Quote).verdict, Verdict::Passed);
}

/// R63 to R65: a limit that passes is told with the numbers that it would decline with.
#[test]
fn r63_r64_r65_a_receipt_has_the_numbers_of_what_passed() {
    let way = WAYS[0];
    let receipt = receipt(way, &[]);
    for (rung, limit, remaining) in [
        (Rung::LimitSingle, "6000.00", "6000.00"),
        (Rung::LimitMonth, "50000.00", "50000.00"),
        (Rung::LimitYear, "60000.00", "60000.00"),
    ] {
        let Evidence::Amount(seen) = seen(&receipt, rung).evidence else {
            panic!("{rung:?} has no numbers");
        };
        assert_eq!(seen.observed, amount("5.00").fen(), "{rung:?}");
        assert_eq!(seen.limit, amount(limit).fen(), "{rung:?}");
        assert_eq!(seen.remaining, amount(remaining).fen(), "{rung:?}");
        assert_eq!(seen.largest_approvable, amount("6000.00").fen(), "{rung:?}");
    }
}

/// D5: a passport holder's rung is told as everybody's.
#[test]
fn r49_a_review_that_is_approved_or_not_required_is_told_as_passed() {
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    let card = bound_card(1, wallet.now);
    wallet.bound(card, identity(DocumentType::Passport), Review::Approved);
    let merchant = merchant();
    let facts = payment_facts(&merchant);
    let payment = payment(amount("5.00"));
    let Wallet {
        account,
        policy,
        now,
        ..
    } = &wallet;
    let plain = authorise::decide(account, payment.clone(), &facts, policy, *now);
    let told = decide_with_receipt(account, payment, &facts, policy, *now);
    let receipt = compare_with_receipt(&plain, told);
    assert_eq!(
        seen(&receipt, Rung::PassportReview).verdict,
        Verdict::Passed
    );
    assert!(
        RUNGS.len() > receipt.rungs.len(),
        "a rung may have many reasons"
    );
}

/// D10: of a code that leads nowhere only the merchant's rung and its own can say anything.
#[test]
fn d10_a_code_that_leads_to_no_account_is_declined_at_its_own_rung_or_the_merchant_s() {
    let way = Way {
        from_balance: false,
        by: By::Code,
    };
    for (wrong, named) in [
        (Reason::PaymentCodeInvalid, Reason::PaymentCodeInvalid),
        (Reason::MerchantUnknown, Reason::MerchantUnknown),
        (Reason::MerchantOverseas, Reason::MerchantOverseas),
        (Reason::MerchantNotEnabled, Reason::MerchantNotEnabled),
        (Reason::NotRolledOut, Reason::PaymentCodeInvalid),
        (Reason::LimitMonth, Reason::PaymentCodeInvalid),
    ] {
        let scenario = Scenario::of(way, &[wrong]);
        let mut payment = scenario.payment.clone();
        payment.funding = Funding::Unknown;
        let merchant = scenario.facts().merchant;
        let declined = decide_unknown_code(payment, merchant, &scenario.wallet.policy);
        assert_eq!(declined.decline.reason, named, "{wrong:?}");
        assert_eq!(declined.spent, None);
        let receipt = declined.receipt.unwrap();
        for &rung in Rung::ALL {
            let expected = if rung == named.rung() {
                Verdict::Rejected
            } else if rung == Rung::Merchant && named.rung() > rung {
                Verdict::Passed
            } else {
                Verdict::Skipped
            };
            assert_eq!(seen(&receipt, rung).verdict, expected, "{wrong:?} {rung:?}");
        }
    }
}
