//! What happened when: the measured part in slices, whose number is bounded however long it is.
//!
//! Every request stands in the slice in which it was due, so that what became of the requests of
//! one slice adds up to what was due in it. When there are too many slices, neighbours are joined
//! by adding, which loses no request and averages no percentile.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::clock::SECOND_NS;
use crate::outcome::Outcome;
use crate::recorder::{LONGEST_NS, Sample};

/// The most slices that are kept. One is 50 kB, so that a worker needs 6 MB at most.
pub(crate) const MOST_SLICES: usize = 120;

/// Slices from the beginning of the measured part, without a gap.
#[derive(Clone, Debug)]
pub(crate) struct TimeLine {
    slice_ns: u64,
    slices: Vec<Slice>,
}

/// What became of the requests that were due in one slice.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// How many of what.
    pub(crate) tally: Tally,
    /// From due to done, in nanoseconds, two digits, of the requests that the headline is of.
    pub(crate) response: Histogram<u64>,
    /// The longest of them, exactly; 0 if there is none.
    pub(crate) longest_ns: u64,
    /// From due to sent, in nanoseconds, two digits, of the same requests.
    pub(crate) lag: Histogram<u64>,
    /// The longest lag, exactly; 0 if there is none.
    pub(crate) longest_lag_ns: u64,
}

/// How many requests ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Tally {
    /// Approved.
    pub(crate) approved: u64,
    /// Answered before under the same key.
    pub(crate) replayed: u64,
    /// Declined, for whatever reason.
    pub(crate) declined: u64,
    /// Ended without a decision.
    pub(crate) errors: u64,
    /// Got no answer in time.
    pub(crate) timed_out: u64,
    /// Were still open when the run was interrupted.
    pub(crate) unfinished: u64,
    /// Were not sent: dropped, skipped, or without a connection.
    pub(crate) not_sent: u64,
}

impl TimeLine {
    /// Slices of a second.
    pub(crate) fn new() -> Self {
        Self {
            slice_ns: SECOND_NS,
            slices: Vec::new(),
        }
    }

    /// Slices of a second, or of twice, four times and so on as much, so that a measured part of
    /// this length needs no joining while it is measured.
    pub(crate) fn for_length(length_ns: u64) -> Self {
        let mut line = Self::new();
        while length_ns.div_ceil(line.slice_ns) > MOST_SLICES as u64 {
            line.join();
        }
        line
    }

    /// The length of a slice, in nanoseconds.
    pub(crate) fn slice_ns(&self) -> u64 {
        self.slice_ns
    }

    /// The slices up to the last in which something was due.
    pub(crate) fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// Records a request that was sent, and was due so long after the measured part began.
    pub(crate) fn finish(&mut self, outcome: Outcome, since_ns: u64, sample: Sample) {
        if let Some(slice) = self.at(since_ns) {
            slice.finish(outcome, sample);
        }
    }

    /// Records a request that was not sent.
    pub(crate) fn skip(&mut self, since_ns: u64) {
        if let Some(slice) = self.at(since_ns) {
            slice.tally.not_sent += 1;
        }
    }

    /// Takes over all that another worker recorded.
    pub(crate) fn merge(&mut self, other: &Self) {
        while self.slice_ns < other.slice_ns {
            self.join();
        }
        for (place, slice) in (0_u64..).zip(&other.slices) {
            if let Some(mine) = self.at(place.saturating_mul(other.slice_ns)) {
                mine.add(slice);
            }
        }
    }

    fn at(&mut self, since_ns: u64) -> Option<&mut Slice> {
        while since_ns / self.slice_ns >= MOST_SLICES as u64 {
            self.join();
        }
        let place = usize::try_from(since_ns / self.slice_ns).ok()?;
        if place >= self.slices.len() {
            self.slices.resize_with(place + 1, Slice::new);
        }
        self.slices.get_mut(place)
    }

    /// Makes one slice of each two.
    fn join(&mut self) {
        self.slice_ns = self.slice_ns.saturating_mul(2);
        self.slices = self.slices.chunks(2).map(Slice::sum).collect();
    }
}

impl Slice {
    /// Some slices as one.
    pub(crate) fn sum(slices: &[Self]) -> Self {
        let mut sum = Self::new();
        for slice in slices {
            sum.add(slice);
        }
        sum
    }

    #[expect(
        clippy::expect_used,
        reason = "the bounds are constants that are in order"
    )]
    fn new() -> Self {
        let empty = Histogram::new_with_bounds(100, LONGEST_NS, 2);
        let empty = empty.expect("100 ns to 60 s in two digits");
        Self {
            tally: Tally::default(),
            response: empty.clone(),
            longest_ns: 0,
            lag: empty,
            longest_lag_ns: 0,
        }
    }

    fn finish(&mut self, outcome: Outcome, sample: Sample) {
        self.tally.count(outcome);
        if !outcome.is_error() {
            let response_ns = sample.done_ns.saturating_sub(sample.due_ns);
            let lag_ns = sample.sent_ns.saturating_sub(sample.due_ns);
            self.response.saturating_record(response_ns);
            self.longest_ns = self.longest_ns.max(response_ns);
            self.lag.saturating_record(lag_ns);
            self.longest_lag_ns = self.longest_lag_ns.max(lag_ns);
        }
    }

    fn add(&mut self, other: &Self) {
        self.tally.add(other.tally);
        // Adding fails only for values out of range, and all have the same range.
        let _ = self.response.add(&other.response);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        let _ = self.lag.add(&other.lag);
        self.longest_lag_ns = self.longest_lag_ns.max(other.longest_lag_ns);
    }
}

