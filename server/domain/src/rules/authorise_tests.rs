//! Rules of paying, as tables. The order of the ladder is in `ladder_tests.rs`.

use super::*;
use crate::decline::DeclineReason as Reason;
use crate::event::{PaymentMode, Review, Scene};
use crate::identity::DocumentType;
use crate::rules::testing::script::{check, check_from};
use crate::rules::testing::wallet::{
    Wallet, amount, bound_card, identity, merchant, payment, payment_facts,
};
use crate::version::{Channel, Version};

/// R63, R65: the limit of one payment is 6,000.00 and counts exactly.
#[test]
fn r63_r66_c2_exactly_the_single_limit_is_allowed() {
    check_from(
        Wallet::verified(),
        "pay 6000.00 => approved, month 6000.00, year 6000.00
         pay 6000.01 => LIMIT_SINGLE, observed 6000.01, limit 6000.00, remaining 6000.00, at most 6000.00, retry ReduceAmount, layer Wallet
         pay 9999999999.99 => LIMIT_SINGLE
         look => month 6000.00",
    );
}

/// R64: 8 x 6,000 and 2,000 are exactly a month.
#[test]
fn r64_c2_exactly_the_month_limit_is_allowed() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 6000.00 times 8 => approved
         pay 2000.01 => LIMIT_MONTH, observed 50000.01, limit 50000.00, remaining 2000.00, at most 2000.00, until 2024-02-01 00:00:00, retry ReduceAmount
         pay 2000.00 => approved, month 50000.00
         pay 0.01 => LIMIT_MONTH, remaining 0.00, at most 0.00, retry Later
         pay 6000.01 => LIMIT_SINGLE, at most 0.00, retry ReduceAmount
         look => month 50000.00, year 50000.00",
    );
}

/// R65: the year is 1.2 months, so a full month leaves 10,000 for the next.
#[test]
fn r65_c2_exactly_the_year_limit_is_allowed() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved
         at 2024-02-10 12:00
         pay 6000.00 => approved, month 6000.00, year 56000.00
         pay 4000.01 => LIMIT_YEAR, observed 60000.01, limit 60000.00, remaining 4000.00, at most 4000.00, until 2025-01-01 00:00:00, retry ReduceAmount
         pay 4000.00 => approved, month 10000.00, year 60000.00
         pay 0.01 => LIMIT_YEAR, remaining 0.00, retry Later
         look => month 10000.00, year 60000.00",
    );
}

/// R64: months and years are calendar periods of Shanghai (D1).
#[test]
fn d1_a_new_month_begins_at_midnight_in_shanghai() {
    check_from(
        Wallet::verified(),
        "at 2024-01-31 23:59:59.999
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved
         pay 0.01 => LIMIT_MONTH, until 2024-02-01 00:00:00
         at 2024-02-01 00:00:00.000
         pay 0.01 => approved, month 0.01, year 50000.01",
    );
}

#[test]
fn d1_a_new_year_begins_at_sixteen_hours_utc() {
    check_from(
        Wallet::verified(),
        "at 2023-11-30 12:00
         pay 6000.00 times 8 => approved
         at 2023-12-31 23:59:59
         pay 6000.00 times 2 => approved
         pay 0.01 => LIMIT_YEAR, until 2024-01-01 00:00:00
         at 2024-01-01 00:00:00
         pay 6000.00 => approved, month 6000.00, year 6000.00",
    );
}

/// D1: the key of a period is the later of what is recorded and now.
#[test]
fn d1_a_clock_that_steps_back_over_midnight_reopens_no_period() {
    check_from(
        Wallet::verified(),
        "at 2024-02-29 23:59
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved
         at 2024-03-01 00:01
         pay 100.00 => approved, month 100.00, year 50100.00
         at 2024-02-29 23:56
         pay 100.00 => approved, month 200.00, year 50200.00
         at 2024-03-01 00:01
         look => month 200.00, year 50200.00",
    );
    check_from(
        Wallet::verified(),
        "at 2024-01-01 00:01
         pay 6000.00 => approved
         at 2023-12-31 23:56
         pay 6000.00 => approved, month 12000.00, year 12000.00",
    );
}

/// D2: one limit over all cards of the account.
#[test]
fn d2_limits_are_per_account_over_all_its_cards() {
    let mut wallet = Wallet::verified();
    let holder = identity(DocumentType::TaiwanTravelPermit);
    let second = bound_card(2, wallet.now);
    wallet.bound(second, holder, Review::NotRequired);
    check_from(
        wallet,
        "pay 6000.00 card 1 times 4 => approved
         pay 6000.00 card 2 times 4 => approved
         pay 2000.01 card 2 => LIMIT_MONTH, remaining 2000.00
         pay 2000.00 card 1 => approved, month 50000.00",
    );
}

