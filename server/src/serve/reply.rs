//! Sending what a service answers.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::Response;
use hyper::body::{Body as HttpBody, Frame};
use tonic::body::Body;
use tracing::debug;

use crate::grpc::Ended;

/// Waits for an answer, unless its caller wants none any more.
pub(super) async fn unless_reset<T>(
    answer: impl Future<Output = T>,
    respond: &mut SendResponse<Bytes>,
) -> Option<T> {
    let mut answer = pin!(answer);
    let answered = poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answered) => Poll::Ready(Some(answered)),
        // Whatever says that the stream is over says that nobody waits.
        Poll::Pending => respond.poll_reset(context).map(|_| None),
    });
    answered.await
}

/// Sends an answer, piece by piece as its caller reads, until that wants no more of it. Gives as what the call
/// has ended.
pub(super) async fn send(answer: Response<Body>, mut respond: SendResponse<Bytes>) -> Ended {
    let (head, body) = answer.into_parts();
    let is_all = body.is_end_stream();
    // An answer without a message has its status in the head.
    let told = Ended::told_by(&head.headers);
    let sent = async {
        let head = Response::from_parts(head, ());
        let mut stream = respond.send_response(head, is_all)?;
        if is_all {
            return Ok(told);
        }
        send_body(&mut stream, body, told).await
    };
    sent.await.unwrap_or_else(|error: h2::Error| {
        debug!(%error, "an answer was not taken");
        Ended::CANCELLED
    })
}

/// `told` is what the head says, and holds unless there are trailers.
async fn send_body(
    stream: &mut SendStream<Bytes>,
    body: Body,
    told: Ended,
) -> Result<Ended, h2::Error> {
    let mut body = pin!(body);
    loop {
        match poll_fn(|context| poll_piece(stream, body.as_mut(), context)).await? {
            Some(Ok(piece)) => match piece.into_data() {
                Ok(bytes) => {
                    poll_fn(|context| poll_room(stream, bytes.len(), context)).await?;
                    let is_all = body.is_end_stream();
                    stream.send_data(bytes, is_all)?;
                    if is_all {
                        return Ok(told);
                    }
                }
                Err(piece) => {
                    if let Ok(trailers) = piece.into_trailers() {
                        let ended = Ended::told_by(&trailers);
                        return stream.send_trailers(trailers).map(|()| ended);
                    }
                }
            },
            Some(Err(error)) => {
                debug!(%error, "an answer broke off");
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Ok(Ended::BROKEN);
            }
            None => {
                return stream.send_data(Bytes::new(), true).map(|()| told);
            }
        }
    }
}

type Piece = Option<Result<Frame<Bytes>, <Body as HttpBody>::Error>>;

/// The next piece of a body, if its caller still wants it.
fn poll_piece(
    stream: &mut SendStream<Bytes>,
    body: Pin<&mut Body>,
    context: &mut Context<'_>,
) -> Poll<Result<Piece, h2::Error>> {
    if let Poll::Ready(piece) = body.poll_frame(context) {
        return Poll::Ready(Ok(piece));
    }
    let reason = ready!(stream.poll_reset(context))?;
    Poll::Ready(Err(reason.into()))
}

/// Completes once the caller takes something of a piece; what it does not take yet waits in the
/// connection. None is claimed before there is a piece, since what is claimed is kept from others.
fn poll_room(
    stream: &mut SendStream<Bytes>,
    length: usize,
    context: &mut Context<'_>,
) -> Poll<Result<(), h2::Error>> {
    if length == 0 {
        return Poll::Ready(Ok(()));
    }
    stream.reserve_capacity(1);
    loop {
        if stream.capacity() > 0 {
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(reason) = stream.poll_reset(context)? {
            return Poll::Ready(Err(reason.into()));
        }
        match ready!(stream.poll_capacity(context)) {
            Some(room) => drop(room?),
            None => return Poll::Ready(Err(Reason::CANCEL.into())),
        }
    }
}
