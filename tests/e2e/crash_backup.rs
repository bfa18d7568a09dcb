//! Backups of a running server, and stores made from them after it is gone: to their end, with what its
//! journal has behind that, and to an earlier instant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tonic::Code;
use waika::v1;

use crate::crash_support::Paid;
use crate::support::{Home, NotStarted, Server, binary, reason_of};
use crate::wallet::{Callers, pay};

/// How a command ended: its exit code, and all that it said.
struct Said {
    code: Option<i32>,
    text: String,
}

fn waika_server(arguments: &[&str]) -> Said {
    let output = Command::new(binary("waika-server"))
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    Said {
        code: output.status.code(),
        text: String::from_utf8(text).unwrap(),
    }
}

/// The folders of a server and of its backup.
struct Folders {
    store: String,
    backup: PathBuf,
    /// Where the store is put once its server is gone.
    aside: PathBuf,
}

impl Folders {
    fn of(home: &Home) -> Self {
        let beside = |name: &str| home.data().with_file_name(name);
        Self {
            store: format!("journal:{}", home.data().display()),
            backup: beside("backup"),
            aside: beside("aside"),
        }
    }

    fn backup(&self) -> &str {
        self.backup.to_str().unwrap()
    }

    fn back_up(&self) -> Said {
        waika_server(&[
            "backup",
            "--store",
            &self.store,
            "--backup-to",
            self.backup(),
        ])
    }

    fn restore(&self, more: &[&str]) -> Said {
        let from = [
            "restore",
            "--store",
            &self.store,
            "--backup-from",
            self.backup(),
        ];
        waika_server(&[&from, more].concat())
    }

    /// The last sequence that the backup holds.
    fn last(&self) -> u64 {
        let manifest = fs::read(self.backup.join("backup.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        manifest["last_sequence"].as_u64().unwrap()
    }
}

fn done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}", said.text);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

const SNAPSHOTS: [&str; 2] = ["--snapshot-every", "400"];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_a_backup_is_in_it_and_the_rest_in_the_journal() {
    let server = Server::start_with(&SNAPSHOTS);
    let folders = Folders::of(&server.home);
    let mut callers = Callers::of(&server).await;
    let cards = [
        callers.wallet("a").await,
        callers.wallet_with("b", 77).await,
    ];
    done(&folders.back_up());
    let payers = {
        let (callers, card) = (callers.clone(), cards[0].clone());
        tokio::spawn(async move { Paid::until_it_ends(&callers, "a", &card).await })
    };
    // Backups while payments come, each after more of them.
    let (mut before, mut lasts) = (Vec::new(), vec![folders.last()]);
    for round in 0..4 {
        for number in 0..10 {
            let key = format!("{round} {number}");
            let paid = callers.paid("b", &cards[1], &key, 100).await;
            before.push((key, paid.authorisation_id));
        }
        done(&folders.back_up());
        lasts.push(folders.last());
    }
    assert!(lasts.is_sorted() && lasts[0] < lasts[4], "{lasts:?}");
    callers.paid("b", &cards[1], "later", 100).await;
    let home = server.kill();
    let paid = payers.await.unwrap();
    fs::rename(home.data(), &folders.aside).unwrap();

    // The backup alone.
    done(&folders.restore(&[]));
    let verified = waika_server(&["journal", "verify", "--store", &folders.store]);
    done(&verified);
    let server = Server::start_in(home, &SNAPSHOTS);
    let mut callers = Callers::of(&server).await;
    for (key, id) in &before {
        let again = callers
            .authorise(pay("b", &cards[1], key, 100))
            .await
            .unwrap();
        assert!(again.replayed, "{key} was answered before the backup");
        assert_eq!(again.authorisation.unwrap().authorisation_id, *id);
    }
    assert_eq!(callers.used("b").await, (4_000, 4_000));
    let again = callers.authorise(pay("b", &cards[1], "later", 100)).await;
    assert!(!again.unwrap().replayed, "it came after the backup");
    drop(callers);
    let home = server.kill();

    // With the journal that the killed server has left.
    fs::remove_dir_all(home.data()).unwrap();
    done(&folders.restore(&["--journal", folders.aside.to_str().unwrap()]));
    let server = Server::start_in(home, &SNAPSHOTS);
    let mut callers = Callers::of(&server).await;
    paid.check(&mut callers).await;
    let again = callers.authorise(pay("b", &cards[1], "later", 100)).await;
    assert!(again.unwrap().replayed);
    assert_eq!(callers.used("b").await, (4_100, 4_100));
    eprintln!(
        "{} payments answered beside {} backups; 0 lost",
        paid.answered() + before.len(),
        lasts.len()
    );
}

#[tokio::test]
async fn d1_a_store_is_restored_to_an_instant() {
    let server = Server::start_with(&["--backup-every", "0", "--sandbox"]);
    let folders = Folders::of(&server.home);
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-31T23:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let mut ids = Vec::new();
    for (at, key) in [
        ("2024-01-31T23:59:59+08:00", "january"),
        ("2024-02-01T00:00:00+08:00", "february"),
        ("2024-02-01T00:00:01+08:00", "a second later"),
    ] {
        callers.freeze(at).await;
        ids.push(callers.paid("a", &card, key, 50_000).await.authorisation_id);
    }
    let (_, mut home) = server.stop(Signal::TERM);
    done(&folders.back_up());
    for (until, kept, used) in [
        ("2024-01-31T15:59:59Z", 1, (50_000, 50_000)),
        ("2024-02-01T00:00:00+08:00", 2, (50_000, 100_000)),
        ("2024-02-01T00:00:00.999+08:00", 2, (50_000, 100_000)),
        ("2024-02-02", 3, (100_000, 150_000)),
    ] {
        fs::remove_dir_all(home.data()).unwrap();
        let restored = folders.restore(&["--until", until]);
        done(&restored);
        let more = if kept == 3 {
            "nothing: there is"
        } else {
            "whatever came later"
        };
        assert!(restored.text.contains(more), "{}", restored.text);
        let server = Server::start_in(home, &[]);
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.used("a").await, used, "{until}");
        for (place, id) in ids.iter().enumerate() {
            let request = v1::GetAuthorisationRequest {
                account_id: "a".to_owned(),
                authorisation_id: id.clone(),
            };
            let found = callers.authorisations.get_authorisation(request).await;
            let code = found.map_or_else(|status| status.code(), |_| Code::Ok);
            let expected = if place < kept {
                Code::Ok
            } else {
                Code::NotFound
            };
            assert_eq!(code, expected, "{until}: {place}");
        }
        home = server.stop(Signal::TERM).1;
    }
}

