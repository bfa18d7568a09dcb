//! What a run found: every figure, complete before any of it is written.

pub(crate) mod breakdown;
mod breakdown_text;
pub(crate) mod certificate;
mod curve;
pub(crate) mod document;
pub(crate) mod file;
pub(crate) mod html;
mod junit;
mod markdown;
mod measured;
pub(crate) mod other_calls;
pub(crate) mod outputs;
mod plot;
mod prometheus;
pub(crate) mod rules;
mod run_document;
mod run_gauges;
mod run_tables;
pub(crate) mod text;
mod thresholds;
pub(crate) mod time_line;
pub(crate) mod verdict_text;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::target::Protection;
use crate::threshold::ThresholdFacts;
use breakdown::{SchemeFacts, TimingFacts};
use certificate::CertificateFacts;
pub(crate) use curve::CurvePoint;
pub(crate) use measured::{curve, outcomes_of, percentile, spans};
use other_calls::OtherCallFacts;
use rules::RulesFacts;
pub(crate) use time_line::TimeLineFacts;

/// Names the form of the JSON report; a field is never changed in meaning under the same name.
pub(crate) const SCHEMA: &str = "waika-loadgen/run/1";

/// Words of the facts: this program's own, or those of a report that was read.
pub(crate) type Text = Cow<'static, str>;

/// A whole report. Times are nanoseconds unless a name says otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report {
    /// [`SCHEMA`].
    pub(crate) schema: Text,
    /// Whether to believe it.
    pub(crate) verdict: Verdict,
    /// What was asked for.
    pub(crate) plan: PlanFacts,
    /// How many of what.
    pub(crate) counts: CountFacts,
    /// How fast.
    pub(crate) rates: RateFacts,
    /// From due to done, of the requests that were decided, and of those that timed out or were
    /// unfinished at their age: the headline. Errors have times with their outcome only.
    pub(crate) response: TimeFacts,
    /// From sent to done, of the same requests.
    pub(crate) service: TimeFacts,
    /// From due to sent, of the same requests: the generator's own fault.
    pub(crate) lag: TimeFacts,
    /// How many response times fell into each span.
    pub(crate) response_histogram: Vec<Span>,
    /// Response times by percentile, no further than the samples support.
    pub(crate) response_curve: Vec<CurvePoint>,
    /// Service times by percentile.
    pub(crate) service_curve: Vec<CurvePoint>,
    /// Lag by percentile.
    pub(crate) lag_curve: Vec<CurvePoint>,
    /// What happened when.
    pub(crate) time_line: TimeLineFacts,
    /// Where the server says its time went; absent unless `--timing` asked.
    pub(crate) timing: Option<TimingFacts>,
    /// The schemes of cards apart; absent unless `--by-scheme` asked.
    pub(crate) schemes: Option<Vec<SchemeFacts>>,
    /// What became of the requests, most frequent first.
    pub(crate) outcomes: Vec<OutcomeFacts>,
    /// The calls that were no payments, by RPC: none of the figures above has them.
    pub(crate) other_calls: Vec<OtherCallFacts>,
    /// Calls that were to follow others after the end, and were not sent.
    pub(crate) abandoned: u64,
    /// What was proven of the answers; absent if they were not checked.
    pub(crate) certificate: Option<CertificateFacts>,
    /// The same for two runs in which every payment was asked alike and decided alike, in whatever
    /// order; hexadecimal; absent if the answers were not checked.
    pub(crate) decided_alike: Option<String>,
    /// How often each rule was met; absent unless `--rules` asked.
    pub(crate) rules: Option<RulesFacts>,
    /// What the run had to keep to, in the order in which it was asked; empty if nothing.
    #[serde(default)]
    pub(crate) thresholds: Vec<ThresholdFacts>,
    /// What measured.
    pub(crate) generator: GeneratorFacts,
    /// What was measured.
    pub(crate) server: ServerFacts,
    /// Where.
    pub(crate) host: HostFacts,
}

