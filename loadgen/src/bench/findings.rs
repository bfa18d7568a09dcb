//! Making a report of what was gathered.

use super::arms::Arm;
use super::facts::{ArmFacts, BenchPlan, BenchReport, BenchServer, MeasuredArm, SCHEMA};
use super::ratios;
use super::runner::{Bench, Gathered};
use crate::capacity::AMOUNT_FEN;
use crate::clock::duration_ns;
use crate::host;
use crate::recorder;
use crate::report::{GeneratorFacts, HostFacts, TimeFacts, Verdict};
use crate::summary;

/// The whole report.
pub(super) fn report(bench: &Bench, gathered: Gathered) -> BenchReport {
    let args = &bench.args;
    let measured: Vec<(u32, &MeasuredArm)> = gathered
        .rounds
        .iter()
        .flat_map(|round| round.arms.iter().map(|arm| (round.number, arm)))
        .collect();
    let largest = |value: fn(&MeasuredArm) -> Option<f64>| {
        let values = measured.iter().filter_map(|(_, arm)| value(arm));
        values.reduce(f64::max)
    };
    let reasons: Vec<String> = measured
        .iter()
        .flat_map(|(round, arm)| reasons(*round, arm))
        .collect();
    BenchReport {
        schema: SCHEMA.into(),
        verdict: Verdict {
            valid: reasons.is_empty(),
            reasons,
            interrupted: gathered.interrupted,
        },
        figures: ratios::figures(&gathered.rounds),
        mtls: ratios::mtls(&gathered.rounds),
        arms: bench
            .arms
            .iter()
            .map(|arm| arm_facts(*arm, &gathered))
            .collect(),
        plan: plan(bench, gathered.took_ns),
        generator: GeneratorFacts {
            version: env!("CARGO_PKG_VERSION").into(),
            workers: args.workers.get(),
            connections: args.connections.get(),
            reconnects: gathered.reconnects,
            pacing: None,
            cpu_ns_per_call: None,
            worker_cpu: largest(of_ourselves).into_iter().collect(),
        },
        server: BenchServer {
            program: bench.server.display().to_string(),
            version: bench.version.clone(),
        },
        host: HostFacts {
            name: host::name(),
            cores: bench.cores.count(),
            started_at: summary::timestamp(gathered.started_at).to_string(),
            stolen: largest(|arm| arm.stolen),
            throttled: largest(|arm| arm.throttled),
        },
        remarks: remarks(bench),
        rounds: gathered.rounds,
    }
}

/// What this program used of its core, and no other did.
fn of_ourselves(measured: &MeasuredArm) -> Option<f64> {
    (!measured.arm.is_h2load()).then_some(measured.client_core)
}

/// Why an arm is not to be believed.
fn reasons(round: u32, measured: &MeasuredArm) -> Vec<String> {
    let named = |what: &str| format!("round {round}, {}: {what}", measured.arm.label());
    let mut reasons: Vec<String> = measured.doubts.iter().map(|what| named(what)).collect();
    if !measured.is_sound() {
        let others: Vec<String> = measured
            .others
            .iter()
            .map(|other| format!("{} {}", other.count, other.name))
            .collect();
        reasons.push(named(&match others.as_slice() {
            [] => "nothing was approved in the measured part".to_owned(),
            others => format!(
                "not all was approved ({}), so it is in no figure",
                others.join(", ")
            ),
        }));
    }
    reasons
}

fn arm_facts(arm: Arm, gathered: &Gathered) -> ArmFacts {
    let rounds = gathered.rounds.as_slice();
    let nothing = recorder::histogram();
    let latency = gathered.latencies.get(&arm).unwrap_or(&nothing);
    ArmFacts {
        arm,
        server_cpu_ns: ratios::over(rounds, arm, ratios::server_cpu),
        client_cpu_ns: ratios::over(rounds, arm, ratios::client_cpu),
        rate_per_second: ratios::rate(rounds, arm),
        latency: TimeFacts::of(latency),
    }
}

fn plan(bench: &Bench, took_ns: u64) -> BenchPlan {
    let args = &bench.args;
    BenchPlan {
        rounds: args.rounds.get(),
        duration_ns: duration_ns(args.duration),
        warm_up_ns: duration_ns(args.warm_up),
        server_cores: bench.cores.server.clone(),
        generator_cores: bench.cores.generator.clone(),
        connections: args.connections.get(),
        in_flight: args.in_flight.get(),
        stream_in_flight: args.stream_in_flight.get(),
        batch: args.batch.get(),
        accounts: args.people.accounts.get().into(),
        merchants: args.people.merchants.get().into(),
        amount_fen: AMOUNT_FEN.get().into(),
        seed: args.people.seed,
        h2load: bench.h2load.as_ref().map(|h2load| h2load.version.clone()),
        took_ns,
    }
}

/// What else a reader must know.
pub(super) fn remarks(bench: &Bench) -> Vec<String> {
    let mut remarks = Vec::new();
    if bench.cores.are_shared() {
        remarks.push(
            "The server and the generator share their cores, for there are no others: each takes time from the other, \
             and rates are those of both together. Processor time a call still counts."
                .to_owned(),
        );
    }
    if bench.h2load.is_none() && !bench.args.mtls {
        remarks.push(
            "h2load is not installed (Debian: nghttp2-client): the floors were not measured with it."
                .to_owned(),
        );
    }
    if cfg!(debug_assertions) {
        remarks.push(
            "This is a debug build: its figures say nothing of a release build. Use cargo build --release."
                .to_owned(),
        );
    }
    remarks
}
