//! Lanes over a real database, and what they say when its connection is lost at the worst moment.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::task::JoinSet;
use waika_server::ledger::postgres::{LaneOptions, Lanes, Outcome};

use super::cluster::Cluster;
use super::proxy::{Passage, Proxy};
use super::{address, connect, entry, prepared_new, row, stored, stored_version};

const PATIENCE: Duration = Duration::from_secs(5);

async fn lanes(url: &str) -> Lanes {
    lanes_with(url, 2, PATIENCE).await
}

async fn lanes_with(url: &str, lanes: usize, patience: Duration) -> Lanes {
    let options = LaneOptions {
        lanes: NonZeroUsize::new(lanes).unwrap(),
        patience,
        ..LaneOptions::default()
    };
    Lanes::open(&address(url), options).await.unwrap()
}

/// What one of several nodes does: decides over what it knows, and reads again when it is told to.
async fn decide(node: u64, lanes: Lanes, cluster: &Cluster) -> (Vec<(String, u64)>, usize) {
    let session = connect(cluster).await;
    let (mut told, mut conflicts) = (Vec::new(), 0);
    let mut known = [0_u64; 16];
    for turn in 0..400 {
        let number = usize::try_from((turn * 7 + node) % 16).unwrap();
        let account = format!("account-{number}");
        let seen = known[number];
        let sequence = (seen / 4 + 1) * 4 + node;
        let committed = lanes.commit(row(&account, seen, vec![entry(sequence, None)]));
        match committed.await {
            Outcome::Durable => {
                known[number] = sequence;
                told.push((account, sequence));
            }
            Outcome::Conflict => {
                conflicts += 1;
                known[number] = stored_version(session.client(), &account).await;
            }
            other => panic!("{other:?}"),
        }
    }
    (told, conflicts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_take_each_version_once() {
    let cluster = std::sync::Arc::new(Cluster::start(&[]));
    let (session, _) = prepared_new(&cluster).await;
    let mut nodes = JoinSet::new();
    for node in 1..=3 {
        let lanes = lanes(&cluster.url()).await;
        let cluster = cluster.clone();
        nodes.spawn(async move { decide(node, lanes, &cluster).await });
    }
    let (mut told, mut conflicts) = (Vec::new(), 0);
    for (theirs, met) in nodes.join_all().await {
        told.extend(theirs);
        conflicts += met;
    }
    assert!(conflicts > 0, "they never met");
    assert_eq!(told.len() + conflicts, 1_200);
    // What was told as durable is there, and nothing else.
    let mut there = Vec::new();
    for number in 0..16 {
        let account = format!("account-{number}");
        let (version, entries) = stored(session.client(), &account).await;
        assert_eq!(version, entries.last().copied());
        there.extend(
            entries
                .into_iter()
                .map(|entry| (account.clone(), entry.cast_unsigned())),
        );
    }
    there.sort();
    told.sort();
    assert_eq!(there, told);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_again() {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    let proxy = Proxy::start(cluster.port()).await;
    let lanes = lanes(&proxy.url()).await;
    for turn in 1..=20 {
        proxy.set(Passage::LosesAnswer);
        let account = format!("account-{turn}");
        let committed = lanes.commit(row(&account, 0, vec![entry(turn, Some(1))]));
        assert_eq!(committed.await, Outcome::Durable, "{turn}");
        assert_eq!(stored_version(session.client(), &account).await, turn);
    }
}

/// It is not known whether what was sent will still be done, and the key decides whoever asks again.
#[tokio::test]
async fn a_question_that_is_lost_is_unknown_and_may_be_asked_again() {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    let proxy = Proxy::start(cluster.port()).await;
    let lanes = lanes(&proxy.url()).await;
    proxy.set(Passage::LosesQuestion);
    let lost = lanes
        .commit(row("account-a", 0, vec![entry(1, Some(1))]))
        .await;
    assert_eq!(lost, Outcome::Unknown);
    let again = lanes
        .commit(row("account-a", 0, vec![entry(2, Some(1))]))
        .await;
    assert_eq!(again, Outcome::Durable);
    // And once more, over the version that is there.
    let known = lanes
        .commit(row("account-a", 2, vec![entry(3, Some(1))]))
        .await;
    assert_eq!(known, Outcome::Known(2));
    assert_eq!(
        stored(session.client(), "account-a").await,
        (Some(2), vec![2])
    );
}

#[tokio::test]
async fn a_database_that_is_gone_is_waited_for_and_then_named() {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    drop(session);
    let patience = Duration::from_secs(1);
    let lanes = lanes_with(&cluster.url(), 1, patience).await;
    let first = lanes.commit(row("a", 0, vec![entry(1, None)])).await;
    assert_eq!(first, Outcome::Durable);
    cluster.stop("immediate");
    // The first may have been under way when it went.
    let outcome = lanes.commit(row("a", 1, vec![entry(2, None)])).await;
    assert!(
        matches!(outcome, Outcome::Unknown | Outcome::Refused(_)),
        "{outcome:?}"
    );
    let outcome = lanes.commit(row("a", 1, vec![entry(3, None)])).await;
    let Outcome::Refused(why) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains("no connection to the database"), "{why}");
    // Back again within its patience.
    let waits = lanes.commit(row("a", 1, vec![entry(4, None)]));
    cluster.restart(&[]);
    assert_eq!(waits.await, Outcome::Durable);
    let session = connect(&cluster).await;
    assert_eq!(stored(session.client(), "a").await, (Some(4), vec![1, 4]));
}

#[tokio::test]
async fn a_database_that_says_nothing_is_given_up() {
    let cluster = Cluster::start(&[]);
    prepared_new(&cluster).await;
    let proxy = Proxy::start(cluster.port()).await;
    let patience = Duration::from_millis(200);
    let lanes = lanes_with(&proxy.url(), 1, patience).await;
    proxy.set(Passage::Silent);
    let outcome = lanes.commit(row("a", 0, vec![entry(1, None)])).await;
    assert_eq!(outcome, Outcome::Unknown);
    proxy.set(Passage::Open);
    let outcome = lanes.commit(row("a", 0, vec![entry(2, None)])).await;
    assert_eq!(outcome, Outcome::Durable);
}

/// A commit that waits for a synchronous replica is visible once its session is ended or its wait cancelled, and
/// need not be on the replica: it is never told as durable.
#[tokio::test]
async fn what_a_replica_does_not_have_is_not_durable() {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    let patience = Duration::from_secs(1);
    let lanes = lanes_with(&cluster.url(), 1, patience).await;
    // From now on each commit waits for a replica that is not there.
    let client = session.client();
    client
        .batch_execute("alter system set synchronous_standby_names = 'nobody'")
        .await
        .unwrap();
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .unwrap();
    for (number, ending) in ["pg_cancel_backend", "pg_terminate_backend"]
        .into_iter()
        .enumerate()
    {
        let account = format!("account-{number}");
        let committed = tokio::spawn(lanes.commit(row(&account, 0, vec![entry(1, None)])));
        let waiting = "select pid from pg_stat_activity where wait_event = 'SyncRep' \
                       and query like 'with wanted%'";
        let found = loop {
            let found = client.query(waiting, &[]).await.unwrap();
            if let Some(row) = found.first() {
                break row.get::<_, i32>(0);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        client
            .query_one(&format!("select {ending}($1)"), &[&found])
            .await
            .unwrap();
        assert_eq!(committed.await.unwrap(), Outcome::Unknown, "{ending}");
        assert_eq!(
            stored_version(client, &account).await,
            1,
            "{ending}: it is there"
        );
    }
    client
        .batch_execute("alter system reset synchronous_standby_names")
        .await
        .unwrap();
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .unwrap();
    let outcome = lanes
        .commit(row("account-0", 1, vec![entry(2, None)]))
        .await;
    assert_eq!(outcome, Outcome::Durable);
}
