//! Pure: several hosts' samples as one, exactly: counts are added, and percentiles are read once.

use std::collections::BTreeMap;

use super::facts::{Merged, PartFacts, SCHEMA};
use super::{Part, likeness, unlike};
use crate::clock::SECOND_NS;
use crate::figures::share;
use crate::hlog::{Ending, Head, Intervals};
use crate::recorder::Times;
use crate::report::text::time;
use crate::report::{self, CountFacts, HostFacts, OutcomeFacts, RateFacts, TimeFacts, Verdict};
use crate::slice::Slice;

/// What parts of one plan found together; they are checked, in the order of their slices, and
/// `first` is the first of them.
pub(super) fn merged(first: &Part, parts: &[Part]) -> Merged {
    let sums: Vec<BTreeMap<Ending, Times>> =
        parts.iter().map(|part| part.intervals.sums()).collect();
    let mut endings: BTreeMap<Ending, Times> = BTreeMap::new();
    for (ending, times) in sums.iter().flatten() {
        let sum = endings.entry(ending.clone()).or_insert_with(Times::new);
        sum.add(times);
    }
    let headline = headline(&endings);
    let missing = missing(parts);
    let counts = counts(parts);
    Merged {
        schema: SCHEMA.into(),
        verdict: verdict(parts, &missing),
        plan: report::PlanFacts {
            slice: None,
            ..first.head.plan.clone()
        },
        decided_alike: decided_alike(parts).filter(|_| missing.is_empty()),
        missing,
        counts,
        rates: rates(parts),
        response: TimeFacts::of(&headline.response),
        service: TimeFacts::of(&headline.service),
        lag: TimeFacts::of(&headline.lag),
        response_histogram: report::spans(&headline),
        response_curve: report::curve(&headline.response),
        service_curve: report::curve(&headline.service),
        lag_curve: report::curve(&headline.lag),
        outcomes: outcomes(&endings, counts.sent),
        parts: part_facts(parts, &sums),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

/// The parts as one log of the whole plan, whose intervals are counted from each part's beginning.
pub(super) fn as_one(first: &Part, parts: &[Part], merged: &Merged) -> (Head, Intervals) {
    let heads = || parts.iter().map(|part| &part.head);
    let mut intervals = Intervals::of(first.head.interval_ns);
    for part in parts {
        intervals.merge(&part.intervals);
    }
    let head = Head {
        began_ns: heads().map(|head| head.began_ns).min().unwrap_or(0),
        verdict: merged.verdict.clone(),
        plan: merged.plan.clone(),
        counts: merged.counts,
        rates: merged.rates,
        decided_alike: merged.decided_alike.clone(),
        host: hosts(first, parts),
        ..first.head.clone()
    };
    (head, intervals)
}

/// The times of all but the errors.
fn headline(endings: &BTreeMap<Ending, Times>) -> Times {
    let mut headline = Times::new();
    for (ending, times) in endings {
        if !ending.is_error() {
            headline.add(times);
        }
    }
    headline
}

fn missing(parts: &[Part]) -> Vec<String> {
    let slices: Vec<Slice> = parts
        .iter()
        .filter_map(|part| unlike::slice_of(part).ok())
        .collect();
    unlike::missing(&slices)
}

fn verdict(parts: &[Part], missing: &[String]) -> Verdict {
    let mut reasons = Vec::new();
    if !missing.is_empty() {
        reasons.push(format!(
            "slice {} is missing: what was measured is not all that was asked for",
            unlike::told(missing)
        ));
    }
    reasons.extend(apart(parts));
    for part in parts {
        let whose = part.head.plan.slice.as_ref();
        let whose = whose.map_or_else(|| part.file.clone(), |slice| format!("slice {slice}"));
        let verdict = &part.head.verdict;
        reasons.extend(
            verdict
                .reasons
                .iter()
                .map(|reason| format!("{whose}: {reason}")),
        );
        if !verdict.valid && verdict.reasons.is_empty() {
            reasons.push(format!("{whose} is invalid"));
        }
    }
    Verdict {
        valid: reasons.is_empty(),
        reasons,
        interrupted: parts.iter().any(|part| part.head.verdict.interrupted),
    }
}

/// Parts that did not run together never were the plan's load.
fn apart(parts: &[Part]) -> Option<String> {
    let begun = parts
        .iter()
        .map(|part| (part.head.began_ns, part.head.plan.slice.as_deref()));
    let (first, last) = (begun.clone().min()?, begun.max()?);
    let duration_ns = parts.first()?.head.plan.duration_ns;
    let apart_ns = last.0.saturating_sub(first.0);
    (apart_ns > SECOND_NS.min(duration_ns / 10)).then(|| {
        format!(
            "slice {} began {} after slice {}, so the server did not have the whole plan's load: use \
             --start-at, and set the hosts' clocks",
            last.1.unwrap_or("1/1"),
            time(apart_ns),
            first.1.unwrap_or("1/1"),
        )
    })
}

fn counts(parts: &[Part]) -> CountFacts {
    let sum = |of: fn(&CountFacts) -> u64| {
        let each = parts.iter().map(|part| of(&part.head.counts));
        each.fold(0, u64::saturating_add)
    };
    CountFacts {
        planned: sum(|counts| counts.planned),
        sent: sum(|counts| counts.sent),
        dropped: sum(|counts| counts.dropped),
        skipped: sum(|counts| counts.skipped),
        not_connected: sum(|counts| counts.not_connected),
        unfinished: sum(|counts| counts.unfinished),
        timed_out: sum(|counts| counts.timed_out),
        answered: sum(|counts| counts.answered),
        errors: sum(|counts| counts.errors),
        warm_up_sent: sum(|counts| counts.warm_up_sent),
    }
}

fn rates(parts: &[Part]) -> RateFacts {
    let rates = || parts.iter().map(|part| part.head.rates);
    RateFacts {
        offered_per_second: rates().map(|rates| rates.offered_per_second).sum(),
        achieved_per_second: rates().map(|rates| rates.achieved_per_second).sum(),
        errors_per_second: rates().map(|rates| rates.errors_per_second).sum(),
        measured_ns: rates().map(|rates| rates.measured_ns).max().unwrap_or(0),
    }
}

/// Sums of it add up, for each request adds its own; `None` if a part has none.
fn decided_alike(parts: &[Part]) -> Option<String> {
    let mut sum = 0_u64;
    for part in parts {
        let alike = u64::from_str_radix(part.head.decided_alike.as_ref()?, 16).ok()?;
        sum = sum.wrapping_add(alike);
    }
    Some(format!("{sum:016x}"))
}

fn outcomes(endings: &BTreeMap<Ending, Times>, sent: u64) -> Vec<OutcomeFacts> {
    let mut facts: Vec<OutcomeFacts> = endings
        .iter()
        .map(|(ending, times)| OutcomeFacts {
            kind: ending.kind.clone().into(),
            name: ending.name.clone(),
            is_tool_failure: ending.is_tool_failure(),
            count: times.response.len(),
            share: share(times.response.len(), sent),
            response: TimeFacts::of(&times.response),
            service: TimeFacts::of(&times.service),
            lag: TimeFacts::of(&times.lag),
        })
        .collect();
    facts.sort_by_key(|facts| std::cmp::Reverse(facts.count));
    facts
}

fn part_facts(parts: &[Part], sums: &[BTreeMap<Ending, Times>]) -> Vec<PartFacts> {
    let places = parts
        .iter()
        .flat_map(|part| part.intervals.response_places());
    let responses = parts.iter().map(|part| part.intervals.responses());
    let likenesses = likeness::judge(&places.collect(), responses.collect());
    parts
        .iter()
        .zip(sums)
        .zip(likenesses)
        .map(|((part, sums), likeness)| {
            let (head, times) = (part.head.clone(), headline(sums));
            PartFacts {
                file: part.file.clone(),
                slice: head.plan.slice,
                verdict: head.verdict,
                counts: head.counts,
                response: TimeFacts::of(&times.response),
                service: TimeFacts::of(&times.service),
                lag: TimeFacts::of(&times.lag),
                response_curve: report::curve(&times.response),
                generator: head.generator,
                server: head.server,
                host: head.host,
                likeness,
            }
        })
        .collect()
}

/// All hosts' names as one, and their cores together; what was told of the machine is the worst of
/// them. A host that ran several parts is one.
fn hosts(first: &Part, parts: &[Part]) -> HostFacts {
    let hosts = || parts.iter().map(|part| &part.head.host);
    let worst = |of: fn(&HostFacts) -> Option<f64>| hosts().filter_map(of).reduce(f64::max);
    let cores: BTreeMap<&str, usize> = hosts()
        .map(|host| (host.name.as_str(), host.cores))
        .collect();
    let names: Vec<&str> = cores.keys().copied().collect();
    HostFacts {
        name: names.join(", "),
        cores: cores.values().copied().fold(0, usize::saturating_add),
        stolen: worst(|host| host.stolen),
        throttled: worst(|host| host.throttled),
        ..first.head.host.clone()
    }
}
