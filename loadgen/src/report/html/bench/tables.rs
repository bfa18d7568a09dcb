//! All figures, every arm and every round, what was asked for and where.

use std::fmt::Write as _;

use super::Written;
use super::bars::in_words;
use super::frame::{self, Fact};
use super::grid::{self, Cell};
use super::words::{instant, latency, latency_or_dash, length, percent, plain_percent, rate};
use crate::bench::cost_row;
use crate::bench::facts::{ArmFacts, BenchReport, MeasuredArm, RoundFacts};
use crate::bench::text::cores;
use crate::bench::told::{CLOSED_LOOP, MTLS, Named};
use crate::report::text::grouped;

pub(super) fn write(page: &mut String, report: &BenchReport) -> Written {
    figures(page, report)?;
    mtls(page, report)?;
    arms(page, report)?;
    rounds(page, report)?;
    writeln!(page, r#"<div class="pair">"#)?;
    frame::facts(page, "Plan", &plan(report))?;
    frame::facts(page, "Environment", &environment(report))?;
    writeln!(page, "</div>")?;
    let mut lines = vec![
        CLOSED_LOOP.to_owned(),
        "A ratio is formed between two arms of one round; its median, least and most are over the rounds. Every \
         second round goes backwards."
            .to_owned(),
        "The echoes answer every payment with the same approval and look nothing up: what the wire alone costs. The \
         default echo is tonic as it comes, the per-core echo has the settings of waika-server."
            .to_owned(),
    ];
    lines.extend(report.remarks.iter().cloned());
    frame::notes(page, "How to read this", &lines)
}

fn figures(page: &mut String, report: &BenchReport) -> Written {
    let rows: Vec<Vec<Cell>> = report.figures.named().iter().map(figure_row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = [
        grid::word("figure"),
        grid::figure("median"),
        grid::figure("least"),
        grid::figure("most"),
        grid::word(""),
    ];
    writeln!(page, "<section>\n<h2>Figures</h2>")?;
    grid::write(page, "Table of figures", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn mtls(page: &mut String, report: &BenchReport) -> Written {
    let Some(facts) = &report.mtls else {
        return Ok(());
    };
    let rows: Vec<Vec<Cell>> = facts
        .named()
        .into_iter()
        .map(|row| grid::plain(cost_row(row)))
        .collect();
    let columns = [
        grid::word("figure"),
        grid::figure("estimate"),
        grid::figure("95 % interval"),
        grid::figure("rounds"),
    ];
    writeln!(page, "<section>\n<h2>{MTLS}</h2>")?;
    grid::write(page, "Table of what mutual TLS costs", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn figure_row(named: &Named) -> Vec<Cell> {
    let spread = named.spread;
    let mut row = vec![named.label.to_owned()];
    row.extend([spread.median, spread.min, spread.max].map(|value| named.shown(value)));
    row.push(named.mark().to_owned());
    grid::plain(row)
}

fn arms(page: &mut String, report: &BenchReport) -> Written {
    let columns = [
        grid::word("arm"),
        grid::figure("server CPU"),
        grid::figure("client CPU"),
        grid::figure("payments a second"),
        grid::figure("p50"),
        grid::figure("p90"),
        grid::figure("p99"),
        grid::figure("p99.9"),
        grid::figure("samples"),
    ];
    let rows: Vec<Vec<Cell>> = report.arms.iter().map(arm_row).collect();
    writeln!(page, "<section>\n<h2>Arms, all rounds together</h2>")?;
    grid::write(page, "Table of arms", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn arm_row(facts: &ArmFacts) -> Vec<Cell> {
    let times = &facts.latency;
    let rates = facts.rate_per_second.map(|found| {
        format!(
            "{} ({} to {})",
            rate(found.median),
            rate(found.min),
            rate(found.max)
        )
    });
    let dash = || "–".to_owned();
    let mut row = vec![
        facts.arm.label().to_owned(),
        facts.server_cpu_ns.map_or_else(dash, in_words),
        facts.client_cpu_ns.map_or_else(dash, in_words),
        rates.unwrap_or_else(dash),
    ];
    row.extend([times.p50_ns, times.p90_ns, times.p99_ns, times.p999_ns].map(latency_or_dash));
    row.push(grouped(times.count));
    grid::plain(row)
}

fn rounds(page: &mut String, report: &BenchReport) -> Written {
    let columns = [
        grid::word("round"),
        grid::word("arm"),
        grid::figure("server CPU"),
        grid::figure("client CPU"),
        grid::figure("payments a second"),
        grid::figure("client's core"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("approved"),
        grid::word("remarks"),
    ];
    let of = |round: &RoundFacts| -> Vec<Vec<Cell>> {
        let arms = round.arms.iter();
        arms.map(|arm| round_row(round.number, arm)).collect()
    };
    let rows: Vec<Vec<Cell>> = report.rounds.iter().flat_map(of).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Rounds, in order of time</h2>")?;
    grid::write(page, "Table of rounds", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn round_row(number: u32, measured: &MeasuredArm) -> Vec<Cell> {
    let mut remarks: Vec<String> = measured.doubts.clone();
    remarks.extend(
        measured
            .others
            .iter()
            .map(|other| format!("{} {}", grouped(other.count), other.name)),
    );
    if measured.generator_bound {
        remarks.push("generator-bound".to_owned());
    }
    grid::plain([
        number.to_string(),
        measured.arm.label().to_owned(),
        latency_or_dash(measured.server_cpu_ns),
        latency_or_dash(measured.client_cpu_ns),
        rate(measured.rate_per_second),
        format!("{:.0} %", measured.client_core * 100.0),
        latency_or_dash(measured.latency.p50_ns),
        latency_or_dash(measured.latency.p99_ns),
        grouped(measured.approved),
        remarks.join("; "),
    ])
}

fn plan(report: &BenchReport) -> Vec<Fact> {
    let plan = &report.plan;
    vec![
        (
            "rounds",
            format!("{} of {}", report.rounds.len(), plan.rounds),
        ),
        (
            "an arm",
            format!(
                "{} after {} of warm-up",
                length(plan.duration_ns),
                latency(plan.warm_up_ns)
            ),
        ),
        ("took", length(plan.took_ns)),
        (
            "calls",
            format!(
                "{} open on {} connections",
                grouped(plan.in_flight as u64),
                plan.connections
            ),
        ),
        (
            "streams",
            format!(
                "{} payments open on {}; in batches of up to {}",
                grouped(plan.stream_in_flight as u64),
                plan.connections,
                plan.batch
            ),
        ),
        ("accounts", format!("{}, in turn", grouped(plan.accounts))),
        ("merchants", grouped(plan.merchants)),
        ("a payment", format!("{} fen", grouped(plan.amount_fen))),
        ("seed", plan.seed.to_string()),
    ]
}

fn environment(report: &BenchReport) -> Vec<Fact> {
    let (plan, generator, host) = (&report.plan, &report.generator, &report.host);
    let share = |value: Option<f64>| value.map_or_else(|| "not known".to_owned(), percent);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let busiest = generator.worker_cpu.iter().copied().reduce(f64::max);
    vec![
        ("server", report.server.program.clone()),
        ("server version", known(&report.server.version)),
        ("server on", cores(&plan.server_cores)),
        ("generator on", cores(&plan.generator_cores)),
        (
            "generator",
            format!(
                "waika-loadgen {}, {} worker(s), {} reconnect(s)",
                generator.version, generator.workers, generator.reconnects
            ),
        ),
        (
            "most of a core",
            busiest.map_or_else(|| "not known".to_owned(), plain_percent),
        ),
        (
            "h2load",
            plan.h2load
                .clone()
                .unwrap_or_else(|| "not installed".to_owned()),
        ),
        ("host", format!("{}, {} cores", host.name, host.cores)),
        ("most taken by guests", share(host.stolen)),
        ("most throttled", share(host.throttled)),
        ("began", instant(&host.started_at)),
    ]
}
