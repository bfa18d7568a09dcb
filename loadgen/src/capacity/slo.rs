//! Pure: what must hold of the requests at a rate, as a share of them that may be beyond it.
//!
//! A threshold on a percentile is one on a share: a p99 is below 5 ms if fewer than one in a hundred
//! take as long. Whoever got no decision in time is beyond, whatever became of the request; one that
//! was not sent at all too.

use super::bounds::Tally;
use crate::outcome::Outcome;
use crate::recorder::{Record, Times};
use crate::threshold::{
    Class, Clock, Comparison, Figure, Limit, Reason, Selection, Statistic, Threshold, Thresholds,
};

/// An SLO that more requests than this may be beyond says little of when they were sent.
const MOST_LATE: f64 = 0.100_001;

/// One on more than such a part of a look is met by whoever sends much less than the rate.
const LOOK_PART: u64 = 5;

/// Something that must hold.
#[derive(Clone, Debug)]
pub(crate) struct Slo {
    /// As it was asked for.
    pub(crate) name: String,
    /// What is beyond.
    pub(crate) promise: Promise,
    /// The share that may be, above 0 and below 1.
    pub(crate) allowed: f64,
}

/// What a request is to be, not to be beyond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Decided within a time, from due or from sent.
    Fast {
        /// From when it counts.
        clock: Clock,
        /// The longest time, in nanoseconds.
        within_ns: u64,
    },
    /// Sent, and ended in such a way.
    Ends(Class),
    /// Sent, and not ended in such a way.
    EndsOtherwise(Class),
    /// Not unsent for this reason.
    Sent(Reason),
}

/// What an SLO may be about.
const FIGURES: &str =
    "p(99), med, service_p(99), rate(approved), errors, dropped, skipped or not_sent";

/// SLOs on the command line, with commas between them.
pub(super) fn read(text: &str) -> Result<Thresholds, String> {
    Thresholds::offered(text, FIGURES)
}

impl Slo {
    /// The SLOs that these thresholds ask for, in order. The error names the one that is none.
    pub(crate) fn all_of(thresholds: &[Thresholds]) -> Result<Vec<Self>, String> {
        let each = thresholds.iter().flat_map(|some| &some.0);
        each.map(Self::of).collect()
    }

    fn of(threshold: &Threshold) -> Result<Self, String> {
        let wrong = |what: &str| format!("--slo {}: {what}", threshold.text);
        if threshold.selection != Selection::default() {
            return Err(wrong(
                "capacity is of all requests together: leave the selector out",
            ));
        }
        let is_upper = match threshold.comparison {
            Comparison::Below | Comparison::AtMost => true,
            Comparison::Above | Comparison::AtLeast => false,
            Comparison::Equal | Comparison::Unequal => {
                return Err(wrong("an SLO is a bound: use < or >"));
            }
        };
        let of_share = |parts: u32| f64::from(parts) / 1e6;
        let (promise, allowed) = match (&threshold.figure, threshold.limit, is_upper) {
            (
                Figure::Time(clock, Statistic::Percentile(parts), None),
                Limit::Time(limit_ns),
                true,
            ) if *clock != Clock::Lag => {
                let within_ns = match threshold.comparison {
                    Comparison::Below => limit_ns.saturating_sub(1),
                    _ => limit_ns,
                };
                let fast = Promise::Fast {
                    clock: *clock,
                    within_ns,
                };
                (fast, 1.0 - of_share(*parts))
            }
            (Figure::Share(class), Limit::Share(parts), true) => {
                (Promise::EndsOtherwise(class.clone()), of_share(parts))
            }
            (Figure::Share(class), Limit::Share(parts), false) => {
                (Promise::Ends(class.clone()), 1.0 - of_share(parts))
            }
            (Figure::Unsent(reason), Limit::Share(parts), true) => {
                (Promise::Sent(*reason), of_share(parts))
            }
            _ => {
                return Err(wrong(
                    "a capacity is found by the share of requests that is beyond a limit: use an upper bound on a \
                     percentile (p99<5ms, service_p(99)<5ms), errors<0.1%, dropped<0.1% or rate(approved)>0.9",
                ));
            }
        };
        if allowed <= 0.0 || allowed >= 1.0 {
            return Err(wrong(
                "no number of requests can show that: leave a share between 0 and 1",
            ));
        }
        Ok(Self {
            name: threshold.text.clone(),
            promise,
            allowed,
        })
    }

