//! What goes on while a run goes on: rough figures for those who look, beside the exact ones that
//! the recorder keeps.
//!
//! Each worker has a board of its own and is the only one that writes to it, so that a note is a
//! load and a store without a lock or an allocation: a few nanoseconds a call. Nothing is noted
//! where nobody looks. Times lie in buckets that are 6 % wide; whatever is read here is shown
//! with ≈ and stands in no result.

mod buckets;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::outcome::Outcome;
use crate::recorder::Sample;
pub(crate) use buckets::Spread;
use buckets::{BUCKETS, place_of};

/// Everything about payments that is counted on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Were due.
    Planned,
    /// Approved.
    Approved,
    /// Answered before under the same key.
    Replayed,
    /// Declined, for whatever reason.
    Declined,
    /// Ended without a decision.
    Errors,
    /// Got no answer in time.
    TimedOut,
    /// Were still open when the run was stopped.
    Unfinished,
    /// Not sent because as many as allowed were open.
    Dropped,
    /// Not sent because it was too late.
    Skipped,
    /// Not sent because there was no connection.
    NotConnected,
}

/// How many there are.
const COUNTS: usize = Count::NotConnected as usize + 1;

impl Count {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approved | Outcome::Done => Self::Approved,
            Outcome::Replayed => Self::Replayed,
            Outcome::Declined(_) | Outcome::Refused(..) => Self::Declined,
            Outcome::Grpc(_) | Outcome::Malformed | Outcome::TransportError => Self::Errors,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Unfinished => Self::Unfinished,
        }
    }
}

/// What one worker notes of its payments, warm-up included.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Board {
    counts: [AtomicU64; COUNTS],
    response: [AtomicU64; BUCKETS],
    lag: [AtomicU64; BUCKETS],
    longest_ns: AtomicU64,
}

impl Board {
    fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; COUNTS],
            response: [const { AtomicU64::new(0) }; BUCKETS],
            lag: [const { AtomicU64::new(0) }; BUCKETS],
            longest_ns: AtomicU64::new(0),
        }
    }

    /// Notes one of these.
    pub(crate) fn count(&self, what: Count) {
        if let Some(count) = self.counts.get(what as usize) {
            add_one(count);
        }
    }

    /// Notes a payment that was sent, and how it ended. An error counts for no response time.
    pub(crate) fn finish(&self, outcome: Outcome, sample: Sample) {
        self.count(Count::of(outcome));
        note(&self.lag, sample.sent_ns.saturating_sub(sample.due_ns));
        if outcome.is_error() {
            return;
        }
        let response_ns = sample.done_ns.saturating_sub(sample.due_ns);
        note(&self.response, response_ns);
        if response_ns > self.longest_ns.load(Ordering::Relaxed) {
            self.longest_ns.store(response_ns, Ordering::Relaxed);
        }
    }
}

fn note(buckets: &[AtomicU64; BUCKETS], ns: u64) {
    if let Some(bucket) = buckets.get(place_of(ns)) {
        add_one(bucket);
    }
}

/// Whoever notes is alone in writing, so that no update can be lost between the two.
fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// The boards of all workers.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<Vec<Arc<Board>>>);

impl Live {
    /// A board for one more worker.
    pub(crate) fn board(&self) -> Arc<Board> {
        let board = Arc::new(Board::new());
        self.0.lock().push(Arc::clone(&board));
        board
    }

    /// All boards as one. Forgets the longest time, so that the next look tells the longest since.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for board in self.0.lock().iter() {
            add(&mut sum.counts, &board.counts);
            add(&mut sum.response.0, &board.response);
            add(&mut sum.lag.0, &board.lag);
            let longest_ns = board.longest_ns.swap(0, Ordering::Relaxed);
            sum.longest_ns = sum.longest_ns.max(longest_ns);
        }
        sum
    }
}

fn add<const N: usize>(sums: &mut [u64; N], counters: &[AtomicU64; N]) {
    for (sum, counter) in sums.iter_mut().zip(counters) {
        *sum += counter.load(Ordering::Relaxed);
    }
}

/// What all boards said at one instant, since the start; or between two instants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    counts: [u64; COUNTS],
    /// From due to done.
    pub(crate) response: Spread,
    /// From due to sent.
    pub(crate) lag: Spread,
    /// The longest response since the look before, in nanoseconds; 0 if there was none.
    pub(crate) longest_ns: u64,
}

impl Sum {
    /// How many of these.
    pub(crate) fn count(&self, what: Count) -> u64 {
        self.counts.get(what as usize).copied().unwrap_or(0)
    }

    /// Decisions: approved, declined or replayed.
    pub(crate) fn decided(&self) -> u64 {
        [Count::Approved, Count::Replayed, Count::Declined]
            .iter()
            .map(|what| self.count(*what))
            .sum()
    }

    /// Due and not sent.
    pub(crate) fn not_sent(&self) -> u64 {
        [Count::Dropped, Count::Skipped, Count::NotConnected]
            .iter()
            .map(|what| self.count(*what))
            .sum()
    }

    /// What came since `earlier`; the longest time stays that of this look.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        Self {
            counts,
            response: self.response.since(&earlier.response),
            lag: self.lag.since(&earlier.lag),
            longest_ns: self.longest_ns,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// So many payments that were approved after `response_ns`, and sent `lag_ns` late.
    pub(crate) fn approve(board: &Board, payments: u64, response_ns: u64, lag_ns: u64) {
        let sample = Sample {
            due_ns: 0,
            sent_ns: lag_ns,
            done_ns: response_ns,
        };
        for _ in 0..payments {
            board.count(Count::Planned);
            board.finish(Outcome::Approved, sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::approve;
    use super::*;

    #[test]
    fn the_boards_of_all_workers_add_up() {
        let live = Live::default();
        let boards = [live.board(), live.board()];
        approve(&boards[0], 3, 2_000_000, 1_000);
        approve(&boards[1], 4, 8_000_000, 1_000);
        boards[1].count(Count::Dropped);
        let sum = live.sum();
        assert_eq!(sum.count(Count::Planned), 7);
        assert_eq!(sum.decided(), 7);
        assert_eq!(sum.not_sent(), 1);
        assert_eq!(sum.response.len(), 7);
        assert_eq!(sum.longest_ns, 8_000_000);
    }

    #[test]
    fn an_error_has_a_lag_and_no_response_time() {
        let live = Live::default();
        let sample = Sample {
            due_ns: 0,
            sent_ns: 5,
            done_ns: 9,
        };
        live.board().finish(Outcome::Malformed, sample);
        let sum = live.sum();
        assert_eq!(sum.count(Count::Errors), 1);
        assert_eq!((sum.response.len(), sum.lag.len()), (0, 1));
        assert_eq!(sum.longest_ns, 0);
    }

    #[test]
    fn between_two_looks_there_is_what_came_since() {
        let live = Live::default();
        let board = live.board();
        approve(&board, 10, 50_000_000, 0);
        let first = live.sum();
        approve(&board, 2, 1_000_000, 0);
        let since = live.sum().since(&first);
        assert_eq!(since.decided(), 2);
        assert_eq!(since.response.len(), 2);
        assert_eq!(since.longest_ns, 1_000_000, "the longest before is over");
    }
}
