//! What a benchmark found: every figure, complete before any of it is written.

use serde::{Deserialize, Serialize};

pub(crate) use super::arms::Arm;
use crate::report::{GeneratorFacts, HostFacts, Text, TimeFacts, Verdict};

/// Names the form of the JSON report; a field is never changed in meaning under the same name.
pub(crate) const SCHEMA: &str = "waika-loadgen/bench/1";

/// A whole benchmark. Times are nanoseconds and rates payments a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BenchReport {
    /// [`SCHEMA`].
    pub(crate) schema: Text,
    /// Whether to believe it.
    pub(crate) verdict: Verdict,
    /// What the rounds come to.
    pub(crate) figures: Figures,
    /// What mutual TLS costs; absent where that was not asked.
    #[serde(default)]
    pub(crate) mtls: Option<MtlsFacts>,
    /// What each arm showed over all rounds.
    pub(crate) arms: Vec<ArmFacts>,
    /// What was measured, in the order in which it was.
    pub(crate) rounds: Vec<RoundFacts>,
    /// What was asked for.
    pub(crate) plan: BenchPlan,
    /// What measured; shares of cores are the largest of any arm.
    pub(crate) generator: GeneratorFacts,
    /// What was measured.
    pub(crate) server: BenchServer,
    /// Where; what others took is the largest share of any arm.
    pub(crate) host: HostFacts,
    /// What else a reader must know, in sentences.
    pub(crate) remarks: Vec<String>,
}

/// A figure over the rounds. A ratio is formed within a round, never across rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Spread {
    /// Half of the rounds had no more.
    pub(crate) median: f64,
    /// The least of any round.
    pub(crate) min: f64,
    /// The most of any round.
    pub(crate) max: f64,
}

/// The same of a rate, or of a ratio of rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RateSpread {
    /// Half of the rounds had no more.
    pub(crate) median: f64,
    /// The least of any round.
    pub(crate) min: f64,
    /// The most of any round.
    pub(crate) max: f64,
    /// In some round what asked was at the end of its own core: the server may be capable of more,
    /// and processor time decides.
    pub(crate) generator_bound: bool,
}

/// What the rounds come to; absent where an arm was not measured, or answered with anything but
/// approvals. `unary` is each payment a call of its own, by the server with its journal unless it is
/// said otherwise.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Figures {
    /// Processor time of the server for a call, beside that of the default echo.
    pub(crate) unary_cpu_vs_default_echo: Option<Spread>,
    /// The same beside the per-core echo.
    pub(crate) unary_cpu_vs_percore_echo: Option<Spread>,
    /// The same beside the server with its data in memory.
    pub(crate) unary_cpu_vs_memory: Option<Spread>,
    /// Calls a second.
    pub(crate) unary_rate: Option<RateSpread>,
    /// The same beside the default echo.
    pub(crate) unary_rate_vs_default_echo: Option<RateSpread>,
    /// The same beside the per-core echo.
    pub(crate) unary_rate_vs_percore_echo: Option<RateSpread>,
    /// Processor time of the server with its data in memory, beside that of the default echo.
    pub(crate) memory_cpu_vs_default_echo: Option<Spread>,
    /// The same beside the per-core echo.
    pub(crate) memory_cpu_vs_percore_echo: Option<Spread>,
    /// Calls a second of the server with its data in memory.
    pub(crate) memory_rate: Option<RateSpread>,
    /// The same beside the per-core echo.
    pub(crate) memory_rate_vs_percore_echo: Option<RateSpread>,
    /// Processor time of the server for a payment of a stream, beside that of the per-core echo.
    pub(crate) stream_cpu_vs_percore_echo: Option<Spread>,
    /// Payments a second over streams.
    pub(crate) stream_rate: Option<RateSpread>,
    /// The same beside the per-core echo.
    pub(crate) stream_rate_vs_percore_echo: Option<RateSpread>,
    /// Processor time of the server for a payment of a batch, beside one that has a message to itself.
    pub(crate) batch_cpu_vs_stream: Option<Spread>,
    /// Payments a second over streams, many of them in a message.
    pub(crate) batch_rate: Option<RateSpread>,
    /// Calls a second of the default echo by h2load.
    pub(crate) h2load_default_echo_rate: Option<RateSpread>,
    /// Calls a second of the per-core echo by h2load.
    pub(crate) h2load_percore_echo_rate: Option<RateSpread>,
    /// Processor time of this generator for a call of the per-core echo, beside that of h2load.
    pub(crate) generator_cpu_vs_h2load: Option<Spread>,
}

/// Processor time of the server for a payment over mutual TLS, beside one in clear text; absent
/// where no round has both.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MtlsFacts {
    /// Of a call.
    pub(crate) unary_cpu: Option<CostFacts>,
    /// Of a payment of a stream.
    pub(crate) stream_cpu: Option<CostFacts>,
}

