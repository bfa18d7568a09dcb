//! The thread that makes spans and sends them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Fuse;
use metrics::Counter;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, RetryPolicy, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::runtime;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::spans::spans_of;
use super::{EndedCall, Told};
use crate::commit::BatchLog;
use crate::exit::{Failure, Reason};

/// How often spans leave. What has ended since the last time waits once more, so that the calls of one batch leave
/// together.
const EVERY: Duration = Duration::from_millis(500);

/// How long a collector may take to take them.
const LONGEST: Duration = Duration::from_secs(5);

/// Spans in one request: collectors take four megabytes, and a span has some hundred bytes.
const MOST_AT_ONCE: usize = 2_048;

/// Calls that are kept: those of the last second, and of the time that a request takes. A slow collector lets them
/// take some ten megabytes.
const MOST_KEPT: usize = 32_768;

/// It is told of a collector that takes nothing once, and again when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collector {
    Unheard,
    Takes,
    Fails,
}

struct Sender {
    exporter: SpanExporter,
    collector: Collector,
    exported: Counter,
    dropped: Counter,
}

/// Spans that were dropped, by why.
pub(super) fn dropped(reason: &'static str) -> Counter {
    metrics::counter!("waika_spans_dropped_total", "reason" => reason)
}

/// Starts it. It ends when it is told to finish, or when nobody is left who could.
pub(super) fn start(
    endpoint: &str,
    batches: Arc<BatchLog>,
    told: mpsc::Receiver<Told>,
) -> Result<(), Failure> {
    let system = |error: &dyn std::fmt::Display| {
        Failure::new(Reason::System, format!("the thread for traces: {error}"))
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system(&error))?;
    let sender = {
        let _entered = runtime.enter();
        Sender::new(endpoint).map_err(|error| {
            let text = format!(
                "--otlp-endpoint: spans cannot be sent there: {error}: look at the OTEL_EXPORTER_OTLP_ variables too"
            );
            Failure::new(Reason::Configuration, text)
        })?
    };
    std::thread::Builder::new()
        .name("waika-traces".to_owned())
        .spawn(move || runtime.block_on(sender.run(&batches, told)))
        .map_err(|error| system(&error))?;
    Ok(())
}

impl Sender {
    fn new(endpoint: &str) -> Result<Self, ExporterBuildError> {
        let mut exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(LONGEST)
            // While some are sent again, others would have no room.
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        exporter.set_resource(&resource());
        Ok(Self {
            exporter,
            collector: Collector::Unheard,
            exported: metrics::counter!("waika_spans_exported_total"),
            dropped: dropped("collector"),
        })
    }

    async fn run(self, batches: &BatchLog, mut told: mpsc::Receiver<Told>) {
        let no_room = dropped("queue_full");
        let (mut fresh, mut ripe) = (Vec::new(), Vec::new());
        let mut turns = interval(EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // None while a request is under way: what ends meanwhile is taken nevertheless.
        let mut idle = Some(self);
        let mut sending = pin!(Fuse::terminated());
        loop {
            tokio::select! {
                biased;
                sender = &mut sending, if idle.is_none() => idle = Some(sender),
                _ = turns.tick(), if idle.is_some() => {
                    let due = std::mem::replace(&mut ripe, std::mem::take(&mut fresh));
                    if let Some(sender) = idle.take() {
                        sending.set(sender.send(due, batches).fuse());
                    }
                }
                next = told.recv() => match next {
                    Some(Told::Ended(ended)) if fresh.len() + ripe.len() < MOST_KEPT => fresh.push(ended),
                    Some(Told::Ended(ended)) => no_room.increment(ended.spans()),
                    Some(Told::Finish(done)) => {
                        let sender = match idle {
                            Some(sender) => sender,
                            None => sending.await,
                        };
                        let last = ripe.into_iter().chain(fresh).collect();
                        sender.send(last, batches).await;
                        // Nobody waits any longer.
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
            }
        }
    }

    async fn send(mut self, calls: Vec<EndedCall>, batches: &BatchLog) -> Self {
        let mut spans = spans_of(calls, batches);
        while !spans.is_empty() {
            let rest = spans.split_off(spans.len().min(MOST_AT_ONCE));
            self.send_once(std::mem::replace(&mut spans, rest)).await;
        }
        self
    }

    async fn send_once(&mut self, spans: Vec<SpanData>) {
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        match self.exporter.export(spans).await {
            Ok(()) => {
                self.exported.increment(count);
                if self.collector != Collector::Takes {
                    info!("the collector takes spans");
                }
                self.collector = Collector::Takes;
            }
            Err(error) => {
                self.dropped.increment(count);
                if self.collector != Collector::Fails {
                    warn!(%error, "the collector takes no spans: they are dropped until it does");
                }
                self.collector = Collector::Fails;
            }
        }
    }
}

/// What all spans are of. `OTEL_RESOURCE_ATTRIBUTES` adds to it.
fn resource() -> Resource {
    Resource::builder()
        .with_service_name("waika-server")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}
