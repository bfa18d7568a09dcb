//! Pruning by age: what is older than `--journal-retention` goes, a kill changes nothing, and whoever asks
//! for what is gone is told so, and not that it never was.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use waika::v1;

use crate::refund::refund;
use crate::settlement::exported;
use crate::support::{Home, Server, binary, reason_of};
use crate::wallet::{Callers, decision, instant, pay, reverse, reverse_by_key};

pub(crate) const PRUNING: [&str; 6] = [
    "--segment-bytes",
    "4096",
    "--journal-retention",
    "3d",
    "--snapshot-every",
    "0",
];
const FIRST_KEPT: &str = "waika_journal_first_sequence";
/// Of the wallet `a` before its history is pruned, and since.
const OLD: i64 = 60;
const LATER: i64 = 12;
const FEN: i64 = 100;

/// What was done in a wallet.
pub(crate) struct Done {
    card: String,
    /// Authorisations of long ago.
    old: Vec<String>,
    /// Of today.
    new: Vec<String>,
    /// The service message of long ago.
    notice: String,
}

/// As the metrics page has it.
async fn first_kept(server: &Server) -> String {
    server.figure(FIRST_KEPT).await.unwrap().to_string()
}

async fn paid(callers: &mut Callers, card: &str, key: &str) -> String {
    let paid = callers.paid("a", card, key, FEN).await;
    paid.authorisation_id
}

pub(crate) async fn snapshot(callers: &mut Callers) {
    let request = v1::TakeSnapshotRequest {};
    callers.admin.take_snapshot(request).await.unwrap();
}

/// Payments of the fifth of January, and of the fifteenth, with snapshots that prune.
pub(crate) async fn trade_and_prune(server: &Server) -> Done {
    let mut callers = Callers::of(server).await;
    callers.freeze("2024-01-05T10:00:00+08:00").await;
    let card = callers.passport_wallet("p").await;
    drop(card);
    callers.send_page_and_face("p").await;
    let verdict = v1::ReviewVerdict::Reject;
    callers.resolve_review("p", "no", verdict).await;
    // The oldest of two: whoever goes on from there misses the other.
    let notice = callers.notices("p").await.pop().unwrap().notification_id;
    let card = callers.wallet_with("a", 111_000_002).await;
    let mut old = Vec::new();
    for number in 0..OLD {
        old.push(paid(&mut callers, &card, &format!("old {number}")).await);
    }
    callers.freeze("2024-01-15T10:00:00+08:00").await;
    let mut new = Vec::new();
    for number in 0..LATER {
        new.push(paid(&mut callers, &card, &format!("new {number}")).await);
        if number >= LATER - 2 {
            snapshot(&mut callers).await;
        }
    }
    let begun = Instant::now();
    while first_kept(server).await == "1" {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing goes");
        sleep(Duration::from_millis(20)).await;
    }
    Done {
        card,
        old,
        new,
        notice,
    }
}

fn assert_pruned(status: &Status) {
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    assert_eq!(reason_of(status), "AUTHORISATION_PRUNED");
    assert!(status.message().contains("waika-server journal export"));
    let details = status.get_error_details_vec();
    let details = format!("{details:?}");
    for told in [
        "first_kept_sequence",
        "2024-01-05T02:00:00Z",
        "zh-CN",
        "归档",
    ] {
        assert!(details.contains(told), "{told} not in {details}");
    }
}

fn assert_unknown(status: &Status) {
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    assert_eq!(reason_of(status), "NOT_FOUND");
}

