//! What settles on which day, and for how much (D25).

use waika_domain::decline::{Decline, DeclineReason};
use waika_domain::event::Funding;
use waika_domain::event::{Declined, Event, GiveBack, PasswordEffect, Payment, PaymentMode, Scene};
use waika_domain::identifiers::AuthorisationId;
use waika_domain::money::Amount;
use waika_domain::period::Timestamp;

use super::testing::{Journal, at, merchant};
use super::{LineKind, NotFound, Statement};

const LATER: Timestamp = Timestamp::from_unix_ms(2_000_000_000_000);

enum Step {
    Pay(&'static str, &'static str, i64),
    /// A transfer, which has no merchant.
    Transfer(&'static str, i64),
    /// Of the entry of that sequence; None for all that remains.
    Reverse(&'static str, u64, Option<i64>),
    Refund(&'static str, u64, Option<i64>),
    Settle(&'static str, u64),
}
use Step::{Pay, Refund, Reverse, Settle, Transfer};

/// Every step must be allowed by the rules.
fn journal(steps: &[Step]) -> Journal {
    let mut journal = Journal::default();
    for step in steps {
        match *step {
            Pay(when, to, fen) => drop(journal.pay(at(when), Some(to), fen)),
            Transfer(when, fen) => drop(journal.pay(at(when), None, fen)),
            Reverse(when, original, fen) => {
                let given = journal.give_back(GiveBack::Reversal, original, at(when), fen);
                assert!(given.is_some(), "reverse {original} at {when}");
            }
            Refund(when, original, fen) => {
                let given = journal.give_back(GiveBack::Refund, original, at(when), fen);
                assert!(given.is_some(), "refund {original} at {when}");
            }
            Settle(when, original) => assert!(journal.settle(original, at(when)), "{original}"),
        }
    }
    journal
}

/// A line: merchant, what it is about, the payment's sequence, principal and fee.
type Shown<'a> = (&'a str, LineKind, u64, i64, i64);

fn shown(statement: &Statement) -> Vec<Shown<'_>> {
    let lines = statement.lines.iter();
    lines
        .map(|line| {
            let sequence = line.authorisation.sequence();
            let sums = (line.principal_fen, line.fee_fen);
            (line.merchant.as_str(), line.kind, sequence, sums.0, sums.1)
        })
        .collect()
}

/// The lines of each day must be these, and the totals must add them up.
fn check(steps: &[Step], days: &[(&str, &[Shown<'_>])]) {
    let journal = journal(steps);
    for (day, expected) in days {
        let statement = journal.statement(day, None, LATER);
        assert_eq!(shown(&statement), *expected, "{day}");
        assert_eq!(statement.day.to_string(), *day);
        for total in &statement.totals {
            let lines = expected
                .iter()
                .filter(|line| *line.0 == *total.merchant.as_str());
            let of = |kind| lines.clone().filter(move |line| line.1 == kind).count() as u64;
            let counts = (of(LineKind::Settlement), of(LineKind::Refund));
            assert_eq!((total.settlements, total.refunds), counts, "{day}");
            let principal: i64 = lines.clone().map(|line| line.3).sum();
            let fee: i64 = lines.map(|line| line.4).sum();
            assert_eq!((total.principal_fen, total.fee_fen), (principal, fee));
            assert_eq!(total.total_fen(), principal + fee);
        }
    }
}

const SETTLEMENT: LineKind = LineKind::Settlement;
const REFUND: LineKind = LineKind::Refund;

#[test]
fn d25_a_payment_settles_at_the_second_midnight_in_shanghai() {
    check(
        &[
            Pay("2024-01-31 00:00:00.000", "m", 25_000),
            Pay("2024-01-31 23:59:59.999", "m", 100),
            Pay("2024-02-01 00:00:00.000", "m", 200),
        ],
        &[
            ("2024-01-31", &[]),
            ("2024-02-01", &[]),
            (
                "2024-02-02",
                &[
                    ("m", SETTLEMENT, 1, 25_000, 750),
                    ("m", SETTLEMENT, 2, 100, 0),
                ],
            ),
            ("2024-02-03", &[("m", SETTLEMENT, 3, 200, 0)]),
            ("2024-02-04", &[]),
        ],
    );
}

#[test]
fn d13_d14_what_was_reversed_before_is_taken_off() {
    check(
        &[
            Pay("2024-01-31 12:00:00.000", "m", 25_000),
            Reverse("2024-01-31 13:00:00.000", 1, Some(6_000)),
            Reverse("2024-02-01 23:59:59.999", 1, Some(1_000)),
        ],
        &[
            ("2024-01-31", &[]),
            ("2024-02-01", &[]),
            ("2024-02-02", &[("m", SETTLEMENT, 1, 18_000, 540)]),
        ],
    );
}

#[test]
fn d25_a_payment_reversed_in_full_never_settles() {
    check(
        &[
            Pay("2024-01-31 12:00:00.000", "m", 25_000),
            Reverse("2024-01-31 13:00:00.000", 1, Some(6_000)),
            Reverse("2024-02-01 23:59:59.999", 1, None),
        ],
        &[
            ("2024-02-01", &[]),
            ("2024-02-02", &[]),
            ("2024-02-03", &[]),
        ],
    );
}

#[test]
fn d13_a_refund_is_a_line_of_its_own_day() {
    check(
        &[
            Pay("2024-01-31 12:00:00.000", "m", 25_000),
            Reverse("2024-01-31 13:00:00.000", 1, Some(6_000)),
            Refund("2024-02-02 00:00:00.000", 1, Some(1_000)),
            Refund("2024-02-02 23:59:59.999", 1, Some(2_000)),
            Refund("2024-02-03 00:00:00.000", 1, Some(3_000)),
            Refund("2024-06-01 09:00:00.000", 1, None),
        ],
        &[
            (
                "2024-02-02",
                &[
                    ("m", SETTLEMENT, 1, 19_000, 570),
                    ("m", REFUND, 1, -1_000, -30),
                    ("m", REFUND, 1, -2_000, -60),
                ],
            ),
            ("2024-02-03", &[("m", REFUND, 1, -3_000, -90)]),
            ("2024-06-01", &[("m", REFUND, 1, -13_000, -390)]),
        ],
    );
}

#[test]
fn d25_a_payment_settled_early_settles_on_that_day_and_no_other() {
    check(
        &[
            Pay("2024-01-31 12:00:00.000", "m", 25_000),
            Reverse("2024-01-31 13:00:00.000", 1, Some(6_000)),
            Settle("2024-01-31 23:59:59.999", 1),
            Pay("2024-01-31 23:59:59.999", "m", 100),
            Settle("2024-02-01 00:00:00.000", 4),
            Refund("2024-02-01 00:00:00.000", 1, None),
        ],
        &[
            ("2024-01-31", &[("m", SETTLEMENT, 1, 19_000, 570)]),
            (
                "2024-02-01",
                &[
                    ("m", SETTLEMENT, 4, 100, 0),
                    ("m", REFUND, 1, -19_000, -570),
                ],
            ),
            ("2024-02-02", &[]),
        ],
    );
    let early = journal(&[
        Pay("2024-01-31 12:00:00.000", "m", 100),
        Settle("2024-01-31 12:30:00.000", 1),
    ]);
    let line = early.statement("2024-01-31", None, LATER).lines.remove(0);
    assert_eq!(line.authorised_at, at("2024-01-31 12:00:00.000"));
    assert_eq!(line.settled_at, at("2024-01-31 12:30:00.000"));
}

#[test]
fn lines_stand_merchant_after_merchant_and_transfers_are_left_out() {
    let steps = [
        Pay("2024-01-31 08:00:00.000", "tea", 100),
        Pay("2024-01-31 09:00:00.000", "noodles", 30_000),
        Transfer("2024-01-31 10:00:00.000", 5_000),
        Pay("2024-01-31 11:00:00.000", "tea", 200),
        Pay("2024-01-31 12:00:00.000", "noodles", 300),
        Settle("2024-01-31 13:00:00.000", 3),
        Refund("2024-02-02 00:00:00.000", 3, None),
        Refund("2024-02-02 00:00:00.000", 2, Some(10_000)),
    ];
    let noodles = [
        ("noodles", SETTLEMENT, 2, 30_000, 900),
        ("noodles", SETTLEMENT, 5, 300, 0),
        ("noodles", REFUND, 2, -10_000, -300),
    ];
    let tea = [
        ("tea", SETTLEMENT, 1, 100, 0),
        ("tea", SETTLEMENT, 4, 200, 0),
    ];
    let all: Vec<_> = noodles.iter().chain(&tea).copied().collect();
    check(&steps, &[("2024-01-31", &[]), ("2024-02-02", &all)]);
    let journal = journal(&steps);
    for (name, expected) in [("noodles", &noodles[..]), ("tea", &tea), ("nobody", &[])] {
        let statement = journal.statement("2024-02-02", Some(name), LATER);
        assert_eq!(shown(&statement), expected);
        let named = |total: &super::Total| total.merchant == merchant(name);
        assert!(statement.totals.iter().all(named));
        assert_eq!(statement.totals.is_empty(), expected.is_empty());
    }
}

#[test]
fn d25_what_has_not_settled_yet_is_left_out() {
    let journal = journal(&[
        Pay("2024-01-31 12:00:00.000", "m", 100),
        Pay("2024-02-01 12:00:00.000", "m", 200),
        Settle("2024-02-02 08:00:00.000", 2),
    ]);
    for (now, expected) in [
        ("2024-02-01 23:59:59.999", 0),
        ("2024-02-02 00:00:00.000", 1),
        ("2024-02-02 08:00:00.000", 2),
    ] {
        let statement = journal.statement("2024-02-02", None, at(now));
        assert_eq!(statement.lines.len(), expected, "{now}");
    }
}

#[test]
fn what_was_declined_or_refused_settles_nothing() {
    let mut journal = Journal::default();
    let declined = Declined {
        payment: Payment {
            funding: Funding::Unknown,
            merchant: Some(merchant("m")),
            amount: Amount::from_fen(100).unwrap(),
            scene: Scene::Purchase,
            mode: PaymentMode::PaymentCode,
            code: None,
        },
        decline: Decline::because(DeclineReason::PaymentCodeInvalid),
        password: PasswordEffect::Untouched,
        spent: None,
        policy: "p".into(),
        receipt: None,
    };
    let (day, noon) = (at("2024-02-02"), at("2024-02-02 12:00:00.000"));
    let declined = journal.write(at("2024-01-31"), Event::Declined(Box::new(declined)));
    assert!(!journal.settle(declined, noon));
    let none = journal.give_back(GiveBack::Refund, declined, noon, None);
    assert_eq!(none, None);
    let paid = journal.pay(day, Some("m"), 100);
    let none = journal.give_back(GiveBack::Refund, paid, noon, None);
    assert_eq!(none, None, "not settled yet");
    let gathered = journal.gather("2024-02-02", None);
    assert!(gathered.missing().is_empty());
    assert_eq!(shown(&gathered.finish(LATER).unwrap()), []);
}

#[test]
fn a_payment_of_long_before_is_looked_up_or_an_error() {
    let journal = journal(&[
        Pay("2024-01-01 12:00:00.000", "m", 100),
        Pay("2024-01-01 12:00:00.000", "m", 200),
        Pay("2024-05-30 12:00:00.000", "m", 300),
        Refund("2024-06-01 09:00:00.000", 2, None),
        Refund("2024-06-01 09:00:00.000", 3, None),
    ]);
    let gathered = journal.gather("2024-06-01", None);
    assert_eq!(gathered.missing().into_iter().collect::<Vec<_>>(), [2]);
    assert_eq!(gathered.finish(LATER), Err(NotFound { sequence: 2 }));
    let statement = journal.statement("2024-06-01", None, LATER);
    let looked_up = statement.lines[0].authorisation;
    assert_eq!(statement.lines.len(), 3);
    assert_eq!(looked_up, AuthorisationId::from_sequence(3));
}
