//! Measuring, and reading the report.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{PROGRAM, said};

/// Two seconds at a rate that no machine is too busy for, and time enough to answer.
pub(crate) const SHORT: [&str; 8] = [
    "--rate",
    "400",
    "--duration",
    "2s",
    "--warm-up",
    "100ms",
    "--deadline",
    "5s",
];

/// Runs against a server and gives back the report. A busy machine may make it INVALID, which is
/// exit code 5 and no failure of what is tested here.
pub(crate) fn report(url: &str, arguments: &[&str]) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let output = Command::new(PROGRAM)
        .args([
            "run",
            "--no-provision",
            "--target",
            url,
            "--accounts",
            "100",
            "--json",
        ])
        .arg(&file)
        .args(arguments)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    assert!(
        code == 0 || code == 5,
        "exit {code}: {}",
        said(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["verdict"]["valid"], Value::Bool(code == 0));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "something else was left"
    );
    (output, report)
}

/// A count in a report.
pub(crate) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}
