//! Codes outlive the server, from the journal and from a snapshot, and are written nowhere
//! (D10, R57, R4).

use std::fs;
use std::process::Command;

use waika::v1;

use crate::code::{ask, issued, scan};
use crate::support::{Home, Server, binary};
use crate::wallet::Callers;

impl Server {
    /// Kills it and starts it again.
    pub(crate) fn restarted(self) -> Self {
        Self::start_in(self.kill(), &[])
    }

    /// The same, from a snapshot that is taken before.
    pub(crate) async fn restarted_from_snapshot(self) -> Self {
        let mut admin = self.admin().await;
        let taken = admin.take_snapshot(v1::TakeSnapshotRequest {}).await;
        let file = taken.unwrap().into_inner().file;
        let server = self.restarted();
        let there = server.home.data().join(file).exists();
        assert!(there, "the snapshot that it started from");
        server
    }
}

impl Home {
    /// Runs a command of `waika-server` over the journal here, and gives what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let store = format!("journal:{}", self.data().display());
        let mut command = Command::new(binary("waika-server"));
        let output = command.args(arguments).args(["--store", &store]).output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every entry of the journal as `journal export` writes it.
    pub(crate) fn exported(&self) -> String {
        self.run(&[
            "journal",
            "export",
            "--format",
            "json-lines",
            "--output",
            "-",
        ])
    }
}

#[tokio::test]
async fn d10_codes_outlive_a_restart_with_and_without_a_snapshot() {
    for from_snapshot in [false, true] {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        callers.freeze("2024-01-10T12:00:00+08:00").await;
        let card = callers.wallet("a").await;
        let unused = callers.code("a", &card, "1").await;
        let used = callers.code("a", &card, "2").await;
        let late = callers.code("a", &card, "3").await;
        assert_eq!(callers.decision(scan(&used, "1", 100)).await, "APPROVED");
        callers.freeze("2024-01-10T12:00:59+08:00").await;

        let server = if from_snapshot {
            server.restarted_from_snapshot().await
        } else {
            server.restarted()
        };
        let mut callers = Callers::of(&server).await;
        let again = callers.decision(scan(&used, "2", 100)).await;
        assert_eq!(again, "PAYMENT_CODE_USED", "snapshot {from_snapshot}");
        let paid = callers.decision(scan(&unused, "3", 100)).await;
        assert_eq!(paid, "APPROVED", "snapshot {from_snapshot}");
        callers.freeze("2024-01-10T12:01:00+08:00").await;
        let over = callers.decision(scan(&late, "4", 100)).await;
        assert_eq!(over, "PAYMENT_CODE_EXPIRED", "snapshot {from_snapshot}");
        assert_eq!(callers.used("a").await, (200, 200));
    }
}

#[tokio::test]
async fn d18_keys_of_codes_outlive_a_restart_from_a_snapshot() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let made = callers.create_code(ask("a", &card, "c")).await;
    let code = issued(&made).payment_code;
    let payments = [scan(&code, "k", 100), scan("123456789012345678", "k", 100)];
    let mut answers = Vec::new();
    for payment in &payments {
        answers.push(callers.authorise(payment.clone()).await.unwrap());
    }
    let taken = callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await;
    let file = taken.unwrap().into_inner().file;
    let server = server.restarted();
    let mut callers = Callers::of(&server).await;
    for (payment, answer) in payments.iter().zip(&answers) {
        let again = callers.authorise(payment.clone()).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.authorisation, answer.authorisation);
    }
    let again = callers.create_code(ask("a", &card, "c")).await;
    assert_eq!((again.replayed, issued(&again)), (true, issued(&made)));
    let (log, _) = server.stop_and_read_log();
    assert!(log.contains(&file), "it started from that: {log}");
}

#[tokio::test]
async fn r57_a_code_is_written_nowhere() {
    let server = Server::start_with(&["--log-level", "trace", "--log", "json"]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    let unknown = "123456789012345678";
    callers.decision(scan(&code, "1", 100)).await;
    callers.decision(scan(&code, "2", 100)).await;
    callers.decision(scan(unknown, "3", 100)).await;
    let malformed = scan(&format!("{code}0"), "4", 100);
    let malformed = callers.authorise(malformed).await.unwrap_err();
    let conflict = callers.authorise(scan(&code, "1", 101)).await.unwrap_err();
    let mut kept = server.metrics().await.into_bytes();
    for error in [malformed, conflict] {
        kept.extend(error.message().as_bytes());
        kept.extend(error.details());
    }
    callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await
        .unwrap();
    let (log, home) = server.stop_and_read_log();
    assert!(log.contains("recovered"), "the log was written");
    kept.extend(log.into_bytes());
    for entry in fs::read_dir(home.data()).unwrap() {
        kept.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    kept.extend(home.exported().into_bytes());
    let held = |needle: &str| {
        let needle = needle.as_bytes();
        kept.windows(needle.len()).any(|window| window == needle)
    };
    assert!(!held(&code) && !held(unknown));
    assert!(held("noodle-bar"), "the search finds things");
}
