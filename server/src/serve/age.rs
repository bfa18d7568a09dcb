//! How old a connection may become.
//!
//! Where connections are dealt out and not calls, a caller who never connects again never reaches a server that is
//! new. So a connection that is old is told to go (GOAWAY), which costs its calls nothing: they are answered, and
//! the next ones go elsewhere.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// A tenth more or less, so that connections that were made together do not all come again together.
const JITTER_PERMILLE: u32 = 100;

/// How old a connection may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge {
    /// Then it is told to go.
    pub limit: Duration,
    /// So long its calls may still take; then it is closed.
    pub grace: Duration,
}

/// What an old connection is due for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    ToGo,
    ToEnd,
}

/// The age of one connection.
#[derive(Debug)]
pub(super) struct Age {
    /// None once nothing more is due.
    timer: Option<Pin<Box<Sleep>>>,
    next: Due,
    grace: Duration,
}

impl Age {
    /// Of a connection that begins.
    pub(super) fn begin(max: Option<MaxAge>) -> Self {
        let limit = max.map(|max| with_jitter(max.limit, getrandom::u32().unwrap_or_default()));
        Self {
            timer: limit.map(|limit| Box::pin(sleep(limit))),
            next: Due::ToGo,
            grace: max.map_or(Duration::ZERO, |max| max.grace),
        }
    }

    /// Completes once for each of the two.
    pub(super) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<Due> {
        let Some(timer) = &mut self.timer else {
            return Poll::Pending;
        };
        ready!(timer.as_mut().poll(context));
        let due = self.next;
        match due {
            Due::ToGo => timer.as_mut().set(sleep(self.grace)),
            Due::ToEnd => self.timer = None,
        }
        self.next = Due::ToEnd;
        Poll::Ready(due)
    }
}

fn with_jitter(limit: Duration, drawn: u32) -> Duration {
    let permille = 1_000 - JITTER_PERMILLE + drawn % (2 * JITTER_PERMILLE + 1);
    limit.saturating_mul(permille) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let limit = Duration::from_secs(1_000);
        for (drawn, seconds) in [
            (0, 900),
            (100, 1_000),
            (200, 1_100),
            (201, 900),
            (u32::MAX, 999),
        ] {
            assert_eq!(with_jitter(limit, drawn).as_secs(), seconds, "{drawn}");
        }
    }

    #[tokio::test]
    async fn an_old_connection_is_told_to_go_and_then_ended() {
        let [limit, grace] = [30, 20].map(Duration::from_millis);
        let mut age = Age::begin(Some(MaxAge { limit, grace }));
        let began = crate::clock::monotonic();
        assert_eq!(poll_fn(|context| age.poll_due(context)).await, Due::ToGo);
        let told = began.elapsed();
        assert!(told >= limit * 9 / 10, "{told:?}");
        assert_eq!(poll_fn(|context| age.poll_due(context)).await, Due::ToEnd);
        assert!(began.elapsed() >= told + grace);
        let more = poll_fn(|context| Poll::Ready(age.poll_due(context).is_pending()));
        assert!(more.await);
    }

    #[tokio::test]
    async fn without_a_limit_nothing_is_due() {
        let mut age = Age::begin(None);
        let due = poll_fn(|context| Poll::Ready(age.poll_due(context)));
        assert!(due.await.is_pending());
    }
}
