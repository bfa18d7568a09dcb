//! The command line: parsed once, into values that cannot be wrong.

mod place;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::bench::BenchArgs;
use crate::capacity::CapacityArgs;
use crate::floor::Runtime;
use crate::gate::{CompareArgs, GateArgs};
use crate::hlog::HlogArgs;
use crate::merge::MergeArgs;
use crate::mesh_tax::MeshTaxArgs;
use crate::pacer::Pacing;
use crate::plan::Details;
use crate::preset::Preset;
use crate::report::outputs::OutputArgs;
use crate::retell::ReportArgs;
use crate::schedule::{Arrivals, Rate, RateShape};
use crate::scheme::Shares;
use crate::selftest::SelftestArgs;
use crate::start::PartArgs;
use crate::threshold::ThresholdArgs;
use crate::values::{exponent, hexadecimal, positive_time, rate, share, time};
use crate::view::ViewArgs;
pub(crate) use place::{Place, PlaceArgs};

/// Measures authorisation services, and says when the measurement is not to be trusted.
#[derive(Debug, Parser)]
#[command(name = "waika-loadgen", version, propagate_version = true)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a fresh waika-server beside this program, measure it, and stop it again
    Quickstart(QuickstartArgs),
    /// Measure a server that runs
    Run(RunArgs),
    /// Show what a run would do
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Find the highest rate at which a server keeps its SLOs
    Capacity(Box<CapacityArgs>),
    /// Create the merchants and accounts that a run pays with; harmless when they are there
    Provision(ProvisionArgs),
    /// Show stored results again, in any form
    Report(ReportArgs),
    /// Serve approvals without doing any work: what the wire alone costs
    Floor(FloorArgs),
    /// Measure a stub whose stalls are known, and check that the figures are right
    Selftest(SelftestArgs),
    /// Join the logs of several hosts that ran slices of one plan
    Merge(MergeArgs),
    /// Compare two servers, block by block: is B worse than A by more than is tolerated?
    Gate(Box<GateArgs>),
    /// Compare runs that were stored with --json on one machine
    Compare(CompareArgs),
    /// Measure the server beside servers that do nothing, in turns: what does its work cost?
    Bench(Box<BenchArgs>),
    /// Measure what a proxy before a server that runs costs each call, block by block
    MeshTax(Box<MeshTaxArgs>),
}

/// `plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Print the whole plan of a run with these flags, to be saved, edited and given to --plan
    Show(RunArgs),
}

impl CommandLine {
    /// Reads this process's arguments, and remembers of a run which were given.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        Self::read_from(std::env::args_os())
    }

    /// Reads these words, of which the first is the program's name. A quickstart has its page unasked.
    /// A search for a capacity may have far more calls open, or it would find where its own bound drops
    /// requests.
    pub(crate) fn read_from<A: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, clap::Error> {
        let command = Self::command()
            .mut_subcommand("quickstart", |quickstart| {
                quickstart.mut_arg("html", |html| html.default_value("waika-report.html"))
            })
            .mut_subcommand("capacity", |capacity| {
                capacity.mut_arg("in_flight", |bound| bound.default_value("4000"))
            });
        let matches = command.try_get_matches_from(arguments)?;
        let mut line = Self::from_arg_matches(&matches)?;
        if let Command::Run(args) | Command::Plan(PlanCommand::Show(args)) = &mut line.command {
            args.given = Given::of(&matches);
        }
        Ok(line)
    }
}

/// The flags that were given, by name; the others have their defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(BTreeSet<String>);

impl Given {
    fn of(mut matches: &ArgMatches) -> Self {
        while let Some((_, inner)) = matches.subcommand() {
            matches = inner;
        }
        let is_given =
            |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        let ids = matches.ids().filter(is_given);
        Self(ids.map(ToString::to_string).collect())
    }

    /// Whether the flag of this field was given.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.contains(field)
    }
}

/// Who takes part.
#[derive(Args, Clone, Debug)]
pub(crate) struct PeopleArgs {
    /// Accounts that pay
    #[arg(long, default_value = "10000", value_name = "N", value_parser = accounts)]
    pub(crate) accounts: NonZeroU32,
    /// Merchants that sell
    #[arg(long, default_value = "100", value_name = "N")]
    pub(crate) merchants: NonZeroU32,
    /// The seed that people, arrivals and amounts are functions of
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub(crate) seed: u64,
    /// Schemes of the accounts' cards by share, such as visa=50,jcb=50; all of them if not given
    #[arg(long, value_name = "SHARES")]
    pub(crate) scheme: Option<Shares>,
}

