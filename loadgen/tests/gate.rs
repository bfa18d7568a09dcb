//! `gate` and `compare`, held against the real binary. Where a machine's speed decides, every
//! verdict that it may come to is right.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod built;
mod reports;
mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use built::server;
use reports::{SHORT, number, report};
use rustix::process::Signal;
use serde_json::Value;
use support::{Floor, PROGRAM, check, run, said, signal};

/// A program that is there and does not serve.
const STRANGER: &str = "/bin/true";

#[test]
fn what_cannot_be_is_refused_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().to_str().unwrap();
    let gate = |more: &[&str], code: i32, words: &[&str]| {
        let all = [&["gate", "--cache", cache], more].concat();
        check(&all, code, words);
    };
    gate(&[], 64, &["--a", "--b"]);
    gate(&["--a", STRANGER], 64, &["--b"]);
    gate(&["--aa", "--b", STRANGER], 64, &["--aa", "--b"]);
    let both = ["--a", STRANGER, "--b", STRANGER];
    let with = |more: &[&'static str]| [both.as_slice(), more].concat();
    gate(&with(&["--tolerance", "0%"]), 64, &["--tolerance", "5%"]);
    gate(&with(&["--metric", "speed"]), 64, &["--metric", "p99"]);
    gate(
        &with(&["--budget", "2s"]),
        64,
        &["--budget 2 s", "too little", "--block"],
    );
    gate(
        &with(&["--accounts", "5"]),
        64,
        &["account's limit", "--accounts", "8 blocks", "--rounds"],
    );
    gate(
        &with(&["--json", "/nowhere/gate.json"]),
        1,
        &["--json", "/nowhere/gate.json"],
    );
    gate(
        &["--a", "/nowhere/waika-server", "--b", STRANGER],
        64,
        &["--a", "/nowhere/waika-server", "git:REF"],
    );
    gate(
        &["--a", STRANGER, "--b", "git:no-such-branch"],
        64,
        &["arm B", "git:no-such-branch", "git log"],
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_revision_needs_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .args(["gate", "--a", "git:HEAD", "--b", STRANGER, "--cache"])
        .arg(folder.path())
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path())
        .output()
        .unwrap();
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{message}");
    assert!(
        message.contains("arm A") && message.contains("repository"),
        "{message}"
    );
}

#[test]
fn the_arm_whose_binary_does_not_start_is_named() {
    check(
        &["gate", "--a", STRANGER, "--b", STRANGER],
        1,
        &["arm A", "/bin/true", "did not begin to serve"],
    );
    let server = server();
    let quick = ["--accounts", "20", "--rate", "100"];
    let arms = ["gate", "--a", server.to_str().unwrap(), "--b", STRANGER];
    check(
        &[arms.as_slice(), &quick].concat(),
        1,
        &["arm B", "/bin/true"],
    );
}

/// A comparison that a slow build can carry out, of this server with what the flags say.
fn comparison(server: &Path, json: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    let load = "--rate 100 --accounts 20 --merchants 3 --rounds 1 --block 300ms";
    command.arg("gate").args(load.split(' ')).args(flags);
    command.arg("--a").arg(server).arg("--json").arg(json);
    command
}

/// The same, with itself.
fn against_itself(server: &Path, json: &Path) -> Command {
    comparison(server, json, &["--aa", "--budget", "25s"])
}

#[test]
fn a_tolerance_that_the_noise_hides_is_no_mistake_and_every_form_is_written() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let [json, junit] = ["gate.json", "gate.xml"].map(|name| folder.path().join(name));
    let flags = ["--tolerance", "0.01%", "--budget", "90s"];
    let mut gate = comparison(&server, &json, &flags);
    gate.arg("--b").arg(&server).arg("--junit").arg(&junit);
    let output = gate.output().unwrap();
    let text = said(&output.stdout);
    let found: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let junit = std::fs::read_to_string(&junit).unwrap();
    let pairs = found["metrics"][0]["pairs"].as_array().unwrap();
    let used = pairs.iter().filter(|pair| pair["discarded"].is_null());
    if used.count() < 8 {
        // Other guests of the machine have left too few pairs to tell its noise by.
        assert_ne!(output.status.code(), Some(0), "{text}");
        return;
    }
    assert_eq!(output.status.code(), Some(5), "{}", said(&output.stderr));
    assert!(text.contains("is below what can be told"), "{text}");
    assert_eq!(found["verdict"], "invalid");
    assert!(
        junit.contains("<error message=") && junit.contains("is below what can be told"),
        "{junit}"
    );
}

