//! Benchmarks that nobody measured, for looking at pages in every state they can be in.

use crate::bench::facts::{BenchReport, CostFacts, MeasuredArm, MtlsFacts, OtherOutcome};

/// One that really was measured: every arm, two rounds.
const MEASURED: &str = include_str!("../../../../tests/samples/bench.json");

/// All of them.
pub(crate) fn all() -> Vec<BenchReport> {
    vec![
        whole(),
        disturbed(),
        interrupted(),
        nothing(),
        hostile(),
        mutual(),
    ]
}

/// What mutual TLS costs, in too few rounds for one of its intervals.
pub(crate) fn mutual() -> BenchReport {
    let mut report = whole();
    let cost = |estimate, interval: Option<(f64, f64)>, rounds| CostFacts {
        estimate,
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        rounds,
    };
    report.mtls = Some(MtlsFacts {
        unary_cpu: Some(cost(1.25, Some((1.125, 1.5)), 8)),
        stream_cpu: Some(cost(1.75, None, 2)),
    });
    report
}

/// Every arm was measured, and nothing disturbed.
pub(crate) fn whole() -> BenchReport {
    serde_json::from_str(MEASURED).unwrap()
}

/// Time was stolen in one arm, and another one answered with errors.
pub(super) fn disturbed() -> BenchReport {
    let mut report = whole();
    let stolen = "the machine was not ours alone: 7.0 % of its time was taken by other guests";
    report.verdict.valid = false;
    report.verdict.reasons = vec![
        format!("round 1, default echo, calls: {stolen}"),
        "round 1, waika journal:, calls: not all was approved (3 unavailable), so it is in no figure"
            .to_owned(),
    ];
    let arms = &mut report.rounds[0].arms;
    arms[0].doubts = vec![stolen.to_owned()];
    arms[3].others = vec![OtherOutcome {
        name: "unavailable".to_owned(),
        count: 3,
    }];
    report
}

/// It was stopped within its second round; h2load was not there.
pub(super) fn interrupted() -> BenchReport {
    let mut report = whole();
    report.verdict.interrupted = true;
    report.rounds.truncate(2);
    report.rounds[1].arms.truncate(4);
    report.arms.retain(|facts| !facts.arm.is_h2load());
    let measured = |arm: &MeasuredArm| !arm.arm.is_h2load();
    for round in &mut report.rounds {
        round.arms.retain(measured);
    }
    report.plan.h2load = None;
    report.figures.h2load_default_echo_rate = None;
    report.figures.h2load_percore_echo_rate = None;
    report.figures.generator_cpu_vs_h2load = None;
    report
}

/// It was stopped before anything was measured.
pub(super) fn nothing() -> BenchReport {
    let mut report = whole();
    report.verdict.interrupted = true;
    report.rounds.clear();
    report.figures = crate::bench::facts::Figures::default();
    for facts in &mut report.arms {
        facts.server_cpu_ns = None;
        facts.client_cpu_ns = None;
        facts.rate_per_second = None;
        facts.latency.count = 0;
        facts.latency.p50_ns = None;
        facts.latency.p90_ns = None;
        facts.latency.p99_ns = None;
        facts.latency.p999_ns = None;
    }
    report
}

/// Names from outside want to be markup.
pub(super) fn hostile() -> BenchReport {
    let evil = "<script src='x'>\"&";
    let mut report = disturbed();
    report.host.name = evil.to_owned();
    report.server.program = evil.to_owned();
    report.server.version = Some(evil.to_owned());
    report.plan.h2load = Some(evil.to_owned());
    report.remarks = vec![evil.to_owned()];
    report.verdict.reasons = vec![evil.to_owned()];
    report
}
