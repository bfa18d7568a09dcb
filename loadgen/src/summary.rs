//! Making a report of a plan and what was measured.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::SECOND_NS;
use crate::crew::Measured;
use crate::figures::{count_as_real, share};
use crate::host;
use crate::outcome::Outcome;
use crate::pacer::Pacing;
use crate::plan::{Discipline, Plan};
use crate::recorder::Record;
use crate::report::breakdown::{self, TimingFacts};
use crate::report::certificate::CertificateFacts;
use crate::report::rules::RulesFacts;
use crate::report::{
    self, CountFacts, GeneratorFacts, HostFacts, PlanFacts, RateFacts, Report, ServerFacts,
    TimeFacts, Verdict,
};
use crate::rules::Said;
use crate::run::{Job, Pace};
use crate::threshold;
use crate::validity::{self, Decisions, Evidence, Tail, ThrottledPart};
use crate::workload::Spread;

/// The whole report.
pub(crate) fn report(
    job: &Job,
    plan: &Plan,
    measured: &Measured,
    certificate: Option<CertificateFacts>,
) -> Report {
    let headline = measured.record.headline();
    let counts = CountFacts::of(measured.record.counts, &measured.record.outcomes);
    let (response, lag) = (
        TimeFacts::of(&headline.response),
        TimeFacts::of(&headline.lag),
    );
    let rates = rates(plan, measured, counts);
    Report {
        schema: report::SCHEMA.into(),
        verdict: verdict(plan, measured),
        plan: plan_facts(job, plan, measured),
        counts,
        rates,
        response,
        service: TimeFacts::of(&headline.service),
        lag,
        response_histogram: report::spans(&headline),
        response_curve: report::curve(&headline.response),
        service_curve: report::curve(&headline.service),
        lag_curve: report::curve(&headline.lag),
        time_line: report::time_line::of(
            &measured.record.time_line,
            due_within_ns(plan, rates.measured_ns),
        ),
        timing: measured.record.timing.as_ref().map(TimingFacts::of),
        schemes: measured
            .record
            .schemes
            .as_ref()
            .map(|record| breakdown::schemes(record, &plan.population)),
        outcomes: report::outcomes_of(&measured.record.outcomes, counts.sent),
        other_calls: report::other_calls::of(&measured.record),
        abandoned: measured.record.abandoned,
        decided_alike: plan
            .reads_decisions
            .then(|| format!("{:016x}", measured.record.decided_alike)),
        rules: rules(plan, &measured.record, certificate.as_ref()),
        certificate,
        thresholds: threshold::judge(
            &job.thresholds.0,
            &threshold::Measured {
                record: &measured.record,
                over_ns: rates.measured_ns,
                server_ns: measured.server_ns_per_call,
                generator_ns: measured.generator_ns_per_call,
            },
        ),
        generator: generator_facts(plan, measured),
        server: ServerFacts {
            target: plan.target.to_string(),
            protection: plan.target.protection(),
            version: job.server.version.clone(),
            store: job.server.store.clone(),
            cpu_ns_per_call: measured.server_ns_per_call,
        },
        host: HostFacts {
            name: host::name(),
            cores: host::cores(),
            started_at: timestamp(measured.began).to_string(),
            stolen: measured.stolen,
            throttled: measured.throttled.map(ThrottledPart::share),
        },
    }
}

/// How often each rule was met, if that was wanted.
fn rules(
    plan: &Plan,
    record: &Record,
    certificate: Option<&CertificateFacts>,
) -> Option<RulesFacts> {
    let mut tally = record.rules.clone()?;
    tally.provisioned = plan.population.provisioned.clone();
    tally.proven = certificate.map_or(0, |facts| facts.listed);
    for (rpc, side) in &record.side {
        for (outcome, times) in &side.outcomes {
            let said = match outcome {
                Outcome::Done => Said::Done,
                Outcome::Replayed => Said::Replayed,
                Outcome::Refused(_, reason) => Said::Refused(*reason),
                Outcome::Grpc(code) => Said::Failed(*code),
                Outcome::Approved
                | Outcome::Declined(_)
                | Outcome::Malformed
                | Outcome::TransportError
                | Outcome::TimedOut
                | Outcome::Unfinished => continue,
            };
            tally.note_call(*rpc, said, times.response.len());
        }
    }
    Some(RulesFacts::of(&tally))
}

/// The year of an instant, in UTC.
pub(crate) fn year_of(instant: SystemTime) -> i32 {
    timestamp(instant).to_zoned(TimeZone::UTC).year().into()
}

/// The share of requests that is expected to meet a monthly limit, if the number of requests is
/// known beforehand.
pub(crate) fn expected_limit_share(plan: &Plan) -> Option<f64> {
    let requests = match &plan.discipline {
        Discipline::Open { schedule, .. } => Some(schedule.len()),
        Discipline::Closed { requests, .. } => *requests,
    };
    requests.map(|requests| plan.workload.expected_limit_share(requests))
}

