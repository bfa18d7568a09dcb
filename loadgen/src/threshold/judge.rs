//! Pure: whether what was measured keeps to a threshold.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{Class, Clock, Figure, Limit, Reason, Selection, Statistic, Threshold, quantile};
use crate::exit::Exit;
use crate::figures::{count_as_real, share};
use crate::outcome::Outcome;
use crate::recorder::{Record, Times, count_in, histogram};
use crate::report::Text;
use crate::report::text::{grouped, grouped_real, time};
use crate::samples::needed as samples_needed;

/// What thresholds are held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<'r> {
    /// Everything that was recorded.
    pub(crate) record: &'r Record,
    /// The time that rates are over.
    pub(crate) over_ns: u64,
    /// Processor time of the server for each call that ended, if it is known.
    pub(crate) server_ns: Option<u64>,
    /// The same of this process.
    pub(crate) generator_ns: Option<u64>,
}

/// A threshold and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ThresholdFacts {
    /// As it was written, without spaces.
    pub(crate) expression: String,
    /// How it went.
    pub(crate) verdict: ThresholdVerdict,
    /// `ns`, `share` (0 to 1), `count` or `per_second`.
    pub(crate) unit: Text,
    /// The limit, in that unit.
    pub(crate) limit: f64,
    /// What was found, in that unit; absent if nothing was.
    pub(crate) found: Option<f64>,
    /// How many payments it rests on; calls of every kind for processor time.
    pub(crate) samples: u64,
    /// What was found, in a line for people.
    pub(crate) words: String,
}

/// How a threshold went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ThresholdVerdict {
    /// It was kept to.
    Met,
    /// It was not.
    Missed,
    /// Too little was measured to say.
    Undecided,
    /// Its selector matches nothing that was measured.
    Unmatched,
}

impl ThresholdVerdict {
    /// How a command ends for its sake.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Met => Exit::Passed,
            Self::Missed => Exit::Missed,
            Self::Undecided => Exit::Inconclusive,
            Self::Unmatched => Exit::Failed,
        }
    }

    /// Its word for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Undecided => "UNDECIDED",
            Self::Unmatched => "UNMATCHED",
        }
    }
}

/// Holds each threshold against what was measured.
pub(crate) fn judge(thresholds: &[Threshold], measured: &Measured<'_>) -> Vec<ThresholdFacts> {
    thresholds
        .iter()
        .map(|threshold| {
            let found = find(threshold, measured);
            facts(threshold, found)
        })
        .collect()
}

/// What was found of a figure.
struct Found {
    verdict: Result<Ordering, ThresholdVerdict>,
    value: Option<f64>,
    samples: u64,
    words: String,
}

impl Found {
    /// Nothing that can be held against the limit.
    fn nothing(verdict: ThresholdVerdict, samples: u64, words: String) -> Self {
        Self {
            verdict: Err(verdict),
            value: None,
            samples,
            words,
        }
    }
}

fn facts(threshold: &Threshold, found: Found) -> ThresholdFacts {
    let verdict = match found.verdict {
        Ok(order) if threshold.comparison.holds(order) => ThresholdVerdict::Met,
        Ok(_) => ThresholdVerdict::Missed,
        Err(verdict) => verdict,
    };
    let (unit, limit) = match threshold.limit {
        Limit::Time(ns) => ("ns", count_as_real(ns)),
        Limit::Share(parts) => ("share", share(parts.into(), 1_000_000)),
        Limit::Count(count) => ("count", count_as_real(count)),
        Limit::Rate(thousandths) => ("per_second", share(thousandths, 1_000)),
    };
    ThresholdFacts {
        expression: threshold.text.clone(),
        verdict,
        unit: unit.into(),
        limit,
        found: found.value,
        samples: found.samples,
        words: found.words,
    }
}

fn find(threshold: &Threshold, measured: &Measured<'_>) -> Found {
    let record = measured.record;
    let nothing = BTreeMap::new();
    let outcomes = if threshold.selection == Selection::default() {
        &record.outcomes
    } else {
        let selected = record.selected.of_selection(threshold.selection);
        selected.unwrap_or(&nothing)
    };
    let sent = count_in(outcomes, |_| true);
    let is_of_time = matches!(threshold.figure, Figure::ServerCpu | Figure::GeneratorCpu);
    if sent == 0 && threshold.selection != Selection::default() && !is_of_time {
        return Found::nothing(ThresholdVerdict::Unmatched, 0, unmatched(record));
    }
    let in_class = |class: &Class| count_in(outcomes, |outcome| class.has(outcome));
    match (&threshold.figure, threshold.limit) {
        (Figure::Time(clock, statistic, class), Limit::Time(limit)) => {
            let times = distribution(outcomes, *clock, class.as_ref());
            if times.is_empty() && class.is_some() {
                return Found::nothing(ThresholdVerdict::Unmatched, 0, unmatched(record));
            }
            of_time(&times, *statistic, limit)
        }
        (Figure::Share(class), Limit::Share(limit)) => of_share(in_class(class), sent, limit),
        (Figure::Unsent(reason), Limit::Share(limit)) => {
            let counts = record.counts;
            let unsent = match reason {
                Reason::Dropped => counts.dropped,
                Reason::Skipped => counts.skipped,
                Reason::Any => counts.dropped + counts.skipped + counts.not_connected,
            };
            of_share(unsent, counts.planned, limit)
        }
        (Figure::Count(class), Limit::Count(limit)) => {
            let count = class.as_ref().map_or(sent, in_class);
            Found {
                verdict: Ok(count.cmp(&limit)),
                value: Some(count_as_real(count)),
                samples: sent,
                words: grouped(count),
            }
        }
        (Figure::Throughput(class), Limit::Rate(limit)) => {
            of_rate(in_class(class), measured.over_ns, limit)
        }
        (Figure::ServerCpu, Limit::Time(limit)) => of_cpu(measured.server_ns, record, limit),
        (Figure::GeneratorCpu, Limit::Time(limit)) => of_cpu(measured.generator_ns, record, limit),
        // Whoever read it gave the figure a limit of its own unit.
        _ => Found::nothing(ThresholdVerdict::Undecided, 0, "not known".to_owned()),
    }
}

