//! The payments of one connection, each a call of its own.
//!
//! Nearly all of them are there whole when the connection looks, are decided at once and wait for the
//! disk only. So they take no task: the connection decides them as they come, and answers all that are
//! durable by now when it is woken, once for all.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Context;

use bytes::Bytes;
use futures_util::FutureExt as _;
use h2::server::SendResponse;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::calls::{Call, GRPC, is_grpc};
use super::reply;
use super::request_body::Come;
use crate::clock::monotonic;
use crate::grpc::{self, Asker, Begun, Counted, Ended, Reply, Undurable};
use crate::ledger::LedgerError;
use crate::traces::around;

/// Names how the messages of a call are compressed; tonic refuses what it does not know.
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The status of a call that was answered.
const OK: HeaderValue = HeaderValue::from_static("0");

/// Those beyond wait in tasks, which end where their caller resets them: these do not, and one that is
/// reset does not count among the calls that a caller may have open.
const MOST_UNDURABLE: usize = 1_024;

/// Those whose message is not whole. Each is looked at whenever the connection is, so that they are not
/// many; those beyond wait in tasks.
const MOST_COMING: usize = 128;

/// Those that are decided and not durable, in the order of their sequences.
pub(super) struct Payments {
    desk: grpc::Payments,
    undurable: VecDeque<(Undurable, SendResponse<Bytes>, Counted)>,
    /// Those whose message is not there yet, or not ended: many callers end it a moment later.
    coming: VecDeque<Call>,
}

impl Payments {
    pub(super) fn new(desk: grpc::Payments) -> Self {
        Self {
            desk,
            undurable: VecDeque::new(),
            coming: VecDeque::new(),
        }
    }

    /// Where one waits for what is durable.
    pub(super) fn desk(&self) -> grpc::Payments {
        self.desk.clone()
    }

    /// What has to be durable before anything more is answered.
    pub(super) fn next(&self) -> Option<u64> {
        self.undurable.front().map(|(first, ..)| first.sequence())
    }

    /// Answers the first, for which the wait has ended so, and all that are durable by now; all, if none
    /// will be.
    pub(super) fn answer(&mut self, durable: Result<(), LedgerError>) {
        let up_to = match durable {
            Ok(()) => self.desk.durable(),
            Err(_) => u64::MAX,
        };
        let now = monotonic();
        while self.next().is_some_and(|next| next <= up_to)
            && let Some((decided, respond, counted)) = self.undurable.pop_front()
        {
            let told = catch_unwind(AssertUnwindSafe(|| decided.told(durable)));
            let told = told.unwrap_or_else(|panicked| Err(grpc::panicked(panicked)));
            counted.end_at(send(told, respond), now);
        }
    }

    /// Looks at each once that had not come whole; what is given back is a call of any other kind.
    pub(super) fn begin_coming(&mut self, context: &mut Context<'_>) -> Vec<Call> {
        let mut others = Vec::new();
        for _ in 0..self.coming.len() {
            let call = self.coming.pop_front();
            others.extend(call.and_then(|call| self.begin(call, context)));
        }
        others
    }

    /// Begins what has come whole. Gives back what comes in pieces, and what is no plain payment: a call
    /// of any other kind.
    pub(super) fn begin(&mut self, call: Call, context: &mut Context<'_>) -> Option<Call> {
        let Call {
            head,
            mut body,
            respond,
            caller,
            counted,
        } = call;
        let is_payment = head.uri.path() == grpc::PATH
            && is_grpc(&head)
            && !head.headers.contains_key(GRPC_ENCODING);
        let has_room = self.undurable.len() < MOST_UNDURABLE && self.coming.len() < MOST_COMING;
        let come = (is_payment && has_room).then(|| body.read_on(context));
        if come != Some(Come::Whole) {
            let call = Call {
                head,
                body,
                respond,
                caller,
                counted,
            };
            if come == Some(Come::NotYet) {
                self.coming.push_back(call);
                return None;
            }
            return Some(call);
        }
        let begun = || {
            let asker = Asker::new(caller.clone(), &head.headers, counted.watch());
            self.desk.begin(asker, body.read())
        };
        let around = counted.around_if_traced();
        match catch_unwind(AssertUnwindSafe(|| around::within(around, begun))) {
            Ok(Some(Begun::Undurable(decided))) => {
                self.undurable.push_back((decided, respond, counted));
            }
            Ok(Some(Begun::Other(other))) => {
                let around = counted.around(&head.headers);
                let waiting = wait_and_send(other, respond, counted);
                drop(around::spawn_within(around, waiting));
            }
            Ok(None) => {
                return Some(Call {
                    head,
                    body,
                    respond,
                    caller,
                    counted,
                });
            }
            Err(panicked) => counted.end(send(Err(grpc::panicked(panicked)), respond)),
        }
        None
    }
}

async fn wait_and_send(
    answer: impl Future<Output = Reply>,
    mut respond: SendResponse<Bytes>,
    counted: Counted,
) {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    if let Some(answered) = reply::unless_reset(answer, &mut respond).await {
        let answered = answered.unwrap_or_else(|panicked| Err(grpc::panicked(panicked)));
        counted.end(send(answered, respond));
    }
}

/// Sends an answer at once. It is shorter than what a connection takes of one that does not read, and
/// a caller that wants it no longer does not mind. Gives as what the call has ended.
pub(super) fn send(reply: Reply, mut respond: SendResponse<Bytes>) -> Ended {
    let (ended, sent) = match reply {
        Ok(message) => (Ended::OK, send_message(message, &mut respond)),
        Err(status) => {
            let ended = Ended::with(&status);
            let sent = respond.send_response(status.into_http(), true);
            (ended, sent.map(drop))
        }
    };
    sent.map_or(Ended::CANCELLED, |()| ended)
}

fn send_message(message: Bytes, respond: &mut SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut head = Response::new(());
    head.headers_mut().insert(CONTENT_TYPE, GRPC);
    let mut stream = respond.send_response(head, false)?;
    stream.send_data(message, false)?;
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, OK);
    stream.send_trailers(trailers)
}
