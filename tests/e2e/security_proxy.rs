//! What the mesh's proxy says of its callers is believed, and nobody else's word.

use std::net::SocketAddr;

use hyper_util::rt::TokioIo;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};
use waika::v1;
use waika::v1::card_service_client::CardServiceClient;

use crate::support::{Home, Server, reason_of};

const NAME: &str = "shop.pay.serviceaccount.identity.linkerd.cluster.local";
const CALLERS: &str = r#"
[[caller]]
id = "shop.pay.serviceaccount.identity.linkerd.cluster.local"
may = ["waika.v1.CardService/GetAccount"]

[[caller]]
id = "spiffe://cluster.local/ns/pay/sa/shop"
may = ["waika.v1.CardService/GetAccount"]
"#;

fn start(header: &str) -> Server {
    let home = Home::new();
    let callers = home.data().parent().unwrap().join("callers.toml");
    std::fs::write(&callers, CALLERS).unwrap();
    let callers = callers.to_str().unwrap().to_owned();
    let arguments = ["--callers", &callers, "--identity-header", header];
    let proxy = [
        "--identity-proxy",
        "127.0.0.1",
        "--identity-proxy",
        "127.0.0.6",
    ];
    Server::start_in(home, &[&arguments[..], &proxy].concat())
}

/// A connection from one of this machine's own addresses.
async fn from(address: &str, server: &Server) -> CardServiceClient<Channel> {
    let local: SocketAddr = format!("{address}:0").parse().unwrap();
    let endpoint = Endpoint::from_shared(server.rpc_address().to_owned()).unwrap();
    let connector = tower::service_fn(move |uri: Uri| async move {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(local)?;
        let to = uri.authority().unwrap().as_str().parse().unwrap();
        socket.connect(to).await.map(TokioIo::new)
    });
    CardServiceClient::new(endpoint.connect_with_connector(connector).await.unwrap())
}

async fn ask(cards: &mut CardServiceClient<Channel>, headers: &[(&'static str, &str)]) -> Status {
    let account_id = "nobody".to_owned();
    let mut request = Request::new(v1::GetAccountRequest { account_id });
    for (name, value) in headers {
        let value = MetadataValue::try_from(*value).unwrap();
        request.metadata_mut().append(*name, value);
    }
    cards.get_account(request).await.unwrap_err()
}

/// A caller that is let in learns that there is no such account.
fn is_let_in(status: &Status) -> bool {
    status.code() == Code::NotFound
}

#[tokio::test]
async fn linkerds_word_is_believed_where_it_calls_from() {
    let server = start("l5d-client-id");
    for (address, headers, code) in [
        ("127.0.0.1", &[("l5d-client-id", NAME)][..], Code::NotFound),
        ("127.0.0.6", &[("l5d-client-id", NAME)], Code::NotFound),
        (
            "127.0.0.2",
            &[("l5d-client-id", NAME)],
            Code::Unauthenticated,
        ),
        ("127.0.0.1", &[], Code::Unauthenticated),
        ("127.0.0.1", &[("l5d-client-id", "")], Code::Unauthenticated),
        (
            "127.0.0.1",
            &[("l5d-client-id", "other.pay.local")],
            Code::PermissionDenied,
        ),
        (
            "127.0.0.1",
            &[("l5d-client-id", NAME), ("l5d-client-id", NAME)],
            Code::Unauthenticated,
        ),
        (
            "127.0.0.1",
            &[(
                "x-forwarded-client-cert",
                "URI=spiffe://cluster.local/ns/pay/sa/shop",
            )],
            Code::Unauthenticated,
        ),
    ] {
        let mut cards = from(address, &server).await;
        let status = ask(&mut cards, headers).await;
        assert_eq!(status.code(), code, "{address} {headers:?}: {status}");
        let reason = match code {
            Code::Unauthenticated => "CALLER_UNKNOWN",
            Code::PermissionDenied => "CALLER_NOT_ALLOWED",
            _ => "NOT_FOUND",
        };
        assert_eq!(reason_of(&status), reason, "{address} {headers:?}");
    }
}

#[tokio::test]
async fn one_connection_carries_several_callers() {
    let server = start("x-forwarded-client-cert");
    let mut cards = from("127.0.0.1", &server).await;
    let shop =
        "By=spiffe://cluster.local/ns/waika/sa/waika;URI=spiffe://cluster.local/ns/pay/sa/shop";
    let other =
        "By=spiffe://cluster.local/ns/waika/sa/waika;URI=spiffe://cluster.local/ns/pay/sa/other";
    let forged = format!("{shop},{other}");
    for _ in 0..3 {
        for (text, is_in) in [(shop, true), (other, false), (&*forged, false)] {
            let status = ask(&mut cards, &[("x-forwarded-client-cert", text)]).await;
            assert_eq!(is_let_in(&status), is_in, "{text}: {status}");
        }
    }
}

#[tokio::test]
async fn a_probe_needs_no_proxy() {
    let server = start("l5d-client-id");
    let channel = server.rpc_channel().await;
    let mut health = waika::health::health_client::HealthClient::new(channel);
    health
        .check(waika::health::HealthCheckRequest::default())
        .await
        .unwrap();
}
