//! What a search for a server's capacity found: every figure, complete before any of it is written.

use serde::{Deserialize, Serialize};

use crate::report::certificate::CertificateFacts;
use crate::report::{CountFacts, GeneratorFacts, HostFacts, ServerFacts, Text, TimeFacts, Verdict};

/// Names the form of the JSON report; a field is never changed in meaning under the same name.
pub(crate) const SCHEMA: &str = "waika-loadgen/capacity/1";

/// A whole report of a capacity. Times are nanoseconds and rates requests a second, unless a name
/// says otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CapacityReport {
    /// [`SCHEMA`].
    pub(crate) schema: Text,
    /// Whether to believe it.
    pub(crate) verdict: Verdict,
    /// Why the search ended.
    pub(crate) ended: EndFacts,
    /// What was asked for, in the order in which it was.
    pub(crate) slos: Vec<SloFacts>,
    /// The capacity at all of them together.
    pub(crate) together: CapacityFacts,
    /// The capacity at each of them, in the same order.
    pub(crate) each: Vec<CapacityFacts>,
    /// Latency against load, all steps at a rate as one, slowest rate first.
    pub(crate) curve: Vec<LoadPoint>,
    /// Where the curve turns upwards; absent if it does not.
    pub(crate) knee: Option<KneeFacts>,
    /// Everything that was tried, in the order in which it was.
    pub(crate) steps: Vec<StepFacts>,
    /// How it was searched.
    pub(crate) plan: SearchFacts,
    /// What was proven of the answers at the highest rate that was met, in a measurement of its own;
    /// absent if they were not checked.
    pub(crate) certificate: Option<CertificateFacts>,
    /// What measured; shares of cores are the largest of any step.
    pub(crate) generator: GeneratorFacts,
    /// What was measured; its processor time is that of the last confirmation, or else step.
    pub(crate) server: ServerFacts,
    /// Where; what others took is the largest share of any step.
    pub(crate) host: HostFacts,
}

/// Why a search ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EndFacts {
    /// How.
    pub(crate) kind: End,
    /// The same in a sentence, with its figures.
    pub(crate) why: String,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// An SLO was missed beyond the capacity that was found.
    SloMissed,
    /// The server answered with errors beyond the capacity that was found.
    ServerErrors,
    /// The highest rate that was asked for meets all SLOs: the capacity is at least that.
    HighestRate,
    /// The lowest rate that was asked for misses an SLO: there is no capacity.
    LowestRate,
    /// The generator fell behind before the server missed an SLO.
    GeneratorLimit,
    /// The time was over before the bracket was closed.
    Budget,
    /// What the search found was not found again by the confirmation.
    Unconfirmed,
    /// The machine disturbed a step each time that it was tried.
    Disturbed,
    /// It was stopped.
    Interrupted,
}

/// An SLO: of all requests, at most such a share may be beyond what is allowed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SloFacts {
    /// As it was asked for, such as `p99<5ms`.
    pub(crate) name: String,
    /// From 0 to 1, such as 0.99; absent if it is not about times.
    pub(crate) quantile: Option<f64>,
    /// A response must be faster than this; absent if it is not about times.
    pub(crate) limit_ns: Option<u64>,
    /// The share of requests, from 0 to 1, that may be beyond.
    pub(crate) allowed: f64,
    /// The fewest requests that can show that it is met: if none of them is beyond.
    pub(crate) samples_needed: u64,
}

/// The highest rate at which an SLO is met, or all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CapacityFacts {
    /// The SLO's name; absent for all together.
    pub(crate) slo: Option<String>,
    /// The capacity: the highest rate at which it was shown to be met; absent if there is none.
    pub(crate) per_second: Option<f64>,
    /// The lower end of its bracket: met; absent if no rate was.
    pub(crate) low_per_second: Option<f64>,
    /// The upper end of its bracket: missed, or not to be judged because the generator fell behind;
    /// absent if no rate was.
    pub(crate) high_per_second: Option<f64>,
    /// Where all steps together, smoothed to rise with the rate, cross what is allowed; absent if
    /// they do not.
    pub(crate) estimate_per_second: Option<f64>,
    /// The bracket is as narrow as was asked for.
    pub(crate) is_closed: bool,
    /// A longer step with a fresh seed met it again at this rate.
    pub(crate) is_confirmed: bool,
    /// From 0 to 1: how sure each verdict on a rate is that it rests on.
    pub(crate) confidence: f64,
}

/// All steps at one rate as one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LoadPoint {
    /// What was asked for.
    pub(crate) rate_per_second: f64,
    /// Decisions a second, in the mean.
    pub(crate) achieved_per_second: f64,
    /// How many steps there were.
    pub(crate) steps: u64,
    /// From due to done.
    pub(crate) response: TimeFacts,
    /// The share beyond what each SLO allows, in their order.
    pub(crate) beyond: Vec<f64>,
    /// What the steps at this rate say when each has a vote.
    pub(crate) verdict: StepVerdict,
    /// The server's share of one core, in the mean; above 1 for several; absent if not known.
    pub(crate) server_cpu: Option<f64>,
}