#[test]
fn a_server_is_compared_with_itself() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("gate.json");
    let output = against_itself(&server, &json).output().unwrap();
    let (code, text) = (output.status.code().unwrap(), said(&output.stdout));
    assert!(
        [0, 3, 5, 6].contains(&code),
        "{code}: {}",
        said(&output.stderr)
    );
    let found: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(found["schema"], "waika-loadgen/gate/1");
    assert_eq!(found["against_itself"], true);
    assert!(number(&found["a"]["answers_checked"]) > 0);
    let cpu = &found["metrics"][0];
    assert_eq!(
        (&cpu["name"], &cpu["gating"]),
        (&"cpu".into(), &true.into())
    );
    let pairs = cpu["pairs"].as_array().unwrap();
    assert!(!pairs.is_empty(), "{found}");
    for pair in pairs {
        let number = |name: &str| pair[name].as_f64().unwrap();
        assert!((number("log_ratio") - (number("b") / number("a")).ln()).abs() < 1e-9);
        assert!(["ABBA", "BAAB"].contains(&pair["order"].as_str().unwrap()));
    }
    assert!(
        text.contains("server CPU per call") && text.contains("against itself"),
        "{text}"
    );
}

#[test]
fn an_interrupted_gate_tells_what_is_known_and_leaves_no_server() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let gate = against_itself(&server, &folder.path().join("gate.json"))
        .env("TMPDIR", &temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Somewhere in its pairs, or still before them on a slow machine.
    std::thread::sleep(Duration::from_secs(9));
    signal(&gate, Signal::INT);
    let output = gate.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    let told = said(&output.stdout) + &said(&output.stderr);
    assert!(told.to_lowercase().contains("interrupted"), "{told}");
    assert_eq!(
        std::fs::read_dir(&temporary).unwrap().count(),
        0,
        "a folder was left"
    );
}

/// Stored runs against a floor, whose process is known.
fn stored(folder: &Path, count: usize) -> Vec<String> {
    let floor = Floor::start("per-core");
    let store = |number| {
        let path = folder.join(format!("{number}.json"));
        let mut run = report(&floor.url, &SHORT).1;
        // What a busy machine says of itself is not asked here.
        run["verdict"] = serde_json::json!({"valid": true, "reasons": [], "interrupted": false});
        std::fs::write(&path, run.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let files = (0..count).map(store).collect();
    floor.stop();
    files
}

/// Writes a stored run again with something changed.
fn changed(path: &str, change: impl Fn(&mut Value)) -> String {
    let mut run: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut run);
    let new = format!("{path}.changed.json");
    std::fs::write(&new, run.to_string()).unwrap();
    new
}

#[test]
fn stored_runs_are_compared_only_if_they_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let files = stored(folder.path(), 2);
    let (old, new) = (files[0].as_str(), files[1].as_str());
    let p50 = ["--metric", "p50"];
    let compare = |files: &[&str], code: i32, words: &[&str]| {
        check(&[&["compare"], files, &p50].concat(), code, words);
    };
    check(&["compare", old, new], 64, &["0.json", "--server-pid"]);
    compare(&[old, "/nowhere.json"], 64, &["/nowhere.json"]);
    compare(&[old], 64, &["no pairs"]);
    compare(
        &["--a", old, "--b", new, old],
        64,
        &["--a names 1", "--b 2"],
    );
    compare(&[old, old], 64, &["one and the same run"]);
    let elsewhere = changed(new, |run| run["host"]["name"] = "elsewhere".into());
    compare(&[old, &elsewhere], 64, &["elsewhere", "unlike machines"]);
    let secure = changed(new, |run| run["server"]["protection"] = "mutual_tls".into());
    let words = ["in clear text", "over mutual TLS", "measure both alike"];
    compare(&[old, &secure], 64, &words);
    let other = changed(new, |run| run["plan"]["accounts"] = 5.into());
    compare(&[old, &other], 64, &["accounts is 100", "5 in the other"]);
    let told = |arguments: &[&str]| {
        let output = run(&[&["compare"], arguments, &p50].concat());
        (output.status.code().unwrap(), said(&output.stdout))
    };
    let (code, text) = told(&[old, new]);
    assert_eq!(code, 6, "{text}");
    assert!(
        text.contains("1 pair(s) can give no verdict") && text.contains("6 is the least"),
        "{text}"
    );
    let invalid = changed(new, |run| {
        run["verdict"] =
            serde_json::json!({"valid": false, "reasons": ["it was late"], "interrupted": false});
    });
    let (code, text) = told(&[old, &invalid]);
    assert_eq!(code, 5, "{text}");
    assert!(
        text.contains("changed.json") && text.contains("it was late"),
        "{text}"
    );
}

