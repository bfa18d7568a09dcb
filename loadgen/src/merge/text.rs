//! Merged logs for people.

use std::fmt::Write as _;

use super::facts::{Difference, Likeness, Merged, PartFacts};
use crate::figures::share;
use crate::report::text::{self, grouped, grouped_real, time, time_rows, too_few};

type Written = std::fmt::Result;

/// All of it as text; with `colours`, the verdict stands out on a terminal.
pub(super) fn render(merged: &Merged, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, merged)
        .and_then(|()| times(&mut text, merged))
        .and_then(|()| parts(&mut text, merged))
        .and_then(|()| outcomes(&mut text, merged))
        .and_then(|()| verdict(&mut text, merged, colours));
    text
}

fn head(text: &mut String, merged: &Merged) -> Written {
    let (plan, counts, rates) = (&merged.plan, merged.counts, merged.rates);
    match plan.rate_per_second {
        Some(rate) => writeln!(
            text,
            "{} part(s) of one plan: {} requests a second, {} measured after {} of warm-up, seed {}, \
             run {}.",
            merged.parts.len(),
            grouped_real(rate),
            time(plan.duration_ns),
            time(plan.warm_up_ns),
            plan.seed,
            plan.run_id,
        )?,
        None => writeln!(
            text,
            "A closed loop of {} calls, seed {}, run {}.",
            plan.in_flight, plan.seed, plan.run_id
        )?,
    }
    writeln!(
        text,
        "Planned {}, sent {} ({:.2} %), dropped {}, skipped {}, not connected {}, unfinished {}.",
        grouped(counts.planned),
        grouped(counts.sent),
        share(counts.sent, counts.planned) * 100.0,
        grouped(counts.dropped),
        grouped(counts.skipped),
        grouped(counts.not_connected),
        grouped(counts.unfinished),
    )?;
    if let Some(offered) = rates.offered_per_second {
        write!(text, "Offered {}/s, ", grouped_real(offered))?;
    }
    writeln!(
        text,
        "answered {}/s; {} errors, {}/s.\n",
        grouped_real(rates.achieved_per_second),
        grouped(counts.errors),
        grouped_real(rates.errors_per_second),
    )
}

fn times(text: &mut String, merged: &Merged) -> Written {
    time_rows(
        text,
        &[
            ("response (due-done)", &merged.response),
            ("service (sent-done)", &merged.service),
            ("lag (due-sent)", &merged.lag),
        ],
    )?;
    too_few(text, &[&merged.response])?;
    writeln!(text)
}

fn parts(text: &mut String, merged: &Merged) -> Written {
    writeln!(text, "Response times by part:")?;
    let label = |part: &PartFacts| {
        let slice = part.slice.as_ref();
        slice.map_or_else(|| "all of it".to_owned(), |slice| format!("slice {slice}"))
    };
    let names: Vec<String> = merged.parts.iter().map(label).collect();
    let rows: Vec<_> = names
        .iter()
        .zip(&merged.parts)
        .map(|(name, part)| (name.as_str(), &part.response))
        .collect();
    time_rows(text, &rows)?;
    for part in &merged.parts {
        writeln!(
            text,
            "  {}: {}; lag p99 {}, began {}, {}{}.",
            part.name(),
            part.file,
            part.lag.p99_ns.map_or_else(|| "-".to_owned(), time),
            part.host.started_at,
            if part.verdict.valid {
                "VALID"
            } else {
                "INVALID"
            },
            if merged.parts.len() > 1 {
                format!(", {}", likeness(&part.likeness))
            } else {
                String::new()
            },
        )?;
    }
    writeln!(text)
}

fn outcomes(text: &mut String, merged: &Merged) -> Written {
    text::outcomes(text, &merged.outcomes)?;
    if let Some(alike) = &merged.decided_alike {
        writeln!(
            text,
            "alike {alike}: one run of the whole plan with the same number was decided alike, call by \
             call"
        )?;
    }
    writeln!(text)
}

fn verdict(text: &mut String, merged: &Merged, colours: bool) -> Written {
    for part in &merged.parts {
        if let Likeness::Different { furthest } = &part.likeness {
            writeln!(
                text,
                "DIFFERENT: {}: {}. The sums are exact, but they are of unlike hosts.",
                part.name(),
                difference(furthest)
            )?;
        }
    }
    let (word, colour) = if merged.verdict.valid {
        ("VALID", "\u{1b}[32m")
    } else {
        ("INVALID", "\u{1b}[31m")
    };
    let (on, off) = if colours {
        (colour, "\u{1b}[0m")
    } else {
        ("", "")
    };
    write!(text, "{on}{word}{off}")?;
    for reason in &merged.verdict.reasons {
        write!(text, "\n  - {reason}")?;
    }
    Ok(())
}

/// Whether a host is like the others, in a line.
pub(super) fn likeness(likeness: &Likeness) -> String {
    match likeness {
        Likeness::Alike { furthest } => format!("like the others ({})", difference(furthest)),
        Likeness::Different { furthest } => format!("DIFFERENT ({})", difference(furthest)),
        Likeness::NotJudged { why } => format!("not compared: {why}"),
    }
}

fn difference(of: &Difference) -> String {
    format!(
        "p{} is {} here and {} elsewhere: {:+.1} %, {:.1} standard errors",
        shown(of.quantile * 100.0),
        time(of.ns),
        time(of.others_ns),
        (of.ratio - 1.0) * 100.0,
        of.standard_errors(),
    )
}

/// A percentage without zeros that say nothing.
fn shown(per_cent: f64) -> String {
    let text = format!("{per_cent:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