/// What to say of a selector that matches nothing.
fn unmatched(record: &Record) -> String {
    let there: Vec<String> = record.outcomes.keys().map(|one| one.label()).collect();
    let sent = grouped(count_in(&record.outcomes, |_| true));
    if there.is_empty() {
        return "the selector matches nothing: no payment was sent".to_owned();
    }
    format!(
        "the selector matches none of {sent} payments, whose outcomes were {}",
        there.join(", ")
    )
}

/// The times of the payments that ended so, or of those that the headline is of.
fn distribution(
    outcomes: &BTreeMap<Outcome, Times>,
    clock: Clock,
    class: Option<&Class>,
) -> Histogram<u64> {
    let mut sum = histogram();
    for (outcome, times) in outcomes {
        let is_one = class.map_or(!outcome.is_error(), |class| class.has(*outcome));
        if is_one {
            let times = match clock {
                Clock::Response => &times.response,
                Clock::Service => &times.service,
                Clock::Lag => &times.lag,
            };
            // Adding fails only for values out of range, and all have the same range.
            let _ = sum.add(times);
        }
    }
    sum
}

fn of_time(times: &Histogram<u64>, statistic: Statistic, limit: u64) -> Found {
    let samples = times.len();
    let needed = match statistic {
        Statistic::Percentile(parts) => samples_needed(quantile(parts)),
        Statistic::Average | Statistic::Least | Statistic::Most => 1,
    };
    if samples < needed {
        let words = format!(
            "{} samples, and it needs {}",
            grouped(samples),
            grouped(needed)
        );
        return Found::nothing(ThresholdVerdict::Undecided, samples, words);
    }
    let ns = match statistic {
        Statistic::Average => {
            let mean = times.mean();
            let order = mean.total_cmp(&count_as_real(limit));
            let words = time(crate::figures::real_as_count(mean));
            return of_samples(order, mean, samples, &words);
        }
        Statistic::Least => times.min(),
        Statistic::Most => times.max(),
        Statistic::Percentile(parts) => times.value_at_quantile(quantile(parts)),
    };
    of_samples(ns.cmp(&limit), count_as_real(ns), samples, &time(ns))
}

fn of_samples(order: Ordering, value: f64, samples: u64, words: &str) -> Found {
    Found {
        verdict: Ok(order),
        value: Some(value),
        samples,
        words: format!("{words} ({} samples)", grouped(samples)),
    }
}

/// A part of a whole against parts in a million, compared exactly.
fn of_share(part: u64, whole: u64, limit: u32) -> Found {
    if whole == 0 {
        let words = "nothing was sent".to_owned();
        return Found::nothing(ThresholdVerdict::Undecided, 0, words);
    }
    let order = (u128::from(part) * 1_000_000).cmp(&(u128::from(limit) * u128::from(whole)));
    Found {
        verdict: Ok(order),
        value: Some(share(part, whole)),
        samples: whole,
        words: format!(
            "{:.4} % ({} of {})",
            share(part, whole) * 100.0,
            grouped(part),
            grouped(whole)
        ),
    }
}

/// So many in a time against thousandths a second, compared exactly.
fn of_rate(count: u64, ns: u64, limit: u64) -> Found {
    if ns == 0 {
        let words = "nothing was measured".to_owned();
        return Found::nothing(ThresholdVerdict::Undecided, 0, words);
    }
    let order = (u128::from(count) * 1_000_000_000_000).cmp(&(u128::from(limit) * u128::from(ns)));
    let per_second = share(count, ns) * 1e9;
    Found {
        verdict: Ok(order),
        value: Some(per_second),
        samples: count,
        words: format!(
            "{}/s ({} in {})",
            grouped_real(per_second),
            grouped(count),
            time(ns)
        ),
    }
}

fn of_cpu(ns: Option<u64>, record: &Record, limit: u64) -> Found {
    let calls: u64 = record.all_outcomes().values().sum();
    match ns {
        Some(ns) => Found {
            verdict: Ok(ns.cmp(&limit)),
            value: Some(count_as_real(ns)),
            samples: calls,
            words: format!("{} for each of {} calls", time(ns), grouped(calls)),
        },
        None => Found::nothing(
            ThresholdVerdict::Undecided,
            calls,
            "the processor time could not be read".to_owned(),
        ),
    }
}
