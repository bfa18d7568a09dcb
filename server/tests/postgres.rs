//! The statements that many nodes decide by, on a real PostgreSQL.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on shall stop"
)]

#[path = "postgres/cluster.rs"]
mod cluster;

#[path = "postgres/held.rs"]
mod held;
#[path = "postgres/lanes.rs"]
mod lanes;
#[path = "postgres/probe.rs"]
mod probe;
#[path = "postgres/proxy.rs"]
mod proxy;
#[path = "postgres/replicas.rs"]
mod replicas;
#[path = "postgres/schema.rs"]
mod schema;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use waika_server::ledger::postgres::{
    Address, Became, CommitStatement, EntryRow, FoundBy, Links, Row, Session, migrate,
};

use self::cluster::Cluster;

fn address(url: &str) -> Address {
    Address::parse(url, None).unwrap()
}

async fn connect(cluster: &Cluster) -> Session {
    Session::open(&address(&cluster.url())).await.unwrap()
}

async fn prepared(cluster: &Cluster) -> (Session, CommitStatement) {
    let session = connect(cluster).await;
    let statement = CommitStatement::prepare(session.client()).await.unwrap();
    (session, statement)
}

fn entry(sequence: u64, key: Option<u8>) -> EntryRow {
    EntryRow {
        sequence,
        call_hash: key.map(|key| [key; 16]),
        entry: sequence.to_be_bytes().into(),
        links: Links::default(),
    }
}

fn row(account: &str, expected: u64, entries: Vec<EntryRow>) -> Row {
    let version = entries.last().unwrap().sequence;
    Row {
        account: account.to_owned(),
        expected,
        version,
        control_version: 1,
        month: 24_311,
        month_used_fen: version.cast_signed(),
        year: 2_026,
        year_used_fen: version.cast_signed(),
        state: vec![7; 200],
        found_by: FoundBy::default(),
        entries,
    }
}

/// Waits until something is so, which it has to be within a minute.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never was");
}

async fn stored(client: &Client, account: &str) -> (Option<i64>, Vec<i64>) {
    let versions = client
        .query(
            "select version from account where account_id = $1",
            &[&account],
        )
        .await
        .unwrap();
    let entries = client
        .query(
            "select sequence from entry where account_id = $1 order by sequence",
            &[&account],
        )
        .await
        .unwrap();
    (
        versions.first().map(|row| row.get(0)),
        entries.iter().map(|row| row.get(0)).collect(),
    )
}

#[tokio::test]
async fn a_batch_changes_what_it_expected_and_nothing_else() {
    let cluster = Cluster::start(&[]);
    let (session, commit) = prepared_new(&cluster).await;
    let client = session.client();
    let first = [
        row("a", 0, vec![entry(10, Some(1)), entry(11, None)]),
        row("b", 0, vec![entry(12, Some(1))]),
    ];
    let became = commit.commit(client, &first).await.unwrap();
    assert_eq!(became, [Became::Durable, Became::Durable]);
    let second = [
        row("b", 11, vec![entry(20, Some(2))]),
        row("a", 11, vec![entry(21, Some(2)), entry(22, Some(3))]),
        row("c", 5, vec![entry(23, Some(2))]),
        row("d", 0, vec![entry(24, None)]),
    ];
    let became = commit.commit(client, &second).await.unwrap();
    let [conflict, durable] = [Became::Conflict, Became::Durable];
    assert_eq!(
        became,
        [conflict.clone(), durable.clone(), conflict.clone(), durable]
    );
    assert_eq!(stored(client, "a").await, (Some(22), vec![10, 11, 21, 22]));
    assert_eq!(stored(client, "b").await, (Some(12), vec![12]));
    assert_eq!(stored(client, "c").await, (None, vec![]));
    assert_eq!(stored(client, "d").await, (Some(24), vec![24]));
    // Opened twice.
    let became = commit
        .commit(client, &[row("d", 0, vec![entry(30, None)])])
        .await
        .unwrap();
    assert_eq!(became, [conflict]);
    assert_eq!(stored(client, "d").await, (Some(24), vec![24]));
}

#[tokio::test]
async fn a_key_that_was_used_is_told_and_nothing_of_its_account_written() {
    let cluster = Cluster::start(&[]);
    let (session, commit) = prepared_new(&cluster).await;
    let client = session.client();
    let first = [row("a", 0, vec![entry(1, Some(1)), entry(2, Some(2))])];
    commit.commit(client, &first).await.unwrap();
    let again = [
        row(
            "a",
            2,
            vec![entry(3, Some(3)), entry(4, Some(2)), entry(5, Some(1))],
        ),
        // A key is its account's own.
        row("b", 0, vec![entry(6, Some(1))]),
    ];
    let became = commit.commit(client, &again).await.unwrap();
    let Became::Known(mut known) = became[0].clone() else {
        panic!("{became:?}")
    };
    known.sort_unstable();
    assert_eq!(known, [([1; 16], 1), ([2; 16], 2)]);
    assert_eq!(became[1], Became::Durable);
    assert_eq!(stored(client, "a").await, (Some(2), vec![1, 2]));
}

