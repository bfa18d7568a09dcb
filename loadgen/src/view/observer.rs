//! Pure: makes of one look after the other what is known of a run.

use std::collections::VecDeque;

use super::eye::Look;
use super::snapshot::{Machine, Moment, Phase, Snapshot, Tails};
use crate::clock::SECOND_NS;
use crate::figures::{count_as_real, share};
use crate::live::{Count, Sum};
use crate::recorder::Counts;
use crate::validity::{self, Decisions, Evidence, Tail, ThrottledPart};

/// How far back "the last seconds" go.
const RECENT_NS: u64 = 5 * SECOND_NS;

/// A shorter time says nothing of processors, whose use is told in hundredths of a second.
const SHORTEST_NS: u64 = SECOND_NS / 10;

/// Seconds of a run that the charts can go back.
const MOST_MOMENTS: usize = 300;

/// What does not change while a run goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The server.
    pub(crate) target: String,
    /// It follows a schedule.
    pub(crate) is_open: bool,
    /// The most calls that may be open.
    pub(crate) most_open: u64,
    /// Requests that will be sent, if that is known.
    pub(crate) planned: Option<u64>,
    /// When measuring begins, from the start.
    pub(crate) warm_up_ns: u64,
    /// When sending ends; `None` if a number of requests ends it.
    pub(crate) end_ns: Option<u64>,
    /// Connections.
    pub(crate) connections: usize,
    /// Threads that send.
    pub(crate) workers: usize,
    /// They wait when there is nothing to do, so that one that is always busy has too much to do.
    pub(crate) waits: bool,
    /// The start, on the monotonic clock.
    pub(crate) start_ns: u64,
}

/// Remembers the looks that it needs.
#[derive(Debug)]
pub(crate) struct Observer {
    facts: Facts,
    /// The looks of the last seconds, the oldest first.
    looks: VecDeque<Look>,
    /// The first look since measuring began.
    begun: Option<Look>,
    /// The longest response since then.
    longest_ns: u64,
    history: VecDeque<Moment>,
    last_moment_ns: u64,
}

