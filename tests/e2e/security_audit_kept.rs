//! The operator log outlives kills, comes from snapshots too, and says where it was pruned.

use std::process::Command;

use tokio::task::JoinSet;
use waika::v1;

use crate::crash_formats::home_of_the_first;
use crate::crash_prune::{PRUNING, snapshot, trade_and_prune};
use crate::security_audit_story::{actions, all_actions, do_everything, told};
use crate::security_identity::Known;
use crate::support::{Home, Server, binary};
use crate::wallet::{Callers, merchant};

impl Known {
    /// The same in a new process, after a kill.
    fn killed(self) -> Self {
        let Self {
            server,
            authority,
            files,
        } = self;
        let arguments = files.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Self {
            server: Server::start_in(server.kill(), &arguments),
            authority,
            files,
        }
    }
}

async fn first_page(server: &Server) -> v1::ListOperatorActionsResponse {
    let mut admin = server.admin().await;
    let listed = admin.list_operator_actions(asked_for("")).await;
    listed.unwrap().into_inner()
}

/// What a caller did, or all of it.
fn asked_for(caller: &str) -> v1::ListOperatorActionsRequest {
    v1::ListOperatorActionsRequest {
        caller: caller.to_owned(),
        ..v1::ListOperatorActionsRequest::default()
    }
}

#[tokio::test]
async fn the_log_is_the_same_after_a_kill_and_from_a_snapshot() {
    let known = Known::start();
    let mut callers = known.callers().await;
    do_everything(&mut callers).await;
    let before = all_actions(&mut callers.admin).await;
    let known = known.killed();
    let mut callers = known.callers().await;
    assert_eq!(all_actions(&mut callers.admin).await, before, "by replay");
    snapshot(&mut callers).await;
    let known = known.killed();
    let mut callers = known.callers().await;
    assert_eq!(all_actions(&mut callers.admin).await, before, "by snapshot");
    callers.put_merchant(merchant("tea-house")).await;
    let after = all_actions(&mut callers.admin).await;
    assert_eq!(after[1..], before, "and goes on");
    assert_eq!(after[0].subject, "tea-house");
}

#[tokio::test]
async fn a_log_that_was_pruned_ends_with_what_is_kept_and_says_so() {
    let server = Server::start_with(&PRUNING);
    drop(trade_and_prune(&server).await);
    let kept = first_page(&server).await;
    let kinds: Vec<_> = kept.actions.iter().map(|it| told(it).0).collect();
    assert_eq!(kinds, ["SetClock"], "of the fifteenth");
    assert!(kept.next_page_token.is_empty() && kept.pruned_before.is_some());
    let server = Server::start_in(server.kill(), &PRUNING);
    assert_eq!(first_page(&server).await, kept);
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant("tea-house")).await;
    assert_eq!(all_actions(&mut callers.admin).await.len(), 2);
}

#[tokio::test]
async fn a_journal_of_before_the_log_opens_and_the_log_begins_with_what_comes() {
    let server = Server::start_in(home_of_the_first(), &["--keys-in-memory", "1000"]);
    let mut callers = Callers::of(&server).await;
    assert!(all_actions(&mut callers.admin).await.is_empty());
    callers.put_merchant(merchant("tea-house")).await;
    let first = all_actions(&mut callers.admin).await;
    assert_eq!(first.len(), 1);
    let server = Server::start_in(server.kill(), &["--keys-in-memory", "1000"]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(all_actions(&mut callers.admin).await, first);
}

#[tokio::test]
async fn a_policy_file_is_part_of_the_log_and_nobodys_call() {
    let server = Server::start_under("name = \"strict\"\n[limits]\nsingle_fen = 400000\n");
    let mut callers = Callers::of(&server).await;
    let log = all_actions(&mut callers.admin).await;
    let changes: Vec<_> = log.iter().map(|action| told(action).3).collect();
    assert_eq!(
        changes,
        [
            vec![
                "policy.activated: false → true".to_owned(),
                "policy_in_force: weixin-2023 → strict".to_owned(),
            ],
            vec!["policy.name:  → strict".to_owned()],
        ]
    );
    for action in log {
        let nobodys = [&*action.rpc, &*action.caller, &*action.idempotency_key];
        assert_eq!(nobodys, [""; 3]);
        assert_eq!(action.subject, "strict");
    }
}

/// A page is short rather than slow.
#[tokio::test]
async fn a_page_of_what_nobody_did_is_empty_and_goes_on() {
    const MANY: usize = 1_005;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut puts = JoinSet::new();
    for number in 0..MANY {
        let mut callers = callers.clone();
        puts.spawn(async move { callers.put_merchant(merchant(&format!("m{number}"))).await });
    }
    puts.join_all().await;
    let request = asked_for("spiffe://shop.example/ops/nobody");
    let first = callers.admin.list_operator_actions(request.clone()).await;
    let first = first.unwrap().into_inner();
    assert!(first.actions.is_empty() && !first.next_page_token.is_empty());
    assert!(actions(&mut callers.admin, request).await.is_empty());
    assert_eq!(all_actions(&mut callers.admin).await.len(), MANY);
}

/// The rows of `journal export` of one kind, as JSON.
fn exported(home: &Home, kind: &str) -> Vec<serde_json::Value> {
    let exported = Command::new(binary("waika-server"))
        .args(["journal", "export", "--format", "json-lines"])
        .args(["--output", "-", "--store"])
        .arg(format!("journal:{}", home.data().display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&exported.stderr);
    assert!(exported.status.success(), "{said}");
    let text = String::from_utf8(exported.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let rows = rows.filter(|row: &serde_json::Value| row["kind"] == kind);
    rows.collect()
}

#[tokio::test]
async fn an_export_shows_what_was_changed() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant("tea-house")).await;
    let rows = exported(&server.kill(), "merchant_put");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    let changes: serde_json::Value =
        serde_json::from_str(row["changes"].as_str().unwrap()).unwrap();
    assert_eq!(changes[0]["field"], "merchant.merchant_id");
    assert_eq!(changes[1]["before"], "");
    assert_eq!(changes[1]["after"], "Noodle bar");
}