/// Whether to believe a measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verdict {
    /// Nothing speaks against it.
    pub(crate) valid: bool,
    /// What does.
    pub(crate) reasons: Vec<String>,
    /// It was stopped before its end.
    pub(crate) interrupted: bool,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PlanFacts {
    /// `open` or `closed`.
    #[serde(rename = "loop")]
    pub(crate) discipline: Text,
    /// `poisson` or `constant`; absent for a closed loop.
    pub(crate) arrivals: Option<Text>,
    /// How the rate went over the measured part, such as `steady`; `none` for a closed loop.
    pub(crate) shape: String,
    /// Requests a second, in the mean over the measured part; absent for a closed loop.
    pub(crate) rate_per_second: Option<f64>,
    /// Length of the measured part.
    pub(crate) duration_ns: u64,
    /// Length of the part before it.
    pub(crate) warm_up_ns: u64,
    /// When a request is given up.
    pub(crate) deadline_ns: u64,
    /// The most calls open at once, or in a closed loop just so many.
    pub(crate) in_flight: usize,
    /// How many calls at once the server allowed on all connections; absent if it set no bound.
    pub(crate) in_flight_allowed: Option<usize>,
    /// The seed of everything.
    pub(crate) seed: u64,
    /// What set this run's keys apart, hexadecimal.
    pub(crate) run_id: String,
    /// Which slice of the plan was sent, such as `2/3`; absent if it was all of it.
    pub(crate) slice: Option<String>,
    /// Accounts that paid.
    pub(crate) accounts: u64,
    /// Shares of the schemes of their cards; absent if all test BINs had the same.
    pub(crate) schemes: Option<String>,
    /// Merchants that sold.
    pub(crate) merchants: u64,
    /// The accounts were invented and nobody created them.
    pub(crate) synthetic: bool,
    /// Zipf's exponent; absent if accounts took turns.
    pub(crate) zipf: Option<f64>,
    /// Share of duplicates asked for.
    pub(crate) duplicates: f64,
    /// Share of wrong passwords asked for.
    pub(crate) wrong_passwords: f64,
    /// Share of requests that was expected to meet a monthly limit; absent if not known before.
    pub(crate) expected_limit_share: Option<f64>,
}

/// How many of what, in the measured part.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CountFacts {
    /// Were due.
    pub(crate) planned: u64,
    /// Were sent: the sum of all outcomes.
    pub(crate) sent: u64,
    /// Were not, because too many calls were open.
    pub(crate) dropped: u64,
    /// Were not, because their deadline had passed.
    pub(crate) skipped: u64,
    /// Were not, because there was no connection.
    pub(crate) not_connected: u64,
    /// Were sent and still open when the run was interrupted.
    pub(crate) unfinished: u64,
    /// Got no answer in time.
    pub(crate) timed_out: u64,
    /// Were decided: approved, declined or replayed.
    pub(crate) answered: u64,
    /// Ended without a decision: a gRPC error, a broken connection, an answer that is none.
    pub(crate) errors: u64,
    /// Were sent while warming up, and are in no other figure.
    pub(crate) warm_up_sent: u64,
}

/// How fast.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RateFacts {
    /// Requests that were due, a second; absent for a closed loop, which offers no rate.
    pub(crate) offered_per_second: Option<f64>,
    /// Decisions a second.
    pub(crate) achieved_per_second: f64,
    /// Errors a second.
    pub(crate) errors_per_second: f64,
    /// The time that they are divided by: the measured part, cut off where the run was.
    pub(crate) measured_ns: u64,
}

