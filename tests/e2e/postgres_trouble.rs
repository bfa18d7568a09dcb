//! What goes wrong between a server and its database: named, `NOT_SERVING` where it must be, and nothing lost.

use rustix::process::Signal;
use tonic::Code;
use waika::health::HealthCheckRequest;
use waika::health::health_check_response::ServingStatus;
use waika::health::health_client::HealthClient;

use crate::postgres_support::{Database, until};
use crate::support::{Server, reason_of};
use crate::wallet::{Callers, decision, pay};

async fn is_serving(server: &Server) -> bool {
    let mut health = HealthClient::new(server.rpc_channel().await);
    let answer = health.check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_and_comes_back_loses_nothing() {
    let database = Database::start();
    let [node] = database.nodes::<1>();
    let mut callers = Callers::of(&node).await;
    let card = callers.wallet("a").await;
    callers.paid("a", &card, "before", 100).await;
    assert!(is_serving(&node).await);

    database.cluster.stop("immediate");
    until("NOT_SERVING", async || !is_serving(&node).await).await;
    let error = callers
        .authorise(pay("a", &card, "away", 100))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    assert!(
        ["STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(&&*reason_of(&error)),
        "{error:?}"
    );

    database.cluster.restart(&["max_connections=300"]);
    until("SERVING", async || is_serving(&node).await).await;
    // The same key is safe to send again, however the first one ended.
    let mut answer = None;
    until("an answer", async || {
        answer = callers.authorise(pay("a", &card, "away", 100)).await.ok();
        answer.is_some()
    })
    .await;
    assert_eq!(decision(&answer.unwrap()), "APPROVED");
    assert_eq!(callers.used("a").await, (200, 200));
    let [other] = database.nodes::<1>();
    assert_eq!(Callers::of(&other).await.used("a").await, (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gives_its_number_back_and_a_second_takes_it() {
    let database = Database::start();
    let [first, second] = database.nodes::<2>();
    let number = "waika_node_number";
    assert_eq!(first.figure(number).await, Some(0.0));
    assert_eq!(second.figure(number).await, Some(1.0));
    let (status, _home) = first.stop(Signal::TERM);
    assert!(status.success(), "{status}");
    let third = database.node();
    assert_eq!(
        third.figure(number).await,
        Some(0.0),
        "the lowest that is free"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decided_over_is_named_with_its_mend() {
    let database = Database::start();
    let url = database.cluster.url();
    let refused = |url: &str, arguments: &[&str], words: &[&str], code: i32| {
        let Err(refused) = database.try_node_over(url, arguments) else {
            panic!("{url} was taken");
        };
        assert_eq!(refused.status.code(), Some(code), "{}", refused.text);
        for word in words {
            assert!(refused.text.contains(word), "{word}: {}", refused.text);
        }
    };
    let nobody = url.replace(&database.cluster.port().to_string(), "1");
    refused(&nobody, &[], &["postgres://waika@127.0.0.1:1/postgres"], 69);
    refused(
        &url.replace("/postgres", "/none"),
        &[],
        &["none", "does not exist"],
        64,
    );
    refused("postgres://waika@db.example/waika", &[], &["store-ca"], 64);
    refused(
        &url,
        &["--backup-to", "/tmp/backups"],
        &["--backup-to", "journal:DIR"],
        64,
    );
    {
        let node = database.node();
        let mut callers = Callers::of(&node).await;
        let error = callers
            .admin
            .take_snapshot(waika::v1::TakeSnapshotRequest {})
            .await
            .unwrap_err();
        assert_eq!(reason_of(&error), "NOT_OF_THIS_STORE");
    }
    database.query("update store set schema_version = 9, needs_version = 9");
    refused(&url, &[], &["version 9", "start a newer Waika"], 64);
    database.query("update store set schema_version = 2, needs_version = 2");
    let weak = format!("{url}?options=-csynchronous_commit%3Doff");
    refused(&weak, &[], &["synchronous_commit = off"], 64);
    let taken = database.node_over(&weak, &["--store-may-lose-commits"]);
    assert!(is_serving(&taken).await);

    database.cluster.ask_for_passwords();
    database.query("select pg_reload_conf()");
    drop(taken);
    // No password, and none in what is said.
    refused(&url, &[], &["postgres://waika@127.0.0.1"], 69);
    let wrong = url.replace("waika@", "waika:s3cret@");
    let Err(said) = database.try_node_over(&wrong, &[]) else {
        panic!("a wrong password was taken");
    };
    assert!(!said.text.contains("s3cret"), "{}", said.text);
}
