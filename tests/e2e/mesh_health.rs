//! What meshes, balancers and probes are told about whether a server takes calls.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;
use tonic::Code;
use waika::health::health_check_response::ServingStatus;
use waika::health::health_client::HealthClient;
use waika::health::{HealthCheckRequest, HealthListRequest};

use crate::programs::binary;
use crate::security_identity::CALLERS;
use crate::security_support::{Authority, start};
use crate::support::Server;

const SERVICES: [&str; 3] = ["", "waika.v1.AuthorisationService", "waika.v1.CardService"];

type Health = HealthClient<tonic::transport::Channel>;

fn asked(service: &str) -> HealthCheckRequest {
    let service = service.to_owned();
    HealthCheckRequest { service }
}

async fn listed(health: &mut Health) -> BTreeMap<String, ServingStatus> {
    let listed = health.list(HealthListRequest {}).await.unwrap();
    let statuses = listed.into_inner().statuses.into_iter();
    statuses
        .map(|(name, answer)| (name, answer.status()))
        .collect()
}

/// All services of the callers' listener with one status.
fn all(status: ServingStatus) -> BTreeMap<String, ServingStatus> {
    SERVICES.map(|name| (name.to_owned(), status)).into()
}

#[tokio::test]
async fn a_drain_is_listed_checked_and_watched() {
    let server = Server::start_with(&["--drain-wait", "60s"]);
    let mut health = HealthClient::new(server.rpc_channel().await);
    let cards = "waika.v1.CardService";
    let mut watch = health.watch(asked(cards)).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    assert_eq!(listed(&mut health).await, all(ServingStatus::Serving));

    server.signal(Signal::TERM);
    let next = timeout(Duration::from_secs(20), watch.message()).await;
    let next = next.unwrap().unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    assert_eq!(listed(&mut health).await, all(ServingStatus::NotServing));
    for name in SERVICES {
        let told = health.check(asked(name)).await.unwrap().into_inner();
        assert_eq!(told.status(), ServingStatus::NotServing, "{name}");
    }
    // A new connection hears the same.
    let mut late = HealthClient::new(server.rpc_channel().await);
    assert_eq!(listed(&mut late).await, all(ServingStatus::NotServing));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_not_found_and_can_be_watched() {
    let server = Server::start();
    let mut health = HealthClient::new(server.rpc_channel().await);
    // Operators' services are not on the callers' listener.
    for name in ["waika.v1.AdminService", "waika.v1.Nothing"] {
        let told = health.check(asked(name)).await.unwrap_err();
        assert_eq!(told.code(), Code::NotFound, "{name}");
        let mut watch = health.watch(asked(name)).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::ServiceUnknown, "{name}");
        let second = timeout(Duration::from_millis(200), watch.message()).await;
        assert!(second.is_err(), "the watch of {name:?} must stay open");
    }
}

#[tokio::test]
async fn lists_are_counted_as_every_call_is() {
    let server = Server::start();
    let mut health = HealthClient::new(server.rpc_channel().await);
    listed(&mut health).await;
    let started = "grpc_server_started_total{grpc_type=\"unary\",\
                   grpc_service=\"grpc.health.v1.Health\",grpc_method=\"List\"}";
    assert_eq!(server.figure(started).await, Some(1.0));
}

/// What `waika-server health` says, as a probe beside the server runs it.
fn probe(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary("waika-server"));
    command.env_clear().arg("health").args(arguments);
    command.output().unwrap()
}

#[tokio::test]
async fn a_probe_asks_where_callers_need_certificates() {
    let authority = Authority::new();
    let (server, files) = start(&authority, CALLERS);
    let papers = authority.caller(None);
    files.put("probe.pem", &papers.certificate);
    files.put("probe.key", &papers.key);
    let path = |name: &str| files.path(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (path("ca.pem"), path("probe.pem"), path("probe.key"));
    let address = server.rpc_address().replace("http://", "https://");
    let trusting = ["--address", &address, "--timeout", "20s", "--ca", &ca];
    let shown = ["--cert", &cert, "--key", &key];
    let name = ["--server-name", "localhost"];

    for more in [shown.to_vec(), [&shown[..], &name].concat()] {
        let told = probe(&[&trusting[..], &more].concat());
        assert_eq!(told.status.code(), Some(0), "{told:?}");
        assert_eq!(told.stdout, b"SERVING\n");
    }
    let elsewhere = ["--server-name", "elsewhere.example"];
    for more in [vec![], [&shown[..], &elsewhere].concat()] {
        let told = probe(&[&trusting[..], &more].concat());
        assert_eq!(told.status.code(), Some(69), "{told:?}");
        assert!(told.stdout.is_empty(), "{told:?}");
    }
}
