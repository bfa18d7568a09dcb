//! Which calls are traced, and what their spans say.

use std::collections::HashSet;

use opentelemetry::Value;
use opentelemetry::trace::{Status, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::spans::spans_of;
use super::*;
use crate::clock::monotonic;
use crate::commit::Committed;
use crate::stopwatch::{Lap, Part};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const METHOD: &str = "waika.v1.AuthorisationService/Authorise";

fn traces(sample: f64, room: usize) -> (Arc<Traces>, mpsc::Receiver<Told>) {
    let (waiting, told) = mpsc::channel(room);
    let traces = Traces::new(sample, waiting, Arc::default());
    (Arc::new(traces), told)
}

fn from(traceparent: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(&TRACEPARENT, traceparent.parse().unwrap());
    headers
}

#[test]
fn a_caller_decides_for_its_trace_and_the_share_for_all_others() {
    let sampled = format!("00-{TRACE}-b7ad6b7169203331-01");
    let unsampled = format!("00-{TRACE}-b7ad6b7169203331-00");
    for (sample, headers, is_traced, is_within) in [
        (0.0, HeaderMap::new(), false, false),
        (1.0, HeaderMap::new(), true, false),
        (0.0, from(&sampled), true, true),
        (1.0, from(&unsampled), false, true),
        // What is no traceparent is none.
        (0.0, from("00-zz-b7ad6b7169203331-01"), false, false),
        (1.0, from("00-zz-b7ad6b7169203331-01"), true, false),
        (1.0, from(""), true, false),
        (
            1.0,
            from(&format!("00-{}-{}-01", "0".repeat(32), "0".repeat(16))),
            true,
            false,
        ),
    ] {
        let (traces, _told) = traces(sample, 1);
        let begun = traces.begin(&headers);
        assert_eq!(begun.is_some(), is_traced, "{sample} {headers:?}");
        let Some(span) = begun else { continue };
        let trace = TraceId::from_hex(TRACE).unwrap();
        assert_eq!(span.context.trace_id() == trace, is_within, "{headers:?}");
        assert_eq!(span.parent != SpanId::INVALID, is_within, "{headers:?}");
        assert!(span.context.is_valid() && span.context.is_sampled());
    }
}

#[test]
fn about_the_share_is_traced() {
    let (traces, _told) = traces(0.25, 1);
    let headers = HeaderMap::new();
    let count = (0..4_000)
        .filter(|_| traces.begin(&headers).is_some())
        .count();
    // Six deviations to either side.
    assert!((835..=1_165).contains(&count), "{count}");
}

#[test]
fn what_there_is_no_room_for_is_dropped_at_once() {
    let (traces, mut told) = traces(1.0, 1);
    let method: Arc<str> = METHOD.into();
    for _ in 0..3 {
        let span = traces.begin(&HeaderMap::new()).unwrap();
        span.end(&method, 0, monotonic());
    }
    assert!(matches!(told.try_recv(), Ok(Told::Ended(_))));
    assert!(told.try_recv().is_err(), "the others are gone");
}

#[test]
fn what_is_dropped_is_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let (traces, _told) = traces(1.0, 1);
        for _ in 0..3 {
            let span = traces.begin(&HeaderMap::new()).unwrap();
            Lap::of(Some(&span.watch())).end(Part::Issuer);
            span.end(&METHOD.into(), 0, monotonic());
        }
    });
    let told = page.render();
    let line = "waika_spans_dropped_total{reason=\"queue_full\"} 4";
    assert!(told.lines().any(|told| told == line), "{told}");
}

/// What became of a payment whose issuer was asked.
fn ended(headers: &HeaderMap, code: i32) -> EndedCall {
    let (traces, mut told) = traces(1.0, 1);
    let span = traces.begin(headers).unwrap();
    let watch = span.watch();
    Lap::of_decision(Some(&watch)).end(Part::Rules);
    Lap::of(Some(&watch)).committed(7);
    Lap::of(Some(&watch)).end(Part::Issuer);
    Lap::of(Some(&watch)).committed(8);
    span.end(&METHOD.into(), code, monotonic());
    match told.try_recv() {
        Ok(Told::Ended(ended)) => ended,
        other => panic!("{other:?}"),
    }
}

