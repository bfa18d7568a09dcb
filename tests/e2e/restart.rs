//! What was answered is there after the server was killed; what is damaged is refused by name.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::process::Stdio;

use rustix::process::Signal;
use waika::v1;

use crate::support::{Home, Server, finish};
use crate::wallet::{Callers, bind, bind_outcome, pay, send_phone_code};

#[tokio::test]
async fn everything_that_was_answered_survives_a_kill() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut answers = Vec::new();
    for number in 0..50 {
        let payment = pay("a", &card, &format!("k{number}"), 1_000 + number);
        answers.push(callers.authorise(payment).await.unwrap());
    }
    let mut wrong = pay("a", &card, "wrong", 100);
    wrong.payment_password = "000000".to_owned();
    let declined = callers.authorise(wrong.clone()).await.unwrap();
    let set = v1::SetCardStatusRequest {
        idempotency_key: "status".to_owned(),
        account_id: "a".to_owned(),
        card_token: card.clone(),
        status: v1::CardStatus::Locked.into(),
    };
    callers.admin.set_card_status(set).await.unwrap();
    let before = callers.account("a").await;

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.account("a").await, before);
    for (number, answer) in (0..).zip(&answers) {
        let payment = pay("a", &card, &format!("k{number}"), 1_000 + number);
        let again = callers.authorise(payment).await.unwrap();
        assert!(again.replayed, "{number}");
        assert_eq!(again.authorisation, answer.authorisation, "{number}");
    }
    let again = callers.authorise(wrong).await.unwrap();
    assert_eq!(
        (again.replayed, again.authorisation),
        (true, declined.authorisation)
    );
    assert_eq!(
        callers.decision(pay("a", &card, "new", 1)).await,
        "ISSUER_LOCKED_CARD"
    );
    let request = v1::GetMerchantRequest {
        merchant_id: crate::wallet::MERCHANT.to_owned(),
    };
    assert!(callers.admin.get_merchant(request).await.is_ok());
}

#[tokio::test]
async fn wrong_passwords_are_counted_through_a_restart() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let wrong = |key: &str| {
        let mut payment = pay("a", &card, key, 100);
        payment.payment_password = "000000".to_owned();
        payment
    };
    for key in ["1", "2", "3"] {
        assert_eq!(callers.decision(wrong(key)).await, "PASSWORD_WRONG");
    }
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    for key in ["4", "5"] {
        assert_eq!(callers.decision(wrong(key)).await, "PASSWORD_WRONG");
    }
    assert_eq!(callers.decision(wrong("6")).await, "PASSWORD_LOCKED", "D7");
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_bind_that_was_under_way_at_a_kill_is_settled_at_the_next_start() {
    let mut home = Home::new();
    let mut let_go = 0;
    for round in 0..6_u64 {
        let server = Server::start_in(home, &[]);
        let mut callers = Callers::of(&server).await;
        let mut requests = Vec::new();
        let mut binds = tokio::task::JoinSet::new();
        for number in 0..40 {
            let account = format!("acct-{round}-{number}");
            let mut request = bind(&account);
            request.phone_code = callers.phone_code(&account, &request.phone_number).await;
            requests.push(request.clone());
            let mut callers = callers.clone();
            binds.spawn(async move { callers.cards.bind(request).await });
        }
        tokio::time::sleep(std::time::Duration::from_micros(400 + round * 300)).await;
        home = server.kill();
        binds.join_all().await;

        let server = Server::start_in(home, &[]);
        let mut callers = Callers::of(&server).await;
        for mut request in requests {
            let outcome = bind_outcome(&callers.bind(request.clone()).await);
            assert!(
                ["BOUND", "ISSUER_UNAVAILABLE"].contains(&outcome),
                "{outcome}"
            );
            if outcome == "ISSUER_UNAVAILABLE" {
                let_go += 1;
                request.idempotency_key = "again".to_owned();
                request.phone_number = "+44 7700 900777".to_owned();
                request.phone_code.clear();
                assert_eq!(
                    bind_outcome(&callers.bind(request).await),
                    "BOUND",
                    "the slot is free"
                );
            }
        }
        home = server.kill();
    }
    eprintln!("{let_go} of 240 binds were let go at a start");
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_ends_with_zero_and_loses_nothing() {
    let mut home = Home::new();
    for (round, signal) in (1..).zip([Signal::TERM, Signal::INT]) {
        let server = Server::start_in(home, &[]);
        let mut callers = Callers::of(&server).await;
        callers
            .phone_code("a", &format!("+44 7700 90000{round}"))
            .await;
        let (status, left) = server.stop(signal);
        assert_eq!(status.code(), Some(0));
        home = left;
    }
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    let replayed = send_phone_code("a", "+44 7700 900002");
    let replayed = callers
        .cards
        .send_phone_code(replayed)
        .await
        .unwrap()
        .into_inner();
    assert!(replayed.replayed);
}

#[tokio::test]
async fn a_bit_flipped_in_the_middle_is_refused_with_its_place() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for number in 0..20 {
        callers
            .authorise(pay("a", &card, &format!("k{number}"), 100))
            .await
            .unwrap();
    }
    let home = server.kill();
    let segment = first_segment(&home);
    let needle = b"noodle-bar";
    let bytes = fs::read(&segment).unwrap();
    let places: Vec<_> = (0..bytes.len())
        .filter(|&at| bytes[at..].starts_with(needle))
        .collect();
    let place = places[places.len() / 2] as u64;
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&segment)
        .unwrap();
    file.write_all_at(b"N", place).unwrap();

    let (status, text) = finish(home.command().stdout(Stdio::null()).spawn().unwrap());
    assert_eq!(status.code(), Some(65), "{text}");
    for part in ["damaged", "byte", "sequence", "backup"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.contains(segment.file_name().unwrap().to_str().unwrap()),
        "{text}"
    );

    file.write_all_at(b"n", place).unwrap();
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(
        callers.account("a").await.month.unwrap().used_fen,
        2_000,
        "put back, it starts"
    );
}

