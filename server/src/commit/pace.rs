//! How fast commits follow each other, for whoever decides whether more can be taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// For how long what is known of commits holds, although nothing happens.
const KNOWN_FOR: Duration = Duration::from_secs(1);

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
        self.commit.store(self.faded(at), Ordering::Relaxed);
        self.note_moved(at);
    }

    fn note_moved(&self, at: Instant) {
        let at = nanoseconds(at.saturating_duration_since(self.began_at));
        self.moved_at.store(at, Ordering::Relaxed);
    }

    /// What is known of a commit by now: after a second in which nothing has happened, half of it for every quarter
    /// of its time. Whoever has too little time for one that was slow is not sent away for ever, when nobody else
    /// comes by whom it would show that they are fast again.
    fn faded(&self, at: Instant) -> u64 {
        let commit = self.commit.load(Ordering::Relaxed);
        let idle = nanoseconds(self.still_at(at).saturating_sub(KNOWN_FOR));
        let halves = idle.saturating_mul(4).checked_div(commit);
        let halves = u32::try_from(halves.unwrap_or_default()).unwrap_or(u32::MAX);
        commit.checked_shr(halves).unwrap_or_default()
    }

    /// A slower commit counts half at once, since what follows will be slow too; faster ones count an eighth.
    pub(crate) fn note_ended(&self, at: Instant, took: Duration) {
        self.note_moved(at);
        let (before, took) = (self.commit.load(Ordering::Relaxed), nanoseconds(took));
        let now = if took > before {
            before.midpoint(took)
        } else {
            before - (before - took) / 8
        };
        self.commit.store(now, Ordering::Relaxed);
    }

    pub(crate) fn pace(&self, durable: u64) -> Pace {
        let appended = self.appended.load(Ordering::Relaxed);
        let pending = appended.saturating_sub(durable);
        let commit = match pending {
            0 => self.faded(monotonic()),
            _ => self.commit.load(Ordering::Relaxed),
        };
        Pace {
            pending,
            commit: Duration::from_nanos(commit),
        }
    }

    /// For how long the committer, which has something to do, has neither begun a batch nor ended one.
    pub(crate) fn still_for(&self) -> Duration {
        self.still_at(monotonic())
    }

    fn still_at(&self, at: Instant) -> Duration {
        let moved_at = Duration::from_nanos(self.moved_at.load(Ordering::Relaxed));
        let at = at.saturating_duration_since(self.began_at);
        at.saturating_sub(moved_at)
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
        board.note_appended(1);
        let after = |milliseconds| {
            board.note_ended(now, Duration::from_millis(milliseconds));
            board.pace(0).commit
        };
        assert_eq!(after(8), Duration::from_millis(4));
        assert_eq!(after(200), Duration::from_millis(102));
        assert_eq!(after(6), Duration::from_millis(90));
    }

    #[test]
    fn a_slow_commit_is_forgotten_when_nothing_comes_after_it() {
        let board = PaceBoard::new(1);
        let ended = monotonic();
        let later = |milliseconds| ended + Duration::from_millis(milliseconds);
        let milliseconds = |faded: u64| faded / 1_000_000;
        board.note_ended(ended, Duration::from_secs(8));
        for (after, known) in [
            (0, 4_000),
            (1_500, 4_000),
            (2_000, 2_000),
            (3_500, 1_000),
            (5_000, 250),
            (3_600_000, 0),
        ] {
            assert_eq!(
                milliseconds(board.faded(later(after))),
                known,
                "after {after} ms"
            );
        }
        // What waits is no idle time, however long it takes.
        assert_eq!(board.pace(0).commit, Duration::from_secs(4));
        // From where it is, it goes on.
        board.note_begun(later(3_500));
        board.note_ended(later(3_501), Duration::from_millis(1));
        assert_eq!(milliseconds(board.faded(later(3_501))), 875);
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
