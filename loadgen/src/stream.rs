//! Payments over one `AuthoriseStream` of a connection: many in flight, answered in any order.
//!
//! Payments are put into messages of so many each; messages of one turn of the worker go out
//! together. What comes back is cut into messages and those into answers, without building any.

use bytes::{Buf as _, BufMut as _, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use crate::answer::{Value, walk};
use crate::call::{LONGEST, not_ok, reset};
use crate::http2::Told;
use crate::outcome::{GrpcCode, Outcome};
use crate::wire::PREFIX;

/// A stream that payments go over.
pub(crate) struct PaymentStream {
    /// Its number on its connection.
    pub(crate) number: u32,
    has_head: bool,
    inbox: BytesMut,
    /// Where the message begins that is being filled, and how many payments it has.
    filling: Option<(usize, usize)>,
    batch: usize,
}

impl PaymentStream {
    /// A stream with this number, whose messages hold `batch` payments at most.
    pub(crate) fn new(number: u32, batch: usize) -> Self {
        Self {
            number,
            has_head: false,
            inbox: BytesMut::new(),
            filling: None,
            batch,
        }
    }

    /// Puts one payment into the next message of `out`, of which nothing may be sent before the
    /// message is closed.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, correlation_id: u64, payment: &[u8]) {
        let (start, held) = self.filling.unwrap_or_else(|| {
            let start = out.len();
            out.put_bytes(0, PREFIX);
            (start, 0)
        });
        let length = payment.len() as u64;
        let entry = 1 + encoded_len_varint(correlation_id) + 1 + encoded_len_varint(length);
        encode_key(1, WireType::LengthDelimited, out);
        encode_varint(entry as u64 + length, out);
        encode_key(1, WireType::Varint, out);
        encode_varint(correlation_id, out);
        encode_key(2, WireType::LengthDelimited, out);
        encode_varint(length, out);
        out.put_slice(payment);
        self.filling = Some((start, held + 1));
        if held + 1 >= self.batch {
            self.close_message(out);
        }
    }

    /// Ends the message that is being filled.
    pub(crate) fn close_message(&mut self, out: &mut [u8]) {
        let Some((start, _)) = self.filling.take() else {
            return;
        };
        let length = out.len() - start - PREFIX;
        if let Some(mut prefix) = out.get_mut(start + 1..start + PREFIX) {
            prefix.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
        }
    }

    /// Takes in what came and hands over every answer with its correlation id; once the stream has
    /// ended, what that means for the payments that have no answer.
    pub(crate) fn take(
        &mut self,
        told: Told<'_>,
        answered: &mut impl FnMut(u64, Result<&[u8], Outcome>),
    ) -> Option<Outcome> {
        match told {
            Told::Head { meaning, is_last } => match (meaning.grpc_status, not_ok(meaning)) {
                // It ended well, and before its time.
                (Some(0), _) => Some(Outcome::Grpc(GrpcCode::Unavailable)),
                (Some(status), _) => Some(failure_of_status(status)),
                (None, Some(failed)) => Some(failed),
                (None, None) => {
                    self.has_head = true;
                    is_last.then_some(Outcome::Malformed)
                }
            },
            Told::Data { bytes, is_last } => {
                let read = take_in(&mut self.inbox, bytes, answered);
                let is_broken = is_last || !self.has_head || read.is_none();
                is_broken.then_some(Outcome::Malformed)
            }
            Told::Reset(code) => Some(reset(code)),
            Told::Unseen => Some(Outcome::Grpc(GrpcCode::Unavailable)),
        }
    }
}

/// What a status means for a payment that has no decision.
fn failure_of_status(status: u32) -> Outcome {
    GrpcCode::from_number(status).map_or(Outcome::Malformed, Outcome::Grpc)
}

/// Cuts what has come into messages and answers; `None` if it is neither.
fn take_in(
    inbox: &mut BytesMut,
    mut data: &[u8],
    answered: &mut impl FnMut(u64, Result<&[u8], Outcome>),
) -> Option<()> {
    // Nearly always whole messages come at once, which are then not copied.
    if inbox.is_empty() {
        while let Some(length) = whole(data)? {
            read_message(data.get(PREFIX..length)?, answered)?;
            data.advance(length);
        }
    }
    inbox.extend_from_slice(data);
    while let Some(length) = whole(inbox)? {
        read_message(inbox.get(PREFIX..length)?, answered)?;
        inbox.advance(length);
    }
    Some(())
}

/// The length of the first message with its prefix, if all of it is there; `None` if it is
/// compressed, or longer than any answer.
#[expect(
    clippy::option_option,
    reason = "no message yet and no message ever are two things"
)]
fn whole(bytes: &[u8]) -> Option<Option<usize>> {
    let Some((prefix, rest)) = bytes.split_at_checked(PREFIX) else {
        return Some(None);
    };
    let [0, length @ ..] = prefix else {
        return None;
    };
    let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
    if length > LONGEST {
        return None;
    }
    Some((rest.len() >= length).then_some(PREFIX + length))
}

