//! The check can fail: it notices a journal that was tampered with, and a server that allows more.

mod tail;

use std::fs;
use std::path::Path;

use tokio::time::Instant;

use self::tail::Tail;
use crate::call::{Callers, Request};
use crate::compare::{OneIn, compare};
use crate::finding::{Finding, Kind, count};
use crate::load::send;
use crate::people::{account_id, pay};
use crate::process::Home;
use crate::run::{Moment, Run};

/// An amount whose bytes stand in a record once.
const AMOUNT: i64 = 12_346;
/// A wallet that pays.
const PAYER: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_from_before_the_last_load_is_noticed() {
    let mut run = Run::begin(2, Home::new(&[])).await;
    run.load_and_kill(Moment::Any).await;
    let kept = tempfile::tempdir().unwrap();
    copy_files(&run.home.data(), kept.path());

    run.start().await;
    run.load_and_kill(Moment::Any).await;
    fs::remove_dir_all(run.home.data()).unwrap();
    fs::create_dir(run.home.data()).unwrap();
    copy_files(kept.path(), &run.home.data());

    let findings = found_after_a_start(run).await;
    assert!(count(&findings, Kind::Lost) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_without_its_last_record_is_noticed() {
    let run = paid_and_killed(3).await;
    Tail::read(&run.home.data()).take_out();
    let findings = found_after_a_start(run).await;
    let lost = findings.iter().find(|found| found.kind == Kind::Lost);
    let request = lost.unwrap().request.as_ref().unwrap().to_string();
    assert!(request.contains("with key spoiled"), "{request}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_with_another_amount_is_noticed() {
    let run = paid_and_killed(4).await;
    let amount = u64::try_from(AMOUNT).unwrap();
    Tail::read(&run.home.data()).change_amount(amount);
    let findings = found_after_a_start(run).await;
    let about_it = |found: &&Finding| {
        let request = found.request.as_ref().map(ToString::to_string);
        request.is_some_and(|request| request.contains("with key spoiled"))
    };
    assert!(findings.iter().any(|found| about_it(&found)));
    let used = |found: &Finding| found.what.contains("the month's used is");
    assert!(findings.iter().any(used), "the sum differs too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_allows_more_is_noticed() {
    let home = Home::new(&[]).with_policy("[limits]\nsingle_fen = 700000\n");
    let mut run = Run::begin(5, home).await;
    run.load_and_kill(Moment::Any).await;
    let findings = found_after_a_start(run).await;
    assert!(count(&findings, Kind::Exceeded) > 0);
}

/// A server that was killed right after it had answered one payment.
async fn paid_and_killed(seed: u64) -> Run {
    let mut run = Run::begin(seed, Home::new(&[])).await;
    let mut callers = run.callers().await;
    let card = {
        let mut oracle = run.shared.lock().unwrap();
        let wallet = oracle.wallet(&account_id(PAYER));
        wallet.cards.first().unwrap().clone()
    };
    let mut payment = pay(PAYER, "spoiled", &card);
    payment.amount_fen = AMOUNT;
    assert!(send(&run.shared, &mut callers, Request::Authorise(payment)).await);
    run.kill();
    run
}

async fn found_after_a_start(mut run: Run) -> Vec<Finding> {
    run.start().await;
    let callers: Callers = run.callers().await;
    compare(&run.shared, &callers, Instant::now(), OneIn(1)).await;
    let oracle = run.shared.lock().unwrap();
    oracle.findings.clone()
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