#[tokio::test]
async fn a_journal_that_lost_its_end_is_refused() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for number in 0..20 {
        callers
            .authorise(pay("a", &card, &format!("k{number}"), 100))
            .await
            .unwrap();
    }
    let home = server.kill();
    let segment = first_segment(&home);
    let bytes = fs::read(&segment).unwrap();
    let end = (0..bytes.len())
        .rev()
        .find(|&at| bytes[at..].starts_with(b"noodle-bar"))
        .unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .unwrap()
        .set_len(end as u64 - 400)
        .unwrap();
    let (status, text) = finish(home.command().stdout(Stdio::null()).spawn().unwrap());
    assert_eq!(status.code(), Some(65), "{text}");
}

#[tokio::test]
async fn a_folder_belongs_to_one_server_at_a_time() {
    let server = Server::start();
    let (status, text) = finish(server.home.command().stdout(Stdio::null()).spawn().unwrap());
    assert_eq!(status.code(), Some(69), "{text}");
    assert!(text.contains("held by another process"), "{text}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let home = Home::new();
    fs::write(home.data(), "a file, not a folder").unwrap();
    let (status, text) = finish(home.command().stdout(Stdio::null()).spawn().unwrap());
    assert_eq!(status.code(), Some(73), "{text}");
    assert!(text.contains(home.data().to_str().unwrap()), "{text}");
}

#[tokio::test]
async fn a_journal_does_not_open_with_another_key() {
    let server = Server::start();
    Callers::of(&server).await.wallet("a").await;
    let home = server.kill();
    let key = home.data().with_file_name("other.key");
    fs::write(&key, format!("waika-key-1 {}\n", "ab".repeat(32))).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let (status, text) = finish(
        home.command_with_key(&key)
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    assert_eq!(status.code(), Some(64), "{text}");
    assert!(text.contains("another key"), "{text}");
}

#[tokio::test]
async fn a_journal_without_its_key_is_refused_and_no_key_is_made() {
    let server = Server::start();
    Callers::of(&server).await.wallet("a").await;
    let home = server.kill();
    let key = home.data().with_file_name("missing.key");
    let command = home.command_with_key(&key).stdout(Stdio::null()).spawn();
    let (status, text) = finish(command.unwrap());
    assert_eq!(status.code(), Some(64), "{text}");
    assert!(text.contains("there is no key file"), "{text}");
    assert!(!key.exists(), "a new key would be of no use here");
}

fn first_segment(home: &Home) -> std::path::PathBuf {
    let mut files: Vec<_> = fs::read_dir(home.data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    files.sort();
    files.remove(0)
}
