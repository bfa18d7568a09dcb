//! `AuthoriseStream`: many payments at once over one stream, answered as they are decided.

mod frames;
mod unanswered;

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::{self, Stream};
use hyper::body::Body as HttpBody;
use prost::Message as _;
use tokio::sync::OwnedSemaphorePermit;
use tonic::body::Body;
use tonic::server::{Grpc, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use waika::v1;

use self::frames::Frames;
use self::unanswered::{Answered, Unanswered};
use super::asked::Streamed;
use super::{Desk, ENCODED_BYTES, Messages, STREAMED_BYTES, status};
use crate::identity::Pass;
use crate::wire::Wire;

/// The path of the call.
pub(crate) const PATH: &str = "/waika.v1.AuthorisationService/AuthoriseStream";

/// Payments in one message.
const MOST_IN_A_MESSAGE: usize = 1_024;
/// Payments of one stream that are begun and not answered. Those behind them wait as they came,
/// which takes little room, and no further message is read, so that HTTP/2 holds the caller back.
const MOST_UNANSWERED: usize = 512;
/// Streams that may be open at once, over all connections.
pub(super) const MOST_STREAMS: usize = 256;
/// Messages that are read before answers have their turn.
const MOST_AT_ONCE: usize = 64;
/// Answers in one message, so that it stays well below the size that callers take.
const MOST_ANSWERS: usize = 64;
/// An approval in a message of answers is hardly longer.
const LIKELY_BYTES: usize = 400;

/// The answers of one stream, in messages that are written.
type Answers = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;

/// Serves one stream.
pub(super) async fn serve<B>(desk: Desk, request: http::Request<B>) -> http::Response<Body>
where
    B: HttpBody + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let grpc = Grpc::new(Frames);
    let mut grpc = grpc.apply_max_message_size_config(Some(STREAMED_BYTES), Some(ENCODED_BYTES));
    grpc.streaming(Conversations(desk), request).await
}

struct Conversations(Desk);

impl StreamingService<Bytes> for Conversations {
    type Response = Vec<u8>;
    type ResponseStream = Answers;
    type Future = Ready<Result<Response<Answers>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let begun = || {
            self.0.ledger()?;
            let place = Arc::clone(&self.0.doorway.streams).try_acquire_owned();
            let place = place.map_err(|_| status::too_many_streams())?;
            let pass = request.extensions().get().cloned();
            let pass = pass.unwrap_or_default();
            let messages = request.extensions().get().cloned();
            let counted = (pass, messages.unwrap_or_default());
            let answers = answers(self.0.clone(), place, counted, request.into_inner());
            Ok(Response::new(answers))
        };
        ready(begun())
    }
}

/// Decides what comes, at the same time, and answers in the order in which it is decided.
fn answers(
    desk: Desk,
    place: OwnedSemaphorePermit,
    (pass, messages): (Pass, Messages),
    requests: Streaming<Bytes>,
) -> Answers {
    let conversation = Conversation {
        desk,
        _place: place,
        requests,
        waiting: VecDeque::new(),
        unanswered: Unanswered::of(pass),
        messages,
        end: None,
    };
    Box::pin(stream::unfold(conversation, |mut conversation| async {
        let answer = conversation.next().await?;
        Some((answer, conversation))
    }))
}

/// Why nothing more is read.
enum End {
    /// The caller has said all.
    Said,
    /// Something is wrong, or the server stops: told once everything is answered.
    Broken(Status),
    /// That was told.
    Told,
}

struct Conversation {
    desk: Desk,
    /// Given back when the stream ends, however it ends.
    _place: OwnedSemaphorePermit,
    requests: Streaming<Bytes>,
    /// Each a `StreamedRequest` that can be read.
    waiting: VecDeque<Bytes>,
    unanswered: Unanswered,
    messages: Messages,
    end: Option<End>,
}

