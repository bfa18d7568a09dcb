//! Checking a journal: beside its server, after damage, and where there is none.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::{Server, waika};
use crate::wallet::{PASSWORD, Wallet};

fn run(home: &Path, line: &str) -> Output {
    waika(home).args(line.split_whitespace()).output().unwrap()
}

/// A command line must end with this code and say these parts, on one of the two.
fn check(home: &Path, line: &str, code: i32, parts: &[&str]) {
    let output = run(home, line);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    for part in parts {
        assert!(said.contains(part), "{line}: {part:?} not in {said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours into a pipe: {said}");
}

/// A data folder as it is at this moment. Its server may be running.
pub(crate) fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

const FIRST_SEGMENT: &str = "journal-0000000000000001.seg";

#[tokio::test]
async fn a_journal_is_sound_while_its_server_writes_to_it() {
    let server = Server::start("--segment-bytes 4096 --commit-spacing 0");
    let home = server.home().to_owned();
    let mut wallet = Wallet::of(&server, "a").await;
    let looks = tokio::task::spawn_blocking(move || {
        for round in 0..8 {
            let parts = ["segments", "last sequence", "entries/s", "no damage"];
            check(&home, "journal verify --jobs 2", 0, &parts);
            let line = format!("journal export --format csv --output {round}.csv");
            check(&home, &line, 0, &["entries: "]);
        }
    });
    let mut number = 0;
    while !looks.is_finished() {
        wallet.pay(&format!("pay {number}"), 100, PASSWORD).await;
        number += 1;
    }
    looks.await.unwrap();
    assert!(number > 0);
}

#[tokio::test]
async fn a_flipped_bit_is_named_with_its_place_and_mend() {
    let server = Server::start("--segment-bytes 1048576");
    let mut wallet = Wallet::of(&server, "a").await;
    wallet.pay("1", 100, PASSWORD).await;
    let copy = copy_of(&server.home().join("waika-data"));
    let store = copy.path().display();
    let line = format!("journal verify --store journal:{store}");
    check(copy.path(), &line, 0, &["no damage"]);

    let segment = copy.path().join(FIRST_SEGMENT);
    let mut bytes = fs::read(&segment).unwrap();
    // In the payload of the first record, behind both headers.
    bytes[64 + 36 + 4] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let place = format!("DAMAGE in {FIRST_SEGMENT} at byte 64, sequence 1");
    check(
        copy.path(),
        &line,
        65,
        &[&place, "mend: ", "damaged in 1 place"],
    );

    let line = format!("journal export --store journal:{store} --format csv --output rows.csv");
    check(copy.path(), &line, 65, &[FIRST_SEGMENT, "byte 64"]);
    assert!(!copy.path().join("rows.csv").exists());
}

#[tokio::test]
async fn a_journal_that_lost_its_end_is_damaged() {
    let server = Server::start("--segment-bytes 1048576");
    let _wallet = Wallet::of(&server, "a").await;
    let copy = copy_of(&server.home().join("waika-data"));
    let segment = copy.path().join(FIRST_SEGMENT);
    let mut bytes = fs::read(&segment).unwrap();
    // The header stays, and no record behind it.
    bytes[64..].fill(0xFF);
    fs::write(&segment, bytes).unwrap();
    let line = format!("journal verify --store journal:{}", copy.path().display());
    check(copy.path(), &line, 65, &["DAMAGE", "was durable"]);
}

#[test]
fn where_no_journal_is_none_can_be_looked_at() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("empty")).unwrap();
    let export = "journal export --format csv --output rows.csv";
    for command in ["journal verify", export] {
        let missing = &["\"./waika-data\" cannot be read"];
        check(home.path(), command, 64, missing);
        let line = format!("{command} --store journal:empty");
        check(
            home.path(),
            &line,
            64,
            &["there is no journal in \"empty\""],
        );
        let line = format!("{command} --store memory:");
        check(
            home.path(),
            &line,
            64,
            &["--store: \"memory:\" is in its server's memory"],
        );
    }
    let line = "journal export --format xml --output rows.csv";
    check(
        home.path(),
        line,
        64,
        &["--format: \"xml\" is not a format"],
    );
    check(home.path(), "journal", 64, &["verify", "export"]);
    let names: Vec<_> = fs::read_dir(home.path()).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "nothing was made: {names:?}");
}

#[test]
fn variables_are_read_and_named() {
    let home = tempfile::tempdir().unwrap();
    let output = waika(home.path())
        .env("WAIKA_STORE", "memory:")
        .env("WAIKA_JOBS", "none")
        .args(["journal", "verify"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    for part in ["WAIKA_STORE: \"memory:\"", "WAIKA_JOBS: \"none\""] {
        assert!(stderr.contains(part), "{part:?} not in {stderr}");
    }
}
