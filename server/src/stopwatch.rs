//! Where the time of one call goes, for callers who want to know (`Timing` of the contract) and for traces.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock::monotonic;

/// A call has a handful. Whatever would have more is told without the others.
const MOST_STRETCHES: usize = 32;

/// Measures the parts of one call; made only if somebody wants to know.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    /// When the call came: for one that is traced, with its headers.
    began: Instant,
    /// When the whole of its message was there, if that was later.
    whole: OnceLock<Instant>,
    /// Each in nanoseconds.
    queue: AtomicU64,
    rules: AtomicU64,
    issuer: AtomicU64,
    commit: AtomicU64,
    /// Each stretch on its own, for a call that is traced.
    stretches: Option<Mutex<Vec<Stretch>>>,
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

/// One stretch of a part. A payment that asks its issuer waits for the disk twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) part: Part,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// The entry that it waited for, if it did for one.
    pub(crate) sequence: Option<u64>,
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
            whole: OnceLock::new(),
            queue: AtomicU64::new(0),
            rules: AtomicU64::new(0),
            issuer: AtomicU64::new(0),
            commit: AtomicU64::new(0),
            stretches: None,
        }
    }

    /// The same, which remembers each stretch. It begins with the headers, before the message.
    pub(crate) fn begin_traced() -> Self {
        Self {
            stretches: Some(Mutex::default()),
            ..Self::begin()
        }
    }

    /// When it began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The whole message is there: what is waited for from now on is waited for here, and not on the way.
    pub(crate) fn note_whole(&self) {
        // Whoever noted it first was right.
        let _ = self.whole.set(monotonic());
    }

    fn whole(&self) -> Instant {
        self.whole.get().copied().unwrap_or(self.began)
    }

    fn add(&self, stretch: Stretch) {
        let cell = match stretch.part {
            Part::Queue => &self.queue,
            Part::Rules => &self.rules,
            Part::Issuer => &self.issuer,
            Part::Commit => &self.commit,
        };
        let took = stretch.ended.saturating_duration_since(stretch.began);
        cell.fetch_add(nanoseconds(took), Ordering::Relaxed);
        if let Some(stretches) = &self.stretches {
            let mut stretches = stretches.lock();
            if stretches.len() < MOST_STRETCHES {
                stretches.push(stretch);
            }
        }
    }

    /// All of it, up to now.
    pub(crate) fn read(&self) -> Measured {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Measured {
            queue: read(&self.queue),
            rules: read(&self.rules),
            issuer: read(&self.issuer),
            commit: read(&self.commit),
            total: nanoseconds(self.whole().elapsed()),
        }
    }

    /// The stretches so far, in the order in which they ended. Empty if it is not traced.
    pub(crate) fn take_stretches(&self) -> Vec<Stretch> {
        let stretches = self.stretches.as_ref();
        stretches.map_or_else(Vec::new, |stretches| std::mem::take(&mut *stretches.lock()))
    }
}

/// A stretch that has begun; it measures nothing where nobody wants to know, which is nearly always: whoever asks
/// finds that out without a call.
#[derive(Debug)]
pub(crate) struct Lap(Option<(Arc<Stopwatch>, Instant)>);

impl Lap {
    /// Begins now.
    #[inline]
    pub(crate) fn of(watch: Option<&Arc<Stopwatch>>) -> Self {
        Self(watch.map(|watch| (Arc::clone(watch), monotonic())))
    }

    /// The decision begins now: all before it was waiting.
    #[inline]
    pub(crate) fn of_decision(watch: Option<&Arc<Stopwatch>>) -> Self {
        let lap = Self::of(watch);
        if let Self(Some((watch, now))) = &lap {
            watch.add(Stretch {
                part: Part::Queue,
                began: watch.whole(),
                ended: *now,
                sequence: None,
            });
        }
        lap
    }

    /// Ends now.
    #[inline]
    pub(crate) fn end(self, part: Part) {
        self.end_with(part, None);
    }

    /// Ends now, with an entry that is durable.
    #[inline]
    pub(crate) fn committed(self, sequence: u64) {
        self.end_with(Part::Commit, Some(sequence));
    }

    #[inline]
    fn end_with(self, part: Part, sequence: Option<u64>) {
        if let Self(Some((watch, began))) = self {
            watch.add(Stretch {
                part,
                began,
                ended: monotonic(),
                sequence,
            });
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(watch: Stopwatch) -> (Measured, Vec<Stretch>) {
        let watch = Arc::new(watch);
        let deciding = Lap::of_decision(Some(&watch));
        deciding.end(Part::Rules);
        Lap::of(Some(&watch)).committed(7);
        Lap::of(Some(&watch)).end(Part::Issuer);
        Lap::of(Some(&watch)).committed(8);
        (watch.read(), watch.take_stretches())
    }

    #[test]
    fn the_parts_of_a_call_are_no_more_than_all_of_it() {
        let (whole, stretches) = measured(Stopwatch::begin());
        let Measured {
            queue,
            rules,
            issuer,
            commit,
            total,
        } = whole;
        assert!(queue + rules + issuer + commit <= total, "{whole:?}");
        assert_eq!(stretches, []);
    }

    #[test]
    fn a_traced_call_remembers_each_stretch() {
        let (whole, stretches) = measured(Stopwatch::begin_traced());
        let told: Vec<_> = stretches
            .iter()
            .map(|stretch| (stretch.part, stretch.sequence))
            .collect();
        let expected = [
            (Part::Queue, None),
            (Part::Rules, None),
            (Part::Commit, Some(7)),
            (Part::Issuer, None),
            (Part::Commit, Some(8)),
        ];
        assert_eq!(told, expected);
        let commits = stretches.iter().filter(|one| one.part == Part::Commit);
        let commit: Duration = commits.map(|one| one.ended - one.began).sum();
        assert_eq!(nanoseconds(commit), whole.commit);
    }

    #[test]
    fn what_came_before_the_whole_message_is_the_way_s_and_not_this_server_s() {
        let watch = Arc::new(Stopwatch::begin_traced());
        let on_the_way = Duration::from_millis(20);
        std::thread::sleep(on_the_way);
        watch.note_whole();
        watch.note_whole();
        let deciding = Lap::of_decision(Some(&watch));
        let queue = watch.take_stretches().pop().unwrap();
        assert!(queue.began >= watch.began() + on_the_way);
        deciding.end(Part::Rules);
        let (since_headers, total) = (watch.began().elapsed(), watch.read().total);
        assert!(total + nanoseconds(on_the_way) <= nanoseconds(since_headers) + 1_000_000);
    }

    #[test]
    fn nobody_who_wants_to_know_costs_nothing() {
        assert!(Lap::of(None).0.is_none());
        assert!(Lap::of_decision(None).0.is_none());
    }

    #[test]
    fn stretches_have_an_end() {
        let watch = Arc::new(Stopwatch::begin_traced());
        for _ in 0..2 * MOST_STRETCHES {
            Lap::of(Some(&watch)).end(Part::Issuer);
        }
        assert_eq!(watch.take_stretches().len(), MOST_STRETCHES);
    }
}
