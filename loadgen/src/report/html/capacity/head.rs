//! The top of the page: the capacity, why the search ended, and what it rests on.

use super::Written;
use super::frame::{self, Banner, Figure, Opening, Tone};
use super::words::{latency, plain_percent, rate};
use crate::capacity::facts::{CapacityFacts, CapacityReport, End};
use crate::report::text::grouped;

pub(super) fn opening(report: &CapacityReport) -> Opening {
    let slos: Vec<&str> = report.slos.iter().map(|slo| slo.name.as_str()).collect();
    Opening {
        heading: "Waika capacity report",
        word: word(report),
        version: report.generator.version.to_string(),
        started_at: report.host.started_at.clone(),
        about: vec![slos.join(", "), report.server.target.clone()],
    }
}

pub(super) fn write(page: &mut String, report: &CapacityReport) -> Written {
    banner(report).write(page)?;
    frame::figures(page, "Capacity and knee", &figures(report))
}

/// The capacity in a word, or why there is none.
fn word(report: &CapacityReport) -> String {
    match (report.verdict.valid, report.together.per_second) {
        (false, _) => "INVALID".to_owned(),
        (true, None) => "NO CAPACITY".to_owned(),
        (true, Some(per_second)) if is_bound(report) => format!("AT LEAST {}/s", rate(per_second)),
        (true, Some(per_second)) => format!("{}/s", rate(per_second)),
    }
}

/// The server may well be able to do more than was found.
fn is_bound(report: &CapacityReport) -> bool {
    matches!(
        report.ended.kind,
        End::HighestRate | End::GeneratorLimit | End::Budget | End::Interrupted
    )
}

fn banner(report: &CapacityReport) -> Banner {
    let together = &report.together;
    let tone = match (report.verdict.valid, together.per_second) {
        (false, _) | (true, None) => Tone::Bad,
        (true, Some(_)) if together.is_closed && together.is_confirmed => Tone::Good,
        (true, Some(_)) => Tone::Unsure,
    };
    let mut sentences = Vec::new();
    if report.verdict.interrupted {
        sentences.push("Interrupted. This is what was known up to then.".to_owned());
    }
    sentences.push(report.ended.why.clone());
    if let (Some(low), Some(high)) = (together.low_per_second, together.high_per_second) {
        sentences.push(format!(
            "All SLOs were met at {}/s and not at {}/s, each with a confidence of {}.",
            rate(low),
            rate(high),
            plain_percent(together.confidence)
        ));
    }
    if together.per_second.is_some() {
        let words = if together.is_confirmed {
            "A longer step with a fresh seed met them again at this rate."
        } else {
            "No longer step with a fresh seed has confirmed it."
        };
        sentences.push(words.to_owned());
    }
    // Why it ended may be all that speaks against it.
    let reasons = report.verdict.reasons.iter();
    let reasons: Vec<String> = reasons
        .filter(|reason| **reason != report.ended.why)
        .cloned()
        .collect();
    if !report.verdict.valid {
        sentences.push("These figures are not to be trusted.".to_owned());
    }
    Banner {
        tone,
        word: word(report),
        sentences,
        reasons,
    }
}

fn figures(report: &CapacityReport) -> Vec<Figure> {
    let mut figures = vec![of_capacity("all SLOs", &report.together)];
    if report.each.len() > 1 {
        let each = report.each.iter();
        figures.extend(each.map(|facts| of_capacity(facts.slo.as_deref().unwrap_or("SLO"), facts)));
    }
    figures.push(match &report.knee {
        Some(knee) => Figure {
            name: "knee".into(),
            value: per_second(knee.per_second),
            remark: format!(
                "p99 leaves {} for more than {}",
                latency(knee.low_load_p99_ns),
                latency(knee.band_ns)
            ),
        },
        None => Figure {
            name: "knee".into(),
            value: "–".to_owned(),
            remark: "latency does not turn upwards".to_owned(),
        },
    });
    figures.push(Figure {
        name: "steps".into(),
        value: grouped(report.steps.len() as u64),
        remark: format!("{} requests", grouped(report.plan.requests)),
    });
    figures
}

fn of_capacity(name: &str, facts: &CapacityFacts) -> Figure {
    Figure {
        name: name.to_owned().into(),
        value: facts.per_second.map_or_else(|| "–".to_owned(), per_second),
        remark: bracket(facts),
    }
}

/// Between which rates it is.
pub(super) fn bracket(facts: &CapacityFacts) -> String {
    match (facts.low_per_second, facts.high_per_second) {
        (Some(low), Some(high)) => format!("met at {}, not at {}", rate(low), rate(high)),
        (Some(low), None) => format!("met at {}, and at all that was tried", rate(low)),
        (None, Some(high)) => format!("not met at {}, nor below", rate(high)),
        (None, None) => "not decided".to_owned(),
    }
}

/// A rate with its unit.
pub(super) fn per_second(value: f64) -> String {
    format!("{}/s", rate(value))
}