fn read_message(
    message: &[u8],
    answered: &mut impl FnMut(u64, Result<&[u8], Outcome>),
) -> Option<()> {
    let mut broken = false;
    walk(message, |field, value| {
        if let (1, Value::Bytes(response)) = (field, value) {
            broken |= read_streamed(response, answered).is_none();
        }
    })?;
    (!broken).then_some(())
}

fn read_streamed(
    response: &[u8],
    answered: &mut impl FnMut(u64, Result<&[u8], Outcome>),
) -> Option<()> {
    let mut correlation_id = 0;
    let mut outcome = None;
    walk(response, |field, value| match (field, value) {
        (1, Value::Number(number)) => correlation_id = number,
        (2, Value::Bytes(message)) => outcome = Some(Ok(message)),
        (3, Value::Bytes(error)) => outcome = Some(Err(read_error(error))),
        _ => {}
    })?;
    answered(correlation_id, outcome?);
    Some(())
}

fn read_error(error: &[u8]) -> Outcome {
    let mut code = 0;
    let read = walk(error, |field, value| {
        if let (1, Value::Number(number)) = (field, value) {
            code = number;
        }
    });
    match (read, u32::try_from(code)) {
        (Some(()), Ok(code)) => failure_of_status(code),
        _ => Outcome::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use waika::v1;

    use super::*;
    use crate::answer::tests::framed;

    fn response(correlation_id: u64, is_error: bool) -> v1::StreamedResponse {
        let outcome = if is_error {
            v1::streamed_response::Outcome::Error(v1::StreamedError {
                code: 8,
                ..v1::StreamedError::default()
            })
        } else {
            v1::streamed_response::Outcome::Response(v1::AuthoriseResponse {
                replayed: true,
                ..v1::AuthoriseResponse::default()
            })
        };
        v1::StreamedResponse {
            correlation_id,
            outcome: Some(outcome),
        }
    }

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let messages = [
            vec![response(1, false), response(2, true)],
            vec![],
            vec![response(3, false)],
        ];
        let mut bytes = Vec::new();
        for responses in messages {
            bytes.extend(framed(&v1::AuthoriseStreamResponse { responses }));
        }
        for size in 1..=bytes.len() {
            let mut inbox = BytesMut::new();
            let mut read = Vec::new();
            for piece in bytes.chunks(size) {
                take_in(&mut inbox, piece, &mut |id, streamed| match streamed {
                    Ok(message) => {
                        assert!(v1::AuthoriseResponse::decode(message).unwrap().replayed);
                        read.push((id, None));
                    }
                    Err(outcome) => read.push((id, Some(outcome))),
                })
                .unwrap();
            }
            let refused = Outcome::Grpc(GrpcCode::ResourceExhausted);
            assert_eq!(
                read,
                [(1, None), (2, Some(refused)), (3, None)],
                "in pieces of {size}"
            );
            assert!(inbox.is_empty());
        }
    }

    #[test]
    fn payments_share_messages() {
        let payment = v1::AuthoriseRequest {
            idempotency_key: "k".to_owned(),
            ..v1::AuthoriseRequest::default()
        };
        let mut stream = PaymentStream::new(1, 2);
        let mut out = b"before".to_vec();
        for correlation_id in 0..5 {
            stream.push(&mut out, correlation_id, &payment.encode_to_vec());
        }
        stream.close_message(&mut out);
        stream.close_message(&mut out);
        let expected: Vec<u8> = [vec![0, 1], vec![2, 3], vec![4]]
            .into_iter()
            .flat_map(|ids| {
                let request = |correlation_id| v1::StreamedRequest {
                    correlation_id,
                    request: Some(payment.clone()),
                };
                framed(&v1::AuthoriseStreamRequest {
                    requests: ids.into_iter().map(request).collect(),
                })
            })
            .collect();
        // A correlation id of 0 is written out, which the generated types leave away.
        let decoded = |bytes: &[u8]| {
            let mut ids = Vec::new();
            let mut rest = bytes;
            while let Some(Some(length)) = whole(rest) {
                let message = v1::AuthoriseStreamRequest::decode(&rest[PREFIX..length]).unwrap();
                ids.push(message.requests);
                rest = &rest[length..];
            }
            assert!(rest.is_empty());
            ids
        };
        assert_eq!(decoded(&out[6..]), decoded(&expected));
    }

    #[test]
    fn rubbish_ends_a_stream() {
        let check = |bytes: &[u8]| {
            let mut inbox = BytesMut::new();
            let read = take_in(&mut inbox, bytes, &mut |_, _| {});
            assert_eq!(read, None, "{bytes:?}");
        };
        check(b"\x01\0\0\0\0");
        check(b"\0\0\0\0\x01\xff");
        // A response without an outcome.
        check(b"\0\0\0\0\x04\x0a\x02\x08\x01");
    }
}
