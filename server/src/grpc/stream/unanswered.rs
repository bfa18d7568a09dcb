//! The payments of one stream that are begun and not answered.

use std::collections::VecDeque;

use crate::grpc::asked::Streamed;
use crate::grpc::authorisation::{Answer, Undurable};
use crate::grpc::{Desk, status};
use crate::wire::Wire;
use futures_util::future::{BoxFuture, Either, FutureExt as _, ready};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

/// The answer to one payment of a stream.
pub(super) struct Answered {
    correlation_id: u64,
    answer: Answer,
}

/// In two parts, since nearly all wait for the disk only, and that comes to them in their order: so
/// one wait is enough for all of them.
#[derive(Default)]
pub(super) struct Unanswered {
    /// Behind their correlation ids, in the order of their sequences.
    decided: VecDeque<(u64, Undurable)>,
    /// Those that are refused, and those for which somebody is asked or something is read.
    others: FuturesUnordered<BoxFuture<'static, Answered>>,
}

impl Unanswered {
    pub(super) fn len(&self) -> usize {
        self.decided.len() + self.others.len()
    }

    /// Begins a payment.
    pub(super) fn begin(&mut self, desk: &Desk, streamed: &Streamed<'_>) {
        let correlation_id = streamed.correlation_id;
        let Some(asked) = &streamed.asked else {
            let violation = ("request".to_owned(), "must be given");
            let refused = Answered {
                correlation_id,
                answer: Err(status::malformed(vec![violation])),
            };
            self.others.push(ready(refused).boxed());
            return;
        };
        match desk.begin(asked, None) {
            Either::Left(decided) => self.decided.push_back((correlation_id, decided)),
            Either::Right(other) => {
                let other = other.map(move |answer| Answered {
                    correlation_id,
                    answer,
                });
                self.others.push(other.boxed());
            }
        }
    }

    /// The next answer; None if none is to come. Whoever stops waiting loses nothing.
    pub(super) async fn next(&mut self, desk: &Desk) -> Option<Answered> {
        let Some((_, first)) = self.decided.front() else {
            return self.others.next().await;
        };
        tokio::select! {
            durable = desk.wait_durable(first.sequence()) => {
                let (correlation_id, first) = self.decided.pop_front()?;
                let answer = first.told(durable);
                Some(Answered { correlation_id, answer })
            }
            Some(answer) = self.others.next() => Some(answer),
        }
    }

    /// How many are answered once that sequence is durable.
    pub(super) fn durable(&self, durable: u64) -> usize {
        self.decided
            .partition_point(|(_, decided)| decided.sequence() <= durable)
    }

    /// An answer that is there already, where that sequence is durable.
    pub(super) fn ready(&mut self, durable: u64) -> Option<Answered> {
        let first = self.decided.front();
        if first.is_some_and(|(_, first)| first.sequence() <= durable) {
            let (correlation_id, first) = self.decided.pop_front()?;
            let answer = first.told(Ok(()));
            return Some(Answered {
                correlation_id,
                answer,
            });
        }
        self.others.next().now_or_never().flatten()
    }
}

impl Answered {
    /// Writes it as one of the responses of an `AuthoriseStreamResponse`.
    pub(super) fn write(&self, wire: &mut Wire<'_>) {
        wire.longer_message(1, |wire| {
            wire.uint(1, self.correlation_id);
            match &self.answer {
                Ok(told) => wire.longer_message(2, |wire| told.write(wire)),
                Err(error) => wire.longer_message(3, |wire| {
                    wire.int(1, i32::from(error.code()).into());
                    wire.text(2, error.message());
                    wire.binary(3, error.details());
                }),
            }
        });
    }
}
