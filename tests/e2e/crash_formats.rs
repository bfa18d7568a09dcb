//! A store that an earlier release has written is read by this one as it was: `tests/e2e/formats` keeps a
//! data folder of each release whose formats differ, with what must be found in it.
//!
//! `WAIKA_RECORD_FORMAT=0.2.0 cargo test --test e2e crash_formats` adds this release's, under that name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};
use waika::v1;

use crate::older_keys::{moved_out, paid};
use crate::support::{Home, Server, binary, environment};
use crate::wallet::{Callers, decision, part, pay, reverse, unbind};

const FORMATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/formats");
/// The payments of the story, by account and key, with their amounts in fen.
const STORY: [(&str, &str, i64); 6] = [
    ("b", "reversed", 30_000),
    ("b", "in part", 20_001),
    ("b", "kept", 600_000),
    ("b", "too much", 600_001),
    ("c", "alone", 12_345),
    ("c", "after the snapshot", 777),
];
/// Several segments, and keys on the disk.
const SMALL: [&str; 4] = ["--keys-in-memory", "1000", "--snapshot-every", "0"];

/// One folder for each release.
fn releases() -> Vec<PathBuf> {
    let entries = fs::read_dir(FORMATS).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort_unstable();
    folders
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A home with what a release has written.
fn home_of(release: &Path) -> Home {
    let home = Home::new();
    let [data, keys] = data_and_keys(&home);
    copy(&release.join("data"), &data);
    copy(&release.join("keys"), &keys);
    make_private(&keys);
    home
}

/// The same of the first release.
pub(crate) fn home_of_the_first() -> Home {
    home_of(releases().first().unwrap())
}

/// A folder that a server can start in, from a release's or to be one.
fn data_and_keys(home: &Home) -> [PathBuf; 2] {
    let data = home.data();
    let keys = data.with_file_name("keys");
    [data, keys]
}

/// What can be read of the accounts.
async fn look(callers: &mut Callers, ids: &Value) -> Value {
    let mut accounts = serde_json::Map::new();
    for account in ["a", "b", "c"] {
        let (month, year) = callers.used(account).await;
        let request = v1::ListCardsRequest {
            account_id: account.to_owned(),
        };
        let cards = callers.cards.list_cards(request).await.unwrap();
        let cards = cards.into_inner().cards;
        let tokens: Vec<_> = cards.iter().map(|card| card.card_token.clone()).collect();
        let seen = json!({ "month_fen": month, "year_fen": year, "cards": tokens });
        accounts.insert(account.to_owned(), seen);
    }
    let mut standings = serde_json::Map::new();
    for (account, key, _) in STORY {
        let id = ids[key].as_str().unwrap();
        let standing = callers.standing(account, id).await;
        let seen = json!({
            "reversed_fen": standing.reversed_fen,
            "reversed_fee_fen": standing.reversed_fee_fen,
            "remaining_fen": standing.remaining_fen,
        });
        standings.insert(key.to_owned(), seen);
    }
    json!({ "accounts": accounts, "standings": standings })
}

/// The story's payments, sent for the first time or again: the id and the decision of each.
async fn told(callers: &mut Callers, cards: &Value, keys: &[&str]) -> Value {
    let mut told = serde_json::Map::new();
    for (account, key, amount) in STORY.iter().filter(|(_, key, _)| keys.contains(key)) {
        let card = cards[account].as_str().unwrap();
        let answer = callers.authorise(pay(account, card, key, *amount)).await;
        let answer = answer.unwrap();
        let decision = decision(&answer);
        let decided = answer.authorisation.unwrap();
        let seen = json!({
            "id": decided.authorisation_id,
            "decision": decision,
            "fee_fen": decided.fee_fen,
            "replayed": answer.replayed,
        });
        told.insert((*key).to_owned(), seen);
    }
    Value::Object(told)
}

/// Ids by key.
fn ids(told: &Value) -> Value {
    let told = told.as_object().unwrap();
    let ids = told
        .iter()
        .map(|(key, seen)| (key.clone(), seen["id"].clone()));
    Value::Object(ids.collect())
}

/// Lives the story in a new folder and keeps it.
async fn record(release: &str) {
    let server = Server::start_with(&SMALL);
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-03-10T12:00:00+08:00").await;
    let many = callers.wallet("a").await;
    paid(&callers, &many, 0..1_300).await;
    moved_out(&server, 500.0).await;
    let card_b = callers.wallet_with("b", 2_000).await;
    let card_c = callers.wallet_with("c", 3_000).await;
    let cards = json!({ "a": many, "b": card_b, "c": card_c });
    let (last, before) = STORY.map(|(_, key, _)| key).split_last().map_or_else(
        || ("", Vec::new()),
        |(last, before)| (*last, before.to_vec()),
    );
    let mut first = told(&mut callers, &cards, &before).await;
    let id = |key: &str| first[key]["id"].as_str().unwrap().to_owned();
    let (whole, some) = (id("reversed"), id("in part"));
    assert_eq!(
        callers.reversal(reverse("b", "whole", &whole)).await,
        "REVERSED"
    );
    let some = part(reverse("b", "some", &some), 5_000);
    assert_eq!(callers.reversal(some).await, "REVERSED");
    let taken = callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await;
    taken.unwrap();
    let after = told(&mut callers, &cards, &[last]).await;
    first[last] = after[last].clone();
    let another = callers.another_card("c", 3_001).await;
    let another = crate::wallet::bind_outcome(&another);
    assert_eq!(another, "BOUND");
    callers.unbind(unbind("c", &card_c, "unbind")).await;
    let seen = look(&mut callers, &ids(&first)).await;
    let expected = json!({ "cards": cards, "told": first, "seen": seen });
    let (status, home) = server.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    let kept = Path::new(FORMATS).join(release);
    let [data, keys] = data_and_keys(&home);
    copy(&data, &kept.join("data"));
    copy(&keys, &kept.join("keys"));
    let text = serde_json::to_string_pretty(&expected).unwrap() + "\n";
    fs::write(kept.join("expected.json"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_earlier_release_has_written_is_read_as_it_was() {
    if let Some(release) = environment("WAIKA_RECORD_FORMAT") {
        return record(&release).await;
    }
    assert!(!releases().is_empty());
    for release in releases() {
        let shown = release.display();
        let text = fs::read_to_string(release.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        for with_snapshot in [true, false] {
            let home = home_of(&release);
            let [data, _] = data_and_keys(&home);
            if !with_snapshot {
                // Then all of it is replayed, and no key is left to runs.
                remove_derived(&data);
            }
            verify(&data);
            let server = Server::start_in(home, &SMALL);
            let mut callers = Callers::of(&server).await;
            let seen = look(&mut callers, &ids(&expected["told"])).await;
            assert_eq!(seen, expected["seen"], "{shown}, snapshot: {with_snapshot}");
            let keys = STORY.map(|(_, key, _)| key);
            let mut again = told(&mut callers, &expected["cards"], &keys).await;
            for (key, seen) in again.as_object_mut().unwrap() {
                assert_eq!(seen["replayed"], true, "{shown}: {key}");
                seen["replayed"] = json!(false);
            }
            assert_eq!(
                again, expected["told"],
                "{shown}, snapshot: {with_snapshot}"
            );
            let card = expected["cards"]["b"].as_str().unwrap();
            callers.paid("b", card, "new", 100).await;
            let (status, _) = server.stop(Signal::TERM);
            assert_eq!(status.code(), Some(0), "{shown}");
        }
    }
}

/// As a server leaves it; git does not keep who may read.
fn make_private(keys: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs::read_dir(keys).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(keys, fs::Permissions::from_mode(0o700)).unwrap();
}

/// Removes what follows from the journal.
fn remove_derived(data: &Path) {
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let is_derived = |end: &std::ffi::OsStr| end == "snap" || end == "run";
        if path.extension().is_some_and(is_derived) {
            fs::remove_file(path).unwrap();
        }
    }
}

fn verify(data: &Path) {
    let verified = Command::new(binary("waika-server"))
        .args(["journal", "verify", "--store"])
        .arg(format!("journal:{}", data.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{}: {said}", data.display());
}