    /// The quantile that it is about, and the limit in nanoseconds; `None` if it is not about times.
    pub(crate) fn percentile(&self) -> Option<(f64, u64)> {
        match self.promise {
            Promise::Fast { within_ns, .. } => Some((1.0 - self.allowed, within_ns)),
            Promise::Ends(_) | Promise::EndsOtherwise(_) | Promise::Sent(_) => None,
        }
    }

    /// Whether it can only be met if nearly all requests are sent when they are due: it is of the
    /// time from then, all but a tenth must keep it, and it is at most a fifth of a look of so
    /// many nanoseconds.
    pub(crate) fn needs_punctuality(&self, look_ns: u64) -> bool {
        match self.promise {
            Promise::Fast { clock, within_ns } => {
                clock == Clock::Response
                    && self.allowed <= MOST_LATE
                    && within_ns <= look_ns / LOOK_PART
            }
            Promise::Ends(_) | Promise::EndsOtherwise(_) | Promise::Sent(_) => false,
        }
    }

    /// How many payments were beyond.
    pub(crate) fn tally(&self, record: &Record) -> Tally {
        let of = record.counts.planned;
        let kept = match &self.promise {
            Promise::Fast { clock, within_ns } => decided_within(record, *clock, *within_ns),
            Promise::Ends(class) => record.count_where(|outcome| class.has(outcome)),
            Promise::EndsOtherwise(class) => record.count_where(|outcome| !class.has(outcome)),
            Promise::Sent(reason) => of.saturating_sub(unsent(record, *reason)),
        };
        Tally {
            beyond: of.saturating_sub(kept),
            of,
        }
    }

    /// The same, as kindly to the server as can be: it is not to blame for what this program sent
    /// late or too late.
    pub(crate) fn tally_of_server(&self, record: &Record) -> Tally {
        let of = record.counts.planned.saturating_sub(record.counts.skipped);
        let kept = match &self.promise {
            Promise::Fast { within_ns, .. } => decided_within(record, Clock::Service, *within_ns),
            Promise::Ends(_) | Promise::EndsOtherwise(_) | Promise::Sent(_) => {
                let tally = self.tally(record);
                tally.of.saturating_sub(tally.beyond)
            }
        };
        Tally {
            beyond: of.saturating_sub(kept),
            of,
        }
    }
}

fn unsent(record: &Record, reason: Reason) -> u64 {
    let counts = record.counts;
    match reason {
        Reason::Dropped => counts.dropped,
        Reason::Skipped => counts.skipped,
        Reason::Any => counts.dropped + counts.skipped + counts.not_connected,
    }
}

