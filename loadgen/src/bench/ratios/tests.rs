use super::*;
use crate::report::TimeFacts;

/// What an arm showed: processor time of server and client, rate, and whether the client was at its end.
fn arm(arm: Arm, server_ns: u64, client_ns: u64, rate: f64, bound: bool) -> MeasuredArm {
    MeasuredArm {
        arm,
        approved: 1_000,
        others: Vec::new(),
        server_cpu_ns: Some(server_ns),
        client_cpu_ns: Some(client_ns),
        rate_per_second: rate,
        measured_ns: 1,
        client_core: 0.5,
        generator_bound: bound,
        latency: TimeFacts::of(&crate::recorder::histogram()),
        stolen: None,
        throttled: None,
        doubts: Vec::new(),
    }
}

fn round(arms: Vec<MeasuredArm>) -> RoundFacts {
    RoundFacts { number: 1, arms }
}

fn check(found: Option<Spread>, expected: Option<[f64; 3]>) {
    let found = found.map(|spread| [spread.median, spread.min, spread.max]);
    match (found, expected) {
        (Some(found), Some(expected)) => {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            }
        }
        (found, expected) => assert_eq!(found, expected),
    }
}

#[test]
fn a_spread_is_median_least_and_most() {
    check(spread(&[]), None);
    check(spread(&[3.0]), Some([3.0, 3.0, 3.0]));
    check(spread(&[5.0, 1.0]), Some([3.0, 1.0, 5.0]));
    check(spread(&[9.0, 1.0, 2.0]), Some([2.0, 1.0, 9.0]));
}

#[test]
fn ratios_are_formed_within_a_round() {
    // The machine is twice as slow in the second round, and the ratio is the same.
    let rounds = [
        round(vec![
            arm(Arm::DefaultEcho, 10_000, 4_000, 80_000.0, false),
            arm(Arm::Journal, 9_000, 4_000, 90_000.0, false),
        ]),
        round(vec![
            arm(Arm::Journal, 18_000, 8_000, 45_000.0, false),
            arm(Arm::DefaultEcho, 20_000, 8_000, 40_000.0, false),
        ]),
    ];
    let figures = figures(&rounds);
    check(figures.unary_cpu_vs_default_echo, Some([0.9, 0.9, 0.9]));
    let rate = figures.unary_rate_vs_default_echo.unwrap();
    assert!((rate.median - 1.125).abs() < 1e-9 && !rate.generator_bound);
    let rate = figures.unary_rate.unwrap();
    assert!((rate.min - 45_000.0).abs() < 1e-9 && (rate.max - 90_000.0).abs() < 1e-9);
    // Nothing is made up of an arm that was not measured.
    check(figures.unary_cpu_vs_percore_echo, None);
    assert_eq!(figures.stream_rate, None);
}

#[test]
fn a_round_without_its_other_arm_is_in_no_ratio() {
    let rounds = [
        round(vec![
            arm(Arm::PercoreEcho, 6_000, 3_000, 150_000.0, false),
            arm(Arm::Journal, 9_000, 4_000, 100_000.0, false),
        ]),
        round(vec![arm(Arm::Journal, 90_000, 4_000, 10_000.0, false)]),
    ];
    let figures = figures(&rounds);
    check(figures.unary_cpu_vs_percore_echo, Some([1.5, 1.5, 1.5]));
    assert!((figures.unary_rate.unwrap().min - 10_000.0).abs() < 1e-9);
}

#[test]
fn a_rate_is_generator_bound_if_either_arm_is_in_any_round() {
    let with = |echo: bool, journal: bool| {
        let figures = figures(&[
            round(vec![
                arm(Arm::PercoreEcho, 6_000, 3_000, 150_000.0, echo),
                arm(Arm::Journal, 9_000, 4_000, 100_000.0, journal),
            ]),
            round(vec![
                arm(Arm::PercoreEcho, 6_000, 3_000, 150_000.0, false),
                arm(Arm::Journal, 9_000, 4_000, 100_000.0, false),
            ]),
        ]);
        let ratio = figures.unary_rate_vs_percore_echo.unwrap();
        (
            ratio.generator_bound,
            figures.unary_rate.unwrap().generator_bound,
        )
    };
    assert_eq!(with(false, false), (false, false));
    assert_eq!(with(true, false), (true, false));
    assert_eq!(with(false, true), (true, true));
}

#[test]
fn an_arm_that_answered_with_anything_but_approvals_is_in_no_figure() {
    let mut declined = arm(Arm::Journal, 9_000, 4_000, 100_000.0, false);
    declined.others.push(super::super::facts::OtherOutcome {
        name: "unavailable".to_owned(),
        count: 1,
    });
    let nothing = MeasuredArm {
        approved: 0,
        ..arm(Arm::Memory, 9_000, 4_000, 100_000.0, false)
    };
    let echo = arm(Arm::DefaultEcho, 10_000, 4_000, 80_000.0, false);
    let figures = figures(&[round(vec![echo, declined, nothing])]);
    check(figures.unary_cpu_vs_default_echo, None);
    assert_eq!(figures.unary_rate, None);
    assert_eq!(figures.memory_rate, None);
}

#[test]
fn time_that_is_not_known_is_no_ratio() {
    let mut echo = arm(Arm::DefaultEcho, 0, 4_000, 80_000.0, false);
    let journal = arm(Arm::Journal, 9_000, 4_000, 90_000.0, false);
    let of = |echo: &MeasuredArm| figures(&[round(vec![echo.clone(), journal.clone()])]);
    check(of(&echo).unary_cpu_vs_default_echo, None);
    echo.server_cpu_ns = None;
    check(of(&echo).unary_cpu_vs_default_echo, None);
    assert!(of(&echo).unary_rate_vs_default_echo.is_some());
}

#[test]
fn what_mutual_tls_costs_is_told_with_an_interval_from_six_rounds_on() {
    let both = |clear: u64, mtls: u64| {
        round(vec![
            arm(Arm::Journal, clear, 4_000, 80_000.0, false),
            arm(Arm::JournalMtls, mtls, 4_000, 80_000.0, false),
        ])
    };
    let mut rounds = vec![both(10_000, 12_000), both(20_000, 26_000)];
    let cost = mtls(&rounds).unwrap().unary_cpu.unwrap();
    assert!(1.2 < cost.estimate && cost.estimate < 1.3, "{cost:?}");
    assert_eq!((cost.low, cost.high, cost.rounds), (None, None, 2));
    rounds.extend((0..6).map(|_| both(10_000, 12_500)));
    let facts = mtls(&rounds).unwrap();
    let cost = facts.unary_cpu.unwrap();
    assert!((cost.estimate - 1.25).abs() < 1e-9, "{cost:?}");
    assert!(
        cost.low.unwrap() < 1.25 && cost.high.unwrap() >= 1.25,
        "{cost:?}"
    );
    assert!(facts.stream_cpu.is_none());
    assert!(mtls(&[round(vec![arm(Arm::Journal, 1, 1, 1.0, false)])]).is_none());
}
