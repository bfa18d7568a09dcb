//! The top of the page: whether to believe the sum, whether a host differs, and its figures.

use super::Written;
use super::frame::{self, Banner, Figure, Opening, Tone};
use super::words::{latency, percent, percentile, rate};
use crate::figures::share;
use crate::merge;
use crate::merge::facts::{Likeness, Merged, PartFacts};
use crate::report::text::grouped;

pub(super) fn opening(merged: &Merged) -> Opening {
    let started_at = merged
        .parts
        .first()
        .map(|part| part.host.started_at.clone());
    Opening {
        heading: "Waika merged load report",
        word: word(merged).to_owned(),
        version: merged.version.to_string(),
        started_at: started_at.unwrap_or_default(),
        about: vec![
            format!("{} logs of run {}", merged.parts.len(), merged.plan.run_id),
            targets(merged),
        ],
    }
}

pub(super) fn write(page: &mut String, merged: &Merged) -> Written {
    verdict(merged).write(page)?;
    differs(merged).write(page)?;
    let figures: Vec<Figure> = times(merged).into_iter().chain(rates(merged)).collect();
    frame::figures(page, "All hosts together", &figures)
}

fn word(merged: &Merged) -> &'static str {
    if merged.verdict.valid {
        "VALID"
    } else {
        "INVALID"
    }
}

/// What was measured, each target once.
fn targets(merged: &Merged) -> String {
    let mut targets: Vec<&str> = merged
        .parts
        .iter()
        .map(|part| part.server.target.as_str())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    targets.join(", ")
}

fn verdict(merged: &Merged) -> Banner {
    let verdict = &merged.verdict;
    let (tone, words) = if verdict.valid {
        (Tone::Good, "Every part is valid and none is missing.")
    } else {
        (Tone::Bad, "These figures are not to be trusted:")
    };
    let mut sentences = vec![words.to_owned()];
    if verdict.interrupted {
        sentences.insert(0, "A part was interrupted.".to_owned());
    }
    if !merged.missing.is_empty() {
        sentences.push(format!("Missing: slice {}.", merge::told(&merged.missing)));
    }
    Banner {
        tone,
        word: word(merged).to_owned(),
        sentences,
        reasons: verdict.reasons.clone(),
    }
}

/// Which hosts differ from the others.
fn differs(merged: &Merged) -> Banner {
    let of = |wanted: fn(&Likeness) -> bool| -> Vec<&PartFacts> {
        merged
            .parts
            .iter()
            .filter(|part| wanted(&part.likeness))
            .collect()
    };
    let different = of(|likeness| matches!(likeness, Likeness::Different { .. }));
    let not_judged = of(|likeness| matches!(likeness, Likeness::NotJudged { .. }));
    if !different.is_empty() {
        return Banner {
            tone: Tone::Unsure,
            word: "A HOST DIFFERS".to_owned(),
            sentences: vec!["What it measured is not what the others measured:".to_owned()],
            reasons: different
                .into_iter()
                .map(|part| format!("{}: {}", part.name(), in_words(&part.likeness)))
                .collect(),
        };
    }
    if not_judged.is_empty() {
        return Banner {
            tone: Tone::Good,
            word: "ALIKE".to_owned(),
            sentences: vec!["No host's response times differ from those of the others.".to_owned()],
            reasons: Vec::new(),
        };
    }
    Banner {
        tone: Tone::Unsure,
        word: "NOT JUDGED".to_owned(),
        sentences: vec!["Whether hosts differ cannot be said of all of them:".to_owned()],
        reasons: not_judged
            .into_iter()
            .map(|part| format!("{}: {}", part.name(), in_words(&part.likeness)))
            .collect(),
    }
}

/// How a host compares with the others, in words.
pub(super) fn in_words(likeness: &Likeness) -> String {
    match likeness {
        Likeness::Alike { furthest } | Likeness::Different { furthest } => format!(
            "{} is {}, that of the others {}: {:.2} times as long, {:.1} standard errors apart",
            percentile(furthest.quantile),
            latency(furthest.ns),
            latency(furthest.others_ns),
            furthest.ratio,
            furthest.standard_errors(),
        ),
        Likeness::NotJudged { why } => why.clone(),
    }
}

fn figure(name: &'static str, value: String, remark: String) -> Figure {
    Figure {
        name: name.into(),
        value,
        remark,
    }
}

fn times(merged: &Merged) -> [Figure; 5] {
    let times = &merged.response;
    let of = |name, ns: Option<u64>| {
        let value = ns.map_or_else(|| "–".to_owned(), latency);
        let remark = match ns {
            Some(_) => String::new(),
            None => "too few samples".to_owned(),
        };
        figure(name, value, remark)
    };
    [
        of("p50", times.p50_ns),
        of("p90", times.p90_ns),
        of("p99", times.p99_ns),
        of("p99.9", times.p999_ns),
        of("longest", times.max_ns),
    ]
}

fn rates(merged: &Merged) -> [Figure; 5] {
    let (counts, rates) = (merged.counts, merged.rates);
    [
        figure("hosts", merged.parts.len().to_string(), String::new()),
        figure(
            "answered",
            format!("{}/s", rate(rates.achieved_per_second)),
            format!("{} decided", grouped(counts.answered)),
        ),
        figure(
            "errors",
            grouped(counts.errors),
            format!("{}/s", rate(rates.errors_per_second)),
        ),
        figure(
            "no answer",
            grouped(counts.timed_out + counts.unfinished),
            "timed out or unfinished".to_owned(),
        ),
        figure(
            "not sent",
            grouped(counts.dropped + counts.skipped + counts.not_connected),
            format!("{} sent", percent(share(counts.sent, counts.planned))),
        ),
    ]
}