impl Observer {
    /// Has seen nothing yet.
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            facts,
            looks: VecDeque::new(),
            begun: None,
            longest_ns: 0,
            history: VecDeque::new(),
            last_moment_ns: 0,
        }
    }

    /// Takes one more look, and tells what is known now.
    pub(crate) fn look(&mut self, look: &Look) -> Snapshot {
        let elapsed_ns = look.at_ns.saturating_sub(self.facts.start_ns);
        if self.begun.is_none() && elapsed_ns >= self.facts.warm_up_ns {
            self.begun = Some(look.clone());
        } else if self.begun.is_some() {
            self.longest_ns = self.longest_ns.max(look.sum.longest_ns);
        }
        let oldest_ns = look.at_ns.saturating_sub(RECENT_NS);
        self.looks.push_back(look.clone());
        // One that is older stays, so that the last seconds are complete.
        while self
            .looks
            .get(1)
            .is_some_and(|next| next.at_ns <= oldest_ns)
        {
            self.looks.pop_front();
        }
        let now = self.moment(look, elapsed_ns);
        if elapsed_ns >= self.last_moment_ns + SECOND_NS {
            self.last_moment_ns = elapsed_ns - elapsed_ns % SECOND_NS;
            self.history.push_back(now);
            if self.history.len() > MOST_MOMENTS {
                self.history.pop_front();
            }
        }
        self.snapshot(look, elapsed_ns, now)
    }

    fn snapshot(&self, look: &Look, elapsed_ns: u64, now: Moment) -> Snapshot {
        let facts = &self.facts;
        let recent = self.since(look, RECENT_NS);
        let sum = match &self.begun {
            Some(begun) => look.sum.since(&begun.sum),
            None => look.sum.clone(),
        };
        let longest_ns = match self.begun {
            Some(_) => self.longest_ns,
            None => self.longest_of(RECENT_NS),
        };
        Snapshot {
            target: facts.target.clone(),
            is_open: facts.is_open,
            phase: self.phase(look, elapsed_ns),
            elapsed_ns,
            end_ns: facts.end_ns,
            sent: look.sent,
            planned: facts.planned,
            open: look.open,
            most_open: facts.most_open,
            now,
            recent: Tails::of(&recent, self.longest_of(RECENT_NS)),
            whole: Tails::of(&sum, longest_ns),
            recent_lag_ns: recent.lag.p99(),
            whole_lag_ns: sum.lag.p99(),
            doubts: self.doubts(look, &sum),
            sum,
            machine: self.machine(look),
            connections: facts.connections,
            workers: facts.workers,
            history: self.history.iter().copied().collect(),
        }
    }

    fn phase(&self, look: &Look, elapsed_ns: u64) -> Phase {
        let all_sent = self.facts.end_ns.is_some_and(|end_ns| elapsed_ns >= end_ns);
        if look.is_stopped {
            Phase::Stopping
        } else if all_sent {
            Phase::Draining
        } else if self.begun.is_some() {
            Phase::Measuring
        } else {
            Phase::WarmingUp
        }
    }

    /// The newest look that is at least so old, or the oldest there is.
    fn before(&self, look: &Look, ns: u64) -> Option<&Look> {
        let limit_ns = look.at_ns.saturating_sub(ns);
        let is_old = |look: &&Look| look.at_ns <= limit_ns;
        self.looks.iter().rev().find(is_old).or(self.looks.front())
    }

    /// What was noted in the last so many nanoseconds.
    fn since(&self, look: &Look, ns: u64) -> Sum {
        match self.before(look, ns) {
            // The first look of all has nothing before it but the start.
            Some(before) if before.at_ns < look.at_ns => look.sum.since(&before.sum),
            _ => look.sum.clone(),
        }
    }

    /// The longest response of the last so many nanoseconds.
    fn longest_of(&self, ns: u64) -> u64 {
        let newest_ns = self.looks.back().map_or(0, |look| look.at_ns);
        let recent = self.looks.iter().rev();
        recent
            .take_while(|look| look.at_ns + ns > newest_ns)
            .map(|look| look.sum.longest_ns)
            .max()
            .unwrap_or(0)
    }

    /// The last second. Its p99 goes back up to five where fewer are too few for it.
    fn moment(&self, look: &Look, elapsed_ns: u64) -> Moment {
        let second = self.since(look, SECOND_NS);
        let from_ns = self
            .before(look, SECOND_NS)
            .map(|before| before.at_ns)
            .filter(|before_ns| *before_ns < look.at_ns)
            .unwrap_or(self.facts.start_ns);
        let a_second = |count: u64| {
            let span_ns = look.at_ns.saturating_sub(from_ns).max(1);
            count_as_real(count) * count_as_real(SECOND_NS) / count_as_real(span_ns)
        };
        let mut response = Tails::of(&second, self.longest_of(SECOND_NS));
        for seconds in 2..=RECENT_NS / SECOND_NS {
            if response.p99_ns.is_some() {
                break;
            }
            response.p99_ns = self.since(look, seconds * SECOND_NS).response.p99();
        }
        Moment {
            at_s: count_as_real(elapsed_ns) / 1e9,
            offered: a_second(second.count(Count::Planned)),
            answered: a_second(second.decided()),
            response,
        }
    }

    fn machine(&self, look: &Look) -> Machine {
        let Some(before) = self.before(look, RECENT_NS) else {
            return Machine::default();
        };
        let span_ns = look.at_ns.saturating_sub(before.at_ns);
        if span_ns < SHORTEST_NS {
            return Machine::default();
        }
        let used = |now: u64, earlier: u64| share(now.saturating_sub(earlier), span_ns);
        Machine {
            generator: used(look.generator_ns, before.generator_ns),
            server: look
                .server_ns
                .zip(before.server_ns)
                .map(|(now, earlier)| used(now, earlier)),
            stolen: stolen(look, before),
        }
    }

    /// Doubts of what was measured so far, once that is a second.
    fn doubts(&self, look: &Look, sum: &Sum) -> Option<Vec<String>> {
        let begun = self.begun.as_ref()?;
        let span_ns = look.at_ns.saturating_sub(begun.at_ns);
        if span_ns < SECOND_NS {
            return None;
        }
        let not_sent = sum.not_sent();
        let planned = sum.count(Count::Planned);
        let decided = sum.decided();
        let without = [Count::Errors, Count::TimedOut].map(|what| sum.count(what));
        let used_ns = look.generator_ns.saturating_sub(begun.generator_ns);
        let a_worker = share(used_ns, span_ns) / count_as_real(self.facts.workers.max(1) as u64);
        let earlier = begun.throttled.unwrap_or_default();
        Some(validity::doubts(&Evidence {
            counts: Counts {
                planned,
                sent: planned.saturating_sub(not_sent),
                dropped: sum.count(Count::Dropped),
                skipped: sum.count(Count::Skipped),
                not_connected: sum.count(Count::NotConnected),
                warm_up_sent: 0,
            },
            decisions: Decisions {
                decided,
                of: decided + without.iter().sum::<u64>(),
                most_frequent_other: None,
            },
            lag: Tail {
                p99_ns: sum.lag.p99(),
                max_ns: None,
            },
            response: Tail {
                p99_ns: sum.response.p99(),
                max_ns: Some(self.longest_ns),
            },
            worker_cpu: if self.facts.waits {
                vec![a_worker]
            } else {
                Vec::new()
            },
            tenths: None,
            stolen: stolen(look, begun),
            throttled: look.throttled.map(|mut throttled| {
                throttled.periods = throttled.periods.saturating_sub(earlier.periods);
                throttled.stopped_ns = throttled.stopped_ns.saturating_sub(earlier.stopped_ns);
                ThrottledPart {
                    throttled,
                    of_ns: span_ns,
                }
            }),
            stepped_ns: 0,
        }))
    }
}

