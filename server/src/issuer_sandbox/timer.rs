//! Sleep to within some dozens of microseconds: tokio's own timers come in whole milliseconds,
//! which is as much as some issuers take.
//!
//! A thread waits for the next one to be due and rings; the core's own loop then wakes all who are
//! due by then, so that cores wake their own sleepers.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, oneshot};

use crate::clock;

/// The timer of one core. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sleepers: Mutex<Sleepers>,
    /// The thread has something else to wait for.
    changed: Condvar,
    /// Somebody is due.
    bell: Notify,
}

#[derive(Debug, Default)]
struct Sleepers {
    by_time: BinaryHeap<Reverse<Sleeper>>,
    numbers: u64,
    /// The bell was rung, and the loop has not come to it yet.
    rung: bool,
    /// The loop has ended.
    ended: bool,
}

#[derive(Debug)]
struct Sleeper {
    due: Instant,
    /// Who began to sleep first wakes first.
    number: u64,
    wake: oneshot::Sender<()>,
}

impl Timer {
    /// Starts the thread of a core's timer. [`Timer::run`] must go on for as long as anybody sleeps.
    pub(crate) fn start(core: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let watching = Arc::clone(&shared);
        thread::Builder::new()
            .name(format!("waika-timer-{core}"))
            .spawn(move || watching.ring_in_time())?;
        Ok(Self { shared })
    }

    /// Wakes who is due, for ever.
    pub(crate) async fn run(&self) {
        let _ending = Ending(&self.shared);
        loop {
            self.shared.bell.notified().await;
            self.shared.wake_due();
        }
    }

    /// Completes after this long.
    pub(crate) async fn sleep(&self, duration: Duration) {
        if duration.is_zero() {
            return;
        }
        let woken = self.shared.add(clock::monotonic() + duration);
        // A timer that has ended wakes nobody: its runtime is ending.
        let _ = woken.await;
    }
}

impl Shared {
    fn add(&self, due: Instant) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut sleepers = self.sleepers.lock();
        sleepers.numbers += 1;
        let number = sleepers.numbers;
        let first = sleepers.first_due();
        sleepers
            .by_time
            .push(Reverse(Sleeper { due, number, wake }));
        if first.is_none_or(|first| due < first) {
            self.changed.notify_one();
        }
        woken
    }

    fn wake_due(&self) {
        let now = clock::monotonic();
        let mut sleepers = self.sleepers.lock();
        while sleepers.first_due().is_some_and(|due| due <= now) {
            if let Some(Reverse(due)) = sleepers.by_time.pop() {
                // Whoever has hung up is not woken.
                let _ = due.wake.send(());
            }
        }
        sleepers.rung = false;
        if !sleepers.by_time.is_empty() {
            self.changed.notify_one();
        }
    }

    /// The thread.
    fn ring_in_time(&self) {
        let mut sleepers = self.sleepers.lock();
        while !sleepers.ended {
            match sleepers.first_due().filter(|_| !sleepers.rung) {
                None => self.changed.wait(&mut sleepers),
                Some(due) if due <= clock::monotonic() => {
                    sleepers.rung = true;
                    self.bell.notify_one();
                }
                Some(due) => {
                    self.changed.wait_until(&mut sleepers, due);
                }
            }
        }
    }
}

/// The loop ends: so does the thread.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.sleepers.lock().ended = true;
        self.0.changed.notify_one();
    }
}

impl Sleepers {
    fn first_due(&self) -> Option<Instant> {
        self.by_time.peek().map(|Reverse(first)| first.due)
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sleeper {}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Timer {
        let timer = Timer::start(0).unwrap();
        let running = timer.clone();
        tokio::spawn(async move { running.run().await });
        timer
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_times_and_never_early() {
        let timer = running();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let sleeps = [40, 5, 300, 20, 5].into_iter().map(|ms| {
            let (timer, woken) = (timer.clone(), Arc::clone(&woken));
            tokio::spawn(async move {
                let (began, duration) = (clock::monotonic(), Duration::from_millis(ms));
                timer.sleep(duration).await;
                woken.lock().push(ms);
                assert!(began.elapsed() >= duration);
            })
        });
        for sleep in sleeps.collect::<Vec<_>>() {
            sleep.await.unwrap();
        }
        assert_eq!(*woken.lock(), [5, 5, 20, 40, 300]);
    }

    #[tokio::test]
    async fn nothing_is_slept_at_once_and_a_dropped_sleep_disturbs_nobody() {
        let timer = running();
        timer.sleep(Duration::ZERO).await;
        let dropped = tokio::time::timeout(
            Duration::from_millis(1),
            timer.sleep(Duration::from_millis(10)),
        );
        assert!(dropped.await.is_err());
        timer.sleep(Duration::from_millis(20)).await;
        assert!(timer.shared.sleepers.lock().by_time.is_empty());
    }

    #[tokio::test]
    async fn many_sleep_at_once() {
        let timer = running();
        let sleeps = (0..5_000_u64).map(|number| {
            let timer = timer.clone();
            tokio::spawn(async move { timer.sleep(Duration::from_micros(number)).await })
        });
        for sleep in sleeps.collect::<Vec<_>>() {
            sleep.await.unwrap();
        }
    }
}
