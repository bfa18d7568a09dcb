//! What was found of a proxy's cost: every figure, complete before any of it is written.

use serde::{Deserialize, Serialize};

pub(crate) use crate::bench::facts::OtherOutcome;
use crate::report::{GeneratorFacts, HostFacts, Text, Verdict};

/// Names the form of the JSON report; a field is never changed in meaning under the same name.
pub(crate) const SCHEMA: &str = "waika-loadgen/mesh-tax/1";

/// What a proxy costs each call. Times are nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MeshTaxReport {
    /// [`SCHEMA`].
    pub(crate) schema: Text,
    /// Whether to believe it.
    pub(crate) verdict: Verdict,
    /// What the rounds come to.
    pub(crate) metrics: Vec<TaxFacts>,
    /// What was measured, in the order in which it was; only rounds that came to their end.
    pub(crate) rounds: Vec<TaxRound>,
    /// What was asked for.
    pub(crate) plan: TaxPlan,
    /// What measured; the share of a core is the largest of any block.
    pub(crate) generator: GeneratorFacts,
    /// Where.
    pub(crate) host: HostFacts,
    /// What else a reader must know, in sentences.
    pub(crate) remarks: Vec<String>,
}

/// Something that a proxy may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaxMetric {
    /// From due to done: half were not longer.
    ResponseP50,
    /// The same: 99 in a hundred were not longer.
    ResponseP99,
    /// The round trip less the server's own time: half were not longer.
    NetworkP50,
    /// The same: 99 in a hundred were not longer.
    NetworkP99,
    /// The server's own time, from the whole message to the answer: a control, for no proxy is in it.
    ServerP50,
    /// Processor time of the server.
    ServerCpu,
    /// Processor time of the proxy while calls go through it: all of it is the difference.
    ProxyCpu,
}

/// What metrics have about the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Those of the middle of the calls.
    Middle,
    /// Those of their slow end.
    Tail,
    /// Those of processors.
    Cost,
}

/// One metric over the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TaxFacts {
    /// Of what.
    pub(crate) metric: TaxMetric,
    /// The median of the rounds, directly; absent of the proxy.
    pub(crate) direct_ns: Option<f64>,
    /// The same through the proxy.
    pub(crate) through_ns: Option<f64>,
    /// How much more a call has through the proxy: the estimate of Hodges and Lehmann over the rounds'
    /// differences.
    pub(crate) estimate_ns: f64,
    /// The lower end of its interval; absent if there are too few rounds for one.
    pub(crate) low_ns: Option<f64>,
    /// The upper end.
    pub(crate) high_ns: Option<f64>,
    /// The interval's level, such as 0.95.
    pub(crate) level: f64,
    /// How many rounds have it.
    pub(crate) rounds: usize,
}

/// A round: what both ways showed, each in two blocks that are added up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TaxRound {
    /// The order of its blocks: `ABBA`, or `BAAB`. A is direct.
    pub(crate) order: Text,
    /// Directly.
    pub(crate) direct: TaxSide,
    /// Through the proxy.
    pub(crate) through: TaxSide,
}

/// What one way showed in a round. A percentile is absent if there are too few samples for it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TaxSide {
    /// Payments that were due; none in a closed loop that were not sent.
    pub(crate) planned: u64,
    /// Payments that were sent.
    pub(crate) sent: u64,
    /// Were approved.
    pub(crate) approved: u64,
    /// Were declined, by reason.
    pub(crate) declines: Vec<OtherOutcome>,
    /// Were not decided, or had been decided before.
    pub(crate) others: Vec<OtherOutcome>,
    /// Decisions that did not tell the server's own time, or told one that cannot be.
    pub(crate) untimed: u64,
    /// Response time, from due to done: half were not longer.
    pub(crate) response_p50_ns: Option<u64>,
    /// 99 in a hundred were not longer.
    pub(crate) response_p99_ns: Option<u64>,
    /// Round trip less the server's own time: half were not longer.
    pub(crate) network_p50_ns: Option<u64>,
    /// 99 in a hundred were not longer.
    pub(crate) network_p99_ns: Option<u64>,
    /// The server's own time: half were not longer.
    pub(crate) server_p50_ns: Option<u64>,
    /// Processor time of the server for a call; absent if its process is not known.
    pub(crate) server_cpu_ns: Option<f64>,
    /// The same of the proxy.
    pub(crate) proxy_cpu_ns: Option<f64>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TaxPlan {
    /// The server's address.
    pub(crate) target: String,
    /// The proxy's.
    pub(crate) through: String,
    /// `open` or `closed`.
    #[serde(rename = "loop")]
    pub(crate) discipline: Text,
    /// Requests a second; absent for a closed loop.
    pub(crate) rate_per_second: Option<f64>,
    /// Calls open at once; absent for an open loop.
    pub(crate) in_flight: Option<usize>,
    /// Rounds of four blocks.
    pub(crate) rounds: u32,
    /// The measured part of one block.
    pub(crate) block_ns: u64,
    /// What is sent before it.
    pub(crate) warm_up_ns: u64,
    /// Accounts that pay.
    pub(crate) accounts: u64,
    /// Merchants that sell.
    pub(crate) merchants: u64,
    /// The seed of the order and of the plans.
    pub(crate) seed: u64,
    /// How long it took.
    pub(crate) took_ns: u64,
}

impl TaxMetric {
    /// All of them, as reports have them.
    pub(crate) const ALL: [Self; 7] = [
        Self::ResponseP50,
        Self::ResponseP99,
        Self::NetworkP50,
        Self::NetworkP99,
        Self::ServerP50,
        Self::ServerCpu,
        Self::ProxyCpu,
    ];

    /// Its name for machines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResponseP50 => "response_p50",
            Self::ResponseP99 => "response_p99",
            Self::NetworkP50 => "network_p50",
            Self::NetworkP99 => "network_p99",
            Self::ServerP50 => "server_p50",
            Self::ServerCpu => "server_cpu",
            Self::ProxyCpu => "proxy_cpu",
        }
    }

    /// Its name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::ResponseP50 => "response, p50",
            Self::ResponseP99 => "response, p99",
            Self::NetworkP50 => "network, p50",
            Self::NetworkP99 => "network, p99",
            Self::ServerP50 => "control: server's own time, p50",
            Self::ServerCpu => "server CPU",
            Self::ProxyCpu => "proxy CPU",
        }
    }

    /// Which others can be drawn beside it.
    pub(crate) fn scale(self) -> Scale {
        match self {
            Self::ResponseP50 | Self::NetworkP50 | Self::ServerP50 => Scale::Middle,
            Self::ResponseP99 | Self::NetworkP99 => Scale::Tail,
            Self::ServerCpu | Self::ProxyCpu => Scale::Cost,
        }
    }
}

impl TaxFacts {
    /// Its interval, if there are rounds enough for one.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        self.low_ns.zip(self.high_ns)
    }

    /// Whether its interval leaves out that nothing differs.
    pub(crate) fn differs(&self) -> bool {
        self.interval()
            .is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}
