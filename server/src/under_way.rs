//! Calls whose answer is still to come, because an issuer is being asked.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

type Calls = Mutex<HashMap<u64, watch::Receiver<()>>>;

/// The calls under way, by the sequence of the entry that each began with.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Calls>);

/// Held by whoever goes on with a call. Dropping it, also in a panic, tells those who wait.
#[derive(Debug)]
pub(crate) struct GoingOn {
    calls: Arc<Calls>,
    sequence: u64,
    /// Sends nothing: that it is gone is the message.
    _finished: watch::Sender<()>,
}

impl UnderWay {
    /// Notes a call. Under the lock of its account, before its key can be found.
    pub(crate) fn begin(&self, sequence: u64) -> GoingOn {
        let (finished, watched) = watch::channel(());
        self.0.lock().insert(sequence, watched);
        GoingOn {
            calls: Arc::clone(&self.0),
            sequence,
            _finished: finished,
        }
    }

    /// The sequence that the oldest of them began with.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.0.lock().keys().min().copied()
    }

    /// Waits until nobody goes on with a call. False if nobody did when this was asked.
    pub(crate) async fn wait(&self, sequence: u64) -> bool {
        let watched = self.0.lock().get(&sequence).cloned();
        let Some(mut watched) = watched else {
            return false;
        };
        drop(watched.changed().await);
        true
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.sequence);
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
    }
}
