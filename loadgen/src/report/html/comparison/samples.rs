//! Comparisons that nobody measured, for looking at pages in every state they can be in.

use crate::clock::SECOND_NS;
use crate::gate::facts::{
    ArmFacts, COMPARE_SCHEMA, ChangeFacts, Comparison, ComparisonHost, ComparisonPlan,
    ControlFacts, Decision, GATE_SCHEMA, LookFacts, MetricFacts, NoiseFacts, PairFacts,
};

/// All of them.
pub(crate) fn all() -> Vec<Comparison> {
    vec![
        passed(),
        regressed(),
        inconclusive(),
        invalid(),
        noise(),
        two_runs(),
        nothing(),
        hostile(),
    ]
}

/// B is as good as A.
pub(super) fn passed() -> Comparison {
    comparison(Decision::Passed, 0.004)
}

/// B is worse.
pub(super) fn regressed() -> Comparison {
    comparison(Decision::Regressed, 0.118)
}

/// Nobody knows.
pub(super) fn inconclusive() -> Comparison {
    let mut comparison = comparison(Decision::Inconclusive, 0.045);
    comparison.reasons = vec![
        "the budget ended before the interval left the tolerance: about 60 pairs more would do"
            .to_owned(),
    ];
    comparison
}

/// The machine moved, and somebody stopped it.
pub(super) fn invalid() -> Comparison {
    let mut comparison = comparison(Decision::Invalid, 0.02);
    comparison.interrupted = true;
    comparison.reasons = vec![
        "the control moved: server CPU per health check changed by +9.10 %, where 5 % is allowed"
            .to_owned(),
    ];
    let control = comparison.control.as_mut().unwrap();
    (
        control.change.estimate,
        control.change.low,
        control.change.high,
    ) = (Some(0.091), Some(0.062), Some(0.121));
    control.moved = true;
    comparison
}

/// A server against itself.
pub(super) fn noise() -> Comparison {
    let mut comparison = comparison(Decision::Passed, 0.0);
    comparison.against_itself = true;
    comparison.b = ArmFacts::default();
    comparison
}

/// Two stored runs: too few for anything.
pub(super) fn two_runs() -> Comparison {
    let mut comparison = comparison(Decision::Inconclusive, 0.01);
    comparison.schema = COMPARE_SCHEMA.into();
    comparison.control = None;
    comparison.reasons = vec!["two pairs say nothing: at least 6 are needed".to_owned()];
    comparison.plan.budget_ns = None;
    comparison.plan.looks.clear();
    for metric in &mut comparison.metrics {
        metric.pairs.truncate(2);
        (metric.change.used, metric.p_value, metric.detectable) = (2, None, None);
        (metric.change.low, metric.change.high, metric.spread) = (None, None, None);
    }
    comparison
}

/// Not even a pair.
pub(super) fn nothing() -> Comparison {
    let mut comparison = two_runs();
    for metric in &mut comparison.metrics {
        metric.pairs.clear();
        metric.change.used = 0;
        (
            metric.change.a_median,
            metric.change.b_median,
            metric.change.estimate,
        ) = (None, None, None);
    }
    comparison
}

/// Names that try to be more than names.
pub(super) fn hostile() -> Comparison {
    let evil =
        r#""><script src="http://evil.example/x.js"></script><img src=x onerror='alert(1)'>"#;
    let mut comparison = invalid();
    comparison.a.name = evil.to_owned();
    comparison.b.version = Some(evil.to_owned());
    comparison.b.paths = vec![evil.to_owned()];
    comparison.host.name = evil.to_owned();
    comparison.reasons.push(evil.to_owned());
    comparison.remarks.push(evil.to_owned());
    comparison.plan.b_arguments = vec![evil.to_owned()];
    for metric in &mut comparison.metrics {
        metric.label = evil.to_owned();
        metric.unit = evil.to_owned();
        metric.pairs[3].discarded = Some(evil.to_owned());
    }
    comparison
}

/// Even, from -1 to 1.
fn draw(number: u64) -> f64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    crate::figures::count_as_real((mixed ^ (mixed >> 32)) % 20_001) / 10_000.0 - 1.0
}

