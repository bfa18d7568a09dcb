//! Each fault does what its name says, to the keys that meet it and to no other.

use std::sync::Arc;

use waika_domain::event::{
    ApprovalCode, Funding, PasswordEffect, Payment, PaymentMode, Posted, Reservation, Reversal,
    ReversalDecided, Scene, WalletRegion, Windows,
};
use waika_domain::identifiers::CardToken;
use waika_domain::money::{Amount, Fen};
use waika_domain::period::{Month, Timestamp, Year};

use super::*;
use crate::ledger::Rpc;
use crate::ledger::decode::{StoredBody, StoredCall};
use crate::ledger::journal::disk::{Faults, SimulatedDisk};

const YEAR: Year = Year::from_number(2024);

fn key(number: u32) -> IdempotencyKey {
    IdempotencyKey::parse(&format!("key-{number}")).unwrap()
}

fn fault(kind: FaultKind, one_in: u64) -> PlantedFault {
    let one_in = NonZeroU64::new(one_in).unwrap();
    PlantedFault {
        kind,
        one_in,
        nanoseconds: 0,
    }
}

fn month(number: u8) -> Month {
    Month::from_civil(2024, number)
}

fn usage(of: u8, in_month: i64, in_year: i64) -> Usage {
    Usage {
        month: month(of),
        in_month: Fen::new(in_month),
        year: YEAR,
        in_year: Fen::new(in_year),
    }
}

/// A payment of 100 fen in February.
fn payment(funding: Funding) -> Event {
    let nothing = Windows {
        month_limit: Fen::ZERO,
        month_used: Fen::ZERO,
        year_limit: Fen::ZERO,
        year_used: Fen::ZERO,
    };
    Event::Posted(Box::new(Posted {
        reserved_by: None,
        reservation: Reservation {
            payment: Payment {
                funding,
                merchant: None,
                amount: Amount::from_fen(100).unwrap(),
                scene: Scene::Purchase,
                mode: PaymentMode::OnlineApp,
                code: None,
            },
            fee: Fen::ZERO,
            month: month(2),
            year: YEAR,
            windows: nothing,
            balance_left: (funding == Funding::Balance).then_some(Fen::ZERO),
            settles_at: month(3).end(),
            password: PasswordEffect::Matched,
            spent: None,
            policy: "weixin-2023".into(),
            receipt: None,
            transaction: None,
        },
        approval_code: ApprovalCode(*b"A1B2C3"),
        stand_in: None,
    }))
}

fn card() -> Event {
    payment(Funding::Card(CardToken::from_bits(1)))
}

/// A reversal of 100 fen that were counted in January.
fn reversal(month_restored: bool) -> Event {
    Event::ReversalDecided(Box::new(ReversalDecided {
        kind: GiveBack::Reversal,
        original: 7,
        previous: 0,
        outcome: Ok(Reversal {
            principal: Fen::new(100),
            fee: Fen::ZERO,
            remaining: Fen::ZERO,
            month: month(1),
            year: YEAR,
            month_restored,
            year_restored: true,
            balance_left: None,
            transaction: None,
        }),
    }))
}

#[test]
fn each_fault_changes_what_it_is_named_for_and_nothing_else() {
    use FaultKind::{ForgottenReservation, LostAuthorisation, ReplayCounted, Slow, WrongMonth};
    let check = |event: &Event, before: Usage, of: &[(FaultKind, Usage, Usage)]| {
        for &(kind, after, after_replay) in of {
            let fault = fault(kind, 1);
            assert_eq!(fault.after(event, &key(1), before), after, "{kind:?}");
            let replayed = fault.after_replay(event, &key(1), before);
            assert_eq!(replayed, after_replay, "{kind:?} after a replay");
        }
    };
    let same = usage(2, 300, 500);
    check(
        &card(),
        same,
        &[
            (ForgottenReservation, usage(2, 200, 400), same),
            (ReplayCounted, same, usage(2, 400, 600)),
            (WrongMonth, same, same),
            (LostAuthorisation, same, same),
            (Slow, same, same),
        ],
    );
    let unmoved = |event: &Event, before: Usage| {
        check(
            event,
            before,
            &FaultKind::ALL.map(|kind| (kind, before, before)),
        );
    };
    unmoved(&payment(Funding::Balance), same);
    unmoved(&reversal(true), usage(1, 300, 500));
    check(
        &reversal(false),
        same,
        &[
            (ForgottenReservation, same, same),
            (ReplayCounted, same, same),
            (WrongMonth, usage(2, 200, 500), same),
            (LostAuthorisation, same, same),
        ],
    );
}

