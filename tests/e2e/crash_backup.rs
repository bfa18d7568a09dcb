//! Backups of a running server, and stores made from them after it is gone: to their end, with what its
//! journal has behind that, and to an earlier instant.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;
use tonic::Code;
use waika::v1;

use crate::crash_folders::{Folders, done, waika_server};
use crate::crash_support::Paid;
use crate::support::{Home, Server, reason_of};
use crate::wallet::{Callers, pay};

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

/// The journal forgets what is older than its retention, but nothing that no backup has.
#[tokio::test]
async fn the_backup_is_the_archive_of_a_journal_that_is_pruned() {
    let home = Home::new();
    let folders = Folders::of(&home);
    let keeping = [
        "--journal-retention",
        "3d",
        "--backup-to",
        folders.backup(),
        "--backup-every",
        "0",
    ];
    let small = ["--segment-bytes", "4096", "--snapshot-every", "0"];
    let server = Server::start_in(home, &[&keeping[..], &small].concat());
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-05T10:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let old = callers.paid("a", &card, "old", 100).await.authorisation_id;
    for number in 0..40 {
        callers
            .paid("a", &card, &format!("more {number}"), 100)
            .await;
    }
    callers.freeze("2024-01-15T10:00:00+08:00").await;
    callers.paid("a", &card, "new", 100).await;
    let mut paid = 42;
    let mut kept_from = async |callers: &mut Callers| {
        // Two snapshots, each of another state.
        for _ in 0..2 {
            paid += 1;
            callers.paid("a", &card, &format!("new {paid}"), 100).await;
            let snapshot = v1::TakeSnapshotRequest {};
            callers.admin.take_snapshot(snapshot).await.unwrap();
        }
        server.figure("waika_journal_first_sequence").await.unwrap()
    };
    for _ in 0..3 {
        assert!(kept_from(&mut callers).await < 1.5, "no backup has it yet");
    }
    let asked = v1::TakeBackupRequest {};
    callers.admin.take_backup(asked).await.unwrap();
    let begun = Instant::now();
    while kept_from(&mut callers).await < 1.5 {
        let waited = begun.elapsed() < Duration::from_secs(20);
        assert!(waited, "the backup has it, and it stays");
    }
    let read = |id: &str| v1::GetAuthorisationRequest {
        account_id: "a".to_owned(),
        authorisation_id: id.to_owned(),
    };
    let gone = callers.authorisations.get_authorisation(read(&old)).await;
    assert_eq!(reason_of(&gone.unwrap_err()), "AUTHORISATION_PRUNED");
    callers
        .admin
        .take_backup(v1::TakeBackupRequest {})
        .await
        .unwrap();
    drop(callers);
    let home = server.kill();
    fs::remove_dir_all(home.data()).unwrap();
    done(&folders.restore(&[]));
    let server = Server::start_in(home, &small);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await, (100 * paid, 100 * paid));
    let found = callers.authorisations.get_authorisation(read(&old)).await;
    assert!(found.is_ok(), "the archive has everything: {found:?}");
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
        refused.text.contains("needs an empty folder"),
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
