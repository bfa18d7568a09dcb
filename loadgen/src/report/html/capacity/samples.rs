//! Capacities that nobody measured, for looking at pages in every state they can be in.

use crate::capacity::facts::{
    CapacityFacts, CapacityReport, End, EndFacts, KneeFacts, LoadPoint, SCHEMA, SearchFacts,
    SloFacts, Stage, StepFacts, StepSlo, StepVerdict,
};
use crate::clock::SECOND_NS;
use crate::figures::{count_as_real, real_as_count, share};
use crate::report::TimeFacts;
use crate::report::html::samples;

/// All of them.
pub(crate) fn all() -> Vec<CapacityReport> {
    vec![found(), bounded(), none(), interrupted(), hostile()]
}

/// The capacity of the server that nobody measured.
const CAPACITY: f64 = 3_180.0;

/// A capacity that was found and confirmed.
pub(super) fn found() -> CapacityReport {
    let tried = [
        (Stage::Ramp, 200.0),
        (Stage::Ramp, 400.0),
        (Stage::Ramp, 800.0),
        (Stage::Ramp, 1_600.0),
        (Stage::Ramp, 3_200.0),
        (Stage::Search, 2_400.0),
        (Stage::Search, 2_800.0),
        (Stage::Search, 3_000.0),
        (Stage::Search, 3_100.0),
        (Stage::Search, 3_150.0),
        (Stage::Retest, 3_200.0),
        (Stage::Retest, 3_150.0),
        (Stage::Confirm, 3_150.0),
    ];
    report(&tried, End::SloMissed)
}

/// The generator was the first to fall behind.
pub(super) fn bounded() -> CapacityReport {
    let tried = [
        (Stage::Ramp, 200.0),
        (Stage::Ramp, 400.0),
        (Stage::Ramp, 800.0),
    ];
    let mut report = report(&tried, End::GeneratorLimit);
    let last = report.steps.last_mut().unwrap();
    last.verdict = StepVerdict::GeneratorLimit;
    last.doubts = vec!["the generator sent late: lag p99 3.20 ms".to_owned()];
    report.curve.last_mut().unwrap().verdict = StepVerdict::GeneratorLimit;
    report.together = CapacityFacts {
        high_per_second: None,
        ..capacity(None, Some(400.0))
    };
    report.together.is_confirmed = false;
    report.knee = None;
    report
}

/// Even the lowest rate misses.
pub(super) fn none() -> CapacityReport {
    let mut report = report(&[(Stage::Ramp, 5_000.0)], End::LowestRate);
    report.together = capacity(None, None);
    report.each = report
        .slos
        .iter()
        .map(|slo| capacity(Some(&slo.name), None))
        .collect();
    report.knee = None;
    report
}

/// Stopped before the first step had ended.
pub(super) fn interrupted() -> CapacityReport {
    let mut report = none();
    report.steps.clear();
    report.curve.clear();
    report.verdict.valid = false;
    report.verdict.interrupted = true;
    report.verdict.reasons = vec!["it was stopped before any rate was decided".to_owned()];
    report
}

/// Names that try to be more than names.
pub(super) fn hostile() -> CapacityReport {
    let evil =
        r#""><script src="http://evil.example/x.js"></script><img src=x onerror='alert(1)'>"#;
    let mut report = found();
    report.server.target = evil.to_owned();
    report.host.name = evil.to_owned();
    report.ended.why = evil.to_owned();
    report.slos[0].name = evil.to_owned();
    report.each[0].slo = Some(evil.to_owned());
    report.steps[2].why = evil.to_owned();
    report.knee.as_mut().unwrap().method = evil.to_owned();
    report
}

/// Slower, the nearer to the capacity.
fn times(rate: f64) -> TimeFacts {
    let load = (rate / (CAPACITY * 1.05)).min(0.999);
    let wait = 1.0 / (1.0 - load);
    let ns = |base: f64| Some(real_as_count(base * wait.powf(1.1)));
    let samples = real_as_count(rate * 4.0);
    TimeFacts {
        count: samples,
        min_ns: Some(140_000),
        p50_ns: ns(310_000.0),
        p90_ns: ns(520_000.0),
        p99_ns: ns(760_000.0),
        p999_ns: (samples > 4_603).then(|| ns(1_700_000.0)).flatten(),
        p9999_ns: None,
        max_ns: ns(4_000_000.0),
    }
}

fn slos(rate: f64) -> (Vec<StepSlo>, StepVerdict) {
    let of = real_as_count(rate * 4.0);
    let verdict = if rate > CAPACITY {
        StepVerdict::Missed
    } else {
        StepVerdict::Met
    };
    let beyond = real_as_count(count_as_real(of) * 0.008 * (rate / CAPACITY).powi(9));
    let part = share(beyond, of);
    let slo = |verdict| StepSlo {
        beyond,
        of,
        share: part,
        low: part * 0.7,
        high: part * 1.3,
        verdict,
    };
    (
        vec![slo(verdict), slo(StepVerdict::Met), slo(StepVerdict::Met)],
        verdict,
    )
}

