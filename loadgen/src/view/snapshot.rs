//! What is known of a run at one instant: all that a screen or a line tells.

use crate::live::{Count, Sum};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It sends and does not measure yet.
    WarmingUp,
    /// It sends and measures.
    Measuring,
    /// It sends nothing any more and waits for the last answers.
    Draining,
    /// It was asked to stop.
    Stopping,
}

impl Phase {
    /// Its name.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::WarmingUp => "warming up",
            Self::Measuring => "measuring",
            Self::Draining => "last answers",
            Self::Stopping => "stopping",
        }
    }
}

/// Times of some part of a run, in nanoseconds; `None` where too few were measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tails {
    /// The median.
    pub(crate) p50_ns: Option<u64>,
    /// 99 % were at most as long.
    pub(crate) p99_ns: Option<u64>,
    /// The longest.
    pub(crate) max_ns: Option<u64>,
    /// How many there were.
    pub(crate) count: u64,
}

impl Tails {
    /// The response times in a sum, of which `max_ns` was the longest.
    pub(crate) fn of(sum: &Sum, max_ns: u64) -> Self {
        let count = sum.response.len();
        Self {
            p50_ns: sum.response.p50(),
            p99_ns: sum.response.p99(),
            max_ns: (count > 0).then_some(max_ns),
            count,
        }
    }
}

/// One second of a run, for the charts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Moment {
    /// Its end, in seconds from the start of the run.
    pub(crate) at_s: f64,
    /// Payments that were due a second.
    pub(crate) offered: f64,
    /// Payments that were decided a second.
    pub(crate) answered: f64,
    /// Response times of this second.
    pub(crate) response: Tails,
}

/// What the machine gives, as shares of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    /// This process.
    pub(crate) generator: f64,
    /// The server; `None` where it is elsewhere.
    pub(crate) server: Option<f64>,
    /// Share of all cores' time that other guests took; `None` where it is not told.
    pub(crate) stolen: Option<f64>,
}

/// What is known of a run at one instant.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The server.
    pub(crate) target: String,
    /// It follows a schedule; otherwise it keeps so many calls open.
    pub(crate) is_open: bool,
    /// Where it is.
    pub(crate) phase: Phase,
    /// How long it has been sending, in nanoseconds.
    pub(crate) elapsed_ns: u64,
    /// When it stops sending; `None` if a number of requests ends it.
    pub(crate) end_ns: Option<u64>,
    /// Calls that were sent.
    pub(crate) sent: u64,
    /// Requests that will be; `None` if time ends it.
    pub(crate) planned: Option<u64>,
    /// Calls that are open.
    pub(crate) open: u64,
    /// The most that may be.
    pub(crate) most_open: u64,
    /// The last second.
    pub(crate) now: Moment,
    /// Response times of the last seconds.
    pub(crate) recent: Tails,
    /// Response times of the measured part.
    pub(crate) whole: Tails,
    /// How late the generator sent, 99th percentile of the last seconds, in nanoseconds.
    pub(crate) recent_lag_ns: Option<u64>,
    /// The same of the measured part.
    pub(crate) whole_lag_ns: Option<u64>,
    /// What became of payments, since measuring began; before, since the start.
    pub(crate) sum: Sum,
    /// Why the measurement would not be believed if it ended now; `None` before there is enough of
    /// it.
    pub(crate) doubts: Option<Vec<String>>,
    /// What the machine gives, over the last seconds.
    pub(crate) machine: Machine,
    /// Connections.
    pub(crate) connections: usize,
    /// Threads that send.
    pub(crate) workers: usize,
    /// The last minutes, second by second.
    pub(crate) history: Vec<Moment>,
}

impl Snapshot {
    /// How much of the run is over, from 0 to 1; `None` if it cannot be known.
    pub(crate) fn done(&self) -> Option<f64> {
        let (part, whole) = match (self.end_ns, self.planned) {
            (Some(end_ns), _) => (self.elapsed_ns, end_ns),
            (None, Some(planned)) => (self.sent, planned),
            (None, None) => return None,
        };
        Some(crate::figures::share(part.min(whole), whole))
    }

    /// What became of payments, by name, and whether that is as it should be.
    pub(crate) fn outcomes(&self) -> Vec<(&'static str, u64, bool)> {
        let rows = [
            ("approved", Count::Approved, true),
            ("replayed", Count::Replayed, true),
            ("declined", Count::Declined, true),
            ("errors", Count::Errors, false),
            ("timed out", Count::TimedOut, false),
            ("dropped", Count::Dropped, false),
            ("skipped", Count::Skipped, false),
            ("not connected", Count::NotConnected, false),
            ("unfinished", Count::Unfinished, false),
        ];
        rows.into_iter()
            .map(|(name, what, is_fine)| (name, self.sum.count(what), is_fine))
            .filter(|(_, count, is_fine)| *is_fine || *count > 0)
            .collect()
    }
}
