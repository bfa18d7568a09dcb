//! The page of what a proxy costs each call.

mod strip;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::frame::{self, Banner, Fact, Figure, Opening, Tone};
use super::words::{instant, latency, length, percent};
use super::{Written, chart, grid};
use crate::figures::real_as_count;
use crate::mesh_tax::facts::{MeshTaxReport, TaxFacts, TaxMetric, TaxRound};
use crate::mesh_tax::text;
use crate::report::document::Document as _;
use crate::report::text::grouped;
use crate::report::verdict_text;

/// The page, well-formed as XML too.
pub(crate) fn render(report: &MeshTaxReport) -> String {
    frame::render(&opening(report), |page| {
        banner(report).write(page)?;
        frame::figures(page, "What the proxy costs each call", &figures(report))?;
        strip::write(page, report)?;
        metrics(page, report)?;
        rounds(page, report)?;
        frame::notes(page, "Remarks", &report.remarks)?;
        frame::facts(page, "Plan and environment", &facts(report))
    })
}

fn opening(report: &MeshTaxReport) -> Opening {
    Opening {
        heading: "Waika mesh tax",
        word: verdict_text::word(&report.verdict).0.to_owned(),
        version: report.generator.version.to_string(),
        started_at: report.host.started_at.clone(),
        about: vec![
            format!("Directly: {}", report.plan.target),
            format!("Through the proxy: {}", report.plan.through),
        ],
    }
}

fn banner(report: &MeshTaxReport) -> Banner {
    let verdict = &report.verdict;
    let mut sentences = Vec::new();
    if verdict.interrupted {
        sentences.push("Interrupted. This is what was known up to then.".to_owned());
    }
    let tone = match (verdict.valid, verdict.interrupted) {
        (false, _) => Tone::Bad,
        (true, true) => Tone::Unsure,
        (true, false) => Tone::Good,
    };
    sentences.push(if verdict.valid {
        "Every answer was as expected, and nothing disturbed.".to_owned()
    } else {
        "These figures are not to be trusted:".to_owned()
    });
    Banner {
        tone,
        word: verdict_text::word(&report.verdict).0.to_owned(),
        sentences,
        reasons: verdict.reasons.clone(),
    }
}

/// The four that most readers look for.
fn figures(report: &MeshTaxReport) -> Vec<Figure> {
    [
        TaxMetric::ResponseP50,
        TaxMetric::ResponseP99,
        TaxMetric::NetworkP50,
        TaxMetric::ProxyCpu,
    ]
    .into_iter()
    .map(|metric| {
        let found = report.of(metric);
        Figure {
            name: metric.label().into(),
            value: found.map_or_else(|| "–".to_owned(), |facts| signed(facts.estimate_ns)),
            remark: found.map_or_else(|| "not known".to_owned(), interval),
        }
    })
    .collect()
}

/// A difference as pages show it.
fn signed(ns: f64) -> String {
    let size = real_as_count(ns.abs().round());
    match (size, ns < 0.0) {
        (0, _) => latency(0),
        (_, true) => format!("\u{2212}{}", latency(size)),
        (_, false) => format!("+{}", latency(size)),
    }
}

fn interval(facts: &TaxFacts) -> String {
    facts.interval().map_or_else(
        || "too few rounds for an interval".to_owned(),
        |(low, high)| format!("{} to {}", signed(low), signed(high)),
    )
}

fn metrics(page: &mut String, report: &MeshTaxReport) -> Written {
    let Some(table) = report.tables().into_iter().next() else {
        return Ok(());
    };
    let columns: Vec<_> = table.head.into_iter().map(grid::figure).collect();
    let rows: Vec<_> = table.rows.into_iter().map(grid::plain).collect();
    writeln!(page, "<section>\n<h2>Metrics</h2>\n<p>{}</p>", text::METHOD)?;
    grid::write(page, "Table of metrics", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn rounds(page: &mut String, report: &MeshTaxReport) -> Written {
    if report.rounds.is_empty() {
        return Ok(());
    }
    let names = ["round", "order", "sent"].into_iter().map(str::to_owned);
    let metrics = TaxMetric::ALL
        .into_iter()
        .map(|metric| metric.label().to_owned());
    let columns: Vec<_> = names.chain(metrics).map(grid::figure).collect();
    let rows: Vec<_> = report
        .rounds
        .iter()
        .enumerate()
        .map(|(place, round)| grid::plain(row(place, round)))
        .collect();
    writeln!(
        page,
        "<section>\n<h2>Differences of each round, in order of time</h2>"
    )?;
    grid::write(page, "Table of rounds", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn row(place: usize, round: &TaxRound) -> Vec<String> {
    let sent = round.direct.sent + round.through.sent;
    let mut row = vec![
        (place + 1).to_string(),
        round.order.to_string(),
        grouped(sent),
    ];
    row.extend(TaxMetric::ALL.into_iter().map(|metric| {
        let difference = metric.difference(round);
        difference.map_or_else(|| "–".to_owned(), signed)
    }));
    row
}

fn facts(report: &MeshTaxReport) -> Vec<Fact> {
    let (plan, host) = (&report.plan, &report.host);
    let known = |value: Option<f64>| value.map_or_else(|| "not known".to_owned(), percent);
    vec![
        ("load", text::load(plan)),
        (
            "rounds",
            format!("{} of {}", report.rounds.len(), plan.rounds),
        ),
        ("accounts", grouped(plan.accounts)),
        ("merchants", grouped(plan.merchants)),
        ("seed", plan.seed.to_string()),
        ("took", length(plan.took_ns)),
        ("host", format!("{}, {} cores", host.name, host.cores)),
        ("began", instant(&host.started_at)),
        ("taken by guests", known(host.stolen)),
        ("throttled", known(host.throttled)),
    ]
}
