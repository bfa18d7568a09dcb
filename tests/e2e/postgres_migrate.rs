//! `migrate-store`: a journal becomes a database, with all that was answered.

use std::process::{Command, Output};

use rustix::process::Signal;
use waika::v1;

use crate::code::scan;
use crate::postgres_support::Database;
use crate::refund::{partly, refund, refund_outcome};
use crate::support::{Home, Server, binary, command_over, reason_of};
use crate::wallet::{
    Callers, merchant, part, pay, reversal_outcome, reverse, reverse_by_key, unbind, unbind_outcome,
};

const SCHEMA: [&str; 2] = [
    include_str!("../../server/src/ledger/postgres/schema_1.sql"),
    include_str!("../../server/src/ledger/postgres/schema_2.sql"),
];

/// Runs it.
fn migrate(home: &Home, url: &str) -> Output {
    Command::new(binary("waika-server"))
        .arg("migrate-store")
        .arg(format!("journal:{}", home.data().display()))
        .arg(url)
        .arg("--key-file")
        .arg(home.key_file())
        .output()
        .unwrap()
}

/// It ends with this code, and says each of these words.
fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

fn moved(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A node over a database, with the journal's keys.
fn node(url: &str, home: &Home) -> Server {
    Server::start_by(&mut command_over(url, &home.key_file()), Home::new())
}

async fn history(callers: &mut Callers, account: &str) -> Vec<v1::AuthorisationRecord> {
    let request = v1::ListAuthorisationsRequest {
        account_id: account.to_owned(),
        ..v1::ListAuthorisationsRequest::default()
    };
    let listed = callers.authorisations.list_authorisations(request).await;
    listed.unwrap().into_inner().authorisations
}

async fn actions(callers: &mut Callers) -> Vec<v1::OperatorAction> {
    let request = v1::ListOperatorActionsRequest::default();
    let listed = callers.admin.list_operator_actions(request).await;
    listed.unwrap().into_inner().actions
}

/// What a server tells, wherever it keeps it.
#[derive(Debug, PartialEq)]
struct Told {
    accounts: Vec<v1::GetAccountResponse>,
    cards: Vec<v1::ListCardsResponse>,
    history: Vec<Vec<v1::AuthorisationRecord>>,
    actions: Vec<v1::OperatorAction>,
    replayed: Vec<v1::AuthoriseResponse>,
}

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];