impl Callers {
    async fn look_up(&mut self, account: &str, id: &str) -> Result<(), Status> {
        let request = v1::GetAuthorisationRequest {
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let found = self.authorisations.get_authorisation(request).await;
        found.map(drop)
    }

    async fn page_of_a(&mut self, size: i32, token: &str) -> v1::ListAuthorisationsResponse {
        let request = v1::ListAuthorisationsRequest {
            account_id: "a".to_owned(),
            page_size: size,
            page_token: token.to_owned(),
        };
        let page = self.authorisations.list_authorisations(request).await;
        page.unwrap().into_inner()
    }
}

/// Whatever names an authorisation that is gone; what was never there is another thing.
async fn check_ids(callers: &mut Callers, done: &Done, turn: &str) {
    let gone = &done.old[0];
    for account in ["a", "p"] {
        assert_pruned(&callers.look_up(account, gone).await.unwrap_err());
    }
    let request = reverse("a", &format!("r {turn}"), gone);
    assert_pruned(&callers.reverse(request).await.unwrap_err());
    let request = refund("a", &format!("f {turn}"), gone);
    assert_pruned(&callers.refund(request).await.unwrap_err());
    let request = v1::SettleRequest {
        idempotency_key: format!("s {turn}"),
        account_id: "a".to_owned(),
        authorisation_id: gone.clone(),
    };
    let settled = callers.authorisations.settle(request).await;
    assert_pruned(&settled.unwrap_err());
    for kept in [&done.new[0], done.old.last().unwrap()] {
        callers.look_up("a", kept).await.unwrap();
        assert_unknown(&callers.look_up("p", kept).await.unwrap_err());
    }
    assert_unknown(&callers.look_up("a", "anything").await.unwrap_err());
}

/// A history ends with what is kept, on any page, and says that there was more.
async fn check_history(callers: &mut Callers, done: &Done) {
    let whole = callers.page_of_a(100, "").await;
    let ids = |page: &v1::ListAuthorisationsResponse| -> Vec<String> {
        let authorisations = page.authorisations.iter();
        authorisations
            .map(|it| it.authorisation.clone().unwrap().authorisation_id)
            .collect()
    };
    let all: Vec<_> = done.old.iter().chain(&done.new).rev().cloned().collect();
    let kept = ids(&whole);
    assert_eq!(kept, all[..kept.len()]);
    assert!(kept.len() > done.new.len() && kept.len() < all.len());
    assert!(whole.next_page_token.is_empty());
    let told = Some(instant("2024-01-05T10:00:00+08:00"));
    assert_eq!(whole.pruned_before, told);
    let (mut read, mut token, mut last) = (Vec::new(), String::new(), None);
    while last.is_none() {
        let page = callers.page_of_a(7, &token).await;
        assert_eq!(
            page.pruned_before.is_some(),
            page.next_page_token.is_empty()
        );
        read.extend(ids(&page));
        (token, last) = (page.next_page_token, page.pruned_before);
    }
    assert_eq!((read, last), (kept, told));
}

/// Service messages of before are gone, and whoever watches from one of them on is told so.
async fn check_notices(callers: &mut Callers, done: &Done, turn: &str) {
    let request = v1::ListNotificationsRequest {
        account_id: "p".to_owned(),
        page_size: 0,
        page_token: String::new(),
    };
    let listed = callers.cards.list_notifications(request).await.unwrap();
    let listed = listed.into_inner();
    assert!(listed.pruned_before.is_some(), "{listed:?}");
    let request = v1::WatchNotificationsRequest {
        account_id: "p".to_owned(),
        after_notification_id: done.notice.clone(),
    };
    let watching = callers.cards.watch_notifications(request).await.unwrap();
    let mut watching = watching.into_inner();
    callers.send_page_and_face("p").await;
    let verdict = v1::ReviewVerdict::Reject;
    callers
        .resolve_review("p", &format!("no {turn}"), verdict)
        .await;
    let next = watching.message().await.unwrap().unwrap();
    assert_eq!(next.pruned_before, listed.pruned_before);
}

/// A command on a folder, however it ends.
fn command(home: &Home, arguments: &[&str]) -> Output {
    let store = format!("journal:{}", home.data().display());
    let mut command = Command::new(binary("waika-server"));
    let command = command.args(arguments).args(["--store", &store]);
    command.output().unwrap()
}

fn check_refused(home: &Home, arguments: &[&str], told: &[&str]) {
    let output = command(home, arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{arguments:?}: {text}");
    for told in told {
        assert!(text.contains(told), "{told} not in {text}");
    }
}

/// What can be made of the folder without a server.
fn check_commands(home: &Home, first: &str) {
    home.run(&["journal", "verify"]);
    let rows = home.exported();
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert_eq!(row["sequence"].to_string(), first);
    let lines = ["--format", "json-lines", "--output", "-"];
    let from = [&["journal", "export", "--from", "2"][..], &lines].concat();
    check_refused(home, &from, &["was pruned", "backup folder"]);
    for day in ["2024-01-05", "2024-01-07"] {
        let day = [&["settlement", "export", "--day", day][..], &lines].concat();
        check_refused(home, &day, &["--day", "cannot be added up", "was pruned"]);
    }
    // Nobody asks this issuer anything: the journal is looked at first.
    let books = ["reconcile", "--issuer", "http://127.0.0.1:9"];
    check_refused(home, &books, &["was pruned"]);
}

#[tokio::test]
async fn what_is_older_than_the_retention_goes_and_is_told_to_be_gone() {
    let server = Server::start_with(&PRUNING);
    let done = trade_and_prune(&server).await;
    let mut callers = Callers::of(&server).await;
    let first = first_kept(&server).await;
    let total = (OLD + LATER) * FEN;
    check_ids(&mut callers, &done, "1").await;
    check_history(&mut callers, &done).await;
    assert_eq!(callers.used("a").await, (total, total));

    let server = Server::start_in(server.kill(), &PRUNING);
    let mut callers = Callers::of(&server).await;
    assert_eq!(first_kept(&server).await, first);
    check_ids(&mut callers, &done, "2").await;
    check_history(&mut callers, &done).await;
    check_notices(&mut callers, &done, "2").await;
    assert_eq!(callers.used("a").await, (total, total));
    let page = server.metrics().await;
    assert!(
        page.contains("waika_journal_pruned_segments_total"),
        "{page}"
    );

    // A key of today has its answer; one of long ago counts as never used.
    let again = callers.authorise(pay("a", &done.card, "new 0", FEN)).await;
    let again = again.unwrap();
    assert!(again.replayed);
    assert_eq!(again.authorisation.unwrap().authorisation_id, done.new[0]);
    let anew = callers
        .authorise(pay("a", &done.card, "old 0", FEN + 1))
        .await;
    let anew = anew.unwrap();
    assert_eq!((anew.replayed, &*decision(&anew)), (false, "APPROVED"));
    let used = total + FEN + 1;
    assert_eq!(callers.used("a").await, (used, used));
    let by_key = reverse_by_key("a", "by key", "old 1");
    assert_eq!(callers.reversal(by_key).await, "RECORDED_AHEAD");

    // Two days later: what settled on the seventeenth needs nothing that is gone.
    callers.freeze("2024-01-18T10:00:00+08:00").await;
    let told = callers.statement(17, "").await;
    let sums = told.totals.values().next().copied().unwrap();
    assert_eq!(sums, (LATER + 1, 0, LATER * FEN + FEN + 1, 0));
    let request = v1::ExportSettlementRequest {
        day: Some(v1::Date {
            year: 2024,
            month: 1,
            day: 7,
        }),
        merchant_id: String::new(),
    };
    let gone = callers.admin.export_settlement(request).await.unwrap_err();
    assert_eq!(
        (gone.code(), &*reason_of(&gone)),
        (Code::NotFound, "DAY_PRUNED")
    );

    let home = server.kill();
    check_commands(&home, &first);
    assert_eq!(exported(&home, 17), told);
    drop(callers);
}

#[tokio::test]
async fn a_journal_that_was_pruned_needs_what_says_so_and_a_snapshot() {
    let server = Server::start_with(&PRUNING);
    let done = trade_and_prune(&server).await;
    let mut home = server.kill();
    let beginning = home.data().join("beginning");
    let aside = home.data().join("aside");
    let refused = |home: Home, told: &[&str]| {
        let mut command = home.command();
        let Err(refused) = Server::try_start(&mut command, home) else {
            panic!("it is refused: {told:?}");
        };
        assert_eq!(refused.status.code(), Some(65));
        for told in told {
            assert!(
                refused.text.contains(told),
                "{told} not in {}",
                refused.text
            );
        }
        refused.home
    };
    fs::rename(&beginning, &aside).unwrap();
    home = refused(home, &["journal-0000000000000001.seg", "beginning file"]);
    let whole = fs::read(&aside).unwrap();
    fs::write(&beginning, &whole[..40]).unwrap();
    home = refused(home, &["beginning is damaged", "backup"]);
    fs::rename(&aside, &beginning).unwrap();

    let mut snapshots: Vec<_> = fs::read_dir(home.data()).unwrap().collect();
    snapshots.retain(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_str().unwrap().starts_with("snapshot-")
    });
    let mut snapshots: Vec<_> = snapshots.into_iter().map(|it| it.unwrap().path()).collect();
    snapshots.sort();
    assert_eq!(snapshots.len(), 2);
    // The newest is damaged: the older one is enough, and nothing is lost.
    let newest = fs::read(&snapshots[1]).unwrap();
    fs::write(&snapshots[1], &newest[..newest.len() / 2]).unwrap();
    let server = Server::start_in(home, &PRUNING);
    let mut callers = Callers::of(&server).await;
    check_ids(&mut callers, &done, "3").await;
    let total = (OLD + LATER) * FEN;
    assert_eq!(callers.used("a").await, (total, total));
    let home = server.kill();
    let older = fs::read(&snapshots[0]).unwrap();
    fs::write(&snapshots[0], &older[..older.len() / 2]).unwrap();
    let home = refused(
        home,
        &["no whole snapshot", "backup", "begins with sequence"],
    );
    fs::write(&snapshots[0], &older).unwrap();
    let server = Server::start_in(home, &PRUNING);
    let used = Callers::of(&server).await.used("a").await;
    assert_eq!(used, (total, total));
}
