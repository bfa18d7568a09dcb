//! What was found besides, where it was asked for: the server's own account of its time, and the
//! schemes of cards apart.

use std::fmt::Write as _;

use super::Written;
use super::words::{Safe, latency_or_dash};
use crate::report::breakdown::{SchemeFacts, TimingFacts};
use crate::report::text::grouped;
use crate::report::{Report, TimeFacts};

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    if let Some(facts) = &report.timing {
        timing(page, facts)?;
    }
    if let Some(facts) = &report.schemes {
        let title = if report.plan.arrivals.is_some() {
            "Response times by scheme"
        } else {
            "Latencies by scheme"
        };
        schemes(page, title, facts)?;
    }
    Ok(())
}

fn timing(page: &mut String, facts: &TimingFacts) -> Written {
    writeln!(page, "<section>\n<h2>Where the server's time went</h2>")?;
    if facts.answers_with > 0 {
        writeln!(
            page,
            "<p>As the server says itself of {} decisions. Of each request, the server's own is the \
             total less the issuer's, and network and client are the service time less the \
             total.</p>",
            grouped(facts.answers_with)
        )?;
    }
    for note in facts.notes() {
        writeln!(page, "<p class=\"nothing\">{}</p>", Safe(&note))?;
    }
    if facts.answers_with > 0 {
        head(page, "Table of the server's times", "part", &[])?;
        for (name, times) in facts.rows() {
            row(page, name, times, &[])?;
        }
        writeln!(page, "</tbody>\n</table>\n</div>")?;
    }
    writeln!(page, "</section>")
}

fn schemes(page: &mut String, title: &str, facts: &[SchemeFacts]) -> Written {
    writeln!(page, "<section>\n<h2>{title}</h2>")?;
    let more = [
        "accounts",
        "approved",
        "replayed",
        "declined",
        "no answer",
        "errors",
    ];
    head(page, "Table of times by scheme", "scheme", &more)?;
    for facts in facts {
        let counts = facts.counts;
        let more = [
            facts.accounts,
            counts.approved,
            counts.replayed,
            counts.declined,
            counts.timed_out + counts.unfinished,
            counts.errors,
        ];
        row(page, facts.scheme, &facts.response, &more)?;
    }
    writeln!(page, "</tbody>\n</table>\n</div>\n</section>")
}

fn head(page: &mut String, label: &str, first: &str, more: &[&str]) -> Written {
    writeln!(
        page,
        r#"<div class="scroll" role="region" aria-label="{}" tabindex="0">
<table class="times">
<thead><tr>"#,
        Safe(label)
    )?;
    let times = [first, "p50", "p90", "p99", "p99.9", "longest", "samples"];
    for name in times.iter().chain(more) {
        write!(page, r#"<th scope="col">{name}</th>"#)?;
    }
    writeln!(page, "</tr></thead>\n<tbody>")
}

fn row(page: &mut String, name: &str, times: &TimeFacts, more: &[u64]) -> Written {
    write!(page, r#"<tr><th scope="row">{}</th>"#, Safe(name))?;
    for ns in [
        times.p50_ns,
        times.p90_ns,
        times.p99_ns,
        times.p999_ns,
        times.max_ns,
    ] {
        write!(page, "<td>{}</td>", latency_or_dash(ns))?;
    }
    for count in std::iter::once(&times.count).chain(more) {
        write!(page, "<td>{}</td>", grouped(*count))?;
    }
    writeln!(page, "</tr>")
}
