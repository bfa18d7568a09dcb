//! Every form of a report, as a run writes it and as `report` tells it again.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

mod support;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::fs::{CWD, FileType, Mode};
use support::{Floor, PROGRAM, check, run, said};

/// Every form by its name, with the flag that writes it.
const FORMS: [(&str, &str); 5] = [
    ("json", "--json"),
    ("html", "--html"),
    ("junit", "--junit"),
    ("markdown", "--markdown"),
    ("prometheus", "--prometheus"),
];

/// Measures a floor for a second, and gives back what was printed.
fn measure(folder: &Path, arguments: &[&str]) -> Output {
    let floor = Floor::start("per-core");
    let output = Command::new(PROGRAM)
        .current_dir(folder)
        .args(["run", "--no-provision", "--target", &floor.url])
        .args(["--accounts", "100", "--rate", "200", "--duration", "1s"])
        .args(["--warm-up", "100ms", "--deadline", "5s"])
        .args(arguments)
        .output()
        .unwrap();
    floor.stop();
    output
}

#[test]
fn a_stored_result_is_told_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut flags = vec![
        "--threshold",
        "max<30s,errors<1%",
        "--timing",
        "--by-scheme",
    ];
    for (name, flag) in FORMS {
        flags.extend([flag, name]);
    }
    let output = measure(folder.path(), &flags);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 5)), "{}", said(&output.stderr));
    let json = path("json");
    let stored = json.to_str().unwrap();
    let again = |arguments: &[&str]| {
        let output = run(&[&["report", stored], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
        output.stdout
    };
    assert!(again(&[]) == output.stdout, "the text differs");
    for (name, flag) in FORMS {
        let written = std::fs::read(path(name)).unwrap();
        assert!(again(&["--format", name]) == written, "{name} differs");
        let (output, also) = (path("output"), path("also"));
        let (output, also) = (output.to_str().unwrap(), also.to_str().unwrap());
        let shown = again(&["--format", name, "--output", output, flag, also]);
        assert!(shown.is_empty(), "{name} was written and shown");
        assert!(std::fs::read(output).unwrap() == written, "{name} differs");
        assert!(std::fs::read(also).unwrap() == written, "{name} differs");
    }
    let judged = run(&["report", stored, "--exit-code"]);
    assert_eq!(judged.status.code(), code);
    let twice = run(&["report", stored, stored]);
    let text = said(&output.stdout);
    assert_eq!(said(&twice.stdout), format!("{text}\n{text}"));
}

#[test]
fn results_that_cannot_be_read_are_named_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    let file = path.to_str().unwrap();
    for (text, words) in [
        ("", ["old.json", "empty"]),
        ("{\n\"schema\": ", ["old.json:2:", "cut off"]),
        ("{\"schema\": \"k6/1\"}", ["k6/1", "waika-loadgen/run/1"]),
        (
            "{\"schema\": \"waika-loadgen/run/7\"}",
            ["newer", "version"],
        ),
        (
            "{\"schema\": \"waika-loadgen/run/1\"}",
            ["old.json:1:", "verdict"],
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        check(&["report", file], 64, &words);
    }
    let folder = folder.path().to_str().unwrap();
    check(&["report", folder], 64, &["folder", "--json"]);
    check(&["report", "/nowhere/old.json"], 64, &["/nowhere/old.json"]);
    check(&["report"], 64, &["FILE"]);
    check(
        &["report", file, "--format", "pdf"],
        64,
        &["--format", "markdown"],
    );
    let two = ["report", file, file, "--format", "json"];
    check(&two, 64, &["one at a time"]);
    let clash = ["report", file, "--output", "x", "--junit", "./x"];
    check(&clash, 64, &["--output and --junit"]);
}

#[test]
fn no_file_that_is_read_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (read, link, other) = (path("read"), path("link"), path("other"));
    std::fs::write(&read, "as it was").unwrap();
    std::os::unix::fs::symlink("read", &link).unwrap();
    for arguments in [
        &["report", &read, "--output", &read] as &[&str],
        &["report", &link, "--output", &read],
        &["report", &read, "--html", &link],
        &["merge", &other, &read, "--json", &read],
        &["merge", &read, "--hlog", &link],
        &["compare", &other, &read, "--json", &read],
        &["compare", "--a", &read, "--b", &other, "--json", &read],
        &["run", "--plan", &read, "--json", &read],
        &["run", "--plan", &read, "--hlog", &link],
        &["run", "--replay", &read, "--markdown", &read],
    ] {
        check(arguments, 64, &["that file is read", "name another"]);
        assert_eq!(std::fs::read_to_string(&read).unwrap(), "as it was");
    }
}

#[test]
fn what_was_found_weighs_more_than_a_report_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.json");
    let sample = include_str!("samples/gate.json");
    let regressed = "\"verdict\": \"regressed\"";
    assert!(sample.contains(regressed));
    let file = path.to_str().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let pipe = pipe.to_str().unwrap();
    for (verdict, code) in [("violated", 4), ("regressed", 1), ("passed", 1)] {
        let found = format!("\"verdict\": \"{verdict}\"");
        std::fs::write(&path, sample.replacen(regressed, &found, 1)).unwrap();
        for to in ["--output", "--json"] {
            let lost = ["report", file, "--exit-code", to, "/dev/full"];
            check(&lost, code, &["/dev/full: cannot be written"]);
        }
        // Before anything is shown, so it is nothing that was found.
        let waits = ["report", file, "--exit-code", "--json", pipe];
        check(&waits, 1, &["pipe: cannot be written: nobody reads it"]);
    }
}

#[test]
fn two_reports_in_one_file_are_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let output = measure(folder.path(), &["--json", "same", "--junit", "./same"]);
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{message}");
    assert!(message.contains("--json and --junit"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_result_that_is_lost_is_told_and_a_reader_that_has_gone_is_not() {
    let to = |stdout: Stdio| {
        let child = Command::new(PROGRAM)
            .args(["plan", "show"])
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), said(&output.stderr))
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let (code, message) = to(full.unwrap().into());
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("standard output"), "{message}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(to(writer.into()), (Some(0), String::new()));
}
