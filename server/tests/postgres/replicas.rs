//! Commits that have to be on another server too, which is not there.

use std::time::Duration;

use tokio_postgres::Client;
use waika_server::ledger::postgres::{Outcome, Session};

use super::cluster::Cluster;
use super::lanes::lanes_with;
use super::{connect, entry, prepared_new, row, stored_version, until};

async fn set(client: &Client, change: &str) {
    client.batch_execute(change).await.unwrap();
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .unwrap();
}

/// Who waits for a replica with a statement that begins so.
async fn waiting(client: &Client, begin: &str) -> Vec<i32> {
    let waiting =
        "select pid from pg_stat_activity where wait_event = 'SyncRep' and starts_with(query, $1)";
    let found = client.query(waiting, &[&begin]).await.unwrap();
    found.iter().map(|row| row.get(0)).collect()
}

/// From now on each commit waits for a replica that is not there: once one does, all do.
async fn lose_the_replica(cluster: &Cluster, client: &Client) {
    set(
        client,
        "alter system set synchronous_standby_names = 'nobody'",
    )
    .await;
    let side = connect(cluster).await;
    tokio::spawn(async move {
        for number in 0.. {
            let text = format!("create table side_{number} ()");
            if side.client().batch_execute(&text).await.is_err() {
                return;
            }
        }
    });
    until(async || !waiting(client, "create table side").await.is_empty()).await;
}

async fn find_it(client: &Client) {
    set(client, "alter system reset synchronous_standby_names").await;
    until(async || waiting(client, "").await.is_empty()).await;
}

async fn start() -> (Cluster, Session) {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    (cluster, session)
}

/// A commit that waits for a synchronous replica is visible once its session is ended or its wait cancelled, and
/// need not be on the replica: it is never told as durable.
#[tokio::test]
async fn what_a_replica_does_not_have_is_not_durable() {
    let (cluster, session) = start().await;
    let client = session.client();
    let endings = ["pg_cancel_backend", "pg_terminate_backend"];
    let mut nodes = Vec::new();
    for _ in endings {
        nodes.push(lanes_with(&cluster.url(), 1, Duration::from_secs(2)).await);
    }
    lose_the_replica(&cluster, client).await;
    for (ending, lanes) in endings.into_iter().zip(&nodes) {
        let committed = tokio::spawn(lanes.commit(row(ending, 0, vec![entry(1, None)])));
        let mut waits = Vec::new();
        until(async || {
            waits = waiting(client, "with wanted").await;
            !waits.is_empty()
        })
        .await;
        let end = format!("select {ending}($1)");
        client.query_one(&end, &[&waits[0]]).await.unwrap();
        assert_eq!(committed.await.unwrap(), Outcome::Unknown, "{ending}");
        // It is there.
        assert_eq!(stored_version(client, ending).await, 1, "{ending}");
    }
    find_it(client).await;
    for (ending, lanes) in endings.into_iter().zip(&nodes) {
        let outcome = lanes.commit(row(ending, 1, vec![entry(2, None)]));
        assert_eq!(outcome.await, Outcome::Durable, "{ending}");
    }
}

/// Whoever waits for a replica does not see that its client has gone. A lane leaves one such backend, and not one
/// for each batch until the database has no connection left.
#[tokio::test]
async fn a_lane_leaves_one_backend_that_waits_and_no_more() {
    let (cluster, session) = start().await;
    let client = session.client();
    let lanes = lanes_with(&cluster.url(), 1, Duration::from_millis(100)).await;
    lose_the_replica(&cluster, client).await;
    let first = lanes.commit(row("a", 0, vec![entry(1, None)])).await;
    assert_eq!(first, Outcome::Unknown);
    for number in 2..12 {
        let next = lanes.commit(row("b", 0, vec![entry(number, None)])).await;
        let Outcome::Refused(why) = next else {
            panic!("{next:?}")
        };
        assert!(why.contains("still waits"), "{why}");
    }
    assert_eq!(waiting(client, "with wanted").await.len(), 1);
    find_it(client).await;
    // What was not known has been done.
    assert_eq!(stored_version(client, "a").await, 1);
    let next = lanes.commit(row("b", 0, vec![entry(20, None)])).await;
    assert_eq!(next, Outcome::Durable);
}

/// A commit that was told as durable is on the synchronous replica, which has it when it takes over.
#[tokio::test]
async fn what_is_durable_is_there_when_a_replica_takes_over() {
    let (cluster, session) = start().await;
    let replica = cluster.replica("replica", &[]);
    let client = session.client();
    set(
        client,
        "alter system set synchronous_standby_names = 'replica'",
    )
    .await;
    until(async || {
        let state = client.query_opt("select sync_state from pg_stat_replication", &[]);
        let state = state.await.unwrap();
        state.is_some_and(|row| row.get::<_, &str>(0) == "sync")
    })
    .await;
    let lanes = lanes_with(&cluster.url(), 1, Duration::from_secs(2)).await;
    let mut durable = 0;
    for number in 1..200 {
        let outcome = lanes
            .commit(row("a", durable, vec![entry(number, None)]))
            .await;
        assert_eq!(outcome, Outcome::Durable);
        durable = number;
    }
    cluster.stop("immediate");
    replica.promote();
    let session = connect(&replica).await;
    assert_eq!(stored_version(session.client(), "a").await, durable);
}
