//! Pure: what one answer says, read without building a message.
//!
//! Only what decides the outcome is read, and the server's timing where it came. The tests compare
//! it with the generated types. Field numbers are those of `proto/waika/v1/authorisation.proto`.

use bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::outcome::Outcome;
use crate::timing::ServerTiming;
use crate::wire::PREFIX;

/// How a call ended, and what came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What became of the request.
    pub(crate) outcome: Outcome,
    /// Where the server says its time went; `None` if it says nothing.
    pub(crate) timing: Option<ServerTiming>,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            timing: None,
        }
    }
}

/// What a framed answer tells; `None` if it is no `AuthoriseResponse`.
pub(crate) fn read_answer(mut framed: &[u8]) -> Option<Answer> {
    if framed.len() < PREFIX || framed.get_u8() != 0 {
        return None;
    }
    let length = usize::try_from(framed.get_u32()).ok()?;
    if framed.len() != length {
        return None;
    }
    let mut decision = None;
    let mut replayed = false;
    let mut timing = None;
    walk(framed, |field, value| match (field, value) {
        (1, Value::Bytes(authorisation)) => decision = read_decision(authorisation),
        (2, Value::Number(number)) => replayed = number != 0,
        (4, Value::Bytes(message)) => timing = Some(read_timing(message)),
        _ => {}
    })?;
    let outcome = match (decision?, replayed) {
        (_, true) => Outcome::Replayed,
        (outcome, false) => outcome,
    };
    let timing = match timing {
        Some(timing) => Some(timing?),
        None => None,
    };
    Some(Answer { outcome, timing })
}

fn read_decision(authorisation: &[u8]) -> Option<Outcome> {
    let mut outcome = None;
    walk(authorisation, |field, value| match (field, value) {
        (12, Value::Bytes(_)) => outcome = Some(Outcome::Approved),
        (13, Value::Bytes(decline)) => outcome = read_reason(decline),
        _ => {}
    })?;
    outcome
}

fn read_reason(decline: &[u8]) -> Option<Outcome> {
    let mut reason = 0;
    walk(decline, |field, value| {
        if let (1, Value::Number(number)) = (field, value) {
            reason = number;
        }
    })?;
    i32::try_from(reason).ok().map(Outcome::Declined)
}

fn read_timing(message: &[u8]) -> Option<ServerTiming> {
    let mut timing = ServerTiming::default();
    walk(message, |field, value| match (field, value) {
        (1, Value::Number(ns)) => timing.queue_ns = ns,
        (2, Value::Number(ns)) => timing.rules_ns = ns,
        (3, Value::Number(ns)) => timing.issuer_ns = ns,
        (4, Value::Number(ns)) => timing.commit_ns = ns,
        (5, Value::Number(ns)) => timing.total_ns = ns,
        _ => {}
    })?;
    Some(timing)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a kind that no field read here has.
    Other,
}

/// Hands each field of a message to `visit`; `None` if the bytes are no message.
fn walk<'a>(mut message: &'a [u8], mut visit: impl FnMut(u32, Value<'a>)) -> Option<()> {
    while !message.is_empty() {
        let (field, kind) = decode_key(&mut message).ok()?;
        let value = match kind {
            WireType::Varint => Value::Number(decode_varint(&mut message).ok()?),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                message = rest;
                Value::Bytes(bytes)
            }
            WireType::SixtyFourBit => skip(&mut message, 8)?,
            WireType::ThirtyTwoBit => skip(&mut message, 4)?,
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        visit(field, value);
    }
    Some(())
}

fn skip<'a>(message: &mut &'a [u8], count: usize) -> Option<Value<'a>> {
    let (_, rest) = message.split_at_checked(count)?;
    *message = rest;
    Some(Value::Other)
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::BufMut as _;
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
        framed(&response(outcome, replayed))
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
            assert_eq!(read_answer(bytes), expected.map(Answer::from));
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
            let answer = read_answer(&framed(&response)).unwrap();
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
        let mut body = answer(approved(), false).split_off(PREFIX);
        // Field 4, two bytes, of which the second should go on.
        body.extend([0x22, 2, 0x08, 0xff]);
        let mut bytes = vec![0];
        bytes.put_u32(u32::try_from(body.len()).unwrap());
        bytes.extend(body);
        assert_eq!(read_answer(&bytes), None);
    }

    #[test]
    fn rubbish_is_no_answer() {
        let good = answer(approved(), false);
        for length in 0..good.len() {
            assert_eq!(read_answer(&good[..length]), None, "cut to {length}");
        }
        let mut compressed = good;
        compressed[0] = 1;
        assert_eq!(read_answer(&compressed), None);
        assert_eq!(read_answer(&[0, 0, 0, 0, 3, 0xff, 0xff, 0xff]), None);
    }
}
