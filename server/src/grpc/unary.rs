//! `Authorise` as a call of its own, from its bytes to the bytes of its answer.
//!
//! tonic's way for the same takes as long as the decision does: it serves whatever is not as plain as
//! most calls are, and gives the same answers.

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either};
use hyper::body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;

use super::asked::Asked;
use super::authorisation::{self, Answer};
use super::party::Asker;
use super::{Desk, MESSAGE_BYTES, stream};
use crate::ledger::LedgerError;
use crate::wire::Wire;

/// The path of the call.
pub(crate) const PATH: &str = "/waika.v1.AuthorisationService/Authorise";

/// A message on the wire has a flag before it, which says whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
const PLAIN: u8 = 0;

/// A message with its prefix, or why there is none.
pub(crate) type Reply = Result<Bytes, Status>;

/// One core's payments.
#[derive(Debug, Clone)]
pub(crate) struct Payments {
    desk: Desk,
}

/// What became of a payment so far.
pub(crate) enum Begun {
    /// It waits for the disk only.
    Undurable(Undurable),
    /// It was refused, or somebody is asked, or something is read.
    Other(BoxFuture<'static, Reply>),
}

/// A payment that is decided, and told once that is durable.
pub(crate) struct Undurable(authorisation::Undurable);

impl Payments {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Begins the payment that a whole request holds; None if it is none that can be read here.
    pub(crate) fn begin(&self, by: Asker, body: &[u8]) -> Option<Begun> {
        let asked = Asked::read(message(body)?)?;
        Some(match self.desk.begin(&asked, by) {
            Either::Left(decided) => Begun::Undurable(Undurable(decided)),
            Either::Right(other) => Begun::Other(other.map(reply).boxed()),
        })
    }

    /// Serves a stream of payments.
    pub(crate) fn serve_stream<B>(
        &self,
        request: http::Request<B>,
    ) -> impl Future<Output = http::Response<Body>> + Send + use<B>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        stream::serve(self.desk.clone(), request)
    }

    /// The highest sequence that is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.desk.durable()
    }

    /// Waits for what was begun here.
    pub(crate) fn wait_durable(
        &self,
        sequence: u64,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send + use<'_> {
        self.desk.wait_durable(sequence)
    }
}

impl Undurable {
    /// What has to be durable before it is told.
    pub(crate) fn sequence(&self) -> u64 {
        self.0.sequence()
    }

    /// What is told when the wait for its sequence has ended so.
    pub(crate) fn told(self, durable: Result<(), LedgerError>) -> Reply {
        reply(self.0.told(durable))
    }
}

/// The one message of a body, if it is not compressed and not longer than it may be.
fn message(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_first_chunk::<PREFIX_BYTES>()?;
    let [flag, length @ ..] = *prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let is_whole = flag == PLAIN && length == message.len() && length <= MESSAGE_BYTES;
    is_whole.then_some(message)
}

fn reply(answer: Answer) -> Reply {
    let told = answer?;
    // Room for an approval, so that none has to move.
    let mut bytes = Vec::with_capacity(448);
    bytes.extend_from_slice(&[PLAIN; PREFIX_BYTES]);
    told.write(&mut Wire::new(&mut bytes));
    let length = bytes.len() - PREFIX_BYTES;
    let too_long = |_| Status::internal("an answer is too long");
    let length = u32::try_from(length).map_err(too_long)?.to_be_bytes();
    for (place, byte) in bytes.iter_mut().skip(1).zip(length) {
        *place = byte;
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_whole_message_is_read_here() {
        let plain = |length: u32, rest: &[u8]| {
            let prefix = length.to_be_bytes();
            [&[0], prefix.as_slice(), rest].concat()
        };
        let longest = vec![7; MESSAGE_BYTES];
        let length = u32::try_from(MESSAGE_BYTES).unwrap();
        for (body, expected) in [
            (plain(0, b""), Some(b"".as_slice())),
            (plain(3, b"abc"), Some(b"abc".as_slice())),
            (plain(length, &longest), Some(longest.as_slice())),
            (
                plain(length + 1, &[&longest, b"7".as_slice()].concat()),
                None,
            ),
            (plain(4, b"abc"), None),
            (plain(2, b"abc"), None),
            (plain(u32::MAX, b"abc"), None),
            ([&[1, 0, 0, 0, 3], b"abc".as_slice()].concat(), None),
            ([&[2, 0, 0, 0, 3], b"abc".as_slice()].concat(), None),
            (vec![0, 0, 0, 0], None),
            (vec![], None),
        ] {
            let begin = body.get(..body.len().min(9));
            assert_eq!(message(&body), expected, "{begin:?}");
        }
    }
}
