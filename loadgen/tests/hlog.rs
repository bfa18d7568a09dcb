//! Logs of samples, slices and merging, held against the real binary. Nothing here is timed: a busy
//! machine makes a run INVALID, and that is a right answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod reports;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use reports::{SHORT, number, report};
use rustix::process::Signal;
use serde_json::Value;
use support::{Floor, PROGRAM, check, run, said, signal};

/// Merges some logs. The report is there unless they were refused.
fn merge(files: &[&Path], flags: &[&str]) -> (Output, Option<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("merged.json");
    let output = Command::new(PROGRAM)
        .arg("merge")
        .args(files)
        .args(flags)
        .arg("--json")
        .arg(&json)
        .output()
        .unwrap();
    let report = std::fs::read(&json).ok();
    let report = report.map(|bytes| serde_json::from_slice(&bytes).unwrap());
    (output, report)
}

/// Checks that these files are refused as a mistake of the user's, in such words.
fn check_refused(files: &[&Path], words: &[&str]) {
    let (output, report) = merge(files, &[]);
    let told = said(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(report.is_none() && !told.contains("panicked"), "{told}");
    for word in words {
        assert!(told.contains(word), "no {word:?} in {told}");
    }
}

/// Runs one slice of a short plan, or all of it.
fn slice(url: &str, folder: &Path, slice: Option<&str>, seed: &str) -> (PathBuf, Value) {
    let name = slice.unwrap_or("whole").replace('/', "-of-") + "-" + seed + ".hlog";
    let path = folder.join(name);
    let mut flags = SHORT.to_vec();
    flags.extend([
        "--run-id",
        "7",
        "--seed",
        seed,
        "--hlog",
        path.to_str().unwrap(),
    ]);
    flags.extend(slice.iter().flat_map(|slice| ["--slice", slice]));
    let (_, report) = report(url, &flags);
    (path, report)
}

#[test]
fn slices_together_are_the_whole_plan() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let (whole, all) = slice(&floor.url, folder.path(), None, "1");
    let (second, two) = slice(&floor.url, folder.path(), Some("2/2"), "1");
    let (first, one) = slice(&floor.url, folder.path(), Some("1/2"), "1");
    let planned = |report: &Value| number(&report["counts"]["planned"]);
    assert_eq!(planned(&one) + planned(&two), planned(&all));
    assert!(planned(&one).abs_diff(planned(&two)) <= 1);
    assert_eq!(one["plan"]["slice"], "1/2");

    let (output, merged) = merge(
        &[&second, &first],
        &["--hlog", folder.path().join("all.hlog").to_str().unwrap()],
    );
    let merged = merged.unwrap();
    // They ran one after the other.
    assert_eq!(output.status.code(), Some(5), "{}", said(&output.stderr));
    let reasons = merged["verdict"]["reasons"].to_string();
    assert!(reasons.contains("--start-at"), "{reasons}");
    assert_eq!(planned(&merged), planned(&all));
    assert_eq!(merged["parts"][0]["slice"], "1/2");
    assert_eq!(merged["missing"].as_array().unwrap().len(), 0);

    // What was written of a merge, and of a whole run, are read again.
    let (_, again) = merge(&[&folder.path().join("all.hlog")], &[]);
    assert_eq!(again.unwrap()["response"], merged["response"]);
    let (_, read) = merge(&[&whole], &[]);
    let read = read.unwrap();
    for name in ["response", "service", "lag", "outcomes", "counts"] {
        assert_eq!(read[name], all[name], "{name}");
    }

    check_refused(&[&first, &first], &["both of slice 1/2", "once"]);
    check_refused(&[&first, &whole], &["slice(s)", "one run"]);
    check_refused(&[&first], &["missing: slice 2/2", "--incomplete"]);
    let (other, _) = slice(&floor.url, folder.path(), Some("2/2"), "9");
    check_refused(&[&first, &other], &["not of one plan", "seed"]);
    let (output, merged) = merge(&[&first], &["--incomplete"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output.stderr));
    assert_eq!(merged.unwrap()["missing"][0], "2/2");
    floor.stop();
}

