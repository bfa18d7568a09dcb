//! The capacity at each SLO, the curve in figures, what was asked for and where.

use std::fmt::Write as _;

use super::frame::{self, Fact};
use super::grid::{self, Cell, Column};
use super::head::{bracket, per_second};
use super::words::{instant, latency, latency_or_dash, length, percent, plain_percent};
use super::{Written, mark_of, tone_of};
use crate::capacity::facts::{CapacityFacts, CapacityReport};
use crate::report::certificate;
use crate::report::text::grouped;

pub(super) fn slos(page: &mut String, report: &CapacityReport) -> Written {
    let columns = [
        grid::word("SLO"),
        grid::figure("capacity"),
        grid::word("bracket"),
        grid::figure("over all steps"),
        grid::word("bracket closed"),
        grid::word("confirmed"),
        grid::figure("samples needed"),
    ];
    let needed = report.slos.iter().map(|slo| Some(slo.samples_needed));
    let each = report.each.iter().zip(needed);
    let rows: Vec<Vec<Cell>> = std::iter::once((&report.together, None))
        .chain(each)
        .map(|(facts, needed)| slo_row(facts, needed))
        .collect();
    writeln!(page, "<section>\n<h2>Capacity at each SLO</h2>")?;
    grid::write(page, "Table of capacities", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn slo_row(facts: &CapacityFacts, needed: Option<u64>) -> Vec<Cell> {
    let rate = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), per_second);
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    grid::plain([
        facts
            .slo
            .clone()
            .unwrap_or_else(|| "all together".to_owned()),
        rate(facts.per_second),
        bracket(facts),
        rate(facts.estimate_per_second),
        yes(facts.is_closed),
        yes(facts.is_confirmed),
        needed.map_or_else(|| "–".to_owned(), grouped),
    ])
}

pub(super) fn write(page: &mut String, report: &CapacityReport) -> Written {
    curve(page, report)?;
    if let Some(facts) = &report.certificate {
        let mut text = String::new();
        certificate::write(&mut text, facts)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        frame::notes(page, "Proof of the answers at the capacity", &lines)?;
    }
    writeln!(page, r#"<div class="pair">"#)?;
    frame::facts(page, "Plan", &plan(report))?;
    frame::facts(page, "Environment", &environment(report))?;
    writeln!(page, "</div>")?;
    how_to_read(page, report)
}

fn curve(page: &mut String, report: &CapacityReport) -> Written {
    if report.curve.is_empty() {
        return Ok(());
    }
    let mut columns: Vec<Column> = vec![
        grid::word("rate"),
        grid::word("verdict"),
        grid::figure("answered"),
        grid::figure("p50"),
        grid::figure("p90"),
        grid::figure("p99"),
        grid::figure("p99.9"),
        grid::figure("longest"),
        grid::figure("samples"),
    ];
    let slos = report.slos.iter();
    columns.extend(slos.map(|slo| grid::figure(format!("beyond {}", slo.name))));
    columns.extend([grid::figure("server CPU"), grid::figure("steps")]);
    let rows = report.curve.iter().map(|point| {
        let times = point.response;
        let (_, _, verdict) = mark_of(point.verdict);
        let mut row = vec![
            Cell::Plain(per_second(point.rate_per_second)),
            Cell::Verdict(tone_of(point.verdict), verdict.to_owned()),
            Cell::Plain(per_second(point.achieved_per_second)),
        ];
        let all = [
            times.p50_ns,
            times.p90_ns,
            times.p99_ns,
            times.p999_ns,
            times.max_ns,
        ];
        row.extend(grid::plain(all.map(latency_or_dash)));
        row.push(Cell::Plain(grouped(times.count)));
        row.extend(grid::plain(
            point.beyond.iter().map(|share| percent(*share)),
        ));
        let cpu = point.server_cpu;
        row.extend(grid::plain([
            cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{:.0} %", cpu * 100.0)),
            point.steps.to_string(),
        ]));
        row
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    writeln!(page, "<section>\n<h2>The curve in figures</h2>")?;
    grid::write(
        page,
        "Table of response times against load",
        &columns,
        &rows,
    )?;
    writeln!(page, "</section>")
}

fn plan(report: &CapacityReport) -> Vec<Fact> {
    let plan = &report.plan;
    vec![
        (
            "rates",
            format!(
                "from {} to {}",
                per_second(plan.from_per_second),
                per_second(plan.most_per_second)
            ),
        ),
        ("precision", plain_percent(plan.precision)),
        ("confidence", plain_percent(plan.confidence)),
        (
            "a step",
            format!(
                "at most {} after {} of warm-up",
                length(plan.step_ns),
                latency(plan.warm_up_ns)
            ),
        ),
        ("a confirmation", length(plan.confirm_ns)),
        (
            "took",
            format!("{} of {}", length(plan.took_ns), length(plan.budget_ns)),
        ),
        ("arrivals", plan.arrivals.to_string()),
        ("deadline", latency(plan.deadline_ns)),
        (
            "open at once",
            format!("at most {}", grouped(plan.in_flight as u64)),
        ),
        (
            "accounts",
            format!(
                "{}{}, popular by Zipf's law, exponent {}",
                grouped(plan.accounts),
                if plan.synthetic { " invented ones" } else { "" },
                plan.zipf
            ),
        ),
        ("merchants", grouped(plan.merchants)),
        ("a payment", format!("{} fen", grouped(plan.amount_fen))),
        ("duplicates", percent(plan.duplicates)),
        ("seed", plan.seed.to_string()),
    ]
}

fn environment(report: &CapacityReport) -> Vec<Fact> {
    let (generator, server, host) = (&report.generator, &report.server, &report.host);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let share = |value: Option<f64>| value.map_or_else(|| "not known".to_owned(), percent);
    let cost = |ns: Option<u64>| {
        ns.map_or_else(
            || "not known".to_owned(),
            |ns| format!("{} a call", latency(ns)),
        )
    };
    vec![
        ("target", server.place()),
        ("server version", known(&server.version)),
        ("store", known(&server.store)),
        ("server's time", cost(server.cpu_ns_per_call)),
        ("generator's time", cost(generator.cpu_ns_per_call)),
        ("host", format!("{}, {} cores", host.name, host.cores)),
        ("most taken by guests", share(host.stolen)),
        ("most throttled", share(host.throttled)),
        ("began", instant(&host.started_at)),
        (
            "generator",
            format!(
                "waika-loadgen {}, {} worker(s), {} connection(s), {} reconnect(s), pacing {}",
                generator.version,
                generator.workers,
                generator.connections,
                generator.reconnects,
                generator.pacing.as_deref().unwrap_or("none")
            ),
        ),
    ]
}

fn how_to_read(page: &mut String, report: &CapacityReport) -> Written {
    let mut lines = vec![
        "The capacity is the highest rate at which all SLOs were shown to be met. It is a rate that was \
         measured, never one that was reckoned between two."
            .to_owned(),
        "Met and missed are said only with the confidence of the plan, by the binomial bound on the \
         share of requests beyond what an SLO allows. Requests that failed or were never sent are \
         beyond."
            .to_owned(),
        "Where the generator itself fell behind, nothing is said of the server.".to_owned(),
        "Over all steps: where the share beyond crosses what is allowed when all steps are smoothed to \
         rise with the rate. It is a second opinion."
            .to_owned(),
    ];
    if let Some(knee) = &report.knee {
        lines.push(format!("Knee: {}", knee.method));
    }
    frame::notes(page, "How to read this", &lines)
}
