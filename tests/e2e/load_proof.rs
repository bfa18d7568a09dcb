//! The load generator's oracle against the real server: every way to pay is proven, and two runs of
//! one plan are alike.

use std::process::Command;

use serde_json::Value;

use crate::support::{Server, binary};

/// Runs a plan against a server, and gives back the report and the text. A busy machine may make the
/// run INVALID, which is no failure of what is tested here.
fn run(server: &Server, arguments: &[&str]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("result.json");
    let output = Command::new(binary("waika-loadgen"))
        .args(["run", "--target", server.rpc_address()])
        .args(["--admin", server.admin_address(), "--json"])
        .arg(&json)
        .args(["--merchants", "5", "--warm-up", "0s", "--deadline", "10s"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 5)), "{text}");
    assert!(
        !folder.path().join("waika-trace.jsonl").exists(),
        "a trace although nothing is wrong: {text}"
    );
    let report = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    (report, text)
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

/// What a certificate must say of an honest server.
fn check_proven(report: &Value, text: &str) {
    let certificate = &report["certificate"];
    assert_eq!(certificate["proven"], true, "{text}");
    assert_eq!(number(&certificate["violations"]), 0, "{text}");
    assert!(number(&certificate["authorisations"]) > 0, "{text}");
    assert_eq!(
        certificate["authorisations"], certificate["listed"],
        "{text}"
    );
}

fn other_call<'a>(report: &'a Value, rpc: &str) -> &'a Value {
    let calls = report["other_calls"].as_array().unwrap();
    calls
        .iter()
        .find(|calls| calls["rpc"] == rpc)
        .unwrap_or_else(|| panic!("no {rpc} in {calls:?}"))
}

#[tokio::test]
async fn every_errand_is_proven() {
    let server = Server::start();
    let plan = server_plan(
        "[modes]\npayment_code = \"20%\"\nmerchant_qr = \"40%\"\nonline = \"40%\"\n\
         [errands]\nreversals = \"15%\"\nrefunds = \"10%\"\nchurn = \"5%\"\nreverse_after = \"200ms\"\n\
         [traffic]\nduplicates = \"5%\"\nwrong_passwords = \"0.2%\"\n",
    );
    let path = plan.path().to_str().unwrap();
    let flags = ["--plan", path, "--rate", "250", "--duration", "4s"];
    let (report, text) = run(
        &server,
        &[&flags[..], &["--accounts", "60", "--rules"]].concat(),
    );
    check_proven(&report, &text);
    for rpc in [
        "CreatePaymentCode",
        "Reverse",
        "Settle",
        "Refund",
        "SendPhoneCode",
        "Bind",
        "Unbind",
    ] {
        let facts = other_call(&report, rpc);
        assert_eq!(facts["outcomes"][0]["name"], "done", "{rpc}: {text}");
        assert!(number(&facts["counts"]["sent"]) > 5, "{rpc}: {text}");
    }
    let certificate = &report["certificate"];
    assert!(number(&certificate["replays_compared"]) > 10, "{text}");
    assert!(number(&certificate["reversals"]) > 30, "{text}");
    let rules = report["rules"]["guide"].as_array().unwrap();
    assert_eq!(rules.len(), 72);
    let exercised = |id: &str| {
        let rule = rules.iter().find(|rule| rule["id"] == id).unwrap();
        number(&rule["count"]) > 0
    };
    for id in [
        "R18", "R37", "R42", "R48", "R56", "R57", "R58", "R64", "R71",
    ] {
        assert!(exercised(id), "{id}: {text}");
    }
}

#[tokio::test]
async fn a_retry_storm_has_as_many_effects_as_keys() {
    let server = Server::start();
    let plan = server_plan("[traffic]\nkeys = 20\nduplicates = 0\n");
    let path = plan.path().to_str().unwrap();
    let flags = ["--plan", path, "--rate", "500", "--duration", "4s"];
    let (report, text) = run(&server, &[&flags[..], &["--accounts", "10"]].concat());
    check_proven(&report, &text);
    let certificate = &report["certificate"];
    let sent = number(&report["counts"]["sent"]);
    assert_eq!(number(&certificate["authorisations"]), 20, "{text}");
    assert_eq!(
        number(&certificate["retries_absorbed"]),
        sent - 20,
        "{text}"
    );
}

#[tokio::test]
async fn payments_over_streams_are_proven_too() {
    let server = Server::start();
    for batch in ["1", "8"] {
        let flags = [
            "--stream",
            "--batch",
            batch,
            "--rate",
            "600",
            "--duration",
            "2s",
        ];
        let (report, text) = run(&server, &[&flags[..], &["--accounts", "100"]].concat());
        check_proven(&report, &text);
        assert!(number(&report["counts"]["answered"]) > 900, "{text}");
    }
}

#[tokio::test]
async fn a_months_end_in_the_middle_is_proven() {
    let server = Server::start();
    let flags = ["--preset", "month-end", "--rate", "200", "--duration", "6s"];
    let (report, text) = run(
        &server,
        &[&flags[..], &["--accounts", "40", "--rules"]].concat(),
    );
    check_proven(&report, &text);
    let decisions = report["rules"]["decisions"].as_array().unwrap();
    let d1 = decisions.iter().find(|rule| rule["id"] == "D1").unwrap();
    assert!(number(&d1["count"]) > 100, "no month has ended: {text}");
}

#[tokio::test]
async fn one_plan_meets_the_same_answers_on_two_servers() {
    let alike = |seed: &str| {
        let server = Server::start();
        let flags = [
            "--rate",
            "300",
            "--duration",
            "2s",
            "--accounts",
            "50",
            "--seed",
            seed,
        ];
        let (report, text) = run(&server, &flags);
        check_proven(&report, &text);
        report["decided_alike"].as_str().unwrap().to_owned()
    };
    let first = alike("7");
    assert_eq!(first, alike("7"));
    assert_ne!(first, alike("8"));
}

/// A plan file with these sections.
fn server_plan(sections: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("version = 1\n{sections}")).unwrap();
    file
}
