//! From the workers to the log, without holding them up.
//!
//! A worker only writes down the three instants and the outcome, in a buffer that was there before.
//! A full buffer goes to a thread of its own and comes back empty; that thread makes histograms of
//! them, and packs those of an interval once it is over. Nothing goes to the disk before the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::{Ending, Intervals, Tag, Which};
use crate::exit::Failure;
use crate::outcome::Outcome;
use crate::recorder::{Sample, Times};

/// Samples in one buffer: 160 kB.
const BUFFER: usize = 4_096;

/// Buffers that a worker has from the beginning.
const READY: usize = 4;

/// Buffers that it may have at most, when the thread does not get its turn: 41 MB.
const MOST_BUFFERS: usize = 256;

/// Buffers that may be under way, of all workers together.
const UNDER_WAY: usize = 4_096;

/// Intervals that are kept open at once. Workers are at about the same instant; what comes later is
/// added all the same, only with more work.
const OPEN: usize = 3;

/// A request that ended.
#[derive(Clone, Copy, Debug)]
struct Noted {
    outcome: Outcome,
    sample: Sample,
}

/// Requests of one worker that ended in the same interval.
struct Batch {
    place: u64,
    noted: Vec<Noted>,
    back: SyncSender<Vec<Noted>>,
}

/// Where workers hand over what they have written down.
pub(crate) struct Feed {
    sender: Mutex<Option<SyncSender<Batch>>>,
    length_ns: u64,
    warm_up_ns: u64,
    lost: AtomicU64,
}

/// The thread that makes the log.
pub(crate) struct Collector {
    feed: Arc<Feed>,
    thread: JoinHandle<Intervals>,
}

impl Collector {
    /// Starts it, for a measured part of this length after this warm-up, both in nanoseconds.
    pub(crate) fn start(warm_up_ns: u64, length_ns: u64) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(UNDER_WAY);
        let intervals = Intervals::for_length(length_ns);
        let feed = Arc::new(Feed {
            sender: Mutex::new(Some(sender)),
            length_ns: intervals.length_ns(),
            warm_up_ns,
            lost: AtomicU64::new(0),
        });
        let thread = std::thread::Builder::new()
            .name("hlog".to_owned())
            .spawn(move || Shelf::new(intervals).collect(&receiver))?;
        Ok(Self { feed, thread })
    }

    /// What the workers need.
    pub(crate) fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// The whole log, once every worker is done.
    pub(crate) fn finish(self) -> Result<Intervals, Failure> {
        self.feed.sender.lock().take();
        let intervals = self.thread.join();
        let lost = self.feed.lost.load(Ordering::Relaxed);
        match intervals {
            Ok(intervals) if lost == 0 => Ok(intervals),
            Ok(_) => Err(Failure::Tool(format!(
                "--hlog: {lost} samples came faster than this machine could make histograms of them, \
                 and a log without them would be wrong: none is written; use a lower --rate, or \
                 leave a core to the generator"
            ))),
            Err(_) => Err(Failure::tool("--hlog: the thread that makes it has ended")),
        }
    }
}

impl Feed {
    /// What one worker writes with; `None` once the log is finished.
    pub(crate) fn pen(self: &Arc<Self>) -> Option<Pen> {
        let full = self.sender.lock().clone()?;
        let (back, empty) = sync_channel(MOST_BUFFERS);
        for _ in 1..READY {
            back.try_send(Vec::with_capacity(BUFFER)).ok()?;
        }
        Some(Pen {
            feed: Arc::clone(self),
            full,
            back,
            empty,
            made: READY,
            place: 0,
            noted: Vec::with_capacity(BUFFER),
        })
    }
}

/// What one worker writes with.
pub(crate) struct Pen {
    feed: Arc<Feed>,
    full: SyncSender<Batch>,
    back: SyncSender<Vec<Noted>>,
    empty: Receiver<Vec<Noted>>,
    made: usize,
    place: u64,
    noted: Vec<Noted>,
}

impl Pen {
    /// Writes down a request of the measured part that has ended.
    pub(crate) fn note(&mut self, outcome: Outcome, sample: Sample) {
        let since_ns = sample.done_ns.saturating_sub(self.feed.warm_up_ns);
        let place = since_ns / self.feed.length_ns;
        if place != self.place || self.noted.len() >= BUFFER {
            self.hand_over();
            self.place = place;
        }
        self.noted.push(Noted { outcome, sample });
    }

    /// Hands over what is left.
    pub(crate) fn finish(mut self) {
        self.hand_over();
    }

    fn hand_over(&mut self) {
        if self.noted.is_empty() {
            return;
        }
        let Some(empty) = self.empty_buffer() else {
            self.lose();
            return;
        };
        let batch = Batch {
            place: self.place,
            noted: std::mem::replace(&mut self.noted, empty),
            back: self.back.clone(),
        };
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) =
            self.full.try_send(batch)
        {
            self.noted = batch.noted;
            self.lose();
        }
    }

    fn empty_buffer(&mut self) -> Option<Vec<Noted>> {
        let returned = self.empty.try_recv().ok();
        if returned.is_none() && self.made < MOST_BUFFERS {
            // The thread does not get its turn: better a little late than without the samples.
            self.made += 1;
            return Some(Vec::with_capacity(BUFFER));
        }
        returned
    }

    fn lose(&mut self) {
        let lost = self.noted.len() as u64;
        self.feed.lost.fetch_add(lost, Ordering::Relaxed);
        self.noted.clear();
    }
}

