//! The schema that many nodes make at once, and databases that are none to decide over.

use waika_server::ledger::postgres::{
    Migrated, NotConnected, SCHEMA, SchemaError, Session, Unfit, migrate,
};

use super::cluster::{Cluster, free_port};
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
        assert_eq!(usize::try_from(to).unwrap(), SCHEMA.len());
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
    let fit = session.fitness();
    assert_eq!(fit.check(false), Ok(()));
    assert_eq!(fit.synchronous_commit, "on");
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
    assert_eq!(
        unfit(&cluster.url()).await,
        Unfit::NotDurable("synchronous_commit = off")
    );
    let allowed = address(&cluster.url()).with_commits_that_may_be_lost();
    let unfit_and_allowed = Session::open(&allowed).await.unwrap();
    assert_eq!(unfit_and_allowed.fitness().synchronous_commit, "off");
    // What the URL itself asks for is seen too.
    let url = format!(
        "{}?options=-csynchronous_commit%3Don%20-cdefault_transaction_read_only%3Don",
        cluster.url()
    );
    assert_eq!(unfit(&url).await, Unfit::ReadOnly);
    cluster.stop("fast");
    cluster.restart(&["fsync=off"]);
    session_is_gone(&session).await;
    let url = format!("{}?options=-csynchronous_commit%3Don", cluster.url());
    assert_eq!(unfit(&url).await, Unfit::NotDurable("fsync = off"));
}

/// A host that says nothing, one where nobody is, and then one that is good.
#[tokio::test]
async fn hosts_are_walked_and_each_is_told_that_will_not_do() {
    let cluster = Cluster::start(&["synchronous_commit=on"]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let nobody = format!("127.0.0.1:{}", free_port());
    let url = cluster.url().replace('@', &format!("@{silent},{nobody},"));
    // Of several hosts another need not have what one has answered.
    let error = Session::open(&address(&url)).await.unwrap_err().to_string();
    for part in [
        format!("{silent}: "),
        format!("{nobody}: "),
        format!(
            "127.0.0.1:{}: it has no synchronous_standby_names",
            cluster.port()
        ),
    ] {
        assert!(error.contains(&part), "{part} not in {error}");
    }
    let address = address(&url).with_commits_that_may_be_lost();
    let session = Session::open(&address).await.unwrap();
    assert_eq!(session.fitness().hosts, 3);
}

async fn unfit(url: &str) -> Unfit {
    match Session::open(&address(url)).await {
        Err(NotConnected::Unfit(unfit)) => unfit,
        other => panic!("{other:?}"),
    }
}

async fn session_is_gone(session: &Session) {
    assert!(session.client().batch_execute("select 1").await.is_err());
}
