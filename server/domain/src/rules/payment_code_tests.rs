//! Payment codes, as tables: the rungs that they are made on, and what ends them (R56, R57, D10).

use super::payment_code::{self, Offered};
use super::testing::ladder::{By, Scenario, Way};
use super::testing::script::check_from;
use super::testing::wallet::{Wallet, barcode, bound_card, identity};
use crate::decline::{Decline, DeclineReason as Reason};
use crate::event::{Funding, PasswordEffect, PaymentCodeDecided, Review};
use crate::identity::DocumentType;
use crate::receipt::Rung;

/// The answer to whoever asks for a code with which all of that is wrong.
fn shown(way: Way, wrong: &[Reason]) -> PaymentCodeDecided {
    let scenario = Scenario::of(way, wrong);
    let payment_facts = scenario.facts();
    let facts = payment_code::Facts {
        rolled_out: payment_facts.rolled_out,
        client: payment_facts.client,
        password_matches: !wrong.contains(&Reason::PasswordWrong),
    };
    let offered = Offered {
        funding: scenario.payment.funding,
        nonce: 1,
        digest: barcode(1),
    };
    let wallet = &scenario.wallet;
    payment_code::decide(&wallet.account, offered, facts, &wallet.policy, wallet.now)
}

fn reason(decided: &PaymentCodeDecided) -> Option<Reason> {
    decided.outcome.err().map(|decline: Decline| decline.reason)
}

fn by_password(from_balance: bool) -> Way {
    Way {
        from_balance,
        by: By::Password,
    }
}

/// D10: what an unknown code stood for is no card, whatever proves that the payer is who pays.
#[test]
fn d10_an_unknown_funding_is_no_card() {
    let mut scenario = Scenario::of(by_password(false), &[]);
    scenario.payment.funding = Funding::Unknown;
    let expected = Some(Decline::because(Reason::CardNotBound));
    assert_eq!(scenario.decline(), expected);
}

/// D10: rungs 4 to 11 of a payment with a password, in their order, and no others.
#[test]
fn d10_c1b_a_code_is_made_on_the_rungs_from_the_roll_out_to_the_card() {
    for way in [by_password(false), by_password(true)] {
        let (rungs, later): (Vec<_>, Vec<_>) = way
            .rungs()
            .into_iter()
            .filter(|reason| reason.rung() >= Rung::RollOut)
            .partition(|reason| reason.rung() <= Rung::Card);
        assert_eq!(reason(&shown(way, &later)), None, "{way:?}");
        for (place, &earlier) in rungs.iter().enumerate() {
            assert_eq!(reason(&shown(way, &[earlier])), Some(earlier));
            for &other in &rungs[place + 1..] {
                let named = reason(&shown(way, &[earlier, other]));
                assert_eq!(named, Some(earlier), "{earlier:?} before {other:?}");
            }
        }
        let mut wrong = rungs.clone();
        let mut named = Vec::new();
        while let Some(reason) = reason(&shown(way, &wrong)) {
            named.push(reason);
            wrong.remove(0);
        }
        assert_eq!(named, rungs, "{way:?}");
    }
}

/// D7: asking for a code is a try of the password, whatever a later rung says.
#[test]
fn d7_d10_asking_for_a_code_spends_a_try_of_the_password() {
    let way = by_password(false);
    let wrong = PasswordEffect::Wrong {
        tries: 1,
        locked_until: None,
    };
    for (reasons, expected) in [
        (&[][..], PasswordEffect::Matched),
        (&[Reason::CardNotBound], PasswordEffect::Matched),
        (&[Reason::PasswordWrong, Reason::CardNotBound], wrong),
        (&[Reason::PasswordLocked], PasswordEffect::Untouched),
        (
            &[Reason::WalletRegion, Reason::PasswordWrong],
            PasswordEffect::Untouched,
        ),
    ] {
        assert_eq!(shown(way, reasons).password, expected, "{reasons:?}");
    }
}

/// R56, R57, D10: one use, and it stands for card and password.
#[test]
fn r56_r57_d10_a_code_pays_once_from_the_card_that_it_stands_for() {
    let mut wallet = Wallet::verified();
    let second = bound_card(2, wallet.now);
    let holder = identity(DocumentType::TaiwanTravelPermit);
    wallet.bound(second, holder, Review::NotRequired);
    check_from(
        wallet,
        "at 2024-01-10 12:00
         show barcode 1 card 2 => shown, until 2024-01-10 12:01:00
         share card 2
         scan 5.00 barcode 1 card 1 => RISK_CARD_SHARED
         unshare card 2
         show barcode 2 card 2 => shown
         scan 250.00 barcode 2 => approved, fee 7.50, month 250.00
         scan 5.00 barcode 2 => PAYMENT_CODE_USED, retry FixData, layer Merchant
         scan 5.00 barcode 3 => PAYMENT_CODE_INVALID, retry FixData, layer Merchant
         reverse payment 2 => reversed, amount 250.00, fee 7.50
         look => month 0.00, barcodes 2",
    );
}

