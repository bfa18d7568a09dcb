//! Pure: what one answer says, read without building a message.
//!
//! Only what decides the outcome is read, and the server's timing where it came. The tests compare
//! it with the generated types. Field numbers are those of `proto/waika/v1/authorisation.proto`.

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::oracle::{Decision, Window, body_hash, id_hash};
use crate::outcome::Outcome;
use crate::timing::ServerTiming;

/// How a call ended, and what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What became of the request.
    pub(crate) outcome: Outcome,
    /// Where the server says its time went; `None` if it says nothing.
    pub(crate) timing: Option<ServerTiming>,
    /// What was decided, if that was wanted.
    pub(crate) decision: Option<Decision>,
    /// The authorisation's id, if that was wanted.
    pub(crate) authorisation_id: Option<String>,
}

/// What is to be read of an answer besides its outcome.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wants<'a> {
    /// Everything that was decided, for a payment by these.
    pub(crate) decision_for: Option<Parties<'a>>,
    /// A hash of it too, to compare it with other answers under its key.
    pub(crate) body_hash: bool,
    /// The authorisation's id.
    pub(crate) authorisation_id: bool,
}

/// Whom a payment concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties<'a> {
    /// The payer's wallet.
    pub(crate) account_id: &'a str,
    /// The card.
    pub(crate) card_token: &'a str,
    /// The merchant.
    pub(crate) merchant_id: &'a str,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            timing: None,
            decision: None,
            authorisation_id: None,
        }
    }
}

/// What a message tells; `None` if it is no `AuthoriseResponse`.
pub(crate) fn read_answer(message: &[u8], wants: Wants<'_>) -> Option<Answer> {
    let mut body = None;
    let mut replayed = false;
    let mut timing = None;
    walk(message, |field, value| match (field, value) {
        (1, Value::Bytes(authorisation)) => body = Some(authorisation),
        (2, Value::Number(number)) => replayed = number != 0,
        (4, Value::Bytes(message)) => timing = Some(read_timing(message)),
        _ => {}
    })?;
    let body = body?;
    let mut authorisation_id = None;
    let (outcome, decision) = match wants.decision_for {
        None => (read_outcome(body, wants, &mut authorisation_id)?, None),
        Some(parties) => {
            let (mut decision, id) = read_decision(body, parties, wants.body_hash)?;
            decision.replayed = replayed;
            if wants.authorisation_id {
                authorisation_id = String::from_utf8(id.to_vec()).ok();
            }
            (outcome_of(&decision), Some(decision))
        }
    };
    let timing = match timing {
        Some(timing) => Some(timing?),
        None => None,
    };
    Some(Answer {
        outcome: if replayed { Outcome::Replayed } else { outcome },
        timing,
        decision,
        authorisation_id,
    })
}

fn outcome_of(decision: &Decision) -> Outcome {
    if decision.approved {
        Outcome::Approved
    } else {
        Outcome::Declined(decision.reason)
    }
}

/// Only what decides the outcome.
fn read_outcome(
    authorisation: &[u8],
    wants: Wants<'_>,
    authorisation_id: &mut Option<String>,
) -> Option<Outcome> {
    let mut outcome = None;
    walk(authorisation, |field, value| match (field, value) {
        (1, Value::Bytes(id)) if wants.authorisation_id => {
            *authorisation_id = String::from_utf8(id.to_vec()).ok();
        }
        (12, Value::Bytes(_)) => outcome = Some(Outcome::Approved),
        (13, Value::Bytes(decline)) => outcome = read_reason(decline).map(Outcome::Declined),
        _ => {}
    })?;
    outcome
}