#[test]
fn only_some_keys_meet_a_fault_and_they_are_always_the_same() {
    let kind = FaultKind::ForgottenReservation;
    let met = |one_in: u64| -> Vec<u32> {
        let fault = fault(kind, one_in);
        let met = (0..10_000).filter(|&number| fault.is_met_by(kind, &key(number)));
        met.collect()
    };
    assert_eq!(met(1).len(), 10_000);
    let some = met(100);
    assert!((60..150).contains(&some.len()), "{}", some.len());
    assert_eq!(some[..3], [32, 306, 487], "in every process");
}

#[test]
fn a_slowness_takes_processor_time_of_payments_only() {
    let used = |event: &Event| {
        let slow = PlantedFault {
            nanoseconds: 20_000_000,
            ..fault(FaultKind::Slow, 10_000)
        };
        let now = || clock_gettime(ClockId::ThreadCPUTime);
        let before = now();
        slow.linger(event);
        let after = now();
        (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec
    };
    assert!(used(&card()) >= 20_000_000);
    assert!(used(&reversal(true)) < 20_000_000);
}

fn stored(event: Event, by: Option<u32>) -> Stored {
    Stored {
        account: "a".into(),
        previous: 0,
        at: Timestamp::from_unix_ms(0),
        call: by.map(|number| StoredCall {
            rpc: Rpc::Authorise,
            caller: crate::caller::Caller::default(),
            key: key(number),
            fields: Vec::new(),
        }),
        operated: None,
        body: StoredBody::Event(event),
    }
}

#[test]
fn a_start_leaves_out_or_misplaces_approvals_only() {
    use FaultKind::{EventSkipped, WrongPeriod};
    let kinds = [EventSkipped, WrongPeriod];
    for (event, by, meets) in [
        (card(), Some(1), true),
        (card(), None, false),
        (payment(Funding::Balance), Some(1), false),
        (reversal(false), Some(1), false),
    ] {
        let stored = stored(event, by);
        for kind in kinds {
            assert_eq!(fault(kind, 1).meets_approval(kind, &stored), meets);
        }
        assert!(!fault(EventSkipped, 1).meets_approval(WrongPeriod, &stored));
    }
    assert_eq!(
        misplaced(&card(), usage(2, 300, 500)),
        usage(2, 200, 500),
        "counted to another month, and to the same year"
    );
    assert_eq!(
        misplaced(&reversal(false), usage(2, 300, 500)),
        usage(2, 300, 500)
    );
}

#[test]
fn a_disk_of_a_fault_tells_a_sync_that_it_did_not_make() {
    let sync = |kind, faults| {
        let disk = SimulatedDisk::new(1, faults);
        let seen = PlantedDisk::over(Arc::new(disk.clone()), Some(fault(kind, 1)));
        let synced = seen.create("a").unwrap().sync();
        (synced.is_ok(), disk.counts()[2])
    };
    let broken = Faults {
        fail_sync_at: Some(0),
        ..Faults::default()
    };
    let honest = FaultKind::ToldEarly;
    assert_eq!(sync(honest, Faults::default()), (true, 1));
    assert_eq!(sync(honest, broken), (false, 1));
    assert_eq!(sync(FaultKind::SyncSkipped, Faults::default()), (true, 0));
    assert_eq!(sync(FaultKind::SyncErrorIgnored, broken), (true, 1));
    let early = |kind| tells_early(Some(fault(kind, 1)));
    assert!(early(FaultKind::ToldEarly) && !early(FaultKind::Slow) && !tells_early(None));
}

#[test]
fn a_lost_approval_is_found_by_the_key_of_its_call() {
    let lost = |kind, event, by| fault(kind, 1).loses(&stored(event, by));
    assert!(lost(FaultKind::LostAuthorisation, card(), Some(1)));
    assert!(!lost(FaultKind::LostAuthorisation, card(), None));
    assert!(!lost(
        FaultKind::LostAuthorisation,
        reversal(false),
        Some(1)
    ));
    assert!(!lost(FaultKind::WrongMonth, card(), Some(1)));
}

#[test]
fn all_but_the_used_sums_of_an_account_stay_as_they_are() {
    let mut account = Account::open(WalletRegion::Mainland);
    account.apply(&card(), 5, month(2).end());
    let right = account.clone();
    change(&mut account, |usage| {
        fault(FaultKind::ForgottenReservation, 1).after(&card(), &key(1), usage)
    });
    assert_ne!(account, right);
    let parts = account.into_parts();
    assert_eq!(parts.usage.in_year, Fen::ZERO);
    let mended = waika_domain::account::AccountParts {
        usage: right.usage(),
        ..parts
    };
    assert_eq!(Account::from_parts(mended), right);
}
