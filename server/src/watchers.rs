//! Who waits for an account's service messages. What is told is only that there is something new:
//! whoever waits reads it from the journal, so that nothing can be missed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

type Waiting = Mutex<HashMap<Box<str>, watch::Sender<u64>>>;

/// Everybody who waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Waiting,
    /// Accounts that somebody waits for: telling nobody costs one look.
    accounts: AtomicUsize,
}

/// One who waits.
#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    account: Box<str>,
    /// None only while it is dropped.
    news: Option<watch::Receiver<u64>>,
}

impl Watchers {
    /// Begins to wait.
    pub(crate) fn watch(&self, account: &str) -> Watcher {
        let mut waiting = self.0.waiting.lock();
        let sender = waiting
            .entry(account.into())
            .or_insert_with(|| watch::channel(0).0);
        let news = Some(sender.subscribe());
        self.0.accounts.store(waiting.len(), Ordering::SeqCst);
        Watcher {
            shared: Arc::clone(&self.0),
            account: account.into(),
            news,
        }
    }

    /// Tells whoever waits for an account that its entry of a sequence has a message.
    pub(crate) fn tell(&self, account: &str, sequence: u64) {
        if self.0.accounts.load(Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(sender) = self.0.waiting.lock().get(account) {
            sender.send_replace(sequence);
        }
    }
}

impl Watcher {
    /// Resolves with the sequence of the latest message that came since it was asked last.
    pub(crate) async fn next(&mut self) -> u64 {
        let Some(news) = &mut self.news else {
            return std::future::pending().await;
        };
        match news.changed().await {
            Ok(()) => *news.borrow_and_update(),
            // The sender lives as long as anybody waits.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut waiting = self.shared.waiting.lock();
        self.news = None;
        let alone = |sender: &watch::Sender<u64>| sender.receiver_count() == 0;
        if waiting.get(&self.account).is_some_and(alone) {
            waiting.remove(&self.account);
        }
        self.shared.accounts.store(waiting.len(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_for_an_account_are_told_and_nobody_else() {
        let watchers = Watchers::default();
        watchers.tell("a", 1);
        let (mut one, mut other) = (watchers.watch("a"), watchers.watch("a"));
        let mut elsewhere = watchers.watch("b");
        watchers.tell("a", 2);
        watchers.tell("a", 3);
        assert_eq!((one.next().await, other.next().await), (3, 3));
        let nothing = futures_util::FutureExt::now_or_never(elsewhere.next());
        assert_eq!(nothing, None);
        drop((one, other, elsewhere));
        assert_eq!(watchers.0.waiting.lock().len(), 0);
        assert_eq!(watchers.0.accounts.load(Ordering::SeqCst), 0);
    }
}