/// Where latency begins to rise with the load.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KneeFacts {
    /// The rate.
    pub(crate) per_second: f64,
    /// The p99 at low load, from which it leaves.
    pub(crate) low_load_p99_ns: u64,
    /// The p99 at which it has left.
    pub(crate) band_ns: u64,
    /// How it was found, in a sentence.
    pub(crate) method: String,
}

/// What a step was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Finding a rate that misses, by doubling.
    Ramp,
    /// Narrowing the bracket.
    Search,
    /// Trying an end of the bracket again.
    Retest,
    /// Showing the result again, longer and with a fresh seed.
    Confirm,
}

/// What a step says of its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StepVerdict {
    /// It is met.
    Met,
    /// It is missed.
    Missed,
    /// It is too close to tell.
    Undecided,
    /// Nothing: the generator fell behind.
    GeneratorLimit,
    /// Nothing: the machine disturbed it.
    Disturbed,
}

/// One measurement at one rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StepFacts {
    /// From 1.
    pub(crate) number: u64,
    /// What it was for.
    pub(crate) stage: Stage,
    /// What was asked for.
    pub(crate) rate_per_second: f64,
    /// Decisions a second.
    pub(crate) achieved_per_second: f64,
    /// When it began, from the beginning of the search.
    pub(crate) began_ns: u64,
    /// How long was measured.
    pub(crate) measured_ns: u64,
    /// In so many parts, after each of which it was looked whether more are needed.
    pub(crate) looks: u32,
    /// What set its keys apart, hexadecimal, of the first part.
    pub(crate) run_id: String,
    /// How many of what.
    pub(crate) counts: CountFacts,
    /// From due to done.
    pub(crate) response: TimeFacts,
    /// From due to sent: the generator's own fault.
    pub(crate) lag: TimeFacts,
    /// How it stood with each SLO, in their order.
    pub(crate) slos: Vec<StepSlo>,
    /// What it says of its rate.
    pub(crate) verdict: StepVerdict,
    /// Why, in a few words.
    pub(crate) why: String,
    /// What speaks against the generator and the machine in this step; empty if nothing does.
    pub(crate) doubts: Vec<String>,
    /// The server's share of one core; above 1 for several; absent if its process is not known.
    pub(crate) server_cpu: Option<f64>,
    /// The share of its core that the busiest worker of the generator used.
    pub(crate) generator_cpu: f64,
    /// Share of the machine's time that other guests took; absent where it is not told.
    pub(crate) stolen: Option<f64>,
    /// How long it was throttled, as a share of the measured time; absent where it is not told.
    pub(crate) throttled: Option<f64>,
}

/// How a step stood with one SLO.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StepSlo {
    /// Requests that were beyond what is allowed: slower, failed, or not sent at all.
    pub(crate) beyond: u64,
    /// Requests that were due.
    pub(crate) of: u64,
    /// The one as a share of the other, 0 to 1.
    pub(crate) share: f64,
    /// The true share is between these with the step's confidence at either end.
    pub(crate) low: f64,
    /// See `low`.
    pub(crate) high: f64,
    /// What that says: met if `high` is below what is allowed, missed if `low` is above.
    pub(crate) verdict: StepVerdict,
}

/// How it was searched.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SearchFacts {
    /// The lowest rate that was to be tried.
    pub(crate) from_per_second: f64,
    /// The highest.
    pub(crate) most_per_second: f64,
    /// How narrow the bracket should become, as a share of the rate.
    pub(crate) precision: f64,
    /// How sure each verdict is, from 0 to 1.
    pub(crate) confidence: f64,
    /// The longest that a step measures.
    pub(crate) step_ns: u64,
    /// How long a confirmation measures.
    pub(crate) confirm_ns: u64,
    /// How long each part sends before it measures.
    pub(crate) warm_up_ns: u64,
    /// The longest that all may take.
    pub(crate) budget_ns: u64,
    /// How long it took.
    pub(crate) took_ns: u64,
    /// `poisson` or `constant`.
    pub(crate) arrivals: Text,
    /// When a request is given up.
    pub(crate) deadline_ns: u64,
    /// The most calls open at once.
    pub(crate) in_flight: usize,
    /// The seed that the seeds of all steps are functions of.
    pub(crate) seed: u64,
    /// Accounts that paid.
    pub(crate) accounts: u64,
    /// Merchants that sold.
    pub(crate) merchants: u64,
    /// The accounts were invented and nobody created them.
    pub(crate) synthetic: bool,
    /// Zipf's exponent.
    pub(crate) zipf: f64,
    /// Share of duplicates asked for.
    pub(crate) duplicates: f64,
    /// What each payment cost, in fen.
    pub(crate) amount_fen: u64,
    /// Requests that were sent in all, which is about how many keys the server now remembers.
    pub(crate) requests: u64,
}

impl Stage {
    /// Its name.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Search => "search",
            Self::Retest => "retest",
            Self::Confirm => "confirm",
        }
    }
}

impl StepVerdict {
    /// Its name.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
            Self::GeneratorLimit => "generator limit",
            Self::Disturbed => "disturbed",
        }
    }
}