impl Tally {
    /// Decisions.
    pub(crate) fn answered(self) -> u64 {
        self.approved + self.replayed + self.declined
    }

    /// All that were due.
    pub(crate) fn due(self) -> u64 {
        self.answered() + self.errors + self.timed_out + self.unfinished + self.not_sent
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.approved += other.approved;
        self.replayed += other.replayed;
        self.declined += other.declined;
        self.errors += other.errors;
        self.timed_out += other.timed_out;
        self.unfinished += other.unfinished;
        self.not_sent += other.not_sent;
    }

    /// Counts a request that was sent and ended so.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Approved | Outcome::Done => &mut self.approved,
            Outcome::Replayed => &mut self.replayed,
            Outcome::Declined(_) | Outcome::Refused(..) => &mut self.declined,
            Outcome::Grpc(_) | Outcome::Malformed | Outcome::TransportError => &mut self.errors,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::Unfinished => &mut self.unfinished,
        };
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOMES: [Outcome; 6] = [
        Outcome::Approved,
        Outcome::Replayed,
        Outcome::Declined(27),
        Outcome::Malformed,
        Outcome::TimedOut,
        Outcome::Unfinished,
    ];

    /// Due at 0, sent and done so much later.
    fn sample(sent_ns: u64, done_ns: u64) -> Sample {
        Sample {
            due_ns: 0,
            sent_ns,
            done_ns,
        }
    }

    /// One request each 10 ms, ending in every way by turns; each seventh is not sent.
    fn fill(line: &mut TimeLine, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let since_ns = number * 10_000_000;
            if number % 7 == 0 {
                line.skip(since_ns);
            } else {
                let outcome = OUTCOMES[usize::try_from(number % 6).unwrap()];
                let response_ns = 1_000 * (1 + number % 5_000);
                line.finish(outcome, since_ns, sample(response_ns / 10, response_ns));
            }
        }
    }

    fn check_equal(one: &TimeLine, other: &TimeLine) {
        assert_eq!(one.slice_ns(), other.slice_ns());
        assert_eq!(one.slices().len(), other.slices().len());
        for (one, other) in one.slices().iter().zip(other.slices()) {
            assert_eq!(one.tally, other.tally);
            assert_eq!(one.response, other.response);
            assert_eq!(one.longest_ns, other.longest_ns);
            assert_eq!(one.lag, other.lag);
            assert_eq!(one.longest_lag_ns, other.longest_lag_ns);
        }
    }

    #[test]
    fn a_request_stands_in_the_slice_in_which_it_was_due() {
        let mut line = TimeLine::new();
        line.finish(Outcome::Approved, 999_999_999, sample(7_000, 3_000_000_000));
        line.finish(Outcome::Malformed, 1_000_000_000, sample(0, 1));
        line.skip(3_000_000_000);
        let due: Vec<u64> = line
            .slices()
            .iter()
            .map(|slice| slice.tally.due())
            .collect();
        assert_eq!(due, [1, 1, 0, 1]);
        assert_eq!(line.slices()[0].longest_ns, 3_000_000_000);
        assert_eq!(line.slices()[0].longest_lag_ns, 7_000);
        assert_eq!(
            line.slices()[1].response.len(),
            0,
            "errors have no part in it"
        );
    }

    #[test]
    fn joining_slices_loses_nothing_and_their_number_is_bounded() {
        let mut line = TimeLine::new();
        let most = 100 * 1_000;
        fill(&mut line, 0..most);
        assert!(line.slices().len() <= MOST_SLICES);
        assert_eq!(line.slice_ns(), 16 * SECOND_NS);
        let sum = Slice::sum(line.slices());
        assert_eq!(sum.tally.due(), most);
        assert_eq!(sum.tally.not_sent, most.div_ceil(7));
        assert_eq!(
            sum.response.len(),
            most - sum.tally.not_sent - sum.tally.errors
        );
        assert_eq!(sum.longest_ns, 5_000_000);
        assert_eq!(sum.lag.len(), sum.response.len());
        assert_eq!(sum.longest_lag_ns, 500_000);
    }

    #[test]
    fn workers_that_joined_differently_merge_to_one_that_did_it_all() {
        // The first worker's share ends early: its slices stay at a second.
        let mut whole = TimeLine::new();
        fill(&mut whole, 0..30_000);
        let mut parts = [TimeLine::new(), TimeLine::new()];
        fill(&mut parts[0], 0..5_000);
        fill(&mut parts[1], 5_000..30_000);
        assert!(parts[0].slice_ns() < parts[1].slice_ns());
        for order in [[0, 1], [1, 0]] {
            let mut merged = TimeLine::new();
            for part in order {
                merged.merge(&parts[part]);
            }
            check_equal(&merged, &whole);
        }
    }

    #[test]
    fn a_known_length_needs_no_joining() {
        let check = |seconds, slice_seconds| {
            let line = TimeLine::for_length(seconds * SECOND_NS);
            assert_eq!(line.slice_ns(), slice_seconds * SECOND_NS, "{seconds} s");
        };
        check(0, 1);
        check(15, 1);
        check(120, 1);
        check(121, 2);
        check(600, 8);
        check(7 * 24 * 3_600, 8_192);
    }

    #[test]
    fn even_the_last_instant_there_is_has_a_slice() {
        let mut line = TimeLine::new();
        line.finish(Outcome::Approved, u64::MAX, sample(u64::MAX, u64::MAX));
        assert_eq!(Slice::sum(line.slices()).tally.due(), 1);
    }
}
