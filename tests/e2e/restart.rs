//! What was answered is there after the server was killed; what is damaged is refused by name.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::process::Stdio;

use rustix::process::Signal;
use waika::v1;

use crate::support::{Home, Server, finish};
use crate::wallet::{Callers, bind, bind_outcome, bound, pay, send_phone_code, visa};

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
async fn r4_no_secret_reaches_the_journal_or_the_log() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let pan = visa(123_456_789);
    let mut request = bind("a");
    request.card.as_mut().unwrap().pan.clone_from(&pan);
    request.identity.as_mut().unwrap().number = "CANARY-4711".to_owned();
    request.payment_password = "864209".to_owned();
    request.phone_code = callers.phone_code("a", &request.phone_number).await;
    let code = request.phone_code.clone();
    let token = bound(&callers.bind(request.clone()).await);
    callers
        .put_merchant(crate::wallet::merchant(crate::wallet::MERCHANT))
        .await;
    let mut payment = pay("a", &token, "k", 100);
    payment.payment_password = "864209".to_owned();
    assert_eq!(callers.decision(payment).await, "APPROVED");
    let mut again = request;
    again.idempotency_key = "again".to_owned();
    assert_ne!(bind_outcome(&callers.bind(again).await), "BOUND");

    let (log, home) = server.stop_and_read_log();
    let mut kept = log.into_bytes();
    for entry in fs::read_dir(home.data()).unwrap() {
        kept.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    for secret in [
        &*pan,
        "CANARY-4711",
        "CANARY4711",
        "864209",
        &code,
        "7700900123",
        "Curie",
        "CURIE",
    ] {
        let found = kept
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
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
