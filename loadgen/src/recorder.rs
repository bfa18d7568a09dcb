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
use crate::errand::Rpc;
use crate::outcome::Outcome;
use crate::plan::Details;
use crate::rules::Tally;
use crate::threshold::Selected;
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

    /// Records all three of one request.
    pub(crate) fn record(&mut self, sample: Sample) {
        record(&mut self.response, sample.due_ns, sample.done_ns);
        record(&mut self.service, sample.sent_ns, sample.done_ns);
        record(&mut self.lag, sample.due_ns, sample.sent_ns);
    }

    /// Adds all samples of another.
    pub(crate) fn add(&mut self, other: &Self) {
        // Adding fails only for values out of range, and all have the same range.
        let _ = self.response.add(&other.response);
        let _ = self.service.add(&other.service);
        let _ = self.lag.add(&other.lag);
    }
}

/// Records a request under what became of it.
pub(crate) fn record_in(outcomes: &mut BTreeMap<Outcome, Times>, outcome: Outcome, sample: Sample) {
    outcomes
        .entry(outcome)
        .or_insert_with(Times::new)
        .record(sample);
}

/// Takes over all that another worker recorded of some requests.
pub(crate) fn add_outcomes(mine: &mut BTreeMap<Outcome, Times>, theirs: &BTreeMap<Outcome, Times>) {
    for (outcome, times) in theirs {
        mine.entry(*outcome).or_insert_with(Times::new).add(times);
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

impl Counts {
    fn add(&mut self, other: Self) {
        self.planned += other.planned;
        self.sent += other.sent;
        self.dropped += other.dropped;
        self.skipped += other.skipped;
        self.not_connected += other.not_connected;
        self.warm_up_sent += other.warm_up_sent;
    }
}

/// What was measured of one kind of calls that are not payments.
#[derive(Clone, Debug, Default)]
pub(crate) struct SideRecord {
    /// How many of what.
    pub(crate) counts: Counts,
    /// Times of those that were sent, by what became of them.
    pub(crate) outcomes: BTreeMap<Outcome, Times>,
}

impl SideRecord {
    /// Records one that was sent in the measured part.
    pub(crate) fn finish(&mut self, outcome: Outcome, sample: Sample) {
        record_in(&mut self.outcomes, outcome, sample);
    }

    fn add(&mut self, other: &Self) {
        self.counts.add(other.counts);
        add_outcomes(&mut self.outcomes, &other.outcomes);
    }
}

/// What one worker measured, or all of them together.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Times of the payments that were sent, by what became of them.
    pub(crate) outcomes: BTreeMap<Outcome, Times>,
    /// How many payments of what.
    pub(crate) counts: Counts,
    /// The other calls, by kind; empty unless errands are part of the plan.
    pub(crate) side: BTreeMap<Rpc, SideRecord>,
    /// Calls that were to follow others after the end, and were not sent.
    pub(crate) abandoned: u64,
    /// How full it was, by tenths of the measured part.
    pub(crate) tenths: [Tenth; 10],
    /// What happened when.
    pub(crate) time_line: TimeLine,
    /// Where the server says its time went; `None` unless it is asked.
    pub(crate) timing: Option<TimingRecord>,
    /// Response times by scheme; `None` unless they are wanted.
    pub(crate) schemes: Option<BySchemes>,
    /// Times of the payments that thresholds select by mode or scheme.
    pub(crate) selected: Selected,
    /// What the rules were met by; `None` unless that is wanted.
    pub(crate) rules: Option<Tally>,
    /// A sum over all payments that were decided, while warming up too, of what was asked and what
    /// was decided: the same for two runs in which every request met the same answer, whatever the
    /// order was and whether it was given before.
    pub(crate) decided_alike: u64,
    /// Payments under keys of their own that had been answered before.
    pub(crate) known_keys: u64,
}

impl Record {
    /// Nothing measured yet.
    pub(crate) fn new() -> Self {
        Self {
            outcomes: BTreeMap::new(),
            counts: Counts::default(),
            side: BTreeMap::new(),
            abandoned: 0,
            tenths: [Tenth::default(); 10],
            time_line: TimeLine::new(),
            timing: None,
            schemes: None,
            selected: Selected::default(),
            rules: None,
            decided_alike: 0,
            known_keys: 0,
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
        record_in(&mut self.outcomes, outcome, sample);
    }

    /// The record of one kind of calls that are not payments.
    pub(crate) fn side(&mut self, rpc: Rpc) -> &mut SideRecord {
        self.side.entry(rpc).or_default()
    }

    /// Takes over all that another worker measured.
    pub(crate) fn merge(&mut self, other: &Self) {
        add_outcomes(&mut self.outcomes, &other.outcomes);
        self.counts.add(other.counts);
        for (rpc, theirs) in &other.side {
            self.side(*rpc).add(theirs);
        }
        self.abandoned += other.abandoned;
        self.decided_alike = self.decided_alike.wrapping_add(other.decided_alike);
        self.known_keys += other.known_keys;
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
        self.selected.add(&other.selected);
        if let Some(theirs) = &other.rules {
            self.rules.get_or_insert_default().merge(theirs);
        }
    }

    /// The times of the payments that were decided, and of those that nobody answered at their
    /// age; errors are not in it.
    pub(crate) fn headline(&self) -> Times {
        headline_of(&self.outcomes)
    }

    /// How many payments ended in one of these ways.
    pub(crate) fn count_where(&self, is_one: impl Fn(Outcome) -> bool) -> u64 {
        count_in(&self.outcomes, is_one)
    }

    /// How many of what, over payments and other calls.
    pub(crate) fn all_counts(&self) -> Counts {
        let mut all = self.counts;
        for side in self.side.values() {
            all.add(side.counts);
        }
        all
    }

    /// How many calls of all kinds ended in which way.
    pub(crate) fn all_outcomes(&self) -> BTreeMap<Outcome, u64> {
        let mut all = BTreeMap::new();
        let side = self.side.values().flat_map(|side| &side.outcomes);
        for (outcome, times) in self.outcomes.iter().chain(side) {
            *all.entry(*outcome).or_default() += times.response.len();
        }
        all
    }
}

/// How many of these calls ended in one of these ways.
pub(crate) fn count_in(
    outcomes: &BTreeMap<Outcome, Times>,
    is_one: impl Fn(Outcome) -> bool,
) -> u64 {
    outcomes
        .iter()
        .filter(|(outcome, _)| is_one(**outcome))
        .map(|(_, times)| times.response.len())
        .sum()
}

/// The times of all of these calls but the errors.
pub(crate) fn headline_of(outcomes: &BTreeMap<Outcome, Times>) -> Times {
    let mut all = Times::new();
    for (outcome, times) in outcomes {
        if !outcome.is_error() {
            all.add(times);
        }
    }
    all
}

#[cfg(test)]
mod tests;
