//! Pure: what one step says of its rate, and whose fault it is.

use super::bounds::{Tally, interval};
use super::facts::StepVerdict;
use super::slo::Slo;
use crate::recorder::Record;
use crate::validity::{self, Evidence};

/// How a step stands with an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The share beyond is below what is allowed.
    Met,
    /// It is above.
    Missed,
    /// It is too close to tell.
    Undecided,
}

/// One SLO, and how a step stands with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    /// How many were beyond.
    pub(crate) tally: Tally,
    /// The lowest that the true share may be.
    pub(crate) low: f64,
    /// The highest.
    pub(crate) high: f64,
    /// What that says.
    pub(crate) standing: Standing,
    /// There are no more beyond than allowed, whether or not that is sure.
    pub(crate) leans_to_met: bool,
}

/// How these requests stand with an SLO that allows such a share, with so small a chance of an
/// error.
pub(crate) fn standing(tally: Tally, allowed: f64, error: f64) -> Standing {
    stand(interval(tally, error), allowed)
}

fn stand((low, high): (f64, f64), allowed: f64) -> Standing {
    if high < allowed {
        Standing::Met
    } else if low > allowed {
        Standing::Missed
    } else {
        Standing::Undecided
    }
}

/// How what was measured stands with each SLO.
pub(crate) fn judge(slos: &[Slo], record: &Record, error: f64) -> Vec<Judged> {
    let of = |slo: &Slo| {
        let tally = slo.tally(record);
        let (low, high) = interval(tally, error);
        Judged {
            tally,
            low,
            high,
            standing: stand((low, high), slo.allowed),
            leans_to_met: tally.share() <= slo.allowed,
        }
    };
    slos.iter().map(of).collect()
}

/// How a step stands with all of these together.
pub(crate) fn together(judged: &[Judged]) -> Standing {
    let any = |standing| judged.iter().any(|one| one.standing == standing);
    if any(Standing::Missed) {
        Standing::Missed
    } else if any(Standing::Undecided) {
        Standing::Undecided
    } else {
        Standing::Met
    }
}

/// By how many calls a queue must grow at such a rate to be called one: a tenth of those that are open
/// when each takes as long as the shortest time that is allowed. What grows more slowly needs far longer
/// than a step to break an SLO, and a queue of a few calls comes and goes.
pub(crate) fn least_growth(slos: &[Slo], per_second: f64) -> f64 {
    let limits = slos.iter().filter_map(Slo::percentile);
    let shortest = limits.map(|(_, limit_ns)| limit_ns).min();
    let allowed = shortest.map_or(0.0, |ns| {
        crate::figures::count_as_real(ns) / 1e9 * per_second
    });
    validity::LEAST_GROWTH.max(allowed / 10.0)
}

/// What speaks against a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// That the generator sent late, if it did.
    pub(crate) lagged: Option<String>,
    /// That a worker of it had nothing to spare, if one had not.
    pub(crate) saturated: Option<String>,
    /// What speaks against the machine.
    pub(crate) machine: Vec<String>,
    /// That the queue was growing, if it was.
    pub(crate) backlog: Option<String>,
}

impl Faults {
    /// What the evidence says. A queue that has grown by less than so many calls is none.
    pub(crate) fn of(evidence: &Evidence, least_growth: f64) -> Self {
        Self {
            lagged: validity::lagged(evidence.lag, evidence.response),
            saturated: validity::saturated(&evidence.worker_cpu),
            machine: validity::doubts_of_outside(
                evidence.stolen,
                evidence.throttled,
                evidence.stepped_ns,
            ),
            backlog: evidence
                .tenths
                .as_ref()
                .and_then(|tenths| validity::backlog_grew(tenths, least_growth)),
        }
    }

    /// What speaks against the generator.
    pub(crate) fn generator(&self) -> Vec<&str> {
        let all = [self.lagged.as_deref(), self.saturated.as_deref()];
        all.into_iter().flatten().collect()
    }

    /// All that speaks against the generator and the machine.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let generator = self.generator().into_iter().map(ToOwned::to_owned);
        generator.chain(self.machine.iter().cloned()).collect()
    }
}