/// How many times as much, over the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CostFacts {
    /// The estimate of Hodges and Lehmann.
    pub(crate) estimate: f64,
    /// From where on, with 95 % confidence; absent below six rounds.
    pub(crate) low: Option<f64>,
    /// Up to where, with the same confidence.
    pub(crate) high: Option<f64>,
    /// Rounds that have both arms.
    pub(crate) rounds: usize,
}

/// What an arm showed over all rounds in which it answered with approvals alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ArmFacts {
    /// Which.
    pub(crate) arm: Arm,
    /// Processor time of the server for each payment; absent if it is not known.
    pub(crate) server_cpu_ns: Option<Spread>,
    /// Processor time of what asked for each payment; absent if it is not known.
    pub(crate) client_cpu_ns: Option<Spread>,
    /// Payments a second; absent if there is no round.
    pub(crate) rate_per_second: Option<RateSpread>,
    /// From sending to the answer, all rounds together; of h2load without samples.
    pub(crate) latency: TimeFacts,
}

/// One round.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RoundFacts {
    /// From 1.
    pub(crate) number: u32,
    /// In the order in which they were measured.
    pub(crate) arms: Vec<MeasuredArm>,
}

/// What one arm showed in one round, on a fresh server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MeasuredArm {
    /// Which.
    pub(crate) arm: Arm,
    /// Payments that were approved in the measured part.
    pub(crate) approved: u64,
    /// What else came back; with anything here, the arm is in no figure.
    pub(crate) others: Vec<OtherOutcome>,
    /// Processor time of the server for each call that ended; absent if it is not known.
    pub(crate) server_cpu_ns: Option<u64>,
    /// Processor time of what asked for each of the same calls; absent if it is not known.
    pub(crate) client_cpu_ns: Option<u64>,
    /// Approvals a second.
    pub(crate) rate_per_second: f64,
    /// The time that they are divided by.
    pub(crate) measured_ns: u64,
    /// What the busiest thread of what asked used of its core, from 0 to 1.
    pub(crate) client_core: f64,
    /// That was so much that the rate may be that of what asked.
    pub(crate) generator_bound: bool,
    /// From sending to the answer; of h2load without samples.
    pub(crate) latency: TimeFacts,
    /// Share of the machine's time that other guests took; absent where it is not told.
    pub(crate) stolen: Option<f64>,
    /// How long this process was throttled by a CPU quota, as a share of the measured time, summed
    /// over processors; absent where it is not told.
    pub(crate) throttled: Option<f64>,
    /// Why it is not to be believed.
    pub(crate) doubts: Vec<String>,
}

/// Something else than an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OtherOutcome {
    /// Its name, as a run's report has it.
    pub(crate) name: String,
    /// How often it came.
    pub(crate) count: u64,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BenchPlan {
    /// Rounds of all arms.
    pub(crate) rounds: u32,
    /// The measured part of an arm.
    pub(crate) duration_ns: u64,
    /// What is sent before it.
    pub(crate) warm_up_ns: u64,
    /// Numbers of the cores that served.
    pub(crate) server_cores: Vec<usize>,
    /// Numbers of the cores that asked: the same ones where there are no others.
    pub(crate) generator_cores: Vec<usize>,
    /// Connections, each with one stream in the arms with streams.
    pub(crate) connections: usize,
    /// Calls open at once, over all connections.
    pub(crate) in_flight: usize,
    /// Payments open at once on all streams.
    pub(crate) stream_in_flight: usize,
    /// The most payments in a message of the arm with batches.
    pub(crate) batch: usize,
    /// Accounts that pay, in turn.
    pub(crate) accounts: u64,
    /// Merchants that sell.
    pub(crate) merchants: u64,
    /// What each payment costs, in fen.
    pub(crate) amount_fen: u64,
    /// The seed of people and amounts.
    pub(crate) seed: u64,
    /// The version of h2load; absent if it is not installed.
    pub(crate) h2load: Option<String>,
    /// How long it took.
    pub(crate) took_ns: u64,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BenchServer {
    /// The program.
    pub(crate) program: String,
    /// What it says of its version; absent if it does not.
    pub(crate) version: Option<String>,
}

impl Spread {
    /// The same with each value changed.
    pub(crate) fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self {
            median: change(self.median),
            min: change(self.min),
            max: change(self.max),
        }
    }
}

impl RoundFacts {
    /// What an arm showed, if that was nothing but approvals.
    pub(crate) fn of(&self, arm: Arm) -> Option<&MeasuredArm> {
        let found = self.arms.iter().find(|measured| measured.arm == arm)?;
        found.is_sound().then_some(found)
    }
}

impl MeasuredArm {
    /// There were approvals, and nothing else.
    pub(crate) fn is_sound(&self) -> bool {
        self.approved > 0 && self.others.is_empty()
    }
}
