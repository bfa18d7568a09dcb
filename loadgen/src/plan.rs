//! What one run shall do, complete before the first request is sent and unchanged after.

use std::sync::Arc;

use jiff::Timestamp;

use crate::call_template::CallTemplate;
use crate::hlog::Feed;
use crate::oracle::Oracle;
use crate::pacer::Pacing;
use crate::population::Population;
use crate::replay::Turns;
use crate::schedule::Schedule;
use crate::side_calls::SideCalls;
use crate::slice::Slice;
use crate::target::Target;
use crate::threshold::Selection;
use crate::workload::Workload;

/// What is measured and reported besides.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct Details {
    /// Ask the server where its time goes, and report that
    #[arg(long)]
    pub(crate) timing: bool,
    /// Report the response times of each scheme of cards too
    #[arg(long)]
    pub(crate) by_scheme: bool,
}

/// How payments reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Each is a call of its own.
    Unary {
        /// Its head names its account to proxies.
        account_hash: bool,
    },
    /// Over one stream a connection.
    Stream {
        /// The most payments that one message holds.
        batch: usize,
    },
}

impl Transport {
    /// Calls whose heads say no more than they must.
    pub(crate) const UNARY: Self = Self::Unary {
        account_hash: false,
    };

    /// The most payments that one message holds.
    pub(crate) fn batch(self) -> usize {
        match self {
            Self::Unary { .. } => 1,
            Self::Stream { batch } => batch,
        }
    }
}

/// Everything that the workers share.
pub(crate) struct Plan {
    /// The server.
    pub(crate) target: Target,
    /// The headers of every call.
    pub(crate) template: Arc<CallTemplate>,
    /// Who takes part.
    pub(crate) population: Arc<Population>,
    /// What they do.
    pub(crate) workload: Workload,
    /// When, or how many at once.
    pub(crate) discipline: Discipline,
    /// Only these arrivals take place, if a trace is repeated.
    pub(crate) replay: Option<Turns>,
    /// Where the measured part begins.
    pub(crate) warm_up_ns: u64,
    /// Where issuing ends.
    pub(crate) end_ns: u64,
    /// How long after it was due a request is given up.
    pub(crate) deadline_ns: u64,
    /// Connections in all, at least one a worker.
    pub(crate) connections: usize,
    /// Threads that send and receive.
    pub(crate) workers: usize,
    /// Sets this run's idempotency keys apart from those of other runs.
    pub(crate) run_id: u64,
    /// What is measured besides.
    pub(crate) details: Details,
    /// Payments that thresholds select by mode or scheme, to be recorded apart.
    pub(crate) selections: Vec<Selection>,
    /// How payments reach the server.
    pub(crate) transport: Transport,
    /// What is sent besides payments.
    pub(crate) side_calls: SideCalls,
    /// How long after a payment it is given back, where it is, in nanoseconds.
    pub(crate) reverse_after_ns: u64,
    /// Who checks the answers; `None` if nobody does.
    pub(crate) oracle: Option<Arc<Oracle>>,
    /// It is counted how often each rule was met.
    pub(crate) rules: bool,
    /// Which requests of the plan are sent.
    pub(crate) slice: Slice,
    /// When the first request is due, if that is given.
    pub(crate) start_at: Option<Timestamp>,
    /// Decisions are read, although nobody may check them, so that two runs can be compared.
    pub(crate) reads_decisions: bool,
    /// Where samples go as they come in; `None` unless a log is wanted.
    pub(crate) feed: Option<Arc<Feed>>,
}

/// What decides when the next request is sent.
#[derive(Clone, Debug)]
pub(crate) enum Discipline {
    /// The schedule, whatever the server does.
    Open {
        /// When each request is due.
        schedule: Arc<Schedule>,
        /// How to wait for it.
        pacing: Pacing,
        /// The most calls that may be open at once, over all workers.
        in_flight: usize,
    },
    /// The answers: so many calls are always open.
    Closed {
        /// Calls open at once, over all workers.
        in_flight: usize,
        /// The last request's index plus one, if it is not the time that ends the run.
        requests: Option<u64>,
    },
}

impl Plan {
    /// How many calls may be open at once on this worker.
    pub(crate) fn in_flight_of(&self, worker: usize) -> usize {
        let total = match &self.discipline {
            Discipline::Open { in_flight, .. } | Discipline::Closed { in_flight, .. } => *in_flight,
        };
        part_of(total, worker, self.workers)
    }

    /// The index of this worker's first arrival.
    pub(crate) fn first_index(&self, worker: usize) -> u64 {
        self.slice.index(worker as u64)
    }

    /// How far apart the indices of one worker's arrivals are.
    pub(crate) fn stride(&self) -> u64 {
        self.slice.of().saturating_mul(self.workers as u64)
    }

    /// How many connections this worker keeps.
    pub(crate) fn connections_of(&self, worker: usize) -> usize {
        part_of(self.connections, worker, self.workers)
    }
}

/// What the part numbered `number` of `parts` gets of `total`, so that all of it is given.
fn part_of(total: usize, number: usize, parts: usize) -> usize {
    let parts = parts.max(1);
    total / parts + usize::from(number < total % parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_shared_out() {
        for total in 0..50 {
            for parts in 1..8 {
                let sum: usize = (0..parts).map(|number| part_of(total, number, parts)).sum();
                assert_eq!(sum, total);
            }
        }
    }
}
