//! Phone codes through an SMS gateway outside (R19, R24): sent before it is decided, once for each
//! phone at a time, and never twice for one key.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::send_phone_code_response::Outcome;
use waika::v1::{self, PhoneCodeRefusalReason as Reason};

use crate::partners::{Manner, Partner};
use crate::support::Server;
use crate::wallet::{Callers, PHONE, bind, bound, instant, send_phone_code};

async fn server_with(gateway: &str) -> (Server, CardServiceClient<Channel>) {
    let server = Server::start_with(&["--sms-gateway", gateway]);
    let cards = server.cards().await;
    (server, cards)
}

fn asked(key: &str, phone: &str) -> v1::SendPhoneCodeRequest {
    v1::SendPhoneCodeRequest {
        idempotency_key: key.to_owned(),
        ..send_phone_code("a", phone)
    }
}

/// What becomes of a code, in a word, and whether that was said before.
async fn ask(cards: &CardServiceClient<Channel>, key: &str, phone: &str) -> (&'static str, bool) {
    let mut cards = cards.clone();
    let answer = cards.send_phone_code(asked(key, phone)).await.unwrap();
    let answer = answer.into_inner();
    let outcome = match answer.outcome.unwrap() {
        Outcome::Sent(sent) => {
            assert_eq!(sent.sandbox_code, "", "the gateway's code is not shown");
            "SENT"
        }
        Outcome::Refusal(refusal) => match refusal.reason() {
            Reason::ResendTooSoon => "TOO_SOON",
            Reason::SendFailed => "FAILED",
            Reason::Unspecified => panic!("no reason"),
        },
    };
    (outcome, answer.replayed)
}

#[tokio::test]
async fn r19_the_code_comes_by_the_gateway_and_binds() {
    let gateway = Partner::start(Manner::Yes).await;
    let server = Server::start_with(&[
        "--sms-gateway",
        &gateway.url(),
        "--log-level",
        "trace",
        "--log",
        "json",
    ]);
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-02-01 12:00:00").await;
    assert_eq!(
        callers.phone_code("a", PHONE).await,
        "",
        "not in the answer"
    );
    let codes = gateway.codes();
    let [code] = &codes[..] else {
        panic!("{} messages", codes.len());
    };
    assert_eq!(code.phone_number, "+447700900123");
    assert!(code.code.len() == 6 && code.code.bytes().all(|byte| byte.is_ascii_digit()));
    assert!((1..=64).contains(&code.message_id.len()));
    assert_eq!(
        code.expires_at.unwrap(),
        instant("2024-02-01 12:05:00"),
        "as long as it is good"
    );

    let mut request = bind("a");
    request.phone_code.clone_from(&code.code);
    bound(&callers.cards.bind(request).await.unwrap().into_inner());
    assert_eq!(server.partner_outcome("sms_gateway", "yes").await, 1);

    let (log, _home) = server.stop_and_read_log();
    assert!(log.contains("is called outside"));
    for secret in ["7700900123", &code.code] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn r24_what_the_gateway_does_not_take_is_not_outstanding() {
    let gateway = Partner::start(Manner::No).await;
    let (server, cards) = server_with(&gateway.url()).await;
    assert_eq!(ask(&cards, "refused", PHONE).await, ("FAILED", false));
    gateway.does(Manner::Error);
    assert_eq!(ask(&cards, "error", PHONE).await, ("FAILED", false));
    gateway.does(Manner::Silent);
    assert_eq!(ask(&cards, "silence", PHONE).await, ("FAILED", false));
    gateway.does(Manner::Yes);
    assert_eq!(ask(&cards, "refused", PHONE).await, ("FAILED", true));
    assert_eq!(gateway.codes().len(), 3);
    assert_eq!(
        ask(&cards, "fine", PHONE).await,
        ("SENT", false),
        "no countdown"
    );
    for outcome in ["no", "failed", "timed_out", "yes"] {
        let count = server.partner_outcome("sms_gateway", outcome).await;
        assert_eq!(count, 1, "{outcome}");
    }
}

#[tokio::test]
async fn r24_a_gateway_that_is_gone_sends_nothing() {
    let (server, cards) = server_with(&Partner::nowhere()).await;
    assert_eq!(ask(&cards, "one", PHONE).await, ("FAILED", false));
    assert_eq!(ask(&cards, "two", PHONE).await, ("FAILED", false));
    assert_eq!(server.partner_outcome("sms_gateway", "not_sent").await, 2);
    let (log, _home) = server.stop_and_read_log();
    assert!(log.contains("cannot be reached") && log.contains("did not answer"));
}

#[tokio::test]
async fn a_used_key_and_a_countdown_send_nothing() {
    let gateway = Partner::start(Manner::Yes).await;
    let (_server, cards) = server_with(&gateway.url()).await;
    assert_eq!(ask(&cards, "one", PHONE).await, ("SENT", false));
    assert_eq!(ask(&cards, "one", PHONE).await, ("SENT", true));
    assert_eq!(ask(&cards, "two", PHONE).await, ("TOO_SOON", false));
    assert_eq!(ask(&cards, "two", PHONE).await, ("TOO_SOON", true));
    let other = asked("one", "+44 7700 900999");
    let conflict = cards.clone().send_phone_code(other).await;
    assert_eq!(conflict.unwrap_err().code(), tonic::Code::AlreadyExists);
    assert_eq!(gateway.codes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_send_one_message_to_a_phone() {
    let gateway = Partner::start(Manner::Waiting).await;
    let (server, _) = server_with(&gateway.url()).await;
    // A connection each, so that both cores decide; and all of them before the gateway's time runs.
    let mut callers = Vec::new();
    for _ in 0..25 {
        callers.push(server.cards().await);
    }
    let other = callers.pop().unwrap();
    let mut asking = JoinSet::new();
    for (number, cards) in callers.into_iter().enumerate() {
        let key = format!("key {}", number / 2);
        asking.spawn(async move { ask(&cards, &key, PHONE).await });
    }
    // Another phone does not wait for this one.
    let other = tokio::spawn(async move { ask(&other, "other", "+44 7700 900777").await });
    while gateway.codes().len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    gateway.does(Manner::Yes);
    let answers = asking.join_all().await;
    let sent: Vec<_> = answers.iter().filter(|(what, _)| *what == "SENT").collect();
    assert_eq!(sent.len(), 2, "one key, twice: {answers:?}");
    assert_eq!(answers.iter().filter(|(_, replayed)| *replayed).count(), 12);
    assert_eq!(other.await.unwrap(), ("SENT", false));
    assert_eq!(gateway.codes().len(), 2);
}

#[tokio::test]
async fn who_hangs_up_leaves_nothing_held() {
    let gateway = Partner::start(Manner::Waiting).await;
    let (_server, cards) = server_with(&gateway.url()).await;
    let hung_up = timeout(Duration::from_millis(300), ask(&cards, "one", PHONE)).await;
    assert!(hung_up.is_err() && gateway.codes().len() == 1);
    // Who waits behind it and hangs up sends nothing.
    let behind = timeout(Duration::from_millis(100), ask(&cards, "two", PHONE)).await;
    assert!(behind.is_err());
    gateway.does(Manner::Yes);
    assert_eq!(
        ask(&cards, "one", PHONE).await,
        ("SENT", true),
        "it went on"
    );
    assert_eq!(ask(&cards, "three", PHONE).await, ("TOO_SOON", false));
    assert_eq!(gateway.codes().len(), 1);
}
