//! How often one caller may call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

const SECOND: u64 = 1_000_000_000;

/// So many calls a second, and at most a second's worth at once. The generic cell rate algorithm: when the
/// next call would be due if all came evenly is all that it keeps.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u32,
    began_at: Instant,
    /// Nanoseconds from then.
    due: AtomicU64,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            began_at: monotonic(),
            due: AtomicU64::new(0),
        }
    }

    pub(super) fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Counts a call, or says how long to wait for the next that may come.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let now = monotonic().saturating_duration_since(self.began_at);
        self.take_at(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> Result<(), Duration> {
        let each = SECOND / u64::from(self.per_second.max(1));
        let taken = self
            .due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| {
                let due = due.max(now).saturating_add(each);
                (due <= now.saturating_add(SECOND)).then_some(due)
            });
        taken.map(drop).map_err(|due| {
            let full = due.saturating_add(each).saturating_sub(SECOND);
            Duration::from_nanos(full.saturating_sub(now))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_may_come_at_once_and_the_rest_evenly() {
        let rate = Rate::new(4);
        for _ in 0..4 {
            assert_eq!(rate.take_at(0), Ok(()));
        }
        let quarter = Duration::from_millis(250);
        assert_eq!(rate.take_at(0), Err(quarter));
        assert_eq!(rate.take_at(SECOND / 8), Err(quarter / 2));
        assert_eq!(rate.take_at(SECOND / 4), Ok(()));
        assert_eq!(rate.take_at(SECOND / 4), Err(quarter));
        // Whoever was away has no more than a second's worth again.
        for _ in 0..4 {
            assert_eq!(rate.take_at(100 * SECOND), Ok(()));
        }
        assert!(rate.take_at(100 * SECOND).is_err());
    }

    #[test]
    fn callers_at_once_get_no_more_than_there_is() {
        let rate = Rate::new(1_000);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1_000).filter(|_| rate.take_at(0).is_ok()).count()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(taken, 1_000);
    }
}
