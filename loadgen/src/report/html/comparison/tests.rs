//! Pages of comparisons in every state they can be in; written to `WAIKA_PAGES` too, as the run's.

use super::*;
use crate::report::html::testing::{check_says, check_silent, keep};

fn page(name: &str, comparison: &Comparison) -> String {
    keep(&format!("gate-{name}"), render(comparison))
}

#[test]
fn a_verdict_is_told_in_words_with_what_could_have_been_seen() {
    let page = page("passed", &samples::passed());
    check_says(
        &page,
        &[
            "PASSED</h2>",
            "B is not worse than is allowed.",
            "Server CPU per call: 48.9\u{a0}µs with A, 49.1\u{a0}µs with B: +0.40\u{a0}% (97.5\u{a0}% interval",
            "where 5\u{a0}% is allowed",
            "would have been called a regression in 80 of 100",
            "A, the baseline: git:main",
            "4aa028b1f0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6",
            "at 50\u{a0}% of the budget: 24 pairs",
        ],
    );
}

#[test]
fn every_metric_has_its_interval_and_its_pairs() {
    let comparison = samples::regressed();
    let page = page("regressed", &comparison);
    for metric in &comparison.metrics {
        check_says(
            &page,
            &[&format!("Pairs in order of time: {}", metric.label)],
        );
    }
    check_says(
        &page,
        &[
            "Response p99 (advisory)",
            "Control: server CPU per health check",
            "pair 7 (superblock 2, ABBA): A ",
            "How the pairs are spread: server CPU per call",
            "&lt; 0.0001",
        ],
    );
    assert!(!page.contains("How the pairs are spread: response"));
}

#[test]
fn what_was_set_aside_is_hollow_and_says_why() {
    let page = page("inconclusive", &samples::inconclusive());
    let why = "6.1 % of a block&#39;s time was taken by other guests";
    // In two drawings of each of three metrics.
    assert_eq!(
        page.matches(&format!("; set aside: {why}")).count(),
        3 * 2 * 3
    );
    assert_eq!(
        page.matches("<circle class=\"ring set-aside\"").count(),
        3 * (2 * 3 + 1)
    );
    check_says(
        &page,
        &["INCONCLUSIVE", "What was set aside", "about 60 pairs more"],
    );
}

#[test]
fn what_is_not_to_be_trusted_says_so_first() {
    let page = page("invalid", &samples::invalid());
    check_says(
        &page,
        &["INVALID", "Interrupted.", "the control moved", ">moved<"],
    );
}

#[test]
fn a_server_against_itself_has_a_report_of_noise() {
    let page = page("noise", &samples::noise());
    check_says(
        &page,
        &[
            "Waika noise report",
            "No difference was claimed",
            "the same server again",
        ],
    );
    check_silent(&page, &["where 5"]);
}

#[test]
fn too_few_pairs_have_no_interval() {
    let page = page("two", &samples::two_runs());
    check_says(
        &page,
        &[
            "Waika comparison",
            "too few pairs for an interval",
            "+1.00\u{a0}%, no interval",
        ],
    );
    check_silent(
        &page,
        &["How the pairs are spread", "The control is something"],
    );
}

#[test]
fn without_any_pair_the_page_still_stands() {
    let page = page("nothing", &samples::nothing());
    check_says(&page, &["too few pairs"]);
    check_silent(&page, &["Pairs in order of time"]);
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    check_silent(&page, &["<script", "<img", "onerror='"]);
    check_says(&page, &["&lt;script src="]);
}
