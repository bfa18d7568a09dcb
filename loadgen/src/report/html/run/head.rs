//! The top of the page: what was measured, whether to believe it, and the figures that matter.

use super::Written;
use super::frame::{self, Banner, Figure, Opening, Tone};
use super::words::{latency, length, percent, rate};
use crate::figures::share;
use crate::report::text::grouped;
use crate::report::{Report, Verdict};
use crate::threshold::ThresholdVerdict;

pub(super) fn opening(report: &Report) -> Opening {
    Opening {
        heading: "Waika load report",
        word: word(&report.verdict).to_owned() + missed(report),
        version: report.generator.version.to_string(),
        started_at: report.host.started_at.clone(),
        about: vec![offer(report), report.server.target.clone()],
    }
}

/// Violations that are told at once.
const MOST_TOLD: usize = 3;

/// Whether to believe the figures, and whether the server kept its rules.
pub(super) fn verdicts(page: &mut String, report: &Report) -> Written {
    verdict(&report.verdict).write(page)?;
    let Some(facts) = report
        .certificate
        .as_ref()
        .filter(|facts| facts.violations > 0)
    else {
        return Ok(());
    };
    let first = facts.first_violations.iter().take(MOST_TOLD);
    let violated = Banner {
        tone: Tone::Bad,
        word: "VIOLATED".to_owned(),
        sentences: vec![format!(
            "The server has broken a rule of its ledger: {} times. The first are:",
            grouped(facts.violations)
        )],
        reasons: first.map(ToString::to_string).collect(),
    };
    violated.write(page)
}

/// The figures that matter.
pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let title = if report.plan.arrivals.is_some() {
        "Response times and rates"
    } else {
        "Latencies and rates"
    };
    let figures: Vec<Figure> = times(report).into_iter().chain(rates(report)).collect();
    frame::figures(page, title, &figures)
}

fn word(verdict: &Verdict) -> &'static str {
    if verdict.valid { "VALID" } else { "INVALID" }
}

/// What the title says besides.
fn missed(report: &Report) -> &'static str {
    let mut thresholds = report.thresholds.iter();
    let is_missed = thresholds.any(|facts| facts.verdict == ThresholdVerdict::Missed);
    if is_missed { ", threshold missed" } else { "" }
}

/// What was offered, in a few words.
pub(super) fn offer(report: &Report) -> String {
    let plan = &report.plan;
    match (plan.rate_per_second, &plan.arrivals) {
        (Some(per_second), Some(arrivals)) => format!(
            "open loop, {arrivals} arrivals, {} requests a second for {}",
            rate(per_second),
            length(plan.duration_ns)
        ),
        _ => format!(
            "closed loop, {} calls always open, for {}",
            plan.in_flight,
            length(report.rates.measured_ns)
        ),
    }
}

fn verdict(verdict: &Verdict) -> Banner {
    let mut sentences = Vec::new();
    if verdict.interrupted {
        sentences.push("Interrupted. This is the run up to then.".to_owned());
    }
    let (tone, words) = if verdict.valid {
        (Tone::Good, "Nothing speaks against these figures.")
    } else {
        (Tone::Bad, "These figures are not to be trusted:")
    };
    sentences.push(words.to_owned());
    Banner {
        tone,
        word: word(verdict).to_owned(),
        sentences,
        reasons: verdict.reasons.clone(),
    }
}

fn rates(report: &Report) -> [Figure; 5] {
    let (rates, counts) = (report.rates, report.counts);
    let figure = |name: &'static str, value: String, remark: String| Figure {
        name: name.into(),
        value,
        remark,
    };
    let a_second = |per_second| format!("{}/s", rate(per_second));
    [
        figure(
            "offered",
            rates
                .offered_per_second
                .map_or_else(|| "–".to_owned(), a_second),
            match rates.offered_per_second {
                Some(_) => format!("{} requests due", grouped(counts.planned)),
                None => "a closed loop offers no rate".to_owned(),
            },
        ),
        figure(
            "answered",
            a_second(rates.achieved_per_second),
            format!("{} decided", grouped(counts.answered)),
        ),
        figure(
            "errors",
            grouped(counts.errors),
            a_second(rates.errors_per_second),
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

fn times(report: &Report) -> [Figure; 5] {
    let times = &report.response;
    let figure = |name: &'static str, ns: Option<u64>, needed: &str| Figure {
        name: name.into(),
        value: ns.map_or_else(|| "–".to_owned(), latency),
        remark: match ns {
            Some(_) => String::new(),
            None if times.count == 0 => "no samples".to_owned(),
            None => format!("needs {needed} samples"),
        },
    };
    [
        figure("p50", times.p50_ns, "7"),
        figure("p90", times.p90_ns, "44"),
        figure("p99", times.p99_ns, "459"),
        figure("p99.9", times.p999_ns, "4,603"),
        figure("longest", times.max_ns, "1"),
    ]
}
