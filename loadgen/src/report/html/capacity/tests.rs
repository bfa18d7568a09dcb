//! Pages of capacities in every state they can be in; written to `WAIKA_PAGES` too, as the run's.

use super::*;
use crate::report::html::testing::{check_says, check_silent, keep};

fn page(name: &str, report: &CapacityReport) -> String {
    keep(&format!("capacity-{name}"), render(report))
}

#[test]
fn a_capacity_is_told_with_its_bracket_its_knee_and_why_it_ended() {
    let page = page("found", &samples::found());
    check_says(
        &page,
        &[
            "verdict good",
            "3,150/s</h2>",
            "p99&lt;5ms was missed at 3,200/s",
            "met at 3,150/s and not at 3,200/s, each with a confidence of 99\u{a0}%",
            "A longer step with a fresh seed met them again",
            ">capacity 3,150/s</text>",
            ">knee 2,400/s</text>",
            ">p99.9&lt;20ms</text>",
            "step 11 (retest) at 3,200/s: missed",
            "Knee: the lowest rate",
        ],
    );
    // Two drawings of three percentiles at eleven rates and thirteen steps, and the legends.
    assert!(page.matches("class=\"cross missed\"").count() >= 2 * (3 + 2) + 2);
}

#[test]
fn where_the_generator_fell_behind_the_server_may_do_more() {
    let page = page("bounded", &samples::bounded());
    check_says(
        &page,
        &[
            "verdict unsure",
            "AT LEAST 400/s",
            "the generator fell behind",
            "met at 400, and at all that was tried",
            "latency does not turn upwards",
            "lag p99 3.20 ms",
        ],
    );
    check_silent(&page, &["Knee: the"]);
}

#[test]
fn a_server_that_misses_at_the_lowest_rate_has_none() {
    let page = page("none", &samples::none());
    check_says(&page, &["verdict bad", "NO CAPACITY", "not decided"]);
}

#[test]
fn without_any_step_the_page_still_stands() {
    let page = page("interrupted", &samples::interrupted());
    check_says(
        &page,
        &["INVALID", "Interrupted.", "there are no times to draw"],
    );
    check_silent(&page, &["<svg class=\"chart", "How it was searched"]);
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    check_silent(&page, &["<script", "<img", "onerror='"]);
    check_says(&page, &["&lt;script src="]);
}
