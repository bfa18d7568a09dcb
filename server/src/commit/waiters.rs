//! Who waits for which sequence, kept apart for each core so that cores do not meet.
//!
//! The thread that commits looks at each core once a batch, and wakes the core's own loop only if
//! somebody there waits for what has just become durable.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::Halted;
use crate::sync::{AtomicU64, Mutex, Notify, OnceLock};

#[derive(Debug)]
pub(super) struct Waiters {
    durable: AtomicU64,
    ended: OnceLock<Halted>,
    cores: Box<[Core]>,
}

/// Aligned so that two cores never write to the same cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Core {
    waiting: Mutex<Waiting>,
    work: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By sequence, and by ticket where several wait for the same.
    wakers: BTreeMap<(u64, u64), Waker>,
    tickets: u64,
}

impl Waiters {
    pub(super) fn new(durable: u64, cores: usize) -> Self {
        let cores = (0..cores).map(|_| Core::default()).collect();
        Self {
            durable: AtomicU64::new(durable),
            ended: OnceLock::new(),
            cores,
        }
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// Everything up to `sequence` is durable.
    pub(super) fn publish(&self, sequence: u64) {
        self.durable.store(sequence, Ordering::Release);
        for core in &self.cores {
            // A waiter that registers later takes the lock later, and then sees the store above.
            let first = core
                .waiting
                .lock()
                .wakers
                .first_key_value()
                .map(|(&(first, _), _)| first);
            if first.is_some_and(|first| first <= sequence) {
                core.work.notify_one();
            }
        }
    }

    /// Nothing more becomes durable. Only the first cause is kept.
    pub(super) fn end(&self, cause: &Halted) {
        if self.ended.set(cause.clone()).is_ok() {
            for core in &self.cores {
                core.work.notify_one();
            }
        }
    }

    pub(super) fn wait(&self, core: usize, sequence: u64) -> Wait<'_> {
        Wait {
            waiters: self,
            core,
            sequence,
            ticket: None,
        }
    }

    /// The loop of one core.
    pub(super) async fn wake(&self, core: usize) {
        let Some(core) = self.cores.get(core) else {
            return;
        };
        loop {
            let ended = self.ended.get().is_some();
            let up_to = if ended { u64::MAX } else { self.durable() };
            let due = core.waiting.lock().take(up_to);
            due.into_values().for_each(Waker::wake);
            if ended {
                return;
            }
            core.work.notified().await;
        }
    }

    fn outcome(&self, sequence: u64) -> Option<Result<(), Halted>> {
        // Looked at first: whoever sees the end sees everything that became durable before it.
        let ended = self.ended.get();
        if self.durable() >= sequence {
            return Some(Ok(()));
        }
        ended.map(|halted| Err(halted.clone()))
    }
}

impl Waiting {
    fn take(&mut self, up_to: u64) -> BTreeMap<(u64, u64), Waker> {
        let later = match up_to.checked_add(1) {
            Some(next) => self.wakers.split_off(&(next, 0)),
            None => BTreeMap::new(),
        };
        std::mem::replace(&mut self.wakers, later)
    }
}

/// One wait for one sequence.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    waiters: &'a Waiters,
    core: usize,
    sequence: u64,
    ticket: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = Result<(), Halted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            waiters,
            core,
            sequence,
            ticket,
        } = *self;
        if let Some(outcome) = waiters.outcome(sequence) {
            return Poll::Ready(outcome);
        }
        let Some(core) = waiters.cores.get(core) else {
            return Poll::Ready(Err(Halted::new("there is no such core to wait on")));
        };
        let mut waiting = core.waiting.lock();
        if let Some(outcome) = waiters.outcome(sequence) {
            return Poll::Ready(outcome);
        }
        let ticket = ticket.unwrap_or_else(|| {
            waiting.tickets += 1;
            waiting.tickets
        });
        waiting
            .wakers
            .insert((sequence, ticket), context.waker().clone());
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let (Some(ticket), Some(core)) = (self.ticket, self.waiters.cores.get(self.core)) {
            core.waiting.lock().wakers.remove(&(self.sequence, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn waiting(waiters: &Waiters) -> usize {
        waiters.cores[0].waiting.lock().wakers.len()
    }

    #[test]
    fn a_wait_that_is_polled_often_is_one_wait_and_a_dropped_one_is_none() {
        let waiters = Waiters::new(0, 1);
        let waker = Waker::from(Arc::new(Counter::default()));
        let mut wait = waiters.wait(0, 5);
        for _ in 0..100 {
            assert!(
                Pin::new(&mut wait)
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        assert_eq!(waiting(&waiters), 1);
        drop(wait);
        assert_eq!(waiting(&waiters), 0);
    }

    #[test]
    fn only_those_whose_sequence_is_durable_are_woken() {
        let waiters = Waiters::new(0, 1);
        let count = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        let mut waits: Vec<_> = [3, 1, 2, 2]
            .map(|sequence| waiters.wait(0, sequence))
            .into();
        for wait in &mut waits {
            assert!(Pin::new(wait).poll(&mut context).is_pending());
        }
        waiters.publish(2);
        let mut core = Box::pin(waiters.wake(0));
        assert!(
            core.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        assert_eq!((count.0.load(Ordering::SeqCst), waiting(&waiters)), (3, 1));
        waiters.end(&Halted::new("EIO"));
        assert!(
            core.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
        );
        assert_eq!((count.0.load(Ordering::SeqCst), waiting(&waiters)), (4, 0));
        let outcomes = waits
            .iter_mut()
            .map(|wait| Pin::new(wait).poll(&mut context));
        assert_eq!(
            outcomes
                .filter(|outcome| *outcome == Poll::Ready(Ok(())))
                .count(),
            3
        );
    }
}
