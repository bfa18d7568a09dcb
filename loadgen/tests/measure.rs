//! What a report promises, held against the real binary and both floors. Nothing here is timed: a
//! busy machine makes a run INVALID, and that is a right answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod reports;
mod stub;
mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use reports::{SHORT, number, report};
use rustix::process::Signal;
use serde_json::Value;
use stub::{Stub, decided};
use support::{Floor, PROGRAM, check, run, said, signal};
use tonic::{Code, Status};
use waika::v1::{Approval, AuthoriseRequest, AuthoriseResponse, authorisation};

/// What holds for every report.
fn check_consistent(report: &Value) {
    let counts = &report["counts"];
    let count = |name: &str| number(&counts[name]);
    let outcomes = report["outcomes"].as_array().unwrap();
    let sum: u64 = outcomes
        .iter()
        .map(|outcome| number(&outcome["count"]))
        .sum();
    assert_eq!(report["schema"], "waika-loadgen/run/1");
    assert_eq!(sum, count("sent"));
    assert_eq!(
        count("planned"),
        count("sent") + count("dropped") + count("skipped") + count("not_connected")
    );
    let open = count("timed_out") + count("unfinished");
    assert_eq!(count("sent"), count("answered") + open + count("errors"));
    for times in ["response", "service", "lag"] {
        let samples = number(&report[times]["count"]);
        assert_eq!(samples, count("answered") + open, "{times}");
    }
    let spans = report["response_histogram"].as_array().unwrap();
    let in_spans: u64 = spans.iter().map(|span| number(&span["count"])).sum();
    assert_eq!(in_spans, count("answered") + open);
    let is_closed = report["plan"]["loop"] == "closed";
    assert_eq!(report["rates"]["offered_per_second"].is_null(), is_closed);
    let valid = report["verdict"]["valid"].as_bool().unwrap();
    assert_eq!(
        valid,
        report["verdict"]["reasons"].as_array().unwrap().is_empty()
    );
    let response = &report["response"];
    let percentiles = [
        "min_ns",
        "p50_ns",
        "p90_ns",
        "p99_ns",
        "p99.9_ns",
        "p99.99_ns",
        "max_ns",
    ];
    let shown: Vec<u64> = percentiles
        .iter()
        .filter_map(|name| response[name].as_u64())
        .collect();
    assert!(shown.is_sorted(), "{response}");
}

#[test]
fn a_closed_loop_keeps_both_floors_busy() {
    for runtime in ["multi", "per-core"] {
        let floor = Floor::start(runtime);
        let loop_of_64 = [
            "--closed",
            "64",
            "--connections",
            "4",
            "--duration",
            "2s",
            "--warm-up",
            "0s",
        ];
        let (output, report) = report(&floor.url, &loop_of_64);
        check_consistent(&report);
        let text = said(&output.stdout);
        assert!(text.contains("hide queueing"));
        assert!(
            text.contains("Answered") && !text.contains("Offered"),
            "{text}"
        );
        assert_eq!(report["plan"]["loop"], "closed");
        assert_eq!(report["outcomes"][0]["name"], "approved");
        assert!(number(&report["counts"]["answered"]) > 64);
        floor.stop();
    }
}

#[test]
fn a_closed_loop_sends_as_many_requests_as_asked() {
    let floor = Floor::start("per-core");
    let (_, report) = report(
        &floor.url,
        &["--closed", "8", "--requests", "1000", "--workers", "2"],
    );
    check_consistent(&report);
    assert_eq!(number(&report["counts"]["answered"]), 1_000);
    floor.stop();
}

#[test]
fn a_closed_loop_beyond_what_the_server_allows_is_refused() {
    let floor = Floor::start("per-core");
    let arguments = ["--closed", "2000", "--connections", "1"];
    let all = [
        ["run", "--no-provision", "--target", &floor.url].as_slice(),
        &arguments,
    ]
    .concat();
    check(&all, 1, &["--connections", "1024", "2000"]);
    floor.stop();
}

#[test]
fn an_open_loop_follows_its_schedule() {
    for (arrivals, pacing) in [
        ("poisson", "hybrid"),
        ("constant", "sleep"),
        ("poisson", "spin"),
    ] {
        let floor = Floor::start("per-core");
        let arguments = ["--rate", "500", "--duration", "2s", "--warm-up", "500ms"];
        let kind = ["--arrivals", arrivals, "--pacing", pacing, "--workers", "2"];
        let (output, report) = report(&floor.url, &[arguments.as_slice(), &kind].concat());
        check_consistent(&report);
        assert!(said(&output.stdout).contains("response (due-done)"));
        assert_eq!(report["plan"]["arrivals"], arrivals);
        let planned = number(&report["counts"]["planned"]);
        assert!((850..1_150).contains(&planned), "{planned} planned");
        if arrivals == "constant" {
            assert_eq!(planned, 1_000);
        }
        assert!(report["response"]["p99_ns"].is_u64());
        assert!(
            report["response"]["p99.9_ns"].is_null(),
            "1,000 samples do not support it"
        );
        floor.stop();
    }
}

