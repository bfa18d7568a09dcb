//! What the three listeners answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustix::process::Signal;
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};
use waika::health::HealthCheckRequest;
use waika::health::health_check_response::ServingStatus;
use waika::health::health_client::HealthClient;

use crate::support::Server;

async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// What comes back on a connection that sends these bytes, until the server closes it. Bytes
/// that it never read make the close a reset.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn health_is_told_per_service() {
    let server = Server::start("");
    let mut callers = HealthClient::new(channel(server.rpc()).await);
    let mut operators = HealthClient::new(channel(server.admin()).await);
    let request = |name: &str| HealthCheckRequest {
        service: name.to_owned(),
    };
    for name in [
        "",
        "waika.v1.AuthorisationService",
        "waika.v1.CardService",
        "waika.v1.AdminService",
    ] {
        let answer = operators.check(request(name)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{name}");
        let answer = callers.check(request(name)).await;
        assert_eq!(answer.is_ok(), name != "waika.v1.AdminService", "{name}");
    }
}

#[tokio::test]
async fn a_drain_is_announced_before_it_begins() {
    let server = Server::start("--drain-wait 60s");
    let mut health = HealthClient::new(channel(server.rpc()).await);
    let request = HealthCheckRequest::default();
    let mut watch = health.watch(request.clone()).await.unwrap().into_inner();
    let serving = watch.next().await.unwrap().unwrap();
    assert_eq!(serving.status(), ServingStatus::Serving);
    server.signal(Signal::TERM);
    let draining = watch.next().await.unwrap().unwrap();
    assert_eq!(draining.status(), ServingStatus::NotServing);
    // Calls are still answered, on this connection and on new ones.
    let mut late = HealthClient::new(channel(server.rpc()).await);
    assert!(late.check(request).await.is_ok());
    // A second signal does not wait for the minute to be over.
    server.signal(Signal::TERM);
    assert!(watch.next().await.is_none());
    assert_eq!(server.end().0, Some(0));
}

#[tokio::test]
async fn unknown_paths_are_unimplemented() {
    let server = Server::start("");
    let mut client = tonic::client::Grpc::new(channel(server.rpc()).await);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/waika.v1.NoService/Call");
    let request = tonic::Request::new(HealthCheckRequest::default());
    let codec = tonic_prost::ProstCodec::<_, HealthCheckRequest>::default();
    let refused = client.unary(request, path, codec).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
}

/// Lists the services that reflection tells in one of its versions.
macro_rules! reflected {
    ($version:ident, $address:expr) => {{
        use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
        let request = tonic_reflection::pb::$version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(channel($address).await);
        let requests = tokio_stream::iter([request]);
        let answers = client.server_reflection_info(requests).await.unwrap();
        let answer = answers.into_inner().next().await.unwrap().unwrap();
        let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
            panic!("no list: {answer:?}");
        };
        let mut names: Vec<_> = list.service.into_iter().map(|known| known.name).collect();
        names.sort();
        names
    }};
}

#[tokio::test]
async fn reflection_lists_what_a_listener_has() {
    let server = Server::start("");
    let reflection = |version: &str| format!("grpc.reflection.{version}.ServerReflection");
    let health = "grpc.health.v1.Health".to_owned();
    for (version, callers, operators) in [
        (
            "v1",
            reflected!(v1, server.rpc()),
            reflected!(v1, server.admin()),
        ),
        (
            "v1alpha",
            reflected!(v1alpha, server.rpc()),
            reflected!(v1alpha, server.admin()),
        ),
    ] {
        let own = ["waika.v1.AuthorisationService", "waika.v1.CardService"];
        let expected = [health.clone(), reflection(version)];
        assert_eq!(callers[..2], expected);
        assert_eq!(callers[2..], own);
        assert_eq!(operators[..2], expected);
        assert_eq!(operators[2..], ["waika.v1.AdminService"]);
    }
}

#[test]
fn metrics_are_one_page() {
    let server = Server::start("");
    let get = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: waika\r\n\r\n");
        exchange(server.metrics(), request.as_bytes())
    };
    let page = get("/metrics");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for part in [
        "waika_build_info{version=\"",
        "# TYPE waika_connections_open gauge",
        "waika_connections_open{listener=\"metrics\"} 1",
        "waika_connections_accepted_total{listener=\"metrics\"} 1",
        "waika_connections_refused_total{listener=\"rpc\"} 0",
    ] {
        assert!(page.contains(part), "{part:?} not in {page}");
    }
    assert!(get("/").starts_with("HTTP/1.1 404 Not Found\r\n"));
}

#[test]
fn what_does_not_speak_http2_is_turned_away() {
    let server = Server::start("--preface-timeout 300ms");
    let http1 = b"GET / HTTP/1.1\r\nhost: waika\r\n\r\n";
    for address in [server.rpc(), server.admin()] {
        let answer = exchange(address, http1);
        assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
        assert!(answer.contains("gRPC"), "{answer}");
        // Silent, and a beginning that never goes on.
        assert_eq!(exchange(address, b""), "");
        assert_eq!(exchange(address, b"PRI * HTTP"), "");
    }
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_others_stay() {
    let server = Server::start("--max-connections 1");
    let request = HealthCheckRequest::default();
    let mut first = HealthClient::new(channel(server.rpc()).await);
    first.check(request.clone()).await.unwrap();
    assert_eq!(exchange(server.rpc(), b""), "");
    assert!(first.check(request.clone()).await.is_ok());
    let mut operators = HealthClient::new(channel(server.admin()).await);
    assert!(operators.check(request).await.is_ok());
}

#[test]
fn the_limits_of_a_connection_are_told_in_its_settings() {
    let server = Server::start("");
    let mut stream = TcpStream::connect(server.rpc()).unwrap();
    let empty_settings = b"\0\0\0\x04\0\0\0\0\0";
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    stream.write_all(empty_settings).unwrap();
    let mut header = [0; 9];
    stream.read_exact(&mut header).unwrap();
    let [_, _, length, kind, ..] = header;
    assert_eq!(kind, 4, "the first frame is SETTINGS");
    let mut settings = vec![0; usize::from(length)];
    stream.read_exact(&mut settings).unwrap();
    let told = |wanted: u8| {
        let mut all = settings.as_chunks::<6>().0.iter();
        all.find_map(|&[_, id, a, b, c, d]| {
            (id == wanted).then(|| u32::from_be_bytes([a, b, c, d]))
        })
    };
    assert_eq!(told(3), Some(1_024), "MAX_CONCURRENT_STREAMS");
    assert_eq!(told(4), Some(1_048_576), "INITIAL_WINDOW_SIZE");
    assert_eq!(told(6), Some(8_192), "MAX_HEADER_LIST_SIZE");
}