impl Conversation {
    /// The next message; None once all is answered and nothing more will come.
    async fn next(&mut self) -> Option<Result<Vec<u8>, Status>> {
        loop {
            self.begin_waiting();
            self.begin_what_has_come();
            if let Some(first) = self.unanswered.ready(self.desk.durable()) {
                return Some(Ok(self.with_what_is_ready(&first)));
            }
            if self.may_read() {
                if let Some(first) = self.read_or_answer().await {
                    return Some(Ok(self.with_what_is_ready(&first)));
                }
            } else if let Some(first) = self.unanswered.next(&self.desk).await {
                return Some(Ok(self.with_what_is_ready(&first)));
            } else {
                return match self.end.replace(End::Told) {
                    Some(End::Broken(why)) => Some(Err(why)),
                    Some(End::Said | End::Told) | None => None,
                };
            }
        }
    }

    fn may_read(&self) -> bool {
        self.end.is_none() && self.waiting.is_empty()
    }

    /// Begins what is there already, so that a wait is made for many messages and not for each.
    fn begin_what_has_come(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            if !self.may_read() || self.unanswered.len() >= MOST_UNANSWERED {
                return;
            }
            match self.requests.message().now_or_never() {
                Some(message) => self.take(message),
                None => return,
            }
        }
    }

    /// Whatever comes first: an answer, or more to decide.
    async fn read_or_answer(&mut self) -> Option<Answered> {
        let stopping = self.desk.doorway.stopping.cancelled();
        tokio::select! {
            Some(answer) = self.unanswered.next(&self.desk) => return Some(answer),
            message = self.requests.message() => self.take(message),
            () = stopping => {
                let why = status::not_serving("the server is stopping, and every payment read was answered");
                self.end = Some(End::Broken(why));
            }
        }
        None
    }

    fn take(&mut self, message: Result<Option<Bytes>, Status>) {
        if let Ok(Some(_)) = message {
            self.messages.received();
        }
        if let Err(denied) = self.unanswered.pass().check(PATH) {
            self.end = Some(End::Broken(status::denied(&denied)));
            return;
        }
        match message {
            Ok(Some(message)) => self.begin(&message),
            Ok(None) => self.end = Some(End::Said),
            Err(broken) => self.end = Some(End::Broken(broken)),
        }
    }

    fn begin(&mut self, message: &Bytes) {
        if self.begin_all(message).is_some() {
            return;
        }
        // What is not written as most write it: prost says what is wrong with it, or what it means.
        let broken = match v1::AuthoriseStreamRequest::decode(&**message) {
            Ok(read) if self.begin_all(&read.encode_to_vec().into()).is_some() => return,
            Ok(_) => status::internal("a message was read in two ways"),
            Err(error) => Status::internal(error.to_string()),
        };
        self.end = Some(End::Broken(broken));
    }

    /// Begins as many payments of a message as may be, and keeps the others as they came. None if it
    /// cannot be read, and then nothing is begun.
    fn begin_all(&mut self, message: &Bytes) -> Option<()> {
        let all = Streamed::read_all(message, MOST_IN_A_MESSAGE)?;
        if all.len() > MOST_IN_A_MESSAGE {
            let violation = ("requests".to_owned(), "must be at most 1024");
            self.end = Some(End::Broken(status::malformed(vec![violation])));
            return Some(());
        }
        // Nothing waits: else nothing was read.
        for streamed in all {
            if self.unanswered.len() < MOST_UNANSWERED {
                self.unanswered.begin(&self.desk, &streamed);
            } else {
                self.waiting.push_back(message.slice_ref(streamed.message));
            }
        }
        Some(())
    }

    fn begin_waiting(&mut self) {
        while self.unanswered.len() < MOST_UNANSWERED
            && let Some(message) = self.waiting.pop_front()
        {
            if let Some(streamed) = Streamed::read(&message) {
                self.unanswered.begin(&self.desk, &streamed);
            }
        }
    }

    /// An answer, and those that are there by now.
    fn with_what_is_ready(&mut self, first: &Answered) -> Vec<u8> {
        self.messages.sent();
        let durable = self.desk.durable();
        let ready = self.unanswered.durable(durable);
        let likely = MOST_ANSWERS.min(1 + ready) * LIKELY_BYTES;
        let mut bytes = Vec::with_capacity(likely);
        let wire = &mut Wire::new(&mut bytes);
        first.write(wire);
        for _ in 1..MOST_ANSWERS {
            let Some(more) = self.unanswered.ready(durable) else {
                break;
            };
            more.write(wire);
        }
        bytes
    }
}
