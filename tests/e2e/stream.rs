//! Many payments over one stream: each answered exactly once, and each decided once (D18).

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use waika::v1::{self, streamed_response::Outcome};

pub(crate) use waika::v1::streamed_response::Outcome as Answer;

use crate::malformed::named;
use crate::support::Server;
use crate::wallet::{Callers, decision, pay};

pub(crate) type Asking = mpsc::Sender<v1::AuthoriseStreamRequest>;
pub(crate) type Answers = Streaming<v1::AuthoriseStreamResponse>;

/// Opens a stream.
pub(crate) async fn open(callers: &mut Callers) -> (Asking, Answers) {
    let (asking, asked) = mpsc::channel(4);
    let asked = ReceiverStream::new(asked);
    let answers = callers.authorisations.authorise_stream(asked).await;
    (asking, answers.unwrap().into_inner())
}

pub(crate) fn message(
    requests: impl IntoIterator<Item = (u64, v1::AuthoriseRequest)>,
) -> v1::AuthoriseStreamRequest {
    let streamed = |(correlation_id, request)| v1::StreamedRequest {
        correlation_id,
        request: Some(request),
    };
    v1::AuthoriseStreamRequest {
        requests: requests.into_iter().map(streamed).collect(),
    }
}

/// All answers until the stream ends, and how it ended.
pub(crate) async fn gather(mut answers: Answers) -> (Vec<v1::StreamedResponse>, Option<Status>) {
    let mut all = Vec::new();
    loop {
        match answers.next().await {
            None => return (all, None),
            Some(Ok(message)) => {
                assert!((1..=64).contains(&message.responses.len()));
                all.extend(message.responses);
            }
            Some(Err(status)) => return (all, Some(status)),
        }
    }
}

/// Answers by their correlation ids, which must all differ.
pub(crate) fn by_id(answers: Vec<v1::StreamedResponse>) -> HashMap<u64, Outcome> {
    let count = answers.len();
    let answers = answers
        .into_iter()
        .map(|answer| (answer.correlation_id, answer.outcome.unwrap()));
    let by_id: HashMap<_, _> = answers.collect();
    assert_eq!(by_id.len(), count, "answered twice");
    by_id
}

pub(crate) fn decided(outcome: &Outcome) -> &v1::AuthoriseResponse {
    match outcome {
        Outcome::Response(response) => response,
        Outcome::Error(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_payments_are_answered_once_each_in_messages_of_any_size() {
    const PAYMENTS: u64 = 2_000;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for (round, size) in (1_i64..).zip([1, 3, 64]) {
        let (asking, answers) = open(&mut callers).await;
        let answers = tokio::spawn(gather(answers));
        let numbers: Vec<u64> = (0..PAYMENTS).collect();
        for chunk in numbers.chunks(size) {
            let payment = |&id: &u64| (id, pay("a", &card, &format!("{size} {id}"), 1));
            asking
                .send(message(chunk.iter().map(payment)))
                .await
                .unwrap();
        }
        drop(asking);
        let (answers, status) = answers.await.unwrap();
        assert!(status.is_none(), "{status:?}");
        let answers = by_id(answers);
        assert_eq!(answers.len(), usize::try_from(PAYMENTS).unwrap());
        for (id, outcome) in &answers {
            assert!(*id < PAYMENTS);
            let response = decided(outcome);
            assert_eq!(&*decision(response), "APPROVED");
            assert!(!response.replayed);
        }
        let paid = round * i64::try_from(PAYMENTS).unwrap();
        assert_eq!(callers.used("a").await, (paid, paid));
    }
}

#[tokio::test]
async fn a_malformed_payment_among_good_ones_is_told_alone() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let (asking, answers) = open(&mut callers).await;
    let mut payments: Vec<_> = (0..6)
        .map(|id| (id, pay("a", &card, &format!("k{id}"), 100)))
        .collect();
    payments[1].1.amount_fen = 0;
    payments[1].1.currency = "USD".to_owned();
    payments[3].1.account_id = "nobody".to_owned();
    let mut first = message(payments);
    first.requests[4].request = None;
    asking.send(first).await.unwrap();
    // The stream goes on; a key of a decided payment with another amount is told alone too.
    let conflict = pay("a", &card, "k0", 101);
    let good = pay("a", &card, "k6", 100);
    let second = message([(6, conflict), (7, good)]);
    let (mut answers, mut seen) = (answers, Vec::new());
    while seen.len() < 6 {
        seen.extend(answers.next().await.unwrap().unwrap().responses);
    }
    asking.send(second).await.unwrap();
    drop(asking);
    let (rest, status) = gather(answers).await;
    assert!(status.is_none(), "{status:?}");
    seen.extend(rest);
    let answers = by_id(seen);
    for id in [0, 2, 5, 7] {
        assert_eq!(&*decision(decided(&answers[&id])), "APPROVED", "{id}");
    }
    for (id, code, says) in [
        (1, tonic::Code::InvalidArgument, "amount_fen"),
        (3, tonic::Code::NotFound, "account"),
        (4, tonic::Code::InvalidArgument, "request"),
        (6, tonic::Code::AlreadyExists, "amount_fen"),
    ] {
        let Outcome::Error(error) = &answers[&id] else {
            panic!("{id} was decided")
        };
        assert_eq!(error.code, i32::from(code), "{id}");
        assert!(error.message.contains(says), "{id}: {}", error.message);
        assert!(!error.details.is_empty(), "{id}");
    }
    assert_eq!(callers.used("a").await, (400, 400));
}

#[tokio::test]
async fn d18_one_key_twice_in_one_message_has_one_effect_and_two_answers() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let (asking, answers) = open(&mut callers).await;
    let payment = || pay("a", &card, "k", 100);
    let twice = message([(1, payment()), (2, payment()), (3, payment())]);
    asking.send(twice).await.unwrap();
    drop(asking);
    let (answers, status) = gather(answers).await;
    assert!(status.is_none(), "{status:?}");
    let answers = by_id(answers);
    let responses: Vec<_> = answers.values().map(decided).collect();
    assert_eq!(responses.len(), 3);
    assert_eq!(responses.iter().filter(|first| !first.replayed).count(), 1);
    for response in &responses {
        assert_eq!(response.authorisation, responses[0].authorisation);
    }
    assert_eq!(callers.used("a").await, (100, 100));
}

/// The unary call and the stream are one RPC to a key.
#[tokio::test]
async fn d18_a_key_is_known_to_the_unary_call_and_to_the_stream() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 100).await;
    let (asking, answers) = open(&mut callers).await;
    let payments = [(1, pay("a", &card, "k", 100)), (2, pay("a", &card, "l", 5))];
    asking.send(message(payments)).await.unwrap();
    drop(asking);
    let answers = by_id(gather(answers).await.0);
    let replayed = decided(&answers[&1]);
    assert!(replayed.replayed);
    assert_eq!(replayed.authorisation, Some(paid));
    let again = callers.authorise(pay("a", &card, "l", 5)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.authorisation, decided(&answers[&2]).authorisation);
}

