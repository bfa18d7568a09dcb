//! The command line: parsed once, into values that cannot be wrong.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::floor::Runtime;
use crate::pacer::Pacing;
use crate::plan::Details;
use crate::schedule::{Arrivals, Rate};
use crate::scheme::Shares;
use crate::target::Target;

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
    /// Create the merchants and accounts that a run pays with; harmless when they are there
    Provision(ProvisionArgs),
    /// Serve approvals without doing any work: what the wire alone costs
    Floor(FloorArgs),
}

/// Where the server is.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArgs {
    /// The server's public listener
    #[arg(long, default_value = "http://127.0.0.1:50051", value_name = "URL")]
    pub(crate) target: Target,
    /// The server's administrative listener, for merchants and reviews
    #[arg(long, default_value = "http://127.0.0.1:50052", value_name = "URL")]
    pub(crate) admin: Target,
}

/// Who takes part.
#[derive(Args, Clone, Debug)]
pub(crate) struct PeopleArgs {
    /// Accounts that pay
    #[arg(long, default_value = "10000", value_name = "N")]
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
    /// Also write the whole report there, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
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
    #[arg(long, default_value = "2000", value_name = "N")]
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
    /// Where to write the report as a page for a browser
    #[arg(long, default_value = "waika-report.html", value_name = "FILE")]
    pub(crate) html: PathBuf,
    /// The server to start, instead of the one beside this program
    #[arg(long, value_name = "FILE")]
    pub(crate) server: Option<PathBuf>,
}

/// `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
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
    /// Keep so many calls open instead of following a schedule; its latencies hide queueing
    #[arg(long, value_name = "N", conflicts_with_all = ["rate", "arrivals", "in_flight", "pacing"])]
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
    pub(crate) details: Details,
    /// Sets the idempotency keys of runs apart; a new one each time if it is not given
    #[arg(long, value_name = "HEX", value_parser = hexadecimal)]
    pub(crate) run_id: Option<u64>,
    /// Also write the report there, as a page for a browser
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
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

fn rate(text: &str) -> Result<Rate, String> {
    const MOST: u64 = 10_000_000;
    let thousandths = decimal(text, 1_000).ok_or("must be a number of requests a second")?;
    match Rate::from_thousandths(thousandths) {
        Some(rate) if thousandths <= MOST * 1_000 => Ok(rate),
        Some(_) => Err(format!("must be at most {MOST} a second")),
        None => Err("must be at least 0.001 a second".to_owned()),
    }
}

fn positive_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() {
        return Err("must be longer than nothing".to_owned());
    }
    Ok(time)
}

fn time(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let unit_ns = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err("must be a time such as 500ms, 20s or 2m".to_owned()),
    };
    let time = decimal(number, unit_ns)
        .map(Duration::from_nanos)
        .ok_or("must be a time such as 500ms, 20s or 2m")?;
    if time > LONGEST {
        return Err("must be at most a week".to_owned());
    }
    Ok(time)
}

/// A share as parts in a million: `0.01` or `1%`.
fn share(text: &str) -> Result<u32, String> {
    let (number, whole) = match text.strip_suffix('%') {
        Some(number) => (number, 10_000),
        None => (text, 1_000_000),
    };
    decimal(number, whole)
        .and_then(|parts| u32::try_from(parts).ok())
        .filter(|&parts| parts <= 1_000_000)
        .ok_or_else(|| "must be a share from 0 to 1, or a percentage such as 1%".to_owned())
}

fn exponent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(exponent) if (0.0..=3.0).contains(&exponent) => Ok(exponent),
        Ok(_) | Err(_) => Err("must be a number from 0 to 3".to_owned()),
    }
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|_| "must be up to 16 hexadecimal digits".to_owned())
}

/// A decimal number times `unit`, exactly, cut after the last whole unit.
fn decimal(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let number = whole.parse::<u64>().ok().map(u128::from)? * scale
        + fraction.parse::<u64>().ok().map(u128::from)?;
    u64::try_from(number.checked_mul(u128::from(unit))? / scale).ok()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn rates_are_exact_or_refused() {
        let thousandths = |text| rate(text).map(Rate::thousandths).ok();
        assert_eq!(thousandths("5000"), Some(5_000_000));
        assert_eq!(thousandths("0.5"), Some(500));
        for bad in [
            "0",
            "0.0001",
            "-1",
            "",
            "fast",
            "1e3",
            "10000001",
            "99999999999999999999",
        ] {
            assert_eq!(thousandths(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_exact_or_refused() {
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        assert!(positive_time("0s").is_err());
        for bad in ["", "s", "5", "-1s", "5 s", "5d", "169h", "1.s", ".5s"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_parts_in_a_million() {
        assert_eq!(share("1%"), Ok(10_000));
        assert_eq!(share("0.01"), Ok(10_000));
        assert_eq!(share("1"), Ok(1_000_000));
        assert_eq!(share("0.5%"), Ok(5_000));
        for bad in ["1.1", "101%", "-1", "", "%", "half"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
