//! Lanes over a real database, and what they say when its connection is lost at the worst moment.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::task::JoinSet;
use waika_server::ledger::postgres::{LaneOptions, Lanes, Outcome};

use super::cluster::Cluster;
use super::proxy::{Passage, Proxy};
use super::{address, connect, entry, prepared_new, row, stored, stored_version, until};

const PATIENCE: Duration = Duration::from_secs(5);

async fn lanes(url: &str) -> Lanes {
    lanes_with(url, 2, PATIENCE).await
}

pub(crate) async fn lanes_with(url: &str, lanes: usize, patience: Duration) -> Lanes {
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
}

/// It comes back while a lane still tries, and nobody is told of anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_back_in_time_was_never_gone() {
    let cluster = std::sync::Arc::new(Cluster::start(&[]));
    let (session, _) = prepared_new(&cluster).await;
    drop(session);
    let lanes = lanes_with(&cluster.url(), 1, Duration::from_secs(60)).await;
    let first = lanes.commit(row("a", 0, vec![entry(1, None)])).await;
    assert_eq!(first, Outcome::Durable);
    cluster.stop("fast");
    // Long enough that the lane has seen it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let waits = tokio::spawn(lanes.commit(row("a", 1, vec![entry(2, None)])));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waits.is_finished(), "it gave up");
    let starts = cluster.clone();
    tokio::task::spawn_blocking(move || starts.restart(&[]))
        .await
        .unwrap();
    assert_eq!(waits.await.unwrap(), Outcome::Durable);
    let session = connect(&cluster).await;
    assert_eq!(stored(session.client(), "a").await, (Some(2), vec![1, 2]));
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

/// It answers until the statement is prepared: that is given up like all else.
#[tokio::test]
async fn a_database_that_falls_silent_while_a_lane_opens_is_given_up() {
    let cluster = Cluster::start(&[]);
    prepared_new(&cluster).await;
    let proxy = Proxy::start(cluster.port()).await;
    let lanes = lanes_with(&proxy.url(), 1, Duration::from_millis(200)).await;
    proxy.set(Passage::LosesQuestion);
    let lost = lanes
        .commit(row("account-a", 0, vec![entry(1, None)]))
        .await;
    assert_eq!(lost, Outcome::Unknown);
    proxy.set(Passage::Silent);
    let outcome = lanes
        .commit(row("account-a", 0, vec![entry(2, None)]))
        .await;
    assert!(!matches!(outcome, Outcome::Durable), "{outcome:?}");
    proxy.set(Passage::SilentFromParse);
    let outcome = lanes
        .commit(row("account-a", 0, vec![entry(3, None)]))
        .await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    proxy.set(Passage::Open);
    let outcome = lanes
        .commit(row("account-a", 0, vec![entry(4, None)]))
        .await;
    assert_eq!(outcome, Outcome::Durable);
}

/// A session whose server has become read-only, as one that was set back to a replica is, or that was told to be.
#[tokio::test]
async fn a_session_that_is_of_no_use_any_more_is_opened_again() {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    let lanes = lanes_with(&cluster.url(), 1, Duration::from_secs(20)).await;
    let client = session.client();
    // Of a whole cluster, so that sessions that are open take it too.
    client
        .batch_execute("alter system set default_transaction_read_only = on")
        .await
        .unwrap();
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .unwrap();
    until(async || {
        let row = client
            .query_one("show default_transaction_read_only", &[])
            .await;
        row.unwrap().get::<_, &str>(0) == "on"
    })
    .await;
    let waits = tokio::spawn(lanes.commit(row("a", 0, vec![entry(1, None)])));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.is_finished());
    client
        .batch_execute("set default_transaction_read_only = off")
        .await
        .unwrap();
    client
        .batch_execute("alter system reset default_transaction_read_only")
        .await
        .unwrap();
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .unwrap();
    assert_eq!(waits.await.unwrap(), Outcome::Durable);
}

/// One account that cannot be written, one that is held by somebody else, and one call that is made twice.
#[tokio::test]
async fn one_account_at_fault_is_not_the_others_fault() {
    let cluster = Cluster::start(&[]);
    let (session, _) = prepared_new(&cluster).await;
    let lanes = lanes_with(&cluster.url(), 1, Duration::from_secs(30)).await;
    let first = lanes.commit(row("held", 0, vec![entry(1, None)]));
    assert_eq!(first.await, Outcome::Durable);
    let mut holder = connect(&cluster).await;
    let held = holder.client_mut().transaction().await.unwrap();
    held.execute(
        "select 1 from account where account_id = 'held' for update",
        &[],
    )
    .await
    .unwrap();
    // PostgreSQL has no text with a zero in it.
    let at_fault = lanes.commit(row("bad\0name", 0, vec![entry(2, None)]));
    let waits = lanes.commit(row("held", 1, vec![entry(3, None)]));
    let called = lanes.commit(row("good", 0, vec![entry(4, Some(9))]));
    let called_again = lanes.commit(row("good", 4, vec![entry(5, Some(9))]));
    let others: Vec<_> = (0..20)
        .map(|number| lanes.commit(row(&format!("other-{number}"), 0, vec![entry(6, Some(9))])))
        .collect();
    assert_eq!(called.await, Outcome::Durable);
    for other in others {
        assert_eq!(other.await, Outcome::Durable);
    }
    let Outcome::Refused(why) = at_fault.await else {
        panic!("it is there")
    };
    assert!(why.contains("invalid byte sequence"), "{why}");
    assert_eq!(called_again.await, Outcome::Known(4));
    let Outcome::Refused(why) = waits.await else {
        panic!("it is there")
    };
    assert!(why.contains("lock timeout"), "{why}");
    held.rollback().await.unwrap();
    let again = lanes.commit(row("held", 1, vec![entry(7, None)]));
    assert_eq!(again.await, Outcome::Durable);
    assert_eq!(stored(session.client(), "good").await, (Some(4), vec![4]));
}
