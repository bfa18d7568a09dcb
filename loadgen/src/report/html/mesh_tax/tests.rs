//! Pages in every state they can be in; written to `WAIKA_PAGES` too, as the run's.

use super::*;
use crate::report::html::testing::{check_says, check_silent, keep};

fn page(name: &str, report: &MeshTaxReport) -> String {
    keep(&format!("mesh-tax-{name}"), render(report))
}

#[test]
fn what_a_proxy_costs_is_told_with_every_round() {
    let report = samples::whole();
    let page = page("whole", &report);
    check_says(
        &page,
        &[
            "verdict good",
            "VALID</h2>",
            "http://127.0.0.1:50061",
            "+141\u{a0}µs",
            "\u{2212}1.00\u{a0}µs",
            "Table of rounds",
            "BAAB",
        ],
    );
    // Three pictures, each drawn twice, with a mark for each round and metric, and one in each legend.
    assert_eq!(page.matches("<svg class=\"chart").count(), 6);
    let marks = 2 * 12 * TaxMetric::ALL.len() + 3;
    assert_eq!(page.matches("dot pair-mark").count(), marks);
}

#[test]
fn what_speaks_against_it_is_at_the_top() {
    let page = page("invalid", &samples::invalid());
    check_says(
        &page,
        &[
            "verdict bad",
            "INVALID</h2>",
            "not to be trusted",
            "3 UNAVAILABLE",
        ],
    );
}

#[test]
fn without_an_interval_it_says_why() {
    let page = page("interrupted", &samples::interrupted());
    check_says(
        &page,
        &[
            "verdict unsure",
            "INTERRUPTED</h2>",
            "too few rounds",
            "not known",
        ],
    );
    check_silent(&page, &["<rect class=\"interval\" x=\"0"]);
}

#[test]
fn without_any_round_the_page_still_stands() {
    let page = page("nothing", &samples::nothing());
    check_says(&page, &["INTERRUPTED"]);
    check_silent(&page, &["<svg class=\"chart", "Table of rounds"]);
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    check_silent(&page, &["<script", "src='x'"]);
    check_says(&page, &["&lt;script src="]);
}
