//! The command lines of `gate` and `compare`.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::arm::Choice;
use super::metric::Metric;
use crate::report::outputs::OutputArgs;
use crate::schedule::Rate;
use crate::values::{positive_time, rate, share, time};

/// `gate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct GateArgs {
    /// The baseline: a waika-server, or git:REF to build that of a commit; with --aa, the one beside
    /// this program if it is not given
    #[arg(long, value_name = "PATH|git:REF", required_unless_present = "aa")]
    pub(crate) a: Option<Choice>,
    /// What is held against it
    #[arg(
        long,
        value_name = "PATH|git:REF",
        required_unless_present = "aa",
        conflicts_with = "aa"
    )]
    pub(crate) b: Option<Choice>,
    /// Compare A with itself: how noisy is this machine, and what could be seen on it?
    #[arg(long)]
    pub(crate) aa: bool,
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    /// How long it may take, without building
    #[arg(long, default_value = "3m", value_name = "TIME", value_parser = positive_time)]
    pub(crate) budget: Duration,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// The seed of the order, the people, the arrivals and the amounts
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub(crate) seed: u64,
    /// An argument for both servers, such as --server-arg=--cores=1; may be given again
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) server_arg: Vec<OsString>,
    /// An argument for A alone
    #[arg(
        long,
        value_name = "ARGUMENT",
        allow_hyphen_values = true,
        conflicts_with = "aa"
    )]
    pub(crate) a_arg: Vec<OsString>,
    /// An argument for B alone
    #[arg(
        long,
        value_name = "ARGUMENT",
        allow_hyphen_values = true,
        conflicts_with = "aa"
    )]
    pub(crate) b_arg: Vec<OsString>,
    /// Where built servers are kept, in a folder waika; if it is not given, where you keep caches:
    /// .cache at home, unless the environment (XDG) names another
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) outputs: OutputArgs,
}

/// What is asked of either comparison.
#[derive(Args, Clone, Debug)]
pub(crate) struct QuestionArgs {
    /// How much more B, or the newer runs, may have
    #[arg(long, default_value = "5%", value_name = "SHARE", value_parser = tolerance)]
    pub(crate) tolerance: f64,
    /// What decides; the others are only told
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "cpu",
        value_name = "METRICS"
    )]
    metric: Vec<Metric>,
}

impl QuestionArgs {
    /// What decides, each once however often it was named.
    pub(crate) fn gating(&self) -> Vec<Metric> {
        let mut gating = self.metric.clone();
        gating.sort_unstable();
        gating.dedup();
        gating
    }
}

/// What each block asks of a server.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    /// Requests a second, with Poisson arrivals
    #[arg(long, default_value = "2000", value_name = "RATE", value_parser = rate)]
    pub(crate) rate: Rate,
    /// Keep so many calls open instead
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    pub(crate) closed: Option<NonZeroUsize>,
    /// The measured part of a block
    #[arg(long, default_value = "200ms", value_name = "TIME", value_parser = positive_time)]
    pub(crate) block: Duration,
    /// What is sent before it
    #[arg(long, default_value = "50ms", value_name = "TIME", value_parser = time)]
    pub(crate) warm_up: Duration,
    /// Rounds of four blocks, two for each arm, on one pair of fresh servers
    #[arg(long, default_value = "4", value_name = "N")]
    pub(crate) rounds: NonZeroU32,
    /// Accounts that pay
    #[arg(long, default_value = "1000", value_name = "N")]
    pub(crate) accounts: NonZeroU32,
    /// Merchants that sell
    #[arg(long, default_value = "20", value_name = "N")]
    pub(crate) merchants: NonZeroU32,
}

/// `compare`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CompareArgs {
    /// An older run and a newer one, as `run --json` wrote them; then the next two
    #[arg(value_name = "OLD NEW", required_unless_present_all = ["a", "b"], conflicts_with_all = ["a", "b"])]
    pub(crate) files: Vec<PathBuf>,
    /// The older runs, in the order in which they are paired
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "b")]
    pub(crate) a: Vec<PathBuf>,
    /// The newer runs, in the same order
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "a")]
    pub(crate) b: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    #[command(flatten)]
    pub(crate) outputs: OutputArgs,
}

/// A share that is not nothing, as a ratio.
fn tolerance(text: &str) -> Result<f64, String> {
    match share(text)? {
        0 => Err(
            "must be more than nothing, such as 5%: no measurement finds two servers equal"
                .to_owned(),
        ),
        parts => Ok(f64::from(parts) / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_is_named_twice_decides_once() {
        let question = QuestionArgs {
            tolerance: 0.05,
            metric: vec![Metric::P99, Metric::Cpu, Metric::P99],
        };
        assert_eq!(question.gating(), [Metric::Cpu, Metric::P99]);
    }
}
