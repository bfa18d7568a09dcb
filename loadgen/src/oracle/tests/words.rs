//! Single answers, each wrong in one thing.

use std::borrow::Cow;

use waika::v1::DeclineReason;

use super::super::finding::Promise;
use super::super::*;

/// 15 June 2024 in Shanghai.
const NOW_S: i64 = 1_718_400_000;

/// 30,000.00 yuan used of the month and of the year.
fn oracle() -> Oracle {
    let baseline = Baseline {
        month: Month::at(NOW_S),
        month_used_fen: 3_000_000,
        year_used_fen: 3_000_000,
        cards: 1,
        locked: false,
    };
    Oracle::new(&[baseline], Terms::GUIDE, KeyMemory::Recent(16))
}

fn payment(amount_fen: u64, wrong_password: bool) -> Asked {
    Asked {
        index: 1,
        key: 1,
        account: 0,
        what: What::Authorise {
            amount_fen,
            wrong_password,
            by_code: false,
        },
    }
}

/// The only right answer to 250.00 yuan.
fn approval() -> Decision {
    let month = Month::at(NOW_S);
    let window = |limit_fen, ends_at_s| Window {
        limit_fen,
        used_fen: 3_025_000,
        remaining_fen: limit_fen - 3_025_000,
        ends_at_s,
    };
    Decision {
        replayed: false,
        approved: true,
        reason: 0,
        amount_fen: 25_000,
        fee_fen: 750,
        total_fen: 25_750,
        decided_at_s: NOW_S,
        id_hash: 7,
        body_hash: 9,
        month: window(5_000_000, month.next().start_s()),
        year: window(6_000_000, month.year_end_s()),
        is_for: true,
    }
}

fn decline(reason: DeclineReason, amount_fen: i64) -> Decision {
    Decision {
        approved: false,
        reason: reason.into(),
        amount_fen,
        fee_fen: 0,
        total_fen: 0,
        month: Window::default(),
        year: Window::default(),
        ..approval()
    }
}

/// What is blamed of the one answer to one payment.
fn blamed(asked: &Asked, decision: Decision) -> Vec<Cow<'static, str>> {
    let oracle = oracle();
    let stamp = oracle.sending(asked);
    oracle.told(asked, stamp, &Told::Decision(decision));
    let found = oracle.violations();
    found
        .iter()
        .map(|violation| violation.promise.clone())
        .collect()
}

#[test]
fn an_approval_is_right_in_every_figure() {
    let check = |change: &dyn Fn(&mut Decision), expected: &[Promise]| {
        let mut decision = approval();
        change(&mut decision);
        let expected: Vec<_> = expected.iter().map(|promise| promise.label()).collect();
        assert_eq!(blamed(&payment(25_000, false), decision), expected);
    };
    check(&|_| {}, &[]);
    check(&|told| told.is_for = false, &[Promise::AsAsked]);
    check(&|told| told.fee_fen += 1, &[Promise::Fee]);
    check(&|told| told.fee_fen -= 1, &[Promise::Fee]);
    check(&|told| told.total_fen += 1, &[Promise::Total]);
    check(&|told| told.month.limit_fen += 1, &[Promise::Limit]);
    check(&|told| told.year.remaining_fen += 1, &[Promise::Remaining]);
    check(
        &|told| {
            told.month.used_fen += 1;
            told.month.remaining_fen -= 1;
        },
        &[Promise::MonthUsed],
    );
    check(
        &|told| {
            told.year.used_fen -= 1;
            told.year.remaining_fen += 1;
        },
        &[Promise::YearUsed],
    );
    check(
        &|told| {
            told.month.used_fen = 5_000_001;
            told.month.remaining_fen = 0;
        },
        &[Promise::WithinLimit, Promise::MonthUsed],
    );
    check(
        &|told| told.month.ends_at_s += 3_600,
        &[Promise::Period, Promise::Period, Promise::MonthUsed],
    );
    check(&|told| told.decided_at_s += 40 * 86_400, &[Promise::Period]);
}

#[test]
fn r63_a_payment_above_six_thousand_yuan_is_not_approved() {
    let decision = Decision {
        amount_fen: 600_001,
        fee_fen: 18_000,
        total_fen: 618_001,
        ..approval()
    };
    let promises = blamed(&payment(600_001, false), decision);
    assert!(
        promises
            .iter()
            .any(|promise| promise == Promise::Single.label()),
        "{promises:?}"
    );
}

#[test]
fn a_decline_has_a_reason_that_applies() {
    let check = |amount_fen: u64, wrong, reason, expected: &[Promise]| {
        let decision = decline(reason, amount_fen.cast_signed());
        let expected: Vec<_> = expected.iter().map(|promise| promise.label()).collect();
        let told = blamed(&payment(amount_fen, wrong), decision);
        assert_eq!(told, expected, "{reason:?} for {amount_fen} fen");
    };
    check(
        600_000,
        false,
        DeclineReason::LimitMonth,
        &[Promise::DeclineFits],
    );
    check(
        600_000,
        false,
        DeclineReason::LimitYear,
        &[Promise::DeclineFits],
    );
    check(600_001, false, DeclineReason::LimitSingle, &[]);
    check(
        600_000,
        false,
        DeclineReason::LimitSingle,
        &[Promise::DeclineFits],
    );
    check(
        700_000,
        false,
        DeclineReason::IssuerLostCard,
        &[Promise::LimitOrder],
    );
    check(1, false, DeclineReason::PasswordWrong, &[Promise::Password]);
    check(1, true, DeclineReason::PasswordWrong, &[]);
    check(1, true, DeclineReason::PasswordLocked, &[]);
    check(
        1,
        false,
        DeclineReason::PasswordLocked,
        &[Promise::Password],
    );
    check(1, true, DeclineReason::IssuerLostCard, &[Promise::Password]);
    check(1, true, DeclineReason::NotRolledOut, &[]);
    check(1, false, DeclineReason::CardNotBound, &[Promise::CardBound]);
    check(1, false, DeclineReason::IssuerDoNotHonour, &[]);
    check(1, false, DeclineReason::MerchantNotEnabled, &[]);
}