/// R71, D3, D4: the fee is on the whole principal above 200.00, and outside the limits.
#[test]
fn r71_d3_d4_the_fee_is_no_part_of_what_the_limits_count() {
    check_from(
        Wallet::verified(),
        "pay 200.00 => approved, fee 0.00, month 200.00
         pay 200.01 => approved, fee 6.00, month 400.01
         pay 200.16 => approved, fee 6.00
         pay 200.17 => approved, fee 6.01
         pay 201.50 => approved, fee 6.05
         pay 6000.00 => approved, fee 180.00, month 7001.84",
    );
}

/// D24: nothing is clawed back.
#[test]
fn d24_limits_lowered_below_what_is_used_leave_nothing() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 6000.00 times 3 => approved
         limits month 10000.00
         pay 0.01 => LIMIT_MONTH, observed 18000.01, limit 10000.00, remaining 0.00, at most 0.00, retry Later
         look => month 18000.00
         limits month 50000.00 year 17000.00
         pay 0.01 => LIMIT_YEAR, remaining 0.00, retry Later
         limits single 5.00 year 60000.00
         pay 5.01 => LIMIT_SINGLE, limit 5.00, retry ReduceAmount
         pay 5.00 => approved, month 18005.00",
    );
}

/// D7, R42, R69: five wrong tries lock for 30 minutes.
#[test]
fn r42_r69_d7_the_fifth_wrong_password_locks_for_half_an_hour() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 1.00 password 2 times 5 => PASSWORD_WRONG, retry FixData
         pay 1.00 password 2 => PASSWORD_LOCKED, until 2024-01-10 12:30:00, retry Later
         pay 1.00 password 1 => PASSWORD_LOCKED
         at 2024-01-10 12:29:59.999
         pay 1.00 password 1 times 9 => PASSWORD_LOCKED, until 2024-01-10 12:30:00
         at 2024-01-10 12:30:00
         look => wrong passwords 0
         pay 1.00 password 2 times 4 => PASSWORD_WRONG
         pay 1.00 password 1 => approved
         look => wrong passwords 0, month 1.00",
    );
}

#[test]
fn d7_a_second_lock_takes_five_more_wrong_tries() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 1.00 password 2 times 5 => PASSWORD_WRONG
         at 2024-01-10 13:00
         pay 1.00 password 2 times 5 => PASSWORD_WRONG
         pay 1.00 password 1 => PASSWORD_LOCKED, until 2024-01-10 13:30:00",
    );
}

#[test]
fn d7_a_right_password_begins_the_counter_anew() {
    check_from(
        Wallet::verified(),
        "pay 1.00 password 2 times 4 => PASSWORD_WRONG
         look => wrong passwords 4
         pay 6000.01 password 1 => LIMIT_SINGLE
         look => wrong passwords 0
         pay 1.00 password 2 times 5 => PASSWORD_WRONG
         pay 1.00 => PASSWORD_LOCKED",
    );
}

/// R49, D5: a passport holder waits for the review.
#[test]
fn r49_d5_a_passport_holder_pays_once_the_review_is_approved() {
    check(
        "code => sent
         bind card 1 document passport => bound, review Required
         pay 1.00 => REVIEW_REQUIRED, retry FixData
         page => taken
         face => taken, review UnderReview
         pay 1.00 => REVIEW_REQUIRED, retry FixData
         approve => resolved, review Approved
         pay 1.00 => approved
         reject => nothing to resolve, review Approved",
    );
    check(
        "code => sent
         bind card 1 document passport => bound
         page => taken
         face => taken
         reject => resolved, review Rejected
         pay 1.00 => REVIEW_REJECTED
         approve => nothing to resolve, review Rejected",
    );
}

#[test]
fn d5_a_deferred_review_lets_pay_until_it_is_rejected() {
    check(
        "deferred
         code => sent
         bind card 1 document passport => bound, review Required
         pay 1.00 => approved
         page => taken
         pay 1.00 => approved
         face => taken
         pay 1.00 => approved
         reject => resolved
         pay 1.00 => REVIEW_REJECTED",
    );
}

/// R38, R70: the issuer's eight refusals; a declined attempt uses nothing (C2).
#[test]
fn r70_c2_what_the_issuer_declines_uses_nothing() {
    for (answer, said) in [
        ("expired_card", "ISSUER_EXPIRED_CARD, retry FixData"),
        ("locked_card", "ISSUER_LOCKED_CARD, retry OtherMethod"),
        ("lost_card", "ISSUER_LOST_CARD, retry Never"),
        ("stolen_card", "ISSUER_STOLEN_CARD, retry Never"),
        ("pickup_card", "ISSUER_PICKUP_CARD, retry Never"),
        (
            "insufficient_funds",
            "ISSUER_INSUFFICIENT_FUNDS, retry Later",
        ),
        ("do_not_honour", "ISSUER_DO_NOT_HONOUR, retry OtherMethod"),
        ("unavailable", "ISSUER_UNAVAILABLE, retry Later"),
    ] {
        check_from(
            Wallet::verified(),
            &format!(
                "pay 5.00 issuer {answer} => {said}, layer Issuer
                 look => month 0.00, year 0.00
                 hold 5.00 => held
                 look => month 5.00, year 5.00
                 answer issuer {answer} => {said}, layer Issuer
                 look => month 0.00, year 0.00"
            ),
        );
    }
}

