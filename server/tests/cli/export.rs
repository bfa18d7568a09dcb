//! A journal that a real server wrote, as rows in every format.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use crate::credentials;
use crate::digests::{digests, ways_to_write};
use crate::support::{Server, waika};
use crate::wallet::{DOCUMENT, HOLDER, PAN, PASSWORD, PHONE, WRONG_PASSWORD, Wallet};

/// A server that is running, and has bound a card and decided some payments; and what its
/// journal must not show.
async fn server() -> (Server, Vec<String>) {
    let server = Server::start("--segment-bytes 1048576");
    let mut wallet = Wallet::of(&server, "a").await;
    wallet.pay("=1+1", 30_000, PASSWORD).await;
    wallet.pay("-2", 100, WRONG_PASSWORD).await;
    wallet.pay("@3", 600_001, PASSWORD).await;
    let mut secrets = credentials::used(&server, "a").await;
    wallet.operate().await;
    wallet.pay("locked", 100, PASSWORD).await;
    secrets.push(wallet.phone_code);
    (server, secrets)
}

fn export(home: &Path, line: &str) -> Output {
    let mut command = waika(home);
    command.args(["journal", "export"]);
    command.args(line.split_whitespace()).output().unwrap()
}

/// Exports, which must go well.
fn exported(home: &Path, line: &str) -> String {
    let output = export(home, line);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
    assert!(stderr.contains("entries: "), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn json_rows(text: &str) -> Vec<Map<String, Value>> {
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

/// A value as CSV writes it.
fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[tokio::test]
async fn every_format_has_the_same_rows() {
    let (server, _) = server().await;
    let home = server.home();
    let rows = json_rows(&exported(home, "--format json-lines --output -"));
    exported(home, "--format csv --output rows.csv");
    exported(home, "--format sqlite --output rows.db");

    let mut csv = csv::Reader::from_path(home.join("rows.csv")).unwrap();
    let names: Vec<_> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(&rows) {
        for (name, shown) in names.iter().zip(record) {
            assert_eq!(shown, cell(row.get(name)), "{name} in {row:?}");
        }
    }

    let database = Connection::open(home.join("rows.db")).unwrap();
    let mut select = database
        .prepare("SELECT * FROM entry ORDER BY sequence")
        .unwrap();
    let columns: Vec<_> = select.column_names().map(str::to_owned).collect();
    assert_eq!(columns, names);
    let mut stored = select.query([]).unwrap();
    for row in &rows {
        let kept = stored.next().unwrap().unwrap();
        for (place, name) in columns.iter().enumerate() {
            let expected = match row.get(name) {
                None => Value::Null,
                Some(Value::Bool(truth)) => i64::from(*truth).into(),
                Some(other) => other.clone(),
            };
            let kept = match kept.get_ref(place).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(kept, expected, "{name} in {row:?}");
        }
    }
    assert!(stored.next().unwrap().is_none());
}

#[tokio::test]
async fn rows_say_what_was_decided() {
    let (server, _) = server().await;
    let home = server.home();
    let rows = json_rows(&exported(home, "--format json-lines --output -"));
    let sequences: Vec<_> = rows
        .iter()
        .map(|row| row["sequence"].as_u64().unwrap())
        .collect();
    assert!(sequences.iter().copied().eq(1..=rows.len() as u64));
    let of_key = |key: &str| {
        let ends = |row: &&Map<String, Value>| row.get("key").is_some_and(|known| known == key);
        rows.iter().rfind(ends).unwrap()
    };
    let approved = of_key("=1+1");
    for (name, expected) in [
        ("kind", Value::from("posted")),
        ("account", "a".into()),
        ("rpc", "authorise".into()),
        ("decision", "approved".into()),
        ("merchant", "noodle-bar".into()),
        ("scene", "purchase".into()),
        ("amount_fen", 30_000.into()),
        ("fee_fen", 900.into()),
        ("total_fen", 30_900.into()),
        ("month_used_fen", 30_000.into()),
        ("password_check", "matched".into()),
        ("policy", "weixin-2023".into()),
    ] {
        assert_eq!(approved[name], expected, "{name}");
    }
    assert!(approved["previous"].as_u64().unwrap() > 0);
    assert_eq!(approved["approval_code"].as_str().unwrap().len(), 6);
    assert!(approved["at"].as_str().unwrap().ends_with('Z'));
    for (key, reason, layer) in [
        ("-2", "PASSWORD_WRONG", "wallet"),
        ("@3", "LIMIT_SINGLE", "wallet"),
        ("locked", "ISSUER_LOCKED_CARD", "issuer"),
    ] {
        let row = of_key(key);
        assert_eq!(row["decision"], "declined", "{key}");
        assert_eq!(
            (&row["reason"], &row["layer"]),
            (&reason.into(), &layer.into())
        );
    }
    assert_eq!(of_key("@3")["limit_fen"], 600_000);
    assert_eq!(of_key("bind")["decision"], "bound");
    assert_eq!(of_key("bind")["last_four"], "7892");
    assert_eq!(of_key("lock")["card_status"], "locked");
    assert_eq!(of_key("review")["resolved"], false);
    assert_eq!(of_key("put a")["merchant_name"], "=Noodle, bar");
    assert_eq!(rows[0]["kind"], "key_check");
}

#[tokio::test]
async fn d10_d12_rows_say_what_a_payment_was_made_with_and_from() {
    let (server, _) = server().await;
    let rows = json_rows(&exported(
        server.home(),
        "--format json-lines --output - --from 2",
    ));
    let card = &rows
        .iter()
        .find(|row| row["kind"] == "bind_decided")
        .unwrap()["card_token"];
    let of_key = |key: &str| {
        let named = |row: &&Map<String, Value>| row.get("key").is_some_and(|known| known == key);
        rows.iter().rfind(named).unwrap()
    };
    for (key, funding, credential, decision) in [
        ("=1+1", "card", Some("password"), "approved"),
        ("-2", "card", Some("password"), "declined"),
        ("with token", "card", Some("token"), "approved"),
        ("with code", "card", Some("code"), "approved"),
        ("with code again", "card", Some("code"), "declined"),
        ("with balance", "balance", Some("password"), "approved"),
    ] {
        let row = of_key(key);
        assert_eq!(row["funding"], funding, "{key}");
        assert_eq!(row.get("credential").and_then(Value::as_str), credential);
        assert_eq!(row["decision"], decision, "{key}");
        assert_eq!(row["account"], "a", "{key}");
        assert_eq!(row.get("card_token"), (funding == "card").then_some(card));
    }
    assert_eq!(of_key("with balance")["balance_left_fen"], 6_700);
    assert_eq!(of_key("with code again")["reason"], "PAYMENT_CODE_USED");
    for (key, kind, decision) in [
        ("verify", "password_verified", Some("verified")),
        ("code for a payment", "payment_code_decided", Some("issued")),
        ("receive", "funds_received", Some("received")),
        ("photo", "verification_submitted", Some("refused")),
        ("change", "password_changed", Some("changed")),
        ("unlock", "password_unlocked", None),
        ("policy", "policy_put", None),
    ] {
        let row = of_key(key);
        assert_eq!(row["kind"], kind, "{key}");
        assert_eq!(row.get("decision").and_then(Value::as_str), decision);
    }
    let text = of_key("policy")["policy_text"].as_str().unwrap();
    assert!(text.contains("name = \"spring\"\n"), "{text}");
    assert_eq!(of_key("unlock")["was_locked"], false);
}

#[tokio::test]
async fn a_part_can_be_asked_for() {
    let server = Server::start("--segment-bytes 1048576");
    let _other = Wallet::of(&server, "b").await;
    let mut wallet = Wallet::of(&server, "a").await;
    for number in 0..5 {
        wallet.pay(&number.to_string(), 100, PASSWORD).await;
    }
    let home = server.home();
    let sequences = |line: &str| -> Vec<u64> {
        let rows = json_rows(&exported(
            home,
            &format!("--format json-lines --output - {line}"),
        ));
        rows.iter()
            .map(|row| row["sequence"].as_u64().unwrap())
            .collect()
    };
    let all = sequences("").len() as u64;
    assert_eq!(sequences("--from 3 --to 5"), [3, 4, 5]);
    assert_eq!(sequences(&format!("--from {all}")), [all]);
    assert_eq!(sequences("--from 1000000"), [0; 0]);
    let of_b = sequences("--account b");
    assert!(!of_b.is_empty() && of_b.len() < usize::try_from(all).unwrap() / 2);
    assert_eq!(sequences("--account nobody"), [0; 0]);

    exported(
        home,
        "--format sqlite --output part.db --from 2 --to 9 --account a",
    );
    let database = Connection::open(home.join("part.db")).unwrap();
    let mut select = database.prepare("SELECT name, value FROM meta").unwrap();
    let meta: BTreeMap<String, String> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        (&*meta["from"], &*meta["to"], &*meta["account"]),
        ("2", "9", "a")
    );
    assert_eq!(meta["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(meta["identity"].len(), 16);
    assert!(meta["exported_at"].ends_with('Z'));
    let plan = "EXPLAIN QUERY PLAN SELECT * FROM entry WHERE account = 'a'";
    let plan: String = database.query_row(plan, [], |row| row.get(3)).unwrap();
    assert!(plan.contains("entry_account"), "{plan}");
    let strict = "SELECT count(*) FROM pragma_table_list WHERE name = 'entry' AND strict";
    let strict: i64 = database.query_row(strict, [], |row| row.get(0)).unwrap();
    assert_eq!(strict, 1);
}

#[tokio::test]
async fn a_file_that_is_there_is_only_replaced_by_force() {
    let (server, _) = server().await;
    let home = server.home();
    let file = home.join("rows");
    for format in ["json-lines", "csv", "sqlite"] {
        std::fs::write(&file, "precious").unwrap();
        let line = format!("--format {format} --output rows");
        let output = export(home, &line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{stderr}");
        assert!(stderr.contains("\"rows\" is there already"), "{stderr}");
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        exported(home, &format!("{line} --force"));
        assert_ne!(std::fs::read(&file).unwrap(), b"precious");
    }
    let refused = export(home, "--format csv --output waika-data --force");
    assert_eq!(refused.status.code(), Some(64));
    let missing = export(home, "--format csv --output missing/rows.csv");
    assert_eq!(missing.status.code(), Some(73));
    let left = std::fs::read_dir(home).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    let hidden = left
        .iter()
        .filter(|name| name.to_string_lossy().contains("waika-export"));
    assert_eq!(hidden.count(), 0, "{left:?}");
}

#[tokio::test]
async fn a_reader_that_has_had_enough_is_no_failure() {
    let (server, _) = server().await;
    for format in ["json-lines", "csv"] {
        let (reader, writer) = std::io::pipe().unwrap();
        // Nobody reads from the first byte on.
        drop(reader);
        let output = waika(server.home())
            .args(["journal", "export", "--output", "-", "--format", format])
            .stdout(writer)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{format}");
    }
}

#[tokio::test]
async fn r4_d28_no_export_has_a_secret() {
    let (server, used) = server().await;
    let home = server.home();
    let mut shown = exported(home, "--format json-lines --output -").into_bytes();
    exported(home, "--format csv --output rows.csv");
    exported(home, "--format sqlite --output rows.db");
    shown.extend(std::fs::read(home.join("rows.csv")).unwrap());
    shown.extend(std::fs::read(home.join("rows.db")).unwrap());

    let texts = [
        PAN,
        DOCUMENT,
        "CANARY4711ZQX",
        PASSWORD,
        WRONG_PASSWORD,
        PHONE,
        "447700912345",
        "7700 912345",
        HOLDER,
        "Zebulon",
        "Quixworth",
    ];
    let mut secrets: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    secrets.extend(used.into_iter().map(String::into_bytes));
    let digests = digests(&home.join("waika-data"));
    let found = digests.len();
    assert!(found > 20, "the journal has digests: {found}");
    secrets.extend(digests.iter().flat_map(|digest| ways_to_write(digest)));
    let has = |needle: &[u8]| shown.windows(needle.len()).any(|window| window == needle);
    assert!(has(b"noodle-bar"), "the search finds things");
    for secret in secrets {
        assert!(!has(&secret), "{}", String::from_utf8_lossy(&secret));
    }
}
