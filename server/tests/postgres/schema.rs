//! The schema that many nodes make at once, and databases that are none to decide over.

use waika_server::ledger::postgres::{Fitness, Migrated, SchemaError, Session, Unfit, migrate};

use super::cluster::Cluster;
use super::{address, connect};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_nodes_that_start_at_once_one_makes_the_schema() {
    let cluster = Cluster::start(&[]);
    let mut nodes = Vec::new();
    for _ in 0..12 {
        let mut session = connect(&cluster).await;
        nodes.push(tokio::spawn(
            async move { migrate(session.client_mut()).await },
        ));
    }
    let mut made = 0;
    for node in nodes {
        let Migrated { from, to } = node.await.unwrap().unwrap();
        assert_eq!(to, 1);
        made += usize::from(from == 0);
    }
    assert_eq!(made, 1);
    let session = connect(&cluster).await;
    let rows = session.client().query("select * from store", &[]).await;
    assert_eq!(rows.unwrap().len(), 1);
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_refused_by_name() {
    let cluster = Cluster::start(&[]);
    let mut session = connect(&cluster).await;
    migrate(session.client_mut()).await.unwrap();
    let set = |text: &'static str| session.client().batch_execute(text);
    // A newer one that this build may still write.
    set("update store set schema_version = 7").await.unwrap();
    let mut other = connect(&cluster).await;
    let migrated = migrate(other.client_mut()).await.unwrap();
    assert_eq!(migrated, Migrated { from: 7, to: 7 });
    set("update store set needs_version = 3").await.unwrap();
    let error = migrate(other.client_mut()).await.unwrap_err();
    assert!(
        matches!(
            error,
            SchemaError::Newer {
                found: 7,
                needed: 3
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("newer Waika"), "{error}");
    // Somebody else's.
    set("drop table store; create table store (shelf integer)")
        .await
        .unwrap();
    let error = migrate(other.client_mut()).await.unwrap_err();
    assert!(matches!(error, SchemaError::Foreign), "{error}");
}

#[tokio::test]
async fn a_user_without_rights_is_told_which() {
    let cluster = Cluster::start(&[]);
    let session = connect(&cluster).await;
    session
        .client()
        .batch_execute("create role guest login; revoke create on schema public from public")
        .await
        .unwrap();
    let url = cluster.url().replace("waika@", "guest@");
    let mut guest = Session::open(&address(&url)).await.unwrap();
    let error = migrate(guest.client_mut()).await.unwrap_err();
    assert!(matches!(error, SchemaError::Rights { .. }), "{error}");
    assert!(error.to_string().contains("permission denied"), "{error}");
    // Nothing of it is left behind: who may can go on.
    let mut owner = connect(&cluster).await;
    assert_eq!(migrate(owner.client_mut()).await.unwrap().from, 0);
    let error = migrate(guest.client_mut()).await.unwrap_err();
    assert!(matches!(error, SchemaError::Rights { .. }), "{error}");
}

#[tokio::test]
async fn what_a_database_promises_is_found_out() {
    let cluster = Cluster::start(&[]);
    let session = connect(&cluster).await;
    let fit = Fitness::of(&session).await.unwrap();
    assert_eq!(fit.check(false), Ok(()));
    assert_eq!(fit.synchronous_commit, "on");
    assert!(fit.version_number >= 140_000, "{fit:?}");
    assert!(fit.clock_within_us > 0);
    // The same machine: its clock is ours, as far as that can be told.
    assert!(
        fit.clock_ahead_us.abs() <= fit.clock_within_us + 1_000,
        "{fit:?}"
    );
    // For one user, as an operator would who wants speed.
    session
        .client()
        .batch_execute("alter role waika set synchronous_commit = off")
        .await
        .unwrap();
    let unfit = Fitness::of(&connect(&cluster).await).await.unwrap();
    assert_eq!(
        unfit.check(false),
        Err(Unfit::NotDurable("synchronous_commit = off"))
    );
    assert_eq!(unfit.check(true), Ok(()));
    cluster.stop("fast");
    cluster.restart(&["fsync=off"]);
    session_is_gone(&session).await;
    let unfit = Fitness::of(&connect(&cluster).await).await.unwrap();
    assert!(unfit.check(false).is_err(), "{unfit:?}");
}

async fn session_is_gone(session: &Session) {
    assert!(session.client().batch_execute("select 1").await.is_err());
}
