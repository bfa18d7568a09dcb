//! What is written without the schema's messages has the bytes that prost writes of them.

use std::sync::Arc;

use proptest::prelude::*;
use waika_domain::receipt::{Receipt, Rung, Witness as _};

use super::*;

/// What was read as the schema's message is written anew by prost, which writes each message in one
/// way only: so the same bytes have the same fields in the same order, and nothing besides.
fn check_bytes(entry: &Entry<'_>) -> Vec<u8> {
    let bytes = written(entry);
    let read = schema::Entry::decode(&*bytes).unwrap();
    assert_eq!(read.encode_to_vec(), bytes, "{:?}", entry.event);
    bytes
}

/// And nothing is missing.
fn check(entry: &Entry<'_>) {
    let stored = decode::entry(&check_bytes(entry)).unwrap();
    assert_eq!(stored.body, StoredBody::Event(entry.event.clone()));
}

#[test]
fn every_kind_of_event_has_the_bytes_of_its_message() {
    let payment = Call {
        business: Business::Payment,
        ..call()
    };
    let no_fields = Call {
        business: Business::Fields(Vec::new()),
        ..call()
    };
    for event in every_kind_of_event() {
        check(&Entry::of_none(NOW, None, &event));
        // Some events tell the entry's time as theirs, so that it reads back as another one.
        check_bytes(&Entry::of_none(Timestamp::from_unix_ms(0), None, &event));
        for call in [&call(), &payment, &no_fields] {
            check(&of_an_account(Some(call), &event));
        }
    }
}

#[test]
fn what_is_there_already_stays() {
    let event = Event::Reserved(Box::new(reservation()));
    let mut bytes = b"before".to_vec();
    let entry = of_an_account(None, &event);
    entry.write(&mut bytes);
    assert_eq!(bytes, [&b"before"[..], &written(&entry)].concat());
}

/// Numbers at the edges of what a varint holds in one byte more, and any others.
fn numbers() -> impl Strategy<Value = i64> {
    let edges = (0_u32..64).prop_map(|bit| 1_i64.rotate_left(bit));
    prop_oneof![
        Just(0),
        Just(-1),
        edges.clone(),
        edges.prop_map(|edge| edge.wrapping_sub(1)),
        any::<i64>()
    ]
}

/// Texts around the lengths at which a message's own length takes one byte more.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![0..300_usize, 16_200..16_500_usize].prop_map(|length| "p".repeat(length))
}

fn receipts() -> impl Strategy<Value = Option<Box<Receipt>>> {
    proptest::option::of((0..=Rung::ALL.len()).prop_map(|rungs| {
        let mut receipt = Receipt::default();
        for &rung in Rung::ALL.iter().take(rungs) {
            receipt.passed(rung, || Evidence::None);
        }
        Box::new(receipt)
    }))
}

prop_compose! {
    fn payments()(
        card in any::<u64>(),
        merchant in proptest::option::of(1..=64_usize),
        code in proptest::option::of(any::<u64>()),
        amount in 1..=5_000_000_i64,
    ) -> Payment {
        let merchant = merchant.and_then(|length| MerchantId::parse(&"m".repeat(length)).ok());
        Payment {
            funding: Funding::Card(CardToken::from_bits(card)),
            merchant,
            amount: Amount::from_fen(amount).unwrap(),
            code: code.map(waika_domain::identifiers::CodeDigest),
            ..payment()
        }
    }
}

prop_compose! {
    fn reservations()(
        payment in payments(),
        fens in proptest::array::uniform5(0..=i64::MAX),
        (month, year) in (any::<i32>(), any::<i32>()),
        balance_left in proptest::option::of(0..=i64::MAX),
        settles_at in numbers(),
        spent in proptest::option::of(any::<u64>()),
        policy in texts(),
        receipt in receipts(),
    ) -> Reservation {
        let [fee, month_limit, month_used, year_limit, year_used] = fens.map(Fen::new);
        Reservation {
            payment,
            fee,
            month: Month::from_number(month),
            year: Year::from_number(year),
            windows: Windows { month_limit, month_used, year_limit, year_used },
            balance_left: balance_left.map(Fen::new),
            settles_at: Timestamp::from_unix_ms(settles_at),
            spent: spent.map(Spent::Token),
            policy: Arc::from(policy),
            receipt,
            ..reservation()
        }
    }
}

proptest! {
    #[test]
    fn any_payment_has_the_bytes_of_its_message(
        reservation in reservations(),
        at in numbers(),
        previous in any::<u64>(),
        key in 1..=64_usize,
    ) {
        let call = Call {
            key: IdempotencyKey::parse(&"k".repeat(key)).unwrap(),
            business: Business::Payment,
            ..call()
        };
        let decline = Decline::because(DeclineReason::IssuerUnavailable);
        let declined = Declined {
            payment: reservation.payment.clone(),
            decline,
            password: PasswordEffect::Untouched,
            spent: reservation.spent,
            policy: Arc::clone(&reservation.policy),
            receipt: reservation.receipt.clone(),
        };
        let posted = Posted {
            reserved_by: Some(previous).filter(|sequence| *sequence != 0),
            reservation: reservation.clone(),
            approval_code: ApprovalCode(*b"A1B2C3"),
            stand_in: None,
        };
        let voided = Voided {
            reserved_by: previous,
            reservation: reservation.clone(),
            decline,
            reversal_owed: false,
        };
        for event in [
            Event::Reserved(Box::new(reservation)),
            Event::Posted(Box::new(posted)),
            Event::Voided(Box::new(voided)),
            Event::Declined(Box::new(declined)),
        ] {
            let at = Timestamp::from_unix_ms(at);
            check(&Entry { previous, ..Entry::of_none(at, Some(&call), &event) });
        }
    }
}
