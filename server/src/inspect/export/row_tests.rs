//! Every kind of event has a row, and no row has a secret.

use waika_domain::identifiers::IdempotencyKey;
use waika_domain::period::Timestamp;

use super::columns::Row;
use super::row;
use crate::ledger::Rpc;
use crate::ledger::decode::{Stored, StoredBody, StoredCall};
use crate::ledger::round_trip_tests::every_kind_of_event;

fn row_of(body: StoredBody) -> Row {
    let call = StoredCall {
        rpc: Rpc::Bind,
        caller: "".into(),
        key: IdempotencyKey::parse("=key").unwrap(),
        fields: vec![0x1234_5678_9abc_def0],
    };
    let stored = Stored {
        account: "a".into(),
        previous: 0,
        at: Timestamp::from_unix_ms(1_700_000_000_123),
        call: Some(call),
        body,
    };
    row::of(9, &stored)
}

/// Every event's row as JSON.
fn rows() -> Vec<(Row, String)> {
    let events = every_kind_of_event().into_iter().map(StoredBody::Event);
    let bodies = events.chain([StoredBody::KeyCheck(Box::new([5; 8]))]);
    bodies
        .map(row_of)
        .map(|row| (row.clone(), serde_json::to_string(&row).unwrap()))
        .collect()
}

#[test]
fn every_kind_has_a_name_and_its_place() {
    let mut kinds: Vec<_> = rows()
        .into_iter()
        .map(|(row, _)| row.kind.unwrap().into_owned())
        .collect();
    kinds.sort();
    kinds.dedup();
    for kind in [
        "bind_decided",
        "bind_reserved",
        "card_status_set",
        "declined",
        "key_check",
        "merchant_put",
        "phone_code",
        "posted",
        "reserved",
        "review_resolved",
        "voided",
    ] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}: {kinds:?}");
    }
    for (row, text) in rows() {
        assert_eq!((row.sequence, row.previous), (Some(9), None));
        assert_eq!(row.at.as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert!(!text.contains("null"), "absent fields are absent: {text}");
    }
}

#[test]
fn a_payment_shows_its_sums_and_its_windows() {
    let (row, _) = rows()
        .into_iter()
        .find(|(row, _)| row.kind.as_deref() == Some("posted"))
        .unwrap();
    let sums = (row.amount_fen, row.fee_fen, row.total_fen);
    assert_eq!(sums, (Some(20_017), Some(601), Some(20_618)), "D3");
    assert_eq!(row.month.as_deref(), Some("2024-02"), "D1");
    assert_eq!((row.year, row.year_used_fen), (Some(2024), Some(40_034)));
    assert_eq!(row.decision.as_deref(), Some("approved"));
    assert_eq!(row.mode.as_deref(), Some("merchant_qr"));
    assert!(row.authorisation_id.unwrap().starts_with("auth_1"));
}

#[test]
fn d28_no_row_has_a_secret_or_a_digest() {
    // As the events of the round trip have them: the issuer's name of a card, a nonce, digests
    // and a password's verifier in the shapes in which they could be written.
    let digests = [1, 2, 3, 4, 5, 7].map(|byte: u8| format!("{byte:02x}").repeat(8));
    let lists = [1, 2, 3, 4, 5, 7].map(|byte: u8| format!("{byte},{byte},{byte}"));
    let others = [
        "0-ff",
        "18446744073709551615",
        "123456789abcdef0",
        "1311768467463790320",
    ];
    for (row, text) in rows() {
        let secrets = digests
            .iter()
            .chain(&lists)
            .map(String::as_str)
            .chain(others);
        for secret in secrets {
            assert!(!text.contains(secret), "{secret}: {row:?}");
        }
    }
}