#[tokio::test]
async fn a_message_holds_1024_payments_and_not_one_more() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let quoted = callers.quote(crate::wallet::quote("a", 1)).await;
    let quote_token = quoted.cards[0].quote_token.clone();
    // As large as payments are: the longest keys, and a quote.
    let payment = |id: u64| v1::AuthoriseRequest {
        quote_token: quote_token.clone(),
        ..pay("a", &card, &format!("{id:064}"), 1)
    };
    let (asking, answers) = open(&mut callers).await;
    let most = message((0..1_024).map(|id| (id, payment(id))));
    asking.send(most).await.unwrap();
    drop(asking);
    let (answers, status) = gather(answers).await;
    assert!(status.is_none(), "{status:?}");
    assert_eq!(by_id(answers).len(), 1_024);
    assert_eq!(callers.used("a").await, (1_024, 1_024));

    let (asking, answers) = open(&mut callers).await;
    asking.send(message([(1, payment(2_000))])).await.unwrap();
    let more = message((0..1_025).map(|id| (id + 10, payment(3_000 + id))));
    asking.send(more).await.unwrap();
    let (answers, status) = gather(answers).await;
    assert_eq!(by_id(answers).len(), 1, "what came before is answered");
    let status = status.unwrap();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let bad = crate::malformed::bad_fields(&status);
    assert_eq!(bad, named(["requests"]));
    assert_eq!(callers.used("a").await.0, 1_025, "none of them is decided");
}

#[tokio::test]
async fn a_caller_who_has_said_all_is_answered_all() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let (asking, answers) = open(&mut callers).await;
    for number in 0..5 {
        let payments = (0..10).map(|id| {
            let id = number * 10 + id;
            (id, pay("a", &card, &format!("k{id}"), 1))
        });
        asking.send(message(payments)).await.unwrap();
    }
    drop(asking);
    let (answers, status) = gather(answers).await;
    assert!(status.is_none(), "{status:?}");
    assert_eq!(by_id(answers).len(), 50);
    let (asking, answers) = open(&mut callers).await;
    drop(asking);
    let (answers, status) = gather(answers).await;
    assert!(answers.is_empty() && status.is_none(), "nothing asked");
    let (asking, answers) = open(&mut callers).await;
    let empty = v1::AuthoriseStreamRequest::default();
    asking.send(empty).await.unwrap();
    let last = message([(1, pay("a", &card, "last", 1))]);
    asking.send(last).await.unwrap();
    drop(asking);
    let (answers, status) = gather(answers).await;
    assert_eq!((answers.len(), status.is_none()), (1, true));
}
