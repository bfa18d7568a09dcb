//! What became of the requests, what it cost, what was asked for and where, and how to read it.

use std::fmt::Write as _;

use super::Written;
use super::frame::{Fact, facts};
use super::grid::{self, Cell, plain};
use super::words::{instant, latency, latency_or_dash, length, percent};
use crate::figures::share;
use crate::report::Report;
use crate::report::text::grouped;

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    facts(page, "Costs", &costs(report))?;
    writeln!(page, r#"<div class="pair">"#)?;
    facts(page, "Plan", &plan(report))?;
    facts(page, "Environment", &environment(report))?;
    writeln!(page, "</div>")?;
    how_to_read(page, report)
}

pub(super) fn outcomes(page: &mut String, report: &Report) -> Written {
    let counts = report.counts;
    writeln!(page, "<section>\n<h2>Outcomes</h2>")?;
    writeln!(
        page,
        "<p>Planned {}, sent {} ({}), dropped at the in-flight limit {}, skipped because it was too \
         late {}, without a connection {}. {} more were sent while warming up and are in no \
         figure.</p>",
        grouped(counts.planned),
        grouped(counts.sent),
        percent(share(counts.sent, counts.planned)),
        grouped(counts.dropped),
        grouped(counts.skipped),
        grouped(counts.not_connected),
        grouped(counts.warm_up_sent),
    )?;
    if report.outcomes.is_empty() {
        return writeln!(
            page,
            "<p class=\"nothing\">Nothing was sent.</p>\n</section>"
        );
    }
    let columns = [
        grid::word("outcome"),
        grid::word("kind"),
        grid::figure("count"),
        grid::figure("share"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("longest"),
    ];
    let rows = report.outcomes.iter().map(|outcome| {
        plain([
            outcome.name.clone(),
            kind(&outcome.kind).to_owned(),
            grouped(outcome.count),
            percent(outcome.share),
            latency_or_dash(outcome.response.p50_ns),
            latency_or_dash(outcome.response.p99_ns),
            latency_or_dash(outcome.response.max_ns),
        ])
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    grid::write(page, "Table of outcomes", &columns, &rows)?;
    writeln!(page, "</section>")
}

/// A kind of outcome in plain words.
fn kind(kind: &str) -> &'static str {
    match kind {
        "answer" => "answer",
        "decline" => "decline",
        "grpc" => "gRPC error",
        "failure" => "failure",
        _ => "no answer",
    }
}

fn costs(report: &Report) -> Vec<Fact> {
    let cost = |ns: Option<u64>| {
        ns.map_or_else(
            || "not known".to_owned(),
            |ns| format!("{} of processor time a call", latency(ns)),
        )
    };
    let workers = &report.generator.worker_cpu;
    let workers: Vec<String> = workers
        .iter()
        .map(|share| format!("{:.0} %", share * 100.0))
        .collect();
    vec![
        ("generator", cost(report.generator.cpu_ns_per_call)),
        ("server", cost(report.server.cpu_ns_per_call)),
        (
            "workers",
            format!("{} of a core while sending", workers.join(", ")),
        ),
        (
            "counted",
            "every call that ended, errors and time-outs too".to_owned(),
        ),
    ]
}

fn plan(report: &Report) -> Vec<Fact> {
    let plan = &report.plan;
    let mut facts = vec![
        ("loop", super::head::offer(report)),
        ("warm-up", length(plan.warm_up_ns)),
        ("measured", length(report.rates.measured_ns)),
        ("deadline", length(plan.deadline_ns)),
        (
            "open at once",
            format!(
                "at most {} (the server allows {})",
                grouped(plan.in_flight as u64),
                plan.in_flight_allowed.map_or_else(
                    || "any number".to_owned(),
                    |allowed| grouped(allowed as u64)
                )
            ),
        ),
        (
            "accounts",
            format!(
                "{}{}, {}",
                grouped(plan.accounts),
                if plan.synthetic { " invented ones" } else { "" },
                plan.zipf.map_or_else(
                    || "in turn".to_owned(),
                    |exponent| format!("popular by Zipf's law, exponent {exponent}")
                )
            ),
        ),
        (
            "cards",
            plan.schemes
                .clone()
                .unwrap_or_else(|| "of every test BIN in turn".to_owned()),
        ),
        ("merchants", grouped(plan.merchants)),
        ("duplicates", percent(plan.duplicates)),
        ("wrong passwords", percent(plan.wrong_passwords)),
    ];
    if let Some(share) = plan.expected_limit_share {
        facts.push(("expected at a monthly limit", percent(share)));
    }
    facts
}

fn environment(report: &Report) -> Vec<Fact> {
    let (generator, server, host) = (&report.generator, &report.server, &report.host);
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    vec![
        ("target", server.place()),
        ("server version", known(&server.version)),
        ("store", known(&server.store)),
        ("host", format!("{}, {} cores", host.name, host.cores)),
        (
            "taken by other guests",
            host.stolen.map_or_else(
                || "not known".to_owned(),
                |stolen| format!("{} of the machine's time", percent(stolen)),
            ),
        ),
        (
            "throttled",
            host.throttled.map_or_else(
                || "not known".to_owned(),
                |throttled| format!("{} of the measured time", percent(throttled)),
            ),
        ),
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
        (
            "the same again",
            format!(
                "--seed {} --run-id {}{}",
                report.plan.seed,
                report.plan.run_id,
                report
                    .plan
                    .schemes
                    .as_ref()
                    .map_or_else(String::new, |shares| format!(" --scheme {shares}"))
            ),
        ),
    ]
}

fn how_to_read(page: &mut String, report: &Report) -> Written {
    writeln!(
        page,
        r"<section>
<h2>How to read this</h2>
<ul>"
    )?;
    if report.plan.arrivals.is_some() {
        writeln!(
            page,
            "<li><strong>Response</strong> is from the instant at which a request was due to its \
             answer: what a caller waits at this rate, queueing included. It is the headline.</li>\n\
             <li><strong>Service</strong> is from the sending to the answer: what the server and the \
             wire took.</li>\n\
             <li><strong>Lag</strong> is from due to sent: how late this generator was, which is no \
             fault of the server.</li>"
        )?;
    } else {
        writeln!(
            page,
            "<li><strong>A closed loop hides queueing.</strong> The next request waits here for an \
             answer, so a slow server is asked less. These latencies say what it can do, and not \
             what callers at a given rate would see. For that, measure with <code>--rate</code>.</li>\n\
             <li>Latency is from the sending to the answer. Nothing is due in a closed loop, so \
             there is no response time and no lag.</li>"
        )?;
    }
    writeln!(
        page,
        "<li>Times are of the requests that were decided (approved, declined or replayed), and of \
         those that got no answer, at their age. Errors have times with their outcome only: a \
         server that refuses everything at once is not fast.</li>\n\
         <li>A percentile is shown only where there are enough samples for it: 459 for p99, 4,603 \
         for p99.9, 46,050 for p99.99. The curve ends there too.</li>\n\
         <li>Percentiles are never averaged. Workers and slices of time are joined by adding their \
         histograms.</li>\n\
         <li>INVALID means that the plan was not kept, or that something else than the server was \
         measured. The reasons stand at the top; no figure below them should be quoted.</li>\n\
         </ul>\n</section>"
    )
}
