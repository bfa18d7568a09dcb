//! Pure: whether a measurement is to be believed.

use crate::figures::{count_as_real, share};
use crate::recorder::{Counts, Tenth};
use crate::throttle::Throttled;

/// Below this share of the plan, what was measured is not what was asked for.
pub(crate) const LEAST_SENT: f64 = 0.999;

/// Below this share of decisions among what was sent, the times are those of something else.
pub(crate) const LEAST_DECIDED: f64 = 0.99;

/// Lag is harmless below this, in nanoseconds.
const HARMLESS_LAG_NS: u64 = 1_000_000;

/// Lag is also harmless below one part in so many of the response time.
const LAG_PART: u64 = 20;

/// A worker that uses more of its core than this has none to spare when answers come together.
pub(crate) const MOST_CPU: f64 = 0.95;

/// Above this, somebody else was using the machine.
const MOST_STOLEN: f64 = 0.02;

/// Above this, the quota of a control group decided when the generator ran.
const MOST_THROTTLED: f64 = 0.001;

/// What the judgement rests on.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// How many of what.
    pub(crate) counts: Counts,
    /// What the server made of them.
    pub(crate) decisions: Decisions,
    /// The lag's slow end.
    pub(crate) lag: Tail,
    /// The response time's slow end.
    pub(crate) response: Tail,
    /// Each worker's share of a core, where a worker waits at all.
    pub(crate) worker_cpu: Vec<f64>,
    /// How full it was in each tenth of the run. `None` for a closed loop, which is always as full.
    pub(crate) tenths: Option<[Tenth; 10]>,
    /// Share of the machine's time that other guests took.
    pub(crate) stolen: Option<f64>,
    /// How the measured part was throttled. `None` where that is not told.
    pub(crate) throttled: Option<ThrottledPart>,
    /// The furthest that the wall clock was stepped in the meantime, in nanoseconds; 0 if it was
    /// not.
    pub(crate) stepped_ns: i64,
}

/// How much of a time this process was throttled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThrottledPart {
    /// By the quota of a control group.
    pub(crate) throttled: Throttled,
    /// The time that it is a part of, in nanoseconds.
    pub(crate) of_ns: u64,
}

impl ThrottledPart {
    /// The time that it was stopped, as a share of the whole; above 1 if it was stopped on several
    /// processors.
    pub(crate) fn share(self) -> f64 {
        share(self.throttled.stopped_ns, self.of_ns)
    }

    /// Both times together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            throttled: Throttled {
                periods: self.throttled.periods + other.throttled.periods,
                stopped_ns: self.throttled.stopped_ns + other.throttled.stopped_ns,
            },
            of_ns: self.of_ns + other.of_ns,
        }
    }
}

/// How much of what was sent was decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions {
    /// Requests that were approved, declined or replayed.
    pub(crate) decided: u64,
    /// Requests that were sent and not cut off by an interruption, for which no server is to blame.
    pub(crate) of: u64,
    /// The most frequent outcome that is no decision, and how many had it.
    pub(crate) most_frequent_other: Option<(String, u64)>,
}

/// The slow end of a distribution of times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tail {
    /// 99th percentile, if enough was measured.
    pub(crate) p99_ns: Option<u64>,
    /// The longest, if anything was measured.
    pub(crate) max_ns: Option<u64>,
}

impl Tail {
    /// What to judge by, and its name: the longest where there are too few samples for a p99.
    fn judged(self) -> Option<(&'static str, u64)> {
        let longest = || self.max_ns.map(|ns| ("maximum", ns));
        self.p99_ns.map(|ns| ("p99", ns)).or_else(longest)
    }
}

/// Why the measurement is not to be believed, in plain words with the figures; empty if it is.
pub(crate) fn doubts(evidence: &Evidence) -> Vec<String> {
    let of_the_run = [
        plan_not_kept(evidence.counts),
        not_decided(&evidence.decisions),
        evidence
            .tenths
            .as_ref()
            .and_then(|tenths| backlog_grew(tenths, LEAST_GROWTH)),
    ];
    let doubts = of_the_run.into_iter().flatten();
    doubts.chain(doubts_of_machine(evidence)).collect()
}

/// Those of the reasons that lie with the generator and its machine, whatever the server did.
pub(crate) fn doubts_of_machine(evidence: &Evidence) -> Vec<String> {
    let mut doubts = doubts_of_generator(evidence.lag, evidence.response, &evidence.worker_cpu);
    doubts.extend(doubts_of_outside(
        evidence.stolen,
        evidence.throttled,
        evidence.stepped_ns,
    ));
    doubts
}

/// Those that lie with the generator alone: whether it sent late, and had a core to spare.
pub(crate) fn doubts_of_generator(lag: Tail, response: Tail, worker_cpu: &[f64]) -> Vec<String> {
    let checks = [lagged(lag, response), saturated(worker_cpu)];
    checks.into_iter().flatten().collect()
}

