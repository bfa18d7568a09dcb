//! A way to a partner: one connection, which is made again by itself when it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::Either;
use h2::client::SendRequest;
use metrics::Gauge;
use prost::Message;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::connection::{self, Opened};
use super::failed::CallFailed;
use super::unary::{self, Method};
use super::upload::Upload;
use crate::clock;
use crate::config::Target;

/// How long a call waits for a connection that is being made.
const CALL_WAITS: Duration = Duration::from_millis(500);

/// How long to wait before another connection is made, after the first failure and at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A connection that is gone sooner than this counts as one that could not be made.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// One way to a partner. Its connection lives on the runtime of the call that needed it first.
pub(crate) struct Line {
    partner: &'static str,
    target: Target,
    state: watch::Sender<State>,
    begun: AtomicBool,
    load: AtomicUsize,
    /// How many lines like this have a connection.
    connections: Gauge,
}

enum State {
    /// A connection is being made, or was not needed yet: calls wait for it, though not long.
    Connecting,
    /// None can be made at present: calls do not wait.
    Failing,
    Up(Up),
}

struct Up {
    send: SendRequest<Bytes>,
    /// Streams that the other side allows at once.
    streams: usize,
    /// Dropped with this, it tells the task that keeps the line to make another connection.
    _leave: oneshot::Sender<()>,
    number: usize,
}

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is about to have a connection, or will have one when it is needed.
    Connecting,
    /// It has none and tries again.
    Failing,
    /// It has one.
    Up {
        /// Calls on it.
        load: usize,
        /// Streams that the other side allows at once.
        streams: usize,
    },
}

impl std::fmt::Debug for Line {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Line")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Line {
    /// A line to a partner, who is named so in logs. Nothing is connected before it is needed.
    pub(crate) fn new(partner: &'static str, target: Target, connections: Gauge) -> Arc<Self> {
        Arc::new(Self {
            partner,
            target,
            state: watch::Sender::new(State::Connecting),
            begun: AtomicBool::new(false),
            load: AtomicUsize::new(0),
            connections,
        })
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        match &*self.state.borrow() {
            State::Connecting => Standing::Connecting,
            State::Failing => Standing::Failing,
            State::Up(up) => Standing::Up {
                load: self.load.load(Ordering::Relaxed),
                streams: up.streams,
            },
        }
    }

    /// Makes the connection if none was made yet. Needs a runtime, on which it then lives.
    pub(crate) fn begin(self: &Arc<Self>) {
        if !self.begun.load(Ordering::Relaxed) && !self.begun.swap(true, Ordering::Relaxed) {
            tokio::spawn(Arc::clone(self).keep());
        }
    }

