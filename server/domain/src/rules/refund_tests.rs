//! Refunds, early settlement, and the order of their ladders, as tables (D13, D14, D25).

use super::reverse::{self, Approved, Asked, GivenBack, Original, SoFar};
use super::testing::script::check_from;
use super::testing::wallet::{Wallet, amount, at};
use crate::event::GiveBack;
use crate::money::Fen;
use crate::refusal::ReversalRefusal as Reason;

/// An authorisation of 100.00 on 10 January, of which so much was reversed.
fn approved(reversed: &str, settled_early: bool) -> Approved {
    let decided = at("2024-01-10 12:00");
    let principal = match reversed {
        "0.00" => Fen::ZERO,
        part => amount(part).fen(),
    };
    let fee = Fen::ZERO;
    Approved {
        original: Original {
            principal: amount("100.00"),
            fee,
            month: decided.month(),
            year: decided.year(),
            counts: true,
            settles_at: at("2024-01-12 00:00"),
            transaction: None,
        },
        so_far: SoFar {
            reversed: GivenBack { principal, fee },
            settled_at: settled_early.then_some(decided),
            ..SoFar::default()
        },
    }
}

/// What is said of a reversal, a refund and a settlement of it.
fn refusals(approved: Option<&Approved>, now: &str) -> [Option<Reason>; 3] {
    let wallet = Wallet::verified();
    let given_back = |kind| {
        let asked = Asked {
            kind,
            amount: Some(amount("0.02")),
        };
        reverse::decide(&wallet.account, asked, approved, &wallet.policy, at(now)).err()
    };
    let settled = reverse::settle(approved, at(now)).err();
    [
        given_back(GiveBack::Reversal),
        given_back(GiveBack::Refund),
        settled,
    ]
    .map(|refused| refused.map(|refused| refused.reason))
}

#[test]
fn c1b_d25_reversal_refund_and_settlement_in_every_state() {
    let reversed = Some(Reason::AlreadyReversed);
    let settled = Some(Reason::AlreadySettled);
    let declined = Some(Reason::DeclinedOriginal);
    let exceeds = Some(Reason::ExceedsRemaining);
    let unsettled = Some(Reason::NotSettled);
    let before = "2024-01-11 23:59:59.999";
    let after = "2024-01-12 00:00";
    for (given_back, early, now, expected) in [
        ("0.00", false, before, [None, unsettled, None]),
        ("99.99", false, before, [exceeds, unsettled, None]),
        ("100.00", false, before, [reversed, unsettled, reversed]),
        ("0.00", true, before, [settled, None, settled]),
        ("0.00", false, after, [settled, None, settled]),
        ("99.99", false, after, [settled, exceeds, settled]),
        ("100.00", true, after, [settled, reversed, settled]),
    ] {
        let approved = approved(given_back, early);
        let told = refusals(Some(&approved), now);
        assert_eq!(told, expected, "{given_back} {early} {now}");
        assert_eq!(refusals(None, now), [declined; 3], "{now}");
    }
}

/// D25: the second midnight is the border between the two.
#[test]
fn d25_a_refund_follows_settlement_and_a_reversal_comes_before_it() {
    check_from(
        Wallet::verified(),
        "at 2024-01-30 12:00
         pay 250.00 => approved, fee 7.50
         refund => NOT_SETTLED
         reverse 60.00 => reversed, fee 1.80, remaining 190.00
         at 2024-01-31 23:59:59.999
         refund 1.00 => NOT_SETTLED
         at 2024-02-01 00:00:00.000
         reverse 1.00 => ALREADY_SETTLED
         refund 190.01 => EXCEEDS_REMAINING, observed 190.01, remaining 190.00
         refund 90.00 => reversed, fee 2.70, remaining 100.00
         refund => reversed, amount 100.00, fee 3.00, remaining 0.00
         refund => ALREADY_REVERSED
         reverse => ALREADY_SETTLED",
    );
}

/// D13: a refund gives no limit back, in whichever window.
#[test]
fn d13_a_refund_gives_no_limit_back() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved, month 50000.00
         settle payment 1 => settled, amount 6000.00, fee 180.00
         refund payment 1 => reversed, amount 6000.00, fee 180.00, month restored false, year restored false
         look => month 50000.00, year 50000.00
         pay 0.01 => LIMIT_MONTH
         reverse payment 2 => reversed, month restored true
         look => month 44000.00",
    );
}

/// D13: `refund_restores_limit` gives back as a reversal does, to windows that are still open.
#[test]
fn d13_a_refund_that_restores_gives_back_to_the_windows_that_are_open() {
    check_from(
        Wallet::verified(),
        "refunds-restore
         at 2024-01-10 12:00
         pay 1000.00 => approved
         pay 2000.00 => approved
         at 2024-01-12 00:00
         refund 400.00 payment 1 => reversed, month restored true, year restored true
         look => month 2600.00, year 2600.00
         at 2024-02-01 00:00
         pay 30.00 => approved
         refund payment 2 => reversed, amount 2000.00, month restored false, year restored true
         look => month 30.00, year 630.00
         at 2025-01-01 00:00
         refund payment 1 => reversed, amount 600.00, month restored false, year restored false
         look => month 0.00, year 0.00",
    );
}

/// D25: settled early, what was not reversed, and once.
#[test]
fn d25_a_payment_is_settled_early_once_and_refunded_from_then_on() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 250.00 => approved, fee 7.50
         reverse 60.00 => reversed
         settle => settled, amount 190.00, fee 5.70
         settle => ALREADY_SETTLED
         reverse 1.00 => ALREADY_SETTLED
         refund 190.00 => reversed, fee 5.70, remaining 0.00
         settle => ALREADY_SETTLED
         look => month 190.00
         pay 10.00 => approved
         reverse => reversed
         settle => ALREADY_REVERSED
         pay 6000.01 => LIMIT_SINGLE
         settle => DECLINED_ORIGINAL
         refund => DECLINED_ORIGINAL
         pay 5.00 => approved
         at 2024-01-12 00:00
         settle => ALREADY_SETTLED",
    );
}

/// D14: fee over reversals and refunds together.
#[test]
fn d14_no_fen_of_the_fee_is_lost_over_reversals_and_refunds() {
    check_from(
        Wallet::verified(),
        "pay 200.17 => approved, fee 6.01
         reverse 66.72 => fee 2.00
         settle => settled, amount 133.45, fee 4.01
         refund 66.72 => fee 2.01
         refund 66.73 => fee 2.00, remaining 0.00",
    );
}

/// D1, D25: what was refunded had settled; a clock that steps back does not unsettle it.
#[test]
fn d1_d25_a_clock_that_steps_back_after_a_refund_lets_nothing_be_reversed() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 100.00 => approved
         at 2024-01-12 00:01
         refund 10.00 => reversed
         at 2024-01-11 23:56
         reverse 10.00 => ALREADY_SETTLED
         settle => ALREADY_SETTLED
         refund 10.00 => reversed, remaining 80.00
         look => month 100.00",
    );
}

/// D22: a card that is gone is refunded all the same.
#[test]
fn d22_payments_of_an_unbound_card_can_be_refunded() {
    check_from(
        Wallet::verified(),
        "pay 1000.00 => approved, fee 30.00
         unbind => unbound
         settle => settled, amount 1000.00, fee 30.00
         refund 400.00 => reversed, fee 12.00, remaining 600.00",
    );
}
