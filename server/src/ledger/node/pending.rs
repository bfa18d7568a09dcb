//! What was decided and is not durable yet, and who waits for it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use futures_util::FutureExt as _;
use futures_util::future::{Either, Shared, ready};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::clock::monotonic;
use crate::ledger::log::NotDurable;

/// For how long it is known that something did not become durable: longer than between a look at an account
/// under its lock and the wait that follows.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How it ended.
type Ended = Result<(), NotDurable>;

/// By sequence.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waits: DashMap<u64, Shared<oneshot::Receiver<Ended>>, RandomState>,
    /// What failed, oldest first.
    failed: Mutex<VecDeque<(Instant, u64)>>,
}

impl Pending {
    /// Begins to wait; whoever is given the sender says how it ended.
    pub(super) fn begin(&self, sequence: u64) -> oneshot::Sender<Ended> {
        let (tell, told) = oneshot::channel();
        self.waits.insert(sequence, told.shared());
        tell
    }

    /// Waits for it. What nobody has begun is durable: it was read.
    pub(super) fn wait(&self, sequence: u64) -> impl Future<Output = Ended> + Send + use<> {
        match self.waits.get(&sequence) {
            None => Either::Left(ready(Ok(()))),
            Some(wait) => Either::Right(
                wait.clone()
                    .map(|told| told.unwrap_or(Err(NotDurable::Unknown))),
            ),
        }
    }

    /// True if it is not known to have ended well.
    pub(super) fn has(&self, sequence: u64) -> bool {
        self.waits.contains_key(&sequence)
    }

    /// Tells whoever waits. What is durable is forgotten.
    pub(super) fn end(&self, sequence: u64, tell: oneshot::Sender<Ended>, ended: Ended) {
        // First, so that who comes now finds either.
        let _nobody_waits = tell.send(ended);
        if ended.is_ok() {
            self.waits.remove(&sequence);
            return;
        }
        let now = monotonic();
        let mut failed = self.failed.lock();
        failed.push_back((now, sequence));
        while let Some((at, old)) = failed.front().copied()
            && now.saturating_duration_since(at) > REMEMBERED
        {
            self.waits.remove(&old);
            failed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_are_told_and_a_failure_is_remembered() {
        let pending = Pending::default();
        assert_eq!(pending.wait(1).await, Ok(()), "it was read");
        let tell = pending.begin(1);
        let waits = [pending.wait(1), pending.wait(1)];
        pending.end(1, tell, Ok(()));
        for wait in waits {
            assert_eq!(wait.await, Ok(()));
        }
        assert!(pending.waits.is_empty());
        let tell = pending.begin(2);
        pending.end(2, tell, Err(NotDurable::Conflict));
        assert_eq!(pending.wait(2).await, Err(NotDurable::Conflict));
        let tell = pending.begin(3);
        let wait = pending.wait(3);
        drop(tell);
        assert_eq!(
            wait.await,
            Err(NotDurable::Unknown),
            "whoever had it is gone"
        );
    }
}