/// What the traffic is like.
#[derive(Args, Clone, Debug)]
pub(crate) struct TrafficArgs {
    /// Share of requests that repeat an earlier one under its key
    #[arg(long, default_value = "1%", value_name = "SHARE", value_parser = share)]
    pub(crate) duplicates: u32,
    /// Share of requests with a wrong password (five in a row lock an account)
    #[arg(long, default_value = "0", value_name = "SHARE", value_parser = share)]
    pub(crate) wrong_passwords: u32,
    /// How popular popular accounts are: the exponent of Zipf's law, 0 for all alike
    #[arg(long, default_value = "0.5", value_name = "EXPONENT", value_parser = exponent)]
    pub(crate) zipf: f64,
}

/// How the generator works.
#[derive(Args, Clone, Debug)]
pub(crate) struct EngineArgs {
    /// The most calls open at once; what is due beyond them is counted as dropped
    #[arg(long, default_value = "1000", value_name = "N")]
    pub(crate) in_flight: NonZeroUsize,
    /// HTTP/2 connections, shared out among the workers
    #[arg(long, default_value = "4", value_name = "N")]
    pub(crate) connections: NonZeroUsize,
    /// Threads that send and receive
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) workers: NonZeroUsize,
    /// How long after it was due a request is given up
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = positive_time)]
    pub(crate) deadline: Duration,
    /// How to wait until a request is due
    #[arg(long, value_enum, default_value = "hybrid")]
    pub(crate) pacing: Pacing,
}

/// `quickstart`.
#[derive(Args, Clone, Debug)]
pub(crate) struct QuickstartArgs {
    /// Requests a second
    #[arg(long, default_value = "2000", value_name = "RATE", value_parser = rate)]
    pub(crate) rate: Rate,
    /// How long to measure
    #[arg(long, default_value = "15s", value_name = "TIME", value_parser = positive_time)]
    pub(crate) duration: Duration,
    /// How long to send before measuring
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = time)]
    pub(crate) warm_up: Duration,
    /// Accounts that pay
    #[arg(long, default_value = "2000", value_name = "N", value_parser = accounts)]
    pub(crate) accounts: NonZeroU32,
    /// Merchants that sell
    #[arg(long, default_value = "100", value_name = "N")]
    pub(crate) merchants: NonZeroU32,
    /// The seed that people, arrivals and amounts are functions of
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub(crate) seed: u64,
    /// Schemes of the accounts' cards by share, such as visa=50,jcb=50; all of them if not given
    #[arg(long, value_name = "SHARES")]
    pub(crate) scheme: Option<Shares>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) traffic: TrafficArgs,
    #[command(flatten)]
    pub(crate) details: Details,
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    #[command(flatten)]
    pub(crate) threshold: ThresholdArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) log: HlogArgs,
    /// The server to start, instead of the one beside this program
    #[arg(long, value_name = "FILE")]
    pub(crate) server: Option<PathBuf>,
    /// Speak over mutual TLS, with certificates that are made for it
    #[arg(long)]
    pub(crate) mtls: bool,
}

/// Where a run's plan comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlanArgs {
    /// A plan that is known by name; other flags go before it
    #[arg(long, value_enum, value_name = "PRESET")]
    pub(crate) preset: Option<Preset>,
    /// A plan in a file, as `plan show` prints them; other flags go before it
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub(crate) plan: Option<PathBuf>,
    /// Run a plan whose accounts are expected to meet their limits
    #[arg(long)]
    pub(crate) allow_limits: bool,
}

/// How payments travel.
#[derive(Args, Clone, Debug)]
pub(crate) struct TransportArgs {
    /// Send payments as messages of a stream instead of calls of their own
    #[arg(long)]
    pub(crate) stream: bool,
    /// Payments in one message of the stream
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) batch: NonZeroUsize,
    /// Name each call's account to proxies, in x-waika-account-hash
    #[arg(long, conflicts_with = "stream")]
    pub(crate) account_hash: bool,
}

/// How payments travel, and what is found out of the answers.
#[derive(Args, Clone, Debug)]
pub(crate) struct MannerArgs {
    #[command(flatten)]
    pub(crate) transport: TransportArgs,
    /// Do not hold the answers against a model of every account
    #[arg(long)]
    pub(crate) no_oracle: bool,
    /// Count how often each rule was met
    #[arg(long)]
    pub(crate) rules: bool,
}

