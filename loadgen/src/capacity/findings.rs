//! Making a report of a search.

use std::collections::BTreeMap;
use std::time::SystemTime;

use hdrhistogram::Histogram;

use super::bounds::{ERROR, MOST_LOOKS};
use super::conduct::{Conduct, Outcome};
use super::ended;
use super::facts::{
    CapacityFacts, CapacityReport, End, KneeFacts, LoadPoint, SCHEMA, SearchFacts, SloFacts, Stage,
    StepFacts, StepSlo, StepVerdict,
};
use super::judge::{Judged, Standing};
use super::knee::{self, Point};
use super::search::{self, Tried, Vote};
use super::slo::Slo;
use super::step::{Goal, Step};
use crate::clock::duration_ns;
use crate::figures::{count_as_real, real_as_count, share};
use crate::host;
use crate::recorder;
use crate::report::{GeneratorFacts, HostFacts, ServerFacts, TimeFacts, Verdict};
use crate::samples;
use crate::summary;
use crate::validity::ThrottledPart;

/// How sure each verdict is.
const CONFIDENCE: f64 = 1.0 - ERROR;

/// The whole report.
pub(crate) fn report(
    conduct: &Conduct<'_>,
    outcome: Outcome,
    started_at: SystemTime,
) -> CapacityReport {
    let together = together(conduct);
    let ended = ended::facts(conduct, outcome, &together);
    let is_believed = !matches!(ended.kind, End::GeneratorLimit | End::Disturbed);
    let curve = curve(conduct);
    let mut each: Vec<CapacityFacts> = (0..conduct.slos.len())
        .map(|place| one(conduct, place))
        .collect();
    for (place, facts) in each.iter_mut().enumerate() {
        facts.estimate_per_second = estimate(&conduct.slos, &curve, place);
    }
    let estimates = each.iter().filter_map(|facts| facts.estimate_per_second);
    CapacityReport {
        schema: SCHEMA.into(),
        verdict: Verdict {
            valid: is_believed,
            reasons: if is_believed {
                Vec::new()
            } else {
                vec![ended.why.clone()]
            },
            interrupted: outcome == Outcome::Interrupted,
        },
        slos: conduct.slos.iter().map(slo_facts).collect(),
        knee: knee_of(&curve, together.low_per_second),
        together: CapacityFacts {
            estimate_per_second: estimates.reduce(f64::min),
            ..together
        },
        each,
        curve,
        steps: steps(conduct),
        plan: search_facts(conduct),
        certificate: conduct.certificate.clone(),
        generator: generator_facts(conduct),
        server: ServerFacts {
            target: conduct.rig.job.place.target.to_string(),
            protection: conduct.rig.job.place.target.protection(),
            version: conduct.rig.job.server.version.clone(),
            store: conduct.rig.job.server.store.clone(),
            cpu_ns_per_call: told_by(conduct).and_then(|step| step.got.measured.server_ns_per_call),
        },
        host: HostFacts {
            name: host::name(),
            cores: host::cores(),
            started_at: summary::timestamp(started_at).to_string(),
            stolen: largest(conduct, |step| step.got.measured.stolen),
            throttled: largest(conduct, |step| {
                step.got.measured.throttled.map(ThrottledPart::share)
            }),
        },
        ended,
    }
}

/// The step whose costs are told: the last confirmation, or else the last of all.
fn told_by<'a>(conduct: &'a Conduct<'_>) -> Option<&'a Step> {
    let mut confirmations = conduct.steps.iter().rev();
    let confirmation = confirmations.find(|step| step.stage == Stage::Confirm);
    confirmation.or(conduct.steps.last())
}

fn largest(conduct: &Conduct<'_>, value: impl Fn(&Step) -> Option<f64>) -> Option<f64> {
    conduct.steps.iter().filter_map(value).reduce(f64::max)
}

fn slo_facts(slo: &Slo) -> SloFacts {
    let percentile = slo.percentile();
    SloFacts {
        name: slo.name.clone(),
        quantile: percentile.map(|(quantile, _)| quantile),
        limit_ns: percentile.map(|(_, limit_ns)| limit_ns),
        allowed: slo.allowed,
        samples_needed: samples::needed_for(1.0 - slo.allowed, ERROR),
    }
}

fn together(conduct: &Conduct<'_>) -> CapacityFacts {
    let tried = conduct.tried(Goal::Together);
    let bracket = search::bracket(&tried);
    let is_confirmed = is_confirmed(&tried, bracket.low);
    CapacityFacts {
        slo: None,
        per_second: bracket
            .low
            .filter(|_| is_confirmed)
            .map(|rung| rate(conduct, rung)),
        ..bracket_facts(conduct, bracket, is_confirmed)
    }
}

