//! Connections that are old are told to go, which costs nobody a call.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use waika::health::HealthCheckRequest;
use waika::health::health_client::HealthClient;
use waika::v1;

use crate::mesh_handed_over::authorise_once_more;
use crate::security_slow::BEGIN;
use crate::support::Server;
use crate::wallet::{Callers, decision, pay};

const YOUNG: [&str; 4] = [
    "--max-connection-age",
    "200ms",
    "--max-connection-age-grace",
    "400ms",
];
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

#[tokio::test]
async fn calls_go_on_while_connections_are_told_to_go() {
    let server = Server::start_with(&YOUNG);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let accepted = "waika_connections_accepted_total{listener=\"rpc\"}";
    let before = server.figure(accepted).await.unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    let mut count = 0;
    while Instant::now() < until || server.figure(accepted).await.unwrap() < before + 3.0 {
        let payment = pay("a", &card, &format!("{count}"), 1);
        // What a client finds out before it sends is its own matter; what the server turns away would be another.
        let (answer, is_turned_away) = authorise_once_more(&mut callers, &payment).await;
        assert_eq!(decision(&answer.unwrap()), "APPROVED", "{count}");
        assert!(!is_turned_away, "{count}");
        count += 1;
    }
}

#[tokio::test]
async fn what_goes_on_for_longer_than_the_grace_is_ended() {
    let server = Server::start_with(&YOUNG);
    let mut health = HealthClient::new(server.rpc_channel().await);
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let mut watch = health.watch(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let ended = timeout(Duration::from_secs(20), watch.message()).await;
    ended.unwrap().unwrap_err();
    // And its caller comes again.
    let account_id = "nobody".to_owned();
    let mut cards = server.cards().await;
    let asked = cards
        .get_account(v1::GetAccountRequest { account_id })
        .await;
    assert_eq!(asked.unwrap_err().code(), tonic::Code::NotFound);
}

/// A frame: its type, its flags, and what is in it; None at the connection's end.
async fn frame(stream: &mut TcpStream) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], head[4], payload))
}

/// By the bytes: first that streams may still begin that are on their way, then the last one that was taken.
#[tokio::test]
async fn it_is_a_goaway_in_two_steps_and_then_the_end() {
    let server = Server::start_with(&YOUNG);
    let address = server.rpc_address().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(BEGIN).await.unwrap();
    let mut told = Vec::new();
    let heard = async {
        while let Some((kind, flags, payload)) = frame(&mut stream).await {
            if kind == PING && flags & ACK == 0 {
                let pong = [&[0, 0, 8, PING, ACK, 0, 0, 0, 0], &payload[..]].concat();
                stream.write_all(&pong).await.unwrap();
            }
            if kind == GOAWAY {
                let [last, code] = [0, 4].map(|at| payload[at..at + 4].try_into().unwrap());
                told.push([last, code].map(u32::from_be_bytes));
            }
        }
    };
    timeout(Duration::from_secs(20), heard).await.unwrap();
    assert_eq!(told, [[u32::MAX >> 1, 0], [0, 0]]);
}
