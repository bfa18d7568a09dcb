//! The load generator against the real server: its own words are checked by the server's.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{Server, binary};
use crate::wallet::Callers;

#[tokio::test]
async fn quickstart_ends_with_histograms_and_outcomes_and_zero() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("result.json");
    let mut quickstart = Command::new(binary("waika-loadgen"));
    quickstart
        .args(["quickstart", "--rate", "200", "--duration", "3s"])
        .args(["--accounts", "100", "--merchants", "10", "--json"])
        .arg(&json)
        .current_dir(folder.path());
    let (output, text) = run(&mut quickstart);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in ["p99", "response", "service", "lag", "approved", "VALID"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let result: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(result["schema"], "waika-loadgen/run/1");
    let page = std::fs::read_to_string(folder.path().join("waika-report.html")).unwrap();
    assert!(page.contains("<svg"), "the report as a page has its plots");
}

#[tokio::test]
async fn what_the_generator_saw_approved_is_what_the_server_counted() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("result.json");
    let mut load = Command::new(binary("waika-loadgen"));
    load.args([
        "run",
        "--rate",
        "300",
        "--duration",
        "3s",
        "--warm-up",
        "0s",
    ])
    .args([
        "--accounts",
        "50",
        "--merchants",
        "5",
        "--target",
        server.rpc_address(),
    ])
    .args(["--admin", server.admin_address(), "--json"])
    .arg(&json);
    let (output, text) = run(&mut load);
    // 5 says that this machine was too busy for the figures; the counts hold all the same.
    assert!(matches!(output.status.code(), Some(0 | 5)), "{text}");
    let result: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let approved = count(&result, "approved");
    assert!(approved > 500, "{text}");

    let metrics = server.metrics().await;
    let counted: u64 = metrics
        .lines()
        .filter(|line| line.starts_with("waika_decisions_total") && line.contains("APPROVED"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(counted, approved, "{metrics}");
    // The people are the generator's own: the first of them can be asked after by name.
    let mut callers = Callers::of(&server).await;
    assert!(callers.account("acct-1-0").await.verified);
}

#[tokio::test]
async fn schemes_have_their_accounts_and_the_server_s_time_its_table() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let measure = |arguments: &[&str]| {
        let json = folder.path().join("result.json");
        let mut load = Command::new(binary("waika-loadgen"));
        load.args(["run", "--rate", "300", "--duration", "2s", "--accounts"])
            .args(["8", "--merchants", "5", "--target", server.rpc_address()])
            .args(["--admin", server.admin_address(), "--json"])
            .arg(&json)
            .args(arguments);
        let (output, text) = run(&mut load);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{text}");
        let result: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        (result, text)
    };
    let besides = ["--scheme", "visa=3,jcb=1", "--by-scheme", "--timing"];
    let (result, text) = measure(&besides);
    let schemes = result["schemes"].as_array().unwrap();
    let told: Vec<_> = schemes
        .iter()
        .map(|scheme| (&scheme["scheme"], &scheme["accounts"]))
        .collect();
    assert_eq!(told.len(), 2, "{text}");
    assert!(told[0].0 == "visa" && told[0].1 == 6, "{text}");
    assert!(told[1].0 == "jcb" && told[1].1 == 2, "{text}");
    let timing = &result["timing"];
    let answers = |name: &str| timing[name].as_u64().unwrap();
    let decided = answers("answers_with") + answers("answers_without");
    assert_eq!(
        Some(decided),
        result["counts"]["answered"].as_u64(),
        "{text}"
    );
    // Whoever does not tell its time is named; whoever does has the table.
    let expected = match answers("answers_with") {
        0 => "No server timing came",
        _ => "network and client",
    };
    assert!(text.contains(expected), "{text}");
    // The same people have the same cards without shares: nobody is refused.
    let (result, text) = measure(&[]);
    assert!(count(&result, "approved") > 300, "{text}");
}

fn count(result: &Value, name: &str) -> u64 {
    let outcomes = result["outcomes"].as_array().unwrap();
    let outcome = outcomes.iter().find(|outcome| outcome["name"] == name);
    outcome
        .and_then(|outcome| outcome["count"].as_u64())
        .unwrap_or_default()
}

fn run(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output, text)
}
