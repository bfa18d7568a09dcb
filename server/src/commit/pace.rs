//! How fast commits follow each other, for whoever decides whether more can be taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// What is known of commits now. Nothing here orders anything, so it may be a moment old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Entries that are not durable yet.
    pub pending: u64,
    /// How long a commit takes, of late.
    pub commit: Duration,
}

/// Where the committer notes what it does.
#[derive(Debug)]
pub(crate) struct PaceBoard {
    began_at: Instant,
    /// The last sequence that was given out.
    appended: AtomicU64,
    /// When the committer last began a batch or ended one, or had something to do again, in nanoseconds from
    /// the beginning.
    moved_at: AtomicU64,
    /// Nanoseconds of a commit, of late.
    commit: AtomicU64,
}

impl PaceBoard {
    pub(crate) fn new(appended: u64) -> Self {
        Self {
            began_at: monotonic(),
            appended: AtomicU64::new(appended),
            moved_at: AtomicU64::new(0),
            commit: AtomicU64::new(0),
        }
    }

    pub(crate) fn note_appended(&self, sequence: u64) {
        self.appended.fetch_max(sequence, Ordering::Relaxed);
    }

    pub(crate) fn note_begun(&self, at: Instant) {
        let at = nanoseconds(at.saturating_duration_since(self.began_at));
        self.moved_at.store(at, Ordering::Relaxed);
    }

    /// A slower commit counts half at once, since what follows will be slow too; faster ones count an eighth.
    pub(crate) fn note_ended(&self, at: Instant, took: Duration) {
        self.note_begun(at);
        let (before, took) = (self.commit.load(Ordering::Relaxed), nanoseconds(took));
        let now = if took > before {
            before.midpoint(took)
        } else {
            before - (before - took) / 8
        };
        self.commit.store(now, Ordering::Relaxed);
    }

    pub(crate) fn pace(&self, durable: u64) -> Pace {
        Pace {
            pending: self
                .appended
                .load(Ordering::Relaxed)
                .saturating_sub(durable),
            commit: Duration::from_nanos(self.commit.load(Ordering::Relaxed)),
        }
    }

    /// For how long the committer, which has something to do, has neither begun a batch nor ended one.
    pub(crate) fn still_for(&self) -> Duration {
        let moved_at = Duration::from_nanos(self.moved_at.load(Ordering::Relaxed));
        let now = monotonic().saturating_duration_since(self.began_at);
        now.saturating_sub(moved_at)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_commits_are_believed_sooner_than_faster_ones() {
        let board = PaceBoard::new(0);
        let now = monotonic();
        let after = |milliseconds| {
            board.note_ended(now, Duration::from_millis(milliseconds));
            board.pace(0).commit
        };
        assert_eq!(after(8), Duration::from_millis(4));
        assert_eq!(after(200), Duration::from_millis(102));
        assert_eq!(after(6), Duration::from_millis(90));
    }

    #[test]
    fn what_is_not_durable_is_pending() {
        let board = PaceBoard::new(7);
        assert_eq!(board.pace(7).pending, 0);
        board.note_appended(12);
        assert_eq!(board.pace(9).pending, 3);
        assert_eq!(board.pace(13).pending, 0, "a moment old");
    }
}
