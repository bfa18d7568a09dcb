//! The page of a comparison: of `gate` and of `compare`.

mod axis;
mod head;
mod intervals;
mod pairs;
mod spread;
mod tables;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use super::{Written, chart, frame, grid, words};
use crate::gate::facts::Comparison;

/// The page, well-formed as XML too.
pub(crate) fn render(comparison: &Comparison) -> String {
    frame::render(&head::opening(comparison), |page| {
        head::write(page, comparison)?;
        intervals::write(page, comparison)?;
        tables::metrics(page, comparison)?;
        for (place, metric) in comparison.metrics.iter().enumerate() {
            pairs::write(page, place, metric)?;
            if metric.gating {
                spread::write(page, place, metric)?;
            }
        }
        tables::write(page, comparison)
    })
}