/// C2: pending and counted together never pass a limit.
#[test]
fn c2_what_is_held_counts_until_it_is_answered() {
    check_from(
        Wallet::verified(),
        "hold 6000.00 times 8 => held
         hold 2000.00 => held
         pay 0.01 => LIMIT_MONTH, remaining 0.00
         answer => approved
         pay 0.01 => LIMIT_MONTH
         answer issuer lost_card => ISSUER_LOST_CARD
         look => month 44000.00
         answer times 7 => approved
         look => month 44000.00
         pay 6000.00 => approved, month 50000.00",
    );
}

/// C2, D13: what was held in January and is void in February frees the year, not February.
#[test]
fn c2_d13_a_hold_gives_back_only_to_windows_that_are_still_open() {
    check_from(
        Wallet::verified(),
        "at 2024-01-31 23:59:59.999
         hold 1000.00 => held
         at 2024-02-01 00:00
         pay 300.00 => approved, month 300.00, year 1300.00
         answer issuer unavailable => ISSUER_UNAVAILABLE
         look => month 300.00, year 300.00",
    );
}

#[test]
fn d7_a_hold_that_is_void_has_spent_its_try_of_the_password() {
    check_from(
        Wallet::verified(),
        "pay 1.00 password 2 times 4 => PASSWORD_WRONG
         hold 1.00 => held
         look => wrong passwords 0
         pay 1.00 password 2 times 2 => PASSWORD_WRONG
         answer issuer lost_card => ISSUER_LOST_CARD
         look => wrong passwords 2",
    );
}

/// One payment of a verified wallet whose facts were changed.
fn decline_of(change: impl FnOnce(&mut Facts<'_>, &mut Payment)) -> Option<Decline> {
    let mut wallet = Wallet::verified();
    wallet.received(amount("5.00"));
    let merchant = merchant();
    let mut facts = payment_facts(&merchant);
    let mut payment = payment(amount("5.00"));
    change(&mut facts, &mut payment);
    match decide(&wallet.account, payment, &facts, &wallet.policy, wallet.now) {
        Decision::Decline(declined) => Some(declined.decline),
        Decision::Reserve(_) => None,
    }
}

/// R7, R25, R26, R27, R28: each channel has its own oldest version.
#[test]
fn r7_r25_r26_r27_r28_d20_versions_by_channel() {
    for (channel, version, accepted) in [
        (Channel::Android, "8.0.9", false),
        (Channel::Android, "8.0.37", false),
        (Channel::Android, "8.0.39", false),
        (Channel::Android, "8.0.40", true),
        (Channel::Android, "8.1", true),
        (Channel::Ios, "8.0.38", false),
        (Channel::Ios, "8.0.39", true),
        (Channel::GooglePlay, "8.0.36", false),
        (Channel::GooglePlay, "8.0.37", true),
        (Channel::GooglePlay, "8.0.9", false),
        (Channel::GooglePlay, "9", true),
    ] {
        let version = Version::parse(version).unwrap();
        let decline = decline_of(|facts, _| facts.client = Some(Client { channel, version }));
        assert_eq!(decline.is_none(), accepted, "{channel:?} {version}");
        if let Some(decline) = decline {
            let required = Policy::weixin_2023().client.oldest_accepted(channel);
            let observed = version;
            assert_eq!(decline.reason, Reason::ClientTooOld);
            assert_eq!(decline.evidence, Evidence::Version { observed, required });
        }
    }
    assert_eq!(
        decline_of(|facts, _| facts.client = None),
        None,
        "D20: a server is not checked"
    );
}

/// R72: each scene by what it is paid from; R56: in every mode. Neither a card nor the balance
/// tops up the balance or buys wealth products.
#[test]
fn r72_r56_each_funding_pays_its_scenes_in_every_mode_and_nothing_else() {
    let card = Funding::Card(crate::rules::testing::wallet::token(1));
    for (funding, scene, permitted) in [
        (card, Scene::Purchase, true),
        (card, Scene::RedPacket, false),
        (card, Scene::Transfer, false),
        (card, Scene::TopUp, false),
        (card, Scene::WealthProduct, false),
        (Funding::Balance, Scene::Purchase, true),
        (Funding::Balance, Scene::RedPacket, true),
        (Funding::Balance, Scene::Transfer, true),
        (Funding::Balance, Scene::TopUp, false),
        (Funding::Balance, Scene::WealthProduct, false),
    ] {
        for mode in [
            PaymentMode::OnlineApp,
            PaymentMode::OnlineMiniProgram,
            PaymentMode::MerchantQr,
        ] {
            let decline = decline_of(|facts, payment| {
                (payment.funding, payment.scene, payment.mode) = (funding, scene, mode);
                if !scene.has_merchant() {
                    (payment.merchant, facts.merchant) = (None, None);
                }
            });
            let reason = decline.map(|decline| decline.reason);
            let expected = (!permitted).then_some(Reason::SceneNotPermitted);
            assert_eq!(reason, expected, "{funding:?} {scene:?} {mode:?}");
        }
    }
}