async fn told(callers: &mut Callers, again: &[v1::AuthoriseRequest]) -> Told {
    let (mut accounts, mut cards, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for account in ACCOUNTS {
        accounts.push(callers.account(account).await);
        let request = v1::ListCardsRequest {
            account_id: account.to_owned(),
        };
        let listed = callers.cards.list_cards(request).await;
        cards.push(listed.unwrap().into_inner());
        all.push(history(callers, account).await);
    }
    let mut replayed = Vec::new();
    for request in again {
        let answer = callers.authorise(request.clone()).await.unwrap();
        assert!(answer.replayed, "{answer:?}");
        replayed.push(answer);
    }
    Told {
        accounts,
        cards,
        history: all,
        actions: actions(callers).await,
        replayed,
    }
}

/// A day of everything that leads to an entry of another shape. Gives payments to be asked for again.
async fn live(callers: &mut Callers) -> Vec<v1::AuthoriseRequest> {
    callers.put_merchant(merchant("kiosk")).await;
    callers
        .hold("name = \"small\"\n[limits]\nsingle_fen = 500000\n")
        .await;
    let mut again = Vec::new();
    let mut cards = Vec::new();
    for (number, account) in (40..).zip(ACCOUNTS) {
        cards.push(callers.wallet_with(account, number).await);
    }
    for (account, card) in ACCOUNTS.into_iter().zip(&cards) {
        for number in 0..20 {
            let amount = 1_000 + 10_000 * i64::from(number);
            let request = pay(account, card, &format!("{account} {number}"), amount);
            callers.authorise(request.clone()).await.unwrap();
            again.push(request);
        }
    }
    let large = pay("a", &cards[0], "large", 500_001);
    assert_eq!(callers.decision(large.clone()).await, "LIMIT_SINGLE");
    let mut wrong = pay("b", &cards[1], "wrong", 100);
    "000000".clone_into(&mut wrong.payment_password);
    assert_eq!(callers.decision(wrong.clone()).await, "PASSWORD_WRONG");
    again.extend([large, wrong]);

    let paid = callers.paid("a", &cards[0], "given back", 30_000).await;
    let request = part(reverse("a", "r", &paid.authorisation_id), 10_000);
    let answer = callers.reverse(request).await.unwrap();
    assert_eq!(reversal_outcome(&answer), "REVERSED");
    let ahead = callers.reverse(reverse_by_key("a", "r ahead", "never came"));
    assert_eq!(reversal_outcome(&ahead.await.unwrap()), "RECORDED_AHEAD");

    let code = callers.code("c", &cards[2], "code").await;
    let scanned = scan(&code, "scanned", 700);
    let unknown = scan("130000000000000000", "unknown", 700);
    assert_eq!(callers.decision(scanned.clone()).await, "APPROVED");
    assert_eq!(
        callers.decision(unknown.clone()).await,
        "PAYMENT_CODE_INVALID"
    );
    again.extend([scanned, unknown]);

    let second = callers.another_card("b", 55).await;
    let second = crate::wallet::bound(&second);
    let gone = callers.unbind(unbind("b", &second, "u")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    again
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_and_the_database_that_it_was_moved_to_tell_the_same() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let again = live(&mut callers).await;
    let before = told(&mut callers, &again).await;
    let database = Database::start();
    let url = database.cluster.url();

    let running = migrate(&server.home, &url);
    refused(&running, 69, &["held by another process"]);
    let home = server.kill();
    let output = moved(&migrate(&home, &url));
    assert!(
        output.contains("every row is as the journal has it"),
        "{output}"
    );
    let Err(refused_to_start) = Server::try_start(&mut home.command(), Home::new()) else {
        panic!("a server decides on the journal too");
    };
    assert_eq!(refused_to_start.status.code(), Some(64));
    let text = refused_to_start.text;
    assert!(text.contains("moved-to-database"), "{text}");

    let [first, second] = [node(&url, &home), node(&url, &home)];
    let [mut here, mut there] = [Callers::of(&first).await, Callers::of(&second).await];
    assert_eq!(told(&mut here, &again).await, before);
    assert_eq!(told(&mut there, &again).await, before);

    // What was paid from the journal can be given back, and counts.
    let paid = before.history[0][0].authorisation.as_ref().unwrap();
    let request = partly(refund("a", "refund", &paid.authorisation_id), 100);
    let settle = v1::SettleRequest {
        idempotency_key: "settle".to_owned(),
        account_id: "a".to_owned(),
        authorisation_id: paid.authorisation_id.clone(),
    };
    here.authorisations.settle(settle).await.unwrap();
    let refunded = there.authorisations.refund(request).await.unwrap();
    assert_eq!(refund_outcome(&refunded.into_inner()), "REFUNDED");
    let token = before.cards[0].cards[0].card_token.clone();
    let came = there.decision(pay("a", &token, "never came", 100)).await;
    assert_eq!(came, "REVERSED_BEFORE_ARRIVAL");
    assert_eq!(
        here.decision(pay("a", &token, "new", 100)).await,
        "APPROVED"
    );

    refused(&migrate(&home, &url), 69, &["runs over it"]);
    for node in [first, second] {
        assert!(node.stop(Signal::TERM).0.success());
    }
    let output = moved(&migrate(&home, &url));
    assert!(output.contains("nothing written"), "{output}");
    assert!(output.contains("went on in the database"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_back_otherwise_than_it_was_written_undoes_all() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.paid("a", &card, "k", 100).await;
    let home = server.kill();
    let database = Database::start();
    let url = database.cluster.url();
    for part in SCHEMA {
        database.query(part);
    }
    // Who changes a row on its way: of an entry, of an account, and who leaves one out.
    for (table, change, word) in [
        ("entry", "new.entry = '\\x00'; return new", "entry 2"),
        ("entry", "new.about = 7; return new", "about"),
        ("account", "new.month_used_fen = 7; return new", "account a"),
        ("account", "new.cards = '{1}'; return new", "account a"),
        ("account", "return null", "account a"),
    ] {
        database.query(&format!(
            "create function change() returns trigger language plpgsql as $$ begin {change}; end $$;
             create trigger change before insert on {table} for each row execute function change()"
        ));
        let output = migrate(&home, &url);
        refused(&output, 1, &["nothing was moved", word]);
        database.query("drop function change cascade");
        let rows = "select (select count(*) from entry) + (select count(*) from account)";
        assert_eq!(database.query(rows), "0");
    }
    // The journal goes on as if nothing had been.
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await, (100, 100));
    let home = server.kill();
    moved(&migrate(&home, &url));

    // A row that was changed since is found by running it again.
    database.query("update account set month_used_fen = 0 where account_id = 'a'");
    refused(
        &migrate(&home, &url),
        1,
        &["not what the journal has", "account a"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_is_named_with_its_mend() {
    let server = Server::start();
    Callers::of(&server).await.wallet("a").await;
    let home = server.kill();
    let database = Database::start();
    let url = database.cluster.url();
    let run = |from: &str, to: &str, key: &str| {
        let mut command = Command::new(binary("waika-server"));
        command.args(["migrate-store", from, to, "--key-file", key]);
        command.output().unwrap()
    };
    let (from, key) = (
        format!("journal:{}", home.data().display()),
        home.key_file(),
    );
    let key = key.to_str().unwrap();
    let other_key = home.data().join("../other.key");
    let other_key = other_key.to_str().unwrap();
    let nobody = url.replace(&database.cluster.port().to_string(), "1");
    refused(&run(&from, &nobody, key), 69, &["cannot be reached"]);
    refused(&run("memory:", &url, key), 64, &["JOURNAL", "memory"]);
    refused(
        &run(&format!("{from}x"), &url, key),
        64,
        &["JOURNAL", "cannot be read"],
    );
    refused(&run(&from, &from, key), 64, &["DATABASE", "URL"]);
    refused(&run(&url, &url, key), 64, &["JOURNAL", "is a database"]);
    refused(
        &run(&from, &url, other_key),
        64,
        &["other.key", "--key-file"],
    );
    let weak = format!("{url}?options=-csynchronous_commit%3Doff");
    refused(&run(&from, &weak, key), 64, &["synchronous_commit = off"]);

    // Another store's database is not written into.
    drop({
        let other = database.node();
        Callers::of(&other).await.wallet("b").await;
        other
    });
    refused(&run(&from, &url, key), 69, &["runs over it"]);
    database.query("delete from node");
    refused(&run(&from, &url, key), 64, &["empty database"]);
    assert!(!home.data().join("moved-to-database").exists());

    // And a journal that was moved is not moved to another one.
    database.query("create database another template template0");
    let another = url.replace("/postgres", "/another");
    moved(&run(&from, &another, key));
    database.query("create database third template template0");
    let third = url.replace("/postgres", "/third");
    refused(
        &run(&from, &third, key),
        64,
        &["JOURNAL", "another", "moved-to-database"],
    );
    let server = node(&another, &home);
    let mut callers = Callers::of(&server).await;
    let error = callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason_of(&error), "NOT_OF_THIS_STORE");
    assert_eq!(callers.used("a").await, (0, 0));
}