fn attribute<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    let mut attributes = span.attributes.iter();
    attributes
        .find(|attribute| attribute.key.as_str() == name)
        .map(|attribute| &attribute.value)
}

#[test]
fn a_call_is_a_span_with_its_parts_below_it() {
    let headers = from(&format!("00-{TRACE}-b7ad6b7169203331-01"));
    let spans = spans_of(vec![ended(&headers, 0)], &BatchLog::default());
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    let expected = ["queue", "decide", "commit", "issuer", "commit", METHOD];
    assert_eq!(names, expected);
    let (whole, parts) = spans.split_last().unwrap();
    assert_eq!(whole.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(whole.parent_span_is_remote);
    assert_eq!(whole.span_kind, SpanKind::Server);
    assert_eq!(attribute(whole, "rpc.method"), Some(&"Authorise".into()));
    let service = Some(&"waika.v1.AuthorisationService".into());
    assert_eq!(attribute(whole, "rpc.service"), service);
    for part in parts {
        assert_eq!(part.parent_span_id, whole.span_context.span_id());
        assert!(whole.start_time <= part.start_time && part.start_time <= part.end_time);
        assert!(part.end_time <= whole.end_time);
    }
    let ids: HashSet<_> = spans
        .iter()
        .map(|span| span.span_context.span_id())
        .collect();
    assert_eq!(ids.len(), spans.len());
    assert!(
        spans
            .iter()
            .all(|span| span.span_context.trace_id().to_string() == TRACE)
    );
}

#[test]
fn a_batch_is_one_span_and_links_to_all_that_waited_for_it() {
    let batches = BatchLog::default();
    let began = monotonic();
    for (first, last) in [(1, 7), (8, 11)] {
        batches.note(Committed {
            first,
            last,
            began,
            ended: began + Duration::from_millis(2),
        });
    }
    let calls = vec![ended(&HeaderMap::new(), 0), ended(&HeaderMap::new(), 0)];
    let spans = spans_of(calls, &batches);
    let of = |name| spans.iter().filter(move |span| span.name == name);
    let commits: Vec<_> = of("commit").collect();
    assert_eq!((commits.len(), of("batch").count()), (4, 2));
    for batch in of("batch") {
        let members = commits.iter().filter(|commit| {
            commit
                .links
                .iter()
                .any(|link| link.span_context == batch.span_context)
        });
        let members: Vec<_> = members.map(|commit| commit.span_context.clone()).collect();
        let linked = batch.links.iter().map(|link| link.span_context.clone());
        assert_eq!(linked.collect::<Vec<_>>(), members);
        assert_eq!(members.len(), 2);
        assert_eq!(batch.parent_span_id, SpanId::INVALID);
        let took = batch.end_time.duration_since(batch.start_time).unwrap();
        assert_eq!(took, Duration::from_millis(2));
    }
    let mut entries: Vec<_> = of("batch")
        .filter_map(|span| attribute(span, "waika.batch.entries"))
        .collect();
    entries.sort_by_key(ToString::to_string);
    assert_eq!(entries, [&Value::I64(4), &Value::I64(7)]);
}

#[test]
fn a_span_failed_where_the_server_did() {
    for (code, has_failed) in [
        (0, false),
        (1, false),
        (2, true),
        (3, false),
        (4, true),
        (7, false),
        (8, false),
        (9, false),
        (12, true),
        (13, true),
        (14, true),
        (15, true),
        (16, false),
    ] {
        let spans = spans_of(vec![ended(&HeaderMap::new(), code)], &BatchLog::default());
        let whole = spans.last().unwrap();
        assert_eq!(whole.status == Status::error(""), has_failed, "{code}");
        let code = Value::I64(i64::from(code));
        assert_eq!(attribute(whole, "rpc.grpc.status_code"), Some(&code));
    }
}
