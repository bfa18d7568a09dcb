//! Pure: a benchmark for people.

use std::fmt::Write as _;

use super::facts::BenchReport;
use super::told::{CLOSED_LOOP, GENERATOR_BOUND, MTLS_METHOD};
use crate::report::document::Document as _;
use crate::report::text::{grouped, time};
use crate::report::verdict_text;

type Written = std::fmt::Result;

/// All of it; with `colours`, the verdict stands out on a terminal.
pub(super) fn render(report: &BenchReport, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, report)
        .and_then(|()| tables(&mut text, report))
        .and_then(|()| surroundings(&mut text, report))
        .and_then(|()| verdict_text::write(&mut text, &report.verdict, colours));
    text
}

fn head(text: &mut String, report: &BenchReport) -> Written {
    let plan = &report.plan;
    writeln!(
        text,
        "Bench: {} of {} rounds of {} arms in turns, each on a fresh server for {} after {} of warm-up.",
        report.rounds.len(),
        plan.rounds,
        report.arms.len(),
        time(plan.duration_ns),
        time(plan.warm_up_ns),
    )?;
    writeln!(
        text,
        "Calls: {} open on {} connections. Streams: {} payments open on {}; in batches, up to {} in a message.",
        grouped(plan.in_flight as u64),
        plan.connections,
        grouped(plan.stream_in_flight as u64),
        plan.connections,
        plan.batch,
    )?;
    writeln!(
        text,
        "Server on {}, generator on {}.\n",
        cores(&plan.server_cores),
        cores(&plan.generator_cores)
    )
}

/// `core 0`, or `cores 0, 1`.
pub(crate) fn cores(numbers: &[usize]) -> String {
    let listed: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let word = if numbers.len() == 1 { "core" } else { "cores" };
    format!("{word} {}", listed.join(", "))
}

fn tables(text: &mut String, report: &BenchReport) -> Written {
    for table in report.tables() {
        if !table.rows.is_empty() {
            writeln!(text, "{}:\n{}", table.title, table.aligned())?;
        }
    }
    writeln!(text, "{CLOSED_LOOP}")?;
    if report.mtls.is_some() {
        writeln!(text, "{MTLS_METHOD}")?;
    }
    writeln!(
        text,
        "CPU is user and system time of a process for a payment. Ratios are formed within a round."
    )?;
    if report
        .figures
        .named()
        .iter()
        .any(|named| named.generator_bound)
    {
        writeln!(text, "{GENERATOR_BOUND}")?;
    }
    for remark in &report.remarks {
        writeln!(text, "{remark}")?;
    }
    writeln!(text)
}

fn surroundings(text: &mut String, report: &BenchReport) -> Written {
    let (plan, host) = (&report.plan, &report.host);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    writeln!(
        text,
        "Server: {}, version {}.",
        report.server.program,
        known(&report.server.version)
    )?;
    let h2load = plan.h2load.as_deref().unwrap_or("none");
    writeln!(
        text,
        "Generator: waika-loadgen {}, {} worker(s), {} reconnect(s); h2load: {h2load}.",
        report.generator.version, report.generator.workers, report.generator.reconnects,
    )?;
    writeln!(
        text,
        "Plan: seed {}, {} accounts in turn, {} merchants, {} fen a payment.",
        plan.seed,
        grouped(plan.accounts),
        grouped(plan.merchants),
        plan.amount_fen
    )?;
    writeln!(
        text,
        "Host: {}, {} cores, began {}, took {}.\n",
        host.name,
        host.cores,
        host.started_at,
        time(plan.took_ns)
    )
}
