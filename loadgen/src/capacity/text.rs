//! Pure: a capacity for people.

use std::fmt::Write as _;

use super::facts::{CapacityReport, End, LoadPoint};
use crate::exit::Exit;
use crate::figures::{count_as_real, real_as_count};
use crate::report::certificate;
use crate::report::document::Document as _;
use crate::report::text::{grouped, grouped_real, server, time};

type Written = std::fmt::Result;

/// Letters of the longest bar.
const WIDTH: f64 = 30.0;

/// All of it; with `colours`, the verdict stands out on a terminal.
pub(super) fn render(report: &CapacityReport, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, report)
        .and_then(|()| tables(&mut text, report))
        .and_then(|()| plot(&mut text, report))
        .and_then(|()| knee(&mut text, report))
        .and_then(|()| surroundings(&mut text, report))
        .and_then(|()| verdict(&mut text, report, colours));
    text
}

/// The capacity in a sentence.
pub(super) fn told(report: &CapacityReport) -> String {
    let names: Vec<&str> = report.slos.iter().map(|slo| slo.name.as_str()).collect();
    let names = names.join(", ");
    let together = &report.together;
    let rate = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), grouped_real);
    let Some(capacity) = together.per_second else {
        return match (together.low_per_second, together.high_per_second) {
            (None, _) => format!("no capacity at {names}"),
            (low, None) => format!("{}/s met {names}, and was not confirmed", rate(low)),
            (low, high) => format!(
                "between {}/s and {}/s at {names}, and not confirmed",
                rate(low),
                rate(high)
            ),
        };
    };
    let at_least = match report.ended.kind {
        End::HighestRate | End::GeneratorLimit => "at least ",
        _ => "",
    };
    format!("{at_least}{}/s at {names}", grouped_real(capacity))
}

fn head(text: &mut String, report: &CapacityReport) -> Written {
    let plan = &report.plan;
    writeln!(text, "Capacity: {}.", told(report))?;
    writeln!(text, "{}.\n", sentence(&report.ended.why))?;
    writeln!(
        text,
        "Searched from {}/s to {}/s to {:.1} %: {} steps of up to {} in {} of {}; {} requests sent.\n",
        grouped_real(plan.from_per_second),
        grouped_real(plan.most_per_second),
        plan.precision * 100.0,
        report.steps.len(),
        time(plan.step_ns),
        time(plan.took_ns),
        time(plan.budget_ns),
        grouped(plan.requests),
    )
}

/// With a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn tables(text: &mut String, report: &CapacityReport) -> Written {
    for table in report.tables() {
        writeln!(text, "{}:\n{}", table.title, table.aligned())?;
    }
    Ok(())
}

/// The p99 at each rate as a bar, on a logarithmic scale.
fn plot(text: &mut String, report: &CapacityReport) -> Written {
    let with_p99 = |point: &LoadPoint| Some((point.rate_per_second, point.response.p99_ns?));
    let points: Vec<(f64, u64)> = report.curve.iter().filter_map(with_p99).collect();
    let (Some(least), Some(most)) = (
        points.iter().map(|(_, ns)| *ns).min(),
        points.iter().map(|(_, ns)| *ns).max(),
    ) else {
        return Ok(());
    };
    writeln!(text, "p99 by load (logarithmic):")?;
    for ((rate, ns), bar) in points.iter().zip(bars(&points, least, most)) {
        let mark = match report.together.per_second {
            Some(capacity) if (capacity - rate).abs() < 1e-6 => " < capacity",
            _ => "",
        };
        writeln!(
            text,
            "{:>10}/s {:>9} {bar}{mark}",
            grouped_real(*rate),
            time(*ns)
        )?;
    }
    writeln!(text)
}

fn bars(points: &[(f64, u64)], least: u64, most: u64) -> Vec<String> {
    let of = |ns: u64| count_as_real(ns.max(1)).ln();
    let range = (of(most) - of(least)).max(1e-9);
    let bar = |(_, ns): &(f64, u64)| {
        let length = 1.0 + (WIDTH - 1.0) * (of(*ns) - of(least)) / range;
        "#".repeat(usize::try_from(real_as_count(length.round())).unwrap_or(1))
    };
    points.iter().map(bar).collect()
}

fn knee(text: &mut String, report: &CapacityReport) -> Written {
    match &report.knee {
        Some(knee) => writeln!(
            text,
            "Knee: {}/s, where the p99 leaves {} for {} ({}).",
            grouped_real(knee.per_second),
            time(knee.low_load_p99_ns),
            time(knee.band_ns),
            knee.method,
        ),
        None => writeln!(
            text,
            "Knee: none was seen: the p99 does not come to twice its low level, or too few low rates were tried."
        ),
    }
}

fn surroundings(text: &mut String, report: &CapacityReport) -> Written {
    let (plan, generator) = (&report.plan, &report.generator);
    if let Some(facts) = &report.certificate {
        certificate::write(text, facts)?;
    }
    let cost = |value: Option<u64>| {
        value.map_or_else(
            || "not known".to_owned(),
            |ns| format!("{:.1} us", count_as_real(ns) / 1e3),
        )
    };
    let busiest = generator.worker_cpu.iter().copied().fold(0.0, f64::max);
    writeln!(
        text,
        "Processor time a call: generator {} (a worker at most {:.0} % of a core), server {}.",
        cost(generator.cpu_ns_per_call),
        busiest * 100.0,
        cost(report.server.cpu_ns_per_call),
    )?;
    writeln!(
        text,
        "Generator: waika-loadgen {}, {} worker(s), {} connection(s), pacing {}, at most {} in flight, {} arrivals.",
        generator.version,
        generator.workers,
        generator.connections,
        generator.pacing.as_deref().unwrap_or("none"),
        plan.in_flight,
        plan.arrivals,
    )?;
    server(text, &report.server)?;
    writeln!(
        text,
        "Plan: seed {}, {} {}accounts, {} merchants, {} fen a payment, deadline {}.",
        plan.seed,
        grouped(plan.accounts),
        if plan.synthetic { "invented " } else { "" },
        grouped(plan.merchants),
        plan.amount_fen,
        time(plan.deadline_ns),
    )?;
    writeln!(
        text,
        "Host: {}, {} cores, began {}.\n",
        report.host.name, report.host.cores, report.host.started_at
    )
}

fn verdict(text: &mut String, report: &CapacityReport, colours: bool) -> Written {
    let (word, colour) = match report.exit() {
        Exit::Passed => ("FOUND", "\u{1b}[32m"),
        Exit::Inconclusive => ("INCONCLUSIVE", "\u{1b}[33m"),
        Exit::Missed => ("MISSED", "\u{1b}[31m"),
        Exit::Invalid => ("INVALID", "\u{1b}[31m"),
        Exit::Violated => ("REFUTED", "\u{1b}[31m"),
        Exit::Failed if report.verdict.interrupted => ("INTERRUPTED", "\u{1b}[33m"),
        Exit::Failed | Exit::Regressed => ("FAILED", "\u{1b}[31m"),
    };
    let (on, off) = if colours {
        (colour, "\u{1b}[0m")
    } else {
        ("", "")
    };
    write!(text, "{on}{word}{off}: {}", told(report))?;
    for reason in &report.verdict.reasons {
        write!(text, "\n  - {reason}")?;
    }
    Ok(())
}
