//! A caller that may call only so often is told so, however it calls, and nobody else.

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use waika::v1;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;

use crate::security_identity::ACQUIRER;
use crate::security_support::{Authority, connect, start};
use crate::support::{Server, reason_of};

/// One call in ten seconds, however slow the machine is; and the acquirer as often as it likes.
const CALLERS: &str = r#"
[[caller]]
id = "spiffe://shop.example/slow"
may = ["waika.v1.AuthorisationService/*", "waika.v1.CardService/GetAccount"]
calls_per_second = 3

[[caller]]
id = "spiffe://shop.example/acquirer"
may = ["waika.v1.CardService/GetAccount"]
"#;

async fn channel(server: &Server, authority: &Authority, uri: &str) -> Channel {
    let papers = authority.caller(Some(uri));
    connect(server.rpc_address(), authority, Some(&papers))
        .await
        .unwrap()
}

async fn ask(cards: &mut CardServiceClient<Channel>) -> Status {
    let account_id = "nobody".to_owned();
    cards
        .get_account(v1::GetAccountRequest { account_id })
        .await
        .unwrap_err()
}

#[tokio::test]
async fn calls_beyond_a_rate_are_refused_over_all_connections() {
    let authority = Authority::new();
    let (server, _files) = start(&authority, CALLERS);
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(CardServiceClient::new(
            channel(&server, &authority, "spiffe://shop.example/slow").await,
        ));
    }
    let mut other = CardServiceClient::new(channel(&server, &authority, ACQUIRER).await);
    let began = tokio::time::Instant::now();
    let mut taken = 0;
    for round in 0..60 {
        let status = ask(&mut slow[round % 3]).await;
        if status.code() == Code::NotFound {
            taken += 1;
        } else {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            assert_eq!(reason_of(&status), "CALLER_RATE");
            assert!(status.metadata().get("grpc-retry-pushback-ms").is_some());
        }
        assert_eq!(ask(&mut other).await.code(), Code::NotFound);
    }
    // A second's worth at once, and no more than came due since.
    let due = 3 + 3 * (began.elapsed().as_secs() + 1);
    assert!((3..=due).contains(&taken), "{taken} of at most {due}");
}

#[tokio::test]
async fn payments_in_a_stream_count_each() {
    let authority = Authority::new();
    let (server, _files) = start(&authority, CALLERS);
    let channel = channel(&server, &authority, "spiffe://shop.example/slow").await;
    let (requests, sent) = mpsc::unbounded_channel();
    let stream = UnboundedReceiverStream::new(sent);
    let mut payments = AuthorisationServiceClient::new(channel);
    let mut answers = payments
        .authorise_stream(stream)
        .await
        .unwrap()
        .into_inner();
    let payment = |number: u64| v1::StreamedRequest {
        correlation_id: number,
        request: Some(crate::wallet::pay(
            "nobody",
            "card",
            &format!("k{number}"),
            1,
        )),
    };
    let many = v1::AuthoriseStreamRequest {
        requests: (0..40).map(payment).collect(),
    };
    requests.send(many).unwrap();
    drop(requests);
    let (mut told, mut refused) = (0, 0);
    while let Some(message) = answers.message().await.unwrap() {
        for answer in message.responses {
            told += 1;
            let Some(v1::streamed_response::Outcome::Error(error)) = answer.outcome else {
                panic!("nobody's payment is decided: {answer:?}");
            };
            refused += u32::from(error.code == Code::ResourceExhausted as i32);
        }
    }
    assert_eq!(told, 40, "the stream goes on");
    assert!(refused >= 30, "{refused} refused");
}
