//! The page of a real run: complete, well-formed, and made of nothing but itself.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{Floor, PROGRAM, check, said};

/// Measures a floor for two seconds, with these arguments besides.
fn measure(url: &str, folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(PROGRAM)
        .current_dir(folder)
        .args(["run", "--no-provision", "--target", url])
        .args([
            "--accounts",
            "100",
            "--warm-up",
            "100ms",
            "--duration",
            "2s",
        ])
        .args(arguments)
        .output()
        .unwrap();
    // A busy machine makes it INVALID, which is a right answer.
    let code = output.status.code();
    assert!(
        code == Some(0) || code == Some(5),
        "{}",
        said(&output.stderr)
    );
    output
}

/// Checks that every tag is closed by its like, and gives back the tags with their attributes.
fn tags(page: &str) -> Vec<&str> {
    let mut open: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>'), "a stray > after <{tag}>");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
            continue;
        }
        found.push(tag);
        if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "never closed");
    found
}

/// Checks that a page needs nothing but itself.
fn check_alone(page: &str, target: &str) {
    for tag in tags(page) {
        assert!(!tag.starts_with("script"), "<{tag}>");
        for attribute in ["src=", "srcset=", "action=", "xlink:href=", "url("] {
            assert!(!tag.contains(attribute), "<{tag}>");
        }
        if tag.contains("href=") {
            assert_eq!(tag, r#"link rel="icon" href="data:,"/"#);
        }
    }
    let rest = page.replace(target, "");
    for words in ["http://", "https://", "@import", "url(", "javascript:"] {
        assert!(!rest.contains(words), "{words}");
    }
    assert!(
        page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"")
    );
}

/// How many requests there are in all slices, by their counts' names.
fn in_all_slices(report: &Value, names: &[&str]) -> u64 {
    let slices = report["time_line"]["slices"].as_array().unwrap();
    let count = |slice: &Value| -> u64 {
        names
            .iter()
            .map(|name| slice["counts"][name].as_u64().unwrap())
            .sum()
    };
    slices.iter().map(count).sum()
}

#[test]
fn the_page_of_a_run_needs_nothing_but_itself_and_shows_its_figures() {
    let floor = Floor::start("per-core");
    let folder = tempfile::tempdir().unwrap();
    let files = ["--html", "page.html", "--json", "report.json"];
    let arrivals = ["--rate", "500", "--deadline", "5s"];
    let output = measure(&floor.url, folder.path(), &[files, arrivals].concat());
    floor.stop();
    assert!(said(&output.stderr).contains("page.html"));
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    check_alone(&page, &floor_target(&page));
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let counts = &report["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    let verdict = if report["verdict"]["valid"] == true {
        ">VALID</h2>"
    } else {
        ">INVALID</h2>"
    };
    let name = report["host"]["name"].as_str().unwrap();
    let run_id = report["plan"]["run_id"].as_str().unwrap();
    let answered = format!("{} decided", grouped(count("answered")));
    let due = format!("{} requests due", grouped(count("planned")));
    let shown = [
        verdict,
        name,
        run_id,
        &answered,
        &due,
        ">p99</text>",
        "approved",
    ];
    for words in shown {
        assert!(page.contains(words), "no {words:?}");
    }
    for name in ["p50_ns", "p90_ns", "p99_ns", "max_ns"] {
        let figure = headline(report["response"][name].as_u64().unwrap());
        assert!(page.contains(&figure), "no {figure} for {name}");
    }
    let decided = in_all_slices(&report, &["approved", "replayed", "declined"]);
    assert_eq!(decided, count("answered"));
    let not_sent = count("dropped") + count("skipped") + count("not_connected");
    assert_eq!(in_all_slices(&report, &["not_sent"]), not_sent);
    assert_eq!(in_all_slices(&report, &["timed_out"]), count("timed_out"));
    assert_eq!(in_all_slices(&report, &["errors"]), count("errors"));
    let curve = report["response_curve"].as_array().unwrap();
    assert!(curve.last().unwrap()["quantile"].as_f64().unwrap() < 0.999);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// The target as the page tells it.
fn floor_target(page: &str) -> String {
    let (_, after) = page.split_once("<dt>target</dt><dd>").unwrap();
    after.split_once("</dd>").unwrap().0.to_owned()
}

fn grouped(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        _ => format!("{},{:03}", count / 1_000, count % 1_000),
    }
}

/// A time as a headline figure: three digits, and a space at which no line ends.
#[expect(
    clippy::cast_precision_loss,
    reason = "times of a test are far below 2^53"
)]
fn headline(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000_000 => (ns as f64 / 1e3, "µs"),
        _ => (ns as f64 / 1e6, "ms"),
    };
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("<b>{value:.digits$}\u{a0}{unit}</b>")
}

#[test]
fn the_page_of_a_closed_loop_says_that_it_hides_queueing() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--closed", "8", "--html", "page.html"];
    measure(&floor.url, folder.path(), &arguments);
    floor.stop();
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    check_alone(&page, &floor_target(&page));
    assert!(page.contains("A closed loop hides queueing."));
}

#[test]
fn a_run_that_was_not_asked_for_a_page_writes_none() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    measure(&floor.url, folder.path(), &["--rate", "50"]);
    floor.stop();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_page_that_cannot_be_written_is_named_before_the_run() {
    let arguments = ["run", "--no-provision", "--html", "/nowhere/page.html"];
    check(&arguments, 1, &["--html", "/nowhere/page.html"]);
}

#[test]
#[should_panic(expected = "closes something else")]
fn tags_that_cross_are_found() {
    tags("<!DOCTYPE html><p><b></p></b>");
}

#[test]
#[should_panic(expected = "never closed")]
fn a_tag_that_stays_open_is_found() {
    tags("<!DOCTYPE html><p><br>");
}
