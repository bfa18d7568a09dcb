//! What one worker measured, and how the workers' records become one without losing anything.
//!
//! Three instants make a sample: when the request was due, when it was sent, when it was done.
//! *Response* is from due to done and is the headline, for it is what a caller waited. *Service* is
//! from sent to done. *Lag* is from due to sent: the generator's own fault. Each outcome has a
//! histogram of each, so that merging and adding up are exact and no percentile is ever averaged.
//! Errors stay in those of their own outcome: a server that refuses all is not fast.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::by_scheme::BySchemes;
use crate::outcome::Outcome;
use crate::plan::Details;
use crate::time_line::TimeLine;
use crate::timing::TimingRecord;

/// The longest time that is told apart from longer ones, in nanoseconds: a minute.
pub(crate) const LONGEST_NS: u64 = 60_000_000_000;

/// The three instants of a request, in nanoseconds from the start of the run.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "the unit belongs to the name of each instant"
)]
pub(crate) struct Sample {
    /// When it should have been sent.
    pub(crate) due_ns: u64,
    /// When it was.
    pub(crate) sent_ns: u64,
    /// When its answer was there, or when it was given up.
    pub(crate) done_ns: u64,
}

/// Three histograms in nanoseconds: 1 ns to 60 s, three digits.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// From due to done.
    pub(crate) response: Histogram<u64>,
    /// From sent to done.
    pub(crate) service: Histogram<u64>,
    /// From due to sent.
    pub(crate) lag: Histogram<u64>,
}

impl Times {
    /// No sample yet.
    pub(crate) fn new() -> Self {
        Self {
            response: histogram(),
            service: histogram(),
            lag: histogram(),
        }
    }

    fn record(&mut self, sample: Sample) {
        record(&mut self.response, sample.due_ns, sample.done_ns);
        record(&mut self.service, sample.sent_ns, sample.done_ns);
        record(&mut self.lag, sample.due_ns, sample.sent_ns);
    }

    fn add(&mut self, other: &Self) {
        // Adding fails only for values out of range, and all have the same range.
        let _ = self.response.add(&other.response);
        let _ = self.service.add(&other.service);
        let _ = self.lag.add(&other.lag);
    }
}

/// An empty histogram in nanoseconds: 1 ns to 60 s, three digits.
#[expect(
    clippy::expect_used,
    reason = "the bounds are constants that are in order"
)]
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("1 ns to 60 s in three digits")
}

fn record(histogram: &mut Histogram<u64>, from_ns: u64, to_ns: u64) {
    histogram.saturating_record(to_ns.saturating_sub(from_ns));
}

/// How full a run was over its course, in tenths: how many were in flight when one was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tenth {
    /// Requests sent.
    pub(crate) sent: u64,
    /// Sum, over those requests, of how many were in flight.
    pub(crate) in_flight_sum: u64,
}

/// Counts of one run's measured part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests that were due.
    pub(crate) planned: u64,
    /// Requests that were sent.
    pub(crate) sent: u64,
    /// Not sent because as many as allowed were in flight.
    pub(crate) dropped: u64,
    /// Not sent because their deadline had passed.
    pub(crate) skipped: u64,
    /// Not sent because there was no connection.
    pub(crate) not_connected: u64,
    /// Sent while warming up: in no histogram.
    pub(crate) warm_up_sent: u64,
}

/// What one worker measured, or all of them together.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Times of the requests that were sent, by what became of them.
    pub(crate) outcomes: BTreeMap<Outcome, Times>,
    /// How many of what.
    pub(crate) counts: Counts,
    /// How full it was, by tenths of the measured part.
    pub(crate) tenths: [Tenth; 10],
    /// What happened when.
    pub(crate) time_line: TimeLine,
    /// Where the server says its time went; `None` unless it is asked.
    pub(crate) timing: Option<TimingRecord>,
    /// Response times by scheme; `None` unless they are wanted.
    pub(crate) schemes: Option<BySchemes>,
}

impl Record {
    /// Nothing measured yet.
    pub(crate) fn new() -> Self {
        Self {
            outcomes: BTreeMap::new(),
            counts: Counts::default(),
            tenths: [Tenth::default(); 10],
            time_line: TimeLine::new(),
            timing: None,
            schemes: None,
        }
    }

    /// Nothing measured yet, and room for what is wanted besides.
    pub(crate) fn of(details: Details) -> Self {
        Self {
            timing: details.timing.then(TimingRecord::new),
            schemes: details.by_scheme.then(BySchemes::default),
            ..Self::new()
        }
    }

    /// Records one request of the measured part.
    pub(crate) fn finish(&mut self, outcome: Outcome, sample: Sample) {
        self.outcomes
            .entry(outcome)
            .or_insert_with(Times::new)
            .record(sample);
    }

