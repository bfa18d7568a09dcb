//! Pure: whether to believe what was measured, and the report of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::facts::{MeshTaxReport, SCHEMA, TaxFacts, TaxMetric, TaxPlan, TaxRound, TaxSide};
use super::rounds::{self, ERROR};
use super::runner::{Ended, Outside, Task};
use super::text;
use crate::clock::duration_ns;
use crate::figures::{count_as_real, share};
use crate::gate::statistics;
use crate::host;
use crate::job::Pace;
use crate::outlook::MOST_AT_LIMIT;
use crate::report::{GeneratorFacts, HostFacts, Verdict};
use crate::summary;
use crate::validity::{self, LEAST_SENT, MOST_CPU, ThrottledPart};

/// Everything, told.
pub(super) fn report(
    task: &Task,
    ended: Ended,
    (started_at, took_ns): (SystemTime, u64),
) -> MeshTaxReport {
    let metrics: Vec<TaxFacts> = TaxMetric::ALL
        .into_iter()
        .filter_map(|metric| rounds::over(&ended.rounds, metric))
        .collect();
    let stolen = mean(&ended.outside.stolen);
    let mut reasons = doubts(&ended.rounds);
    reasons.extend(ended.failed.clone());
    reasons.extend(disturbed(&ended.outside, stolen));
    let job = task.job(task.direct.clone());
    MeshTaxReport {
        schema: SCHEMA.into(),
        verdict: Verdict {
            valid: reasons.is_empty(),
            reasons,
            interrupted: ended.interrupted,
        },
        remarks: remarks(task, &ended, &metrics),
        metrics,
        plan: plan(task, took_ns),
        generator: GeneratorFacts {
            version: env!("CARGO_PKG_VERSION").into(),
            workers: job.engine.workers.get(),
            connections: job.engine.connections.get(),
            reconnects: ended.reconnects,
            pacing: matches!(task.load.pace, Pace::Open(..))
                .then(|| job.engine.pacing.label().into()),
            cpu_ns_per_call: None,
            worker_cpu: vec![ended.worker_cpu],
        },
        host: HostFacts {
            name: host::name(),
            cores: host::cores(),
            started_at: summary::timestamp(started_at).to_string(),
            stolen,
            throttled: ended.outside.throttled.map(ThrottledPart::share),
        },
        rounds: ended.rounds,
    }
}

fn plan(task: &Task, took_ns: u64) -> TaxPlan {
    let load = &task.load;
    let (discipline, rate_per_second, in_flight) = match load.pace {
        Pace::Open(_, rate) => ("open", Some(count_as_real(rate.thousandths()) / 1e3), None),
        Pace::Closed(open, _) => ("closed", None, Some(open.get())),
    };
    TaxPlan {
        target: task.direct.target.to_string(),
        through: task.through.target.to_string(),
        discipline: discipline.into(),
        rate_per_second,
        in_flight,
        rounds: load.rounds.get(),
        block_ns: duration_ns(load.block),
        warm_up_ns: duration_ns(load.warm_up),
        accounts: load.accounts.get().into(),
        merchants: load.merchants.get().into(),
        seed: task.seed,
        took_ns,
    }
}

fn disturbed(outside: &Outside, stolen: Option<f64>) -> Vec<String> {
    validity::doubts_of_outside(stolen, outside.throttled, outside.stepped_ns)
}

/// What the answers say against the rounds; nothing if all are as expected.
fn doubts(rounds: &[TaxRound]) -> Vec<String> {
    let direct = rounds.iter().map(|round| &round.direct);
    let through = rounds.iter().map(|round| &round.through);
    let mut doubts = doubts_of("directly", &direct.collect::<Vec<_>>());
    doubts.extend(doubts_of("through the proxy", &through.collect::<Vec<_>>()));
    doubts
}

/// The same of one way.
fn doubts_of(way: &str, sides: &[&TaxSide]) -> Vec<String> {
    let sum = |of: fn(&TaxSide) -> u64| sides.iter().map(|side| of(side)).sum::<u64>();
    let (planned, sent) = (sum(|side| side.planned), sum(|side| side.sent));
    let mut doubts = Vec::new();
    let (others, _) = together(sides.iter().flat_map(|side| &side.others));
    if !others.is_empty() {
        doubts.push(format!(
            "{way}: {others} of {sent} payments, where each is to be decided once"
        ));
    }
    let (reasons, declined) = together(sides.iter().flat_map(|side| &side.declines));
    if share(declined, sent) > MOST_AT_LIMIT {
        doubts.push(format!(
            "{way}: {:.1} % were declined ({reasons}), which is another work: use accounts that have not paid so much, \
             by another --seed or more --accounts, and a proxy that leads to the same server",
            share(declined, sent) * 100.0,
        ));
    }
    let untimed = sum(|side| side.untimed);
    if untimed > 0 {
        doubts.push(format!(
            "{way}: {untimed} of {sent} answers did not tell the server's own time, or one that cannot be: the server \
             must answer want_timing, as waika-server does, and what is between must leave it"
        ));
    }
    if sent == 0 && !sides.is_empty() {
        doubts.push(format!(
            "{way}: nothing was sent: use a longer --block or a higher --rate"
        ));
    } else if count_as_real(sent) < count_as_real(planned) * LEAST_SENT {
        doubts.push(format!(
            "{way}: only {sent} of {planned} planned payments were sent: use a lower --rate"
        ));
    }
    doubts
}

