//! What is written is what prost writes.

use prost::Message as _;
use waika_domain::decline::{Decline, DeclineReason, Evidence};
use waika_domain::event::{ApprovalCode, Declined, Event, Funding, PasswordEffect, Scene, Voided};
use waika_domain::receipt::{Receipt, Rung, RungSeen, Verdict};

use super::*;
use crate::ledger::round_trip_tests::{NOW, every_kind_of_event, payment, reservation};

fn approved(reservation: Reservation) -> Event {
    Event::Posted(Box::new(Posted {
        reserved_by: None,
        reservation,
        approval_code: ApprovalCode(*b"A1B2C3"),
        stand_in: None,
    }))
}

fn decline() -> Decline {
    Decline {
        reason: DeclineReason::ALL[0],
        evidence: Evidence::None,
    }
}

/// Of each kind, and with every field that may be absent once there and once not.
fn events() -> Vec<Event> {
    let from_balance = Reservation {
        payment: Payment {
            funding: Funding::Balance,
            merchant: None,
            scene: Scene::Transfer,
            ..payment()
        },
        fee: Fen::ZERO,
        balance_left: Some(Fen::ZERO),
        ..reservation()
    };
    let long_names = Reservation {
        payment: Payment {
            merchant: MerchantId::parse(&"m".repeat(64)).ok(),
            ..payment()
        },
        policy: "p".repeat(200).into(),
        balance_left: Some(Fen::new(1)),
        ..reservation()
    };
    let rungs = [Verdict::Passed, Verdict::Rejected, Verdict::Skipped].map(|verdict| RungSeen {
        rung: Rung::Password,
        verdict,
        evidence: Evidence::None,
    });
    let with_receipt = Reservation {
        receipt: Some(Box::new(Receipt {
            rungs: rungs.to_vec(),
        })),
        ..reservation()
    };
    let mut events = vec![
        approved(reservation()),
        approved(from_balance),
        approved(long_names),
        approved(with_receipt),
        Event::Declined(Box::new(Declined {
            payment: payment(),
            decline: decline(),
            password: PasswordEffect::Untouched,
            policy: "weixin-2023".into(),
            spent: None,
            receipt: None,
        })),
        Event::Voided(Box::new(Voided {
            reserved_by: 3,
            reservation: reservation(),
            decline: decline(),
            reversal_owed: true,
        })),
    ];
    let decided = |event: &Event| event.decision().is_some();
    events.extend(every_kind_of_event().into_iter().filter(decided));
    events
}

fn told(event: Event, account: Option<&str>, (replayed, all): (bool, bool)) -> Told {
    let telling = Telling {
        want_receipt: all,
        stopwatch: None,
    };
    let answered = Answered {
        sequence: 7,
        at: NOW,
        event,
        replayed,
    };
    let account = account.map(|account| AccountId::parse(account).unwrap());
    telling.tell(account, answered).unwrap()
}

#[test]
fn the_bytes_are_those_of_the_message() {
    let long = "a".repeat(64);
    for event in events() {
        for account in [None, Some("a"), Some(&*long)] {
            for given in [(false, false), (true, false), (false, true)] {
                let told = told(event.clone(), account, given);
                let expected = told.message().unwrap();
                let mut written = Vec::new();
                told.write(&mut Wire::new(&mut written));
                let read = v1::AuthoriseResponse::decode(&*written).unwrap();
                assert_eq!(read, expected);
                assert_eq!(written.len(), expected.encoded_len(), "{expected:?}");
            }
        }
    }
}

#[test]
fn what_was_measured_is_told_where_it_was_asked_for() {
    let mut told = told(approved(reservation()), Some("a"), (false, false));
    told.telling.stopwatch = Some(Arc::new(Stopwatch::begin()));
    let mut written = Vec::new();
    told.write(&mut Wire::new(&mut written));
    let read = v1::AuthoriseResponse::decode(&*written).unwrap();
    assert!(read.timing.is_some_and(|timing| timing.total_ns > 0));
}
