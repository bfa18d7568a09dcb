//! The figures over time as a table.

use std::fmt::Write as _;

use super::Written;
use super::grid::{self, Cell, plain};
use super::words::{latency_or_dash, length};
use crate::report::text::grouped;
use crate::report::time_line::SliceFacts;

/// The figures of all pictures, for those who cannot see them or want to copy them.
pub(super) fn table(page: &mut String, slices: &[SliceFacts], is_open: bool) -> Written {
    let mut columns = vec![
        grid::word("from"),
        grid::figure(if is_open { "due" } else { "sent" }),
        grid::figure("approved"),
        grid::figure("replayed"),
        grid::figure("declined"),
        grid::figure("errors"),
        grid::figure("no answer"),
        grid::figure("not sent"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("longest"),
    ];
    if is_open {
        columns.extend([grid::figure("lag p99"), grid::figure("longest lag")]);
    }
    let rows: Vec<Vec<Cell>> = slices.iter().map(row).collect();
    writeln!(
        page,
        "<section>\n<details>\n<summary>The figures over time, as a table</summary>"
    )?;
    grid::write(page, "Table of the figures over time", &columns, &rows)?;
    writeln!(page, "</details>\n</section>")
}

fn row(slice: &SliceFacts) -> Vec<Cell> {
    let counts = slice.counts;
    let counts = [
        counts.due(),
        counts.approved,
        counts.replayed,
        counts.declined,
        counts.errors,
        counts.timed_out + counts.unfinished,
        counts.not_sent,
    ];
    let times = [
        slice.response.p50_ns,
        slice.response.p99_ns,
        slice.response.max_ns,
        slice.lag.p99_ns,
        slice.lag.max_ns,
    ];
    plain(
        std::iter::once(length(slice.from_ns))
            .chain(counts.map(grouped))
            .chain(times.map(latency_or_dash)),
    )
}
