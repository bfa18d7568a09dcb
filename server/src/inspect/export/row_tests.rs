//! Every kind of event has a row, and no row has a secret.

mod credentials;
mod later;

use waika_domain::event::{Event, Funding};
use waika_domain::identifiers::{
    AuthorisationId, CardToken, CodeDigest, Fingerprint, IdempotencyKey, TicketId,
};
use waika_domain::money::Amount;
use waika_domain::period::Timestamp;

use super::columns::Row;
use super::row;
use crate::inspect::table::{Object, Record as _};
use crate::ledger::Rpc;
use crate::ledger::decode::{Stored, StoredBody, StoredCall};
use crate::ledger::round_trip_tests::every_kind_of_event;
use crate::operator_log::{Change, Operated};

const AT: Timestamp = Timestamp::from_unix_ms(1_700_000_000_123);
const AT_TEXT: &str = "2023-11-14T22:13:20.123Z";

fn stored(body: StoredBody) -> Stored {
    let call = StoredCall {
        rpc: Rpc::Bind,
        caller: "".into(),
        key: IdempotencyKey::parse("=key").unwrap(),
        fields: vec![0x1234_5678_9abc_def0],
    };
    Stored {
        account: "a".into(),
        previous: 0,
        at: AT,
        call: Some(call),
        operated: None,
        body,
    }
}

fn row_of(body: StoredBody) -> Row {
    row::of(9, &stored(body))
}

fn json(row: &Row) -> String {
    serde_json::to_string(&Object(row)).unwrap()
}

/// Every event's row, and as JSON.
fn rows() -> Vec<(Row, String)> {
    let mut events = every_kind_of_event();
    events.extend(shown_in_full().into_iter().map(|(event, _)| event));
    let bodies = events.into_iter().map(StoredBody::Event);
    let bodies = bodies.chain([StoredBody::KeyCheck(Box::new([5; 8]))]);
    bodies
        .map(row_of)
        .map(|row| (row.clone(), json(&row)))
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
    assert_eq!(
        kinds,
        [
            "account_closed",
            "advice_taken",
            "bind_decided",
            "bind_reserved",
            "card_status_set",
            "clock_set",
            "declined",
            "erasure_begun",
            "erasure_ended",
            "funds_received",
            "issuer_late",
            "key_check",
            "merchant_put",
            "password_changed",
            "password_reset_decided",
            "password_ticket_resolved",
            "password_unlocked",
            "password_verified",
            "payment_code_decided",
            "phone_code",
            "policy_activated",
            "policy_put",
            "policy_shadowed",
            "posted",
            "refund_decided",
            "region_switched",
            "reserved",
            "reversal_decided",
            "reversed_ahead",
            "review_resolved",
            "risk_resolved",
            "settle_decided",
            "stand_in_reconciled",
            "unbind_decided",
            "verification_submitted",
            "voided",
        ]
    );
    for (row, text) in rows() {
        assert_eq!((row.sequence, row.previous), (Some(9), None));
        assert_eq!(row.at.as_deref(), Some(AT_TEXT));
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
    assert!(row.settles_at.is_some());
    assert!(row.authorisation_id.unwrap().starts_with("auth_1"));
}

#[test]
fn columns_keep_their_places() {
    let names: Vec<_> = Row::COLUMNS.iter().map(|column| column.name).collect();
    let place = |name: &str| names.iter().position(|known| *known == name);
    for (name, expected) in [
        ("sequence", 0),
        ("kind", 7),
        ("decision", 21),
        ("authorisation_id", 34),
        ("clock_rate", 65),
        ("funding", 66),
        ("policy_text", 81),
        ("stood_in", 85),
        ("changes", names.len() - 1),
    ] {
        assert_eq!(place(name), Some(expected), "{name}");
    }
}

#[test]
fn what_an_operator_has_changed_is_shown_as_json_even_if_it_is_nothing() {
    let change = Change {
        field: "merchant.name".into(),
        before: String::new(),
        after: "\"面\"馆".to_owned(),
    };
    let shown = r#"[{"after":"\"面\"馆","before":"","field":"merchant.name"}]"#;
    for (changes, expected) in [(vec![change], shown), (Vec::new(), "[]")] {
        let operated = Operated {
            previous: 7,
            changes,
        };
        let body = StoredBody::KeyCheck(Box::default());
        let row = row::of(
            9,
            &Stored {
                operated: Some(Box::new(operated)),
                ..stored(body)
            },
        );
        assert_eq!(row.changes.as_deref(), Some(expected));
    }
}

const SECRET_NONCE: u64 = 7_777_777_777_777_777_777;
const SECRET_DIGEST: CodeDigest = CodeDigest(8_888_888_888_888_888_888);
const SECRET: Fingerprint = Fingerprint([6; 16]);

fn amount() -> Amount {
    Amount::from_fen(10_000).unwrap()
}

fn card() -> Funding {
    Funding::Card(CardToken::from_bits(1))
}

/// What a row shows beyond what every row shows here: names and values. An id is written as what
/// it is of.
type Cells = &'static [(&'static str, &'static str)];

/// Events, and all that is shown of each.
fn shown_in_full() -> Vec<(Event, Cells)> {
    let mut events = credentials::passwords();
    events.extend(credentials::payment_codes());
    events.extend(credentials::resets());
    events.extend(credentials::tickets());
    events.extend(later::payments());
    events.extend(later::reversals());
    events.extend(later::settlements());
    events.extend(later::photos());
    events.extend(later::wallets());
    events.extend(later::policies());
    events
}

#[test]
fn a_row_shows_this_and_nothing_else() {
    for (event, expected) in shown_in_full() {
        let text = json(&row_of(StoredBody::Event(event)));
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let every_row = ["sequence", "at", "account", "rpc", "key"];
        let mut shown: Vec<_> = row
            .iter()
            .filter(|(name, _)| !every_row.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (name.clone(), value)
            })
            .collect();
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), written(name, value)))
            .collect();
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected);
    }
}

fn written(name: &str, value: &str) -> String {
    match (name, value) {
        ("password_ticket", "of 9") => TicketId::from_sequence(9).to_string(),
        ("authorisation_id", "of 9") => AuthorisationId::from_sequence(9).to_string(),
        ("authorisation_id", "of 4") => AuthorisationId::from_sequence(4).to_string(),
        _ => value.to_owned(),
    }
}

#[test]
fn d28_no_row_has_a_secret_or_a_digest() {
    // As the events of the round trip and of these tests have them: the issuer's name of a card,
    // nonces, digests and a password's verifier in the shapes in which they could be written.
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    let digests = bytes.map(|byte: u8| format!("{byte:02x}").repeat(8));
    let lists = bytes.map(|byte: u8| format!("{byte},{byte},{byte}"));
    let numbers = [
        SECRET_NONCE,
        SECRET_DIGEST.0,
        u64::MAX,
        0x1234_5678_9abc_def0,
    ];
    let decimal = numbers.map(|number| number.to_string());
    let hexadecimal = numbers.map(|number| format!("{number:016x}"));
    let secrets: Vec<_> = [&digests[..], &lists, &decimal, &hexadecimal].concat();
    for (row, text) in rows() {
        for secret in secrets.iter().map(String::as_str).chain(["0-ff", "0-7"]) {
            assert!(!text.contains(secret), "{secret}: {row:?}");
        }
    }
}
