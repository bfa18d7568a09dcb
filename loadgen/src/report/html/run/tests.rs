//! Pages in every state they can be in. `WAIKA_PAGES=FOLDER cargo test -p waika-loadgen` also
//! writes them there, to be looked at.

use super::*;

use crate::report::html::testing::{check_says, keep};

fn page(name: &str, report: &Report) -> String {
    keep(name, render(report))
}

#[test]
fn a_sound_run_shows_its_figures_and_its_pictures() {
    let report = samples::open_loop(2_000, 15);
    let page = page("open", &report);
    let p99 = words::latency(report.response.p99_ns.unwrap());
    check_says(
        &page,
        &[
            "VALID",
            "2,000/s",
            "30,000 requests due",
            &format!("<b>{p99}</b>"),
            "99.9",
            "Response times over time",
            "Lag over time",
            "29,460 approved",
            "Throughput by outcome",
            "LIMIT_MONTH",
            "UNAVAILABLE",
            "8a5cf00d12345678",
            "2026-11-23 15:06:03 UTC",
        ],
    );
    assert!(
        !page.contains(">p99.99</text>"),
        "30,000 samples do not support it"
    );
    assert!(!page.contains("INVALID,"));
}

#[test]
fn what_was_asked_for_besides_has_its_tables() {
    let report = samples::detailed();
    let page = page("detailed", &report);
    let timing = report.timing.unwrap();
    check_says(
        &page,
        &[
            "Where the server&#39;s time went",
            "19,800 decisions",
            "200 of 20,000 decisions came without a timing.",
            "An issuer was asked for 19,400 of them.",
            "<th scope=\"row\" class=\"word\">server&#39;s own</th>",
            "<th scope=\"row\" class=\"word\">network and client</th>",
            &format!("<td>{}</td>", words::latency(timing.commit.p99_ns.unwrap())),
            "Response times by scheme",
            "<th scope=\"row\" class=\"word\">visa</th>",
            "<th scope=\"row\" class=\"word\">jcb</th>",
            "<td>15,000</td><td>1,500</td>",
            "--scheme visa=3,jcb=1",
        ],
    );
}

#[test]
fn a_server_that_does_not_tell_its_time_is_named_and_has_no_table() {
    let page = page("untold", &samples::untold());
    check_says(
        &page,
        &[
            "No server timing came",
            "none of the 1,234 decisions had any",
        ],
    );
    assert!(!page.contains("network and client"));
}

#[test]
fn what_was_not_asked_for_is_not_there() {
    let page = page("plain", &samples::open_loop(150, 2));
    for words in ["time went", "by scheme", "--scheme"] {
        assert!(!page.contains(words), "{words}");
    }
}

#[test]
fn a_long_run_has_as_many_slices_as_can_be_seen() {
    let report = samples::open_loop(100, 1_000);
    assert_eq!(report.time_line.slices.len(), 63);
    check_says(
        &page("long", &report),
        &[">16 min</text>", ">p99.99</text>"],
    );
}

#[test]
fn few_samples_show_what_they_support() {
    let page = page("few", &samples::open_loop(15, 2));
    check_says(
        &page,
        &["needs 459 samples", "no slice has so many", ">p90</text>"],
    );
    assert!(!page.contains(">p99</text>"));
}

#[test]
fn without_samples_there_is_no_picture_of_them() {
    let page = page("nobody", &samples::nobody_there());
    check_says(
        &page,
        &[
            "INVALID",
            "no samples",
            "there are no times to draw",
            "not sent",
        ],
    );
}

#[test]
fn without_any_request_the_page_still_stands() {
    let page = page("nothing", &samples::nothing_due());
    check_says(
        &page,
        &[
            "Interrupted.",
            "there is nothing to draw",
            "Nothing was sent.",
        ],
    );
    assert!(!page.contains("<svg class=\"chart"));
}

#[test]
fn a_closed_loop_has_one_curve_and_a_warning() {
    let page = page("closed", &samples::closed_loop());
    check_says(
        &page,
        &[
            "hides queueing",
            "latency (sent to done)",
            "Latencies by scheme",
            "a closed loop offers no rate",
        ],
    );
    for words in ["lag (due to sent)", "Response"] {
        assert!(!page.contains(words), "{words}");
    }
}

#[test]
fn every_doubt_is_told() {
    let report = samples::doubtful();
    let page = page("doubtful", &report);
    for reason in &report.verdict.reasons {
        check_says(&page, &[reason]);
    }
    check_says(&page, &["Interrupted.", "RESOURCE_EXHAUSTED"]);
}

#[test]
fn what_it_was_held_to_and_a_server_that_lies_stand_at_the_top() {
    let page = page("missed", &samples::missed());
    check_says(
        &page,
        &[
            "<title>Waika load report, VALID, threshold missed, ",
            "VIOLATED</h2>",
            "12 times",
            "account 7, arrival 9: fee (R71): expected 3 fen, told 4 fen",
            "1 of 3 met.",
            "p(99)&lt;5ms</th>",
            "chip bad\">missed<",
            "chip unsure\">undecided<",
        ],
    );
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    for words in ["<script", "<img", "http://evil.example/x.js\"", "onerror='"] {
        assert!(!page.contains(words), "{words}");
    }
    check_says(&page, &["&lt;script src="]);
}
