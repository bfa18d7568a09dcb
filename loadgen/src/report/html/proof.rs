//! What was proven, and the calls that were no payments.

use std::fmt::Write as _;

use super::Written;
use super::words::{Safe, latency_or_dash};
use crate::report::Report;
use crate::report::certificate;
use crate::report::text::grouped;

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    other_calls(page, report)?;
    proof(page, report)
}

fn other_calls(page: &mut String, report: &Report) -> Written {
    if report.other_calls.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        r#"<section>
<h2>Other calls</h2>
<p>What belongs to the payments of some arrivals; none of the figures above has them.</p>
<div class="scroll" role="region" aria-label="Table of other calls" tabindex="0">
<table>
<thead><tr><th scope="col">call</th><th scope="col">sent</th><th scope="col">p50</th><th scope="col">p99</th><th scope="col">longest</th><th scope="col">what became of them</th></tr></thead>
<tbody>"#
    )?;
    for facts in &report.other_calls {
        let outcomes: Vec<String> = facts
            .outcomes
            .iter()
            .map(|outcome| format!("{} {}", outcome.name, grouped(outcome.count)))
            .collect();
        writeln!(
            page,
            r#"<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class="word">{}</td></tr>"#,
            facts.rpc,
            grouped(facts.counts.sent),
            latency_or_dash(facts.response.p50_ns),
            latency_or_dash(facts.response.p99_ns),
            latency_or_dash(facts.response.max_ns),
            Safe(&outcomes.join(", ")),
        )?;
    }
    writeln!(page, "</tbody>\n</table>\n</div>\n</section>")
}

fn proof(page: &mut String, report: &Report) -> Written {
    let Some(facts) = &report.certificate else {
        return Ok(());
    };
    let mut text = String::new();
    certificate::write(&mut text, facts)?;
    writeln!(page, "<section>\n<h2>Proof</h2>\n<ul>")?;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        writeln!(page, "<li>{}</li>", Safe(line.trim()))?;
    }
    writeln!(page, "</ul>\n</section>")
}
