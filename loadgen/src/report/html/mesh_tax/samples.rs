//! Reports that nobody measured, for looking at pages in every state they can be in.

use crate::clock::SECOND_NS;
use crate::mesh_tax::facts::{
    MeshTaxReport, OtherOutcome, SCHEMA, TaxFacts, TaxMetric, TaxPlan, TaxRound, TaxSide,
};
use crate::report::{GeneratorFacts, HostFacts, Verdict};

/// All of them.
pub(crate) fn all() -> Vec<MeshTaxReport> {
    vec![whole(), invalid(), interrupted(), nothing(), hostile()]
}

/// Twelve rounds, and nothing disturbed.
pub(crate) fn whole() -> MeshTaxReport {
    let rounds: Vec<TaxRound> = (0..12).map(round).collect();
    MeshTaxReport {
        schema: SCHEMA.into(),
        verdict: Verdict {
            valid: true,
            reasons: Vec::new(),
            interrupted: false,
        },
        metrics: TaxMetric::ALL.into_iter().map(facts).collect(),
        rounds,
        plan: TaxPlan {
            target: "http://127.0.0.1:50051".to_owned(),
            through: "http://127.0.0.1:50061".to_owned(),
            discipline: "open".into(),
            rate_per_second: Some(1_000.0),
            in_flight: None,
            rounds: 12,
            block_ns: SECOND_NS / 2,
            warm_up_ns: SECOND_NS / 10,
            accounts: 1_000,
            merchants: 20,
            seed: 1,
            took_ns: 34 * SECOND_NS,
        },
        generator: GeneratorFacts {
            version: "0.1.0".into(),
            workers: 1,
            connections: 4,
            reconnects: 0,
            pacing: Some("hybrid".into()),
            cpu_ns_per_call: None,
            worker_cpu: vec![0.07],
        },
        host: HostFacts {
            name: "host-1".to_owned(),
            cores: 2,
            started_at: "2026-12-02T08:00:00Z".to_owned(),
            stolen: Some(0.001),
            throttled: Some(0.0),
        },
        remarks: Vec::new(),
    }
}

fn facts(metric: TaxMetric) -> TaxFacts {
    let (direct, through, estimate, (low, high)) = match metric {
        TaxMetric::ResponseP50 | TaxMetric::NetworkP50 => (310e3, 451e3, 141e3, (120e3, 160e3)),
        TaxMetric::ResponseP99 | TaxMetric::NetworkP99 => (1.9e6, 2.3e6, 4e5, (1.5e5, 6.5e5)),
        TaxMetric::ServerP50 => (210e3, 209e3, -1e3, (-4e3, 2e3)),
        TaxMetric::ServerCpu => (50e3, 51e3, 1e3, (-1e3, 3e3)),
        TaxMetric::ProxyCpu => (0.0, 30e3, 30e3, (29e3, 31e3)),
    };
    let is_proxy = metric == TaxMetric::ProxyCpu;
    TaxFacts {
        metric,
        direct_ns: (!is_proxy).then_some(direct),
        through_ns: Some(through),
        estimate_ns: estimate,
        low_ns: Some(low),
        high_ns: Some(high),
        level: 0.95,
        rounds: 12,
    }
}

fn round(number: u64) -> TaxRound {
    let side = |through: u64| {
        let more = through * (110_000 + number * 6_000);
        TaxSide {
            planned: 1_000,
            sent: 1_000,
            approved: 999,
            declines: vec![OtherOutcome {
                name: "LIMIT_MONTH".to_owned(),
                count: 1,
            }],
            others: Vec::new(),
            untimed: 0,
            response_p50_ns: Some(310_000 + more),
            response_p99_ns: Some(1_900_000 + 3 * more),
            network_p50_ns: Some(100_000 + more),
            network_p99_ns: Some(900_000 + 3 * more),
            server_p50_ns: Some(210_000 - through * number * 200),
            server_cpu_ns: Some(50_000.5),
            proxy_cpu_ns: (through > 0).then_some(30_000.25),
        }
    };
    TaxRound {
        order: if number.is_multiple_of(2) {
            "ABBA"
        } else {
            "BAAB"
        }
        .into(),
        direct: side(0),
        through: side(1),
    }
}

/// The proxy refused some calls.
pub(crate) fn invalid() -> MeshTaxReport {
    let mut report = whole();
    report.verdict.valid = false;
    let why =
        "through the proxy: 3 UNAVAILABLE of 12000 payments, where each is to be decided once";
    report.verdict.reasons = vec![why.to_owned()];
    if let Some(round) = report.rounds.first_mut() {
        round.through.others = vec![OtherOutcome {
            name: "UNAVAILABLE".to_owned(),
            count: 3,
        }];
    }
    report
}

/// It was stopped after four rounds; no process was known.
pub(crate) fn interrupted() -> MeshTaxReport {
    let mut report = whole();
    report.verdict.interrupted = true;
    report.rounds.truncate(4);
    report
        .metrics
        .retain(|facts| !matches!(facts.metric, TaxMetric::ServerCpu | TaxMetric::ProxyCpu));
    for facts in &mut report.metrics {
        facts.low_ns = None;
        facts.high_ns = None;
        facts.rounds = 4;
    }
    for round in &mut report.rounds {
        for side in [&mut round.direct, &mut round.through] {
            side.server_cpu_ns = None;
            side.proxy_cpu_ns = None;
        }
    }
    report.remarks =
        vec!["Too few rounds for an interval: 4, and 6 are the fewest (--rounds 6).".to_owned()];
    report
}

/// It was stopped before anything was measured.
pub(crate) fn nothing() -> MeshTaxReport {
    let mut report = interrupted();
    report.rounds.clear();
    report.metrics.clear();
    report
}

/// Names from outside want to be markup.
pub(super) fn hostile() -> MeshTaxReport {
    let evil = "<script src='x'>\"&";
    let mut report = invalid();
    report.host.name = evil.to_owned();
    report.plan.target = evil.to_owned();
    report.plan.through = evil.to_owned();
    report.remarks = vec![evil.to_owned()];
    report.verdict.reasons = vec![evil.to_owned()];
    for round in &mut report.rounds {
        round.order = evil.into();
    }
    report
}