/// Everything that was decided, and the authorisation's id.
fn read_decision<'a>(
    authorisation: &'a [u8],
    parties: Parties<'_>,
    hash_body: bool,
) -> Option<(Decision, &'a [u8])> {
    let mut decision = Decision {
        replayed: false,
        approved: false,
        reason: 0,
        amount_fen: 0,
        fee_fen: 0,
        total_fen: 0,
        decided_at_s: 0,
        id_hash: 0,
        body_hash: if hash_body {
            body_hash(authorisation)
        } else {
            0
        },
        month: Window::default(),
        year: Window::default(),
        is_for: false,
    };
    // What is not named is not on the wire at all.
    let mut named = 0;
    let mut id: &[u8] = &[];
    let mut outcome = None;
    let mut broken = false;
    walk(authorisation, |field, value| match (field, value) {
        (1, Value::Bytes(bytes)) => id = bytes,
        (2, Value::Bytes(bytes)) => named += u8::from(bytes == parties.account_id.as_bytes()),
        (3, Value::Bytes(bytes)) => named += u8::from(bytes == parties.card_token.as_bytes()),
        (4, Value::Bytes(bytes)) => named += u8::from(bytes == parties.merchant_id.as_bytes()),
        (7, Value::Number(number)) => decision.amount_fen = number.cast_signed(),
        (8, Value::Number(number)) => decision.fee_fen = number.cast_signed(),
        (9, Value::Number(number)) => decision.total_fen = number.cast_signed(),
        (10, Value::Bytes(instant)) => match first_number(instant) {
            Some(seconds) => decision.decided_at_s = seconds,
            None => broken = true,
        },
        (12, Value::Bytes(approval)) => match read_windows(approval) {
            Some((month, year)) => {
                (decision.month, decision.year) = (month, year);
                (decision.approved, outcome) = (true, Some(()));
            }
            None => broken = true,
        },
        (13, Value::Bytes(decline)) => match read_reason(decline) {
            Some(reason) => {
                (decision.approved, decision.reason, outcome) = (false, reason, Some(()));
            }
            None => broken = true,
        },
        _ => {}
    })?;
    decision.is_for = named == 3;
    decision.id_hash = id_hash(id);
    (outcome.is_some() && !broken).then_some((decision, id))
}

/// What an approval says of month and year.
fn read_windows(approval: &[u8]) -> Option<(Window, Window)> {
    let (mut month, mut year) = (Some(Window::default()), Some(Window::default()));
    walk(approval, |field, value| match (field, value) {
        (3, Value::Bytes(window)) => month = read_window(window),
        (4, Value::Bytes(window)) => year = read_window(window),
        _ => {}
    })?;
    Some((month?, year?))
}

fn read_window(message: &[u8]) -> Option<Window> {
    let mut window = Window::default();
    let mut broken = false;
    walk(message, |field, value| match (field, value) {
        (1, Value::Number(number)) => window.limit_fen = number.cast_signed(),
        (2, Value::Number(number)) => window.used_fen = number.cast_signed(),
        (3, Value::Number(number)) => window.remaining_fen = number.cast_signed(),
        (4, Value::Bytes(instant)) => match first_number(instant) {
            Some(seconds) => window.ends_at_s = seconds,
            None => broken = true,
        },
        _ => {}
    })?;
    (!broken).then_some(window)
}

/// Field 1 of a message as a number: the seconds of a `Timestamp`.
fn first_number(message: &[u8]) -> Option<i64> {
    let mut first = 0;
    walk(message, |field, value| {
        if let (1, Value::Number(number)) = (field, value) {
            first = number.cast_signed();
        }
    })?;
    Some(first)
}

fn read_reason(decline: &[u8]) -> Option<i32> {
    let mut reason = 0;
    walk(decline, |field, value| {
        if let (1, Value::Number(number)) = (field, value) {
            reason = number;
        }
    })?;
    i32::try_from(reason).ok()
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

/// The value of one field.
pub(crate) enum Value<'a> {
    /// A varint.
    Number(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
    /// Of a kind that no field read here has.
    Other,
}

/// Hands each field of a message to `visit`; `None` if the bytes are no message.
pub(crate) fn walk<'a>(mut message: &'a [u8], mut visit: impl FnMut(u32, Value<'a>)) -> Option<()> {
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
pub(crate) mod tests;
