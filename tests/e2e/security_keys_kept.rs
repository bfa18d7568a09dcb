//! Keys outlast kills, go with backups, are refused by name where they do not fit, and a store from before
//! keyrings goes on with the one key that it has.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::crash_folders::{Folders, done};
use crate::security_keys_support::{Keys, goes_on_with};
use crate::support::{Home, Server};
use crate::wallet::{Callers, pay};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_goes_on_with_the_keys_that_were_there() {
    let mut server = Server::start();
    let mut callers = Callers::of(&server).await;
    let token = callers.wallet("a").await;
    for key in 2..=4_u8 {
        let keys = Keys::of(&server.home);
        done(&keys.rotate());
        // Before it has taken the key up, or after.
        if key == 3 {
            goes_on_with(&server, 3.0).await;
            callers.paid("a", &token, "taken up", 100).await;
            assert_eq!(keys.under(3), [0, 0, 1]);
        }
        drop(callers);
        server = Server::start_in(server.kill(), &[]);
        callers = Callers::of(&server).await;
        callers.paid("a", &token, &format!("{key}"), 100).await;
        assert_eq!(keys.under(key), [0, 0, 1], "{key}");
        assert_eq!(keys.under(1), [1, 1, 0], "{key}");
    }
    let refused = Keys::of(&server.home).rotate();
    assert_eq!(refused.code, Some(64), "{}", refused.text);
    assert!(
        refused.text.contains("4 data keys are live"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("--remove-old"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_file_may_hold_two_lines_while_it_is_changed_under_a_server() {
    let server = Server::start();
    let keys = Keys::of(&server.home);
    let other = Keys::with(&server.home, "other.key");
    let mut callers = Callers::of(&server).await;
    let token = callers.wallet("a").await;
    // A key of another store stands in for one that an operator makes.
    let stranger = Server::start();
    fs::copy(Keys::of(&stranger.home).key_file, &other.key_file).unwrap();
    drop(stranger);
    let refused = other.rewrap(&[]);
    assert_eq!(refused.code, Some(64), "{}", refused.text);
    let both =
        fs::read_to_string(&keys.key_file).unwrap() + &fs::read_to_string(&other.key_file).unwrap();
    fs::write(&keys.key_file, both).unwrap();
    done(&keys.rewrap(&[]));
    done(&keys.rotate());
    goes_on_with(&server, 2.0).await;
    callers.paid("a", &token, "both", 100).await;
    fs::copy(&other.key_file, &keys.key_file).unwrap();
    let server = Server::start_in(server.kill(), &[]);
    Callers::of(&server)
        .await
        .paid("a", &token, "new", 100)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_holds_the_keyring_and_is_of_no_use_without_the_key_file() {
    let server = Server::start();
    let (keys, folders) = (Keys::of(&server.home), Folders::of(&server.home));
    let mut callers = Callers::of(&server).await;
    let token = callers.wallet("a").await;
    done(&folders.back_up());
    done(&keys.rotate());
    goes_on_with(&server, 2.0).await;
    callers.paid("a", &token, "moved", 100).await;
    done(&folders.back_up());
    let home = server.kill();
    let rings = fs::read_dir(&folders.backup).unwrap();
    let rings = rings.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("keyring-")
    });
    assert_eq!(rings.count(), 1, "the one before it is gone");
    fs::remove_dir_all(home.data()).unwrap();
    done(&folders.restore(&[]));

    let stranger = keys.key_file.with_file_name("stranger.key");
    fs::rename(&keys.key_file, &stranger).unwrap();
    let refused = Server::try_start(&mut home.command(), home).err().unwrap();
    assert_eq!(refused.status.code(), Some(64), "{}", refused.text);
    assert!(
        refused.text.contains("there is no key file"),
        "{}",
        refused.text
    );
    fs::rename(&stranger, &keys.key_file).unwrap();
    let server = Server::start_in(refused.home, &[]);
    Callers::of(&server)
        .await
        .paid("a", &token, "restored", 100)
        .await;
    assert_eq!(keys.under(2), [0, 0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_keyring_is_refused_by_name_and_one_bad_sector_is_not() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let token = callers.wallet("a").await;
    let mut home = server.kill();
    let path = home.data().join("keyring");
    let whole = fs::read(&path).unwrap();
    for (sectors, starts) in [(&[0][..], true), (&[16][..], true), (&[0, 16], false)] {
        let mut bytes = whole.clone();
        for sector in sectors {
            bytes[sector * 512..][..64].fill(0);
        }
        fs::write(&path, &bytes).unwrap();
        home = match Server::try_start(&mut home.command(), home) {
            Ok(server) => {
                assert!(starts, "{sectors:?}");
                let key = format!("{sectors:?}");
                Callers::of(&server)
                    .await
                    .paid("a", &token, &key, 100)
                    .await;
                server.kill()
            }
            Err(refused) => {
                assert!(!starts, "{sectors:?}: {}", refused.text);
                assert_eq!(refused.status.code(), Some(65), "{}", refused.text);
                assert!(refused.text.contains("keyring"), "{}", refused.text);
                refused.home
            }
        };
    }
}

/// The store of a release from before keyrings, in a new folder.
fn from_before() -> Home {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/formats/0.1.0");
    let home = Home::new();
    let keys = home.data().with_file_name("keys");
    for (from, to) in [("data", home.data()), ("keys", keys.clone())] {
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(release.join(from)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    for entry in fs::read_dir(&keys).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_from_before_keyrings_goes_on_and_gets_one_when_its_keys_change() {
    let home = from_before();
    let expected =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/formats/0.1.0/expected.json");
    let expected: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
    let token = expected["cards"]["b"].as_str().unwrap().to_owned();
    let keys = Keys::of(&home);
    let stranger = Server::start();
    let wrong = Keys::of(&stranger.home).key_file;
    let copied = Keys::with(&home, "wrong.key");
    fs::copy(wrong, &copied.key_file).unwrap();
    drop(stranger);
    let refused = copied.rotate();
    assert_eq!(refused.code, Some(64), "{}", refused.text);
    assert!(refused.text.contains("wrong.key"), "{}", refused.text);
    assert!(!home.data().join("keyring").exists(), "nothing was changed");

    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    callers.paid("b", &token, "as ever", 100).await;
    assert!(!server.home.data().join("keyring").exists());
    let [cards, documents, passwords] = keys.under(1);
    assert!(cards >= 3 && documents >= 3 && passwords >= 3);
    assert!(server.home.data().join("keyring").exists(), "wrapped");
    done(&keys.rotate());
    goes_on_with(&server, 2.0).await;
    callers.paid("b", &token, "moved", 100).await;
    assert_eq!(keys.under(1), [cards, documents, passwords - 1]);
    assert_eq!(keys.under(2), [0, 0, 1]);
    let new = Keys::with(&server.home, "new.key");
    done(&keys.rewrap(&["--new-key-file", new.key_file.to_str().unwrap()]));
    let home = server.kill();
    let refused = Server::try_start(&mut home.command(), home).err().unwrap();
    assert_eq!(refused.status.code(), Some(64), "{}", refused.text);
    let mut command = refused.home.command_with_key(&new.key_file);
    let server = Server::try_start(&mut command, refused.home);
    let server = server.unwrap_or_else(|refused| panic!("{}", refused.text));
    let mut callers = Callers::of(&server).await;
    callers.paid("b", &token, "new", 100).await;
    let again = callers
        .authorise(pay("b", &token, "as ever", 100))
        .await
        .unwrap();
    assert!(again.replayed, "what was answered is answered");
}