fn pairs(change: f64, noise: f64, of: (u64, f64)) -> Vec<PairFacts> {
    (0..48)
        .map(|number| {
            let bell = (0..6)
                .map(|part| draw(number * 31 + part * 7 + of.0))
                .sum::<f64>()
                / 2.0;
            let disturbed = number % 19 == 7;
            let log_ratio = change.ln_1p() + bell * noise + f64::from(u8::from(disturbed)) * 0.4;
            let a = of.1 * (1.0 + 0.04 * draw(number * 17));
            PairFacts {
                a,
                b: a * log_ratio.exp(),
                log_ratio,
                superblock: u32::try_from(number / 6).unwrap(),
                order: ["ABBA", "BAAB"][usize::try_from(number % 2).unwrap()].into(),
                discarded: disturbed
                    .then(|| "6.1 % of a block's time was taken by other guests".to_owned()),
            }
        })
        .collect()
}

fn metric(names: (&str, &str), of: (u64, f64), change: f64, noise: f64) -> MetricFacts {
    let pairs = pairs(change, noise, of);
    let half = noise / 2.4;
    MetricFacts {
        name: names.0.to_owned(),
        label: names.1.to_owned(),
        unit: "ns".to_owned(),
        gating: names.0 == "cpu",
        change: ChangeFacts {
            used: pairs.iter().filter(|pair| pair.discarded.is_none()).count(),
            a_median: Some(of.1),
            b_median: Some(of.1 * (1.0 + change)),
            estimate: Some(change),
            low: Some(change - half),
            high: Some(change + half),
            level: 0.975,
            tolerance: 0.05,
        },
        pairs,
        p_value: Some(0.000_02),
        verdict: Decision::Advisory,
        detectable: Some(0.05 + half * 1.9),
        spread: Some(noise),
    }
}

fn comparison(verdict: Decision, change: f64) -> Comparison {
    let mut cpu = metric(("cpu", "server CPU per call"), (1, 48_900.0), change, 0.028);
    cpu.verdict = verdict;
    Comparison {
        schema: GATE_SCHEMA.into(),
        verdict,
        reasons: Vec::new(),
        interrupted: false,
        against_itself: false,
        a: arm("git:main", Some("4aa028b1f0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6")),
        b: arm("target/release/waika-server", None),
        metrics: vec![
            cpu,
            metric(("p50", "response p50"), (2, 731_000.0), change * 0.7, 0.07),
            metric(
                ("p99", "response p99"),
                (3, 9_270_000.0),
                change * 1.4,
                0.22,
            ),
        ],
        control: Some(ControlFacts {
            label: "server CPU per health check".to_owned(),
            unit: "ns".to_owned(),
            change: ChangeFacts {
                used: 45,
                a_median: Some(9_400.0),
                b_median: Some(9_420.0),
                estimate: Some(0.002),
                low: Some(-0.018),
                high: Some(0.021),
                level: 0.99,
                tolerance: 0.05,
            },
            moved: false,
        }),
        noise: NoiseFacts {
            pairs: 48,
            discarded: 3,
            stolen: Some(0.012),
            others: Some(0.034),
            half_width: Some(0.012),
        },
        plan: plan(),
        host: ComparisonHost {
            name: "measuring-host".to_owned(),
            cores: 2,
            started_at: "2026-11-23T15:06:03.123456789Z".to_owned(),
            generator_version: "0.1.0".into(),
        },
        remarks: vec!["No instructions were counted: this machine has no counters.".to_owned()],
    }
}

fn arm(name: &str, commit: Option<&str>) -> ArmFacts {
    ArmFacts {
        name: name.to_owned(),
        paths: vec!["/home/somebody/.cache/waika/servers/4aa028b/waika-server".to_owned()],
        commit: commit.map(str::to_owned),
        version: Some("waika-server 0.1.0".to_owned()),
        report_schema: None,
        answers_checked: Some(3_922),
        violations: 0,
    }
}

fn plan() -> ComparisonPlan {
    ComparisonPlan {
        discipline: "closed".into(),
        rate_per_second: None,
        in_flight: Some(16),
        block_ns: SECOND_NS,
        warm_up_ns: SECOND_NS / 5,
        blocks_per_arm: 2,
        accounts: 2_000,
        merchants: 100,
        seed: 1,
        budget_ns: Some(180 * SECOND_NS),
        took_ns: 151 * SECOND_NS,
        looks: vec![
            LookFacts {
                at: 0.5,
                error: 0.02,
                pairs: Some(24),
            },
            LookFacts {
                at: 1.0,
                error: 0.03,
                pairs: Some(48),
            },
        ],
        a_arguments: Vec::new(),
        b_arguments: Vec::new(),
    }
}
