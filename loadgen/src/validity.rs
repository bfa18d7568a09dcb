//! Pure: whether a measurement is to be believed.

use crate::figures::{count_as_real, share};
use crate::recorder::{Counts, Tenth};
use crate::throttle::Throttled;

/// Below this share of the plan, what was measured is not what was asked for.
const LEAST_SENT: f64 = 0.999;

/// Below this share of decisions among what was sent, the times are those of something else.
const LEAST_DECIDED: f64 = 0.99;

/// Lag is harmless below this, in nanoseconds.
const HARMLESS_LAG_NS: u64 = 1_000_000;

/// Lag is also harmless below one part in so many of the response time.
const LAG_PART: u64 = 20;

/// A worker that uses more of its core than this has none to spare when answers come together.
const MOST_CPU: f64 = 0.95;

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
        evidence.tenths.as_ref().and_then(backlog_grew),
    ];
    let doubts = of_the_run.into_iter().flatten();
    doubts.chain(doubts_of_machine(evidence)).collect()
}

/// Those of the reasons that lie with the generator and its machine, whatever the server did.
pub(crate) fn doubts_of_machine(evidence: &Evidence) -> Vec<String> {
    let checks = [
        lagged(evidence.lag, evidence.response),
        saturated(&evidence.worker_cpu),
        time_stolen(evidence.stolen),
        evidence.throttled.and_then(throttled),
        clock_stepped(evidence.stepped_ns),
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

fn lagged(lag: Tail, response: Tail) -> Option<String> {
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

fn saturated(worker_cpu: &[f64]) -> Option<String> {
    let busiest = worker_cpu.iter().copied().fold(0.0, f64::max);
    (busiest > MOST_CPU).then(|| {
        format!(
            "the generator was at its own limit: a worker used {:.0} % of a core (more --workers, \
             if there are cores)",
            busiest * 100.0,
        )
    })
}

fn backlog_grew(tenths: &[Tenth; 10]) -> Option<String> {
    const LEAST_GROWTH: f64 = 16.0;
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
    (last > 1.5 * middle && last > middle + LEAST_GROWTH).then(|| {
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
mod tests {
    use super::*;

    fn sound() -> Evidence {
        Evidence {
            counts: Counts {
                planned: 10_000,
                sent: 10_000,
                ..Counts::default()
            },
            decisions: Decisions {
                decided: 9_900,
                of: 10_000,
                most_frequent_other: Some(("UNAVAILABLE".to_owned(), 60)),
            },
            lag: Tail {
                p99_ns: Some(100_000),
                max_ns: Some(3_000_000),
            },
            response: Tail {
                p99_ns: Some(2_000_000),
                max_ns: Some(30_000_000),
            },
            worker_cpu: vec![0.5, 0.6],
            tenths: Some(
                [Tenth {
                    sent: 1_000,
                    in_flight_sum: 20_000,
                }; 10],
            ),
            stolen: Some(0.0),
            throttled: Some(throttled_for(1_000_000)),
            stepped_ns: 0,
        }
    }

    fn throttled_for(stopped_ns: u64) -> ThrottledPart {
        ThrottledPart {
            throttled: Throttled {
                periods: 21,
                stopped_ns,
            },
            of_ns: 1_000_000_000,
        }
    }

    #[test]
    fn each_doubt_is_told_by_its_cause() {
        let check = |change: fn(&mut Evidence), cause: Option<&str>| {
            let mut evidence = sound();
            change(&mut evidence);
            let doubts = doubts(&evidence);
            match cause {
                None => assert!(doubts.is_empty(), "{doubts:?}"),
                Some(cause) => {
                    assert_eq!(doubts.len(), 1, "{doubts:?}");
                    assert!(doubts[0].contains(cause), "{doubts:?}");
                }
            }
        };
        check(|_| {}, None);
        check(|e| e.counts.sent = 9_990, None);
        check(|e| e.counts.sent = 9_989, Some("planned requests"));
        check(|e| e.counts = Counts::default(), Some("nothing was due"));
        check(
            |e| e.counts = not_connected(),
            Some("11 without a connection"),
        );
        check(|e| e.decisions.decided = 9_899, Some("only 98.99 %"));
        check(|e| e.decisions.decided = 0, Some("as UNAVAILABLE (60)"));
        check(|e| e.decisions = Decisions::default(), None);
        check(|e| e.lag.p99_ns = Some(1_000_000), None);
        check(|e| e.lag.p99_ns = Some(1_100_000), Some("lag p99"));
        check(|e| e.lag = Tail::default(), None);
        check(|e| e.worker_cpu = vec![0.2, 0.96], Some("96 % of a core"));
        check(|e| e.stolen = Some(0.05), Some("other guests"));
        check(
            |e| e.throttled = Some(throttled_for(1_100_000)),
            Some("throttled by the CPU quota of its control group: 21 times"),
        );
        check(
            |e| e.throttled = Some(throttled_for(1_500_000_000)),
            Some("for 1.50 s in all processors together (150.0 %"),
        );
        check(|e| e.throttled = None, None);
        check(
            |e| e.stepped_ns = 1_250_000_000,
            Some("stepped forwards by 1.25 s"),
        );
        check(
            |e| e.stepped_ns = -120_000_000,
            Some("stepped back by 0.12 s"),
        );
        check(
            |e| e.tenths.as_mut().unwrap()[9].in_flight_sum = 60_000,
            Some("backlog"),
        );
        check(
            |e| e.tenths.as_mut().unwrap()[9].in_flight_sum = 29_000,
            None,
        );
        // Three times as many a second, and three times as many open at each.
        check(
            |e| {
                e.tenths.as_mut().unwrap()[9] = Tenth {
                    sent: 3_000,
                    in_flight_sum: 180_000,
                };
            },
            None,
        );
    }

    fn not_connected() -> Counts {
        Counts {
            planned: 10_000,
            sent: 9_989,
            not_connected: 11,
            ..Counts::default()
        }
    }

    #[test]
    fn too_few_samples_are_judged_by_the_longest_lag() {
        let check = |lag_ns, is_late: bool| {
            let mut evidence = sound();
            let only = |ns| Tail {
                p99_ns: None,
                max_ns: Some(ns),
            };
            (evidence.lag, evidence.response) = (only(lag_ns), only(30_000_000));
            let doubts = doubts(&evidence);
            assert_eq!(doubts.len(), usize::from(is_late), "{doubts:?}");
            assert!(doubts.iter().all(|doubt| doubt.contains("lag maximum")));
        };
        check(1_500_000, false);
        check(1_600_000, true);
    }

    #[test]
    fn a_slow_server_forgives_some_lag() {
        let mut evidence = sound();
        evidence.response.p99_ns = Some(100_000_000);
        evidence.lag.p99_ns = Some(4_900_000);
        assert!(doubts(&evidence).is_empty());
    }

    #[test]
    fn what_lies_with_the_machine_is_told_apart() {
        let check = |change: fn(&mut Evidence), is_of_machine: bool| {
            let mut evidence = sound();
            change(&mut evidence);
            assert_eq!(doubts(&evidence).len(), 1);
            let of_machine = doubts_of_machine(&evidence);
            assert_eq!(
                of_machine.len(),
                usize::from(is_of_machine),
                "{of_machine:?}"
            );
        };
        check(|e| e.counts.sent = 0, false);
        check(|e| e.decisions.decided = 0, false);
        check(
            |e| e.tenths.as_mut().unwrap()[9].in_flight_sum = 60_000,
            false,
        );
        check(|e| e.lag.p99_ns = Some(1_100_000), true);
        check(|e| e.worker_cpu = vec![0.96], true);
        check(|e| e.stolen = Some(0.05), true);
        check(|e| e.throttled = Some(throttled_for(50_000_000)), true);
        check(|e| e.stepped_ns = 1, true);
    }
}
