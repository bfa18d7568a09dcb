//! One call with one answer: gRPC's framing over an HTTP/2 stream.
//!
//! Dropping what waits for the answer resets the stream, so that nobody works for an answer that nobody reads.

use std::future::poll_fn;
use std::marker::PhantomData;

use bytes::{BufMut as _, Bytes};
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use http::header::{CONTENT_TYPE, HeaderName, TE, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use prost::Message;
use zeroize::Zeroizing;

use super::failed::{CallFailed, Why};
use crate::config::Target;

/// The longest answer, in bytes: as long as what the server itself takes.
const MOST_BYTES: usize = 64 * 1_024;

/// Before each message: a byte that says whether it is compressed, and four with its length.
const PREFIX: usize = 5;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
const US: HeaderValue =
    HeaderValue::from_static(concat!("waika-server/", env!("CARGO_PKG_VERSION")));

/// A method of a partner: what a request for it begins with.
pub(crate) struct Method<Q, A> {
    head: Request<()>,
    takes_and_gives: PhantomData<fn(Q) -> A>,
}

impl<Q, A> Method<Q, A> {
    /// By its path, such as `/waika.v1.IssuerService/VerifyCard`.
    pub(crate) fn new(target: &Target, path: &'static str) -> Self {
        let scheme = target.tls().map_or(Scheme::HTTP, |_| Scheme::HTTPS);
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(target.authority().clone())
            .path_and_query(PathAndQuery::from_static(path));
        let mut head = Request::new(());
        *head.method_mut() = http::Method::POST;
        // All three parts are sound already, so there is always one.
        *head.uri_mut() = uri.build().unwrap_or_default();
        *head.version_mut() = Version::HTTP_2;
        let headers = [(TE, TRAILERS), (CONTENT_TYPE, GRPC), (USER_AGENT, US)];
        head.headers_mut().extend(headers);
        Self {
            head,
            takes_and_gives: PhantomData,
        }
    }

    pub(super) fn head(&self) -> Request<()> {
        self.head.clone()
    }
}

impl<Q, A> std::fmt::Debug for Method<Q, A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.head.uri().path())
    }
}

/// A message as it goes over the wire.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    Bytes::from(encode(message))
}

/// The same for a message with a secret: our copy is wiped once it has been written.
pub(crate) fn secret_frame(message: &impl Message) -> Bytes {
    Bytes::from_owner(Zeroizing::new(encode(message)))
}

fn encode(message: &impl Message) -> Vec<u8> {
    let length = message.encoded_len();
    let mut frame = Vec::with_capacity(PREFIX + length);
    frame.put_u8(0);
    // Nothing that is sent comes near four gigabytes.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame
}

/// Hands a request to the connection. Fails only if nothing of it was or will be sent.
pub(super) fn begin<Q, A>(
    send: &mut SendRequest<Bytes>,
    method: &Method<Q, A>,
    frame: Bytes,
) -> Result<ResponseFuture, h2::Error> {
    let (response, mut body) = send.send_request(method.head(), false)?;
    // If this fails, the answer fails with the reason.
    drop(body.send_data(frame, true));
    Ok(response)
}

/// Waits for the one answer.
pub(super) async fn answer<A, R>(response: R) -> Result<A, CallFailed>
where
    A: Message + Default,
    R: Future<Output = Result<Response<RecvStream>, h2::Error>>,
{
    // Apart, so that its head is gone while the rest is waited for.
    let body = body(response.await?)?;
    let message = whole(body).await?;
    let decoded = unframed(&message).and_then(|message| A::decode(message).ok());
    decoded.ok_or(CallFailed::sent(Why::Nonsense))
}

/// The body of an answer whose head promises one.
fn body(response: Response<RecvStream>) -> Result<RecvStream, CallFailed> {
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(CallFailed::sent(Why::Http(head.status.as_u16())));
    }
    let content_type = head.headers.get(CONTENT_TYPE);
    let is_grpc = |value: &HeaderValue| value.as_bytes().starts_with(GRPC.as_bytes());
    if !content_type.is_some_and(is_grpc) {
        return Err(CallFailed::sent(Why::Nonsense));
    }
    // An error may come without a body, and then stands here.
    match status(&head.headers).filter(|code| *code != 0) {
        Some(code) => Err(CallFailed::sent(Why::Status(code))),
        None => Ok(body),
    }
}

/// Everything up to the trailers, if those say that all went well.
async fn whole(mut body: RecvStream) -> Result<Bytes, CallFailed> {
    let mut message = Bytes::new();
    while let Some(piece) = poll_fn(|context| body.poll_data(context)).await {
        let piece = piece?;
        // Fails only for more than came.
        drop(body.flow_control().release_capacity(piece.len()));
        if message.len() + piece.len() > PREFIX + MOST_BYTES {
            return Err(CallFailed::sent(Why::Nonsense));
        }
        message = if message.is_empty() {
            piece
        } else {
            [&message[..], &piece[..]].concat().into()
        };
    }
    let trailers = poll_fn(|context| body.poll_trailers(context)).await?;
    match trailers.as_ref().and_then(status) {
        Some(0) => Ok(message),
        Some(code) => Err(CallFailed::sent(Why::Status(code))),
        None => Err(CallFailed::sent(Why::Nonsense)),
    }
}

/// The code in headers or trailers; None if there is none.
fn status(headers: &HeaderMap) -> Option<u8> {
    const UNKNOWN: u8 = 2;
    let text = headers.get(STATUS)?.to_str().ok();
    let code = text.and_then(|text| text.parse().ok());
    Some(code.filter(|code| *code <= 16).unwrap_or(UNKNOWN))
}

/// The message in a body that holds one, not compressed, and nothing else.
fn unframed(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_first_chunk::<PREFIX>()?;
    let [compressed, length @ ..] = *prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (compressed == 0 && length == message.len()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_holds_one_message_and_nothing_else() {
        for (body, expected) in [
            (&[0, 0, 0, 0, 2, 7, 8][..], Some(&[7, 8][..])),
            (&[0, 0, 0, 0, 0], Some(&[])),
            (&[1, 0, 0, 0, 2, 7, 8], None),
            (&[0, 0, 0, 0, 2, 7], None),
            (&[0, 0, 0, 0, 1, 7, 8], None),
            (&[0, 255, 255, 255, 255, 7], None),
            (&[0, 0, 0, 0], None),
            (&[], None),
        ] {
            assert_eq!(unframed(body), expected, "{body:?}");
        }
    }

    #[test]
    fn a_status_that_cannot_be_read_is_unknown() {
        for (text, expected) in [
            (None, None),
            (Some("0"), Some(0)),
            (Some("14"), Some(14)),
            (Some("17"), Some(2)),
            (Some("256"), Some(2)),
            (Some("fine"), Some(2)),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(text.map(|text| (STATUS, HeaderValue::from_static(text))));
            assert_eq!(status(&headers), expected, "{text:?}");
        }
    }
}
