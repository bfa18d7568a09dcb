//! What a comparison found: every figure, complete before any of it is written.

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::report::Text;

/// Names the form of the JSON of `gate`; a field is never changed in meaning under the same name.
pub(crate) const GATE_SCHEMA: &str = "waika-loadgen/gate/1";

/// Names the form of the JSON of `compare`: the same fields.
pub(crate) const COMPARE_SCHEMA: &str = "waika-loadgen/compare/1";

/// A whole comparison of B with A. Changes are ratios less one: 0.05 says that B has 5 % more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Comparison {
    /// [`GATE_SCHEMA`] or [`COMPARE_SCHEMA`].
    pub(crate) schema: Text,
    /// What came of it.
    pub(crate) verdict: Decision,
    /// Why it is not to be believed, or why there is no verdict; empty if it passed or regressed.
    pub(crate) reasons: Vec<String>,
    /// It was stopped before its end.
    pub(crate) interrupted: bool,
    /// A was compared with itself, to learn this machine's noise.
    pub(crate) against_itself: bool,
    /// The baseline.
    pub(crate) a: ArmFacts,
    /// What is held against it.
    pub(crate) b: ArmFacts,
    /// What was compared; those that decide first.
    pub(crate) metrics: Vec<MetricFacts>,
    /// Something that must not differ between the arms; absent if it was not measured.
    pub(crate) control: Option<ControlFacts>,
    /// What disturbed.
    pub(crate) noise: NoiseFacts,
    /// What was asked for.
    pub(crate) plan: ComparisonPlan,
    /// Where.
    pub(crate) host: ComparisonHost,
    /// What else a reader must know, in sentences.
    pub(crate) remarks: Vec<String>,
}

/// What came of a comparison, or of one of its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// B is not worse than the tolerance allows; of A against itself, no difference was claimed.
    Passed,
    /// B is worse than the tolerance allows; of A against itself, a false alarm.
    Regressed,
    /// There is no verdict.
    Inconclusive,
    /// It is not to be believed.
    Invalid,
    /// A server has broken a rule of its ledger.
    Violated,
    /// A metric that decides nothing.
    Advisory,
}

impl Decision {
    /// How a command ends that came to it.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Passed | Self::Advisory => Exit::Passed,
            Self::Regressed => Exit::Regressed,
            Self::Inconclusive => Exit::Inconclusive,
            Self::Invalid => Exit::Invalid,
            Self::Violated => Exit::Violated,
        }
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Regressed => "REGRESSED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Invalid => "INVALID",
            Self::Violated => "VIOLATED",
            Self::Advisory => "advisory",
        }
    }
}

/// One of the two that are compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ArmFacts {
    /// As it was asked for: a path, `git:REF`, or stored runs.
    pub(crate) name: String,
    /// The program, or the files.
    pub(crate) paths: Vec<String>,
    /// The commit that it was built of, in full; absent if it was not built here.
    pub(crate) commit: Option<String>,
    /// What the server says of its version; absent if it does not.
    pub(crate) version: Option<String>,
    /// The schema of the stored runs; absent of a gate.
    pub(crate) report_schema: Option<String>,
    /// Answers that were proven right before anything was measured; absent if nobody looked.
    pub(crate) answers_checked: Option<u64>,
    /// Rules that it broke in them.
    pub(crate) violations: u64,
}

/// One metric, compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MetricFacts {
    /// Its name on the command line: `cpu`, `p50`, `p99`.
    pub(crate) name: String,
    /// Its name for people, such as `server CPU per call`.
    pub(crate) label: String,
    /// The unit of `a` and `b` of its pairs, such as `ns`.
    pub(crate) unit: String,
    /// It decides.
    pub(crate) gating: bool,
    /// How it changed, and how much it may.
    #[serde(flatten)]
    pub(crate) change: ChangeFacts,
    /// Its pairs, in the order in which they were measured.
    pub(crate) pairs: Vec<PairFacts>,
    /// How likely pairs that lie so far above it are if the change is just the tolerance: of one side. Of
    /// A against itself, how likely pairs so far from no change are: of both sides.
    pub(crate) p_value: Option<f64>,
    /// What came of it.
    pub(crate) verdict: Decision,
    /// The smallest change that would have been called a regression in 80 of 100 such comparisons.
    pub(crate) detectable: Option<f64>,
    /// The standard deviation of the pairs' log-ratios, as far as the interval tells it.
    pub(crate) spread: Option<f64>,
}

