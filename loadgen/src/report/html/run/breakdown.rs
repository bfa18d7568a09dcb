//! What was found besides, where it was asked for: the server's own account of its time, and the
//! schemes of cards apart.

use std::fmt::Write as _;

use super::Written;
use super::axis::LatencyAxis;
use super::chart::{Caption, Key, Mark, Shape, bar, figure, put};
use super::frame;
use super::grid::{self, Cell, Column, plain};
use super::words::{latency, latency_or_dash, round_time};
use crate::report::breakdown::{SchemeFacts, TimingFacts};
use crate::report::text::grouped;
use crate::report::{Report, TimeFacts};

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    if let Some(facts) = &report.timing {
        timing(page, facts)?;
    }
    if let Some(facts) = &report.schemes {
        let title = if report.plan.arrivals.is_some() {
            "Response times by scheme"
        } else {
            "Latencies by scheme"
        };
        schemes(page, title, facts)?;
    }
    Ok(())
}

fn timing(page: &mut String, facts: &TimingFacts) -> Written {
    if facts.answers_with == 0 {
        return frame::notes(page, "Where the server's time went", &facts.notes());
    }
    ranges(page, facts)?;
    writeln!(
        page,
        "<section>\n<h2>Where the server's time went, in figures</h2>"
    )?;
    frame::bullets(page, &facts.notes())?;
    let rows: Vec<Vec<Cell>> = facts
        .rows()
        .into_iter()
        .map(|(name, times)| row(name, times, &[]))
        .collect();
    grid::write(
        page,
        "Table of the server's times",
        &columns("part", &[]),
        &rows,
    )?;
    writeln!(page, "</section>")
}

/// A row for each part of the time: from its shortest to its longest.
fn ranges(page: &mut String, facts: &TimingFacts) -> Written {
    let rows: Vec<(&str, &TimeFacts)> = facts
        .rows()
        .into_iter()
        .filter(|(_, times)| times.count > 0)
        .collect();
    let ends = rows
        .iter()
        .flat_map(|(_, times)| [times.min_ns, times.max_ns]);
    let Some(axis) = LatencyAxis::around(ends.flatten()) else {
        return Ok(());
    };
    let caption = Caption {
        id: "timing".into(),
        title: "Where the server's time went".into(),
        remark: format!(
            "As the server says itself of {} decisions. Of each request, the server's own is the \
             total less the issuer's, and network and client are the service time less the total. \
             Percentiles of parts do not add up to those of the whole.",
            grouped(facts.answers_with)
        ),
        told: rows
            .iter()
            .map(|(name, times)| format!("{name}: {}", in_words(times)))
            .collect::<Vec<_>>()
            .join(". "),
        upwards: "",
        along: "time, logarithmic",
        shape: Shape::Rows(rows.len()),
    };
    let keys = [
        Key::new("whole", Mark::Line, "shortest to longest"),
        Key::new("typical", Mark::Fill, "p50 to p99"),
        Key::new("middle", Mark::Dot, "p50"),
    ];
    figure(page, &caption, &keys, |page, canvas| {
        for ns in axis.ticks_within(canvas.most_times()) {
            canvas.mark(page, axis.place(ns), &round_time(ns))?;
        }
        for (place, (name, times)) in rows.iter().enumerate() {
            let at = |ns: u64| canvas.in_row(axis.place(ns), place);
            canvas.row(page, place, name, &in_words(times))?;
            if let (Some(min), Some(max)) = (times.min_ns, times.max_ns) {
                bar(page, "whole", (at(min), at(max)), 2.0)?;
            }
            if let (Some(p50), Some(p99)) = (times.p50_ns, times.p99_ns) {
                bar(page, "typical", (at(p50), at(p99)), 12.0)?;
            }
            if let Some(p50) = times.p50_ns {
                put(
                    page,
                    Mark::Dot,
                    "middle",
                    at(p50),
                    &format!("{name}, p50: {}", latency(p50)),
                )?;
            }
        }
        Ok(())
    })
}

fn in_words(times: &TimeFacts) -> String {
    let named = [("p50", times.p50_ns), ("p99", times.p99_ns)];
    let named = named
        .into_iter()
        .filter_map(|(name, ns)| Some(format!("{name} {}", latency(ns?))));
    named.collect::<Vec<_>>().join(", ")
}

fn schemes(page: &mut String, title: &str, facts: &[SchemeFacts]) -> Written {
    writeln!(page, "<section>\n<h2>{title}</h2>")?;
    let more = [
        "accounts",
        "approved",
        "replayed",
        "declined",
        "no answer",
        "errors",
    ];
    let rows: Vec<Vec<Cell>> = facts
        .iter()
        .map(|facts| {
            let counts = facts.counts;
            let more = [
                facts.accounts,
                counts.approved,
                counts.replayed,
                counts.declined,
                counts.timed_out + counts.unfinished,
                counts.errors,
            ];
            row(&facts.scheme, &facts.response, &more)
        })
        .collect();
    grid::write(
        page,
        "Table of times by scheme",
        &columns("scheme", &more),
        &rows,
    )?;
    writeln!(page, "</section>")
}

fn columns(first: &'static str, more: &[&'static str]) -> Vec<Column> {
    let times = [first, "p50", "p90", "p99", "p99.9", "longest", "samples"];
    let names = times.iter().chain(more);
    names.map(|&name| grid::figure(name)).collect()
}

fn row(name: &str, times: &TimeFacts, more: &[u64]) -> Vec<Cell> {
    let latencies = [
        times.p50_ns,
        times.p90_ns,
        times.p99_ns,
        times.p999_ns,
        times.max_ns,
    ];
    let counts = std::iter::once(&times.count).chain(more);
    plain(
        std::iter::once(name.to_owned())
            .chain(latencies.map(latency_or_dash))
            .chain(counts.map(|count| grouped(*count))),
    )
}
