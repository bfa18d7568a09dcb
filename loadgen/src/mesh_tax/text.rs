//! Pure: what a proxy costs, for people.

use std::fmt::Write as _;

use super::facts::{MeshTaxReport, TaxFacts, TaxPlan};
use crate::figures::real_as_count;
use crate::report::document::Document as _;
use crate::report::text::{grouped, grouped_real, time};
use crate::report::verdict_text;

type Written = std::fmt::Result;

/// What the figures are.
pub(crate) const METHOD: &str = "Response is from due to done; network is each round trip less the server's own time. Each difference is \
     through the proxy less directly, within a round: Hodges and Lehmann's estimate over the rounds, with the \
     exact interval of the signed ranks.";

/// All of it; with `colours`, the verdict stands out on a terminal.
pub(super) fn render(report: &MeshTaxReport, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, report)
        .and_then(|()| tables(&mut text, report))
        .and_then(|()| verdict_text::write(&mut text, &report.verdict, colours));
    text
}

fn head(text: &mut String, report: &MeshTaxReport) -> Written {
    let (plan, host) = (&report.plan, &report.host);
    writeln!(text, "{}\n", report.title())?;
    writeln!(
        text,
        "Load: {}; {} of {} rounds.",
        load(plan),
        report.rounds.len(),
        plan.rounds
    )?;
    writeln!(
        text,
        "Plan: seed {}, {} accounts, {} merchants.",
        plan.seed,
        grouped(plan.accounts),
        grouped(plan.merchants)
    )?;
    writeln!(
        text,
        "Host: {}, {} cores, began {}, took {}.\n",
        host.name,
        host.cores,
        host.started_at,
        time(plan.took_ns)
    )
}

/// What each block asks, in words.
pub(crate) fn load(plan: &TaxPlan) -> String {
    let pace = match (plan.rate_per_second, plan.in_flight) {
        (Some(rate), _) => format!("open loop at {}/s", grouped_real(rate)),
        (None, Some(open)) => format!("closed loop of {open} calls"),
        (None, None) => format!("{} loop", plan.discipline),
    };
    format!(
        "{pace}, blocks of {} after {} of warm-up, two directly and two through the proxy in a round",
        time(plan.block_ns),
        time(plan.warm_up_ns)
    )
}

fn tables(text: &mut String, report: &MeshTaxReport) -> Written {
    for table in report.tables() {
        if !table.rows.is_empty() {
            writeln!(text, "{}", table.aligned())?;
        }
    }
    writeln!(text, "{METHOD}")?;
    for remark in &report.remarks {
        writeln!(text, "{remark}")?;
    }
    writeln!(text)
}

/// A time that may be missing.
pub(crate) fn time_or_dash(ns: Option<f64>) -> String {
    ns.map_or_else(|| "-".to_owned(), |ns| time(real_as_count(ns.round())))
}

/// A difference of times, with its sign.
pub(crate) fn signed(ns: f64) -> String {
    let size = real_as_count(ns.abs().round());
    match (size, ns < 0.0) {
        (0, _) => "0 ns".to_owned(),
        (_, true) => format!("-{}", time(size)),
        (_, false) => format!("+{}", time(size)),
    }
}

/// The interval of a difference, or why there is none.
pub(crate) fn interval(facts: &TaxFacts) -> String {
    facts.interval().map_or_else(
        || "none below 6 rounds".to_owned(),
        |(low, high)| format!("{} to {}", signed(low), signed(high)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_their_sign() {
        let check = |ns, expected: &str| assert_eq!(signed(ns), expected);
        check(0.0, "0 ns");
        check(-0.4, "0 ns");
        check(140_200.0, "+140 us");
        check(-1_500.0, "-1.50 us");
        assert_eq!(time_or_dash(None), "-");
        assert_eq!(time_or_dash(Some(1_499.6)), "1.50 us");
    }
}
