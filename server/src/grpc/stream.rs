//! `AuthoriseStream`: many payments at once over one stream, answered as they are decided.

mod unanswered;

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::stream::{self, Stream};
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Status, Streaming};
use waika::v1;

use self::unanswered::Unanswered;
use super::{Desk, status};

/// Payments in one message.
const MOST_IN_A_MESSAGE: usize = 1_024;
/// Payments of one stream that are begun and not answered. Those behind them wait as they came,
/// which takes little room, and no further message is read, so that HTTP/2 holds the caller back.
const MOST_UNANSWERED: usize = 128;
/// Streams that may be open at once, over all connections.
pub(super) const MOST_STREAMS: usize = 256;
/// Answers in one message, so that it stays well below the size that callers take.
const MOST_ANSWERS: usize = 64;

/// The answers of one stream.
pub(super) type Answers =
    Pin<Box<dyn Stream<Item = Result<v1::AuthoriseStreamResponse, Status>> + Send>>;

/// Decides what comes, at the same time, and answers in the order in which it is decided.
pub(super) fn answers(
    desk: Desk,
    place: OwnedSemaphorePermit,
    requests: Streaming<v1::AuthoriseStreamRequest>,
) -> Answers {
    let conversation = Conversation {
        desk,
        _place: place,
        requests,
        waiting: VecDeque::new(),
        unanswered: Unanswered::default(),
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
    requests: Streaming<v1::AuthoriseStreamRequest>,
    waiting: VecDeque<v1::StreamedRequest>,
    unanswered: Unanswered,
    end: Option<End>,
}

impl Conversation {
    /// The next message; None once all is answered and nothing more will come.
    async fn next(&mut self) -> Option<Result<v1::AuthoriseStreamResponse, Status>> {
        loop {
            self.begin_waiting();
            if self.end.is_none() && self.waiting.is_empty() {
                if let Some(first) = self.read_or_answer().await {
                    return Some(Ok(self.with_what_is_ready(first)));
                }
            } else if let Some(first) = self.unanswered.next(&self.desk).await {
                return Some(Ok(self.with_what_is_ready(first)));
            } else {
                return match self.end.replace(End::Told) {
                    Some(End::Broken(why)) => Some(Err(why)),
                    Some(End::Said | End::Told) | None => None,
                };
            }
        }
    }

    /// Whatever comes first: an answer, or more to decide.
    async fn read_or_answer(&mut self) -> Option<v1::StreamedResponse> {
        let stopping = self.desk.doorway.stopping.cancelled();
        tokio::select! {
            Some(answer) = self.unanswered.next(&self.desk) => return Some(answer),
            message = self.requests.message() => match message {
                Ok(Some(message)) => self.begin(message),
                Ok(None) => self.end = Some(End::Said),
                Err(broken) => self.end = Some(End::Broken(broken)),
            },
            () = stopping => {
                let why = status::not_serving("the server is stopping, and every payment read was answered");
                self.end = Some(End::Broken(why));
            }
        }
        None
    }

    fn begin(&mut self, message: v1::AuthoriseStreamRequest) {
        if message.requests.len() > MOST_IN_A_MESSAGE {
            let violation = ("requests".to_owned(), "must be at most 1024");
            self.end = Some(End::Broken(status::malformed(vec![violation])));
            return;
        }
        // Nothing waits: else nothing was read.
        self.waiting = message.requests.into();
    }

    fn begin_waiting(&mut self) {
        while self.unanswered.len() < MOST_UNANSWERED
            && let Some(streamed) = self.waiting.pop_front()
        {
            self.unanswered.begin(&self.desk, streamed);
        }
    }

    /// An answer, and those that are there by now.
    fn with_what_is_ready(&mut self, first: v1::StreamedResponse) -> v1::AuthoriseStreamResponse {
        let durable = self.desk.durable();
        let ready = self.unanswered.durable(durable);
        let mut responses = Vec::with_capacity(MOST_ANSWERS.min(1 + ready));
        responses.push(first);
        while responses.len() < MOST_ANSWERS
            && let Some(more) = self.unanswered.ready(durable)
        {
            responses.push(more);
        }
        v1::AuthoriseStreamResponse { responses }
    }
}
