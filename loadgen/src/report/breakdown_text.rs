//! What was found besides, for people.

use std::fmt::Write as _;

use super::breakdown::{SchemeFacts, TimingFacts};
use super::text::{Written, grouped, time_rows, too_few};
use super::{Report, TimeFacts};

/// The tables that were asked for, or why one is not there.
pub(super) fn write(text: &mut String, report: &Report) -> Written {
    if let Some(facts) = &report.timing {
        timing(text, facts)?;
    }
    if let Some(facts) = &report.schemes {
        let is_open = report.plan.arrivals.is_some();
        let times = if is_open {
            "Response times"
        } else {
            "Latencies"
        };
        writeln!(text, "{times} by scheme of cards:")?;
        schemes(text, facts)?;
    }
    Ok(())
}

fn timing(text: &mut String, facts: &TimingFacts) -> Written {
    if facts.answers_with > 0 {
        writeln!(
            text,
            "Where the server's time went, as it says itself of {} decisions:",
            grouped(facts.answers_with)
        )?;
        let rows = facts.rows();
        time_rows(text, &rows)?;
        too_few(text, &rows.map(|(_, facts)| facts))?;
        writeln!(
            text,
            "Of each request: server's own = total - issuer, network and client = service - total."
        )?;
    }
    for note in facts.notes() {
        writeln!(text, "{note}")?;
    }
    writeln!(text)
}

fn schemes(text: &mut String, facts: &[SchemeFacts]) -> Written {
    let rows: Vec<(&str, &TimeFacts)> = facts
        .iter()
        .map(|facts| (facts.scheme.as_ref(), &facts.response))
        .collect();
    time_rows(text, &rows)?;
    let shown: Vec<&TimeFacts> = rows.iter().map(|(_, facts)| *facts).collect();
    too_few(text, &shown)?;
    writeln!(
        text,
        "{:<22}{:>10}{:>12}{:>12}{:>12}{:>12}{:>10}",
        "", "accounts", "approved", "replayed", "declined", "no answer", "errors"
    )?;
    for SchemeFacts {
        scheme,
        accounts,
        counts,
        ..
    } in facts
    {
        writeln!(
            text,
            "{scheme:<22}{:>10}{:>12}{:>12}{:>12}{:>12}{:>10}",
            grouped(*accounts),
            grouped(counts.approved),
            grouped(counts.replayed),
            grouped(counts.declined),
            grouped(counts.timed_out + counts.unfinished),
            grouped(counts.errors),
        )?;
    }
    writeln!(text)
}
