//! Measuring a disk's syncs, without leaving anything behind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Server, waika};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Measures, which must go well, and gives what was printed.
fn probe(home: &Path, line: &str) -> String {
    let mut command = waika(home);
    let output = command
        .args(["fsync-probe", "--duration", "200ms"])
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn figures_are_told_and_nothing_stays() {
    let home = tempfile::tempdir().unwrap();
    let told = probe(
        home.path(),
        "--store journal:new/folder --json figures.json",
    );
    for part in [
        "syncs/s",
        "p99.9",
        "512 bytes:",
        "one to two of these",
        "include its load",
    ] {
        assert!(told.contains(part), "{part:?} not in {told}");
    }
    assert_eq!(names(home.path()), ["figures.json"]);
    let figures = fs::read(home.path().join("figures.json")).unwrap();
    let figures: Value = serde_json::from_slice(&figures).unwrap();
    let sizes: Vec<_> = [0, 1, 2]
        .map(|size| figures["sizes"][size]["bytes"].clone())
        .into();
    assert_eq!(sizes, [512, 4_096, 65_536]);
    for size in figures["sizes"].as_array().unwrap() {
        let spans = size["histogram"].as_array().unwrap().iter();
        let counted: u64 = spans.map(|span| span["count"].as_u64().unwrap()).sum();
        assert_eq!(size["syncs"], counted);
    }
}

#[test]
fn figures_can_be_json_alone() {
    let home = tempfile::tempdir().unwrap();
    let told = probe(home.path(), "--bytes 1000 --json -");
    let figures: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(figures["sizes"][0]["bytes"], 1_000);
    assert!(figures["sizes"][1].is_null());
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn a_folder_that_a_server_holds_keeps_only_its_own_files() {
    let server = Server::start("--segment-bytes 1048576");
    let data = server.home().join("waika-data");
    probe(server.home(), "--bytes 512");
    assert!(!names(&data).iter().any(|name| name.contains("probe")));
    server.signal(Signal::TERM);
    let (code, _, logs) = server.end();
    assert_eq!(code, Some(0), "{logs}");
}

#[test]
fn an_interrupted_probe_tells_what_it_has_and_cleans_up() {
    let home = tempfile::tempdir().unwrap();
    let mut process = waika(home.path())
        .args(["fsync-probe", "--duration", "1m", "--bytes", "512"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("fsync-probe: ") && line.ends_with(" of 60 s\n"),
        "{line}"
    );
    assert_eq!(names(&home.path().join("waika-data")), ["fsync-probe.tmp"]);

    let second = waika(home.path()).arg("fsync-probe").output().unwrap();
    let refused = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(69), "{refused}");
    assert!(refused.contains("another probe is running"), "{refused}");

    let id = i32::try_from(process.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
    let (mut told, mut rest) = (String::new(), String::new());
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_to_string(&mut told).unwrap();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(130), "{rest}");
    assert!(
        told.contains("Interrupted: these are the figures so far."),
        "{told}"
    );
    assert!(rest.contains("stopped before it was done"), "{rest}");
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_measured() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    for (line, code, part) in [
        ("--store journal:file/folder", 73, "file/folder"),
        (
            "--json missing/figures.json",
            73,
            "--json: \"missing/figures.json\"",
        ),
        ("--store memory:", 64, "--store"),
    ] {
        let mut command = waika(home.path());
        command.arg("fsync-probe").args(line.split_whitespace());
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
        assert!(stderr.contains(part), "{line}: {stderr}");
    }
    assert_eq!(names(home.path()), ["file"]);
}
