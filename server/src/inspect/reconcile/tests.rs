use super::super::report;
use super::*;
use waika_domain::card::{IssuerCardReference, Scheme};
use waika_domain::decline::{Decline, DeclineReason};
use waika_domain::event::{
    AdviceTaken, ApprovalCode, Event, GiveBack, IssuerKind, Posted, Reservation, Reversal,
    ReversalDecided, StandIn, StandInReconciled, Transaction, Voided,
};

use waika_domain::identifiers::{IdempotencyKey, MerchantId};

use crate::ledger::round_trip_tests::every_kind_of_event;

fn transaction(id: u128) -> Transaction {
    Transaction {
        id: TransactionId::from_number(id),
        issuer: IssuerKind::Remote,
        scheme: Scheme::Visa,
    }
}

/// 200.17 with a fee of 6.01: 206.18.
fn reservation(id: u128) -> Reservation {
    let held = every_kind_of_event().into_iter().find_map(|event| {
        if let Event::Reserved(reservation) = event {
            Some(*reservation)
        } else {
            None
        }
    });
    Reservation {
        transaction: Some(transaction(id)),
        ..held.unwrap()
    }
}

fn posted(id: u128, stood_in: bool) -> Event {
    Event::Posted(Box::new(Posted {
        reserved_by: Some(1),
        reservation: reservation(id),
        approval_code: ApprovalCode(*b"A1B2C3"),
        stand_in: stood_in.then(|| StandIn {
            reference: IssuerCardReference("0-7".into()),
            key: IdempotencyKey::parse("k").unwrap(),
            merchant: MerchantId::parse("m").ok(),
            code: ApprovalCode(*b"A1B2C3"),
        }),
    }))
}

fn voided(id: u128, reversal_owed: bool) -> Event {
    Event::Voided(Box::new(Voided {
        reserved_by: 1,
        reservation: reservation(id),
        decline: Decline::because(DeclineReason::IssuerUnavailable),
        reversal_owed,
    }))
}

fn given_back(id: u128, principal: i64, fee: i64) -> Event {
    let reversal = every_kind_of_event().into_iter().find_map(|event| {
        if let Event::ReversalDecided(decided) = event {
            decided.outcome.ok()
        } else {
            None
        }
    });
    Event::ReversalDecided(Box::new(ReversalDecided {
        kind: GiveBack::Reversal,
        original: 1,
        previous: 0,
        outcome: Ok(Reversal {
            principal: Fen::new(principal),
            fee: Fen::new(fee),
            transaction: Some(transaction(id)),
            ..reversal.unwrap()
        }),
    }))
}

fn taken(owed_by: u64) -> Event {
    Event::AdviceTaken(AdviceTaken {
        owed_by,
        amount: Fen::ZERO,
    })
}

fn reconciled(original: u64, diverged: Option<DeclineReason>) -> Event {
    Event::StandInReconciled(StandInReconciled {
        original,
        previous: 0,
        principal: Fen::new(20_017),
        diverged,
    })
}

/// The issuer's books: id, approved, given back.
fn books(entries: &[(u128, i64, i64)]) -> HashMap<TransactionId, Theirs> {
    let theirs = |&(id, approved, given_back): &(u128, i64, i64)| {
        let theirs = Theirs {
            approved: Fen::new(approved),
            given_back: Fen::new(given_back),
            is_verification: false,
        };
        (TransactionId::from_number(id), theirs)
    };
    entries.iter().map(theirs).collect()
}

fn compared(events: &[Event], theirs: &[(u128, i64, i64)]) -> Comparison {
    let mut journal = Journal::default();
    for (event, sequence) in events.iter().zip(1..) {
        journal.see(sequence, event);
    }
    compare(journal, &books(theirs))
}

const WHOLE: i64 = 20_618;

