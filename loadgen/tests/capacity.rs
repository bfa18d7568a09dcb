//! What `capacity` promises, held against servers whose speed is known. Nothing here is timed: a
//! busy machine makes a search INVALID (5) or leaves it open (6), and those are right answers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod stub;
mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use stub::{Stub, decided};
use support::{Floor, PROGRAM, check, said, signal};
use waika::v1::{Approval, authorisation};

/// A search that is over in half a minute: few samples, short steps, coarse rungs.
const QUICK: [&str; 12] = [
    "--from",
    "100",
    "--precision",
    "25%",
    "--step-duration",
    "1200ms",
    "--warm-up",
    "100ms",
    "--accounts",
    "100",
    "--pacing",
    "sleep",
];

/// A server that takes so long for each request, one after the other.
fn slow(each: Duration) -> Stub {
    Stub::start(move |_, _| {
        std::thread::sleep(each);
        Ok(decided(authorisation::Outcome::Approval(
            Approval::default(),
        )))
    })
}

/// Searches, and gives back the exit code, what was said, and the report.
fn search(url: &str, arguments: &[&str]) -> (i32, String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("capacity.json");
    let output = Command::new(PROGRAM)
        .args(["capacity", "--no-provision", "--target", url, "--json"])
        .arg(&file)
        .args(QUICK)
        .args(arguments)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    let text = said(&output.stdout);
    assert!(!text.is_empty(), "exit {code}: {}", said(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    check_consistent(&report);
    (code, text, report)
}

/// What holds for every search.
fn check_consistent(report: &Value) {
    assert_eq!(report["schema"], "waika-loadgen/capacity/1");
    let slos = report["slos"].as_array().unwrap().len();
    assert_eq!(report["each"].as_array().unwrap().len(), slos);
    let steps = report["steps"].as_array().unwrap();
    assert!(!steps.is_empty());
    for step in steps {
        assert_eq!(step["slos"].as_array().unwrap().len(), slos);
        for slo in step["slos"].as_array().unwrap() {
            let of = |name: &str| slo[name].as_f64().unwrap();
            assert!(
                of("low") <= of("share") && of("share") <= of("high"),
                "{slo}"
            );
            assert_eq!(slo["of"], step["counts"]["planned"]);
        }
    }
    let mut ids: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["run_id"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), steps.len(), "each step has keys of its own");
    let together = &report["together"];
    let rate = |name: &str| together[name].as_f64();
    if let (Some(low), Some(high)) = (rate("low_per_second"), rate("high_per_second")) {
        assert!(low < high, "{together}");
    }
    let curve = report["curve"].as_array().unwrap();
    let rates: Vec<f64> = curve
        .iter()
        .map(|point| point["rate_per_second"].as_f64().unwrap())
        .collect();
    assert!(rates.is_sorted());
}

#[test]
fn the_capacity_of_a_server_of_known_speed_is_found() {
    // 500 a second at most, and less by what sleeping takes too long.
    let stub = slow(Duration::from_millis(2));
    let (code, text, report) = search(&stub.url, &["--slo", "p90<50ms,errors<10%"]);
    assert!([0, 5, 6].contains(&code), "exit {code}: {text}");
    let found = report["together"]["per_second"].as_f64();
    if code == 0 {
        let found = found.unwrap();
        assert!((100.0..520.0).contains(&found), "{found}: {text}");
        assert!(
            text.contains("FOUND") && text.contains("p90<50ms"),
            "{text}"
        );
        assert_eq!(report["together"]["is_confirmed"], true);
        assert_eq!(report["together"]["is_closed"], true);
    }
    // Twice as fast as it can be is never taken for its capacity, whatever the machine does.
    assert!(found.is_none_or(|found| found < 1_000.0), "{text}");
}

#[test]
fn a_server_that_misses_even_the_lowest_rate_has_no_capacity() {
    let stub = slow(Duration::from_millis(6));
    let (code, text, report) = search(&stub.url, &["--slo", "p90<2ms"]);
    assert!([2, 5].contains(&code), "exit {code}: {text}");
    assert!(report["together"]["per_second"].is_null());
    if code == 2 {
        assert_eq!(report["ended"]["kind"], "lowest-rate");
        assert!(
            text.contains("even the lowest rate misses")
                || text.contains("Even the lowest rate misses"),
            "{text}"
        );
        assert!(
            text.contains("MISSED") && text.contains("beyond p90<2ms"),
            "{text}"
        );
    }
}

#[test]
fn a_server_that_never_misses_has_at_least_the_highest_rate() {
    let floor = Floor::start("per-core");
    let (code, text, report) = search(&floor.url, &["--slo", "p90<900ms", "--most", "150"]);
    assert!([0, 5, 6].contains(&code), "exit {code}: {text}");
    if code == 0 {
        assert_eq!(report["ended"]["kind"], "highest-rate");
        assert!(text.contains("at least 150/s"), "{text}");
    }
    floor.stop();
}

#[test]
fn what_cannot_be_searched_is_refused_with_the_mend() {
    let with = |words: &[&'static str]| [&["capacity"], words].concat();
    check(&with(&[]), 64, &["--slo"]);
    check(&with(&["--slo", "p99<5"]), 64, &["p99<5"]);
    check(&with(&["--slo", "avg<5ms"]), 64, &["avg<5ms", "percentile"]);
    check(
        &with(&["--slo", "p99.99<5ms"]),
        64,
        &["p99.99<5ms", "--step-duration"],
    );
    check(
        &with(&["--slo", "p99<5ms", "--from", "5000", "--most", "3000"]),
        64,
        &["--most 3000", "--from 5000"],
    );
    check(
        &with(&["--slo", "p99<5ms", "--budget", "3s"]),
        64,
        &["--budget", "too little"],
    );
    check(
        &with(&["--slo", "p99<5ms", "--target", "http://127.0.0.1:1"]),
        1,
        &["127.0.0.1:1", "is the server running there?"],
    );
    check(
        &with(&["--slo", "p99<5ms", "--server", "/nowhere/waika-server"]),
        1,
        &["/nowhere/waika-server"],
    );
    check(
        &with(&["--slo", "p99<5ms", "--json", "/nowhere/report.json"]),
        1,
        &["--json /nowhere/report.json"],
    );
}

#[test]
fn an_interrupted_search_tells_what_is_known() {
    let floor = Floor::start("per-core");
    let mut child = Command::new(PROGRAM)
        .args(["capacity", "--no-provision", "--target", &floor.url])
        .args(QUICK)
        .args(["--slo", "p90<900ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.find(|line| line.as_ref().unwrap().contains("ramp"));
    assert!(first.is_some(), "no line for the first step");
    signal(&child, Signal::INT);
    // Read on, or the other end may be stuck.
    for line in lines {
        line.unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let text = said(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("INTERRUPTED") && text.contains("Steps:"),
        "{text}"
    );
    floor.stop();
}