/// `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    /// Which flags were given.
    #[arg(skip)]
    pub(crate) given: Given,
    #[command(flatten)]
    pub(crate) source: PlanArgs,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) people: PeopleArgs,
    /// Use invented accounts and ask nobody to create them: for measuring a floor
    #[arg(long)]
    pub(crate) no_provision: bool,
    /// Requests a second
    #[arg(long, default_value = "1000", value_name = "RATE", value_parser = rate)]
    pub(crate) rate: Rate,
    /// How requests are spread over time
    #[arg(long, value_enum, default_value = "poisson")]
    pub(crate) arrivals: Arrivals,
    /// How the rate goes over the measured part: steady, ramp:500..2000, step:500@10s,1000@10s,
    /// burst:1000..3000@2s/10s or diurnal:500..1500/60s; levels may be multiples of the rate (1.5x)
    #[arg(long, default_value = "steady", value_name = "SHAPE")]
    pub(crate) shape: RateShape,
    /// Keep so many calls open instead of following a schedule; its latencies hide queueing
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["rate", "arrivals", "shape", "in_flight", "pacing"]
    )]
    pub(crate) closed: Option<NonZeroUsize>,
    /// End a closed loop after so many requests, and warm up with none
    #[arg(long, value_name = "N", requires = "closed", conflicts_with_all = ["duration", "warm_up"])]
    pub(crate) requests: Option<NonZeroU64>,
    /// How long to measure
    #[arg(long, default_value = "20s", value_name = "TIME", value_parser = positive_time)]
    pub(crate) duration: Duration,
    /// How long to send before measuring
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = time)]
    pub(crate) warm_up: Duration,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) traffic: TrafficArgs,
    #[command(flatten)]
    pub(crate) manner: MannerArgs,
    #[command(flatten)]
    pub(crate) details: Details,
    #[command(flatten)]
    pub(crate) threshold: ThresholdArgs,
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    /// Sets the idempotency keys of runs apart; a new one each time if it is not given
    #[arg(long, value_name = "HEX", value_parser = hexadecimal)]
    pub(crate) run_id: Option<u64>,
    /// Repeat the requests of this trace, under their keys and at their instants; against a server
    /// that has not seen them
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["plan", "preset", "closed", "no_provision", "run_id", "no_oracle"]
    )]
    pub(crate) replay: Option<PathBuf>,
    /// Where to write the requests of accounts about which the server has lied, if it has
    #[arg(long, default_value = "waika-trace.jsonl", value_name = "FILE")]
    pub(crate) trace: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) log: HlogArgs,
    #[command(flatten)]
    pub(crate) part: PartArgs,
    /// Process of a server on this machine, whose processor time shall be reported
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: Option<NonZeroU32>,
}

/// `provision`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProvisionArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) people: PeopleArgs,
    /// Accounts being created at once
    #[arg(long, default_value = "256", value_name = "N")]
    pub(crate) in_flight: NonZeroUsize,
    /// HTTP/2 connections
    #[arg(long, default_value = "2", value_name = "N")]
    pub(crate) connections: NonZeroUsize,
}

/// `floor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct FloorArgs {
    /// One shared runtime as most servers have it, or one for each core
    #[arg(long, value_enum, default_value = "multi")]
    pub(crate) runtime: Runtime,
    /// Threads that serve; as many as there are cores if it is not given
    #[arg(long, value_name = "N")]
    pub(crate) cores: Option<NonZeroUsize>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
}

/// Everyone is kept in memory.
fn accounts(text: &str) -> Result<NonZeroU32, String> {
    const MOST: u32 = 20_000_000;
    let number = text.parse().ok().filter(|number| *number <= MOST);
    number
        .and_then(NonZeroU32::new)
        .ok_or_else(|| format!("must be a whole number from 1 to {MOST}"))
}

/// The arguments of `run` with these flags.
#[cfg(test)]
pub(crate) fn run_args(flags: &[&str]) -> RunArgs {
    let words = ["waika-loadgen", "run"].iter().chain(flags);
    match CommandLine::read_from(words).map(|line| line.command) {
        Ok(Command::Run(args)) => args,
        other => panic!("{flags:?} is no run: {other:?}"),
    }
}

#[cfg(test)]
mod tests;
