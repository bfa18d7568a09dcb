use bytes::BufMut as _;
use prost::Message as _;
use waika::v1;

use super::*;

/// A message as it comes over the wire.
pub(crate) fn framed(message: &impl prost::Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    let mut bytes = vec![0];
    bytes.put_u32(u32::try_from(body.len()).unwrap());
    bytes.extend(body);
    bytes
}

fn response(
    outcome: impl Into<Option<v1::authorisation::Outcome>>,
    replayed: bool,
) -> v1::AuthoriseResponse {
    v1::AuthoriseResponse {
        authorisation: Some(v1::Authorisation {
            authorisation_id: "a-1".to_owned(),
            amount_fen: 5_000,
            policy: "weixin-2023".to_owned(),
            outcome: outcome.into(),
            ..Default::default()
        }),
        replayed,
        receipt: None,
        timing: None,
    }
}

fn answer(outcome: impl Into<Option<v1::authorisation::Outcome>>, replayed: bool) -> Vec<u8> {
    response(outcome, replayed).encode_to_vec()
}

fn read(message: &[u8]) -> Option<Answer> {
    read_answer(message, Wants::default())
}

fn declined(reason: i32) -> v1::authorisation::Outcome {
    v1::authorisation::Outcome::Decline(v1::Decline {
        reason,
        response_code: "61".to_owned(),
        ..Default::default()
    })
}

fn approved() -> v1::authorisation::Outcome {
    v1::authorisation::Outcome::Approval(v1::Approval::default())
}

#[test]
fn answers_are_told_apart() {
    let check = |bytes: &[u8], expected: Option<Outcome>| {
        assert_eq!(read(bytes), expected.map(Answer::from));
    };
    check(&answer(approved(), false), Some(Outcome::Approved));
    check(&answer(approved(), true), Some(Outcome::Replayed));
    check(&answer(declined(27), false), Some(Outcome::Declined(27)));
    check(&answer(declined(27), true), Some(Outcome::Replayed));
    check(
        &answer(declined(9_999), false),
        Some(Outcome::Declined(9_999)),
    );
    check(&answer(None, false), None);
}

#[test]
fn a_timing_comes_with_any_decision() {
    let check = |outcome, replayed, timing: v1::Timing, expected: ServerTiming| {
        let mut response = response(Some(outcome), replayed);
        response.timing = Some(timing);
        let answer = read(&response.encode_to_vec()).unwrap();
        assert_eq!(answer.timing, Some(expected), "{response:?}");
    };
    let full = v1::Timing {
        queue_ns: 1,
        rules_ns: 22,
        issuer_ns: 50_000_000_000,
        commit_ns: 4_444,
        total_ns: i64::MAX,
    };
    let read = ServerTiming {
        queue_ns: 1,
        rules_ns: 22,
        issuer_ns: 50_000_000_000,
        commit_ns: 4_444,
        total_ns: i64::MAX.cast_unsigned(),
    };
    check(approved(), false, full, read);
    check(approved(), true, full, read);
    check(declined(38), false, full, read);
    // Nothing took any time: the message is there, and has no field.
    let nothing = v1::Timing::default();
    check(approved(), false, nothing, ServerTiming::default());
    let negative = v1::Timing {
        queue_ns: -1,
        ..nothing
    };
    let huge = ServerTiming {
        queue_ns: u64::MAX,
        ..ServerTiming::default()
    };
    check(approved(), false, negative, huge);
}

#[test]
fn a_timing_that_cannot_be_read_is_no_answer() {
    let mut bytes = answer(approved(), false);
    // Field 4, two bytes, of which the second should go on.
    bytes.extend([0x22, 2, 0x08, 0xff]);
    assert_eq!(read(&bytes), None);
}

#[test]
fn rubbish_is_no_answer() {
    let good = answer(approved(), false);
    for length in 0..good.len() {
        assert_eq!(read(&good[..length]), None, "cut to {length}");
    }
    assert_eq!(read(&[0xff, 0xff, 0xff]), None);
}

fn a_whole_approval() -> v1::Authorisation {
    let window = |used_fen| v1::LimitWindow {
        limit_fen: 5_000_000,
        used_fen,
        remaining_fen: 5_000_000 - used_fen,
        resets_at: Some(prost_types::Timestamp {
            seconds: 1_701_360_000,
            nanos: 0,
        }),
    };
    let approval = v1::Approval {
        month: Some(window(70_000)),
        year: Some(window(90_000)),
        ..v1::Approval::default()
    };
    v1::Authorisation {
        authorisation_id: "auth_1".to_owned(),
        account_id: "acct-1-4".to_owned(),
        card_token: "card_9".to_owned(),
        merchant_id: "merchant-1-2".to_owned(),
        amount_fen: 20_017,
        fee_fen: 601,
        total_fen: 20_618,
        decided_at: Some(prost_types::Timestamp {
            seconds: 1_700_000_000,
            nanos: 5,
        }),
        outcome: Some(v1::authorisation::Outcome::Approval(approval)),
        ..v1::Authorisation::default()
    }
}

#[test]
fn everything_decided_is_what_the_generated_types_read() {
    let authorisation = a_whole_approval();
    let bytes = v1::AuthoriseResponse {
        authorisation: Some(authorisation.clone()),
        replayed: true,
        ..v1::AuthoriseResponse::default()
    }
    .encode_to_vec();
    let wants = |merchant_id| Wants {
        decision_for: Some(Parties {
            account_id: "acct-1-4",
            card_token: "card_9",
            merchant_id,
        }),
        body_hash: true,
        authorisation_id: true,
    };
    let answer = read_answer(&bytes, wants("merchant-1-2")).unwrap();
    assert_eq!(answer.outcome, Outcome::Replayed);
    assert_eq!(answer.authorisation_id.as_deref(), Some("auth_1"));
    let decision = answer.decision.unwrap();
    assert!(decision.approved && decision.replayed && decision.is_for);
    assert_eq!(
        (decision.amount_fen, decision.fee_fen, decision.total_fen),
        (20_017, 601, 20_618)
    );
    assert_eq!(decision.decided_at_s, 1_700_000_000);
    assert_eq!(
        (decision.month.used_fen, decision.year.used_fen),
        (70_000, 90_000)
    );
    assert_eq!(decision.month.remaining_fen, 4_930_000);
    assert_eq!(decision.month.ends_at_s, 1_701_360_000);
    assert_eq!(decision.id_hash, id_hash(b"auth_1"));
    assert_eq!(
        decision.body_hash,
        body_hash(&authorisation.encode_to_vec())
    );
    let other = read_answer(&bytes, wants("merchant-1-3")).unwrap();
    assert!(!other.decision.unwrap().is_for);
    let short = Wants {
        authorisation_id: true,
        ..Wants::default()
    };
    let short = read_answer(&bytes, short).unwrap();
    assert_eq!(short.authorisation_id.as_deref(), Some("auth_1"));
    assert_eq!(short.decision, None);
}