    /// Asks once, and waits for the answer for as long as the caller does. Mostly there is a
    /// connection, and then the question leaves here and now.
    pub(crate) fn call<'a, Q, A>(
        self: &Arc<Self>,
        method: &'a Method<Q, A>,
        frame: Bytes,
    ) -> impl Future<Output = Result<A, CallFailed>> + use<'a, Q, A>
    where
        A: Message + Default,
    {
        let place = Place::taken(self);
        let up = self.up();
        let begun = up.map(|(mut send, _)| unary::begin(&mut send, method, frame.clone()));
        let answer = if let Some(Ok(response)) = begun {
            Either::Left(unary::answer(response))
        } else {
            let line = Arc::clone(self);
            Either::Right(Box::pin(async move {
                let again = |send: &mut _| unary::begin(send, method, frame.clone());
                unary::answer(line.begin_on(again).await?).await
            }))
        };
        // A future that is awaited in another stands in it twice: where it came and where it is awaited.
        answer.map(move |answered| {
            drop(place);
            answered
        })
    }

    /// A connection that takes calls, and its number.
    fn up(self: &Arc<Self>) -> Option<(SendRequest<Bytes>, usize)> {
        self.begin();
        if let State::Up(up) = &*self.state.borrow() {
            Some((up.send.clone(), up.number))
        } else {
            None
        }
    }

    /// Begins to send many messages, for which there will be one answer.
    pub(crate) async fn upload<Q, A>(
        self: &Arc<Self>,
        method: &Method<Q, A>,
    ) -> Result<Upload<Q, A>, CallFailed> {
        self.begin_on(|send| Upload::begin(send, method)).await
    }

    /// Begins something on the connection. The second time is for one that ends just now: what it
    /// does not take was never sent.
    async fn begin_on<T>(
        self: &Arc<Self>,
        begin: impl Fn(&mut SendRequest<Bytes>) -> Result<T, h2::Error>,
    ) -> Result<T, CallFailed> {
        for _ in 0..2 {
            let Some((mut send, number)) = self.ready().await else {
                break;
            };
            match begin(&mut send) {
                Ok(stream) => return Ok(stream),
                Err(_) => self.leave(number),
            }
        }
        Err(CallFailed::NO_CONNECTION)
    }

    /// A connection, and its number.
    async fn ready(self: &Arc<Self>) -> Option<(SendRequest<Bytes>, usize)> {
        self.begin();
        match &*self.state.borrow() {
            State::Up(up) => return Some((up.send.clone(), up.number)),
            State::Failing => return None,
            State::Connecting => {}
        }
        let mut watched = self.state.subscribe();
        let settled = watched.wait_for(|state| !matches!(state, State::Connecting));
        match timeout(CALL_WAITS, settled).await.ok()?.as_deref() {
            Ok(State::Up(up)) => Some((up.send.clone(), up.number)),
            Ok(State::Connecting | State::Failing) | Err(_) => None,
        }
    }

    /// A connection takes no calls any more. Those that it has taken go on.
    fn leave(&self, number: usize) {
        self.state.send_if_modified(|state| {
            let is_it = matches!(state, State::Up(up) if up.number == number);
            if is_it {
                *state = State::Connecting;
            }
            is_it
        });
    }

    /// Makes one connection after the other, for ever.
    async fn keep(self: Arc<Self>) {
        let mut failures = 0;
        for number in 0.. {
            match connection::open(&self.target).await {
                Ok(opened) => {
                    self.tell_up(failures);
                    let lived = self.use_up(opened, number).await;
                    failures = if lived < SHORT_LIFE { failures + 1 } else { 0 };
                }
                Err(why) => {
                    failures += 1;
                    self.tell_failure(failures, &why);
                }
            }
            if failures > 0 {
                self.state.send_replace(State::Failing);
                // It stays so during the next try, which will probably end like the last.
                sleep(wait_after(failures)).await;
            }
        }
    }

    /// Offers a connection until it is gone or takes no more. Says how long that was.
    async fn use_up(&self, opened: Opened, number: usize) -> Duration {
        let began = clock::monotonic();
        let (leave, mut left) = oneshot::channel();
        let streams = opened.send.current_max_send_streams();
        let mut driving = tokio::spawn(opened.driver);
        self.connections.increment(1);
        self.state.send_replace(State::Up(Up {
            send: opened.send,
            streams,
            _leave: leave,
            number,
        }));
        tokio::select! {
            ended = &mut driving => match ended {
                Ok(ended) => debug!(partner = self.partner, %ended, "a connection ended"),
                Err(error) => warn!(partner = self.partner, %error, "a connection is lost"),
            },
            _ = &mut left => {}
        }
        self.connections.decrement(1);
        self.state.send_replace(State::Connecting);
        began.elapsed()
    }

    fn tell_up(&self, failures: u32) {
        let (partner, target) = (self.partner, &self.target);
        if failures > 0 {
            info!(partner, %target, "can be reached again");
        }
    }

    /// The first failure of a row is worth a line, its repetition is not.
    fn tell_failure(&self, failures: u32, why: &connection::NotOpened) {
        let (partner, target) = (self.partner, &self.target);
        if failures == 1 {
            warn!(partner, %target, %why, "cannot be reached");
        } else {
            debug!(partner, %target, %why, failures, "still cannot be reached");
        }
    }
}

/// Doubles with each failure of a row.
fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

/// Held by a call on a line.
struct Place(Arc<Line>);

impl Place {
    fn taken(line: &Arc<Line>) -> Self {
        line.load.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(line))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let millis = |failures| wait_after(failures).as_millis();
        let waits: Vec<_> = [1, 2, 3, 6, 7, 100, u32::MAX].map(millis).to_vec();
        assert_eq!(waits, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
    }
}
