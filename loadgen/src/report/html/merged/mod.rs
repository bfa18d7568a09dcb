//! The page of several hosts' logs together.

mod head;
mod hosts;
mod tables;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use super::{Written, axis, chart, curves, frame, grid, words};
use crate::merge::facts::Merged;

/// The page, well-formed as XML too.
pub(crate) fn render(merged: &Merged) -> String {
    frame::render(&head::opening(merged), |page| {
        head::write(page, merged)?;
        hosts::curves(page, merged)?;
        hosts::likeness(page, merged)?;
        tables::hosts(page, merged)?;
        tables::write(page, merged)
    })
}
