//! Accounts that several servers decide over, with no affinity: their rows are held first, so that little is decided in
//! vain, and a server that stalls while it holds one does not stop the others.

use std::time::Duration;

use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::sleep;
use waika::v1;

use crate::postgres_support::{Database, callers, until};
use crate::support::{Server, reason_of};
use crate::wallet::{Callers, decision, pay};

/// What servers count, all together.
async fn sum(nodes: &[Server], name: &str) -> f64 {
    let mut all = 0.0;
    for node in nodes {
        all += node.figure(name).await.unwrap_or_default();
    }
    all
}

const CONFLICTS: &str = "waika_store_not_durable_total{outcome=\"conflict\"}";
const CHANGED: &str = "waika_accounts_held_total{found=\"changed\"}";
const AS_LEFT: &str = "waika_accounts_held_total{found=\"as_left\"}";

/// A payment, asked for again for as long as nobody knows what became of it.
async fn paid(caller: &mut Callers, request: v1::AuthoriseRequest) {
    loop {
        match caller.authorise(request.clone()).await {
            Ok(answer) => return assert_eq!(decision(&answer), "APPROVED"),
            Err(error) => assert_eq!(reason_of(&error), "OUTCOME_UNKNOWN", "{error:?}"),
        }
    }
}

/// Payments of one fen, at servers in turn, a few of them at a time each.
async fn spend(callers: &[Callers], card: &str, run: &str, payments: usize) {
    let mut tasks = JoinSet::new();
    for task in 0..callers.len() * 4 {
        let mut caller = callers[task % callers.len()].clone();
        let (card, run) = (card.to_owned(), run.to_owned());
        tasks.spawn(async move {
            for number in 0..payments {
                let key = format!("{run}-{task}-{number}");
                paid(&mut caller, pay("a", &card, &key, 1)).await;
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_three_servers_is_decided_over_once_a_payment() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    // Each server learns by one conflict that the account is not its own.
    spend(&callers, &card, "first", 5).await;
    let before = sum(&nodes, CONFLICTS).await;
    assert!(before > 0.0, "or they did not meet");
    spend(&callers, &card, "then", 50).await;
    let conflicts = sum(&nodes, CONFLICTS).await - before;
    assert!(conflicts <= 12.0, "of 600 payments {conflicts} in vain");
    assert!(sum(&nodes, CHANGED).await > 10.0);
    for caller in &mut callers {
        assert_eq!(caller.used("a").await, (660, 660));
    }
    // One that has it alone from now on holds it some times more, and then no longer.
    let as_left = async || nodes[1].figure(AS_LEFT).await.unwrap_or_default();
    let alone = &callers[1..2];
    spend(alone, &card, "alone", 20).await;
    let held = as_left().await;
    assert!(held >= 8.0, "{held}");
    spend(alone, &card, "at last", 20).await;
    assert!(as_left().await <= held, "it is held still");
}

/// Whatever it was at when it stopped: its session is ended by the database, and what it had not answered is not there
/// twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_with_rows_held_does_not_stop_the_others() {
    let database = Database::start();
    let nodes = database.nodes::<2>();
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    spend(&callers, &card, "before", 5).await;
    for stall in 0..5 {
        let (both, one) = (callers.clone(), card.clone());
        let run = format!("during-{stall}");
        let during = tokio::spawn(async move { spend(&both, &one, &run, 25).await });
        sleep(Duration::from_millis(40)).await;
        nodes[0].signal(Signal::STOP);
        let other = &callers[1..2];
        spend(other, &card, &format!("beside-{stall}"), 5).await;
        until("no row is held by who has stalled", async || {
            let held =
                "select count(*) from pg_stat_activity where state like 'idle in transaction%'
                        and state_change < now() - interval '1 s'";
            database.query(held) == "0"
        })
        .await;
        nodes[0].signal(Signal::CONT);
        during.await.unwrap();
    }
    let spent = 40 + 5 * (200 + 20);
    for caller in &mut callers {
        assert_eq!(caller.used("a").await, (spent, spent));
    }
}
