//! `bench`, held against the real server. Nothing here is timed: a busy machine makes it INVALID (5),
//! and that is a right answer.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod built;
#[expect(dead_code, reason = "no floor is started here but by the program")]
mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use support::{PROGRAM, check, run, said, signal};

/// Every arm for a moment, with few people.
const SHORT: [&str; 16] = [
    "bench",
    "--rounds",
    "1",
    "--duration",
    "200ms",
    "--warm-up",
    "50ms",
    "--accounts",
    "200",
    "--merchants",
    "5",
    "--in-flight",
    "16",
    "--stream-in-flight",
    "64",
    "--batch=10",
];

/// Measures with a server, in a folder of its own.
fn bench(server: &Path, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM)
        .current_dir(folder)
        .args(arguments)
        .arg("--server")
        .arg(server)
        .output()
        .unwrap()
}

fn stored(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn has_h2load() -> bool {
    let found = Command::new("h2load").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

/// What holds for every arm of a benchmark that was not disturbed.
fn check_arms(report: &Value) {
    let rounds = report["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 1);
    let measured = rounds[0]["arms"].as_array().unwrap();
    let expected = if has_h2load() { 9 } else { 7 };
    assert_eq!(measured.len(), expected);
    assert_eq!(report["arms"].as_array().unwrap().len(), expected);
    assert_eq!(report["plan"]["h2load"].is_null(), !has_h2load());
    for arm in measured {
        let name = arm["arm"].as_str().unwrap();
        assert!(arm["approved"].as_u64().unwrap() > 0, "{arm}");
        assert_eq!(arm["others"].as_array().unwrap().len(), 0, "{arm}");
        assert!(arm["server_cpu_ns"].as_u64().unwrap() > 0, "{arm}");
        assert!(arm["client_cpu_ns"].as_u64().unwrap() > 0, "{arm}");
        assert!(arm["rate_per_second"].as_f64().unwrap() > 0.0, "{arm}");
        let samples = arm["latency"]["count"].as_u64().unwrap();
        let is_h2load = name.starts_with("h2load");
        let approved = if is_h2load {
            0
        } else {
            arm["approved"].as_u64().unwrap()
        };
        assert_eq!(samples, approved, "{arm}");
    }
}

#[test]
fn every_arm_is_measured_side_by_side_and_told_in_every_form() {
    let server = built::server();
    let folder = tempfile::tempdir().unwrap();
    let files = [
        "--json",
        "bench.json",
        "--html",
        "bench.html",
        "--markdown",
        "bench.md",
        "--prometheus",
        "bench.prom",
    ];
    let output = bench(&server, folder.path(), &[&SHORT[..], &files].concat());
    let (text, notes) = (said(&output.stdout), said(&output.stderr));
    let code = output.status.code().unwrap();
    assert!([0, 5].contains(&code), "exit {code}: {text}{notes}");
    let report = stored(folder.path(), "bench.json");
    assert_eq!(report["schema"], "waika-loadgen/bench/1");
    assert_eq!(report["verdict"]["valid"], Value::Bool(code == 0));
    assert_eq!(report["verdict"]["interrupted"], false);
    check_arms(&report);
    for (name, figure) in report["figures"].as_object().unwrap() {
        if !has_h2load() && name.contains("h2load") {
            assert!(figure.is_null(), "{name}");
            continue;
        }
        let of = |part: &str| figure[part].as_f64().unwrap();
        assert!(of("min") > 0.0, "{name}: {figure}");
        assert!(of("min") <= of("median") && of("median") <= of("max"));
        let is_rate = name.contains("_rate");
        assert_eq!(figure["generator_bound"].is_boolean(), is_rate, "{name}");
    }
    for words in ["default echo", "journal:", "hide queueing", "p99.9"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(notes.contains(" arms in 1 rounds"), "{notes}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("bench.html").contains("<svg class=\"chart"));
    assert!(read("bench.md").contains("waika journal:, stream in batches"));
    assert!(read("bench.prom").contains("figure=\"unary_cpu_vs_default_echo\""));
    let path = folder.path().join("bench.json");
    let again = run(&["report", path.to_str().unwrap(), "--exit-code"]);
    assert_eq!(said(&again.stdout), text);
    assert_eq!(again.status.code(), Some(code));
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 4, "something else was left");
}

#[test]
fn mutual_tls_is_measured_beside_clear_text() {
    let server = built::server();
    let folder = tempfile::tempdir().unwrap();
    let more = ["--mtls", "--json", "bench.json"];
    let output = bench(&server, folder.path(), &[&SHORT[..], &more].concat());
    let (text, notes) = (said(&output.stdout), said(&output.stderr));
    let code = output.status.code().unwrap();
    assert!([0, 5].contains(&code), "exit {code}: {text}{notes}");
    let report = stored(folder.path(), "bench.json");
    let measured = report["rounds"][0]["arms"].as_array().unwrap();
    let names: Vec<&str> = measured
        .iter()
        .map(|arm| arm["arm"].as_str().unwrap())
        .collect();
    let expected = [
        "journal",
        "journal_mtls",
        "journal_stream",
        "journal_stream_mtls",
    ];
    assert_eq!(names, expected);
    for arm in measured {
        assert!(arm["approved"].as_u64().unwrap() > 0, "{arm}");
        assert_eq!(arm["others"].as_array().unwrap().len(), 0, "{arm}");
    }
    for name in ["unary_cpu", "stream_cpu"] {
        let cost = &report["mtls"][name];
        assert!(cost["estimate"].as_f64().unwrap() > 0.0, "{cost}");
        assert!(cost["low"].is_null() && cost["rounds"] == 1, "{cost}");
    }
    let words = "CPU a call, mTLS / clear text";
    assert!(text.contains(words), "{text}");
}

/// A server whose people may spend next to nothing.
fn poor_server(folder: &Path) -> PathBuf {
    let policy = folder.join("poor.toml");
    std::fs::write(
        &policy,
        "name = \"poor\"\n[fee]\nrate = \"0\"\n[limits]\nsingle_fen = 1\nmonth_fen = 1\nyear_fen = 1\n",
    )
    .unwrap();
    let script = folder.join("poor-server");
    let lines = format!(
        "#!/bin/sh\nexec {} \"$@\" --policy {}\n",
        built::server().display(),
        policy.display()
    );
    std::fs::write(&script, lines).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

#[test]
fn an_arm_that_answers_with_anything_but_approvals_is_named_and_in_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let server = poor_server(folder.path());
    // As few as are open at once, so that their limits are met at once.
    let few = SHORT.map(|word| if word == "200" { "64" } else { word });
    let arguments = [&few[..], &["--json", "bench.json"]].concat();
    let output = bench(&server, folder.path(), &arguments);
    let text = said(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{text}{}",
        said(&output.stderr)
    );
    let named = "round 1, waika journal:, calls: ";
    assert!(text.contains(named) && text.contains("INVALID"), "{text}");
    let report = stored(folder.path(), "bench.json");
    assert_eq!(report["verdict"]["valid"], false);
    let figures = &report["figures"];
    assert!(figures["unary_cpu_vs_default_echo"].is_null(), "{figures}");
    assert!(figures["stream_rate"].is_null(), "{figures}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_mend() {
    let with = |more: &[&'static str]| [SHORT.as_slice(), more].concat();
    let nowhere = ["--server", "/nowhere/waika-server"];
    check(&with(&nowhere), 1, &["cargo build --release"]);
    check(&with(&["--cores", "1000"]), 64, &["--cores 1000"]);
    check(&["bench", "--cores", "0"], 64, &["--cores"]);
    check(&["bench", "--batch", "1025"], 64, &["--batch", "1024"]);
    check(&["bench", "--accounts", "5"], 64, &["--accounts 5", "2048"]);
    check(&["bench", "--duration", "10m"], 64, &["keys", "--duration"]);
    check(&["bench", "--duration", "0s"], 64, &["--duration"]);
    check(&["bench", "--rounds", "0"], 64, &["--rounds"]);
    let unwritable = ["--json", "/nowhere/bench.json"];
    check(&with(&unwritable), 1, &["--json /nowhere/bench.json"]);
    let words = ["waika memory:, calls", "did not begin to serve"];
    check(&with(&["--server", "/bin/false"]), 1, &words);
}

#[test]
fn an_interrupted_benchmark_tells_what_is_known() {
    let longer = SHORT.map(|word| if word == "200ms" { "20s" } else { word });
    let mut child = Command::new(PROGRAM)
        .args(longer)
        .arg("--server")
        .arg(built::server())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_measuring = |line: &String| line.contains("round 1 of 1");
    assert!(lines.any(|line| is_measuring(&line.unwrap())));
    signal(&child, Signal::INT);
    // Read on, or the other end may be stuck.
    for line in lines {
        line.unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let text = said(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("INTERRUPTED"), "{text}");
}
