//! Many messages and one answer to all of them. Only as much is held as the other side has room for.
//!
//! Dropping an upload that has not ended resets its stream, so that half of it is never taken for all
//! of it. Not with CANCEL, as h2 does by itself: a server of tonic's takes that for the end of the messages.

use std::future::poll_fn;
use std::marker::PhantomData;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use prost::Message;

use super::failed::CallFailed;
use super::unary::{self, Method};

/// Messages on their way.
pub(crate) struct Upload<Q, A> {
    body: SendStream<Bytes>,
    response: ResponseFuture,
    /// The other side takes no more: what it answers says why.
    is_cut: bool,
    /// All was sent.
    is_whole: bool,
    takes_and_gives: PhantomData<fn(Q) -> A>,
}

impl<Q, A> Upload<Q, A> {
    /// Fails only if nothing was or will be sent.
    pub(super) fn begin(
        send: &mut SendRequest<Bytes>,
        method: &Method<Q, A>,
    ) -> Result<Self, h2::Error> {
        let (response, body) = send.send_request(method.head(), false)?;
        Ok(Self {
            body,
            response,
            is_cut: false,
            is_whole: false,
            takes_and_gives: PhantomData,
        })
    }

    /// Sends one more message, once the other side has room for it.
    pub(crate) async fn send(&mut self, mut frame: Bytes) {
        while !frame.is_empty() && !self.is_cut {
            self.body.reserve_capacity(frame.len());
            if self.body.capacity() == 0 {
                let room = poll_fn(|context| self.body.poll_capacity(context)).await;
                self.is_cut = !matches!(room, Some(Ok(_)));
            }
            let room = self.body.capacity().min(frame.len());
            if room > 0 && self.body.send_data(frame.split_to(room), false).is_err() {
                self.is_cut = true;
            }
        }
    }
}

impl<Q, A: Message + Default> Upload<Q, A> {
    /// Says that this was all, and waits for the answer.
    pub(crate) async fn finish(mut self) -> Result<A, CallFailed> {
        if !self.is_cut {
            // If this fails, the answer fails with the reason.
            drop(self.body.send_data(Bytes::new(), true));
        }
        self.is_whole = true;
        unary::answer(&mut self.response).await
    }
}

impl<Q, A> Drop for Upload<Q, A> {
    fn drop(&mut self) {
        if !self.is_whole {
            self.body.send_reset(Reason::INTERNAL_ERROR);
        }
    }
}
