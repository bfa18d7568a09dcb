//! `postgres-probe`: what it measures, what it refuses, and that nothing stays.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use waika_server::ledger::postgres::Session;

use super::cluster::Cluster;
use super::connect;

fn command(url: &str, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waika-server"));
    command
        .args(["postgres-probe", "--store", url])
        .args(line.split_whitespace());
    command
}

fn run(url: &str, line: &str) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(url, line).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// What a command that must end so says.
fn refused(url: &str, line: &str, code: i32) -> String {
    let (found, stdout, stderr) = run(url, &format!("--duration 1ms {line}"));
    assert_eq!(found, Some(code), "{stderr}");
    assert_eq!(stdout, "");
    stderr
}

async fn schemas(session: &Session) -> i64 {
    let count = "select count(*) from pg_namespace where nspname like 'waika%'";
    session.client().query_one(count, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn figures_are_told_and_nothing_stays() {
    let cluster = Cluster::start(&[]);
    let session = connect(&cluster).await;
    let home = TempDir::new().unwrap();
    let file = home.path().join("figures.json");
    let line = format!(
        "--duration 300ms --lanes 2 --at-once 50 --json {}",
        file.display()
    );
    let (code, told, stderr) = run(&cluster.url(), &line);
    assert_eq!(code, Some(0), "{stderr}");
    for part in [
        "an answered commit is on its disk (synchronous_commit = on)",
        "this machine's, known within",
        "round trip ",
        "one commit ",
        "batches ",
        "in 2 lanes",
    ] {
        assert!(told.contains(part), "{part:?} not in {told}");
    }
    let figures: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let rows = figures["rows"].as_array().unwrap();
    let at_once: Vec<_> = rows.iter().map(|row| row["at_once"].clone()).collect();
    assert_eq!(at_once, [1, 1, 100]);
    for row in rows {
        assert!(row["count"].as_u64().unwrap() > 0, "{row}");
        let [p50, max] = ["p50_ns", "max_ns"].map(|name| row[name].as_u64().unwrap());
        assert!(0 < p50 && p50 <= max, "{row}");
    }
    assert_eq!(figures["loses_commits_by"], Value::Null);
    assert_eq!(schemas(&session).await, 0);
}

#[tokio::test]
async fn whoever_stops_it_has_the_figures_so_far_and_no_schema() {
    let cluster = Cluster::start(&[]);
    let session = connect(&cluster).await;
    let mut child = command(&cluster.url(), "--duration 1h")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("postgres-probe: "), "{first}");
    assert_eq!(schemas(&session).await, 1);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains("Interrupted"), "{told}");
    assert_eq!(schemas(&session).await, 0);
}

#[tokio::test]
async fn a_database_that_will_not_do_is_refused_by_name() {
    let cluster = Cluster::start(&[]);
    let session = connect(&cluster).await;
    let set = |text: &'static str| session.client().batch_execute(text);
    let url = cluster.url();

    set("alter role waika set synchronous_commit = off")
        .await
        .unwrap();
    let said = refused(&url, "", 64);
    assert!(said.contains("has synchronous_commit = off"), "{said}");
    assert!(said.contains("--store-may-lose-commits"), "{said}");
    let (code, told, _) = run(&url, "--duration 1ms --store-may-lose-commits");
    assert_eq!(code, Some(0));
    assert!(told.contains("CAN BE LOST"), "{told}");
    set("alter role waika reset synchronous_commit")
        .await
        .unwrap();

    set("alter role waika set default_transaction_read_only = on")
        .await
        .unwrap();
    let said = refused(&url, "", 64);
    assert!(said.contains("is a replica, or read-only"), "{said}");
    set("alter role waika reset default_transaction_read_only")
        .await
        .unwrap();

    set("create role guest login").await.unwrap();
    let said = refused(&url.replace("waika@", "guest@"), "", 73);
    assert!(said.contains("GRANT CREATE ON DATABASE"), "{said}");

    let said = refused(&url.replace("/postgres", "/nosuch"), "", 64);
    assert!(
        said.contains("database \"nosuch\" does not exist"),
        "{said}"
    );
    cluster.stop("fast");
    let said = refused(&url, "", 69);
    assert!(said.contains("Connection refused"), "{said}");
    assert!(said.contains(&url), "{said}");
}

#[tokio::test]
async fn a_password_comes_from_a_file_and_is_never_told() {
    let cluster = Cluster::start(&[]);
    let session = connect(&cluster).await;
    let client = session.client();
    client
        .batch_execute("alter role waika password 'kept from everybody'")
        .await
        .unwrap();
    cluster.ask_for_passwords();
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .unwrap();
    let home = TempDir::new().unwrap();
    let file = home.path().join("password");
    let line = format!("--store-password-file {}", file.display());
    let said = refused(&cluster.url(), "", 69);
    assert!(said.contains("password"), "{said}");
    fs::write(&file, "another\n").unwrap();
    let said = refused(&cluster.url(), &line, 64);
    assert!(said.contains("password authentication failed"), "{said}");
    fs::write(&file, "kept from everybody\nand a line that is none\n").unwrap();
    let (code, told, said) = run(&cluster.url(), &format!("--duration 1ms {line}"));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        !format!("{told}{said}").contains("kept from"),
        "{told}{said}"
    );
    // One in the URL is not told either, whatever is wrong.
    let url = cluster.url().replace("waika@", "waika:s3cret@");
    for (line, code) in [
        ("", 64),
        (line.as_str(), 64),
        ("--lanes 0", 64),
        ("--at-once 257", 64),
    ] {
        let said = refused(&url, line, code);
        assert!(!said.contains("s3cret"), "{said}");
    }
    fs::write(&file, "\n").unwrap();
    let said = refused(&cluster.url(), &line, 64);
    assert!(said.contains("no password in its first line"), "{said}");
}

#[test]
fn a_server_is_known_by_its_certificate() {
    let home = TempDir::new().unwrap();
    let root = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let file = home.path().join(name);
        fs::write(&file, pem).unwrap();
        (Issuer::new(params, key), file)
    };
    let (ours, ours_file) = root("ours.pem");
    let (_, theirs_file) = root("theirs.pem");
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    let cluster = Cluster::start_with(&["ssl=on"], |data| {
        vec![
            (data.join("server.crt"), certificate.pem()),
            (data.join("server.key"), key.serialize_pem()),
        ]
    });
    let line = |file: &std::path::Path| format!("--store-ca {}", file.display());
    let (code, _, said) = run(
        &cluster.url(),
        &format!("--duration 1ms {}", line(&ours_file)),
    );
    assert_eq!(code, Some(0), "{said}");
    let said = refused(&cluster.url(), &line(&theirs_file), 69);
    assert!(said.contains("UnknownIssuer"), "{said}");
    let other_name = cluster.url().replace("127.0.0.1", "localhost");
    let said = refused(&other_name, &line(&ours_file), 69);
    assert!(said.contains("not valid for name"), "{said}");
    // Whoever stands between cannot talk us out of TLS.
    cluster.stop("fast");
    cluster.restart(&["ssl=off"]);
    let said = refused(&cluster.url(), &line(&ours_file), 69);
    assert!(said.contains("does not support TLS"), "{said}");
}