#[test]
fn d10_a_code_serves_until_its_instant_and_is_forgotten_ten_minutes_later() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         show barcode 1 => shown
         show barcode 2 => shown
         at 2024-01-10 12:00:59.999
         scan 5.00 barcode 1 => approved
         at 2024-01-10 12:01:00
         scan 5.00 barcode 2 => PAYMENT_CODE_EXPIRED, retry FixData, layer Merchant
         scan 5.00 barcode 1 => PAYMENT_CODE_EXPIRED
         at 2024-01-10 12:10:59.999
         scan 5.00 barcode 2 => PAYMENT_CODE_EXPIRED
         look => barcodes 2
         at 2024-01-10 12:11:00
         scan 5.00 barcode 2 times 2 => PAYMENT_CODE_INVALID
         look => barcodes 0",
    );
}

/// D10: consumed once its rung passes, whatever a later one says.
#[test]
fn d10_a_code_is_consumed_by_a_payment_that_a_later_rung_declines() {
    check_from(
        Wallet::verified(),
        "show barcode 1 => shown
         scan 6000.01 barcode 1 => LIMIT_SINGLE
         scan 6000.00 barcode 1 => PAYMENT_CODE_USED
         show barcode 2 => shown
         scan 5.00 barcode 2 issuer lost_card => ISSUER_LOST_CARD
         scan 5.00 barcode 2 => PAYMENT_CODE_USED
         show barcode 3 => shown
         share
         scan 5.00 barcode 3 => RISK_CARD_SHARED
         unshare
         scan 5.00 barcode 3 => PAYMENT_CODE_USED
         look => month 0.00",
    );
}

/// C1: a merchant that cannot be paid is told before the code is looked at: it stays whole.
#[test]
fn c1_d10_a_code_outlives_a_payment_that_an_earlier_rung_declines() {
    check_from(
        Wallet::verified(),
        "show barcode 1 => shown
         scan 5.00 barcode 1 scene transfer => SCENE_NOT_PERMITTED
         scan 5.00 barcode 1 => approved",
    );
}

/// D22: a code goes with its card, and only with that.
#[test]
fn d22_an_unbind_ends_the_codes_of_its_card() {
    let mut wallet = Wallet::verified();
    let second = bound_card(2, wallet.now);
    let holder = identity(DocumentType::TaiwanTravelPermit);
    wallet.bound(second, holder, Review::NotRequired);
    wallet.received(super::testing::wallet::amount("9.00"));
    check_from(
        wallet,
        "show barcode 1 card 1 => shown
         show barcode 2 card 2 => shown
         show barcode 3 from balance => shown
         unbind card 1 => unbound
         look => barcodes 2
         scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
         scan 5.00 barcode 2 => approved
         scan 5.00 barcode 3 => approved, balance 4.00",
    );
}

/// D19: only a mainland wallet pays, so going elsewhere ends what could pay without its rung.
#[test]
fn d19_another_region_ends_every_code() {
    check_from(
        Wallet::verified(),
        "show barcode 1 => shown
         switch region mainland
         look => barcodes 1
         switch region malaysia
         look => barcodes 0
         scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
         show barcode 2 => WALLET_REGION
         switch region mainland
         scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
         show barcode 2 => shown
         scan 5.00 barcode 2 => approved",
    );
}

/// R45, R57: nor does a code outlive the password that it stands for.
#[test]
fn r57_d10_another_password_ends_every_code() {
    check_from(
        Wallet::verified(),
        "show barcode 1 => shown
         change new 2 => changed
         scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
         show barcode 2 password 2 => shown
         code => sent
         reset by card new 3 => reset
         scan 5.00 barcode 2 => PAYMENT_CODE_INVALID",
    );
}

/// D10: rungs 5 to 11 were run when the code was made, so what has changed since is no matter.
#[test]
fn d10_a_code_that_was_made_pays_though_the_password_was_locked_since() {
    check_from(
        Wallet::verified(),
        "show barcode 1 => shown
         pay 1.00 password 2 times 5 => PASSWORD_WRONG
         show barcode 2 => PASSWORD_LOCKED
         scan 5.00 barcode 1 => approved
         look => wrong passwords 5",
    );
}

#[test]
fn d10_a_seventeenth_code_takes_the_place_of_the_oldest() {
    let seventeen: Vec<String> = (1..=17)
        .map(|code| format!("show barcode {code} => shown"))
        .collect();
    let seventeen = seventeen.join("\n");
    check_from(
        Wallet::verified(),
        &format!(
            "{seventeen}
             look => barcodes 16
             scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
             scan 5.00 barcode 2 => approved
             scan 5.00 barcode 17 => approved"
        ),
    );
}
