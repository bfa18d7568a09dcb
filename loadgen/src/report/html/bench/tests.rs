//! Pages of benchmarks in every state they can be in; written to `WAIKA_PAGES` too, as the run's.

use super::*;
use crate::report::html::testing::{check_says, check_silent, keep};

fn page(name: &str, report: &BenchReport) -> String {
    keep(&format!("bench-{name}"), render(report))
}

#[test]
fn a_benchmark_is_told_with_a_bar_for_each_arm_and_its_figures() {
    let report = samples::whole();
    let page = page("whole", &report);
    check_says(
        &page,
        &[
            "verdict good",
            "VALID</h2>",
            "CPU a call, beside default",
            "streamed, durable",
            ">waika journal:, stream in batches</text>",
            "CPU a call, journal: / per-core echo",
            "hide queueing",
            "Rounds, in order of time",
        ],
    );
    // Two drawings, and the legend.
    let bars = report.arms.iter().filter(|facts| facts.arm.does_work());
    assert_eq!(
        page.matches("<rect class=\"first\"").count(),
        2 * bars.count() + 1
    );
    assert_eq!(page.matches("<svg class=\"chart").count(), 2);
}

#[test]
fn what_disturbed_and_what_was_no_approval_is_named() {
    let page = page("disturbed", &samples::disturbed());
    check_says(
        &page,
        &[
            "verdict bad",
            "INVALID</h2>",
            "not to be trusted",
            "3 unavailable",
            "7.0 % of its time",
        ],
    );
}

#[test]
fn without_h2load_and_its_end_it_tells_what_is_there() {
    let page = page("interrupted", &samples::interrupted());
    check_says(
        &page,
        &[
            "verdict unsure",
            "INTERRUPTED</h2>",
            "Interrupted.",
            "not installed",
        ],
    );
    check_silent(&page, &["echo, h2load<", "this generator / h2load"]);
}

#[test]
fn without_any_arm_the_page_still_stands() {
    let page = page("nothing", &samples::nothing());
    check_says(&page, &["INTERRUPTED", "nothing to draw"]);
    check_silent(&page, &["<svg class=\"chart", "Table of rounds"]);
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    check_silent(&page, &["<script", "src='x'"]);
    check_says(&page, &["&lt;script src="]);
}