    /// Takes over all that another worker measured.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (outcome, times) in &other.outcomes {
            self.outcomes
                .entry(*outcome)
                .or_insert_with(Times::new)
                .add(times);
        }
        self.counts.planned += other.counts.planned;
        self.counts.sent += other.counts.sent;
        self.counts.dropped += other.counts.dropped;
        self.counts.skipped += other.counts.skipped;
        self.counts.not_connected += other.counts.not_connected;
        self.counts.warm_up_sent += other.counts.warm_up_sent;
        for (mine, theirs) in self.tenths.iter_mut().zip(other.tenths) {
            mine.sent += theirs.sent;
            mine.in_flight_sum += theirs.in_flight_sum;
        }
        self.time_line.merge(&other.time_line);
        if let Some(theirs) = &other.timing {
            self.timing
                .get_or_insert_with(TimingRecord::new)
                .add(theirs);
        }
        if let Some(theirs) = &other.schemes {
            self.schemes.get_or_insert_default().add(theirs);
        }
    }

    /// The times of the requests that were decided, and of those that nobody answered at their
    /// age; errors are not in it.
    pub(crate) fn headline(&self) -> Times {
        let mut all = Times::new();
        for (outcome, times) in &self.outcomes {
            if !outcome.is_error() {
                all.add(times);
            }
        }
        all
    }

    /// How many requests ended this way.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.count_where(|ended| ended == outcome)
    }

    /// How many requests ended in one of these ways.
    pub(crate) fn count_where(&self, is_one: impl Fn(Outcome) -> bool) -> u64 {
        self.outcomes
            .iter()
            .filter(|(outcome, _)| is_one(**outcome))
            .map(|(_, times)| times.response.len())
            .sum()
    }

    /// The most frequent way to end without a decision, and how many did; `None` if none did.
    pub(crate) fn most_frequent_undecided(&self) -> Option<(Outcome, u64)> {
        self.outcomes
            .iter()
            .filter(|(outcome, _)| !outcome.is_decided())
            .map(|(outcome, times)| (*outcome, times.response.len()))
            .max_by_key(|(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::GrpcCode;
    use crate::scheme::CardScheme;

    fn sample(due_ns: u64, sent_ns: u64, done_ns: u64) -> Sample {
        Sample {
            due_ns,
            sent_ns,
            done_ns,
        }
    }

    #[test]
    fn a_late_start_counts_against_response_and_not_against_service() {
        let mut record = Record::new();
        record.finish(Outcome::Approved, sample(1_000_000, 5_000_000, 7_000_000));
        let times = &record.outcomes[&Outcome::Approved];
        let is_about = |histogram: &Histogram<u64>, expected: u64| {
            assert!(
                histogram.equivalent(histogram.max(), expected),
                "{}",
                histogram.max()
            );
        };
        is_about(&times.response, 6_000_000);
        is_about(&times.service, 2_000_000);
        is_about(&times.lag, 4_000_000);
    }

    #[test]
    fn times_beyond_a_minute_are_kept_at_its_end() {
        let mut record = Record::new();
        record.finish(Outcome::TimedOut, sample(0, 0, 10 * LONGEST_NS));
        let headline = record.headline();
        assert_eq!(headline.response.len(), 1);
        assert!(headline.response.max() >= LONGEST_NS);
    }

    #[test]
    fn errors_have_times_of_their_own_and_no_part_in_the_headline() {
        let refused = Outcome::Grpc(GrpcCode::ResourceExhausted);
        let mut record = Record::new();
        let slow = sample(0, 0, 9_000_000);
        for outcome in [
            Outcome::Approved,
            Outcome::Replayed,
            Outcome::Declined(27),
            Outcome::TimedOut,
            Outcome::Unfinished,
        ] {
            record.finish(outcome, slow);
        }
        for outcome in [
            refused,
            refused,
            Outcome::Malformed,
            Outcome::TransportError,
        ] {
            record.finish(outcome, sample(0, 0, 1));
        }
        let headline = record.headline();
        for histogram in [&headline.response, &headline.service, &headline.lag] {
            assert_eq!(histogram.len(), 5);
        }
        assert!(headline.response.min() > 8_000_000);
        assert_eq!(record.outcomes[&refused].response.len(), 2);
        assert_eq!(record.count_where(Outcome::is_decided), 3);
        assert_eq!(record.count_where(Outcome::is_error), 4);
        assert_eq!(record.most_frequent_undecided(), Some((refused, 2)));
    }

    #[test]
    fn merging_two_workers_equals_one_that_did_it_all() {
        let all = Details {
            timing: true,
            by_scheme: true,
        };
        let mut whole = Record::new();
        let mut parts = [Record::of(all), Record::of(all)];
        for index in 0..10_000_u64 {
            let outcome = if index % 7 == 0 {
                Outcome::Replayed
            } else {
                Outcome::Approved
            };
            let sample = sample(
                index,
                index + index % 13,
                index * index % 1_000_003 + 20_000,
            );
            whole.finish(outcome, sample);
            let part = &mut parts[usize::from(index % 3 == 0)];
            part.finish(outcome, sample);
            part.counts.sent += 1;
            if let (Some(timing), Some(schemes)) = (&mut part.timing, &mut part.schemes) {
                timing.finish(index, None);
                schemes.finish(CardScheme::Jcb, outcome, index);
            }
        }
        let mut merged = Record::new();
        for part in &parts {
            merged.merge(part);
        }
        assert_eq!(merged.counts.sent, 10_000);
        for (outcome, times) in &whole.outcomes {
            assert_eq!(merged.outcomes[outcome].response, times.response);
            assert_eq!(merged.outcomes[outcome].service, times.service);
            assert_eq!(merged.outcomes[outcome].lag, times.lag);
        }
        assert_eq!(merged.headline().response, whole.headline().response);
        assert_eq!(merged.count(Outcome::Replayed), 1_429);
        assert_eq!(merged.timing.unwrap().without, 10_000);
        let schemes = merged.schemes.unwrap();
        assert_eq!(schemes.of(CardScheme::Jcb).unwrap().tally.due(), 10_000);
    }
}
