//! Pure: what rounds come to. A ratio is formed between two arms of one round, which stood next to
//! each other in time; then the median, the least and the most over the rounds are told.

use super::facts::{
    Arm, CostFacts, Figures, MeasuredArm, MtlsFacts, RateSpread, RoundFacts, Spread,
};
use crate::figures::count_as_real;
use crate::gate::statistics;

/// The median, the least and the most; `None` of nothing.
fn spread(values: &[f64]) -> Option<Spread> {
    Some(Spread {
        median: statistics::median(values)?,
        min: values.iter().copied().reduce(f64::min)?,
        max: values.iter().copied().reduce(f64::max)?,
    })
}

/// A value of each round that has one.
pub(super) fn over(
    rounds: &[RoundFacts],
    arm: Arm,
    value: fn(&MeasuredArm) -> Option<f64>,
) -> Option<Spread> {
    let values = rounds.iter().filter_map(|round| value(round.of(arm)?));
    spread(&values.collect::<Vec<f64>>())
}

/// Processor time of the server for a payment.
pub(super) fn server_cpu(measured: &MeasuredArm) -> Option<f64> {
    measured.server_cpu_ns.map(count_as_real)
}

/// Processor time of what asks for a payment.
pub(super) fn client_cpu(measured: &MeasuredArm) -> Option<f64> {
    measured.client_cpu_ns.map(count_as_real)
}

/// The rate of an arm.
pub(super) fn rate(rounds: &[RoundFacts], arm: Arm) -> Option<RateSpread> {
    let measured: Vec<&MeasuredArm> = rounds.iter().filter_map(|round| round.of(arm)).collect();
    let values: Vec<f64> = measured.iter().map(|arm| arm.rate_per_second).collect();
    let is_bound = measured.iter().any(|arm| arm.generator_bound);
    Some(of_rate(spread(&values)?, is_bound))
}

fn of_rate(spread: Spread, generator_bound: bool) -> RateSpread {
    RateSpread {
        median: spread.median,
        min: spread.min,
        max: spread.max,
        generator_bound,
    }
}

/// Both arms of each round that has both.
fn pairs(rounds: &[RoundFacts], (top, bottom): (Arm, Arm)) -> Vec<(&MeasuredArm, &MeasuredArm)> {
    rounds
        .iter()
        .filter_map(|round| Some((round.of(top)?, round.of(bottom)?)))
        .collect()
}

/// How many times as much `top` has as `bottom`.
fn ratio(
    rounds: &[RoundFacts],
    arms: (Arm, Arm),
    value: fn(&MeasuredArm) -> Option<f64>,
) -> Option<Spread> {
    spread(&ratios(rounds, arms, value))
}

/// The same of each round.
fn ratios(
    rounds: &[RoundFacts],
    arms: (Arm, Arm),
    value: fn(&MeasuredArm) -> Option<f64>,
) -> Vec<f64> {
    let of = |(top, bottom): (&MeasuredArm, &MeasuredArm)| {
        let bottom = value(bottom).filter(|bottom| *bottom > 0.0)?;
        Some(value(top)? / bottom)
    };
    pairs(rounds, arms).into_iter().filter_map(of).collect()
}

/// How often an interval of a cost leaves out the truth.
const ERROR: f64 = 0.05;

/// What mutual TLS costs; `None` if no round has anything of it.
pub(super) fn mtls(rounds: &[RoundFacts]) -> Option<MtlsFacts> {
    let cost = |arms| cost(&ratios(rounds, arms, server_cpu));
    let facts = MtlsFacts {
        unary_cpu: cost((Arm::JournalMtls, Arm::Journal)),
        stream_cpu: cost((Arm::JournalStreamMtls, Arm::JournalStream)),
    };
    (facts.unary_cpu.is_some() || facts.stream_cpu.is_some()).then_some(facts)
}

/// Ratios are compared by their logarithms, so that twice as much is as far away as half.
fn cost(ratios: &[f64]) -> Option<CostFacts> {
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let interval = statistics::interval(&logarithms, ERROR);
    Some(CostFacts {
        estimate: statistics::estimate(&logarithms)?.exp(),
        low: interval.map(|(low, _)| low.exp()),
        high: interval.map(|(_, high)| high.exp()),
        rounds: ratios.len(),
    })
}

fn ratio_of_rates(rounds: &[RoundFacts], arms: (Arm, Arm)) -> Option<RateSpread> {
    let found = ratio(rounds, arms, |arm| Some(arm.rate_per_second))?;
    let is_bound = pairs(rounds, arms)
        .into_iter()
        .any(|(top, bottom)| top.generator_bound || bottom.generator_bound);
    Some(of_rate(found, is_bound))
}

/// All figures.
pub(super) fn figures(rounds: &[RoundFacts]) -> Figures {
    use Arm::{
        DefaultEcho, H2loadDefaultEcho, H2loadPercoreEcho, Journal, JournalBatch, JournalStream,
        Memory, PercoreEcho, PercoreEchoStream,
    };
    let cpu = |top, bottom| ratio(rounds, (top, bottom), server_cpu);
    let rates = |top, bottom| ratio_of_rates(rounds, (top, bottom));
    let rate = |arm| rate(rounds, arm);
    Figures {
        unary_cpu_vs_default_echo: cpu(Journal, DefaultEcho),
        unary_cpu_vs_percore_echo: cpu(Journal, PercoreEcho),
        unary_cpu_vs_memory: cpu(Journal, Memory),
        unary_rate: rate(Journal),
        unary_rate_vs_default_echo: rates(Journal, DefaultEcho),
        unary_rate_vs_percore_echo: rates(Journal, PercoreEcho),
        memory_cpu_vs_default_echo: cpu(Memory, DefaultEcho),
        memory_cpu_vs_percore_echo: cpu(Memory, PercoreEcho),
        memory_rate: rate(Memory),
        memory_rate_vs_percore_echo: rates(Memory, PercoreEcho),
        stream_cpu_vs_percore_echo: cpu(JournalStream, PercoreEchoStream),
        stream_rate: rate(JournalStream),
        stream_rate_vs_percore_echo: rates(JournalStream, PercoreEchoStream),
        batch_cpu_vs_stream: cpu(JournalBatch, JournalStream),
        batch_rate: rate(JournalBatch),
        h2load_default_echo_rate: rate(H2loadDefaultEcho),
        h2load_percore_echo_rate: rate(H2loadPercoreEcho),
        generator_cpu_vs_h2load: ratio(rounds, (PercoreEcho, H2loadPercoreEcho), client_cpu),
    }
}

#[cfg(test)]
mod tests;
