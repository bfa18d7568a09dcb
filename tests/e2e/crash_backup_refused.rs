//! What `backup`, `restore` and a start say of folders that are not for them.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::crash_folders::{Folders, done, waika_server};
use crate::support::{Home, NotStarted, Server};
use crate::wallet::Callers;

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
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
    // By whichever name.
    let other_name = format!("{own}/../data/.");
    for own in [own, &other_name] {
        let serve_into_own = ["--store", store, "--backup-to", own];
        refused(64, "is the store's own folder", &serve_into_own);
    }
    refused(
        64,
        "journal:DIR",
        &["--store", "memory:", "--backup-to", backup],
    );
    done(&waika_server(&[
        "journal",
        "verify",
        "--store",
        &format!("journal:{backup}"),
    ]));
    // Another journal's backup is found out before the first payment.
    let other = Home::new();
    let mut command = other.command();
    command.args(["--backup-to", backup]);
    let Err(NotStarted { status, text, .. }) = Server::try_start(&mut command, other) else {
        panic!("it would have no backup");
    };
    assert_eq!(status.code(), Some(64), "{text}");
    assert!(text.contains("of another journal"), "{text}");
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
    refused(
        64,
        "was not finished",
        &["journal", "verify", "--store", &folders.store],
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
