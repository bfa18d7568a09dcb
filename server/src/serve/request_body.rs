//! The body of a call, as the services read it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use hyper::body::{Body, Frame};

/// What the caller sends: first what was read already, then the rest.
#[derive(Debug)]
pub(super) struct RequestBody {
    read: Bytes,
    rest: RecvStream,
}

/// What has come of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Come {
    /// All of it, in one piece.
    Whole,
    /// One piece or none; the caller has not ended it, as it may in a frame of its own.
    NotYet,
    /// Several pieces, or none that can be read.
    InPieces,
}

impl RequestBody {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self {
            read: Bytes::new(),
            rest: stream,
        }
    }

    /// Reads what has come.
    pub(super) fn read_on(&mut self, context: &mut Context<'_>) -> Come {
        loop {
            match poll_bytes(&mut self.rest, context) {
                Poll::Ready(Some(Ok(bytes))) if self.read.is_empty() => self.read = bytes,
                Poll::Ready(Some(Ok(bytes))) if bytes.is_empty() => {}
                // Whoever sends a message in pieces has time.
                Poll::Ready(Some(Ok(more))) => {
                    self.read = [&*self.read, &*more].concat().into();
                    return Come::InPieces;
                }
                Poll::Ready(None) => return Come::Whole,
                Poll::Ready(Some(Err(_))) => return Come::InPieces,
                Poll::Pending => return Come::NotYet,
            }
        }
    }

    /// What was read, and not yet taken.
    pub(super) fn read(&self) -> &[u8] {
        &self.read
    }
}

/// The next bytes of a stream, for which the caller may send as many others.
pub(super) fn poll_bytes(
    stream: &mut RecvStream,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let bytes = ready!(stream.poll_data(context)?);
    if let Some(bytes) = &bytes {
        // A stream that has ended has no window, which is no harm.
        let _ = stream.flow_control().release_capacity(bytes.len());
    }
    Poll::Ready(bytes.map(Ok))
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Self { read, rest } = self.get_mut();
        if !read.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(read)))));
        }
        if let Some(bytes) = ready!(poll_bytes(rest, context)?) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let trailers = ready!(rest.poll_trailers(context)?);
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }
}
