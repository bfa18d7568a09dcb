//! What a Prometheus reads of calls: the field's names, each call once, and a page that keeps to its format.

use std::collections::{BTreeMap, HashSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;
use waika::health::HealthCheckRequest;
use waika::health::health_client::HealthClient;
use waika::v1;

use crate::programs::binary;
use crate::stream::{message, open};
use crate::support::{Home, Server};
use crate::wallet::{Callers, PHONE, pay, send_phone_code};

const UNARY: &str = "grpc_type=\"unary\",grpc_service=\"waika.v1.";

fn labels(service: &str, method: &str) -> String {
    format!("{UNARY}{service}\",grpc_method=\"{method}\"")
}

async fn count(server: &Server, labels: &str, code: &str) -> Option<f64> {
    let name = format!("grpc_server_handled_total{{{labels},grpc_code=\"{code}\"}}");
    server.figure(&name).await
}

/// A call ends for its caller a moment before it is counted, or the other way round.
async fn counted(server: &Server, labels: &str, code: &str, expected: f64) {
    let mut seen = None;
    for _ in 0..100 {
        seen = count(server, labels, code).await;
        if seen == Some(expected) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{labels} {code}: {seen:?}, and not {expected}");
}

#[tokio::test]
async fn every_call_is_counted_once_by_its_code_and_its_time() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for key in ["1", "2", "3", "3"] {
        callers.authorise(pay("a", &card, key, 100)).await.unwrap();
    }
    let authorise = labels("AuthorisationService", "Authorise");
    counted(&server, &authorise, "OK", 4.0).await;
    let started = format!("grpc_server_started_total{{{authorise}}}");
    assert_eq!(server.figure(&started).await, Some(4.0));
    let times = "grpc_server_handling_seconds";
    for (name, expected) in [
        (format!("{times}_count{{{authorise}}}"), 4.0),
        (format!("{times}_bucket{{{authorise},le=\"+Inf\"}}"), 4.0),
        // Nobody writes to a disk in so little, and nobody waits for one so long.
        (format!("{times}_bucket{{{authorise},le=\"0.00001\"}}"), 0.0),
    ] {
        assert_eq!(server.figure(&name).await, Some(expected), "{name}");
    }
    let sum = server.figure(&format!("{times}_sum{{{authorise}}}")).await;
    assert!(sum.is_some_and(|seconds| seconds > 40e-6), "{sum:?}");

    let nobody = v1::GetAccountRequest {
        account_id: "nobody".to_owned(),
    };
    callers.cards.get_account(nobody).await.unwrap_err();
    counted(
        &server,
        &labels("CardService", "GetAccount"),
        "NotFound",
        1.0,
    )
    .await;
    let wrong = v1::AuthoriseRequest::default();
    callers.authorisations.authorise(wrong).await.unwrap_err();
    counted(&server, &authorise, "InvalidArgument", 1.0).await;
    let own = v1::ListMerchantsRequest::default();
    callers.admin.list_merchants(own).await.unwrap();
    // Whatever the wallet's own preparation has asked for is among them.
    let lists = labels("AdminService", "ListMerchants");
    let started = format!("grpc_server_started_total{{{lists}}}");
    let started = server.figure(&started).await.unwrap();
    counted(&server, &lists, "OK", started).await;
}

#[tokio::test]
async fn a_stream_is_counted_when_it_ends_and_one_that_is_dropped_is_cancelled() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let stream = "grpc_type=\"bidi_stream\",grpc_service=\"waika.v1.AuthorisationService\",\
                  grpc_method=\"AuthoriseStream\"";
    let (requests, asked) = mpsc::channel(1);
    let opened = callers
        .authorisations
        .authorise_stream(ReceiverStream::new(asked));
    let mut answers = opened.await.unwrap().into_inner();
    let started = format!("grpc_server_started_total{{{stream}}}");
    assert_eq!(server.figure(&started).await, Some(1.0));
    assert_eq!(count(&server, stream, "OK").await, Some(0.0));
    drop::<mpsc::Sender<v1::AuthoriseStreamRequest>>(requests);
    assert!(answers.message().await.unwrap().is_none());
    counted(&server, stream, "OK", 1.0).await;

    let mut health = HealthClient::new(server.rpc_channel().await);
    let whole = HealthCheckRequest {
        service: String::new(),
    };
    let mut watch = health.watch(whole).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    drop(watch);
    let watch =
        "grpc_type=\"server_stream\",grpc_service=\"grpc.health.v1.Health\",grpc_method=\"Watch\"";
    counted(&server, watch, "Canceled", 1.0).await;
}