#[tokio::test]
async fn a_store_that_went_on_from_an_earlier_point_needs_another_folder() {
    let server = Server::start();
    let folders = Folders::of(&server.home);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let middle = callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await;
    let middle = middle.unwrap().into_inner().covers.to_string();
    callers.paid("a", &card, "left out", 100).await;
    drop(callers);
    let (_, home) = server.stop(Signal::TERM);
    done(&folders.back_up());
    // Nothing is new, and that is well.
    done(&folders.back_up());
    fs::remove_dir_all(home.data()).unwrap();
    done(&folders.restore(&["--until-sequence", &middle]));
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    for number in 0..9 {
        callers
            .paid("a", &card, &format!("other {number}"), 100)
            .await;
    }
    drop(callers);
    let (_, home) = server.stop(Signal::TERM);
    let refused = folders.back_up();
    assert_eq!(refused.code, Some(64), "{}", refused.text);
    assert!(
        refused.text.contains("name an empty folder"),
        "{}",
        refused.text
    );
    drop(home);
}

#[tokio::test]
async fn an_operator_asks_for_a_backup_and_the_server_takes_its_own() {
    let plain = Server::start();
    let mut admin = plain.admin().await;
    let refused = admin
        .take_backup(v1::TakeBackupRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason_of(&refused), "NO_BACKUP_FOLDER");
    drop(plain);

    let home = Home::new();
    let folders = Folders::of(&home);
    let every = ["--backup-to", folders.backup(), "--backup-every", "50ms"];
    let server = Server::start_in(home, &every);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for number in 0..30 {
        callers.paid("a", &card, &number.to_string(), 100).await;
    }
    let asked = callers.admin.take_backup(v1::TakeBackupRequest {}).await;
    let asked = asked.unwrap().into_inner();
    assert!(
        asked.last_sequence >= 30 && asked.first_sequence == 1,
        "{asked:?}"
    );
    assert!(folders.last() >= asked.last_sequence);
    let snapshot = v1::TakeSnapshotRequest {};
    callers.admin.take_snapshot(snapshot).await.unwrap();
    let with = callers.admin.take_backup(v1::TakeBackupRequest {}).await;
    assert!(with.unwrap().into_inner().has_snapshot);
    let taken = "waika_backups_total{outcome=\"taken\"}";
    assert!(server.figure(taken).await.unwrap() >= 2.0);
    drop(callers);
    let home = server.kill();
    fs::remove_dir_all(home.data()).unwrap();
    done(&folders.restore(&[]));
    let server = Server::start_in(home, &every);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await, (3_000, 3_000));
    // It goes on with the same backup.
    callers.paid("a", &card, "more", 100).await;
    let more = callers.admin.take_backup(v1::TakeBackupRequest {}).await;
    assert!(more.unwrap().into_inner().last_sequence > asked.last_sequence);
}

