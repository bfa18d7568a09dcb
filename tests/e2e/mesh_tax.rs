//! What a proxy costs, measured by the load generator through a real one.

use std::process::Command;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::mesh_cuts::carry;
use crate::support::{Server, binary};

/// A proxy that only carries bytes.
async fn proxy(server: &str) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let server = TcpStream::connect(server).await.unwrap();
                carry(client, server, usize::MAX).await;
            });
        }
    });
    format!("http://{at}")
}

/// Whether it is to be believed is the machine's affair; that every block was measured, and each call twice timed, is
/// not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generator_tells_what_a_proxy_costs_each_call() {
    let server = Server::start();
    let through = proxy(server.rpc_address()).await;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let mut tax = Command::new(binary("waika-loadgen"));
    tax.arg("mesh-tax")
        .args(["--target", server.rpc_address(), "--through", &through])
        .args(["--admin", server.admin_address()])
        .args(["--server-pid", &server.id().to_string()])
        .args(["--proxy-pid", &std::process::id().to_string()])
        .args(["--rounds", "6", "--block", "100ms", "--warm-up", "20ms"])
        .args(["--rate", "200", "--accounts", "100"])
        .arg("--json")
        .arg(&report);
    let ended = tokio::task::spawn_blocking(move || tax.output().unwrap());
    let ended = ended.await.unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(matches!(ended.status.code(), Some(0 | 5)), "{told}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["schema"], "waika-loadgen/mesh-tax/1");
    let rounds = report["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 6, "{told}");
    for side in rounds
        .iter()
        .flat_map(|round| [&round["direct"], &round["through"]])
    {
        assert!(side["approved"].as_u64().unwrap() > 0, "{side}");
        assert_eq!(side["others"], Value::Array(Vec::new()), "{side}");
        assert_eq!(side["untimed"], 0, "{side}");
    }
    for metric in [
        "response_p50",
        "network_p50",
        "server_p50",
        "server_cpu",
        "proxy_cpu",
    ] {
        let mut metrics = report["metrics"].as_array().unwrap().iter();
        let found = metrics.find(|found| found["metric"] == metric);
        let found = found.unwrap_or_else(|| panic!("no {metric}: {told}"));
        assert_eq!(found["rounds"], 6, "{found}");
        let of = |name: &str| found[name].as_f64().unwrap();
        assert!(
            of("low_ns") <= of("estimate_ns") && of("estimate_ns") <= of("high_ns"),
            "{found}"
        );
    }
}
