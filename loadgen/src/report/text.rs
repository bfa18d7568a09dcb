//! The report for people.

use std::fmt::Write as _;

use super::{OutcomeFacts, Report, ServerFacts, TimeFacts};
use super::{breakdown_text, certificate, other_calls, plot, rules, thresholds};
use crate::figures::{count_as_real, share};

/// The report as text; with `colours`, the verdict stands out on a terminal.
pub(crate) fn render(report: &Report, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, report)
        .and_then(|()| times(&mut text, report))
        .and_then(|()| breakdown_text::write(&mut text, report))
        .and_then(|()| histogram(&mut text, report))
        .and_then(|()| outcomes(&mut text, &report.outcomes))
        .and_then(|()| writeln!(text))
        .and_then(|()| other_calls::write(&mut text, report))
        .and_then(|()| proven(&mut text, report))
        .and_then(|()| costs(&mut text, report))
        .and_then(|()| surroundings(&mut text, report))
        .and_then(|()| thresholds::write(&mut text, &report.thresholds, colours))
        .and_then(|()| verdict(&mut text, report, colours));
    text
}

pub(super) type Written = std::fmt::Result;

fn head(text: &mut String, report: &Report) -> Written {
    let plan = &report.plan;
    match (plan.rate_per_second, &plan.arrivals) {
        (Some(rate), Some(arrivals)) => writeln!(
            text,
            "Open loop: {} requests a second, {arrivals} arrivals, {} measured after {} of warm-up.",
            grouped_real(rate),
            time(plan.duration_ns),
            time(plan.warm_up_ns),
        )?,
        _ => writeln!(
            text,
            "Closed loop: always {} calls open. The next request waits for an answer here, so these \
             latencies\nhide queueing: they say what the server can do and not what callers at a \
             given rate would see.",
            plan.in_flight,
        )?,
    }
    if let Some(slice) = &plan.slice {
        writeln!(
            text,
            "Of that plan this is slice {slice}: counts and rates are the slice's own."
        )?;
    }
    let counts = report.counts;
    writeln!(
        text,
        "Planned {}, sent {} ({:.2} %), dropped {}, skipped {}, not connected {}, unfinished {}; \
         {} sent while warming up.",
        grouped(counts.planned),
        grouped(counts.sent),
        share(counts.sent, counts.planned) * 100.0,
        grouped(counts.dropped),
        grouped(counts.skipped),
        grouped(counts.not_connected),
        grouped(counts.unfinished),
        grouped(counts.warm_up_sent),
    )?;
    rates(text, report)
}

fn rates(text: &mut String, report: &Report) -> Written {
    let rates = report.rates;
    match rates.offered_per_second {
        Some(offered) => write!(text, "Offered {}/s, answered", grouped_real(offered))?,
        None => write!(text, "Answered")?,
    }
    writeln!(
        text,
        " {}/s (approved, declined or replayed); {} errors, {}/s.\n",
        grouped_real(rates.achieved_per_second),
        grouped(report.counts.errors),
        grouped_real(rates.errors_per_second),
    )
}

fn times(text: &mut String, report: &Report) -> Written {
    let is_open = report.plan.arrivals.is_some();
    let mut rows = vec![(
        if is_open {
            "response (due-done)"
        } else {
            "latency (sent-done)"
        },
        &report.response,
    )];
    // In a closed loop nothing is due: the other two would say the same, or nothing.
    if is_open {
        rows.push(("service (sent-done)", &report.service));
        rows.push(("lag (due-sent)", &report.lag));
    }
    time_rows(text, &rows)?;
    if report.counts.errors > 0 {
        writeln!(
            text,
            "Errors are in none of these; the outcomes show theirs."
        )?;
    }
    too_few(text, &[&report.response])?;
    writeln!(text)
}

/// A table of distributions by name, with its head.
pub(crate) fn time_rows(text: &mut String, rows: &[(&str, &TimeFacts)]) -> Written {
    writeln!(
        text,
        "{:<22}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}",
        "", "p50", "p90", "p99", "p99.9", "p99.99", "max", "samples"
    )?;
    for (name, facts) in rows {
        write!(text, "{name:<22}")?;
        let columns = [
            facts.p50_ns,
            facts.p90_ns,
            facts.p99_ns,
            facts.p999_ns,
            facts.p9999_ns,
            facts.max_ns,
        ];
        for column in columns {
            let cell = column.map_or_else(|| "-".to_owned(), time);
            write!(text, "{cell:>10}")?;
        }
        writeln!(text, "{:>12}", grouped(facts.count))?;
    }
    Ok(())
}

/// Says why a percentile is missing, if one is.
pub(crate) fn too_few(text: &mut String, shown: &[&TimeFacts]) -> Written {
    let lacks = |facts: &&TimeFacts| [facts.p99_ns, facts.p999_ns, facts.p9999_ns].contains(&None);
    if shown.iter().any(lacks) {
        writeln!(
            text,
            "- : too few samples (p99 needs 459, p99.9 4,603, p99.99 46,050)"
        )?;
    }
    Ok(())
}

fn histogram(text: &mut String, report: &Report) -> Written {
    let spans = &report.response_histogram;
    if spans.is_empty() {
        return Ok(());
    }
    writeln!(text, "Response times:")?;
    for (span, bar) in spans.iter().zip(plot::bars(spans, 40)) {
        writeln!(
            text,
            "{:>9} to {:<9}{:>12} {:>6.2} % {bar}",
            time(span.from_ns),
            time(span.to_ns),
            grouped(span.count),
            share(span.count, report.response.count) * 100.0,
        )?;
    }
    writeln!(text)
}

