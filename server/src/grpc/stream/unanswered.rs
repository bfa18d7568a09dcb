//! The payments of one stream that are begun and not answered.

use std::collections::VecDeque;

use crate::grpc::asked::Streamed;
use crate::grpc::authorisation::{Answer, Undurable};
use crate::grpc::{Asker, Desk, status};
use crate::identity::Pass;
use crate::wire::Wire;
use futures_util::future::{BoxFuture, Either, FutureExt as _, ready};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tonic::Status;

/// The answer to one payment of a stream.
pub(super) struct Answered {
    correlation_id: u64,
    answer: Answer,
}

/// In two parts, since nearly all wait for the disk only, and that comes to them in their order: so
/// one wait is enough for all of them.
pub(super) struct Unanswered {
    /// Behind their correlation ids, in the order of their sequences.
    decided: VecDeque<(u64, Undurable)>,
    /// Those that are refused, and those for which somebody is asked or something is read.
    others: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// Whose payments they are, and that they may be made.
    pass: Pass,
}

impl Unanswered {
    /// None yet, of a caller.
    pub(super) fn of(pass: Pass) -> Self {
        Self {
            decided: VecDeque::new(),
            others: FuturesUnordered::new(),
            pass,
        }
    }

    /// What to ask before more is read.
    pub(super) fn pass(&mut self) -> &mut Pass {
        &mut self.pass
    }

    pub(super) fn len(&self) -> usize {
        self.decided.len() + self.others.len()
    }

    /// Begins a payment.
    pub(super) fn begin(&mut self, desk: &Desk, streamed: &Streamed<'_>) {
        let correlation_id = streamed.correlation_id;
        let Some(asked) = &streamed.asked else {
            let violation = ("request".to_owned(), "must be given");
            return self.refuse(correlation_id, status::malformed(vec![violation]));
        };
        if let Err(denied) = self.pass.count() {
            return self.refuse(correlation_id, status::denied(&denied));
        }
        match desk.begin(asked, Asker::in_stream(self.pass.caller())) {
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

    fn refuse(&mut self, correlation_id: u64, why: Status) {
        let refused = Answered {
            correlation_id,
            answer: Err(why),
        };
        self.others.push(ready(refused).boxed());
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
