//! What is written is what prost writes.

use prost::Message as _;
use waika_domain::decline::{Decline, DeclineReason, Evidence};
use waika_domain::event::{
    ApprovalCode, Declined, Event, Funding, PasswordEffect, PaymentMode, Scene, Voided, Windows,
};
use waika_domain::identifiers::CardToken;
use waika_domain::money::Amount;
use waika_domain::period::{Month, Year};
use waika_domain::receipt::{Receipt, Rung, RungSeen, Verdict};

use super::*;

const AT: Timestamp = Timestamp::from_unix_ms(1_700_000_000_123);

fn payment() -> Payment {
    Payment {
        funding: Funding::Card(CardToken::from_bits(u64::MAX)),
        merchant: MerchantId::parse("m").ok(),
        amount: Amount::from_fen(20_017).unwrap(),
        scene: Scene::Purchase,
        mode: PaymentMode::MerchantQr,
        code: None,
    }
}

fn reservation() -> Reservation {
    Reservation {
        payment: payment(),
        fee: Fen::new(601),
        month: Month::from_civil(2024, 2),
        year: Year::from_number(2024),
        windows: Windows {
            month_limit: Fen::new(5_000_000),
            month_used: Fen::new(20_017),
            year_limit: Fen::new(6_000_000),
            year_used: Fen::new(40_034),
        },
        balance_left: None,
        settles_at: AT,
        password: PasswordEffect::Matched,
        spent: None,
        policy: "weixin-2023".into(),
        receipt: None,
        transaction: None,
    }
}

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
    vec![
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
    ]
}

fn told(event: Event, account: Option<&str>, (replayed, all): (bool, bool)) -> Told {
    let telling = Telling {
        want_receipt: all,
        stopwatch: None,
    };
    let answered = Answered {
        sequence: 7,
        at: AT,
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