/// What came of how many requests, and the times of each.
pub(crate) fn outcomes(text: &mut String, outcomes: &[OutcomeFacts]) -> Written {
    writeln!(
        text,
        "{:<9}{:<28}{:>12}{:>10}{:>12}{:>10}",
        "outcome", "", "count", "share", "resp. p50", "p99"
    )?;
    let cell = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), time);
    for OutcomeFacts {
        kind,
        name,
        count,
        share,
        response,
        ..
    } in outcomes
    {
        writeln!(
            text,
            "{kind:<9}{name:<28}{:>12}{:>8.3} %{:>12}{:>10}",
            grouped(*count),
            share * 100.0,
            cell(response.p50_ns),
            cell(response.p99_ns),
        )?;
    }
    Ok(())
}

/// What was measured, in a line.
pub(crate) fn server(text: &mut String, server: &ServerFacts) -> Written {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    writeln!(
        text,
        "Server: {}, version {}, store {}.",
        server.place(),
        known(&server.version),
        known(&server.store),
    )
}

fn proven(text: &mut String, report: &Report) -> Written {
    if let Some(facts) = &report.certificate {
        certificate::write(text, facts)?;
        if let Some(alike) = &report.decided_alike {
            writeln!(
                text,
                "  alike         {alike}: another run of this plan with the same number was decided alike, \
                 call by call"
            )?;
        }
        writeln!(text)?;
    }
    if report.plan.slice.is_some()
        && let Some(alike) = &report.decided_alike
    {
        writeln!(
            text,
            "Not proven: a slice does not know what the others pay.\n  alike         {alike}: added up by merge\n"
        )?;
    }
    if let Some(facts) = &report.rules {
        rules::write(text, facts)?;
        writeln!(text)?;
    }
    Ok(())
}

fn costs(text: &mut String, report: &Report) -> Written {
    let cost = |value: Option<u64>| {
        value.map_or_else(
            || "not known".to_owned(),
            |ns| format!("{:.1} us for each call that ended", count_as_real(ns) / 1e3),
        )
    };
    let cpu: Vec<String> = report
        .generator
        .worker_cpu
        .iter()
        .map(|share| format!("{:.0} %", share * 100.0))
        .collect();
    writeln!(
        text,
        "Processor time: generator {} (workers {} of a core), server {}.",
        cost(report.generator.cpu_ns_per_call),
        cpu.join(", "),
        cost(report.server.cpu_ns_per_call),
    )
}

fn surroundings(text: &mut String, report: &Report) -> Written {
    let (plan, generator) = (&report.plan, &report.generator);
    writeln!(
        text,
        "Generator: waika-loadgen {}, {} worker(s), {} connection(s), pacing {}, {} reconnect(s), at most {} in \
         flight (the server allows {}).",
        generator.version,
        generator.workers,
        generator.connections,
        generator.pacing.as_deref().unwrap_or("none"),
        generator.reconnects,
        plan.in_flight,
        plan.in_flight_allowed
            .map_or_else(|| "any number".to_owned(), |allowed| allowed.to_string()),
    )?;
    server(text, &report.server)?;
    writeln!(
        text,
        "Plan: seed {}, run {}, {} {}accounts{}, {} merchants, deadline {}.",
        plan.seed,
        plan.run_id,
        grouped(plan.accounts),
        if plan.synthetic { "invented " } else { "" },
        plan.schemes
            .as_ref()
            .map_or_else(String::new, |shares| format!(" (cards {shares})")),
        grouped(plan.merchants),
        time(plan.deadline_ns),
    )?;
    writeln!(
        text,
        "Host: {}, {} cores, began {}.\n",
        report.host.name, report.host.cores, report.host.started_at
    )
}

fn verdict(text: &mut String, report: &Report, colours: bool) -> Written {
    let verdict = &report.verdict;
    let (word, colour) = if verdict.valid {
        ("VALID", "\u{1b}[32m")
    } else {
        ("INVALID", "\u{1b}[31m")
    };
    let (on, off) = if colours {
        (colour, "\u{1b}[0m")
    } else {
        ("", "")
    };
    if verdict.interrupted {
        writeln!(text, "Interrupted: this is the run so far.")?;
    }
    write!(text, "{on}{word}{off}")?;
    for reason in &verdict.reasons {
        write!(text, "\n  - {reason}")?;
    }
    Ok(())
}

/// A time in the unit that suits it, three figures or so.
pub(crate) fn time(ns: u64) -> String {
    let real = count_as_real(ns);
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (real / 1e3, "us"),
        1_000_000..1_000_000_000 => (real / 1e6, "ms"),
        _ => (real / 1e9, "s"),
    };
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// A count with commas between thousands.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate: whole from a hundred on.
pub(crate) fn grouped_real(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    grouped(crate::figures::real_as_count(value.round()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let check = |ns, text: &str| assert_eq!(time(ns), text);
        check(0, "0 ns");
        check(999, "999 ns");
        check(1_000, "1.00 us");
        check(12_345, "12.3 us");
        check(123_456, "123 us");
        check(2_500_000, "2.50 ms");
        check(15_000_000_000, "15.0 s");
    }

    #[test]
    fn counts_are_grouped() {
        let check = |count, text: &str| assert_eq!(grouped(count), text);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(46_050, "46,050");
        check(1_234_567, "1,234,567");
    }
}
