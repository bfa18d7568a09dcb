//! What ended calls look like as spans.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, SpanData, SpanEvents, SpanLinks,
};

use super::EndedCall;
use crate::commit::{BatchLog, Committed};
use crate::stopwatch::{Part, Stretch};

/// Codes by which a server says that it failed, by OpenTelemetry's table for gRPC: unknown, deadline exceeded,
/// unimplemented, internal, unavailable, data loss.
const FAILED: [i32; 6] = [2, 4, 12, 13, 14, 15];

static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder("waika-server")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
});

/// A batch that calls waited for.
struct BatchSpan {
    committed: Committed,
    context: SpanContext,
    began: SystemTime,
    members: Vec<Link>,
}

/// All spans of these calls, and those of the batches that they waited for: each batch once, with a link to each of
/// these calls that it made durable. A batch is a trace of its own, since it belongs to many.
pub(super) fn spans_of(calls: Vec<EndedCall>, batches: &BatchLog) -> Vec<SpanData> {
    let ids = RandomIdGenerator::default();
    let mut committed = BTreeMap::new();
    let mut spans = Vec::with_capacity(calls.len().saturating_mul(5));
    for call in calls {
        for stretch in &call.stretches {
            let mut span = call.stretch(stretch, ids.new_span_id());
            if let Some(sequence) = stretch.sequence {
                span.attributes.push(number("waika.sequence", sequence));
                if let Some(batch) = batches.find(sequence) {
                    let batch = committed
                        .entry(batch.first)
                        .or_insert_with(|| BatchSpan::new(batch, &call, &ids));
                    batch.members.push(link(&span.span_context));
                    span.links.links.push(link(&batch.context));
                }
            }
            spans.push(span);
        }
        spans.push(call.whole());
    }
    spans.extend(committed.into_values().map(BatchSpan::data));
    spans
}

impl EndedCall {
    /// An instant by the clock on the wall: as long after the call's beginning.
    fn at(&self, instant: Instant) -> SystemTime {
        match instant.checked_duration_since(self.began_at) {
            Some(since) => self.began.checked_add(since),
            None => self
                .began
                .checked_sub(self.began_at.duration_since(instant)),
        }
        .unwrap_or(self.began)
    }

    /// The server's span of the call.
    fn whole(self) -> SpanData {
        let (began, ended) = (self.began, self.at(self.ended_at));
        let (service, method) = self.method.split_once('/').unwrap_or((&*self.method, ""));
        let attributes = vec![
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", service.to_owned()),
            KeyValue::new("rpc.method", method.to_owned()),
            KeyValue::new("rpc.grpc.status_code", i64::from(self.code)),
        ];
        let status = if FAILED.contains(&self.code) {
            Status::error("")
        } else {
            Status::Unset
        };
        SpanData {
            parent_span_id: self.parent,
            parent_span_is_remote: self.parent != SpanId::INVALID,
            span_kind: SpanKind::Server,
            attributes,
            status,
            ..plain(self.method.to_string().into(), self.context, (began, ended))
        }
    }

    /// A part of it.
    fn stretch(&self, stretch: &Stretch, id: SpanId) -> SpanData {
        let (name, kind) = match stretch.part {
            Part::Queue => ("queue", SpanKind::Internal),
            Part::Rules => ("decide", SpanKind::Internal),
            Part::Issuer => ("issuer", SpanKind::Client),
            Part::Commit => ("commit", SpanKind::Internal),
        };
        let context = SpanContext::new(
            self.context.trace_id(),
            id,
            self.context.trace_flags(),
            false,
            self.context.trace_state().clone(),
        );
        let times = (self.at(stretch.began), self.at(stretch.ended));
        SpanData {
            parent_span_id: self.context.span_id(),
            span_kind: kind,
            ..plain(name.into(), context, times)
        }
    }
}

impl BatchSpan {
    fn new(committed: Committed, call: &EndedCall, ids: &RandomIdGenerator) -> Self {
        let (trace, id) = (ids.new_trace_id(), ids.new_span_id());
        Self {
            committed,
            context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
            began: call.at(committed.began),
            members: Vec::new(),
        }
    }

    fn data(self) -> SpanData {
        let Committed {
            first,
            last,
            began,
            ended,
        } = self.committed;
        let took = ended.saturating_duration_since(began);
        let end = self.began.checked_add(took).unwrap_or(self.began);
        let entries = last.saturating_sub(first).saturating_add(1);
        SpanData {
            attributes: vec![
                number("waika.batch.first_sequence", first),
                number("waika.batch.entries", entries),
            ],
            links: links(self.members),
            ..plain("batch".into(), self.context, (self.began, end))
        }
    }
}

fn plain(
    name: Cow<'static, str>,
    span_context: SpanContext,
    (start_time, end_time): (SystemTime, SystemTime),
) -> SpanData {
    SpanData {
        span_context,
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name,
        start_time,
        end_time,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: SCOPE.clone(),
    }
}

fn link(context: &SpanContext) -> Link {
    Link::new(context.clone(), Vec::new(), 0)
}

fn links(members: Vec<Link>) -> SpanLinks {
    let mut links = SpanLinks::default();
    links.links = members;
    links
}

/// Attributes have no unsigned numbers; no sequence comes near.
fn number(name: &'static str, value: u64) -> KeyValue {
    KeyValue::new(name, i64::try_from(value).unwrap_or(i64::MAX))
}
