//! What several hosts found together.

use serde::{Deserialize, Serialize};

use crate::report::{
    CountFacts, CurvePoint, GeneratorFacts, HostFacts, OutcomeFacts, PlanFacts, RateFacts,
    ServerFacts, Span, Text, TimeFacts, Verdict,
};

/// Names the form of the JSON; a field is never changed in meaning under the same name.
pub(crate) const SCHEMA: &str = "waika-loadgen/merge/1";

/// The logs of one plan's slices together. Times are nanoseconds unless a name says otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Merged {
    /// [`SCHEMA`].
    pub(crate) schema: Text,
    /// Whether to believe it: no part may be invalid, and none may be missing.
    pub(crate) verdict: Verdict,
    /// What was asked for, of all slices together.
    pub(crate) plan: PlanFacts,
    /// Slices of the plan that were not given, such as `2/3`.
    pub(crate) missing: Vec<String>,
    /// How many of what: sums over the parts.
    pub(crate) counts: CountFacts,
    /// How fast: sums over the parts, and the longest time that one measured.
    pub(crate) rates: RateFacts,
    /// From due to done, of the requests that were decided and those that nobody answered.
    pub(crate) response: TimeFacts,
    /// From sent to done, of the same requests.
    pub(crate) service: TimeFacts,
    /// From due to sent, of the same requests.
    pub(crate) lag: TimeFacts,
    /// How many response times fell into each span.
    pub(crate) response_histogram: Vec<Span>,
    /// Response times by percentile, no further than the samples support.
    pub(crate) response_curve: Vec<CurvePoint>,
    /// Service times by percentile.
    pub(crate) service_curve: Vec<CurvePoint>,
    /// Lag by percentile.
    pub(crate) lag_curve: Vec<CurvePoint>,
    /// What became of the requests, most frequent first.
    pub(crate) outcomes: Vec<OutcomeFacts>,
    /// The same as of one run of the whole plan that was decided alike; hexadecimal; absent if a
    /// part has none or is missing.
    pub(crate) decided_alike: Option<String>,
    /// The parts, in the order of their slices.
    pub(crate) parts: Vec<PartFacts>,
    /// The version of the program that merged.
    pub(crate) version: Text,
}

/// What one host found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PartFacts {
    /// The file that it was read from.
    pub(crate) file: String,
    /// Which slice it is, such as `2/3`; absent if it is all of the plan.
    pub(crate) slice: Option<String>,
    /// Whether to believe it.
    pub(crate) verdict: Verdict,
    /// How many of what.
    pub(crate) counts: CountFacts,
    /// From due to done, as above.
    pub(crate) response: TimeFacts,
    /// From sent to done.
    pub(crate) service: TimeFacts,
    /// From due to sent.
    pub(crate) lag: TimeFacts,
    /// Response times by percentile.
    pub(crate) response_curve: Vec<CurvePoint>,
    /// What measured.
    pub(crate) generator: GeneratorFacts,
    /// What was measured.
    pub(crate) server: ServerFacts,
    /// Where.
    pub(crate) host: HostFacts,
    /// Whether its response times are like those of the others.
    pub(crate) likeness: Likeness,
}

/// Whether one host's response times are like those of the others together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Likeness {
    /// No difference was found that is beyond both chance and a tenth.
    Alike {
        /// The percentile that differs most, by standard errors.
        furthest: Difference,
    },
    /// There is one.
    Different {
        /// The percentile that differs most, by standard errors.
        furthest: Difference,
    },
    /// It cannot be said.
    NotJudged {
        /// Why not.
        why: String,
    },
}

/// How far a percentile of one host is from that of the others together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Difference {
    /// Which, from 0 to 1.
    pub(crate) quantile: f64,
    /// This host's.
    pub(crate) ns: u64,
    /// That of the others.
    pub(crate) others_ns: u64,
    /// The first by the second.
    pub(crate) ratio: f64,
    /// Standard error of the ratio's natural logarithm.
    pub(crate) standard_error: f64,
}

impl PartFacts {
    /// What to call it: its slice and its host.
    pub(crate) fn name(&self) -> String {
        let host = if self.host.name.is_empty() {
            "a host without a name"
        } else {
            &self.host.name
        };
        match &self.slice {
            Some(slice) => format!("slice {slice} on {host}"),
            None => host.to_owned(),
        }
    }
}

impl Difference {
    /// How many standard errors it is from none.
    pub(crate) fn standard_errors(&self) -> f64 {
        let apart = self.ratio.ln().abs();
        if apart < f64::EPSILON {
            return 0.0;
        }
        apart / self.standard_error
    }
}
