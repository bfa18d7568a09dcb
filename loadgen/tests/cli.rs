//! What the program promises to those who call it, held against the real binary.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

mod support;

use support::{Floor, check, run, said};

#[test]
fn usage_errors_exit_64_and_name_the_flag() {
    check(&["run", "--rate", "0"], 64, &["--rate", "0.001"]);
    check(&["run", "--duration", "0s"], 64, &["--duration"]);
    check(&["run", "--duration", "soon"], 64, &["--duration", "20s"]);
    check(&["run", "--in-flight", "0"], 64, &["--in-flight"]);
    check(&["run", "--accounts", "0"], 64, &["--accounts"]);
    check(
        &["run", "--target", "127.0.0.1:50051"],
        64,
        &["--target", "http://"],
    );
    check(
        &["run", "--target", "https://127.0.0.1:50051"],
        64,
        &["--target", "TLS"],
    );
    check(
        &["run", "--closed", "4", "--rate", "5"],
        64,
        &["--closed", "--rate"],
    );
    check(&["run", "--requests", "4"], 64, &["--closed"]);
    check(
        &["run", "--workers", "3", "--connections", "2"],
        64,
        &["--workers", "--connections"],
    );
    check(
        &["run", "--rate", "10000000", "--duration", "100h"],
        64,
        &["--rate", "--duration"],
    );
    check(&["run", "--duplicates", "200%"], 64, &["--duplicates"]);
    check(&["floor", "--listen", "nowhere"], 64, &["--listen"]);
    check(&["fly"], 64, &["fly"]);
    check(&[], 64, &["quickstart"]);
}

#[test]
fn help_and_version_are_no_failures() {
    for arguments in [["--help"].as_slice(), &["--version"], &["run", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(said(&output.stdout).contains("waika-loadgen"));
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let nobody = "http://127.0.0.1:1";
    let words = ["127.0.0.1:1", "running"];
    check(&["run", "--no-provision", "--target", nobody], 1, &words);
    check(&["run", "--target", nobody, "--admin", nobody], 1, &words);
    check(
        &["provision", "--target", nobody, "--admin", nobody],
        1,
        &words,
    );
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let arguments = ["run", "--no-provision", "--json", "/nowhere/report.json"];
    check(&arguments, 1, &["/nowhere/report.json"]);
}

#[test]
fn quickstart_without_a_server_says_how_to_build_one() {
    check(
        &["quickstart", "--server", "/nowhere/waika-server"],
        1,
        &["cargo build --release"],
    );
}

#[test]
fn a_server_that_is_not_waika_is_told() {
    let floor = Floor::start("multi");
    check(
        &["provision", "--target", &floor.url, "--admin", &floor.url],
        1,
        &["PutMerchant", "no waika-server"],
    );
    floor.stop();
}

#[test]
fn a_port_in_use_is_named() {
    let floor = Floor::start("multi");
    let address = floor.url.strip_prefix("http://").unwrap();
    check(&["floor", "--listen", address], 1, &[address]);
    floor.stop();
}

#[test]
fn a_server_that_does_not_begin_to_serve_is_told() {
    let words = ["did not begin to serve", "ended"];
    check(&["quickstart", "--server", "/bin/false"], 1, &words);
    check(
        &["quickstart", "--server", "/bin/echo"],
        1,
        &["did not begin to serve", "--listen"],
    );
}
