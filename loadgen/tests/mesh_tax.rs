//! `mesh-tax`, as far as it goes without a proxy: what is refused, and that a stored result is shown
//! again.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

#[expect(dead_code, reason = "nothing is started here")]
mod support;

use serde_json::Value;
use support::{check, run, said};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/mesh-tax.json");

#[test]
fn usage_errors_exit_64_and_name_the_mend() {
    let tax = |flags: &[&str], words: &[&str]| {
        check(&[&["mesh-tax"], flags].concat(), 64, words);
    };
    let here = "http://127.0.0.1:1";
    tax(&[], &["--through"]);
    tax(
        &["--target", here, "--through", here],
        &["both", "the proxy listens"],
    );
    tax(
        &["--through", "http://127.0.0.1:1/x"],
        &["--through", "after the port"],
    );
    tax(
        &["--through", here, "--rounds", "100000"],
        &["limit", "--accounts"],
    );
}

#[test]
fn a_server_that_is_not_there_is_a_failure_of_the_tool() {
    let nobody = [
        "--target",
        "http://127.0.0.1:1",
        "--through",
        "http://127.0.0.1:2",
    ];
    let words = ["Measuring 12 rounds", "127.0.0.1:1", "running"];
    check(&[&["mesh-tax"][..], &nobody].concat(), 1, &words);
}

#[test]
fn a_stored_result_is_shown_again() {
    let text = run(&["report", SAMPLE, "--exit-code"]);
    assert_eq!(text.status.code(), Some(0));
    let text = said(&text.stdout);
    for words in ["Waika mesh tax", "network, p50", "95 % interval", "\nVALID"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let figures = run(&["report", SAMPLE, "--format", "prometheus"]);
    let figures = said(&figures.stdout);
    assert!(figures.contains("waika_loadgen_mesh_tax_seconds{metric=\"proxy_cpu\"} 0.0000"));
    let json = run(&["report", SAMPLE, "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(SAMPLE).unwrap()).unwrap();
    assert_eq!(json["metrics"], stored["metrics"]);
}
