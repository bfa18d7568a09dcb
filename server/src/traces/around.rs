//! Which trace a log line belongs to: that of the call within which it is written.
//!
//! A call that is neither traced nor names a trace pays for one look at its headers, and a plain payment for none.
//! What a caller has named is read only once there is a line.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::TRACEPARENT;

tokio::task_local! {
    static AROUND: Around;
}

/// The trace around what is being done.
#[derive(Debug, Clone)]
pub(crate) enum Around {
    /// A call that is traced: its own span.
    Span(TraceId, SpanId),
    /// One that is not: what its caller has named.
    Named(HeaderValue),
}

impl Around {
    pub(super) fn span(context: &SpanContext) -> Self {
        Self::Span(context.trace_id(), context.span_id())
    }

    /// What a caller has named, whatever it is worth.
    pub(crate) fn named(headers: &HeaderMap) -> Option<Self> {
        headers.get(&TRACEPARENT).cloned().map(Self::Named)
    }

    /// None if what was named is no trace.
    fn ids(&self) -> Option<(TraceId, SpanId)> {
        let header = match self {
            Self::Span(trace, span) => return Some((*trace, *span)),
            Self::Named(header) => Header(header),
        };
        let around = TraceContextPropagator::new().extract_with_context(&Context::new(), &header);
        let span = around.span();
        let context = span.span_context();
        context
            .is_valid()
            .then(|| (context.trace_id(), context.span_id()))
    }
}

/// The trace and the span that a log line belongs to which is written now.
pub(crate) fn ids() -> Option<(TraceId, SpanId)> {
    AROUND.try_with(Around::ids).ok().flatten()
}

/// Does something within a trace, if there is one.
pub(crate) fn within<T>(around: Option<Around>, does: impl FnOnce() -> T) -> T {
    match around {
        Some(around) => AROUND.sync_scope(around, does),
        None => does(),
    }
}

/// The same with a task. Without a trace it is no larger than it would be otherwise.
pub(crate) fn spawn_within<F>(around: Option<Around>, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    match around {
        Some(around) => tokio::spawn(AROUND.scope(around, future)),
        None => tokio::spawn(future),
    }
}

/// A task that goes on within the trace in which it is begun.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    spawn_within(AROUND.try_with(Around::clone).ok(), future)
}

/// The same where tasks are waited for.
pub(crate) fn spawn_on<F>(tracker: &TaskTracker, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    spawn(tracker.track_future(future))
}

/// One header, where several are looked for.
struct Header<'a>(&'a HeaderValue);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let is_it = key == TRACEPARENT;
        is_it.then(|| self.0.to_str().ok()).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT.as_str()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(traceparent: &'static str) -> Option<Around> {
        let value = HeaderValue::from_static(traceparent);
        Around::named(&HeaderMap::from_iter([(TRACEPARENT.clone(), value)]))
    }

    fn told() -> Option<(String, String)> {
        ids().map(|(trace, span)| (trace.to_string(), span.to_string()))
    }

    #[test]
    fn what_a_caller_names_is_told_if_it_is_a_trace() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let expected = Some((trace.to_owned(), span.to_owned()));
        for (header, expected) in [
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
                expected.clone(),
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                expected,
            ),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                None,
            ),
            ("4111111111111111", None),
            ("", None),
        ] {
            assert_eq!(within(named(header), told), expected, "{header}");
        }
        assert_eq!(within(None, told), None);
        assert_eq!(told(), None, "nothing is left behind");
    }

    #[tokio::test]
    async fn a_task_goes_on_in_the_trace_in_which_it_was_begun() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let outer = spawn_within(named(header), async {
            let inner = spawn_on(&TaskTracker::new(), async { told() });
            (told(), inner.await.unwrap())
        });
        let (outer, inner) = outer.await.unwrap();
        assert!(outer.is_some());
        assert_eq!(outer, inner);
        let without = spawn(async { told() });
        assert_eq!(without.await.unwrap(), None);
    }
}
