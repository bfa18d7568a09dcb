//! The real binary, from outside: what it refuses, what it answers, how it ends.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on shall stop"
)]

#[path = "cli/credentials.rs"]
mod credentials;
#[path = "cli/digests.rs"]
mod digests;
#[path = "cli/export.rs"]
mod export;
#[path = "cli/fsync_probe.rs"]
mod fsync_probe;
#[path = "cli/health.rs"]
mod health;
#[path = "cli/journal.rs"]
mod journal;
#[path = "cli/listeners.rs"]
mod listeners;
#[path = "cli/process.rs"]
mod process;
#[path = "cli/settlement.rs"]
mod settlement;
#[path = "cli/support.rs"]
mod support;
#[path = "cli/wallet.rs"]
mod wallet;

use std::net::TcpListener;
use std::process::{Command, Output};

use rustix::process::Signal;
use support::{Server, waika};

fn run(line: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    waika(home.path())
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

/// A command line must end with this code and name these parts on standard error.
fn check(line: &str, code: i32, parts: &[&str]) {
    let output = run(line);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{line}: {part:?} not in {stderr}");
    }
}

#[test]
fn all_mistakes_are_named_together() {
    check(
        "--cores zero --store disk --listen nowhere",
        64,
        &[
            "3 mistakes",
            "--cores: \"zero\" is not a number from 1 to 256",
            "--store: \"disk\"",
            "--listen: \"nowhere\"",
        ],
    );
    check("--colour", 64, &["--colour"]);
    check("--listen 0.0.0.0:0", 64, &["--listen", "--insecure-listen"]);
    check(
        "--store journal:data --key-file data/key",
        64,
        &["--key-file", "data/key", "inside the data folder"],
    );
}

#[test]
fn mistakes_in_variables_name_the_variable() {
    let home = tempfile::tempdir().unwrap();
    let output = waika(home.path())
        .env("WAIKA_CORES", "zero")
        .env("WAIKA_SANDBOX", "perhaps")
        .env("WAIKA_SEED", "-1")
        .args(["serve", "--seed", "x"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    for part in [
        "WAIKA_CORES: \"zero\"",
        "WAIKA_SANDBOX: \"perhaps\"",
        "--seed: \"x\"",
    ] {
        assert!(stderr.contains(part), "{part:?} not in {stderr}");
    }
}

#[test]
fn without_a_home_the_key_file_must_be_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_waika-server"))
        .env_clear()
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr.contains("--key-file: neither"), "{stderr}");
}

#[test]
fn help_and_version_end_well() {
    for line in [
        "--help",
        "serve --help",
        "--version",
        "journal verify --help",
        "journal export --help",
        "settlement export --help",
        "fsync-probe --help",
        "health --help",
    ] {
        let output = run(line);
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn a_policy_shown_is_a_policy_accepted() {
    let home = tempfile::tempdir().unwrap();
    let shown = run("policy show");
    assert_eq!(shown.status.code(), Some(0));
    let file = home.path().join("policy.toml");
    std::fs::write(&file, &shown.stdout).unwrap();
    let file = file.display();
    let checked = run(&format!("policy check {file}"));
    assert_eq!(checked.status.code(), Some(0));
    let again = run(&format!("policy show --policy {file}"));
    assert_eq!(again.stdout, shown.stdout);
}

#[test]
fn d24_a_policy_checked_or_shown_tells_when_it_holds() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("policy.toml");
    let file = path.display();
    let (from, until) = ("2026-12-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00");
    for (dates, period) in [
        ("", "from its activation on".to_owned()),
        ("effective_from = 2026-12-01", format!("from {from} on")),
        (
            "effective_from = \"2026-11-30T16:00:00Z\"\neffective_until = 2027-01-01",
            format!("from {from} until {until}"),
        ),
    ] {
        std::fs::write(&path, format!("name = \"mine\"\n{dates}\n")).unwrap();
        let checked = run(&format!("policy check {file}"));
        let told = format!("{file}: policy mine has no mistakes; it holds {period}\n");
        assert_eq!(String::from_utf8(checked.stdout).unwrap(), told);
    }
    let shown = run(&format!("policy show --policy {file}"));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let dates = format!("\neffective_from = {from}\neffective_until = {until}\n");
    assert!(shown.contains(&dates), "{shown}");
    let text = "effective_until = 2026-12-01\neffective_from = 2027-01-01\nname = \"mine\"\n";
    std::fs::write(&path, text).unwrap();
    let parts = [
        &format!("policy.toml:2: effective_from ({until}, line 2)"),
        "effective_until (2026-12-01T00:00:00+08:00, line 1): dates out of order",
    ];
    check(&format!("policy check {file}"), 64, &parts);
}

#[test]
fn a_bad_policy_is_refused_by_line_and_key() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("policy.toml");
    let text = "name = \"mine\"\n[limits]\nsingle_fen = 9_000_000\nmonth = 1\n";
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let (unknown, contradiction) = (
        format!("{file}:4: limits.month is no key"),
        format!("{file}:3: limits.single_fen (9000000, line 3) is above limits.month_fen"),
    );
    for line in ["policy check ", "policy show --policy ", "--policy "] {
        check(&format!("{line}{file}"), 64, &[&unknown, &contradiction]);
    }
    check(
        "policy check absent.toml",
        64,
        &["absent.toml", "cannot be read"],
    );
}

#[test]
fn a_port_in_use_is_named_with_its_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check(
        &format!("--listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --admin-listen {address}"),
        69,
        &["--admin-listen", &address, "in use"],
    );
}

#[test]
fn it_says_where_it_listens_in_one_line_and_ends_well_on_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start("--cores 2");
        let expected = format!(
            "waika-server listening on {} admin {} metrics {}\n",
            server.rpc(),
            server.admin(),
            server.metrics()
        );
        assert_eq!(server.line, expected);
        server.signal(signal);
        let (code, rest, logs) = server.end();
        assert_eq!(code, Some(0), "{logs}");
        assert_eq!(rest, "");
        for part in ["sandbox", "journal:./waika-data", "cores=2", "stopped"] {
            assert!(logs.contains(part), "{part:?} not in {logs}");
        }
        assert!(!logs.contains('\u{1b}'), "no colours into a pipe: {logs}");
    }
}

#[test]
fn logs_can_be_json() {
    let server = Server::start("--log json --sandbox");
    server.signal(Signal::TERM);
    let (code, _, logs) = server.end();
    assert_eq!(code, Some(0));
    assert!(!logs.is_empty());
    assert!(
        logs.lines()
            .all(|line| line.starts_with("{\"") && line.ends_with('}')),
        "{logs}"
    );
}

#[test]
fn a_data_folder_is_not_needed_to_measure() {
    let server = Server::start("--store memory:delay=2ms --log-level debug --drain-timeout 1s");
    server.signal(Signal::TERM);
    let (code, _, logs) = server.end();
    assert_eq!(code, Some(0));
    assert!(logs.contains("store=memory:delay=2ms"), "{logs}");
}
