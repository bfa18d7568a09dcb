//! Calls as Prometheus knows them: how many began, how they ended, and how long they took.
//!
//! The names are the field's (go-grpc-middleware's), so that dashboards which are there already fit. Each core
//! counts in memory of its own, which costs a call some nanoseconds and no lock; a scrape adds the cores up.

mod messages;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;
use parking_lot::Mutex;
use tonic::{Code, Status};

pub(crate) use self::messages::Messages;
use super::methods::{Served, served};
use crate::clock::monotonic;
use crate::metrics::{SECONDS, head};
use crate::stopwatch::Stopwatch;
use crate::traces::around::Around;
use crate::traces::{CallSpan, Traces};

/// How go-grpc-middleware writes codes, by their number.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// As what a call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended(Code);

impl Ended {
    pub(crate) const OK: Self = Self(Code::Ok);
    /// Its caller wanted it no longer.
    pub(crate) const CANCELLED: Self = Self(Code::Cancelled);
    /// Its answer broke off.
    pub(crate) const BROKEN: Self = Self(Code::Internal);

    pub(crate) fn with(status: &Status) -> Self {
        Self(status.code())
    }

    /// By the head or the trailers of an answer: unknown if they do not tell, as clients take it.
    pub(crate) fn told_by(headers: &HeaderMap) -> Self {
        let told = headers.get(Status::GRPC_STATUS);
        Self(told.map_or(Code::Unknown, |code| Code::from_bytes(code.as_bytes())))
    }
}

/// What all cores have counted.
#[derive(Debug, Clone)]
pub(crate) struct CallMetrics {
    table: Arc<Table>,
    traces: Option<Arc<Traces>>,
    cores: Arc<Mutex<Vec<Arc<CoreCalls>>>>,
}

/// What one core counts.
#[derive(Debug)]
pub(crate) struct CoreCalls {
    table: Arc<Table>,
    traces: Option<Arc<Traces>>,
    counters: Box<[Counters]>,
}

/// Which methods there are. The last stands for all paths that name none.
#[derive(Debug)]
struct Table {
    methods: Vec<Served>,
    /// How each is named in traces.
    names: Vec<Arc<str>>,
    places: HashMap<String, usize>,
}

/// Those of one method.
#[derive(Debug, Default)]
struct Counters {
    started: AtomicU64,
    handled: [AtomicU64; CODES.len()],
    /// By the upper end that a call's time is within; the last has none.
    within: [AtomicU64; SECONDS.len() + 1],
    nanoseconds: AtomicU64,
    /// Messages of a stream.
    received: AtomicU64,
    sent: AtomicU64,
}

/// A call that has begun. One that is dropped before its end was wanted no longer.
#[derive(Debug)]
pub(crate) struct Counted {
    /// None once it has ended.
    calls: Option<Arc<CoreCalls>>,
    place: usize,
    began: Instant,
    /// If it is traced.
    span: Option<Box<CallSpan>>,
}

impl CallMetrics {
    /// Calls are traced too if they are.
    pub(crate) fn new(traces: Option<Arc<Traces>>) -> Self {
        let mut methods = served();
        let path = |served: &Served| format!("/{}/{}", served.service, served.method);
        let places = methods.iter().map(path).zip(0..).collect();
        methods.push(Served {
            kind: "unary",
            service: "unknown".to_owned(),
            method: "unknown".to_owned(),
        });
        let name = |served: &Served| format!("{}/{}", served.service, served.method).into();
        let table = Table {
            names: methods.iter().map(name).collect(),
            methods,
            places,
        };
        Self {
            table: Arc::new(table),
            traces,
            cores: Arc::default(),
        }
    }

    /// Where one more core counts.
    pub(crate) fn add_core(&self) -> Arc<CoreCalls> {
        let counters = self.table.methods.iter().map(|_| Counters::default());
        let core = Arc::new(CoreCalls {
            counters: counters.collect(),
            table: Arc::clone(&self.table),
            traces: self.traces.clone(),
        });
        self.cores.lock().push(Arc::clone(&core));
        core
    }

