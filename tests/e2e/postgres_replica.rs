//! A primary that dies under load, and its synchronous replica in its place: nothing that was answered is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::postgres_payers::{ACCOUNTS, PAYERS, Told, account, check, load};
use crate::postgres_support::{Database, until};
use crate::support::Server;
use crate::wallet::{Callers, pay};

const SETTINGS: [&str; 1] = ["max_connections=300"];

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_takes_over_has_all_that_was_answered() {
    let database = Database::start();
    let replica = database.cluster.replica("replica", &SETTINGS);
    database.query("alter system set synchronous_standby_names = 'replica'");
    database.query("select pg_reload_conf()");
    until("the replica", async || {
        database.query("select sync_state from pg_stat_replication") == "sync"
    })
    .await;
    let url = format!(
        "postgres://waika@127.0.0.1:{},127.0.0.1:{}/postgres",
        database.cluster.port(),
        replica.port()
    );
    // The replica has none of its own, once it is the primary.
    let node = || database.node_over(&url, &["--store-may-lose-commits"]);
    let nodes: [Server; 2] = std::array::from_fn(|_| node());
    let mut callers = Vec::new();
    for node in &nodes {
        callers.push(Callers::of(node).await);
    }
    let mut cards = Vec::new();
    for place in 0..ACCOUNTS {
        let middle = u32::try_from(place).unwrap() + 700;
        cards.push(callers[0].wallet_with(&account(place), middle).await);
    }
    let cards = Arc::new(cards);

    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for payer in 0..PAYERS {
        let caller = callers[payer % nodes.len()].clone();
        let stop = Arc::clone(&stop);
        tasks.spawn(load(caller, Arc::clone(&cards), (payer, 0), stop));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    database.cluster.stop("immediate");
    replica.promote();
    let database = database.taken_over_by(replica);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    let mut told = Told::default();
    while let Some(ended) = tasks.join_next().await {
        told.add(ended.unwrap());
    }
    let before = told.approved.len();
    for (number, caller) in callers.iter_mut().enumerate() {
        let request = pay(&account(1), &cards[1], &format!("after {number}"), 1);
        until("a payment", async || {
            caller.authorise(request.clone()).await.is_ok()
        })
        .await;
        let again = caller.authorise(request).await.unwrap();
        let id = again.authorisation.unwrap().authorisation_id;
        told.approved.insert((account(1), id));
    }
    told.ask_again(&mut callers).await;
    let mut there = 0;
    for place in 0..ACCOUNTS {
        there += check(&database, &mut callers, &account(place), &told).await;
    }
    assert!(before > 50, "{before} were approved");
    eprintln!(
        "a replica took over: {} approved and {} declined, {} not answered ({:?}) and asked for again, {there} there, 0 lost, \
         0 twice",
        told.approved.len(),
        told.declined,
        told.errors(),
        told.failed
    );
}