#[tokio::test]
async fn messages_of_a_stream_are_counted_each_way_whatever_they_hold() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let figure = async |way: &str| {
        let stream = "grpc_type=\"bidi_stream\",grpc_service=\"waika.v1.AuthorisationService\",\
                      grpc_method=\"AuthoriseStream\"";
        let name = format!("grpc_server_msg_{way}_total{{{stream}}}");
        server.figure(&name).await
    };
    for way in ["received", "sent"] {
        assert_eq!(figure(way).await, Some(0.0), "there from the start");
    }
    let (asking, mut answers) = open(&mut callers).await;
    let (mut messages, mut told) = (0_u32, 0);
    for (keys, so_far) in [(0..1, 1), (1..4, 4), (4..6, 6)] {
        let payments: Vec<_> = keys
            .map(|key: u64| (key, pay("a", &card, &format!("k{key}"), 1)))
            .collect();
        asking.send(message(payments)).await.unwrap();
        while told < so_far {
            let answer = answers.message().await.unwrap().unwrap();
            told += answer.responses.len();
            messages += 1;
        }
    }
    assert_eq!(figure("received").await, Some(3.0));
    assert_eq!(figure("sent").await, Some(f64::from(messages)));
    drop(asking);
    assert!(answers.message().await.unwrap().is_none());
    // A call that is no stream of payments counts none.
    callers.authorise(pay("a", &card, "one", 1)).await.unwrap();
    assert_eq!(figure("received").await, Some(3.0));
}

/// What waits for a disk that takes two seconds is as old as it says, and nothing is what nothing waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_entry_s_age_is_told_while_it_waits() {
    let home = Home::new();
    let mut command = Command::new(binary("waika-server"));
    command
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .args(["--metrics-listen", "127.0.0.1:0"])
        .args(["--store", "memory:delay=2s", "--key-file"])
        .arg(home.data().with_file_name("waika.key"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(server) = Server::try_start(&mut command, home) else {
        panic!("it does not serve");
    };
    let age = "waika_commit_queue_age_seconds";
    let is_idle = async {
        while server.figure(age).await != Some(0.0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // A new store's first entry waits as everything does.
    let idle = tokio::time::timeout(Duration::from_secs(60), is_idle).await;
    assert!(idle.is_ok(), "it does not come to rest");
    let mut cards = server.cards().await;
    let began = Instant::now();
    let asking =
        tokio::spawn(async move { cards.send_phone_code(send_phone_code("a", PHONE)).await });
    let mut oldest = 0.0_f64;
    while !asking.is_finished() {
        let now = server.figure(age).await.unwrap();
        assert!(now <= began.elapsed().as_secs_f64(), "{now}");
        oldest = oldest.max(now);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    asking.await.unwrap().unwrap();
    assert!(oldest > 1.0, "{oldest}");
    assert_eq!(server.figure(age).await, Some(0.0));
}

/// Whatever a path names, the page has no more lines for it than for any other that is none.
#[tokio::test]
async fn paths_that_name_nothing_are_one() {
    let server = Server::start();
    let mut grpc = Grpc::new(server.rpc_channel().await);
    for path in [
        "/waika.v1.CardService/Nothing",
        "/x",
        "/waika.v1.Card%22Service/Bind",
    ] {
        grpc.ready().await.unwrap();
        let codec = ProstCodec::<(), ()>::default();
        let path = PathAndQuery::from_static(path);
        let told = grpc.unary(Request::new(()), path, codec).await;
        assert_eq!(told.unwrap_err().code(), Code::Unimplemented);
    }
    let unknown = "grpc_type=\"unary\",grpc_service=\"unknown\",grpc_method=\"unknown\"";
    counted(&server, unknown, "Unimplemented", 3.0).await;
    assert!(!server.metrics().await.contains("Nothing"));
}

/// Each family has one type, its samples follow it, no sample is there twice, and buckets only grow.
#[tokio::test]
async fn the_page_keeps_to_its_format() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.authorise(pay("a", &card, "1", 100)).await.unwrap();
    let page = server.metrics().await;
    let body = page.split_once("\r\n\r\n").map_or(&*page, |(_, body)| body);
    let mut kinds = BTreeMap::new();
    let (mut samples, mut family, mut bucket) = (HashSet::new(), "", None);
    for line in body.lines().filter(|line| !line.is_empty()) {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            let (name, kind) = told.split_once(' ').unwrap();
            assert!(kinds.insert(name, kind).is_none(), "{line} is there twice");
            (family, bucket) = (name, None);
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(samples.insert(sample), "{sample} is there twice");
            let value: f64 = value.parse().unwrap();
            let name = sample.split('{').next().unwrap();
            let rest = name.strip_prefix(family).unwrap();
            let is_histogram = kinds[family] == "histogram";
            let is_known = match rest {
                "" => !is_histogram,
                "_bucket" | "_sum" | "_count" => is_histogram,
                _ => false,
            };
            assert!(is_known, "{line} in {family}");
            let so_far = bucket.take().unwrap_or(0.0);
            if rest == "_bucket" {
                assert!(value >= so_far, "{line}: {so_far} are below it");
                bucket = (!sample.contains("+Inf")).then_some(value);
            }
        }
    }
    assert!(kinds.len() > 20, "{kinds:?}");
}
