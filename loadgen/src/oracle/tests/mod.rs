//! An exact server is never blamed, whatever the order of things; one that lies always is.

mod history;
mod lie;
mod server;
mod words;

use history::{Ended, Tale, play};
use lie::Lie;

use super::finding::Promise;
use super::*;

/// Two hours before the end of January 2024 in Shanghai.
const NEAR_THE_END_OF_JANUARY_S: i64 = 1_706_709_600;

/// Two hours before the end of 2024 in Shanghai.
const NEAR_THE_END_OF_THE_YEAR_S: i64 = 1_735_653_600;

/// In the middle of June 2024.
const IN_JUNE_S: i64 = 1_718_400_000;

fn tale(seed: u64) -> Tale {
    Tale {
        seed,
        open: 12,
        calls: 600,
        accounts: 3,
        dearest_fen: 60_000,
        lost: 0,
        begins_s: IN_JUNE_S,
        pause_s: 30,
        keys: KeyMemory::Recent(1_024),
        lie: None,
    }
}

/// Plays so many histories of a kind, and finds nothing wrong in any.
fn never_blames(seeds: u64, of: impl Fn(u64) -> Tale) {
    for seed in 0..seeds {
        let tale = of(seed);
        let Ended {
            oracle, unproven, ..
        } = play(tale);
        assert_eq!(oracle.violations(), [], "{tale:?}");
        assert_eq!(oracle.violation_count(), 0, "{tale:?}");
        assert_eq!(unproven, 0, "{tale:?}");
        assert!(oracle.tally().approvals > 20, "{tale:?}");
    }
}

#[test]
fn an_exact_server_is_not_blamed_in_sequence() {
    never_blames(30, |seed| Tale {
        open: 1,
        ..tale(seed)
    });
}

#[test]
fn an_exact_server_is_not_blamed_when_calls_overlap() {
    never_blames(50, tale);
    never_blames(25, |seed| Tale {
        open: 100,
        accounts: 1,
        ..tale(seed)
    });
}

#[test]
fn an_exact_server_is_not_blamed_at_its_limits() {
    never_blames(50, |seed| Tale {
        dearest_fen: 620_000,
        ..tale(seed)
    });
}

#[test]
fn an_exact_server_is_not_blamed_over_a_month_s_end() {
    for begins_s in [NEAR_THE_END_OF_JANUARY_S, NEAR_THE_END_OF_THE_YEAR_S] {
        for dearest_fen in [60_000, 620_000] {
            never_blames(40, |seed| Tale {
                begins_s,
                dearest_fen,
                pause_s: 120,
                ..tale(seed)
            });
        }
    }
}

#[test]
fn an_exact_server_is_not_blamed_over_days_and_months() {
    never_blames(40, |seed| Tale {
        begins_s: NEAR_THE_END_OF_JANUARY_S,
        pause_s: 20_000,
        ..tale(seed)
    });
}

#[test]
fn an_exact_server_is_not_blamed_for_answers_that_are_lost() {
    for keys in [
        KeyMemory::Recent(1_024),
        KeyMemory::Recent(8),
        KeyMemory::Nothing,
    ] {
        never_blames(50, |seed| Tale {
            lost: 5_000,
            keys,
            begins_s: NEAR_THE_END_OF_JANUARY_S,
            pause_s: 120,
            ..tale(seed)
        });
    }
}

#[test]
fn an_exact_server_is_not_blamed_in_a_storm_of_retries() {
    never_blames(40, |seed| Tale {
        keys: KeyMemory::All(600),
        lost: 2_000,
        ..tale(seed)
    });
}

#[test]
fn every_lie_is_found() {
    let check = |lie: Lie, by: Promise| {
        let mut histories = 0;
        for seed in 0..25 {
            let tale = Tale {
                lie: Some(lie),
                begins_s: NEAR_THE_END_OF_JANUARY_S,
                pause_s: 240,
                ..tale(seed)
            };
            let Ended { oracle, lies, .. } = play(tale);
            if lies == 0 {
                assert_eq!(oracle.violations(), [], "{tale:?}");
                continue;
            }
            histories += 1;
            assert!(oracle.violation_count() > 0, "{lies} lies unseen: {tale:?}");
            let found = oracle.violations();
            assert!(
                found
                    .iter()
                    .any(|violation| violation.promise == by.label()),
                "{tale:?}: {found:?}"
            );
        }
        assert!(histories > 6, "{lie:?} was told in {histories} histories");
    };
    check(Lie::ForgottenReservation, Promise::YearUsed);
    check(Lie::ReplayCounted, Promise::YearUsed);
    check(Lie::WrongMonth, Promise::MonthUsed);
    check(Lie::WrongMonthTold, Promise::Restored);
    check(Lie::Fee, Promise::Fee);
    check(Lie::FeeBack, Promise::FeeBack);
    check(Lie::Lost, Promise::Listed);
    check(Lie::Twice, Promise::Listed);
    check(Lie::OtherBody, Promise::SameAnswer);
    check(Lie::SecondEffect, Promise::OneEffect);
    check(Lie::EarlyDecline, Promise::DeclineFits);
    check(Lie::FourthCard, Promise::Cards);
    check(Lie::RefundRestores, Promise::Restored);
    check(Lie::Password, Promise::Password);
}

#[test]
fn a_book_takes_about_a_hundred_bytes() {
    assert!(
        size_of::<Mutex<Book>>() <= 104,
        "{}",
        size_of::<Mutex<Book>>()
    );
    assert!(size_of::<Stamp>() <= 24, "{}", size_of::<Stamp>());
}