fn one(conduct: &Conduct<'_>, place: usize) -> CapacityFacts {
    let tried = conduct.tried(Goal::One(place));
    let bracket = search::bracket(&tried);
    let is_confirmed = is_confirmed(&tried, bracket.low);
    CapacityFacts {
        slo: conduct.slos.get(place).map(|slo| slo.name.clone()),
        ..bracket_facts(conduct, bracket, is_confirmed)
    }
}

/// Whether a confirmation at this rung has met.
fn is_confirmed(tried: &[Tried], low: Option<u32>) -> bool {
    tried.iter().any(|tried| {
        tried.stage == Stage::Confirm
            && tried.vote == Vote::Met
            && tried.is_decided
            && Some(tried.rung) == low
    })
}

fn bracket_facts(
    conduct: &Conduct<'_>,
    bracket: search::Bracket,
    is_confirmed: bool,
) -> CapacityFacts {
    let low = bracket.low.map(|rung| rate(conduct, rung));
    CapacityFacts {
        slo: None,
        per_second: low,
        low_per_second: low,
        high_per_second: bracket.high.map(|(rung, _)| rate(conduct, rung)),
        estimate_per_second: None,
        is_closed: match (bracket.low, bracket.high) {
            (Some(low), Some((high, _))) => high - low <= 1,
            (Some(low), None) => low >= conduct.ladder.top(),
            (None, Some((high, _))) => high == 0,
            (None, None) => false,
        },
        is_confirmed,
        confidence: CONFIDENCE,
    }
}

/// The rate of a rung, in requests a second.
pub(super) fn rate(conduct: &Conduct<'_>, rung: u32) -> f64 {
    count_as_real(conduct.ladder.rate(rung)) / 1e3
}

/// The steps at one rate.
struct Pool<'a> {
    steps: Vec<&'a Step>,
    response: Histogram<u64>,
}

fn pools<'a>(conduct: &'a Conduct<'_>) -> BTreeMap<u32, Pool<'a>> {
    let mut pools: BTreeMap<u32, Pool<'_>> = BTreeMap::new();
    let sound = |step: &&Step| step.verdict != StepVerdict::Disturbed;
    for step in conduct.steps.iter().filter(sound) {
        let pool = pools.entry(step.rung).or_insert_with(|| Pool {
            steps: Vec::new(),
            response: recorder::histogram(),
        });
        // Adding fails only for values out of range, and all have the same range.
        let _ = pool.response.add(&step.kept.response);
        pool.steps.push(step);
    }
    pools
}

fn curve(conduct: &Conduct<'_>) -> Vec<LoadPoint> {
    let of = |(rung, pool): (u32, Pool<'_>)| {
        let sum = |value: fn(&Step) -> u64| pool.steps.iter().map(|step| value(step)).sum::<u64>();
        let ns = sum(|step| step.got.measured.window_ns);
        let beyond = |place: usize| {
            let tallies = || pool.steps.iter().filter_map(|step| step.judged.get(place));
            let beyond = tallies().map(|judged| judged.tally.beyond).sum();
            share(beyond, tallies().map(|judged| judged.tally.of).sum())
        };
        let cpu: Vec<f64> = pool
            .steps
            .iter()
            .filter_map(|step| step.got.server_cpu())
            .collect();
        LoadPoint {
            rate_per_second: rate(conduct, rung),
            achieved_per_second: share(sum(|step| step.kept.counts.answered), ns) * 1e9,
            steps: pool.steps.len() as u64,
            response: TimeFacts::of(&pool.response),
            beyond: (0..conduct.slos.len()).map(beyond).collect(),
            verdict: majority(&pool.steps),
            server_cpu: (!cpu.is_empty())
                .then(|| cpu.iter().sum::<f64>() / count_as_real(cpu.len() as u64)),
        }
    };
    pools(conduct).into_iter().map(of).collect()
}

/// What most of these steps say; the more cautious of two that are as frequent.
fn majority(steps: &[&Step]) -> StepVerdict {
    let by_caution = [
        StepVerdict::GeneratorLimit,
        StepVerdict::Missed,
        StepVerdict::Undecided,
        StepVerdict::Met,
    ];
    let count = |verdict| steps.iter().filter(|step| step.verdict == verdict).count();
    let mut most = StepVerdict::Disturbed;
    for verdict in by_caution {
        if count(verdict) > count(most) {
            most = verdict;
        }
    }
    most
}

/// Where the share beyond crosses what an SLO allows.
fn estimate(slos: &[Slo], curve: &[LoadPoint], place: usize) -> Option<f64> {
    let allowed = slos.get(place)?.allowed;
    let point = |point: &LoadPoint| {
        Some(Point {
            rate: point.rate_per_second,
            value: *point.beyond.get(place)?,
            weight: count_as_real(point.steps),
        })
    };
    let points: Vec<Point> = curve.iter().filter_map(point).collect();
    knee::crossing(&knee::rising(&points), allowed)
}

