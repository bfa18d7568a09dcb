//! The calls of a run that are no payments, as facts and as text.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::text::{Written, grouped, time};
use super::{CountFacts, OutcomeFacts, Report, Text, TimeFacts, outcomes_of};
use crate::recorder::{Record, SideRecord};

/// The calls of one kind, in the measured part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OtherCallFacts {
    /// The RPC.
    pub(crate) rpc: Text,
    /// How many of what.
    pub(crate) counts: CountFacts,
    /// From due to done, of those that were done or refused, and of those that timed out at their
    /// age. One that follows another is due when that was answered, or its pause later.
    pub(crate) response: TimeFacts,
    /// What became of them, most frequent first.
    pub(crate) outcomes: Vec<OutcomeFacts>,
}

/// The facts of every kind that was sent.
pub(crate) fn of(record: &Record) -> Vec<OtherCallFacts> {
    record
        .side
        .iter()
        .map(|(rpc, side)| OtherCallFacts {
            rpc: rpc.label().into(),
            counts: CountFacts::of(side.counts, &side.outcomes),
            response: response(side),
            outcomes: outcomes_of(&side.outcomes, side.counts.sent),
        })
        .collect()
}

fn response(side: &SideRecord) -> TimeFacts {
    TimeFacts::of(&crate::recorder::headline_of(&side.outcomes).response)
}

/// The table; nothing if there were no such calls.
pub(super) fn write(text: &mut String, report: &Report) -> Written {
    let calls = &report.other_calls;
    if calls.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "{:<20}{:>12}{:>10}{:>10}{:>10}  what became of them",
        "other calls", "sent", "not sent", "p50", "p99"
    )?;
    let cell = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), time);
    for facts in calls {
        let counts = facts.counts;
        let outcomes: Vec<String> = facts
            .outcomes
            .iter()
            .map(|outcome| format!("{} {}", outcome.name, grouped(outcome.count)))
            .collect();
        writeln!(
            text,
            "{:<20}{:>12}{:>10}{:>10}{:>10}  {}",
            facts.rpc,
            grouped(counts.sent),
            grouped(counts.dropped + counts.skipped + counts.not_connected),
            cell(facts.response.p50_ns),
            cell(facts.response.p99_ns),
            outcomes.join(", "),
        )?;
    }
    if report.abandoned > 0 {
        writeln!(
            text,
            "{} more were to follow after the end, and were not sent.",
            grouped(report.abandoned)
        )?;
    }
    writeln!(text)
}
