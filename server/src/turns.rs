//! Turns: who does something outside for one phone of one account does it alone, and the next waits.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waika_domain::identifiers::{AccountId, Fingerprint};

/// An account, and the digest of one of its phones.
type Whose = (AccountId, Fingerprint);

/// The turns at this moment.
#[derive(Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<Whose, Queue>>>);

#[derive(Debug)]
struct Queue {
    turn: Arc<Semaphore>,
    /// Who has the turn or waits for it: with the last of them the queue goes.
    present: usize,
}

/// Held by whoever's turn it is. Dropping it gives the turn on.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
    _presence: Presence,
}

#[derive(Debug)]
struct Presence {
    turns: Arc<Mutex<HashMap<Whose, Queue>>>,
    whose: Whose,
}

impl Turns {
    /// Waits for the turn, in the order of coming.
    pub(crate) async fn take(&self, account: &AccountId, phone: Fingerprint) -> Turn {
        let whose = (account.clone(), phone);
        let (turn, presence) = self.join(whose);
        Turn {
            // Nobody closes it, so this always is one in the end.
            _permit: turn.acquire_owned().await.ok(),
            _presence: presence,
        }
    }

    fn join(&self, whose: Whose) -> (Arc<Semaphore>, Presence) {
        let mut turns = self.0.lock();
        let queue = turns.entry(whose.clone()).or_insert_with(|| Queue {
            turn: Arc::new(Semaphore::new(1)),
            present: 0,
        });
        queue.present += 1;
        let presence = Presence {
            turns: Arc::clone(&self.0),
            whose,
        };
        (Arc::clone(&queue.turn), presence)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        if let Some(queue) = turns.get_mut(&self.whose) {
            queue.present = queue.present.saturating_sub(1);
            if queue.present == 0 {
                turns.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_after_the_other_and_nothing_is_left_behind() {
        let turns = Turns::default();
        let (one, other) = (
            AccountId::parse("a").unwrap(),
            AccountId::parse("b").unwrap(),
        );
        let (phone, another) = (Fingerprint([1; 16]), Fingerprint([2; 16]));
        let first = turns.take(&one, phone).await;
        let apart = [
            turns.take(&one, another).await,
            turns.take(&other, phone).await,
        ];
        let mut second = Box::pin(turns.take(&one, phone));
        let mut third = Box::pin(turns.take(&one, phone));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        assert!(
            (&mut third).now_or_never().is_none(),
            "one that waits no more"
        );
        drop(first);
        let third = third.now_or_never().unwrap();
        assert_eq!(turns.0.lock().len(), 3);
        drop((third, apart));
        assert!(turns.0.lock().is_empty());
    }
}