/// One distribution of times. A percentile is absent if there are too few samples for it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TimeFacts {
    /// Samples.
    pub(crate) count: u64,
    /// The shortest.
    pub(crate) min_ns: Option<u64>,
    /// Half were not longer.
    pub(crate) p50_ns: Option<u64>,
    /// Nine in ten were not longer.
    pub(crate) p90_ns: Option<u64>,
    /// 99 in a hundred were not longer.
    pub(crate) p99_ns: Option<u64>,
    /// 999 in a thousand were not longer.
    #[serde(rename = "p99.9_ns")]
    pub(crate) p999_ns: Option<u64>,
    /// 9,999 in ten thousand were not longer.
    #[serde(rename = "p99.99_ns")]
    pub(crate) p9999_ns: Option<u64>,
    /// The longest.
    pub(crate) max_ns: Option<u64>,
}

/// How many samples lay in a span of times.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Span {
    /// Longer than this.
    pub(crate) from_ns: u64,
    /// And not longer than this.
    pub(crate) to_ns: u64,
    /// So many.
    pub(crate) count: u64,
}

/// What became of some requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OutcomeFacts {
    /// `answer`, `decline`, `grpc`, `failure` or `open`; `grpc` and `failure` are the errors.
    pub(crate) kind: Text,
    /// Its name.
    pub(crate) name: String,
    /// It speaks against the tool or the transport and not for the service.
    pub(crate) is_tool_failure: bool,
    /// How many.
    pub(crate) count: u64,
    /// Of those that were sent, 0 to 1.
    pub(crate) share: f64,
    /// From due to done.
    pub(crate) response: TimeFacts,
    /// From sent to done.
    pub(crate) service: TimeFacts,
    /// From due to sent.
    pub(crate) lag: TimeFacts,
}

/// What measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct GeneratorFacts {
    /// Its version.
    pub(crate) version: Text,
    /// Threads that sent and received.
    pub(crate) workers: usize,
    /// HTTP/2 connections.
    pub(crate) connections: usize,
    /// Connections that were lost and made again.
    pub(crate) reconnects: u64,
    /// How it waited; absent for a closed loop.
    pub(crate) pacing: Option<Text>,
    /// Processor time of this process for each call that ended, errors included.
    pub(crate) cpu_ns_per_call: Option<u64>,
    /// Each worker's share of a core while it was sending.
    pub(crate) worker_cpu: Vec<f64>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerFacts {
    /// Its address.
    pub(crate) target: String,
    /// How what was sent there was protected; of reports that do not say, not at all.
    #[serde(default)]
    pub(crate) protection: Protection,
    /// What it says of its version; absent if nobody asked.
    pub(crate) version: Option<String>,
    /// Its store; absent if not known.
    pub(crate) store: Option<String>,
    /// Its processor time for each call that ended, errors included; absent if its process is not known.
    pub(crate) cpu_ns_per_call: Option<u64>,
}

impl ServerFacts {
    /// Its address, and how what was sent there was protected if it was.
    pub(crate) fn place(&self) -> String {
        match self.protection {
            Protection::ClearText => self.target.clone(),
            Protection::Tls | Protection::MutualTls => {
                format!("{} {}", self.target, self.protection.label())
            }
        }
    }
}

/// Where it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HostFacts {
    /// The machine's name.
    pub(crate) name: String,
    /// Its cores.
    pub(crate) cores: usize,
    /// When the run began, RFC 3339.
    pub(crate) started_at: String,
    /// Share of the machine's time that other guests took; absent where it is not told.
    pub(crate) stolen: Option<f64>,
    /// How long this process was throttled by a CPU quota, as a share of the measured time, summed
    /// over processors; absent where it is not told.
    pub(crate) throttled: Option<f64>,
}

impl Report {
    /// Whether requests failed for the tool's or the transport's sake.
    pub(crate) fn has_tool_failures(&self) -> bool {
        let others = &self.other_calls;
        let mut outcomes = self
            .outcomes
            .iter()
            .chain(others.iter().flat_map(|calls| &calls.outcomes));
        self.counts.not_connected > 0
            || others.iter().any(|calls| calls.counts.not_connected > 0)
            || outcomes.any(|facts| facts.is_tool_failure)
    }
}

#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod tests;