#[test]
fn files_that_are_no_whole_logs_are_refused_with_file_and_line() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = slice(&floor.url, folder.path(), None, "1");
    floor.stop();
    let text = std::fs::read_to_string(&log).unwrap();
    let changed = folder.path().join("changed.hlog");
    let check = |bytes: &[u8], words: &[&str]| {
        std::fs::write(&changed, bytes).unwrap();
        let mut all = vec!["changed.hlog:"];
        all.extend(words);
        check_refused(&[&changed], &all);
    };
    check(b"", &[":1:", "no histogram log"]);
    check(&[0xff; 300], &[":1:", "no histogram log"]);
    check(
        b"{\"schema\":\"waika-loadgen/run/1\"}\n",
        &[":1:", "no histogram log"],
    );
    check(
        b"#[Histogram log format version 1.3]\n",
        &[":1:", "another program"],
    );
    check(
        &text.as_bytes()[..text.len() - 10],
        &["middle of a line", "copy it again"],
    );
    check(
        text.replacen("HISTFAAAA", "HISTFAAAB", 1).as_bytes(),
        &[":7:", "damaged"],
    );
    check(
        text.replace("hlog/1", "hlog/9").as_bytes(),
        &[":2:", "hlog/9", "version"],
    );
    check_refused(
        &[&folder.path().join("nowhere.hlog")],
        &["nowhere.hlog", "cannot be read"],
    );
    check_refused(&[folder.path()], &["cannot be read"]);
    check_refused(
        &[Path::new("/dev/zero")],
        &["/dev/zero", "longer than 256 MiB"],
    );
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_sent() {
    let usage = |flags: &[&str], words: &[&str]| {
        let mut arguments = vec!["run", "--no-provision", "--target", "http://127.0.0.1:1"];
        arguments.extend(flags);
        check(&arguments, 64, words);
    };
    usage(&["--slice", "1/3"], &["--run-id"]);
    usage(&["--slice", "4/3", "--run-id", "1"], &["--slice", "2/8"]);
    usage(&["--slice", "0/3", "--run-id", "1"], &["--slice", "2/8"]);
    usage(
        &["--slice", "1/3", "--run-id", "1", "--closed", "4"],
        &["--slice", "--closed"],
    );
    usage(
        &["--slice", "1/3", "--run-id", "1", "--preset", "month-end"],
        &["--slice", "month-end"],
    );
    usage(
        &["--start-at", "soon"],
        &["--start-at", "2026-11-30T01:00:00Z"],
    );
    usage(
        &["--start-at", "2026-01-01T00:00:00Z"],
        &["--start-at", "ago", "such as"],
    );
    usage(
        &["--start-at", "2999-01-01T00:00:00Z"],
        &["--start-at", "more than a week"],
    );
    check(
        &["run", "--no-provision", "--hlog", "/nowhere/run.hlog"],
        1,
        &["--hlog", "/nowhere/run.hlog", "cannot be written"],
    );
    let both = |first: &str, second: &str| {
        let words = [
            "run",
            "--no-provision",
            "--target",
            "http://127.0.0.1:1",
            first,
            "both",
            second,
            "both",
        ];
        check(&words, 64, &[first, second, "a file of its own"]);
    };
    both("--hlog", "--json");
    both("--trace", "--html");
    both("--hlog", "--trace");
    check(
        &["merge", "a", "--hlog", "both", "--json", "both"],
        64,
        &["--hlog", "--json", "a file of its own"],
    );
    check(&["merge"], 64, &["FILE"]);
    check(
        &["merge", "a", "--incomplete", "--hlog", "b"],
        64,
        &["--incomplete", "--hlog"],
    );
}

/// A log as if its lines had been met again in each of so many intervals.
fn repeated(text: &str, times: u64) -> String {
    let (comments, lines): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let first: Vec<&str> = lines
        .into_iter()
        .filter(|line| line.contains(",0.000,1.000,"))
        .collect();
    let mut long: Vec<String> = Vec::new();
    for line in comments {
        let Some((before, json)) = line.split_once("[Waika-Loadgen: ") else {
            long.push(line.to_owned());
            continue;
        };
        let mut head: Value = serde_json::from_str(json.strip_suffix(']').unwrap()).unwrap();
        head["lines"] = (first.len() as u64 * times).into();
        head["plan"]["duration_ns"] = (times * 1_000_000_000).into();
        for none in ["dropped", "skipped", "not_connected"] {
            head["counts"][none] = 0.into();
        }
        head["counts"]["planned"] = head["counts"]["sent"].clone();
        long.push(format!("{before}[Waika-Loadgen: {head}]"));
    }
    for second in 0..times {
        let begins = format!(",{second}.000,1.000,");
        let again = |line: &&str| line.replace(",0.000,1.000,", &begins);
        long.extend(first.iter().map(again));
    }
    long.join("\n") + "\n"
}