fn step(number: u64, stage: Stage, rate: f64) -> StepFacts {
    let (slos, verdict) = slos(rate);
    StepFacts {
        number,
        stage,
        rate_per_second: rate,
        achieved_per_second: rate.min(CAPACITY * 1.02),
        began_ns: number * 6 * SECOND_NS,
        measured_ns: 4 * SECOND_NS,
        looks: 2,
        run_id: "8a5cf00d12345678".to_owned(),
        counts: samples::open_loop(150, 2).counts,
        response: times(rate),
        lag: times(20.0),
        slos,
        verdict,
        why: "p99<5ms: at most 0.9 % are slower, where 1 % may be".to_owned(),
        doubts: Vec::new(),
        server_cpu: Some(rate * 0.000_25),
        generator_cpu: 0.31,
        stolen: Some(0.002),
        throttled: Some(0.0),
    }
}

fn point(step: &StepFacts) -> LoadPoint {
    LoadPoint {
        rate_per_second: step.rate_per_second,
        achieved_per_second: step.achieved_per_second,
        steps: 1,
        response: step.response,
        beyond: step.slos.iter().map(|slo| slo.share).collect(),
        verdict: step.verdict,
        server_cpu: step.server_cpu,
    }
}

fn capacity(slo: Option<&str>, rate: Option<f64>) -> CapacityFacts {
    CapacityFacts {
        slo: slo.map(str::to_owned),
        per_second: rate,
        low_per_second: rate,
        high_per_second: rate.map(|rate| rate + 50.0),
        estimate_per_second: rate.map(|rate| rate + 21.0),
        is_closed: rate.is_some(),
        is_confirmed: rate.is_some(),
        confidence: 0.99,
    }
}

fn report(tried: &[(Stage, f64)], kind: End) -> CapacityReport {
    let run = samples::open_loop(150, 2);
    let steps: Vec<StepFacts> = (1..)
        .zip(tried)
        .map(|(number, (stage, rate))| step(number, *stage, *rate))
        .collect();
    let mut curve: Vec<LoadPoint> = steps.iter().map(point).collect();
    curve.sort_by(|one, other| one.rate_per_second.total_cmp(&other.rate_per_second));
    curve.dedup_by_key(|point| real_as_count(point.rate_per_second));
    let slo = |name: &str, quantile: f64, limit_ns: u64| SloFacts {
        name: name.to_owned(),
        quantile: Some(quantile),
        limit_ns: Some(limit_ns),
        allowed: 1.0 - quantile,
        samples_needed: 459,
    };
    CapacityReport {
        schema: SCHEMA.into(),
        verdict: run.verdict,
        ended: EndFacts {
            kind,
            why: "p99<5ms was missed at 3,200/s: at least 1.31 % of 12,800 were slower, where 1 % may be."
                .to_owned(),
        },
        slos: vec![
            slo("p99<5ms", 0.99, 5_000_000),
            slo("p99.9<20ms", 0.999, 20_000_000),
            SloFacts {
                name: "errors<0.1%".to_owned(),
                quantile: None,
                limit_ns: None,
                allowed: 0.001,
                samples_needed: 4_603,
            },
        ],
        together: capacity(None, Some(3_150.0)),
        each: vec![
            capacity(Some("p99<5ms"), Some(3_150.0)),
            capacity(Some("p99.9<20ms"), Some(3_200.0)),
            capacity(Some("errors<0.1%"), Some(3_200.0)),
        ],
        curve,
        knee: Some(KneeFacts {
            per_second: 2_400.0,
            low_load_p99_ns: 812_000,
            band_ns: 1_624_000,
            method: "the lowest rate from which on the p99 stays above twice that at low load".to_owned(),
        }),
        steps,
        plan: plan(),
        certificate: None,
        generator: run.generator,
        server: run.server,
        host: run.host,
    }
}

fn plan() -> SearchFacts {
    SearchFacts {
        from_per_second: 200.0,
        most_per_second: 20_000.0,
        precision: 0.01,
        confidence: 0.99,
        step_ns: 4 * SECOND_NS,
        confirm_ns: 10 * SECOND_NS,
        warm_up_ns: SECOND_NS / 2,
        budget_ns: 300 * SECOND_NS,
        took_ns: 96 * SECOND_NS,
        arrivals: "poisson".into(),
        deadline_ns: SECOND_NS,
        in_flight: 1_000,
        seed: 1,
        accounts: 2_000,
        merchants: 100,
        synthetic: false,
        zipf: 0.5,
        duplicates: 0.01,
        amount_fen: 100,
        requests: 146_000,
    }
}
