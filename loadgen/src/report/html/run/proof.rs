//! What was proven, and the calls that were no payments.

use std::fmt::Write as _;

use super::Written;
use super::frame;
use super::grid::{self, Cell, plain};
use super::words::latency_or_dash;
use crate::report::Report;
use crate::report::certificate;
use crate::report::rules::Exercise;
use crate::report::text::grouped;

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    other_calls(page, report)?;
    proof(page, report)?;
    rules(page, report)
}

fn other_calls(page: &mut String, report: &Report) -> Written {
    if report.other_calls.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<section>\n<h2>Other calls</h2>\n<p>What belongs to the payments of some arrivals; none of \
         the figures above has them.</p>"
    )?;
    let columns = [
        grid::word("call"),
        grid::figure("sent"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("longest"),
        grid::word("what became of them"),
    ];
    let rows = report.other_calls.iter().map(|facts| {
        let outcomes = facts.outcomes.iter();
        let outcomes =
            outcomes.map(|outcome| format!("{} {}", outcome.name, grouped(outcome.count)));
        plain([
            facts.rpc.to_string(),
            grouped(facts.counts.sent),
            latency_or_dash(facts.response.p50_ns),
            latency_or_dash(facts.response.p99_ns),
            latency_or_dash(facts.response.max_ns),
            outcomes.collect::<Vec<_>>().join(", "),
        ])
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    grid::write(page, "Table of other calls", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn proof(page: &mut String, report: &Report) -> Written {
    let Some(facts) = &report.certificate else {
        return Ok(());
    };
    let mut text = String::new();
    certificate::write(&mut text, facts)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    frame::notes(page, "Proof", &lines)
}

/// Which rules were met; those of which there is something to say.
fn rules(page: &mut String, report: &Report) -> Written {
    let Some(facts) = &report.rules else {
        return Ok(());
    };
    let of = |wanted: Exercise| {
        let all = facts.guide.iter().chain(&facts.decisions);
        all.filter(move |rule| rule.verdict == wanted)
    };
    let names = |wanted: Exercise| {
        let ids: Vec<&str> = of(wanted).map(|rule| rule.id.as_ref()).collect();
        ids.join(", ")
    };
    writeln!(page, "<section>\n<h2>Rules</h2>")?;
    let mut lines = vec![format!(
        "{} rules were exercised, {} never.",
        of(Exercise::Exercised).count(),
        of(Exercise::Never).count()
    )];
    if of(Exercise::Never).next().is_some() {
        lines.push(format!("Never: {}.", names(Exercise::Never)));
    }
    frame::bullets(page, &lines)?;
    let columns = [
        grid::word("rule"),
        grid::word("about"),
        grid::figure("requests"),
        grid::word("what is counted"),
    ];
    let rows: Vec<Vec<Cell>> = of(Exercise::Exercised)
        .map(|rule| {
            plain([
                rule.id.to_string(),
                rule.name.to_string(),
                grouped(rule.count),
                rule.how.to_string(),
            ])
        })
        .collect();
    writeln!(
        page,
        "<details>\n<summary>The rules that were exercised</summary>"
    )?;
    grid::write(page, "Table of rules", &columns, &rows)?;
    writeln!(page, "</details>\n</section>")
}
