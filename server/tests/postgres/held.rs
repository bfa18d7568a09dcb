//! Rows that are held while it is decided over them, by lanes of two nodes over a real database.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use waika_server::ledger::postgres::{Held, Lanes, Outcome};

use super::cluster::Cluster;
use super::lanes::lanes_with;
use super::proxy::{Passage, Proxy};
use super::{entry, prepared_new, row, stored, stored_version};

async fn lanes(url: &str) -> Lanes {
    lanes_with(url, 2, Duration::from_secs(5)).await
}

/// A cluster with an account at version 1, and a session of the test's own.
async fn opened(account: &str) -> (Cluster, waika_server::ledger::postgres::Session, Lanes) {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    let lanes = lanes(&cluster.url()).await;
    let first = lanes.commit(row(account, 0, vec![entry(1, None)])).await;
    assert_eq!(first, Outcome::Durable);
    (cluster, session, lanes)
}

/// The version that a row which is held was found to have, if it was not known.
fn version(held: &Held) -> Option<i64> {
    held.newer.as_ref().map(|row| row.get(1))
}

/// Sessions that hold rows.
async fn holding(client: &Client) -> i64 {
    let row = client
        .query_one(
            "select count(*) from pg_stat_activity where state like 'idle in transaction%'",
            &[],
        )
        .await;
    row.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_after_the_other_decides_over_the_newest_and_none_in_vain() {
    let (cluster, session, _) = opened("a").await;
    let mut nodes = JoinSet::new();
    for node in 1..=2_u64 {
        let lanes = lanes(&cluster.url()).await;
        nodes.spawn(async move {
            let (mut known, mut newer) = (1, 0);
            for _ in 0..100 {
                let held = lanes.hold("a", known).await.unwrap();
                assert!(held.is_first);
                if let Some(version) = version(&held) {
                    assert!(version.cast_unsigned() > known);
                    known = version.cast_unsigned();
                    newer += 1;
                }
                let sequence = (known / 4 + 1) * 4 + node;
                let committed = lanes.commit(row("a", known, vec![entry(sequence, None)]));
                drop(held);
                assert_eq!(committed.await, Outcome::Durable);
                known = sequence;
            }
            newer
        });
    }
    let newer = nodes.join_all().await;
    assert!(
        newer.iter().all(|newer| *newer > 0),
        "they never met: {newer:?}"
    );
    let (_, entries) = stored(session.client(), "a").await;
    assert_eq!(entries.len(), 201);
    assert_eq!(holding(session.client()).await, 0);
}

#[tokio::test]
async fn calls_of_one_turn_are_one_row_and_no_row_is_held_for_who_went_away() {
    let (_cluster, session, lanes) = opened("a").await;
    // One turn is going on, so that those who come now are of the next.
    let first = lanes.hold("a", 1).await.unwrap();
    let gone = async {
        let gone = timeout(Duration::from_millis(20), lanes.hold("a", 1)).await;
        assert!(gone.is_err(), "a turn that has not ended");
        drop(first);
    };
    let (second, third, ()) = tokio::join!(lanes.hold("a", 1), lanes.hold("a", 1), gone);
    let (second, third) = (second.unwrap(), third.unwrap());
    assert_eq!((version(&second), second.is_first), (None, true));
    assert_eq!((version(&third), third.is_first), (None, false));
    let decided = [(1, 2), (2, 3)].map(|(expected, sequence)| {
        let entries = vec![entry(sequence, Some(u8::try_from(sequence).unwrap()))];
        lanes.commit(row("a", expected, entries))
    });
    let decide = async {
        sleep(Duration::from_millis(20)).await;
        drop((second, third));
    };
    // Who came before that was written finds nothing that this node does not know.
    let (next, ()) = tokio::join!(lanes.hold("a", 1), decide);
    assert_eq!(version(&next.unwrap()), None);
    for decided in decided {
        assert_eq!(decided.await, Outcome::Durable);
    }
    assert_eq!(stored_version(session.client(), "a").await, 3);
    assert_eq!(holding(session.client()).await, 0);
    // A key that was used is found over a row that is held, too.
    let held = lanes.hold("a", 3).await.unwrap();
    let again = lanes.commit(row("a", 3, vec![entry(4, Some(2))]));
    drop(held);
    assert_eq!(again.await, Outcome::Known(2));
}

#[tokio::test]
async fn a_row_that_nobody_decides_over_is_let_go() {
    let (cluster, session, lanes) = opened("a").await;
    let others = self::lanes(&cluster.url()).await;
    let held = lanes.hold("a", 1).await.unwrap();
    assert_eq!(holding(session.client()).await, 1);
    // In vain it waits for who holds the row, and then no more.
    let theirs = others.hold("a", 1).await.unwrap();
    assert_eq!(version(&theirs), None);
    let decided = others.commit(row("a", 1, vec![entry(2, None)]));
    drop(theirs);
    assert_eq!(decided.await, Outcome::Durable);
    let late = lanes.commit(row("a", 1, vec![entry(3, None)]));
    drop(held);
    assert_eq!(late.await, Outcome::Conflict);
    assert!(lanes.hold("nobody", 0).await.is_none());
    assert_eq!(stored(session.client(), "a").await, (Some(2), vec![1, 2]));
}

#[tokio::test]
async fn who_cannot_have_a_row_decides_without() {
    let (_cluster, session, lanes) = opened("a").await;
    let client = session.client();
    client.batch_execute("begin").await.unwrap();
    let lock = "select from account where account_id = 'a' for update";
    client.batch_execute(lock).await.unwrap();
    assert!(lanes.hold("a", 1).await.is_none(), "after a second");
    let waits = lanes.commit(row("a", 1, vec![entry(2, None)]));
    client.batch_execute("rollback").await.unwrap();
    assert_eq!(waits.await, Outcome::Durable);
    assert_eq!(version(&lanes.hold("a", 1).await.unwrap()), Some(2));
}

#[tokio::test]
async fn a_session_that_ends_while_it_holds_rows_costs_no_decision() {
    let (_cluster, session, lanes) = opened("a").await;
    let held = lanes.hold("a", 1).await.unwrap();
    let ended = session
        .client()
        .query_one(
            "select bool_and(pg_terminate_backend(pid)) from pg_stat_activity
             where state like 'idle in transaction%'",
            &[],
        )
        .await;
    assert_eq!(ended.unwrap().get::<_, Option<bool>>(0), Some(true));
    sleep(Duration::from_millis(100)).await;
    let decided = lanes.commit(row("a", 1, vec![entry(2, None)]));
    drop(held);
    assert_eq!(decided.await, Outcome::Durable);
    assert_eq!(stored_version(session.client(), "a").await, 2);
}

#[tokio::test]
async fn what_is_lost_on_the_way_of_a_row_that_is_held_is_found_or_unknown() {
    let account = "account-a";
    let (cluster, session, _) = opened(account).await;
    let proxy = Proxy::start(cluster.port()).await;
    let lanes = lanes(&proxy.url()).await;
    let held = lanes.hold(account, 1).await.unwrap();
    proxy.set(Passage::LosesAnswer);
    let decided = lanes.commit(row(account, 1, vec![entry(2, Some(2))]));
    drop(held);
    assert_eq!(decided.await, Outcome::Durable, "it is looked for");
    assert_eq!(stored_version(session.client(), account).await, 2);

    let held = lanes.hold(account, 2).await.unwrap();
    proxy.set(Passage::LosesQuestion);
    let decided = lanes.commit(row(account, 2, vec![entry(3, Some(3))]));
    drop(held);
    assert_eq!(decided.await, Outcome::Unknown);
    assert_eq!(stored(session.client(), account).await.1, [1, 2]);
    // And who asks for the row and hears nothing decides without it.
    proxy.set(Passage::LosesAnswer);
    assert!(lanes.hold(account, 2).await.is_none());
    let again = lanes.commit(row(account, 2, vec![entry(4, Some(3))]));
    assert_eq!(again.await, Outcome::Durable);
}