/// What the times of a step show, whatever speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The server misses an SLO even by the times that count from when a request was sent.
    pub(crate) is_servers_own: bool,
    /// The requests were sent when they were due: an SLO that is met would not be otherwise.
    pub(crate) is_on_time: bool,
}

impl Shown {
    /// What a record shows that was judged so, with so small a chance of an error. A look took so
    /// many nanoseconds.
    pub(crate) fn of(
        slos: &[Slo],
        judged: &[Judged],
        record: &Record,
        (error, look_ns): (f64, u64),
    ) -> Self {
        let misses = |slo: &Slo| {
            standing(slo.tally_of_server(record), slo.allowed, error) == Standing::Missed
        };
        let shows = |(slo, judged): (&Slo, &Judged)| {
            judged.standing == Standing::Met && slo.needs_punctuality(look_ns)
        };
        Self {
            is_servers_own: slos.iter().any(misses),
            is_on_time: slos.iter().zip(judged).any(shows),
        }
    }

    /// Whether the server had the rate that was asked for: nothing speaks against the generator, or
    /// its requests were on time all the same.
    pub(crate) fn is_offered(self, faults: &Faults) -> bool {
        self.is_on_time || faults.generator().is_empty()
    }
}

/// What a step says of its rate. Where the server had that rate, what was met is met however the
/// machine did, for it only makes times longer. A generator that sends late asks for less than the
/// rate, and who meets that has shown nothing of it. Where it was not met, neither may have been the
/// cause: a worker without anything to spare may have read answers late, and any time may be its own;
/// otherwise the server has missed what it misses from when requests were sent.
pub(crate) fn verdict(standing: Standing, faults: &Faults, shown: Shown) -> StepVerdict {
    let is_sound = faults.machine.is_empty();
    let is_own =
        faults.generator().is_empty() || (shown.is_servers_own && faults.saturated.is_none());
    let is_offered = shown.is_offered(faults);
    match standing {
        Standing::Met if is_offered && faults.backlog.is_none() => StepVerdict::Met,
        _ if !is_sound => StepVerdict::Disturbed,
        Standing::Met if is_offered => StepVerdict::Missed,
        Standing::Met => StepVerdict::GeneratorLimit,
        _ if !is_own => StepVerdict::GeneratorLimit,
        Standing::Missed => StepVerdict::Missed,
        Standing::Undecided => StepVerdict::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::{Counts, Tenth};
    use crate::validity::{Decisions, Tail};

    fn judged(standing: Standing) -> Judged {
        Judged {
            tally: Tally::default(),
            low: 0.0,
            high: 1.0,
            standing,
            leans_to_met: true,
        }
    }

    #[test]
    fn all_must_be_met_and_one_miss_is_enough() {
        use Standing::{Met, Missed, Undecided};
        let check = |standings: &[Standing], expected| {
            let judged: Vec<Judged> = standings.iter().copied().map(judged).collect();
            assert_eq!(together(&judged), expected, "{standings:?}");
        };
        check(&[Met, Met], Met);
        check(&[Met, Undecided], Undecided);
        check(&[Undecided, Missed, Met], Missed);
    }

    #[test]
    fn who_is_to_blame_says_what_a_step_means() {
        use Standing::{Met, Missed, Undecided};
        use StepVerdict::GeneratorLimit;
        let told = || Some("told".to_owned());
        let none = Faults::default();
        let late = Faults {
            lagged: told(),
            ..Faults::default()
        };
        let busy = Faults {
            saturated: told(),
            ..Faults::default()
        };
        let stolen = Faults {
            machine: vec!["told".to_owned()],
            ..Faults::default()
        };
        let both = Faults {
            machine: vec!["told".to_owned()],
            ..late.clone()
        };
        let growing = Faults {
            backlog: told(),
            ..Faults::default()
        };
        let late_and_growing = Faults {
            backlog: told(),
            ..late.clone()
        };
        let nothing = Shown {
            is_servers_own: false,
            is_on_time: false,
        };
        let own = Shown {
            is_servers_own: true,
            ..nothing
        };
        let on_time = Shown {
            is_on_time: true,
            ..nothing
        };
        let check = |standing, faults: &Faults, shown, expected| {
            let found = verdict(standing, faults, shown);
            assert_eq!(found, expected, "{standing:?} {faults:?} {shown:?}");
        };
        check(Met, &none, nothing, StepVerdict::Met);
        check(Met, &stolen, nothing, StepVerdict::Met);
        check(Met, &growing, nothing, StepVerdict::Missed);
        // Such as errors<1% with a generator that sends late: it asked for less than the rate.
        check(Met, &late, nothing, GeneratorLimit);
        check(Met, &busy, nothing, GeneratorLimit);
        check(Met, &both, nothing, StepVerdict::Disturbed);
        check(Met, &late_and_growing, nothing, GeneratorLimit);
        // Such as p99<5ms: whoever waits less than that from due was sent in time.
        check(Met, &late, on_time, StepVerdict::Met);
        check(Met, &busy, on_time, StepVerdict::Met);
        check(Met, &both, on_time, StepVerdict::Met);
        check(Met, &late_and_growing, on_time, StepVerdict::Missed);
        check(Missed, &none, own, StepVerdict::Missed);
        check(Missed, &late, own, StepVerdict::Missed);
        check(Missed, &busy, own, GeneratorLimit);
        check(Missed, &late, nothing, GeneratorLimit);
        check(Missed, &late, on_time, GeneratorLimit);
        check(Undecided, &late, nothing, GeneratorLimit);
        check(Undecided, &none, nothing, StepVerdict::Undecided);
        check(Missed, &both, own, StepVerdict::Disturbed);
    }

    #[test]
    fn what_counts_as_a_queue_rises_with_the_rate_and_the_limit() {
        let check = |words: &str, per_second, expected: f64| {
            let read: Vec<_> = words
                .split(' ')
                .map(|word| crate::capacity::slo::read(word).unwrap())
                .collect();
            let slos = Slo::all_of(&read).unwrap();
            let found = least_growth(&slos, per_second);
            assert!((found - expected).abs() < 1e-3, "{words}: {found}");
        };
        check("p99<25ms p99.9<100ms", 40_000.0, 100.0);
        check("p99<25ms", 1_000.0, validity::LEAST_GROWTH);
        check("errors<1%", 40_000.0, validity::LEAST_GROWTH);
    }

    #[test]
    fn faults_are_told_apart() {
        let lag = |ns| Tail {
            p99_ns: Some(ns),
            max_ns: Some(ns),
        };
        let check = |evidence: &Evidence, expected: [bool; 4]| {
            let faults = Faults::of(evidence, validity::LEAST_GROWTH);
            let found = [
                faults.lagged.is_some(),
                faults.saturated.is_some(),
                !faults.machine.is_empty(),
                faults.backlog.is_some(),
            ];
            assert_eq!(found, expected, "{faults:?}");
            let [lagged, saturated, machine, _] = expected.map(usize::from);
            assert_eq!(faults.generator().len(), lagged + saturated);
            assert_eq!(faults.doubts().len(), lagged + saturated + machine);
        };
        let quiet = Evidence {
            counts: Counts::default(),
            decisions: Decisions::default(),
            lag: Tail::default(),
            response: Tail::default(),
            worker_cpu: Vec::new(),
            tenths: None,
            stolen: None,
            throttled: None,
            stepped_ns: 0,
        };
        check(&quiet, [false; 4]);
        let mut late = quiet.clone();
        late.lag = lag(2_000_000);
        check(&late, [true, false, false, false]);
        let mut busy = quiet.clone();
        busy.worker_cpu = vec![0.5, 0.99];
        check(&busy, [false, true, false, false]);
        let mut stolen = quiet.clone();
        stolen.stolen = Some(0.1);
        check(&stolen, [false, false, true, false]);
        let mut stepped = quiet.clone();
        stepped.stepped_ns = 1;
        check(&stepped, [false, false, true, false]);
        let mut tenths = [Tenth {
            sent: 1_000,
            in_flight_sum: 20_000,
        }; 10];
        tenths[9].in_flight_sum = 90_000;
        let mut growing = quiet;
        growing.tenths = Some(tenths);
        check(&growing, [false, false, false, true]);
    }
}