/// Outcomes of several rounds by name, and how many they are.
fn together<'a>(outcomes: impl Iterator<Item = &'a super::facts::OtherOutcome>) -> (String, u64) {
    let mut by_name: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in outcomes {
        *by_name.entry(&outcome.name).or_default() += outcome.count;
    }
    let words: Vec<String> = by_name
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    (words.join(", "), by_name.values().sum())
}

/// What else a reader must know.
fn remarks(task: &Task, ended: &Ended, metrics: &[TaxFacts]) -> Vec<String> {
    let rounds = ended.rounds.len();
    let fewest = statistics::fewest(ERROR);
    let mut remarks = Vec::new();
    if rounds < fewest {
        remarks.push(format!(
            "Too few rounds for an interval: {rounds}, and {fewest} are the fewest (--rounds {fewest})."
        ));
    }
    let has = |metric: TaxMetric| metrics.iter().any(|facts| facts.metric == metric);
    if rounds > 0 && !(has(TaxMetric::ResponseP99) && has(TaxMetric::NetworkP99)) {
        remarks.push(
            "Too few answers in a round for a p99, which needs 459 each way: use a longer --block or a higher --rate."
                .to_owned(),
        );
    }
    remarks.extend(metrics.iter().filter_map(control_moved));
    if matches!(task.load.pace, Pace::Closed(..)) {
        remarks.push(
            "A closed loop waits for its answers: a slower way is asked less, and its latencies hide queueing."
                .to_owned(),
        );
    }
    if ended.worker_cpu > MOST_CPU {
        remarks.push(format!(
            "The generator used {:.0} % of its core in some block: what waits there is in both ways' times; use a lower rate.",
            ended.worker_cpu * 100.0
        ));
    }
    for (flag, pid, whose) in [
        ("--server-pid", task.server, "server's"),
        ("--proxy-pid", task.proxy, "proxy's"),
    ] {
        if pid.is_none() {
            remarks.push(format!(
                "The {whose} processor time is not known: {flag} tells it."
            ));
        }
    }
    remarks
}

/// That the server's own time differs between the ways, if it does.
fn control_moved(facts: &TaxFacts) -> Option<String> {
    (facts.metric == TaxMetric::ServerP50 && facts.differs()).then(|| {
        format!(
            "The server's own time differs by {} although no proxy is in it (cores that are shared, or calls that come \
             in other groups): it is part of the response's difference, and not of the network's.",
            text::signed(facts.estimate_ns)
        )
    })
}

fn mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| sum / count_as_real(values.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::super::facts::OtherOutcome;
    use super::*;

    fn side() -> TaxSide {
        TaxSide {
            planned: 1_000,
            sent: 1_000,
            approved: 1_000,
            ..TaxSide::default()
        }
    }

    fn some(name: &str, count: u64) -> Vec<OtherOutcome> {
        vec![OtherOutcome {
            name: name.to_owned(),
            count,
        }]
    }

    #[test]
    fn whatever_is_not_as_expected_speaks_against_it() {
        // What is changed of the way through the proxy, in each of two rounds; what is told.
        let check = |change: fn(&mut TaxSide), words: &[&str]| {
            let mut through = side();
            change(&mut through);
            let round = TaxRound {
                order: "ABBA".into(),
                direct: side(),
                through,
            };
            let told = doubts(&[round.clone(), round]).join("\n");
            assert_eq!(words.is_empty(), told.is_empty(), "{told}");
            assert!(!told.contains("directly"), "{told}");
            for word in words {
                assert!(told.contains(word), "no {word:?} in {told}");
            }
        };
        check(|_| {}, &[]);
        check(
            |side| side.others = some("UNAVAILABLE", 2),
            &["through the proxy: 4 UNAVAILABLE of 2000 payments"],
        );
        check(
            |side| side.others = some("replayed", 1),
            &["2 replayed", "decided once"],
        );
        check(|side| side.declines = some("LIMIT_MONTH", 10), &[]);
        check(
            |side| side.declines = some("LIMIT_MONTH", 11),
            &["1.1 % were declined (22 LIMIT_MONTH)", "--seed"],
        );
        check(
            |side| side.untimed = 1,
            &["2 of 2000 answers", "want_timing"],
        );
        check(|side| side.sent = 999, &[]);
        check(|side| side.sent = 998, &["only 1996 of 2000", "--rate"]);
        check(|side| side.sent = 0, &["nothing was sent", "--block"]);
    }

    #[test]
    fn both_ways_are_looked_at() {
        let mut direct = side();
        direct.others = some("timed_out", 1);
        let round = TaxRound {
            order: "BAAB".into(),
            direct,
            through: side(),
        };
        let told = doubts(&[round]);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("directly: 1 timed_out of 1000"),
            "{told:?}"
        );
        assert_eq!(doubts(&[]), [""; 0]);
    }

    #[test]
    fn a_control_that_moved_is_told_and_no_other_metric_is() {
        let check = |metric, interval: Option<(f64, f64)>, told: bool| {
            let facts = TaxFacts {
                metric,
                direct_ns: None,
                through_ns: None,
                estimate_ns: 4_000.0,
                low_ns: interval.map(|ends| ends.0),
                high_ns: interval.map(|ends| ends.1),
                level: 0.95,
                rounds: 12,
            };
            assert_eq!(control_moved(&facts).is_some(), told, "{facts:?}");
        };
        check(TaxMetric::ServerP50, Some((1_000.0, 9_000.0)), true);
        check(TaxMetric::ServerP50, Some((-9_000.0, -1_000.0)), true);
        check(TaxMetric::ServerP50, Some((-1_000.0, 9_000.0)), false);
        check(TaxMetric::ServerP50, None, false);
        check(TaxMetric::NetworkP50, Some((1_000.0, 9_000.0)), false);
    }
}
