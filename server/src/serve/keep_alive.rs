//! Whether a quiet caller is still there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Sleep, sleep};

/// After so long without a byte from the caller it is asked whether it is there.
const INTERVAL: Duration = Duration::from_secs(30);
/// So long it may take to say so.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks a caller that says nothing, with a ping, and gives it up if it does not answer.
pub(super) struct KeepAlive {
    pings: PingPong,
    /// Set by whatever is read from the caller.
    heard: Arc<AtomicBool>,
    timer: Pin<Box<Sleep>>,
    is_asked: bool,
}

impl KeepAlive {
    pub(super) fn new(pings: PingPong, heard: Arc<AtomicBool>) -> Self {
        Self {
            pings,
            heard,
            timer: Box::pin(sleep(INTERVAL)),
            is_asked: false,
        }
    }

    /// Completes once the caller is given up.
    pub(super) fn poll_given_up(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            let rest = if self.heard.swap(false, Ordering::Relaxed) {
                self.is_asked = false;
                INTERVAL
            } else if self.is_asked {
                return Poll::Ready(());
            } else {
                // The answer to the last one is taken, so that the next may be sent. One that is still
                // open is as good as a new one.
                let _ = self.pings.poll_pong(context);
                let _ = self.pings.send_ping(Ping::opaque());
                self.is_asked = true;
                TIMEOUT
            };
            self.timer.as_mut().set(sleep(rest));
        }
        Poll::Pending
    }
}