#[test]
fn what_exceeds_the_limit_in_flight_is_dropped_and_makes_the_run_invalid() {
    let floor = Floor::start("multi");
    // Twenty arrivals share each of sleep's milliseconds, and one may be open.
    let arguments = [
        "--rate",
        "20000",
        "--duration",
        "1s",
        "--pacing",
        "sleep",
        "--in-flight",
        "1",
    ];
    let (output, report) = report(&floor.url, &arguments);
    check_consistent(&report);
    assert_eq!(output.status.code(), Some(5));
    assert!(number(&report["counts"]["dropped"]) > 0);
    assert!(said(&output.stdout).contains("INVALID"));
    floor.stop();
}

#[test]
fn being_interrupted_still_gives_the_report_so_far() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let child = Command::new(PROGRAM)
        .args([
            "run",
            "--no-provision",
            "--target",
            &floor.url,
            "--rate",
            "500",
        ])
        .args(["--warm-up", "0s", "--duration", "10m", "--json"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output.stdout);
    assert!(text.contains("Interrupted"), "{text}");
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    check_consistent(&report);
    assert_eq!(report["verdict"]["interrupted"], true);
    assert!(number(&report["counts"]["sent"]) > 0);
    floor.stop();
}

#[test]
fn a_server_that_dies_is_counted_and_is_exit_1() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let child = Command::new(PROGRAM)
        .args([
            "run",
            "--no-provision",
            "--target",
            &floor.url,
            "--rate",
            "200",
        ])
        .args(["--warm-up", "0s", "--duration", "5s", "--json"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    drop(floor);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    check_consistent(&report);
    assert!(number(&report["counts"]["not_connected"]) > 0, "{report}");
    assert_eq!(report["verdict"]["valid"], false);
    let text = said(&output.stdout);
    assert!(text.contains("without a connection"), "{text}");
}

/// Approves, but for the last of each so many.
fn refusing(
    one_in: u64,
    code: Code,
) -> impl Fn(&AuthoriseRequest, u64) -> Result<AuthoriseResponse, Status> + Send + Sync + 'static {
    move |_, asked| {
        if asked.is_multiple_of(one_in) {
            return Err(Status::new(code, "as this test wants it"));
        }
        Ok(decided(authorisation::Outcome::Approval(
            Approval::default(),
        )))
    }
}

#[test]
fn a_server_that_refuses_all_has_answered_nothing() {
    let stub = Stub::start(refusing(1, Code::ResourceExhausted));
    let (output, report) = report(&stub.url, &SHORT);
    check_consistent(&report);
    let text = said(&output.stdout);
    let counts = &report["counts"];
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert_eq!(number(&counts["answered"]), 0);
    assert_eq!(number(&counts["errors"]), number(&counts["sent"]));
    assert!(report["response"]["p99_ns"].is_null());
    assert_eq!(report["rates"]["achieved_per_second"].as_f64(), Some(0.0));
    assert!(report["rates"]["errors_per_second"].as_f64().unwrap() > 100.0);
    let outcome = &report["outcomes"][0];
    assert_eq!(outcome["name"], "RESOURCE_EXHAUSTED");
    assert_eq!(outcome["response"]["count"], counts["sent"]);
    assert!(outcome["response"]["p99_ns"].is_u64());
    for words in [
        "only 0.00 % of what was sent was decided",
        "RESOURCE_EXHAUSTED (",
        "answered 0.00/s",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn a_server_that_fails_half_makes_the_run_invalid() {
    let stub = Stub::start(refusing(2, Code::Unavailable));
    let (output, report) = report(&stub.url, &SHORT);
    check_consistent(&report);
    let counts = &report["counts"];
    let (sent, errors) = (number(&counts["sent"]), number(&counts["errors"]));
    assert_eq!(output.status.code(), Some(5));
    // Which of them fell into the warm-up is chance, but for half of them.
    assert!(
        (2 * errors).abs_diff(sent) <= sent / 10,
        "{errors} of {sent}"
    );
    let text = said(&output.stdout);
    assert!(text.contains("ended as UNAVAILABLE ("), "{text}");
}

#[test]
fn a_rare_error_is_told_and_does_no_harm() {
    let stub = Stub::start(refusing(400, Code::Unavailable));
    let (output, report) = report(&stub.url, &SHORT);
    check_consistent(&report);
    assert!(number(&report["counts"]["errors"]) > 0);
    let text = said(&output.stdout);
    assert!(!text.contains("was decided"), "{text}");
}

#[test]
fn a_server_without_the_service_is_exit_1() {
    let stub = Stub::start(refusing(1, Code::Unimplemented));
    let target = ["run", "--no-provision", "--target", &stub.url];
    let output = run(&[target.as_slice(), &SHORT].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
}