fn stolen(look: &Look, before: &Look) -> Option<f64> {
    let ((taken, all), (taken_before, all_before)) = look.stolen.zip(before.stolen)?;
    Some(share(
        taken.saturating_sub(taken_before),
        all.saturating_sub(all_before),
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::live::testing::approve;
    use crate::live::{Board, Live};

    /// A run that is looked at every quarter of a second.
    struct Run {
        live: Live,
        board: Arc<Board>,
        observer: Observer,
        quarters: u64,
    }

    impl Run {
        fn begin() -> Self {
            let live = Live::default();
            Self {
                board: live.board(),
                live,
                observer: Observer::new(Facts {
                    is_open: true,
                    warm_up_ns: 2 * SECOND_NS,
                    end_ns: Some(20 * SECOND_NS),
                    start_ns: 7 * SECOND_NS,
                    workers: 1,
                    waits: true,
                    ..Facts::default()
                }),
                quarters: 0,
            }
        }

        /// So many seconds with so many payments each, of which the generator used `cpu` of a core.
        fn go(&mut self, seconds: u64, payments: u64, response_ns: u64) -> Snapshot {
            let mut last = None;
            for _ in 0..seconds * 4 {
                approve(&self.board, payments / 4, response_ns, 10_000);
                self.quarters += 1;
                let at_ns = self.quarters * SECOND_NS / 4;
                last = Some(self.observer.look(&Look {
                    at_ns: 7 * SECOND_NS + at_ns,
                    sum: self.live.sum(),
                    generator_ns: at_ns / 2,
                    server_ns: Some(at_ns / 4),
                    stolen: Some((at_ns / 1_000_000_000, at_ns / 10_000_000)),
                    ..Look::default()
                }));
            }
            last.unwrap()
        }
    }

    #[test]
    fn rates_and_times_are_those_of_the_last_second() {
        let mut run = Run::begin();
        let first = run.go(4, 1_000, 1_000_000);
        assert!((first.now.offered - 1_000.0).abs() < 1.0, "{first:?}");
        let later = run.go(1, 400, 40_000_000);
        assert!((later.now.answered - 400.0).abs() < 1.0);
        assert_eq!(later.now.response.max_ns, Some(40_000_000));
        assert!(later.now.response.p50_ns > Some(38_000_000));
        assert_eq!(later.now.response.count, 400);
        // 400 are too few for a p99, so that the second before lends its samples.
        assert!(later.now.response.p99_ns > Some(38_000_000));
        assert!(later.recent.p50_ns < Some(1_100_000));
        assert_eq!(later.history.len(), 5);
    }

    #[test]
    fn the_whole_run_is_what_was_measured() {
        let mut run = Run::begin();
        let warming = run.go(1, 1_000, 90_000_000);
        assert_eq!(warming.phase, Phase::WarmingUp);
        assert_eq!(warming.doubts, None);
        run.go(1, 1_000, 90_000_000);
        let measured = run.go(3, 1_000, 1_000_000);
        assert_eq!(measured.phase, Phase::Measuring);
        assert_eq!(measured.whole.count, 3_000);
        assert_eq!(measured.whole.max_ns, Some(1_000_000));
        assert_eq!(measured.doubts, Some(Vec::new()));
        assert!((measured.machine.generator - 0.5).abs() < 0.01);
        assert!((measured.machine.server.unwrap() - 0.25).abs() < 0.01);
        assert!((measured.machine.stolen.unwrap() - 0.01).abs() < 0.005);
    }

    #[test]
    fn what_was_not_sent_casts_doubt() {
        let mut run = Run::begin();
        run.go(3, 1_000, 1_000_000);
        for _ in 0..100 {
            run.board.count(Count::Planned);
            run.board.count(Count::Dropped);
        }
        let doubts = run.go(1, 1_000, 1_000_000).doubts.unwrap();
        assert_eq!(doubts.len(), 1, "{doubts:?}");
        assert!(doubts[0].contains("100 dropped"), "{doubts:?}");
        assert_eq!(run.go(20, 4, 1).phase, Phase::Draining);
    }
}
