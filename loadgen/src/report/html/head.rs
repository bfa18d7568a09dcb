//! The top of the page: what was measured, whether to believe it, and the figures that matter.

use std::fmt::Write as _;

use super::Written;
use super::words::{Safe, instant, latency, length, percent, rate};
use crate::figures::share;
use crate::report::text::grouped;
use crate::report::{Report, Verdict};

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let started_at = &report.host.started_at;
    writeln!(
        page,
        r#"<header>
<h1>Waika load report</h1>
<p class="under">waika-loadgen {} &#183; <time datetime="{}">{}</time><br/>{} &#183; {}</p>
</header>"#,
        Safe(report.generator.version),
        Safe(started_at),
        Safe(&instant(started_at)),
        Safe(&offer(report)),
        Safe(&report.server.target),
    )?;
    verdict(page, &report.verdict)?;
    figures(page, report)
}

/// What was offered, in a few words.
pub(super) fn offer(report: &Report) -> String {
    let plan = &report.plan;
    match (plan.rate_per_second, plan.arrivals) {
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

fn verdict(page: &mut String, verdict: &Verdict) -> Written {
    let (class, word, words) = if verdict.valid {
        ("valid", "VALID", "Nothing speaks against these figures.")
    } else {
        ("invalid", "INVALID", "These figures are not to be trusted:")
    };
    writeln!(
        page,
        r#"<section class="verdict {class}" aria-label="Verdict">
<h2>{word}</h2>
<div>"#
    )?;
    if verdict.interrupted {
        writeln!(
            page,
            "<p><strong>Interrupted.</strong> This is the run up to then.</p>"
        )?;
    }
    writeln!(page, "<p>{words}</p>")?;
    if !verdict.reasons.is_empty() {
        writeln!(page, "<ul>")?;
        for reason in &verdict.reasons {
            writeln!(page, "<li>{}</li>", Safe(reason))?;
        }
        writeln!(page, "</ul>")?;
    }
    writeln!(page, "</div>\n</section>")
}

/// One figure: its name, itself, and a word on it.
struct Figure {
    name: &'static str,
    value: String,
    remark: String,
}

fn figures(page: &mut String, report: &Report) -> Written {
    writeln!(
        page,
        r#"<section aria-label="Headline figures">
<h2>{}</h2>
<dl class="figures">"#,
        if report.plan.arrivals.is_some() {
            "Response times and rates"
        } else {
            "Latencies and rates"
        }
    )?;
    for Figure {
        name,
        value,
        remark,
    } in rates(report).into_iter().chain(times(report))
    {
        writeln!(
            page,
            r"<div><dt>{name}</dt><dd><b>{value}</b><small>{remark}</small></dd></div>"
        )?;
    }
    writeln!(page, "</dl>\n</section>")
}

fn rates(report: &Report) -> [Figure; 5] {
    let (rates, counts) = (report.rates, report.counts);
    [
        Figure {
            name: "offered",
            value: rates
                .offered_per_second
                .map_or_else(|| "–".to_owned(), |offered| format!("{}/s", rate(offered))),
            remark: match rates.offered_per_second {
                Some(_) => format!("{} requests due", grouped(counts.planned)),
                None => "a closed loop offers no rate".to_owned(),
            },
        },
        Figure {
            name: "answered",
            value: format!("{}/s", rate(rates.achieved_per_second)),
            remark: format!("{} decided", grouped(counts.answered)),
        },
        Figure {
            name: "errors",
            value: grouped(counts.errors),
            remark: format!("{}/s", rate(rates.errors_per_second)),
        },
        Figure {
            name: "no answer",
            value: grouped(counts.timed_out + counts.unfinished),
            remark: "timed out or unfinished".to_owned(),
        },
        Figure {
            name: "not sent",
            value: grouped(counts.dropped + counts.skipped + counts.not_connected),
            remark: format!("{} sent", percent(share(counts.sent, counts.planned))),
        },
    ]
}

fn times(report: &Report) -> [Figure; 5] {
    let times = &report.response;
    let figure = |name, ns: Option<u64>, needed: &str| Figure {
        name,
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