/// How something changed from A to B.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ChangeFacts {
    /// How many pairs were used.
    pub(crate) used: usize,
    /// The median of A over the pairs that were used.
    pub(crate) a_median: Option<f64>,
    /// The same of B.
    pub(crate) b_median: Option<f64>,
    /// The estimated change of B against A; absent without pairs.
    pub(crate) estimate: Option<f64>,
    /// The lower end of its interval; absent if there are too few pairs for one.
    pub(crate) low: Option<f64>,
    /// The upper end.
    pub(crate) high: Option<f64>,
    /// The interval's level, such as 0.95, after looks and metrics have had their parts.
    pub(crate) level: f64,
    /// The change that is allowed.
    pub(crate) tolerance: f64,
}

/// A pair: what both arms showed in blocks next to each other, all of them together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PairFacts {
    /// What A showed, in the metric's unit.
    pub(crate) a: f64,
    /// What B showed.
    pub(crate) b: f64,
    /// ln (b / a).
    pub(crate) log_ratio: f64,
    /// Which pair of fresh servers it was measured on, from 0.
    pub(crate) superblock: u32,
    /// The order of its blocks, round by round, such as `ABBA BAAB`; empty for stored runs.
    pub(crate) order: Text,
    /// Why it was not used; absent if it was.
    pub(crate) discarded: Option<String>,
}

/// Something that must not differ between the arms.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ControlFacts {
    /// What, such as `server CPU per health check`.
    pub(crate) label: String,
    /// The unit of its medians.
    pub(crate) unit: String,
    /// How it changed, and how much it may, either way.
    #[serde(flatten)]
    pub(crate) change: ChangeFacts,
    /// It moved beyond what is allowed.
    pub(crate) moved: bool,
}

/// What disturbed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NoiseFacts {
    /// Pairs that were measured.
    pub(crate) pairs: usize,
    /// Pairs that were not used, because something outside disturbed them.
    pub(crate) discarded: usize,
    /// Share of the machine's time that other guests took, in the mean over blocks.
    pub(crate) stolen: Option<f64>,
    /// Share of the machine's time that other programs of it took, in the mean over blocks.
    pub(crate) others: Option<f64>,
    /// Half of the width of the interval that decides, as a change: no tolerance below it can be
    /// held on this machine in this budget.
    pub(crate) half_width: Option<f64>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ComparisonPlan {
    /// `open` or `closed`; as the stored runs were.
    #[serde(rename = "loop")]
    pub(crate) discipline: Text,
    /// Requests a second; absent for a closed loop.
    pub(crate) rate_per_second: Option<f64>,
    /// Calls open at once; absent for an open loop.
    pub(crate) in_flight: Option<usize>,
    /// The measured part of one block.
    pub(crate) block_ns: u64,
    /// What is sent before it.
    pub(crate) warm_up_ns: u64,
    /// Blocks of each arm in a pair; each pair has fresh servers.
    pub(crate) blocks_per_arm: u32,
    /// Accounts that pay.
    pub(crate) accounts: u64,
    /// Merchants that sell.
    pub(crate) merchants: u64,
    /// The seed of the order and of the plans.
    pub(crate) seed: u64,
    /// How long it might take; absent of stored runs.
    pub(crate) budget_ns: Option<u64>,
    /// How long it took.
    pub(crate) took_ns: u64,
    /// The looks that were planned, each with its part of the error and the pairs there were.
    pub(crate) looks: Vec<LookFacts>,
    /// Arguments that A had besides its own folders and ports.
    pub(crate) a_arguments: Vec<String>,
    /// Arguments that B had besides its own folders and ports.
    pub(crate) b_arguments: Vec<String>,
}

/// One look at the figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LookFacts {
    /// At which part of the budget, 0 to 1.
    pub(crate) at: f64,
    /// Its part of the error that is allowed in all, 0 to 1.
    pub(crate) error: f64,
    /// Pairs that there were; absent if it did not come to it.
    pub(crate) pairs: Option<usize>,
}

/// Where it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ComparisonHost {
    /// The machine's name.
    pub(crate) name: String,
    /// Its cores.
    pub(crate) cores: usize,
    /// When it began, RFC 3339.
    pub(crate) started_at: String,
    /// The version of this program.
    pub(crate) generator_version: Text,
}
