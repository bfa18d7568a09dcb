//! Pages of merged logs in every state they can be in; written to `WAIKA_PAGES` too, as the run's.

use super::*;
use crate::report::html::testing::{check_says, check_silent, keep};

fn page(name: &str, merged: &Merged) -> String {
    keep(&format!("merge-{name}"), render(merged))
}

#[test]
fn hosts_that_are_alike_are_said_to_be_and_each_has_its_curve() {
    let merged = samples::alike();
    let page = page("alike", &merged);
    for part in &merged.parts {
        check_says(&page, &[&part.name(), &part.file]);
    }
    check_says(
        &page,
        &[
            "VALID</h2>",
            "ALIKE</h2>",
            "all hosts together",
            "5bcc3f1f37948955",
        ],
    );
    assert_eq!(page.matches("<polyline class=\"line ").count(), 2 * 4);
}

#[test]
fn a_host_that_differs_is_named_at_the_top() {
    let page = page("different", &samples::different());
    check_says(
        &page,
        &[
            "INVALID</h2>",
            "Missing: slice 4/4.",
            "A HOST DIFFERS</h2>",
            "slice 3/3 on host-3: p50 is 980\u{a0}µs, that of the others 420\u{a0}µs: 2.33 times as long",
            "What speaks against parts",
        ],
    );
}

#[test]
fn a_single_host_is_not_judged() {
    let page = page("foreign", &samples::foreign());
    check_says(
        &page,
        &[
            "NOT JUDGED</h2>",
            "a host without a name: there is no other host",
        ],
    );
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    check_silent(&page, &["<script", "<img", "onerror='"]);
    check_says(&page, &["&lt;script src="]);
}
