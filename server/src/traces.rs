//! Spans of calls, for an OpenTelemetry collector.
//!
//! A call that is traced is measured by its stopwatch, as one that asks for its timing is; its spans are made once it
//! has been answered, on a thread of their own. So a call that is not traced pays for the question whether it is, and
//! one that is never waits for a collector: what there is no room for is dropped, and counted.
//!
//! What is told of a call is its method, its status code and where its time went. Nothing of what it said, and nobody's
//! name, is in a span.

pub(crate) mod around;
mod exporter;
mod spans;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName};
use metrics::Counter;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample as _,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::around::Around;
use crate::clock;
use crate::commit::BatchLog;
use crate::exit::Failure;
use crate::stopwatch::{Stopwatch, Stretch};

/// Where a caller's trace is named.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Calls that have ended and wait for the thread that makes spans of them.
const MOST_WAITING: usize = 4_096;

/// How long an ending server waits for its last spans to leave.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Where spans go, and of how many calls.
#[derive(Debug, Clone, PartialEq)]
pub struct TracesConfig {
    /// The collector, as a URL without TLS.
    pub endpoint: String,
    /// The share of calls that are traced, from 0 to 1, of those whose caller has not decided it.
    pub sample: f64,
}

/// What is done about traces, if anything is.
#[derive(Debug)]
pub(crate) struct Traces {
    sampler: Sampler,
    propagator: TraceContextPropagator,
    ids: RandomIdGenerator,
    waiting: mpsc::Sender<Told>,
    dropped: Counter,
    batches: Arc<BatchLog>,
}

/// The span of a call that is being answered.
#[derive(Debug)]
pub(crate) struct CallSpan {
    traces: Arc<Traces>,
    context: SpanContext,
    parent: SpanId,
    began: SystemTime,
    watch: Arc<Stopwatch>,
}

/// What the thread is told.
#[derive(Debug)]
enum Told {
    Ended(EndedCall),
    /// Nothing more comes.
    Finish(oneshot::Sender<()>),
}

/// A call that has been answered.
#[derive(Debug)]
struct EndedCall {
    context: SpanContext,
    /// Invalid if the call begins its trace.
    parent: SpanId,
    began: SystemTime,
    /// The same instant.
    began_at: Instant,
    ended_at: Instant,
    /// Service and method, with a slash between.
    method: Arc<str>,
    /// Its gRPC status.
    code: i32,
    stretches: Vec<Stretch>,
}

impl Traces {
    /// Starts the thread that sends. A collector that is not there is none of its errors.
    pub(crate) fn start(config: &TracesConfig) -> Result<Arc<Self>, Failure> {
        let (waiting, told) = mpsc::channel(MOST_WAITING);
        let batches = Arc::new(BatchLog::default());
        exporter::start(&config.endpoint, Arc::clone(&batches), told)?;
        Ok(Arc::new(Self::new(config.sample, waiting, batches)))
    }

    fn new(sample: f64, waiting: mpsc::Sender<Told>, batches: Arc<BatchLog>) -> Self {
        let by_share = Sampler::TraceIdRatioBased(sample);
        Self {
            sampler: Sampler::ParentBased(Box::new(by_share)),
            propagator: TraceContextPropagator::new(),
            ids: RandomIdGenerator::default(),
            waiting,
            dropped: exporter::dropped("queue_full"),
            batches,
        }
    }

    /// Where the ledger shall note which entries became durable together.
    pub(crate) fn batches(&self) -> Arc<BatchLog> {
        Arc::clone(&self.batches)
    }

    /// The span of a call that has come; None if it is not traced. Its caller's decision holds where it has taken one.
    pub(crate) fn begin(self: &Arc<Self>, headers: &HeaderMap) -> Option<Box<CallSpan>> {
        let around = headers
            .contains_key(&TRACEPARENT)
            .then(|| (self.propagator).extract_with_context(&Context::new(), &Headers(headers)))
            .filter(TraceContextExt::has_active_span);
        let parent = around
            .as_ref()
            .map(|around| around.span().span_context().clone());
        let trace = match &parent {
            Some(parent) => parent.trace_id(),
            None => self.ids.new_trace_id(),
        };
        let sampled =
            self.sampler
                .should_sample(around.as_ref(), trace, "", &SpanKind::Server, &[], &[]);
        if sampled.decision != SamplingDecision::RecordAndSample {
            return None;
        }
        let (id, state) = (self.ids.new_span_id(), sampled.trace_state);
        Some(Box::new(CallSpan {
            traces: Arc::clone(self),
            context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, state),
            parent: parent.map_or(SpanId::INVALID, |parent| parent.span_id()),
            began: clock::system_time(),
            watch: Arc::new(Stopwatch::begin_traced()),
        }))
    }

    /// Sends what is left, for as long as an ending server has time for it.
    pub(crate) async fn finish(&self) {
        let (done, finished) = oneshot::channel();
        let last = async {
            // Neither thread nor answer: it has ended already.
            let _ = self.waiting.send(Told::Finish(done)).await;
            let _ = finished.await;
        };
        if timeout(LAST_SPANS, last).await.is_err() {
            tracing::warn!(waited = ?LAST_SPANS, "the last spans have not reached the collector");
        }
    }
}

impl CallSpan {
    /// What the log tells of it meanwhile.
    pub(crate) fn around(&self) -> Around {
        Around::span(&self.context)
    }

    /// What measures the call.
    pub(crate) fn watch(&self) -> Arc<Stopwatch> {
        Arc::clone(&self.watch)
    }

    /// Tells that the call has ended with a status.
    pub(crate) fn end(self, method: &Arc<str>, code: i32, now: Instant) {
        let Self {
            traces,
            context,
            parent,
            began,
            watch,
        } = self;
        let stretches = watch.take_stretches();
        // Of several that are answered at once the end is taken before their waits end.
        let last = stretches.iter().map(|stretch| stretch.ended).max();
        let ended = EndedCall {
            context,
            parent,
            began,
            began_at: watch.began(),
            ended_at: last.map_or(now, |last| last.max(now)),
            method: Arc::clone(method),
            code,
            stretches,
        };
        let spans = ended.spans();
        if traces.waiting.try_send(Told::Ended(ended)).is_err() {
            traces.dropped.increment(spans);
        }
    }
}

impl EndedCall {
    /// How many spans it is, without those of batches.
    fn spans(&self) -> u64 {
        let stretches = u64::try_from(self.stretches.len());
        stretches.unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// What a trace is named in.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests;
