//! Whether a caller is still there, and speaks.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Sleep, sleep};

/// A caller proves that it speaks the protocol by answering a ping at once, so that one that sends a byte
/// now and then does not hold its place.
const FIRST_TIMEOUT: Duration = Duration::from_secs(3);
/// So often it is asked again, whatever it sends: a frame that never ends is sent too.
const INTERVAL: Duration = Duration::from_secs(30);
/// So long it may take to answer, behind whatever else it has to send.
const TIMEOUT: Duration = Duration::from_secs(20);
/// What it has answered may lie unread where this core was busy: it is read before it is given up.
const GRACE: Duration = Duration::from_secs(1);

/// Asks a caller whether it is there, with a ping, and gives it up if it does not answer.
pub(super) struct KeepAlive {
    pings: PingPong,
    timer: Pin<Box<Sleep>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has answered the last one.
    Idle,
    /// It has this long to answer.
    Asked,
    /// It has had.
    Late,
}

impl KeepAlive {
    pub(super) fn new(mut pings: PingPong) -> Self {
        let asked = pings.send_ping(Ping::opaque());
        let (state, first) = match asked {
            Ok(()) => (State::Asked, FIRST_TIMEOUT),
            Err(_) => (State::Idle, INTERVAL),
        };
        Self {
            pings,
            timer: Box::pin(sleep(first)),
            state,
        }
    }

    /// Completes once the caller is given up.
    pub(super) fn poll_given_up(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            // Only looked at when it is due, since each look takes a lock.
            let has_answered = self.pings.poll_pong(context).is_ready();
            let rest = match self.state {
                State::Asked | State::Late if has_answered => {
                    self.state = State::Idle;
                    INTERVAL
                }
                State::Asked => {
                    self.state = State::Late;
                    GRACE
                }
                State::Late => return Poll::Ready(()),
                State::Idle => {
                    // A connection that is ending takes none, and needs none.
                    if self.pings.send_ping(Ping::opaque()).is_ok() {
                        self.state = State::Asked;
                    }
                    TIMEOUT
                }
            };
            self.timer.as_mut().set(sleep(rest));
        }
        Poll::Pending
    }
}
