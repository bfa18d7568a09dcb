//! The top of the page: what was compared, by how much it differs, and what could have been seen.

use super::Written;
use super::frame::{self, Banner, Figure, Opening, Tone};
use super::words::{change, change_or_dash, plain_percent, quantity};
use crate::gate::facts::{Comparison, Decision, GATE_SCHEMA, MetricFacts};

pub(super) fn opening(comparison: &Comparison) -> Opening {
    let is_gate = comparison.schema == GATE_SCHEMA;
    let about = if comparison.against_itself {
        vec![format!("{} against itself", comparison.a.name)]
    } else {
        vec![
            format!("A, the baseline: {}", comparison.a.name),
            format!("B: {}", comparison.b.name),
        ]
    };
    Opening {
        heading: match (is_gate, comparison.against_itself) {
            (true, true) => "Waika noise report",
            (true, false) => "Waika gate report",
            (false, _) => "Waika comparison",
        },
        word: comparison.verdict.word().to_owned(),
        version: comparison.host.generator_version.to_string(),
        started_at: comparison.host.started_at.clone(),
        about,
    }
}

pub(super) fn write(page: &mut String, comparison: &Comparison) -> Written {
    banner(comparison).write(page)?;
    let Some(metric) = comparison.metrics.first() else {
        return Ok(());
    };
    frame::figures(page, &upper(&metric.label), &figures(metric, comparison))
}

/// How a decision is to be taken.
pub(super) fn tone(decision: Decision) -> Tone {
    match decision {
        Decision::Passed => Tone::Good,
        Decision::Regressed | Decision::Invalid | Decision::Violated => Tone::Bad,
        Decision::Inconclusive | Decision::Advisory => Tone::Unsure,
    }
}

fn banner(comparison: &Comparison) -> Banner {
    let mut sentences = Vec::new();
    if comparison.interrupted {
        sentences.push("Interrupted. This is what was known up to then.".to_owned());
    }
    sentences.push(meaning(comparison).to_owned());
    let gating = comparison.metrics.iter().filter(|metric| metric.gating);
    sentences.extend(gating.flat_map(|metric| in_words(metric, comparison.against_itself)));
    Banner {
        tone: tone(comparison.verdict),
        word: comparison.verdict.word().to_owned(),
        sentences,
        reasons: comparison.reasons.clone(),
    }
}

fn meaning(comparison: &Comparison) -> &'static str {
    match (comparison.verdict, comparison.against_itself) {
        (Decision::Passed, false) => "B is not worse than is allowed.",
        (Decision::Passed, true) => "No difference was claimed, and there is none to be found.",
        (Decision::Regressed, false) => "B is worse than is allowed.",
        (Decision::Regressed, true) => {
            "A false alarm: a difference was claimed between a server and itself."
        }
        (Decision::Inconclusive, _) => {
            "There is no verdict; more pairs or a quieter machine would be needed."
        }
        (Decision::Invalid, _) => "These figures are not to be trusted.",
        (Decision::Violated, _) => "A server has broken a rule of its ledger.",
        (Decision::Advisory, _) => "Nothing was asked to decide.",
    }
}

/// What was found of a metric, and what could have been.
fn in_words(metric: &MetricFacts, against_itself: bool) -> Vec<String> {
    let value = |value: Option<f64>| value.map(|value| quantity(value, &metric.unit));
    let mut sentences = Vec::new();
    if let Some(estimate) = metric.change.estimate {
        let medians = match (value(metric.change.a_median), value(metric.change.b_median)) {
            (Some(a), Some(b)) => format!("{a} with A, {b} with B: "),
            _ => String::new(),
        };
        let allowed = if against_itself {
            String::new()
        } else {
            format!(
                ", where {} is allowed",
                plain_percent(metric.change.tolerance)
            )
        };
        sentences.push(format!(
            "{}: {medians}{}{}{allowed}.",
            upper(&metric.label),
            change(estimate),
            interval(metric).map_or_else(String::new, |interval| format!(" ({interval})")),
        ));
    }
    if let Some(detectable) = metric.detectable {
        sentences.push(format!(
            "A change of {} would have been called a regression in 80 of 100 such comparisons.",
            change(detectable)
        ));
    }
    sentences
}

/// An interval with its level: `95 % interval −0.40 % to +1.20 %`.
pub(super) fn interval(metric: &MetricFacts) -> Option<String> {
    let (low, high) = (metric.change.low?, metric.change.high?);
    let level = plain_percent(metric.change.level);
    Some(format!(
        "{level} interval {} to {}",
        change(low),
        change(high)
    ))
}

fn figures(metric: &MetricFacts, comparison: &Comparison) -> Vec<Figure> {
    let figure = |name: &'static str, value: String, remark: String| Figure {
        name: name.into(),
        value,
        remark,
    };
    let value = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| quantity(value, &metric.unit))
    };
    vec![
        figure(
            "change of B against A",
            change_or_dash(metric.change.estimate),
            interval(metric).unwrap_or_else(|| "too few pairs for an interval".to_owned()),
        ),
        figure(
            "A",
            value(metric.change.a_median),
            "median of the pairs".to_owned(),
        ),
        figure(
            "B",
            value(metric.change.b_median),
            "median of the pairs".to_owned(),
        ),
        figure(
            "smallest change to be seen",
            change_or_dash(metric.detectable),
            format!("tolerance {}", plain_percent(metric.change.tolerance)),
        ),
        figure(
            "pairs",
            metric.change.used.to_string(),
            format!("used; {} set aside", comparison.noise.discarded),
        ),
    ]
}

/// With a capital at its beginning.
pub(super) fn upper(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
