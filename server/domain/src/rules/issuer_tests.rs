//! What the issuer's word, or its silence, comes to.

use super::authorise::{Decision, Facts, decide, resolve, stand_in, unanswered};
use super::bind;
use super::let_go;
use super::testing::script::check_from;
use super::testing::wallet::{Wallet, amount, merchant, payment, payment_facts};
use crate::account::Account;
use crate::card::{IssuerCardReference, Scheme};
use crate::decline::{DeclineReason, IssuerRefusal};
use crate::event::{
    ApprovalCode, Event, IssuerKind, Owed, OwedKind, Reservation, StandIn, StandInReconciled,
    Transaction, TransactionId,
};
use crate::identifiers::IdempotencyKey;
use crate::money::Fen;
use crate::policy::{IssuerRule, Policy};

const CODE: ApprovalCode = ApprovalCode(*b"A1B2C3");

const TRANSACTION: Transaction = Transaction {
    id: TransactionId::from_number(7),
    issuer: IssuerKind::Remote,
    scheme: Scheme::Visa,
};

/// D16, D17: no answer in time is a decline, and nobody answers for the issuer. What was held is
/// free again, so that a later try finds the whole limit.
#[test]
fn d16_d17_an_issuer_that_gives_no_answer_has_declined() {
    check_from(
        Wallet::verified(),
        "pay 100.00 issuer unavailable => ISSUER_UNAVAILABLE, retry Later, layer Issuer
         look => month 0.00, year 0.00
         hold 6000.00 => held
         look => month 6000.00, year 6000.00
         answer issuer unavailable => ISSUER_UNAVAILABLE, retry Later
         look => month 0.00, year 0.00
         pay 6000.00 => approved, month 6000.00",
    );
}

/// A payment that is held while a remote issuer is asked.
fn held(wallet: &mut Wallet, text: &str) -> (u64, Reservation) {
    let merchant = merchant();
    let facts: Facts<'_> = payment_facts(&merchant);
    let decision = decide(
        &wallet.account,
        payment(amount(text)),
        &facts,
        &wallet.policy,
        wallet.now,
    );
    let Decision::Reserve(mut reservation) = decision else {
        panic!("{decision:?}");
    };
    reservation.transaction = Some(TRANSACTION);
    let held = Event::Reserved(Box::new(reservation.clone()));
    (wallet.record(held), reservation)
}

fn owed(event: &Event) -> Option<(OwedKind, i64)> {
    let owed = event.owes();
    owed.map(|Owed { kind, amount, .. }| (kind, amount.value()))
}

/// D16: whoever may have approved is owed the reversal, and nobody else.
#[test]
fn d16_only_an_issuer_that_may_have_approved_is_owed_a_reversal() {
    let mut wallet = Wallet::verified();
    let (reserved_by, reservation) = held(&mut wallet, "300.00");
    for (event, expected) in [
        (
            unanswered(reservation.clone(), reserved_by),
            Some((OwedKind::NoAnswer, 0)),
        ),
        (
            let_go(
                &wallet.account,
                reserved_by,
                &Event::Reserved(Box::new(reservation.clone())),
            )
            .unwrap(),
            Some((OwedKind::NoAnswer, 0)),
        ),
        (
            resolve(
                reservation.clone(),
                Some(reserved_by),
                Err(IssuerRefusal::DoNotHonour),
            ),
            None,
        ),
        (
            resolve(reservation.clone(), Some(reserved_by), Ok(CODE)),
            None,
        ),
        (
            unanswered(
                Reservation {
                    transaction: None,
                    ..reservation
                },
                reserved_by,
            ),
            None,
        ),
    ] {
        assert_eq!(owed(&event), expected, "{event:?}");
    }
}

/// D6: the debit that may have been made is owed back, whether the card was bound or not.
#[test]
fn d6_a_verification_debit_that_may_have_been_made_is_owed_back() {
    let account = Account::open(crate::event::WalletRegion::Mainland);
    for debit in [None, Some(TRANSACTION)] {
        let given_up = bind::abandon(&account, 5, debit);
        let expected = debit.map(|_| (OwedKind::Verification, 0));
        assert_eq!(owed(&given_up), expected);
    }
}

const STANDING_IN: IssuerRule = IssuerRule {
    timeout_ms: 800,
    reserve_ms: 20,
    stand_in: true,
    stand_in_single: Fen::new(20_000),
    stand_in_outstanding: Fen::new(50_000),
};

/// D17: off by default; then up to both caps, themselves included.
#[test]
fn d17_standing_in_is_off_and_has_two_caps() {
    let off = Policy::weixin_2023().issuer;
    assert!(!off.stands_in_for(Fen::new(1), Fen::ZERO));
    for (principal, outstanding, expected) in [
        (1, 0, true),
        (20_000, 0, true),
        (20_001, 0, false),
        (20_000, 30_000, true),
        (20_000, 30_001, false),
        (1, 49_999, true),
        (1, 50_000, false),
    ] {
        let allowed = STANDING_IN.stands_in_for(Fen::new(principal), Fen::new(outstanding));
        assert_eq!(allowed, expected, "{principal} beside {outstanding}");
    }
}

/// D17: it consumes the same limits, is owed to the issuer with its fee, and counts as outstanding
/// until the issuer agrees; what the issuer would have declined goes on counting.
#[test]
fn d17_a_stand_in_counts_until_the_issuer_agrees() {
    let mut wallet = Wallet::verified();
    let stand_in_for = StandIn {
        reference: IssuerCardReference("0-7".into()),
        key: IdempotencyKey::parse("k").unwrap(),
        merchant: None,
        code: CODE,
    };
    let stood_in = |wallet: &mut Wallet| {
        let (reserved_by, reservation) = held(wallet, "201.00");
        let by = stand_in_for.clone();
        let event = stand_in(reservation, Some(reserved_by), CODE, by);
        let expected = (OwedKind::StandIn(stand_in_for.clone()), 20_703);
        assert_eq!(owed(&event), Some(expected));
        wallet.record(event)
    };
    let first = stood_in(&mut wallet);
    let second = stood_in(&mut wallet);
    assert_eq!(wallet.account.stood_in(), Fen::new(40_200));
    assert_eq!(
        wallet.account.usage().at(wallet.now).in_month,
        Fen::new(40_200)
    );
    for (original, diverged, left) in [
        (first, None, 20_100),
        (second, Some(DeclineReason::IssuerLostCard), 20_100),
    ] {
        let reconciled = Event::StandInReconciled(StandInReconciled {
            original,
            previous: 0,
            principal: Fen::new(20_100),
            diverged,
        });
        assert_eq!(reconciled.pays_off(), Some(original));
        wallet.record(reconciled);
        assert_eq!(wallet.account.stood_in(), Fen::new(left));
    }
    assert_eq!(
        wallet.account.usage().at(wallet.now).in_month,
        Fen::new(40_200)
    );
    assert_eq!(wallet.replayed(), wallet.account);
}
