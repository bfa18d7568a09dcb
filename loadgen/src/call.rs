//! Reading one answer: a small state machine that is polled when its stream has news.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::{HeaderMap, StatusCode};

use crate::answer::{Answer, read_answer};
use crate::outcome::{GrpcCode, Outcome};

/// One call that was sent.
#[derive(Debug)]
pub(crate) struct Call {
    stage: Stage,
    body: Body,
}

#[derive(Debug)]
enum Stage {
    Head(ResponseFuture),
    Body(RecvStream),
}

impl Call {
    /// A call whose answer `response` will begin.
    pub(crate) fn new(response: ResponseFuture) -> Self {
        Self {
            stage: Stage::Head(response),
            body: Body::Whole(Bytes::new()),
        }
    }

    /// Reads on; ready once the answer is complete.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        if let Stage::Head(response) = &mut self.stage {
            let response = match ready!(Pin::new(response).poll(cx)) {
                Ok(response) => response,
                Err(error) => return Poll::Ready(outcome_of(&error).into()),
            };
            if let Some(answer) = answer_of_head(&response) {
                return Poll::Ready(answer);
            }
            self.stage = Stage::Body(response.into_body());
        }
        match &mut self.stage {
            Stage::Head(_) => Poll::Pending,
            Stage::Body(stream) => poll_body(stream, &mut self.body, cx),
        }
    }
}

/// The answer if the head is all of it: an error without a body, or no gRPC at all.
fn answer_of_head(response: &http::Response<RecvStream>) -> Option<Answer> {
    match grpc_status(response.headers()) {
        Some(status) => Some(conclude(status, &[])),
        None if response.status() == StatusCode::OK => None,
        None => Some(Outcome::Grpc(GrpcCode::from_http(response.status())).into()),
    }
}

fn poll_body(stream: &mut RecvStream, body: &mut Body, cx: &mut Context<'_>) -> Poll<Answer> {
    while let Some(data) = ready!(stream.poll_data(cx)) {
        let data = match data {
            Ok(data) => data,
            Err(error) => return Poll::Ready(outcome_of(&error).into()),
        };
        // Fails only if more is released than was received.
        drop(stream.flow_control().release_capacity(data.len()));
        body.push(data);
    }
    Poll::Ready(match ready!(stream.poll_trailers(cx)) {
        Ok(Some(trailers)) => match grpc_status(&trailers) {
            Some(status) => conclude(status, body.bytes()),
            None => Outcome::Malformed.into(),
        },
        Ok(None) => Outcome::Malformed.into(),
        Err(error) => outcome_of(&error).into(),
    })
}

/// What came of an answer so far: nearly always all of it in one piece, which is then not copied.
#[derive(Debug)]
enum Body {
    Whole(Bytes),
    Pieces(BytesMut),
}

impl Body {
    fn push(&mut self, data: Bytes) {
        match self {
            Self::Whole(whole) if whole.is_empty() => *whole = data,
            Self::Whole(whole) => {
                let mut pieces = BytesMut::from(whole.as_ref());
                pieces.extend_from_slice(&data);
                *self = Self::Pieces(pieces);
            }
            Self::Pieces(pieces) => pieces.extend_from_slice(&data),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(whole) => whole,
            Self::Pieces(pieces) => pieces,
        }
    }
}

/// The number in `grpc-status`; one that is no number counts as UNKNOWN.
fn grpc_status(headers: &HeaderMap) -> Option<u32> {
    let value = headers.get("grpc-status")?;
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(number.unwrap_or(2))
}

fn conclude(status: u32, body: &[u8]) -> Answer {
    match GrpcCode::from_number(status) {
        Some(code) => Outcome::Grpc(code).into(),
        None => read_answer(body).unwrap_or(Outcome::Malformed.into()),
    }
}

/// What a broken stream means: the server's own reset is its answer, all else is the connection's.
pub(crate) fn outcome_of(error: &h2::Error) -> Outcome {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => {
            Outcome::Grpc(GrpcCode::from_reset(reason))
        }
        Some(_) | None => Outcome::TransportError,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn statuses_become_outcomes() {
        let status = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", HeaderValue::from_static(text));
            grpc_status(&headers).map(|number| conclude(number, &[]).outcome)
        };
        assert_eq!(status("12"), Some(Outcome::Grpc(GrpcCode::Unimplemented)));
        assert_eq!(status("rubbish"), Some(Outcome::Grpc(GrpcCode::Unknown)));
        assert_eq!(status("0"), Some(Outcome::Malformed));
        assert_eq!(grpc_status(&HeaderMap::new()), None);
    }

    #[test]
    fn an_answer_in_pieces_is_put_together() {
        let mut body = Body::Whole(Bytes::new());
        for piece in ["ab", "c", "de"] {
            body.push(Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!(body.bytes(), b"abcde");
    }
}
