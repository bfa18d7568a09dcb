//! The page of a benchmark.

mod bars;
mod head;
mod tables;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use super::{Written, axis, chart, frame, grid, words};
use crate::bench::facts::BenchReport;

/// The page, well-formed as XML too.
pub(crate) fn render(report: &BenchReport) -> String {
    frame::render(&head::opening(report), |page| {
        head::write(page, report)?;
        bars::write(page, report)?;
        tables::write(page, report)
    })
}