#[test]
fn a_long_log_is_read_in_little_memory() {
    const TIMES: u64 = 600;
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = slice(&floor.url, folder.path(), None, "1");
    let long = folder.path().join("long.hlog");
    let mut text = repeated(&std::fs::read_to_string(&path).unwrap(), TIMES);
    // What the head says was sent does not fit yet, and the refusal says what would.
    std::fs::write(&long, &text).unwrap();
    let (output, _) = merge(&[&long], &[]);
    let told = said(&output.stderr);
    let sent = told.split("its lines have ").nth(1).unwrap();
    let sent: u64 = sent.split(':').next().unwrap().parse().unwrap();
    let stated = told.split("says that ").nth(1).unwrap();
    let stated: u64 = stated.split(' ').next().unwrap().parse().unwrap();
    for name in ["planned", "sent"] {
        let [from, to] = [stated, sent].map(|count| format!("\"{name}\":{count}"));
        text = text.replacen(&from, &to, 1);
    }
    std::fs::write(&long, text).unwrap();
    // Unpacked, its 1,800 histograms or more would take 400 MB, the response times alone 130 MB.
    let script = "ulimit -v 150000; exec \"$0\" merge \"$1\"";
    let output = Command::new("sh")
        .args(["-c", script, PROGRAM])
        .arg(&long)
        .output()
        .unwrap();
    let told = said(&output.stderr);
    assert!([Some(0), Some(5)].contains(&output.status.code()), "{told}");
}

#[test]
fn a_full_disk_fails_and_the_report_is_still_told() {
    let floor = Floor::start("multi");
    let mut arguments = vec![
        "run",
        "--no-provision",
        "--target",
        &floor.url,
        "--accounts",
        "100",
    ];
    arguments.extend(SHORT);
    arguments.extend(["--hlog", "/dev/full"]);
    let output = run(&arguments);
    let told = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("--hlog /dev/full: cannot be written"),
        "{told}"
    );
    assert!(said(&output.stdout).contains("samples"), "no report");
    floor.stop();
}

#[test]
fn an_interrupted_wait_has_sent_nothing() {
    let floor = Floor::start("multi");
    let at = jiff::Timestamp::now() + Duration::from_secs(600);
    let child = Command::new(PROGRAM)
        .args([
            "run",
            "--no-provision",
            "--accounts",
            "100",
            "--target",
            &floor.url,
        ])
        .args(["--start-at", &at.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    let told = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("waiting for --start-at; nothing was sent"),
        "{told}"
    );
    floor.stop();
}

#[test]
fn an_interrupted_run_has_the_log_so_far() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("run.hlog");
    let child = Command::new(PROGRAM)
        .args([
            "run",
            "--no-provision",
            "--accounts",
            "100",
            "--target",
            &floor.url,
        ])
        .args([
            "--rate",
            "200",
            "--warm-up",
            "0s",
            "--duration",
            "60s",
            "--hlog",
        ])
        .arg(&log)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(4));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    let (merged, report) = merge(&[&log], &[]);
    assert_eq!(merged.status.code(), Some(1), "{}", said(&merged.stderr));
    let report = report.unwrap();
    assert_eq!(report["verdict"]["interrupted"], Value::Bool(true));
    assert!(number(&report["counts"]["sent"]) > 0);
    floor.stop();
}

#[test]
fn a_run_begins_when_it_was_told_to() {
    let floor = Floor::start("multi");
    let at = jiff::Timestamp::now() + Duration::from_secs(8);
    let at = jiff::Timestamp::from_second(at.as_second()).unwrap();
    let mut flags = SHORT.to_vec();
    let text = at.to_string();
    flags.extend(["--start-at", &text]);
    let (_, report) = report(&floor.url, &flags);
    let began: jiff::Timestamp = report["host"]["started_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        began.duration_since(at).as_secs_f64().abs() < 1.0,
        "{began} and {at}"
    );
    floor.stop();
}
