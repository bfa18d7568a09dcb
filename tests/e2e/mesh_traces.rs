//! Traces, as a collector receives them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::propagation::{Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::{Request, Response, Status};

use crate::support::{Home, Server};
use crate::wallet::{Callers, PASSWORD, decision, pay};

/// A collector that keeps what it is given.
#[derive(Clone, Default)]
struct Collector {
    kept: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.kept.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collector = Self::default();
        let service = TraceServiceServer::new(collector.clone());
        let incoming = TcpListenerStream::new(listener);
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
        (collector, format!("http://{address}"))
    }

    fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock().unwrap();
        let scopes = kept.iter().flat_map(|request| &request.resource_spans);
        let scopes = scopes.flat_map(|spans| &spans.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// All that is said of what spans are of.
    fn resources(&self) -> String {
        let kept = self.kept.lock().unwrap();
        let spans = kept.iter().flat_map(|request| &request.resource_spans);
        format!(
            "{:?}",
            spans.map(|spans| &spans.resource).collect::<Vec<_>>()
        )
    }
}

/// A caller that traces its calls.
struct Client {
    provider: SdkTracerProvider,
}

impl Client {
    fn new(endpoint: &str) -> Self {
        let exporter = SpanExporter::builder().with_tonic();
        let exporter = exporter.with_endpoint(endpoint).build().unwrap();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
        Self {
            provider: provider.build(),
        }
    }

    /// A span around a call, and the request that tells of it.
    fn request<T>(&self, message: T) -> (Context, Request<T>) {
        let tracer = self.provider.tracer("test");
        let span = tracer.span_builder("client").with_kind(SpanKind::Client);
        let around = Context::new().with_span(span.start_with_context(&tracer, &Context::new()));
        let mut request = Request::new(message);
        let mut headers = Headers(request.metadata_mut());
        TraceContextPropagator::new().inject_context(&around, &mut headers);
        (around, request)
    }
}

struct Headers<'a>(&'a mut MetadataMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An empty tracestate.
        if !value.is_empty() {
            let key: AsciiMetadataKey = key.parse().unwrap();
            self.0.insert(key, value.parse().unwrap());
        }
    }
}

fn only(spans: &[Span], is_it: impl Fn(&Span) -> bool) -> &Span {
    let found: Vec<_> = spans.iter().filter(|span| is_it(span)).collect();
    assert_eq!(found.len(), 1, "{found:#?}\nof {spans:#?}");
    found[0]
}