fn knee_of(curve: &[LoadPoint], highest_met: Option<f64>) -> Option<KneeFacts> {
    let point = |point: &LoadPoint| {
        let p99_ns = point.response.p99_ns?;
        Some(knee::point(point.rate_per_second, p99_ns, point.steps))
    };
    let points: Vec<Point> = curve.iter().filter_map(point).collect();
    let found = knee::knee(&points, highest_met?)?;
    Some(KneeFacts {
        per_second: found.rate,
        low_load_p99_ns: real_as_count(found.low_ns),
        band_ns: real_as_count(found.band_ns),
        method: knee::METHOD.to_owned(),
    })
}

fn steps(conduct: &Conduct<'_>) -> Vec<StepFacts> {
    let numbered = conduct.steps.iter().zip(1..);
    numbered
        .map(|(step, number)| StepFacts {
            number,
            stage: step.stage,
            rate_per_second: rate(conduct, step.rung),
            achieved_per_second: share(step.kept.counts.answered, step.got.measured.window_ns)
                * 1e9,
            began_ns: step.began_ns,
            measured_ns: step.got.measured.window_ns,
            looks: step.looks,
            run_id: format!("{:016x}", step.got.run_id),
            counts: step.kept.counts,
            response: TimeFacts::of(&step.kept.response),
            lag: step.kept.lag,
            slos: step.judged.iter().map(step_slo).collect(),
            verdict: step.verdict,
            why: ended::why_of(conduct, step),
            doubts: step.faults.doubts(),
            server_cpu: step.got.server_cpu(),
            generator_cpu: step.got.generator_cpu(),
            stolen: step.got.measured.stolen,
            throttled: step.got.measured.throttled.map(ThrottledPart::share),
        })
        .collect()
}

fn step_slo(judged: &Judged) -> StepSlo {
    StepSlo {
        beyond: judged.tally.beyond,
        of: judged.tally.of,
        share: judged.tally.share(),
        low: judged.low,
        high: judged.high,
        verdict: match judged.standing {
            Standing::Met => StepVerdict::Met,
            Standing::Missed => StepVerdict::Missed,
            Standing::Undecided => StepVerdict::Undecided,
        },
    }
}

fn search_facts(conduct: &Conduct<'_>) -> SearchFacts {
    let (job, pace) = (&conduct.rig.job, &conduct.pace);
    let parts = |parts: u32| share(parts.into(), 1_000_000);
    let sent = |step: &Step| step.kept.counts.sent + step.kept.counts.warm_up_sent;
    SearchFacts {
        from_per_second: rate(conduct, 0),
        most_per_second: rate(conduct, conduct.ladder.top()),
        precision: conduct.ladder.precision(),
        confidence: CONFIDENCE,
        step_ns: duration_ns(pace.look * pace.looks.min(MOST_LOOKS)),
        confirm_ns: duration_ns(pace.confirm()),
        warm_up_ns: duration_ns(pace.warm_up),
        budget_ns: duration_ns(pace.budget),
        took_ns: conduct.took_ns(),
        arrivals: conduct.rig.arrivals.label().into(),
        deadline_ns: duration_ns(job.engine.deadline),
        in_flight: job.engine.in_flight.get(),
        seed: job.people.seed,
        accounts: job.people.accounts.get().into(),
        merchants: job.people.merchants.get().into(),
        synthetic: job.synthetic,
        zipf: job.traffic.zipf,
        duplicates: parts(job.traffic.duplicates),
        amount_fen: super::AMOUNT_FEN.get().into(),
        requests: conduct.steps.iter().map(sent).sum(),
    }
}

fn generator_facts(conduct: &Conduct<'_>) -> GeneratorFacts {
    let engine = &conduct.rig.job.engine;
    let mut worker_cpu = vec![0.0_f64; engine.workers.get()];
    for step in &conduct.steps {
        for (most, used) in worker_cpu.iter_mut().zip(&step.got.measured.worker_cpu) {
            *most = most.max(*used);
        }
    }
    GeneratorFacts {
        version: env!("CARGO_PKG_VERSION").into(),
        workers: engine.workers.get(),
        connections: engine.connections.get(),
        reconnects: conduct
            .steps
            .iter()
            .map(|step| step.got.measured.reconnects)
            .sum(),
        pacing: Some(engine.pacing.label().into()),
        cpu_ns_per_call: told_by(conduct).and_then(|step| step.got.measured.generator_ns_per_call),
        worker_cpu,
    }
}
