//! Pure: putting one answer together from the frames of its stream.

use crate::calls::Place;
use crate::http2::{HeadMeaning, Told};
use crate::outcome::{GrpcCode, Outcome};
use crate::wire::PREFIX;

/// The longest answer that is read, in bytes.
pub(crate) const LONGEST: usize = 4 * 1_024 * 1_024;

/// A call that was sent, and what has come of its answer.
pub(crate) struct Call {
    /// Where it is kept.
    pub(crate) place: Place,
    has_head: bool,
    body: Vec<u8>,
}

impl Call {
    /// A call that is kept at this place; its answer is put into `body`, which is empty.
    pub(crate) fn new(place: Place, body: Vec<u8>) -> Self {
        Self {
            place,
            has_head: false,
            body,
        }
    }

    /// Takes in what came; the answer once it is complete: its message, or why there is none.
    pub(crate) fn take(&mut self, told: Told<'_>) -> Option<Result<&[u8], Outcome>> {
        match told {
            Told::Head { meaning, is_last } => {
                // One that is not the last is the head proper, or announces one.
                if is_last || meaning.grpc_status.is_some() {
                    return Some(self.conclude(meaning));
                }
                self.has_head |= meaning.http_status.is_some();
                not_ok(meaning).map(Err)
            }
            Told::Data { bytes, is_last } => {
                self.body.extend_from_slice(bytes);
                let is_broken = is_last || !self.has_head || self.body.len() > LONGEST;
                is_broken.then_some(Err(Outcome::Malformed))
            }
            Told::Reset(code) => Some(Err(reset(code))),
            Told::Unseen => Some(Err(Outcome::Grpc(GrpcCode::Unavailable))),
        }
    }

    /// Gives back the room for an answer.
    pub(crate) fn into_body(self) -> Vec<u8> {
        let mut body = self.body;
        body.clear();
        body
    }

    fn conclude(&self, meaning: HeadMeaning) -> Result<&[u8], Outcome> {
        let status = match (meaning.grpc_status, not_ok(meaning)) {
            (Some(status), _) => status,
            (None, Some(failed)) => return Err(failed),
            (None, None) => return Err(Outcome::Malformed),
        };
        match GrpcCode::from_number(status) {
            Some(code) => Err(Outcome::Grpc(code)),
            None => without_prefix(&self.body).ok_or(Outcome::Malformed),
        }
    }
}

/// What a head means that is no 200.
pub(crate) fn not_ok(meaning: HeadMeaning) -> Option<Outcome> {
    let status = meaning.http_status.filter(|status| *status != 200)?;
    let status = http::StatusCode::from_u16(status).ok()?;
    // 1xx only announce a head.
    (!status.is_informational()).then(|| Outcome::Grpc(GrpcCode::from_http(status)))
}

/// What it means that the server reset a stream with this error code.
pub(crate) fn reset(code: u32) -> Outcome {
    Outcome::Grpc(GrpcCode::from_reset(code))
}

/// The one message in `framed`; `None` if it is compressed, cut, or not alone.
fn without_prefix(framed: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = framed.split_at_checked(PREFIX)?;
    let [0, length @ ..] = prefix else {
        return None;
    };
    let length = u32::from_be_bytes(length.try_into().ok()?);
    (usize::try_from(length).ok()? == message.len()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(http_status: Option<u16>, grpc_status: Option<u32>, is_last: bool) -> Told<'static> {
        Told::Head {
            meaning: HeadMeaning {
                http_status,
                grpc_status,
            },
            is_last,
        }
    }

    const OK: Told<'static> = Told::Head {
        meaning: HeadMeaning {
            http_status: Some(200),
            grpc_status: None,
        },
        is_last: false,
    };

    fn data(bytes: &[u8]) -> Told<'_> {
        Told::Data {
            bytes,
            is_last: false,
        }
    }

    #[test]
    fn frames_become_an_answer() {
        let check = |told: &[Told<'_>], expected: Result<&[u8], Outcome>| {
            let mut call = Call::new(Place::of_number(1), Vec::new());
            let (last, before) = told.split_last().unwrap();
            for told in before {
                assert_eq!(call.take(*told), None, "{told:?}");
            }
            assert_eq!(call.take(*last), Some(expected), "{told:?}");
        };
        let grpc = |code| Err(Outcome::Grpc(code));
        let ends = |status| head(None, Some(status), true);
        check(&[OK, data(b"\0\0\0\0\x02ab"), ends(0)], Ok(b"ab"));
        check(
            &[OK, data(b"\0\0\0"), data(b"\0\x01"), data(b"a"), ends(0)],
            Ok(b"a"),
        );
        check(&[OK, data(b"\0\0\0\0\0"), ends(0)], Ok(b""));
        check(
            &[OK, data(b"\0\0\0\0\x03ab"), ends(0)],
            Err(Outcome::Malformed),
        );
        check(
            &[OK, data(b"\x01\0\0\0\x02ab"), ends(0)],
            Err(Outcome::Malformed),
        );
        check(&[OK, ends(0)], Err(Outcome::Malformed));
        check(&[OK, head(None, None, true)], Err(Outcome::Malformed));
        check(
            &[OK, data(b"\0\0\0\0\x02ab"), ends(13)],
            grpc(GrpcCode::Internal),
        );
        check(
            &[head(Some(200), Some(12), true)],
            grpc(GrpcCode::Unimplemented),
        );
        check(&[head(Some(200), Some(2), true)], grpc(GrpcCode::Unknown));
        check(&[head(Some(503), None, false)], grpc(GrpcCode::Unavailable));
        check(
            &[head(Some(103), None, false), head(Some(404), None, true)],
            grpc(GrpcCode::Unimplemented),
        );
        check(&[data(b"a")], Err(Outcome::Malformed));
        check(
            &[
                OK,
                Told::Data {
                    bytes: b"",
                    is_last: true,
                },
            ],
            Err(Outcome::Malformed),
        );
        check(&[OK, Told::Reset(8)], grpc(GrpcCode::Cancelled));
        check(&[Told::Unseen], grpc(GrpcCode::Unavailable));
    }
}
