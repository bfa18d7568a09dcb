//! Pages in every state they can be in. `WAIKA_PAGES=FOLDER cargo test -p waika-loadgen` also
//! writes them there, to be looked at.

use super::*;

const FOLDER: Option<&str> = option_env!("WAIKA_PAGES");

fn page(name: &str, report: &Report) -> String {
    let page = render(report);
    if let Some(folder) = FOLDER {
        std::fs::write(format!("{folder}/{name}.html"), &page).unwrap();
    }
    assert!(!page.contains("NaN") && !page.contains("inf\""), "{name}");
    assert!(page.len() < 400_000, "{name} has {} bytes", page.len());
    page
}

fn check_says(name: &str, page: &str, words: &[&str]) {
    for word in words {
        assert!(page.contains(word), "{name}: no {word:?}");
    }
}

#[test]
fn a_sound_run_shows_its_figures_and_its_pictures() {
    let report = samples::open_loop(2_000, 15);
    let page = page("open", &report);
    let p99 = words::latency(report.response.p99_ns.unwrap());
    check_says(
        "open",
        &page,
        &[
            "VALID",
            "2,000/s",
            "30,000 requests due",
            &format!("<b>{p99}</b>"),
            "99.9",
            "Response times over time",
            "What became of the requests",
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
fn a_long_run_has_as_many_slices_as_can_be_seen() {
    let report = samples::open_loop(100, 1_000);
    assert_eq!(report.time_line.slices.len(), 63);
    check_says(
        "long",
        &page("long", &report),
        &[">16 min</text>", ">p99.99</text>"],
    );
}

#[test]
fn few_samples_show_what_they_support() {
    let page = page("few", &samples::open_loop(15, 2));
    check_says(
        "few",
        &page,
        &["needs 459 samples", "no slice has so many", ">p90</text>"],
    );
    assert!(!page.contains(">p99</text>"));
}

#[test]
fn without_samples_there_is_no_picture_of_them() {
    let page = page("nobody", &samples::nobody_there());
    check_says(
        "nobody",
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
        "nothing",
        &page,
        &[
            "Interrupted.",
            "there is nothing to draw",
            "Nothing was sent.",
        ],
    );
    assert!(!page.contains("<svg"));
}

#[test]
fn a_closed_loop_has_one_curve_and_a_warning() {
    let page = page("closed", &samples::closed_loop());
    check_says(
        "closed",
        &page,
        &[
            "hides queueing",
            "latency (sent to done)",
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
        check_says("doubtful", &page, &[reason]);
    }
    check_says("doubtful", &page, &["Interrupted.", "RESOURCE_EXHAUSTED"]);
}

#[test]
fn names_from_outside_stay_names() {
    let page = page("hostile", &samples::hostile());
    for words in ["<script", "<img", "http://evil.example/x.js\"", "onerror='"] {
        assert!(!page.contains(words), "{words}");
    }
    check_says("hostile", &page, &["&lt;script src="]);
}
