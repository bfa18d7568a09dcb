//! Calls whose answer is still to come, because an issuer is being asked.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Those who wait for a call: mostly nobody, since it takes the same key twice at the same time.
type Waiting = Vec<oneshot::Sender<()>>;
/// None once nobody goes on with a call that has no end.
type Calls = Mutex<HashMap<u64, Option<Waiting>>>;

/// The calls under way, by the sequence of the entry that each began with.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Calls>);

/// Held by whoever goes on with a call. Dropping it, also in a panic, tells those who wait; the call is
/// remembered then, for it is for the next start to end, and no snapshot may begin behind it.
#[derive(Debug)]
pub(crate) struct GoingOn {
    calls: Arc<Calls>,
    sequence: u64,
    ended: bool,
}

impl GoingOn {
    /// The call has its end, and that is written.
    pub(crate) fn ended(mut self) {
        self.ended = true;
    }
}

impl UnderWay {
    /// Notes a call. Under the lock of its account, before its key can be found.
    pub(crate) fn begin(&self, sequence: u64) -> GoingOn {
        self.0.lock().insert(sequence, Some(Waiting::new()));
        GoingOn {
            calls: Arc::clone(&self.0),
            sequence,
            ended: false,
        }
    }

    /// The sequence that the oldest of them began with.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.0.lock().keys().min().copied()
    }

    /// Waits until nobody goes on with a call. False if nobody did when this was asked.
    pub(crate) async fn wait(&self, sequence: u64) -> bool {
        let ended = {
            let mut calls = self.0.lock();
            let Some(Some(waiting)) = calls.get_mut(&sequence) else {
                return false;
            };
            // Those who gave up leave no trace for longer than it takes others to come.
            waiting.retain(|waits| !waits.is_closed());
            let (ends, ended) = oneshot::channel();
            waiting.push(ends);
            ended
        };
        // That the other end is gone is the message.
        drop(ended.await);
        true
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        let mut calls = self.calls.lock();
        let waiting = if self.ended {
            calls.remove(&self.sequence).flatten()
        } else {
            calls.insert(self.sequence, None).flatten()
        };
        drop(calls);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_told_when_it_ends_however_it_ends() {
        let under_way = UnderWay::default();
        assert!(!under_way.wait(7).await);
        let going_on = under_way.begin(7);
        let waiting = {
            let under_way = under_way.clone();
            tokio::spawn(async move { under_way.wait(7).await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let panicked = tokio::spawn(async move {
            let _going_on = going_on;
            panic!("on purpose");
        });
        assert!(panicked.await.is_err());
        assert!(waiting.await.unwrap());
        assert!(!under_way.wait(7).await);
        assert_eq!(under_way.oldest(), Some(7), "it has no end");
        under_way.begin(9).ended();
        assert!(!under_way.wait(9).await);
        under_way.begin(5).ended();
        assert_eq!(under_way.oldest(), Some(7));
    }
}
