//! What the run was held to, and how it went.

use std::fmt::Write as _;

use super::Written;
use super::frame::Tone;
use super::grid::{self, Cell};
use crate::report::Report;
use crate::report::text::grouped;
use crate::threshold::{ThresholdFacts, ThresholdVerdict};

/// A line for each threshold; nothing if there is none.
pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let thresholds = report.thresholds.as_slice();
    if thresholds.is_empty() {
        return Ok(());
    }
    let met = thresholds
        .iter()
        .filter(|facts| facts.verdict == ThresholdVerdict::Met);
    writeln!(
        page,
        "<section>\n<h2>Thresholds</h2>\n<p>{} of {} met.</p>",
        met.count(),
        thresholds.len()
    )?;
    let columns = [
        grid::word("threshold"),
        grid::word("verdict"),
        grid::word("found"),
        grid::figure("samples"),
    ];
    let rows: Vec<Vec<Cell>> = thresholds.iter().map(row).collect();
    grid::write(page, "Table of thresholds", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn row(facts: &ThresholdFacts) -> Vec<Cell> {
    let tone = match facts.verdict {
        ThresholdVerdict::Met => Tone::Good,
        ThresholdVerdict::Missed => Tone::Bad,
        ThresholdVerdict::Undecided | ThresholdVerdict::Unmatched => Tone::Unsure,
    };
    vec![
        Cell::Plain(facts.expression.clone()),
        Cell::Verdict(tone, facts.verdict.word().to_lowercase()),
        Cell::Plain(facts.words.clone()),
        Cell::Plain(grouped(facts.samples)),
    ]
}