/// Payments that were decided in so much time, to a thousandth of it.
fn decided_within(record: &Record, clock: Clock, within_ns: u64) -> u64 {
    let times_of = |times: &Times| match clock {
        Clock::Service => times.service.count_between(0, within_ns),
        Clock::Response | Clock::Lag => times.response.count_between(0, within_ns),
    };
    let decided = record
        .outcomes
        .iter()
        .filter(|(outcome, _)| Outcome::is_decided(**outcome));
    decided.map(|(_, times)| times_of(times)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::GrpcCode;
    use crate::recorder::Sample;

    fn slo(text: &str) -> Result<Slo, String> {
        let thresholds: Thresholds = text.parse().unwrap();
        Slo::all_of(&[thresholds]).map(|mut all| all.remove(0))
    }

    #[test]
    fn what_can_be_an_slo_is_one() {
        let check = |text: &str, allowed: f64| {
            let found = slo(text).unwrap();
            assert!((found.allowed - allowed).abs() < 1e-9, "{found:?}");
            assert_eq!(found.name, text);
        };
        check("p99<5ms", 0.01);
        check("p(99.9)<=20ms", 0.001);
        check("med<1ms", 0.5);
        check("service_p(99)<5ms", 0.01);
        check("errors<0.1%", 0.001);
        check("dropped<1%", 0.01);
        check("rate(approved)>0.9", 0.1);
    }

    #[test]
    fn only_a_short_time_from_due_needs_punctuality() {
        let check = |text: &str, expected| {
            let found = slo(text).unwrap().needs_punctuality(1_000_000_000);
            assert_eq!(found, expected, "{text}");
        };
        check("p99<5ms", true);
        check("p90<=200ms", true);
        check("p99<300ms", false);
        check("p99<2s", false);
        check("p80<5ms", false);
        check("service_p(99)<5ms", false);
        check("errors<1%", false);
        check("dropped<1%", false);
        check("rate(approved)>0.99", false);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, word) in [
            ("p99>5ms", "upper bound"),
            ("avg<5ms", "percentile"),
            ("max<5ms", "percentile"),
            ("lag_p(99)<1ms", "percentile"),
            ("throughput>=900/s", "share of requests"),
            ("errors<=0%", "no number of requests"),
            ("p(99){mode=qr}<5ms", "selector"),
        ] {
            let said = slo(text).unwrap_err();
            assert!(said.contains(word) && said.contains(text), "{text}: {said}");
        }
    }

    #[test]
    fn only_what_can_be_an_slo_is_offered() {
        for text in ["", "speed<5ms"] {
            let said = read(text).unwrap_err();
            assert!(said.contains("service_p(99)"), "{said}");
            for never in ["avg", "lag_", "throughput", "count", "cpu"] {
                assert!(!said.contains(never), "{said}");
            }
        }
    }

    /// 90 approved in 1 ms, five of them sent 9 ms late; 4 declined in 8 ms; 2 UNAVAILABLE at once;
    /// 3 dropped and 1 skipped.
    fn record() -> Record {
        const MS: u64 = 1_000_000;
        let mut record = Record::new();
        let mut add = |outcome, lag_ms: u64, service_ms: u64, count| {
            let (due_ns, sent_ns) = (0, lag_ms * MS);
            let done_ns = sent_ns + service_ms * MS;
            for _ in 0..count {
                record.finish(
                    outcome,
                    Sample {
                        due_ns,
                        sent_ns,
                        done_ns,
                    },
                );
            }
        };
        add(Outcome::Approved, 0, 1, 85);
        add(Outcome::Approved, 9, 1, 5);
        add(Outcome::Declined(1), 0, 8, 4);
        add(Outcome::Grpc(GrpcCode::Unavailable), 0, 0, 2);
        record.counts.planned = 100;
        record.counts.sent = 96;
        record.counts.dropped = 3;
        record.counts.skipped = 1;
        record
    }

    #[test]
    fn whoever_got_no_decision_in_time_is_beyond() {
        let check = |text: &str, beyond, of_server: (u64, u64)| {
            let slo = slo(text).unwrap();
            let tally = slo.tally(&record());
            assert_eq!((tally.beyond, tally.of), (beyond, 100), "{text}");
            let tally = slo.tally_of_server(&record());
            assert_eq!((tally.beyond, tally.of), of_server, "{text} of the server");
        };
        check("p99<5ms", 15, (9, 99));
        check("p99<9ms", 11, (5, 99));
        check("p99<1s", 6, (5, 99));
        check("service_p(99)<5ms", 10, (9, 99));
        check("errors<1%", 6, (5, 99));
        check("dropped<1%", 3, (2, 99));
        check("rate(approved)>0.9", 10, (9, 99));
    }
}