/// An instant as reports write it, RFC 3339.
pub(crate) fn timestamp(instant: SystemTime) -> Timestamp {
    Timestamp::try_from(instant).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn verdict(plan: &Plan, measured: &Measured) -> Verdict {
    let reasons = validity::doubts(&evidence(&plan.discipline, measured));
    Verdict {
        valid: reasons.is_empty(),
        reasons,
        interrupted: measured.interrupted,
    }
}

/// What the judgement of a measurement rests on.
pub(crate) fn evidence(discipline: &Discipline, measured: &Measured) -> Evidence {
    let (tenths, waits) = match discipline {
        Discipline::Open { pacing, .. } => (Some(measured.record.tenths), *pacing != Pacing::Spin),
        Discipline::Closed { .. } => (None, true),
    };
    let headline = measured.record.headline();
    let tail = |facts: TimeFacts| Tail {
        p99_ns: facts.p99_ns,
        max_ns: facts.max_ns,
    };
    Evidence {
        counts: measured.record.all_counts(),
        decisions: decisions(&measured.record),
        lag: tail(TimeFacts::of(&headline.lag)),
        response: tail(TimeFacts::of(&headline.response)),
        worker_cpu: if waits {
            measured.worker_cpu.clone()
        } else {
            Vec::new()
        },
        tenths: tenths.filter(|_| !measured.interrupted),
        stolen: measured.stolen,
        throttled: measured.throttled,
        stepped_ns: measured.stepped_ns,
    }
}

fn decisions(record: &Record) -> Decisions {
    let outcomes = record.all_outcomes();
    let sum = |is_one: fn(Outcome) -> bool| {
        let counted = outcomes.iter().filter(|(outcome, _)| is_one(**outcome));
        counted.map(|(_, count)| count).sum()
    };
    Decisions {
        decided: sum(Outcome::is_decided),
        of: sum(|outcome| outcome != Outcome::Unfinished),
        most_frequent_other: outcomes
            .iter()
            .filter(|(outcome, _)| !outcome.is_decided())
            .max_by_key(|(_, count)| **count)
            .map(|(outcome, count)| (outcome.label(), *count)),
    }
}

fn plan_facts(job: &Job, plan: &Plan, measured: &Measured) -> PlanFacts {
    let parts = |parts: u32| share(parts.into(), 1_000_000);
    let (discipline, arrivals, rate, in_flight) = match (job.pace, &plan.discipline) {
        (
            Pace::Open(arrivals, _),
            Discipline::Open {
                in_flight,
                schedule,
                ..
            },
        ) => {
            let rate = schedule.mean_rate(plan.warm_up_ns, plan.end_ns);
            ("open", Some(arrivals.label()), Some(rate), *in_flight)
        }
        (_, Discipline::Open { in_flight, .. } | Discipline::Closed { in_flight, .. }) => {
            ("closed", None, None, *in_flight)
        }
    };
    let shape = plan.workload.shape();
    PlanFacts {
        discipline: discipline.into(),
        arrivals: arrivals.map(Into::into),
        shape: if rate.is_some() {
            job.demand.shape.label()
        } else {
            "none".to_owned()
        },
        rate_per_second: rate,
        duration_ns: plan.end_ns - plan.warm_up_ns,
        warm_up_ns: plan.warm_up_ns,
        deadline_ns: plan.deadline_ns,
        in_flight,
        in_flight_allowed: measured.allowed,
        seed: job.people.seed,
        run_id: format!("{:016x}", plan.run_id),
        slice: job.part.slice.map(|slice| slice.to_string()),
        accounts: job.people.accounts.get().into(),
        schemes: job.people.scheme.as_ref().map(ToString::to_string),
        merchants: job.people.merchants.get().into(),
        synthetic: job.synthetic,
        zipf: match shape.spread {
            Spread::Zipf(exponent) => Some(exponent),
            Spread::InTurn | Spread::One => None,
        },
        duplicates: parts(shape.duplicates),
        wrong_passwords: parts(shape.wrong_passwords),
        expected_limit_share: expected_limit_share(plan),
    }
}

/// Rates over the planned time, or over the time that it really took where that is not known
/// beforehand.
fn rates(plan: &Plan, measured: &Measured, counts: CountFacts) -> RateFacts {
    let planned_ns = plan.end_ns - plan.warm_up_ns;
    let measured_ns = match (&plan.discipline, measured.interrupted) {
        (Discipline::Open { .. }, false) => planned_ns.max(measured.window_ns),
        (Discipline::Open { .. }, true) | (Discipline::Closed { .. }, _) => measured.window_ns,
    };
    let offered_ns = match &plan.discipline {
        Discipline::Open { .. } => Some(due_within_ns(plan, measured_ns)),
        Discipline::Closed { .. } => None,
    };
    let per_second = |count: u64, ns: u64| share(count, ns) * count_as_real(SECOND_NS);
    RateFacts {
        offered_per_second: offered_ns.map(|ns| per_second(counts.planned, ns)),
        achieved_per_second: per_second(counts.answered, measured_ns),
        errors_per_second: per_second(counts.errors, measured_ns),
        measured_ns,
    }
}

/// The part of the measured time in which requests were due or sent: none is while the last answers
/// come in.
fn due_within_ns(plan: &Plan, measured_ns: u64) -> u64 {
    measured_ns.min(plan.end_ns - plan.warm_up_ns)
}

fn generator_facts(plan: &Plan, measured: &Measured) -> GeneratorFacts {
    GeneratorFacts {
        version: env!("CARGO_PKG_VERSION").into(),
        workers: plan.workers,
        connections: plan.connections,
        reconnects: measured.reconnects,
        pacing: match &plan.discipline {
            Discipline::Open { pacing, .. } => Some(pacing.label().into()),
            Discipline::Closed { .. } => None,
        },
        cpu_ns_per_call: measured.generator_ns_per_call,
        worker_cpu: measured.worker_cpu.clone(),
    }
}
