//! The top of the page: whether to believe it, and what the work of the server costs.

use super::Written;
use super::frame::{self, Banner, Figure, Opening, Tone};
use crate::bench::facts::BenchReport;
use crate::bench::text::cores;
use crate::bench::told::{GENERATOR_BOUND, Named};
use crate::report::verdict_text;

/// The figures in large letters, if they are there.
const LARGE: [(&str, &str); 5] = [
    ("unary_cpu_vs_default_echo", "CPU a call, beside default"),
    ("unary_cpu_vs_percore_echo", "CPU a call, beside per-core"),
    ("unary_rate", "calls, durable"),
    ("stream_rate", "streamed, durable"),
    ("batch_rate", "in batches, durable"),
];

pub(super) fn opening(report: &BenchReport) -> Opening {
    let plan = &report.plan;
    Opening {
        heading: "Waika bench",
        word: verdict_text::word(&report.verdict).0.to_owned(),
        version: report.generator.version.to_string(),
        started_at: report.host.started_at.clone(),
        about: vec![
            report.server.program.clone(),
            format!(
                "server on {}, generator on {}",
                cores(&plan.server_cores),
                cores(&plan.generator_cores)
            ),
        ],
    }
}

pub(super) fn write(page: &mut String, report: &BenchReport) -> Written {
    banner(report).write(page)?;
    let all = report.figures.named();
    let large: Vec<Figure> = LARGE
        .iter()
        .filter_map(|(name, label)| {
            let named = all.iter().find(|named| named.name == *name)?;
            Some(figure(label, named))
        })
        .collect();
    if large.is_empty() {
        return Ok(());
    }
    frame::figures(page, "The server beside servers that do nothing", &large)
}

fn figure(label: &'static str, named: &Named) -> Figure {
    let range = format!(
        "{} to {}",
        named.shown(named.spread.min),
        named.shown(named.spread.max)
    );
    Figure {
        name: label.into(),
        value: if named.is_rate {
            named.shown(named.spread.median)
        } else {
            format!("{}×", named.shown(named.spread.median))
        },
        remark: match named.mark() {
            "" => range,
            mark => format!("{range}; {mark}"),
        },
    }
}

fn banner(report: &BenchReport) -> Banner {
    let (word, _) = verdict_text::word(&report.verdict);
    let mut sentences = Vec::new();
    if report.verdict.interrupted {
        sentences.push("Interrupted. This is what was known up to then.".to_owned());
    }
    sentences.push(if report.verdict.valid {
        "Nothing from outside disturbed any arm, and all answers were approvals.".to_owned()
    } else {
        "These figures are not to be trusted.".to_owned()
    });
    if report
        .figures
        .named()
        .iter()
        .any(|named| named.generator_bound)
    {
        sentences.push(format!("Marked {GENERATOR_BOUND}"));
    }
    Banner {
        tone: match (report.verdict.valid, report.verdict.interrupted) {
            (false, _) => Tone::Bad,
            (true, true) => Tone::Unsure,
            (true, false) => Tone::Good,
        },
        word: word.to_owned(),
        sentences,
        reasons: report.verdict.reasons.clone(),
    }
}
