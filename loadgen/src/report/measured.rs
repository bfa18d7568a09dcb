//! Pure: the facts of what was recorded.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{CountFacts, CurvePoint, OutcomeFacts, Span, TimeFacts, plot};
use crate::outcome::Outcome;
use crate::recorder::{Counts, Times, count_in};
use crate::samples;

impl TimeFacts {
    /// The figures of one histogram.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let any = |value| (!histogram.is_empty()).then_some(value);
        Self {
            count: histogram.len(),
            min_ns: any(histogram.min()),
            p50_ns: percentile(histogram, 0.5),
            p90_ns: percentile(histogram, 0.9),
            p99_ns: percentile(histogram, 0.99),
            p999_ns: percentile(histogram, 0.999),
            p9999_ns: percentile(histogram, 0.9999),
            max_ns: any(histogram.max()),
        }
    }
}

/// A percentile, if there are enough samples that with a confidence of 99 % at least one of them
/// lies beyond it.
pub(crate) fn percentile(histogram: &Histogram<u64>, quantile: f64) -> Option<u64> {
    samples::supports(histogram.len(), quantile).then(|| histogram.value_at_quantile(quantile))
}

impl CountFacts {
    /// The figures of some calls.
    pub(crate) fn of(counts: Counts, outcomes: &BTreeMap<Outcome, Times>) -> Self {
        let Counts {
            planned,
            sent,
            dropped,
            skipped,
            not_connected,
            warm_up_sent,
        } = counts;
        let count_where = |is_one: fn(Outcome) -> bool| count_in(outcomes, is_one);
        Self {
            planned,
            sent,
            dropped,
            skipped,
            not_connected,
            unfinished: count_where(|outcome| outcome == Outcome::Unfinished),
            timed_out: count_where(|outcome| outcome == Outcome::TimedOut),
            answered: count_where(Outcome::is_decided),
            errors: count_where(Outcome::is_error),
            warm_up_sent,
        }
    }
}

/// What became of some calls, of which so many were sent, most frequent first.
pub(crate) fn outcomes_of(outcomes: &BTreeMap<Outcome, Times>, sent: u64) -> Vec<OutcomeFacts> {
    let mut facts: Vec<OutcomeFacts> = outcomes
        .iter()
        .map(|(outcome, times)| OutcomeFacts {
            kind: outcome.kind().into(),
            name: outcome.label(),
            is_tool_failure: outcome.is_tool_failure(),
            count: times.response.len(),
            share: crate::figures::share(times.response.len(), sent),
            response: TimeFacts::of(&times.response),
            service: TimeFacts::of(&times.service),
            lag: TimeFacts::of(&times.lag),
        })
        .collect();
    facts.sort_by_key(|facts| std::cmp::Reverse(facts.count));
    facts
}

/// A distribution by percentile, as far as its samples support it.
pub(crate) fn curve(histogram: &Histogram<u64>) -> Vec<CurvePoint> {
    super::curve::points(histogram)
}

/// How many response times fell into each span of a scale of 1, 2 and 5.
pub(crate) fn spans(times: &Times) -> Vec<Span> {
    plot::spans(&times.response)
}