#[test]
fn enough_stored_runs_come_to_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let first = stored(folder.path(), 1);
    let pair = |number: u64, ns: u64| {
        let name = folder.path().join(format!("{number}-{ns}.json"));
        let other = changed(&first[0], |run| {
            run["plan"]["run_id"] = format!("{number:08x}{ns:08x}").into();
            run["response"]["p50_ns"] = (ns + number * 100).into();
        });
        std::fs::rename(other, &name).unwrap();
        name.to_str().unwrap().to_owned()
    };
    let verdict = |a: u64, b: [u64; 2], code: i32, word: &str| {
        let two = |number: u64| {
            let b = if number.is_multiple_of(2) { b[0] } else { b[1] };
            [pair(number, a), pair(number, b)]
        };
        let files: Vec<String> = (0..8).flat_map(two).collect();
        let words: Vec<&str> = files.iter().map(String::as_str).collect();
        let output = run(&[&["compare", "--metric", "p50"], words.as_slice()].concat());
        let text = said(&output.stdout);
        let errors = said(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}{errors}");
        assert!(text.contains(word), "{text}");
    };
    verdict(1_000_000, [1_001_000, 1_002_000], 0, "PASSED");
    verdict(1_000_000, [1_100_000, 1_110_000], 3, "REGRESSED");
    verdict(1_000_000, [1_001_000, 1_100_000], 6, "INCONCLUSIVE");
}

/// A repository whose server is built in a moment, and serves nobody: of its two commits the second
/// does not compile.
fn repository(folder: &Path) {
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        let mut command = Command::new("git");
        command.args(identity).args(arguments).current_dir(folder);
        assert!(command.output().unwrap().status.success(), "{arguments:?}");
    };
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let package = "[package]\nname = \"waika-server\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    std::fs::create_dir(folder.join("src")).unwrap();
    write("Cargo.toml", package);
    write(
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"waika-server\"\nversion = \"0.0.0\"\n",
    );
    write("src/main.rs", "fn main() {}\n");
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "It compiles"]);
    write("src/main.rs", "fn main() { no_such_thing() }\n");
    git(&["commit", "--quiet", "--all", "--message", "It does not"]);
    write("src/main.rs", "not committed\n");
}

#[test]
fn the_server_of_a_commit_is_built_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    let gate = |revision: &str| {
        let output = Command::new(PROGRAM)
            .args(["gate", "--a", revision, "--b", STRANGER])
            .args(["--cache", "kept"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        said(&output.stderr)
    };
    let kept = || {
        let servers = folder.path().join("kept/waika/servers");
        let names = std::fs::read_dir(servers)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names.collect::<Vec<_>>()
    };
    let broken = gate("git:HEAD");
    for words in [
        "arm A",
        "cannot be built",
        "no_such_thing",
        "builds",
        "left out",
    ] {
        assert!(broken.contains(words), "no {words:?} in {broken}");
    }
    assert!(kept().is_empty(), "{:?}", kept());
    for _ in 0..2 {
        let strange = gate("git:HEAD~1");
        assert!(
            strange.contains("arm A") && strange.contains("did not begin to serve"),
            "{strange}"
        );
        assert_eq!(kept().len(), 1, "{:?}", kept());
    }
    let trees = Command::new("git")
        .args(["worktree", "list"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(said(&trees.stdout).lines().count(), 1, "a tree was left");
}