/// Events, the issuer's books, and how many differ, are pending and are owed.
type Case = (&'static str, Vec<Event>, Vec<(u128, i64, i64)>, [u64; 3]);

fn held() -> Event {
    Event::Reserved(Box::new(reservation(7)))
}

fn cases() -> Vec<Case> {
    vec![
        ("nothing", vec![], vec![], [0, 0, 0]),
        (
            "an approval",
            vec![held(), posted(7, false)],
            vec![(7, WHOLE, 0)],
            [0, 0, 0],
        ),
        (
            "an approval that the issuer does not know",
            vec![held(), posted(7, false)],
            vec![],
            [1, 0, 0],
        ),
        (
            "of another amount",
            vec![held(), posted(7, false)],
            vec![(7, WHOLE - 1, 0)],
            [1, 0, 0],
        ),
        (
            "a refusal that it approved",
            vec![held(), voided(7, false)],
            vec![(7, WHOLE, 0)],
            [1, 0, 0],
        ),
        (
            "silence, owed",
            vec![held(), voided(7, true)],
            vec![(7, WHOLE, 0)],
            [0, 1, 1],
        ),
        (
            "silence, given back",
            vec![held(), voided(7, true), taken(2)],
            vec![(7, WHOLE, WHOLE)],
            [0, 0, 0],
        ),
        (
            "silence, taken and not given back",
            vec![held(), voided(7, true), taken(2)],
            vec![(7, WHOLE, 0)],
            [1, 0, 0],
        ),
        ("held", vec![held()], vec![(7, WHOLE, 0)], [0, 1, 0]),
        (
            "given back in part",
            vec![
                held(),
                posted(7, false),
                given_back(7, 6_000, 180),
                taken(3),
            ],
            vec![(7, WHOLE, 6_180)],
            [0, 0, 0],
        ),
        (
            "given back, not told yet",
            vec![held(), posted(7, false), given_back(7, 6_000, 180)],
            vec![(7, WHOLE, 0)],
            [0, 1, 1],
        ),
        ("a stranger", vec![], vec![(9, 5, 0), (8, 5, 5)], [1, 0, 0]),
    ]
}

#[test]
fn books_that_agree_and_books_that_do_not() {
    for (name, events, theirs, [differing, pending, owed]) in cases() {
        let found = compared(&events, &theirs);
        assert_eq!(
            (found.differing, found.pending, found.owed),
            (differing, pending, owed),
            "{name}"
        );
        let expected = differing + pending + owed + found.open == 0;
        assert_eq!(found.agrees(), expected, "{name}");
    }
}

#[test]
fn what_happens_while_the_books_are_read_is_no_difference() {
    let mut journal = Journal::default();
    journal.see(1, &held());
    journal.books_were_read = true;
    journal.see(2, &posted(7, false));
    let found = compare(journal, &books(&[]));
    assert_eq!((found.differing, found.pending), (0, 1));
    assert!(!found.agrees());
}

#[test]
fn d17_stand_ins_are_told_apart_by_what_the_issuer_said() {
    let lost = Some(DeclineReason::IssuerLostCard);
    let events = [
        posted(1, true),
        posted(2, true),
        posted(3, true),
        reconciled(1, None),
        reconciled(2, lost),
    ];
    let found = compared(&events, &[(1, WHOLE, 0)]);
    let stand_ins = &found.stand_ins;
    assert_eq!(stand_ins.approved.count, 3);
    assert_eq!(stand_ins.confirmed.count, 1);
    assert_eq!(stand_ins.all_diverged().fen, Fen::new(WHOLE));
    assert_eq!(stand_ins.outstanding().count, 1);
    assert_eq!((found.differing, found.pending, found.owed), (0, 1, 1));
    let told = report::text(&found);
    for expected in [
        "ISSUER_LOST_CARD",
        "1 · 206.18",
        "3 · 618.54",
        "Not settled yet",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let json = report::json(&found);
    assert_eq!(
        json["stand_ins"]["diverged_by_reason"]["ISSUER_LOST_CARD"]["count"],
        1
    );
    assert_eq!(json["agrees"], false);
}

#[test]
fn a_difference_is_told_by_its_names() {
    let found = compared(&[posted(7, false)], &[]);
    let told = report::text(&found);
    let name = TransactionId::from_number(7).to_string();
    for expected in [&*name, "auth_1", "206.18 by Waika's books", "differ in 1"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