/// Times by outcome.
type Set = BTreeMap<Outcome, Times>;

/// What the thread keeps.
struct Shelf {
    intervals: Intervals,
    open: BTreeMap<u64, Set>,
    spare: Vec<Set>,
}

impl Shelf {
    fn new(intervals: Intervals) -> Self {
        Self {
            intervals,
            open: BTreeMap::new(),
            spare: Vec::new(),
        }
    }

    fn collect(mut self, batches: &Receiver<Batch>) -> Intervals {
        // The length that places are counted in stays, even if the log joins its intervals.
        let length_ns = self.intervals.length_ns();
        for Batch {
            place,
            mut noted,
            back,
        } in batches
        {
            let since_ns = place.saturating_mul(length_ns);
            self.take(since_ns, &noted);
            noted.clear();
            // A worker that has ended needs none.
            drop(back.try_send(noted));
        }
        while let Some((since_ns, set)) = self.open.pop_first() {
            self.seal(since_ns, set);
        }
        self.intervals
    }

    fn take(&mut self, since_ns: u64, noted: &[Noted]) {
        let spare = &mut self.spare;
        let set = self
            .open
            .entry(since_ns)
            .or_insert_with(|| spare.pop().unwrap_or_default());
        for Noted { outcome, sample } in noted {
            set.entry(*outcome)
                .or_insert_with(Times::new)
                .record(*sample);
        }
        if self.open.len() > OPEN
            && let Some((since_ns, set)) = self.open.pop_first()
        {
            self.seal(since_ns, set);
        }
    }

    fn seal(&mut self, since_ns: u64, mut set: Set) {
        for (outcome, times) in &mut set {
            let ending = Ending::of(*outcome);
            for which in Which::ALL {
                let tag = Tag {
                    ending: ending.clone(),
                    which,
                };
                self.intervals.add(since_ns, tag, which.of(times));
                which.of_mut(times).reset();
            }
        }
        self.spare.push(set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Record;

    const SECOND_NS: u64 = 1_000_000_000;

    /// One in so many of some requests, which take the longer the later they are due.
    fn sample(number: u64) -> (Outcome, Sample) {
        let due_ns = SECOND_NS + number * 700_000;
        let outcome = match number % 10 {
            0 => Outcome::TimedOut,
            1 | 2 => Outcome::Declined(8),
            _ => Outcome::Approved,
        };
        let sample = Sample {
            due_ns,
            sent_ns: due_ns + number % 77,
            done_ns: due_ns + number % 77 + 50_000 + number * 13,
        };
        (outcome, sample)
    }

    #[test]
    fn a_log_has_every_sample_of_every_worker() {
        let collector = Collector::start(SECOND_NS, 10 * SECOND_NS).unwrap();
        let feed = collector.feed();
        let mut record = Record::new();
        let mut pens = [feed.pen().unwrap(), feed.pen().unwrap()];
        for number in 0..20_000 {
            let (outcome, sample) = sample(number);
            record.finish(outcome, sample);
            // The second worker hands over what the first had in the same seconds much later.
            pens[usize::from(number % 3 == 0)].note(outcome, sample);
        }
        for pen in pens {
            pen.finish();
        }
        let intervals = collector.finish().unwrap();
        let sums = intervals.sums();
        assert_eq!(sums.len(), record.outcomes.len());
        for (outcome, times) in &record.outcomes {
            let sum = &sums[&Ending::of(*outcome)];
            for which in Which::ALL {
                assert_eq!(which.of(sum), which.of(times), "{outcome:?} {which:?}");
            }
        }
        // 14 seconds of three outcomes and three times.
        let places = intervals.all().map(|(place, ..)| place).max();
        assert_eq!(places, Some(13));
        assert!(feed.pen().is_none());
    }

    #[test]
    fn what_comes_when_its_interval_is_packed_is_added() {
        let mut shelf = Shelf::new(Intervals::of(SECOND_NS));
        let (outcome, sample) = sample(5);
        for place in [0, 1, 2, 3, 4, 5, 0, 0] {
            shelf.take(place * SECOND_NS, &[Noted { outcome, sample }]);
        }
        let (_, nothing) = sync_channel(1);
        let counts: Vec<u64> = shelf
            .collect(&nothing)
            .all()
            .filter(|(_, tag, _)| tag.which == Which::Lag)
            .map(|(_, _, histogram)| histogram.len())
            .collect();
        assert_eq!(counts, [3, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn samples_that_find_no_room_are_counted_and_the_log_is_none() {
        let collector = Collector::start(0, SECOND_NS).unwrap();
        let mut pen = collector.feed().pen().unwrap();
        let (outcome, sample) = sample(5);
        pen.note(outcome, sample);
        pen.lose();
        pen.finish();
        let told = collector.finish().unwrap_err().to_string();
        assert!(told.contains("--hlog: 1 samples"), "{told}");
    }
}