/// What everything in a trace must not tell.
fn check_nothing_is_told(collector: &Collector, secrets: &[&str]) {
    let told = format!("{:?}{}", collector.spans(), collector.resources());
    for secret in secrets {
        assert!(!told.contains(secret), "{secret} is in\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_from_the_client_s_span_to_the_batch_s() {
    let (collector, endpoint) = Collector::start().await;
    let server = Server::start_with(&["--otlp-endpoint", &endpoint, "--trace-sample", "0"]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("someone").await;
    let client = Client::new(&endpoint);
    let (around, request) = client.request(pay("someone", &card, "traced-key", 100));
    let answer = callers.authorisations.authorise(request).await.unwrap();
    assert_eq!(decision(answer.get_ref()), "APPROVED");
    around.span().end();
    let trace = around.span().span_context().trace_id().to_bytes();
    // Whoever traces nothing is asked for nothing.
    callers
        .authorise(pay("someone", &card, "k2", 100))
        .await
        .unwrap();

    let provider = client.provider.clone();
    tokio::task::spawn_blocking(move || provider.shutdown())
        .await
        .unwrap()
        .unwrap();
    // The last spans leave before the server does.
    let (status, _home) = tokio::task::spawn_blocking(|| server.stop(Signal::TERM))
        .await
        .unwrap();
    assert!(status.success());
    let all = collector.spans();
    let spans: Vec<_> = all
        .iter()
        .filter(|span| span.trace_id == trace)
        .cloned()
        .collect();
    let named = |name: &'static str| only(&spans, move |span| span.name == name);
    let call = named("waika.v1.AuthorisationService/Authorise");
    assert_eq!(call.parent_span_id, named("client").span_id);
    for part in ["queue", "decide", "commit"] {
        let part = named(part);
        assert_eq!(part.parent_span_id, call.span_id);
        assert!(call.start_time_unix_nano <= part.start_time_unix_nano);
        assert!(part.end_time_unix_nano <= call.end_time_unix_nano);
    }
    assert_eq!(spans.len(), 5, "{spans:#?}");
    let (commit, batch) = (named("commit"), only(&all, |span| span.name == "batch"));
    assert_ne!(batch.trace_id, trace);
    let ends = |span: &Span| (span.trace_id.clone(), span.span_id.clone());
    let linked = |span: &Span| {
        let links = span.links.iter();
        links
            .map(|link| (link.trace_id.clone(), link.span_id.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(linked(batch), [ends(commit)]);
    assert_eq!(linked(commit), [ends(batch)]);
    assert_eq!(all.len(), 6, "{all:#?}");
    assert!(collector.resources().contains("waika-server"));
    check_nothing_is_told(&collector, &["someone", &card, "traced-key", PASSWORD]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_of_all_calls_is_traced_and_a_caller_may_say_no() {
    let (collector, endpoint) = Collector::start().await;
    let server = Server::start_with(&["--otlp-endpoint", &endpoint, "--trace-sample", "1"]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("someone").await;
    let mut request = Request::new(pay("someone", &card, "k1", 100));
    let no = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    request
        .metadata_mut()
        .insert("traceparent", no.parse().unwrap());
    callers.authorisations.authorise(request).await.unwrap();
    let mut declined = pay("someone", &card, "k2", 100);
    declined.account_id = String::new();
    callers.authorise(declined).await.unwrap_err();
    assert!(server.figure("waika_spans_exported_total").await.is_some());
    let (status, _home) = tokio::task::spawn_blocking(|| server.stop(Signal::TERM))
        .await
        .unwrap();
    assert!(status.success());
    let spans = collector.spans();
    // The refused payment alone: invalid argument, and nothing became durable.
    let payment = only(&spans, |span| span.name.ends_with("/Authorise"));
    assert!(payment.parent_span_id.is_empty());
    let code = payment
        .attributes
        .iter()
        .find(|one| one.key == "rpc.grpc.status_code");
    assert!(format!("{code:?}").contains("IntValue(3)"), "{code:?}");
    // A card is bound after a wait for the disk, which is a part of it as it is of payments.
    let bind = only(&spans, |span| span.name.ends_with("/Bind"));
    let commits = |span: &&Span| span.name == "commit" && span.parent_span_id == bind.span_id;
    assert!(spans.iter().any(|span| commits(&span)), "{spans:#?}");
    check_nothing_is_told(&collector, &["someone", &card, "k2", PASSWORD]);
}

/// Payments of a server whose collector is of no use; every answer comes, and every span is accounted for.
async fn pay_without_a_collector(at: SocketAddr) {
    let endpoint = format!("http://{at}");
    let server = Server::start_with(&["--otlp-endpoint", &endpoint, "--trace-sample", "1"]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for number in 0..50 {
        let answer = callers
            .authorise(pay("a", &card, &format!("k{number}"), 1))
            .await;
        assert_eq!(decision(&answer.unwrap()), "APPROVED");
    }
    let dropped = "waika_spans_dropped_total{reason=\"collector\"}";
    // Fifty payments of four spans; the collector has five seconds for them.
    let all_dropped = async {
        while server.figure(dropped).await.unwrap_or_default() < 200.0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), all_dropped).await;
    assert!(in_time.is_ok(), "spans that nobody takes are counted");
    assert_eq!(server.figure("waika_spans_exported_total").await, Some(0.0));
    let stopped = tokio::task::spawn_blocking(|| server.stop_and_read_log());
    let (log, _home): (String, Home) = stopped.await.unwrap();
    let told = log.matches("the collector takes no spans").count();
    assert_eq!(told, 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_costs_spans_and_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    pay_without_a_collector(gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_says_nothing_costs_spans_and_no_answer() {
    // Connections wait in its backlog for ever.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    pay_without_a_collector(listener.local_addr().unwrap()).await;
}

/// More than wait for the thread: it takes them while its request is under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_end_while_a_collector_is_slow_are_kept() {
    const CALLS: usize = 24_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::start_with(&["--otlp-endpoint", &endpoint, "--trace-sample", "1"]);
    let mut payers = tokio::task::JoinSet::new();
    for payer in 0..60 {
        let mut cards = server.cards().await;
        payers.spawn(async move {
            for _ in 0..CALLS / 60 {
                let account_id = format!("nobody {payer}");
                let asked = waika::v1::GetAccountRequest { account_id };
                cards.get_account(asked).await.unwrap_err();
            }
        });
    }
    while let Some(paid) = payers.join_next().await {
        paid.unwrap();
    }
    let dropped = "waika_spans_dropped_total{reason=\"queue_full\"}";
    assert_eq!(server.figure(dropped).await, Some(0.0));
}

#[test]
fn a_share_that_nobody_is_told_of_is_a_mistake() {
    for (variable, arguments, named) in [
        (None, &["--trace-sample", "0.5"][..], "--trace-sample: "),
        (Some("0"), &[], "WAIKA_TRACE_SAMPLE: "),
    ] {
        let home = Home::new();
        let mut command = home.command();
        command.args(arguments);
        command.envs(variable.map(|share| ("WAIKA_TRACE_SAMPLE", share)));
        let Err(ended) = Server::try_start(&mut command, home) else {
            panic!("{named}it serves");
        };
        assert_eq!(ended.status.code(), Some(64), "{}", ended.text);
        for part in [named, "WAIKA_OTLP_ENDPOINT", "WAIKA_TRACE_SAMPLE", "leave"] {
            assert!(ended.text.contains(part), "{part} not in {}", ended.text);
        }
    }
}

#[test]
fn what_is_no_collector_is_named() {
    for (endpoint, expected) in [
        (
            "collector:4317",
            "is not http:// or https:// with a host and a port",
        ),
        (
            "https://collector:4317",
            "is https://, which is not spoken here",
        ),
        ("http://u:p@collector:4317", "holds a user name"),
    ] {
        let home = Home::new();
        let mut command = home.command();
        command.args(["--otlp-endpoint", endpoint]);
        let Err(ended) = Server::try_start(&mut command, home) else {
            panic!("{endpoint}: it serves");
        };
        assert_eq!(ended.status.code(), Some(64), "{}", ended.text);
        let named = "--otlp-endpoint";
        assert!(
            ended.text.contains(named) && ended.text.contains(expected),
            "{}",
            ended.text
        );
        assert!(!ended.text.contains("u:p@"), "{}", ended.text);
    }
}
