//! Pure: the thresholds for people.

use std::fmt::Write as _;

use super::text::Written;
use crate::threshold::{ThresholdFacts, ThresholdVerdict};

/// Writes a line for each threshold; with `colours`, those stand out that were not met.
pub(super) fn write(text: &mut String, facts: &[ThresholdFacts], colours: bool) -> Written {
    if facts.is_empty() {
        return Ok(());
    }
    let widest = facts.iter().map(|facts| facts.expression.chars().count());
    let width = widest.max().unwrap_or(0);
    writeln!(text, "Thresholds:")?;
    for facts in facts {
        let colour = match facts.verdict {
            ThresholdVerdict::Met => "\u{1b}[32m",
            ThresholdVerdict::Missed => "\u{1b}[31m",
            ThresholdVerdict::Undecided | ThresholdVerdict::Unmatched => "\u{1b}[33m",
        };
        let (on, off) = if colours {
            (colour, "\u{1b}[0m")
        } else {
            ("", "")
        };
        writeln!(
            text,
            "  {on}{:<10}{off}{:<width$}  {}",
            facts.verdict.word(),
            facts.expression,
            facts.words
        )?;
    }
    writeln!(text)
}
