//! Streams whose caller does not read, goes away, or outlives the server.

use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Runtime;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic::transport::Endpoint;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;

use crate::stream::{Answer, by_id, decided, gather, message, open};
use crate::support::Server;
use crate::wallet::{Callers, decision, pay};

/// Waits until nothing more is decided for an account: so many fen are used then.
async fn settled(callers: &mut Callers, account: &str) -> i64 {
    let (mut last, mut same) = (-1, 0);
    while same < 10 {
        let used = callers.used(account).await.0;
        same = if used == last { same + 1 } else { 0 };
        last = used;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    last
}

const MESSAGES: u64 = 1_000;

/// Asks as long as the server takes it, with little room for answers, and reads none.
async fn ask_without_reading(address: String, mut callers: Callers, card: String) {
    let endpoint = Endpoint::from_shared(address).unwrap();
    let endpoint = endpoint
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535);
    let channel = endpoint.connect().await.unwrap();
    callers.authorisations = AuthorisationServiceClient::new(channel);
    let (asking, answers) = open(&mut callers).await;
    for number in 0..MESSAGES {
        let payments = (0..64).map(|id| {
            let id = number * 64 + id;
            (id, pay("a", &card, &format!("k{id}"), 1))
        });
        asking.send(message(payments)).await.unwrap();
    }
    drop(answers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_does_not_read_is_held_back_and_costs_little_memory() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let before = server.resident_bytes();
    // On a runtime of its own, whose end closes its connection as a dead caller's is closed.
    let deaf = Runtime::new().unwrap();
    let asker = deaf.spawn(ask_without_reading(
        server.rpc_address().to_owned(),
        callers.clone(),
        card.clone(),
    ));
    let decided = settled(&mut callers, "a").await;
    assert!(decided > 0);
    let all = i64::try_from(MESSAGES * 64).unwrap();
    assert!(decided < all / 4, "{decided} of {all} were taken unread");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes for one caller");
    assert!(!asker.is_finished(), "it waits to say more");

    // It goes away: what was not decided never is, and others are served as ever.
    deaf.shutdown_background();
    let after = settled(&mut callers, "a").await;
    assert!(after < all / 4, "{after} of {all}");
    callers.paid("a", &card, "another", 1).await;
    let (status, home) = server.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await.0, after + 1);
}

/// What the server has read is answered, and what it has not read has no effect.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_answers_what_it_has_read() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let (asking, mut answers) = open(&mut callers).await;
    let token = card.clone();
    let asker = tokio::spawn(async move {
        let mut asked: u64 = 0;
        loop {
            let payments =
                (asked..asked + 8).map(|id| (id, pay("a", &token, &format!("k{id}"), 1)));
            if asking.send(message(payments)).await.is_err() {
                return asked;
            }
            asked += 8;
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 500 {
        seen.extend(answers.next().await.unwrap().unwrap().responses);
    }
    server.signal(Signal::TERM);
    let (rest, status) = gather(answers).await;
    seen.extend(rest);
    let status = status.unwrap();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    assert!(status.message().contains("stopping"), "{status:?}");
    let (code, home) = server.ended();
    assert_eq!(code.code(), Some(0));
    let sent = asker.await.unwrap();
    let answered = by_id(seen);

    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    let (asking, answers) = open(&mut callers).await;
    let answers = tokio::spawn(gather(answers));
    let ids: Vec<u64> = (0..sent).collect();
    for chunk in ids.chunks(64) {
        let again = |&id: &u64| (id, pay("a", &card, &format!("k{id}"), 1));
        let again = message(chunk.iter().map(again));
        asking.send(again).await.unwrap();
    }
    drop(asking);
    for (id, again) in by_id(answers.await.unwrap().0) {
        let again = decided(&again);
        match answered.get(&id) {
            Some(Answer::Response(response)) => {
                assert!(again.replayed, "{id} was answered");
                assert_eq!(again.authorisation, response.authorisation);
            }
            Some(Answer::Error(error)) => {
                assert_eq!(error.code, i32::from(tonic::Code::Unavailable));
                assert!(!again.replayed, "{id} was turned away");
            }
            None => assert!(!again.replayed, "{id} was decided and not answered"),
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_a_stream_that_is_idle() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let (asking, mut answers) = open(&mut callers).await;
    let one = message([(7, pay("a", &card, "k", 1))]);
    asking.send(one).await.unwrap();
    let first = answers.next().await.unwrap().unwrap();
    let first = by_id(first.responses);
    assert_eq!(&*decision(decided(&first[&7])), "APPROVED");
    server.signal(Signal::TERM);
    let (rest, status) = gather(answers).await;
    assert!(rest.is_empty());
    assert_eq!(status.unwrap().code(), tonic::Code::Unavailable);
    drop(asking);
    let (status, _home) = server.ended();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_server_has_a_bounded_number_of_streams_and_gives_places_back() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(open(&mut callers).await);
    }
    let (_asking, requests) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let refused = callers.authorisations.authorise_stream(requests).await;
    assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
    callers.paid("a", &card, "unary", 1).await;
    drop(streams);
    // The server hears of it a moment later.
    loop {
        let (asking, requests) = tokio::sync::mpsc::channel(1);
        let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
        match callers.authorisations.authorise_stream(requests).await {
            Ok(_) => break drop(asking),
            Err(refused) => assert_eq!(refused.code(), Code::ResourceExhausted),
        }
    }
}