    /// What Prometheus reads, in its text format.
    pub(crate) fn render(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> std::fmt::Result {
        let methods = self.table.methods.iter();
        let sums: Vec<_> = methods
            .enumerate()
            .map(|(place, served)| (served.labels(), self.sum(place)))
            .collect();
        head(page, "grpc_server_started_total", "counter", "Calls begun")?;
        for (labels, sum) in &sums {
            writeln!(
                page,
                "grpc_server_started_total{{{labels}}} {}",
                sum.started
            )?;
        }
        let handled =
            "Calls ended, by status code; those that their caller wanted no longer are Canceled";
        head(page, "grpc_server_handled_total", "counter", handled)?;
        for (labels, sum) in &sums {
            for (code, count) in CODES.iter().zip(sum.handled) {
                // A rate of what appears with its first error would miss that error: so OK alone begins at zero.
                if count > 0 || *code == CODES[0] {
                    writeln!(
                        page,
                        "grpc_server_handled_total{{{labels},grpc_code=\"{code}\"}} {count}"
                    )?;
                }
            }
        }
        self.write_messages(page)?;
        let seconds = "From a call's headers to the last of its answer given to the connection";
        head(page, "grpc_server_handling_seconds", "histogram", seconds)?;
        for (labels, sum) in sums.iter().filter(|(_, sum)| sum.started > 0) {
            sum.write_times(page, labels)?;
        }
        Ok(())
    }

    fn sum(&self, place: usize) -> Sum {
        let mut sum = Sum::default();
        for counters in self
            .cores
            .lock()
            .iter()
            .filter_map(|core| core.counters.get(place))
        {
            let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            sum.started += read(&counters.started);
            sum.nanoseconds += read(&counters.nanoseconds);
            sum.received += read(&counters.received);
            sum.sent += read(&counters.sent);
            for (sum, counter) in sum.handled.iter_mut().zip(&counters.handled) {
                *sum += read(counter);
            }
            for (sum, counter) in sum.within.iter_mut().zip(&counters.within) {
                *sum += read(counter);
            }
        }
        sum
    }
}

/// Those of one method on all cores.
#[derive(Debug, Default)]
struct Sum {
    started: u64,
    handled: [u64; CODES.len()],
    within: [u64; SECONDS.len() + 1],
    nanoseconds: u64,
    received: u64,
    sent: u64,
}

impl Sum {
    fn write_times(&self, page: &mut String, labels: &str) -> std::fmt::Result {
        let name = "grpc_server_handling_seconds";
        let mut count = 0;
        for (within, end) in self.within.iter().zip(SECONDS) {
            count += within;
            writeln!(page, "{name}_bucket{{{labels},le=\"{end}\"}} {count}")?;
        }
        let count: u64 = self.within.iter().sum();
        let (seconds, rest) = (
            self.nanoseconds / 1_000_000_000,
            self.nanoseconds % 1_000_000_000,
        );
        writeln!(page, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}")?;
        writeln!(page, "{name}_sum{{{labels}}} {seconds}.{rest:09}")?;
        writeln!(page, "{name}_count{{{labels}}} {count}")
    }
}

impl Served {
    fn labels(&self) -> String {
        let Self {
            kind,
            service,
            method,
        } = self;
        format!("grpc_type=\"{kind}\",grpc_service=\"{service}\",grpc_method=\"{method}\"")
    }
}

impl CoreCalls {
    /// Counts a call that begins.
    pub(crate) fn begin(self: &Arc<Self>, path: &str, headers: &HeaderMap) -> Counted {
        let unknown = self.counters.len().saturating_sub(1);
        let place = self.table.places.get(path).copied().unwrap_or(unknown);
        if let Some(counters) = self.counters.get(place) {
            counters.started.fetch_add(1, Ordering::Relaxed);
        }
        Counted {
            calls: Some(Arc::clone(self)),
            place,
            began: monotonic(),
            span: self
                .traces
                .as_ref()
                .and_then(|traces| traces.begin(headers)),
        }
    }

    fn end(&self, place: usize, ended: Ended, took: Duration) {
        let Some(counters) = self.counters.get(place) else {
            return;
        };
        if let Some(handled) = usize::try_from(i32::from(ended.0))
            .ok()
            .and_then(|code| counters.handled.get(code))
        {
            handled.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = took.as_secs_f64();
        let bucket = SECONDS.partition_point(|end| *end < seconds);
        if let Some(within) = counters.within.get(bucket) {
            within.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        counters
            .nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Counted {
    /// What measures the call, if it is traced.
    pub(crate) fn watch(&self) -> Option<Arc<Stopwatch>> {
        self.span.as_ref().map(|span| span.watch())
    }

    /// What the log tells of its trace: also where it is not traced, and its caller has named one.
    pub(crate) fn around(&self, headers: &HeaderMap) -> Option<Around> {
        self.around_if_traced().or_else(|| Around::named(headers))
    }

    /// The same where even a look at the headers would be felt.
    pub(crate) fn around_if_traced(&self) -> Option<Around> {
        self.span.as_ref().map(|span| span.around())
    }

    /// Counts its end.
    pub(crate) fn end(self, ended: Ended) {
        self.end_at(ended, monotonic());
    }

    /// The same for several that end at once.
    pub(crate) fn end_at(mut self, ended: Ended, now: Instant) {
        self.take_end(ended, now);
    }

    fn take_end(&mut self, ended: Ended, now: Instant) {
        if let Some(calls) = self.calls.take() {
            calls.end(self.place, ended, now.saturating_duration_since(self.began));
            if let (Some(span), Some(name)) = (self.span.take(), calls.table.names.get(self.place))
            {
                span.end(name, ended.0.into(), now);
            }
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.calls.is_some() {
            self.take_end(Ended::CANCELLED, monotonic());
        }
    }
}

#[cfg(test)]
mod tests;
