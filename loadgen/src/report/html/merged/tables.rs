//! The hosts and the outcomes in figures, what was asked for and where.

use std::fmt::Write as _;

use super::Written;
use super::frame::{self, Fact, Tone};
use super::grid::{self, Cell};
use super::head::in_words;
use super::hosts::verdict;
use super::words::{instant, latency, latency_or_dash, length, percent, rate};
use crate::figures::share;
use crate::merge::facts::{Likeness, Merged, PartFacts};
use crate::report::text::grouped;

pub(super) fn hosts(page: &mut String, merged: &Merged) -> Written {
    let columns = [
        grid::word("host"),
        grid::word("valid"),
        grid::word("likeness"),
        grid::figure("planned"),
        grid::figure("sent"),
        grid::figure("answered"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("p99.9"),
        grid::figure("longest"),
        grid::figure("lag p99"),
        grid::word("furthest from the others"),
    ];
    let rows: Vec<Vec<Cell>> = merged.parts.iter().map(row).collect();
    writeln!(page, "<section>\n<h2>Hosts</h2>")?;
    grid::write(page, "Table of hosts", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn row(part: &PartFacts) -> Vec<Cell> {
    let (valid, tone) = if part.verdict.valid {
        ("valid", Tone::Good)
    } else {
        ("invalid", Tone::Bad)
    };
    let likeness = match part.likeness {
        Likeness::Alike { .. } => Tone::Good,
        Likeness::Different { .. } => Tone::Bad,
        Likeness::NotJudged { .. } => Tone::Unsure,
    };
    let (counts, times) = (part.counts, part.response);
    let mut row = vec![
        Cell::Plain(part.name()),
        Cell::Verdict(tone, valid.to_owned()),
        Cell::Verdict(likeness, verdict(part).to_owned()),
    ];
    row.extend(grid::plain([
        grouped(counts.planned),
        grouped(counts.sent),
        grouped(counts.answered),
        latency_or_dash(times.p50_ns),
        latency_or_dash(times.p99_ns),
        latency_or_dash(times.p999_ns),
        latency_or_dash(times.max_ns),
        latency_or_dash(part.lag.p99_ns),
        in_words(&part.likeness),
    ]));
    row
}

pub(super) fn write(page: &mut String, merged: &Merged) -> Written {
    outcomes(page, merged)?;
    let reasons = merged.parts.iter().flat_map(|part| {
        let reasons = part.verdict.reasons.iter();
        reasons.map(|reason| format!("{}: {reason}", part.name()))
    });
    frame::notes(
        page,
        "What speaks against parts",
        &reasons.collect::<Vec<_>>(),
    )?;
    writeln!(page, r#"<div class="pair">"#)?;
    frame::facts(page, "Plan", &plan(merged))?;
    for part in &merged.parts {
        environment(page, part)?;
    }
    writeln!(page, "</div>")
}

fn outcomes(page: &mut String, merged: &Merged) -> Written {
    if merged.outcomes.is_empty() {
        return Ok(());
    }
    let columns = [
        grid::word("outcome"),
        grid::figure("count"),
        grid::figure("share"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("longest"),
    ];
    let rows = merged.outcomes.iter().map(|outcome| {
        grid::plain([
            outcome.name.clone(),
            grouped(outcome.count),
            percent(outcome.share),
            latency_or_dash(outcome.response.p50_ns),
            latency_or_dash(outcome.response.p99_ns),
            latency_or_dash(outcome.response.max_ns),
        ])
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    writeln!(page, "<section>\n<h2>Outcomes</h2>")?;
    grid::write(page, "Table of outcomes", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn plan(merged: &Merged) -> Vec<Fact> {
    let (plan, counts) = (&merged.plan, merged.counts);
    let offered = plan
        .rate_per_second
        .map(|per_second| format!("{} requests a second over all slices", rate(per_second)));
    let mut facts = vec![
        ("loop", plan.discipline.to_string()),
        (
            "offered",
            offered.unwrap_or_else(|| "nothing: a closed loop".to_owned()),
        ),
        ("measured", length(merged.rates.measured_ns)),
        ("deadline", latency(plan.deadline_ns)),
        ("accounts", grouped(plan.accounts)),
        ("merchants", grouped(plan.merchants)),
        ("seed", plan.seed.to_string()),
        ("run", plan.run_id.clone()),
        (
            "sent",
            format!(
                "{} of {} ({})",
                grouped(counts.sent),
                grouped(counts.planned),
                percent(share(counts.sent, counts.planned))
            ),
        ),
    ];
    if let Some(alike) = &merged.decided_alike {
        facts.push(("decided alike", alike.clone()));
    }
    facts
}

fn environment(page: &mut String, part: &PartFacts) -> Written {
    let known = |value: Option<f64>| value.map_or_else(|| "not known".to_owned(), percent);
    let cost = part.generator.cpu_ns_per_call;
    let facts = [
        ("file", part.file.clone()),
        ("target", part.server.place()),
        ("cores", part.host.cores.to_string()),
        ("began", instant(&part.host.started_at)),
        ("taken by guests", known(part.host.stolen)),
        ("throttled", known(part.host.throttled)),
        (
            "generator",
            format!(
                "waika-loadgen {}, {} worker(s), {} connection(s), {} a call",
                part.generator.version,
                part.generator.workers,
                part.generator.connections,
                latency_or_dash(cost)
            ),
        ),
    ];
    frame::facts(page, &part.name(), &facts)
}
