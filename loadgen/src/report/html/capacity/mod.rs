//! The page of a capacity.

mod curve;
mod head;
mod steps;
mod tables;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use super::{Written, axis, chart, frame, grid, words};
use crate::capacity::facts::{CapacityReport, StepVerdict};
use chart::Mark;
use frame::Tone;

/// The page, well-formed as XML too.
pub(crate) fn render(report: &CapacityReport) -> String {
    frame::render(&head::opening(report), |page| {
        head::write(page, report)?;
        curve::write(page, report)?;
        tables::slos(page, report)?;
        steps::write(page, report)?;
        tables::write(page, report)
    })
}

/// How a step is drawn, and its verdict in words.
fn mark_of(verdict: StepVerdict) -> (Mark, &'static str, &'static str) {
    match verdict {
        StepVerdict::Met => (Mark::Dot, "met", "met"),
        StepVerdict::Missed => (Mark::Cross, "missed", "missed"),
        StepVerdict::Undecided => (Mark::Ring, "undecided", "too close to tell"),
        StepVerdict::GeneratorLimit => (Mark::Ring, "not-judged", "the generator fell behind"),
        StepVerdict::Disturbed => (Mark::Ring, "not-judged", "disturbed"),
    }
}

/// How a verdict on a step is to be taken.
fn tone_of(verdict: StepVerdict) -> Tone {
    match verdict {
        StepVerdict::Met => Tone::Good,
        StepVerdict::Missed => Tone::Bad,
        StepVerdict::Undecided | StepVerdict::GeneratorLimit | StepVerdict::Disturbed => {
            Tone::Unsure
        }
    }
}
