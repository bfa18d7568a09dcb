//! Calls that name their account come to one server through a proxy that hashes (haproxy), and meet no other's there.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::postgres_cluster::free_port;
use crate::postgres_support::{Database, until};
use crate::support::{Server, binary};

/// A proxy before servers, which ends with this.
struct Proxy {
    process: Child,
    address: String,
}

impl Proxy {
    async fn start(folder: &Path, servers: &[Server]) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let mut backends = String::new();
        for (number, server) in servers.iter().enumerate() {
            let address = server.rpc_address().trim_start_matches("http://");
            writeln!(backends, "  server node{number} {address} proto h2").unwrap();
        }
        let file = folder.join("haproxy.cfg");
        let settings = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n\
             frontend callers\n  bind {address} proto h2\n  default_backend nodes\n\
             backend nodes\n  balance hdr(x-waika-account-hash)\n  hash-type consistent\n{backends}"
        );
        std::fs::write(&file, settings).unwrap();
        let log = folder.join("haproxy.log");
        let process = Command::new("haproxy")
            .args(["-db", "-q", "-f"])
            .arg(&file)
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("haproxy (apt-get install haproxy): {error}"));
        until("haproxy listens", async || {
            sleep(Duration::from_millis(20)).await;
            TcpStream::connect(&address).await.is_ok()
        })
        .await;
        Self {
            process,
            address: format!("http://{address}"),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _it_may_have_ended = self.process.kill();
        let _nobody_asks = self.process.wait();
    }
}

const APPROVED: &str =
    r#"waika_decisions_total{decision="APPROVED",reason="",layer="",scene="PURCHASE"}"#;

/// Of both servers: what they have approved, and how often the other had come between.
async fn figures(servers: &[Server; 2]) -> [(f64, f64); 2] {
    let mut found = [(0.0, 0.0); 2];
    for (server, found) in servers.iter().zip(&mut found) {
        let figure = async |name| server.figure(name).await.unwrap_or_default();
        // Found in time or too late.
        let changed = figure("waika_accounts_held_total{found=\"changed\"}").await;
        let conflicts = figure("waika_store_not_durable_total{outcome=\"conflict\"}").await;
        *found = (figure(APPROVED).await, changed + conflicts);
    }
    found
}

fn loadgen(server: &Server, arguments: &[&str]) -> String {
    let output = Command::new(binary("waika-loadgen"))
        .args(arguments)
        .args(["--admin", server.admin_address(), "--accounts", "20"])
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 5)), "{text}");
    text
}

/// 2,000 payments of 20 accounts, which are there: how often the other server had come between, as a share of them, and
/// of both servers the fewer approvals.
async fn pay(servers: &[Server; 2], proxy: &Proxy, more: &[&'static str]) -> (f64, f64) {
    let before = figures(servers).await;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let address = proxy.address.clone();
    let mut arguments = vec!["run", "--target", &address, "--json"];
    arguments.extend([report.to_str().unwrap(), "--no-oracle"]);
    arguments.extend(["--allow-limits", "--closed", "32", "--requests", "2000"]);
    arguments.extend(["--connections", "2", "--deadline", "30s"]);
    arguments.extend(more);
    let text = tokio::task::block_in_place(|| loadgen(&servers[0], &arguments));
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let after = figures(servers).await;
    assert_eq!(report["counts"]["errors"], 0, "{text}");
    assert_eq!(report["counts"]["answered"], 2_000, "{text}");
    let of = |server: usize| {
        let (before, after) = (before[server], after[server]);
        (after.0 - before.0, after.1 - before.1)
    };
    let decided = of(0).0 + of(1).0;
    assert!(decided >= 1_900.0, "{decided}: {text}");
    ((of(0).1 + of(1).1) / decided, of(0).0.min(of(1).0))
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_name_their_account_meet_no_other_servers() {
    let database = Database::start();
    let servers = database.nodes::<2>();
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(folder.path(), &servers).await;
    let provision = ["provision", "--target", servers[0].rpc_address()];
    tokio::task::block_in_place(|| loadgen(&servers[0], &provision));
    let (anywhere, _) = pay(&servers, &proxy, &["--seed", "1"]).await;
    // What stands in a server's memory from before is old, and is met once.
    pay(&servers, &proxy, &["--seed", "1", "--account-hash"]).await;
    let (by_hash, fewest) = pay(&servers, &proxy, &["--seed", "1", "--account-hash"]).await;
    assert!(
        fewest > 100.0,
        "one server has decided nearly all: {fewest}"
    );
    assert!(anywhere > 0.1, "or nothing was proved: {anywhere}");
    // The run looks for its people first, at either server: that is one conflict an account at most.
    assert!(by_hash <= 0.01, "{by_hash} with, {anywhere} without");
}
