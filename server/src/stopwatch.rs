//! Where the time of one call goes, for callers who want to know (`Timing` of the contract).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// Measures the parts of one call; made only if the caller asked for it.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    /// Each in nanoseconds.
    queue: AtomicU64,
    rules: AtomicU64,
    issuer: AtomicU64,
    commit: AtomicU64,
}

/// A part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Waiting for the account.
    Queue,
    /// Deciding, under the account's lock.
    Rules,
    /// Waiting for the issuer.
    Issuer,
    /// Waiting for the disk.
    Commit,
}

/// What was measured, each in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) queue: u64,
    pub(crate) rules: u64,
    pub(crate) issuer: u64,
    pub(crate) commit: u64,
    pub(crate) total: u64,
}

impl Stopwatch {
    /// Begins now, with the whole message.
    pub(crate) fn begin() -> Self {
        Self {
            began: monotonic(),
            queue: AtomicU64::new(0),
            rules: AtomicU64::new(0),
            issuer: AtomicU64::new(0),
            commit: AtomicU64::new(0),
        }
    }

    /// Adds the time since an instant to a part.
    pub(crate) fn add(&self, part: Part, since: Instant) {
        let cell = match part {
            Part::Queue => &self.queue,
            Part::Rules => &self.rules,
            Part::Issuer => &self.issuer,
            Part::Commit => &self.commit,
        };
        cell.fetch_add(nanoseconds(since.elapsed()), Ordering::Relaxed);
    }

    /// The decision begins now: all before it was waiting.
    pub(crate) fn decides(&self) {
        self.add(Part::Queue, self.began);
    }

    /// All of it, up to now.
    pub(crate) fn read(&self) -> Measured {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Measured {
            queue: read(&self.queue),
            rules: read(&self.rules),
            issuer: read(&self.issuer),
            commit: read(&self.commit),
            total: nanoseconds(self.began.elapsed()),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_call_are_no_more_than_all_of_it() {
        let watch = Stopwatch::begin();
        watch.decides();
        let since = monotonic();
        for part in [Part::Rules, Part::Issuer, Part::Commit, Part::Commit] {
            watch.add(part, since);
        }
        let Measured {
            queue,
            rules,
            issuer,
            commit,
            total,
        } = watch.read();
        assert!(rules <= issuer && issuer <= commit);
        assert!(queue + rules <= total, "{:?}", watch.read());
    }
}