/// That the command ends so, and says that.
fn refused(code: i32, named: &str, arguments: &[&str]) {
    let said = waika_server(arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.text);
    assert!(said.text.contains(named), "{arguments:?}: {}", said.text);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_folder_is_said() {
    let server = Server::start();
    let folders = Folders::of(&server.home);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.paid("a", &card, "one", 100).await;
    done(&folders.back_up());
    let (store, backup) = (&*folders.store, folders.backup());
    let own = server.home.data();
    let own = own.to_str().unwrap();
    let into_own = ["backup", "--store", store, "--backup-to", own];
    let back = ["restore", "--store", store, "--backup-from", backup];
    // A server's own folder is no place for a backup, nor for a restored store.
    refused(69, "held by another process", &into_own);
    refused(69, "held by another process", &back);
    let from_nowhere = [
        "backup",
        "--store",
        "journal:/nowhere",
        "--backup-to",
        backup,
    ];
    refused(64, "--store", &from_nowhere);
    refused(64, "--backup-to: is missing", &["backup", "--store", store]);
    refused(
        73,
        "/proc/x",
        &["backup", "--store", store, "--backup-to", "/proc/x"],
    );
    refused(64, "backup.json", &["restore", "--backup-from", "/nowhere"]);
    refused(64, "backup.json", &["restore", "--backup-from", own]);
    let until = ["restore", "--backup-from", backup, "--until", "noon"];
    refused(64, "is not an instant with its offset", &until);
    let both = ["--until", "2024-01-01", "--until-sequence", "4"];
    refused(
        64,
        "give one",
        &[&["restore", "--backup-from", backup], &both[..]].concat(),
    );
    drop(callers);
    let (_, home) = server.stop(Signal::TERM);
    refused(64, "name an empty folder", &into_own);
    refused(64, "already", &back);
    let serve_into_own = ["--store", store, "--backup-to", own];
    refused(64, "is the store's own folder", &serve_into_own);
    refused(
        64,
        "journal:DIR",
        &["--store", "memory:", "--backup-to", backup],
    );
    no_server_starts_on_either(home, &folders);
}

/// Not on a backup, and not on half of a store.
fn no_server_starts_on_either(home: Home, folders: &Folders) {
    fs::remove_dir_all(home.data()).unwrap();
    copy_folder(&folders.backup, &home.data());
    let mut command = home.command();
    let Err(NotStarted { status, text, home }) = Server::try_start(&mut command, home) else {
        panic!("a backup is not served from");
    };
    assert_eq!(status.code(), Some(64), "{text}");
    assert!(text.contains("it is a backup"), "{text}");

    let segment = folders.backup.join("journal-0000000000000001.seg");
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..whole.len() - 1]).unwrap();
    fs::remove_dir_all(home.data()).unwrap();
    let said = folders.restore(&[]);
    assert_eq!(said.code, Some(65), "{}", said.text);
    assert!(
        said.text.contains("journal-0000000000000001.seg"),
        "{}",
        said.text
    );
    let mut command = home.command();
    let Err(NotStarted { status, text, home }) = Server::try_start(&mut command, home) else {
        panic!("half of a store is not served from");
    };
    assert_eq!(status.code(), Some(64), "{text}");
    assert!(text.contains("was not finished"), "{text}");

    fs::write(&segment, whole).unwrap();
    done(&folders.restore(&[]));
    drop(Server::start_in(home, &[]));
}
