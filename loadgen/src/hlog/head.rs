//! What a log says of the run that it is of, in one comment.

use serde::{Deserialize, Serialize};

use crate::report::{
    CountFacts, GeneratorFacts, HostFacts, PlanFacts, RateFacts, Report, ServerFacts, Verdict,
};

/// Names the form of the comment; a field is never changed in meaning under the same name.
pub(crate) const SCHEMA: &str = "waika-loadgen/hlog/1";

/// Everything that `merge` must know of a run besides its samples.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    /// [`SCHEMA`].
    pub(crate) schema: String,
    /// How many lines of samples follow.
    pub(crate) lines: u64,
    /// The length of an interval.
    pub(crate) interval_ns: u64,
    /// When the measured part began, since the epoch.
    pub(crate) began_ns: u64,
    /// Whether to believe it.
    pub(crate) verdict: Verdict,
    /// What was asked for.
    pub(crate) plan: PlanFacts,
    /// The plan as `plan show` prints it; absent where it was made of something else.
    pub(crate) plan_text: Option<String>,
    /// How many of what.
    pub(crate) counts: CountFacts,
    /// How fast.
    pub(crate) rates: RateFacts,
    /// As in the report: sums of it add up over slices.
    pub(crate) decided_alike: Option<String>,
    /// What measured.
    pub(crate) generator: GeneratorFacts,
    /// What was measured.
    pub(crate) server: ServerFacts,
    /// Where.
    pub(crate) host: HostFacts,
}

impl Head {
    /// Of a report, whose measured part began so many nanoseconds after the epoch.
    pub(crate) fn of(report: &Report, plan_text: Option<&str>, began_ns: u64) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            lines: 0,
            interval_ns: 0,
            began_ns,
            verdict: report.verdict.clone(),
            plan: report.plan.clone(),
            plan_text: plan_text.map(ToOwned::to_owned),
            counts: report.counts,
            rates: report.rates,
            decided_alike: report.decided_alike.clone(),
            generator: report.generator.clone(),
            server: report.server.clone(),
            host: report.host.clone(),
        }
    }
}
