//! Results as pages for a browser, one each: no script, no network, nothing but itself.

mod axis;
pub(crate) mod bench;
mod canvas;
pub(crate) mod capacity;
mod chart;
pub(crate) mod comparison;
mod curves;
mod frame;
mod grid;
pub(crate) mod merged;
pub(crate) mod mesh_tax;
mod run;
mod words;

#[cfg(test)]
mod testing;

#[cfg(test)]
pub(crate) use run::samples;

use super::Report;

type Written = std::fmt::Result;

/// The page of a run.
pub(crate) fn render(report: &Report) -> String {
    run::render(report)
}
