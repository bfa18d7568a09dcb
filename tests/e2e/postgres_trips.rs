//! How often a payment asks the database, as its log tells: once for an account in memory, twice for one that is not.

use crate::postgres_support::{Database, callers};
use crate::wallet::{Callers, pay};

/// What servers ask by themselves, whether anybody pays or not: of what they have to hear of, of who is there, and of
/// what is left to erase.
const BY_THEMSELVES: [&str; 6] = [
    "select account_id, sequence, entry from entry where written",
    "select pg_snapshot_xmin",
    "select sequence, entry from entry where account_id = ''",
    "select w.account_id, w.sequence, e.entry from awaiting",
    "select a.account_id from account a left join node",
    "update node ",
];
/// What is asked by a session that was opened: the one that holds rows is opened once there is one to hold.
const WHEN_OPENED: [&str; 4] = [
    "select current_setting('server_version')",
    "select (extract(epoch from clock_timestamp())",
    "select pid, (extract(epoch from backend_start)",
    "select bool_and(reltuples",
];
const COMMIT: &str = "with wanted as (";
const ACCOUNT: &str = "with a as (select * from account where";
const HOLD: &str = "select a.account_id, a.version, a.month, a.month_used_fen,";

/// The beginnings of all statements that servers have sent for calls, in order.
fn asked(database: &Database) -> Vec<String> {
    let log = database.query("select pg_read_file(current_setting('data_directory') || '/../log')");
    log.lines()
        .filter_map(|line| line.split_once("execute ")?.1.split_once(": "))
        .map(|(_, statement)| statement.to_owned())
        .filter(|statement| {
            let mut not_of_calls = BY_THEMSELVES.iter().chain(&WHEN_OPENED);
            !not_of_calls.any(|it| statement.starts_with(it))
        })
        .collect()
}

/// What is asked for a payment of a fen.
async fn asked_for(
    database: &Database,
    payer: &mut Callers,
    paid: (&str, &str, &str),
) -> Vec<String> {
    let (account, card, key) = paid;
    let before = asked(database).len();
    assert_eq!(payer.decision(pay(account, card, key, 1)).await, "APPROVED");
    asked(database).split_off(before)
}

fn check(asked: &[String], expected: &[&str]) {
    assert_eq!(asked.len(), expected.len(), "{asked:#?}");
    for (statement, begins) in asked.iter().zip(expected) {
        assert!(statement.starts_with(begins), "{statement}: {begins}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_account_takes_one_question_and_a_cold_one_two() {
    let database = Database::start_with(&["log_statement=all"]);
    let nodes = database.nodes::<2>();
    let mut callers = callers(&nodes).await;
    let mut cards = Vec::new();
    for number in 0..12 {
        let account = format!("a{number}");
        cards.push(callers[0].wallet_with(&account, 60 + number).await);
    }
    let [first, second] = &mut callers;
    // A session prepares a question when it is first asked.
    for (number, card) in cards.iter().enumerate().skip(1) {
        let account = format!("a{number}");
        for (payer, key) in [(&mut *first, "one"), (&mut *second, "two")] {
            asked_for(&database, payer, (&account, card, key)).await;
        }
    }
    let cold = asked_for(&database, second, ("a0", &cards[0], "cold")).await;
    check(&cold, &[ACCOUNT, COMMIT]);
    for key in ["warm 1", "warm 2"] {
        let warm = asked_for(&database, second, ("a0", &cards[0], key)).await;
        check(&warm, &[COMMIT]);
    }
    // Another server was faster: it is decided again, over a row that is held.
    for (payer, key) in [(&mut *first, "stale 1"), (&mut *second, "stale 2")] {
        let stale = asked_for(&database, payer, ("a0", &cards[0], key)).await;
        check(&stale, &[COMMIT, ACCOUNT, HOLD, COMMIT]);
    }
    // And from then on it is held first.
    for (payer, key) in [(first, "shared 1"), (second, "shared 2")] {
        let shared = asked_for(&database, payer, ("a0", &cards[0], key)).await;
        check(&shared, &[HOLD, COMMIT]);
    }
}