/// Several nodes that write the same accounts in another order each: no deadlock, each version once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_meet_conflict_and_never_deadlock_or_lose() {
    const ACCOUNTS: usize = 20;
    // Well before a session has waited for a row as long as it may: a deadlock is told as one.
    let cluster = Cluster::start(&["deadlock_timeout=100ms"]);
    let (session, _) = prepared_new(&cluster).await;
    let client = session.client();
    let names: Vec<_> = (0..ACCOUNTS)
        .map(|number| format!("account {number}"))
        .collect();
    let mut nodes = Vec::new();
    for node in 0..4_u64 {
        let (session, commit) = prepared(&cluster).await;
        let mut names = names.clone();
        names.rotate_left(usize::try_from(node).unwrap() * 5);
        if node % 2 == 0 {
            names.reverse();
        }
        nodes.push(tokio::spawn(async move {
            let client = session.client();
            let mut durable = 0_usize;
            let mut conflicts = 0_usize;
            let mut rounds = 0;
            while rounds < 100 {
                let mut rows = Vec::new();
                for name in &names {
                    let seen = stored_version(client, name).await;
                    let next = (seen + 4) / 4 * 4 + 4 + node;
                    rows.push(row(name, seen, vec![entry(next, None)]));
                }
                let told = match commit.commit(client, &rows).await {
                    Ok(told) => told,
                    // A disk that stands still for a second: nothing was written.
                    Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => continue,
                    Err(error) => panic!("{error:?}"),
                };
                rounds += 1;
                for became in told {
                    match became {
                        Became::Durable => durable += 1,
                        Became::Conflict => conflicts += 1,
                        Became::Known(known) => panic!("{known:?}"),
                    }
                }
            }
            (durable, conflicts)
        }));
    }
    let mut total = (0, 0);
    for node in nodes {
        let (durable, conflicts) = node.await.unwrap();
        total = (total.0 + durable, total.1 + conflicts);
    }
    assert_eq!(total.0 + total.1, 4 * 100 * ACCOUNTS);
    assert!(total.1 > 0, "they never met");
    let mut entries = 0;
    for name in &names {
        let (version, sequences) = stored(client, name).await;
        assert_eq!(version, sequences.last().copied());
        entries += sequences.len();
    }
    assert_eq!(entries, total.0);
}

async fn stored_version(client: &Client, account: &str) -> u64 {
    let (version, _) = stored(client, account).await;
    version.unwrap_or_default().cast_unsigned()
}

async fn prepared_new(cluster: &Cluster) -> (Session, CommitStatement) {
    let mut session = connect(cluster).await;
    migrate(session.client_mut()).await.unwrap();
    let statement = CommitStatement::prepare(session.client()).await.unwrap();
    (session, statement)
}

/// A plan that was made while the tables were empty reads them whole for each batch: none is kept before they are
/// large, and the one that is kept then is by their indexes.
#[tokio::test]
async fn a_plan_is_kept_once_the_tables_are_large_and_never_before() {
    let cluster = Cluster::start(&["autovacuum=off"]);
    let (session, commit) = prepared_new(&cluster).await;
    let client = session.client();
    assert!(!commit.keep_plan(client).await.unwrap());
    let rows = |expected: u64, range: std::ops::Range<u64>| -> Vec<_> {
        let row = |number| {
            let name = format!("account {number}");
            let sequence = if expected == 0 { 1 } else { expected + 1 };
            row(
                &name,
                expected,
                vec![entry(sequence, Some(7 + u8::try_from(expected).unwrap()))],
            )
        };
        range.map(row).collect()
    };
    for begin in (0..5_000).step_by(250) {
        let became = commit.commit(client, &rows(0, begin..begin + 250)).await;
        assert!(became.unwrap().iter().all(|it| *it == Became::Durable));
    }
    let plans = "select generic_plans, custom_plans from pg_prepared_statements
                 where starts_with(statement, 'with wanted')";
    let plans = async || {
        let row = client.query_one(plans, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    assert_eq!(plans().await, (0, 20));
    // Their sizes are not known before somebody looks.
    assert!(!commit.keep_plan(client).await.unwrap());
    let look = "analyze account, entry";
    client.batch_execute(look).await.unwrap();
    assert!(commit.keep_plan(client).await.unwrap());
    let scans = "select pg_stat_force_next_flush(), sum(seq_scan)::bigint from pg_stat_user_tables
                 where relname in ('account', 'entry')";
    let scans = async || {
        client.query_one(scans, &[]).await.unwrap();
        client.query_one(scans, &[]).await.unwrap().get::<_, i64>(1)
    };
    let before = scans().await;
    for size in [1, 250] {
        let became = commit.commit(client, &rows(size.min(2), 0..size)).await;
        let expected = |number: usize| {
            if size == 250 && number > 0 {
                Became::Conflict
            } else {
                Became::Durable
            }
        };
        for (number, became) in became.unwrap().into_iter().enumerate() {
            assert_eq!(became, expected(number), "{number} of {size}");
        }
    }
    assert_eq!(plans().await, (2, 20));
    assert_eq!(scans().await, before);
}