/// The limit is met to the fen: what fits is not declined, and what does not is.
#[test]
fn r64_a_limit_declines_from_the_first_fen_that_does_not_fit() {
    let baseline = Baseline {
        month: Month::at(NOW_S),
        month_used_fen: 4_999_000,
        year_used_fen: 4_999_000,
        cards: 1,
        locked: false,
    };
    let check = |amount_fen: u64, reason: DeclineReason, expected: &[Promise]| {
        let oracle = Oracle::new(&[baseline], Terms::GUIDE, KeyMemory::Nothing);
        let asked = payment(amount_fen, false);
        let stamp = oracle.sending(&asked);
        let told = Told::Decision(decline(reason, amount_fen.cast_signed()));
        oracle.told(&asked, stamp, &told);
        let found = oracle.violations();
        let found: Vec<_> = found
            .iter()
            .map(|violation| violation.promise.clone())
            .collect();
        let expected: Vec<_> = expected.iter().map(|promise| promise.label()).collect();
        assert_eq!(found, expected, "{reason:?} for {amount_fen} fen");
    };
    check(1_001, DeclineReason::LimitMonth, &[]);
    check(1_000, DeclineReason::LimitMonth, &[Promise::DeclineFits]);
    let both = [Promise::DeclineFits, Promise::LimitOrder];
    check(1_001, DeclineReason::LimitYear, &both);
}

/// D13: a reversal on 1 July of a payment of 15 June gives nothing back to July.
#[test]
fn d13_room_goes_back_to_the_windows_that_are_open() {
    let original = approval().as_original();
    let july_s = Month::at(NOW_S).next().start_s() + 3_600;
    let check = |decided_at_s, month_restored, year_restored, expected: &[Promise]| {
        let oracle = oracle();
        let asked = Asked {
            what: What::Reverse {
                back_fen: 0,
                original: Original {
                    decided_at_s: decided_at_s - 7_200,
                    ..original
                },
            },
            ..payment(1, false)
        };
        let stamp = oracle.sending(&asked);
        let told = Reversed {
            replayed: false,
            amount_fen: 25_000,
            fee_fen: 750,
            total_fen: 25_750,
            remaining_fen: 0,
            month_restored,
            year_restored,
            decided_at_s,
        };
        oracle.told(&asked, stamp, &Told::Reversed(told));
        let found = oracle.violations();
        let found: Vec<_> = found
            .iter()
            .map(|violation| violation.promise.clone())
            .collect();
        let expected: Vec<_> = expected.iter().map(|promise| promise.label()).collect();
        assert_eq!(found, expected, "{month_restored} {year_restored}");
    };
    check(NOW_S, true, true, &[]);
    check(NOW_S, false, true, &[Promise::Restored]);
    check(NOW_S, true, false, &[Promise::Restored]);
    check(july_s, false, true, &[]);
    check(july_s, true, true, &[Promise::Restored]);
    check(july_s, false, false, &[Promise::Restored]);
}

#[test]
fn d25_a_reversal_is_refused_only_after_its_payment_has_settled() {
    let original = approval().as_original();
    let check = |reason: i32, decided_at_s, expected: usize| {
        let oracle = oracle();
        let asked = Asked {
            what: What::Reverse {
                back_fen: 1,
                original,
            },
            ..payment(1, false)
        };
        let stamp = oracle.sending(&asked);
        let refusal = Refusal {
            reason,
            decided_at_s,
        };
        oracle.told(&asked, stamp, &Told::Refused(refusal));
        assert_eq!(oracle.violations().len(), expected, "{reason}");
    };
    check(1, NOW_S, 1);
    check(1, NOW_S + 3 * 86_400, 0);
    for other in [2, 3, 4, 5, 99] {
        check(other, NOW_S + 3 * 86_400, 1);
    }
}

#[test]
fn an_answer_to_another_question_leaves_the_call_unknown() {
    let oracle = oracle();
    let asked = payment(25_000, false);
    let stamp = oracle.sending(&asked);
    oracle.told(&asked, stamp, &Told::Done);
    assert_eq!(oracle.tally().unknown, 1);
    assert_eq!(oracle.unknowns.lock().take().len(), 1);
}

#[test]
fn an_error_that_wrote_nothing_leaves_nothing_open() {
    let oracle = oracle();
    let asked = payment(25_000, false);
    let stamp = oracle.sending(&asked);
    oracle.told(&asked, stamp, &Told::NotDone);
    let next = Asked {
        index: 2,
        key: 2,
        ..asked
    };
    let stamp = oracle.sending(&next);
    oracle.told(&next, stamp, &Told::Decision(approval()));
    assert_eq!(oracle.violations(), []);
    assert_eq!(oracle.tally().not_done, 1);
}