/// Those that lie with whatever else runs on the machine: nothing that a server does makes them.
pub(crate) fn doubts_of_outside(
    stolen: Option<f64>,
    throttled_for: Option<ThrottledPart>,
    stepped_ns: i64,
) -> Vec<String> {
    let checks = [
        time_stolen(stolen),
        throttled_for.and_then(throttled),
        clock_stepped(stepped_ns),
    ];
    checks.into_iter().flatten().collect()
}

fn plan_not_kept(counts: Counts) -> Option<String> {
    if counts.planned == 0 {
        return Some("nothing was due in the measured part: measure longer, or faster".to_owned());
    }
    let sent = share(counts.sent, counts.planned);
    (sent < LEAST_SENT).then(|| {
        format!(
            "only {:.2} % of the planned requests were sent ({} dropped at the in-flight limit, \
             {} skipped because it was too late, {} without a connection)",
            sent * 100.0,
            counts.dropped,
            counts.skipped,
            counts.not_connected,
        )
    })
}

fn not_decided(decisions: &Decisions) -> Option<String> {
    let decided = share(decisions.decided, decisions.of);
    (decisions.of > 0 && decided < LEAST_DECIDED).then(|| {
        let instead = match &decisions.most_frequent_other {
            Some((name, count)) => format!("; most of the others ended as {name} ({count})"),
            None => String::new(),
        };
        format!(
            "only {:.2} % of what was sent was decided{instead}",
            decided * 100.0
        )
    })
}

/// That the generator sent late, if it did by more than is harmless beside these response times.
pub(crate) fn lagged(lag: Tail, response: Tail) -> Option<String> {
    let (name, lag_ns) = lag.judged()?;
    let response_ns = response.judged().map_or(0, |(_, ns)| ns);
    let bound_ns = HARMLESS_LAG_NS.max(response_ns / LAG_PART);
    (lag_ns > bound_ns).then(|| {
        format!(
            "the generator sent late: lag {name} {:.2} ms, where {:.2} ms would do no harm",
            count_as_real(lag_ns) / 1e6,
            count_as_real(bound_ns) / 1e6,
        )
    })
}

/// That a worker had nothing of its core to spare, if one had not.
pub(crate) fn saturated(worker_cpu: &[f64]) -> Option<String> {
    let busiest = worker_cpu.iter().copied().fold(0.0, f64::max);
    (busiest > MOST_CPU).then(|| {
        format!(
            "the generator was at its own limit: a worker used {:.0} % of a core (more --workers, \
             if there are cores)",
            busiest * 100.0,
        )
    })
}

/// So many more calls that are open at the end than in the middle are not called a backlog.
pub(crate) const LEAST_GROWTH: f64 = 16.0;

/// That the queue was growing to the end by more than so many calls, if it was.
pub(crate) fn backlog_grew(tenths: &[Tenth; 10], least_growth: f64) -> Option<String> {
    let sent_of = |part: &[Tenth]| part.iter().map(|tenth| tenth.sent).sum::<u64>();
    let mean_of = |part: &[Tenth]| {
        let sum: u64 = part.iter().map(|tenth| tenth.in_flight_sum).sum();
        share(sum, sent_of(part))
    };
    let [_, _, _, middle @ .., _, _, last] = tenths;
    // As many more are open as are sent more, where each takes as long (Little's law): a rate that
    // rises is no backlog.
    let rise = share(last.sent * middle.len() as u64, sent_of(middle));
    let (middle, last) = (mean_of(middle) * rise, mean_of(std::slice::from_ref(last)));
    (last > 1.5 * middle && last > middle + least_growth).then(|| {
        format!(
            "the backlog was still growing at the end: {last:.0} calls open on average, where \
             {middle:.0} would be as long as in the middle; the rate is more than the server can keep up",
        )
    })
}

fn time_stolen(stolen: Option<f64>) -> Option<String> {
    let stolen = stolen.filter(|&stolen| stolen > MOST_STOLEN)?;
    Some(format!(
        "the machine was not ours alone: {:.1} % of its time was taken by other guests",
        stolen * 100.0
    ))
}

fn throttled(part: ThrottledPart) -> Option<String> {
    (part.share() > MOST_THROTTLED).then(|| {
        format!(
            "the generator was throttled by the CPU quota of its control group: {} times, for \
             {:.2} s in all processors together ({:.1} % of the measured time; give it a larger \
             quota, or none)",
            part.throttled.periods,
            count_as_real(part.throttled.stopped_ns) / 1e9,
            part.share() * 100.0,
        )
    })
}

fn clock_stepped(stepped_ns: i64) -> Option<String> {
    (stepped_ns != 0).then(|| {
        let way = if stepped_ns > 0 { "forwards" } else { "back" };
        format!(
            "this machine's clock was stepped {way} by {:.2} s, or it slept: the times here are \
             monotonic, but time stamps of servers may not compare",
            count_as_real(stepped_ns.unsigned_abs()) / 1e9,
        )
    })
}

#[cfg(test)]
mod tests;
