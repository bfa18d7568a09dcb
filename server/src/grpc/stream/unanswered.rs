//! The payments of one stream that are begun and not answered.

use std::collections::VecDeque;

use futures_util::future::{BoxFuture, Either, FutureExt as _, ready};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use waika::v1;
use waika::v1::streamed_response::Outcome;

use crate::grpc::authorisation::{Answer, Undurable};
use crate::grpc::{Desk, status};

/// In two parts, since nearly all wait for the disk only, and that comes to them in their order: so
/// one wait is enough for all of them.
#[derive(Default)]
pub(super) struct Unanswered {
    /// Behind their correlation ids, in the order of their sequences.
    decided: VecDeque<(u64, Undurable)>,
    /// Those that are refused, and those for which somebody is asked or something is read.
    others: FuturesUnordered<BoxFuture<'static, v1::StreamedResponse>>,
}

impl Unanswered {
    pub(super) fn len(&self) -> usize {
        self.decided.len() + self.others.len()
    }

    /// Begins a payment.
    pub(super) fn begin(&mut self, desk: &Desk, streamed: v1::StreamedRequest) {
        let v1::StreamedRequest {
            correlation_id,
            request,
        } = streamed;
        let Some(request) = request else {
            let violation = ("request".to_owned(), "must be given");
            let refused = response(correlation_id, Err(status::malformed(vec![violation])));
            self.others.push(ready(refused).boxed());
            return;
        };
        match desk.begin(request, None) {
            Either::Left(decided) => self.decided.push_back((correlation_id, decided)),
            Either::Right(other) => {
                let other = other.map(move |answer| response(correlation_id, answer));
                self.others.push(other.boxed());
            }
        }
    }

    /// The next answer; None if none is to come. Whoever stops waiting loses nothing.
    pub(super) async fn next(&mut self, desk: &Desk) -> Option<v1::StreamedResponse> {
        let Some((_, first)) = self.decided.front() else {
            return self.others.next().await;
        };
        tokio::select! {
            durable = desk.wait_durable(first.sequence()) => {
                let (correlation_id, first) = self.decided.pop_front()?;
                Some(response(correlation_id, first.told(durable)))
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
    pub(super) fn ready(&mut self, durable: u64) -> Option<v1::StreamedResponse> {
        let first = self.decided.front();
        if first.is_some_and(|(_, first)| first.sequence() <= durable) {
            let (correlation_id, first) = self.decided.pop_front()?;
            return Some(response(correlation_id, first.told(Ok(()))));
        }
        self.others.next().now_or_never().flatten()
    }
}

fn response(correlation_id: u64, answer: Answer) -> v1::StreamedResponse {
    let outcome = match answer {
        Ok(response) => Outcome::Response(response),
        Err(error) => Outcome::Error(v1::StreamedError {
            code: error.code().into(),
            message: error.message().to_owned(),
            details: error.details().to_vec(),
        }),
    };
    v1::StreamedResponse {
        correlation_id,
        outcome: Some(outcome),
    }
}
