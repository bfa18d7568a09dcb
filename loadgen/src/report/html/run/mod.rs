//! The page of a run.

mod breakdown;
mod head;
mod over_time;
mod percentiles;
mod proof;
mod slices;
mod spread;
mod tables;
mod thresholds;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use super::{Written, axis, chart, frame, grid, words};
use crate::report::Report;

/// The page, well-formed as XML too.
pub(super) fn render(report: &Report) -> String {
    frame::render(&head::opening(report), |page| {
        head::verdicts(page, report)?;
        thresholds::write(page, report)?;
        head::write(page, report)?;
        percentiles::write(page, report)?;
        over_time::write(page, report)?;
        spread::write(page, report)?;
        breakdown::write(page, report)?;
        tables::outcomes(page, report)?;
        proof::write(page, report)?;
        tables::write(page, report)
    })
}
