//! The command line and the environment, read once into types that cannot be wrong.
//!
//! All mistakes are told together, each with the flag or variable, its value, and what would
//! have been accepted.

mod backup_flags;
mod backups;
mod certificates;
mod connection_flags;
mod databases;
mod flags;
mod health;
mod inspect_flags;
mod inspecting;
mod issuer_flags;
mod issuer_serving;
mod issuer_specs;
mod key_file;
mod key_flags;
mod keys;
mod listening;
mod moving;
mod partner_flags;
mod partners;
mod pem;
#[cfg(feature = "planted-faults")]
mod planted_flags;
mod policy_date;
mod policy_file;
mod policy_keys;
mod policy_render;
mod reader;
mod security_flags;
mod serving;
mod tls;
mod traces;
mod values;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use waika_domain::policy::Policy;

use crate::exit::{Failure, Reason};
#[cfg(feature = "planted-faults")]
use crate::planted::PlantedFault;
use crate::serve::MaxAge;
use crate::telemetry::LogConfig;
use crate::traces::TracesConfig;
pub use backups::{BackupConfig, BackupKeeping, RestoreConfig, RestoreUntil};
#[cfg(test)]
pub(crate) use certificates::client_config;
pub use databases::PostgresProbeConfig;
pub use health::HealthConfig;
pub use inspecting::{
    ExportConfig, ExportFormat, Inspection, LineFormat, Output, ProbeConfig, ReconcileConfig,
    SettlementConfig, VerifyConfig,
};
pub use issuer_serving::{BooksStore, IssuerSandboxConfig};
pub use issuer_specs::{
    ErrorKind, ErrorSpec, LatencySpec, OutageKind, OutageSpec, OutageTimes, TakesTime,
};
pub use keys::{RewrapConfig, RotateConfig};
pub use listening::{CallersFile, IdentityProxy, ListenerTls, Security};
pub(crate) use listening::{HTTP1, HTTP2};
pub use moving::MigrateConfig;
pub use partners::{IssuerConfig, Partners, Target};
pub(crate) use policy_file::{parse_text, read_file};
pub(crate) use policy_render::render;
use reader::Reader;
pub(crate) use tls::load as load_tls;
pub use tls::{LoadedTls, TlsFiles};
pub use values::Store;
pub(crate) use values::least_retention;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Serve until stopped.
    Serve(Box<Config>),
    /// Play the world outside until stopped.
    IssuerSandbox(Box<IssuerSandboxConfig>),
    /// Look at a journal, or at the disk below it.
    Inspect(Inspection),
    /// Ask a server for its health.
    AskHealth(Box<HealthConfig>),
    /// Print this text, and that is all: help, version, a policy.
    Tell(String),
}

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens, and who may come in there.
    pub listening: Listening,
    /// Threads that serve.
    pub cores: NonZeroUsize,
    /// What the ledger needs to know.
    pub ledger: LedgerConfig,
    /// Who is called; what is not given, the sandbox answers.
    pub partners: Partners,
    /// The sandbox was asked for by its flag, not only for want of anything else.
    pub sandbox_asked_for: bool,
    /// Logs.
    pub log: LogConfig,
    /// Traces; None where no call is traced.
    pub traces: Option<TracesConfig>,
    /// What bounds connections and the drain.
    pub bounds: Bounds,
}

/// Where a server listens, and who may come in there.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Where.
    pub addresses: Addresses,
    /// Who.
    pub security: Security,
}

/// Three listeners, three addresses. Port 0 takes any free port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// For merchants and wallets.
    pub rpc: SocketAddr,
    /// For operators.
    pub admin: SocketAddr,
    /// For Prometheus.
    pub metrics: SocketAddr,
}

/// What bounds connections and the drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once on the listener for merchants and wallets.
    pub connections: usize,
    /// How long a connection may take to send its HTTP/2 preface.
    pub preface: Duration,
    /// How long to be `NOT_SERVING` before draining.
    pub drain_wait: Duration,
    /// How long calls in flight may take while draining.
    pub drain: Duration,
    /// How old a connection may become, on the listeners for gRPC.
    pub max_age: Option<MaxAge>,
}

/// What the ledger needs to know.
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// Where it keeps what it has promised.
    pub store: Store,
    /// The file with the key, outside the data folder.
    pub key_file: PathBuf,
    /// Nobody named the key file: it is the default one.
    pub key_file_is_default: bool,
    /// Card numbers outside the test BINs are accepted (D26).
    pub allow_live_pan: bool,
    /// What the sandbox's answers depend on.
    pub seed: u64,
    /// The issuer over the network, if one answers for the cards.
    pub issuer: Option<IssuerConfig>,
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// The file that it is from; None for the built-in one.
    pub policy_file: Option<PathBuf>,
    /// Smallest time from one sync to the next under load.
    pub commit_spacing: Duration,
    /// Size of a journal segment in bytes.
    pub segment_bytes: u64,
    /// Entries from where one snapshot begins to the next; 0: only when asked for.
    pub snapshot_every: u64,
    /// From one look at a part of the accounts, as the store has them, to the next; zero: never.
    pub scrub_every: Duration,
    /// Where backups go and how often; None: only when `waika-server backup` is run.
    pub backup: Option<BackupKeeping>,
    /// For how long an entry of the journal is kept at least; zero: for ever.
    pub journal_retention: Duration,
    /// For how long personal data are kept at least once their account is closed.
    pub personal_data_retention: Duration,
    /// Idempotency keys in memory above which the oldest half is moved to the disk.
    pub keys_in_memory: u64,
    /// Accounts of a database in memory at most.
    pub accounts_in_memory: u64,
    /// Entries that may wait for the disk before payments are refused.
    pub max_pending: u64,
    /// Room on the store's disk, in bytes, below which nothing new is begun; 0: however little there is.
    pub min_free_bytes: u64,
    /// What goes wrong on purpose.
    #[cfg(feature = "planted-faults")]
    pub planted_fault: Option<PlantedFault>,
}

/// Reads the command line (its first word is the program) and the environment.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Failure> {
    let matches = match flags::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return help_or_failure(&error),
    };
    let command = match matches.subcommand() {
        Some(("policy", matches)) => policy_command(matches).map(Command::Tell),
        Some(("journal", matches)) => match matches.subcommand() {
            Some(("export", matches)) => inspect_command(matches, inspecting::export),
            Some((_, matches)) => inspect_command(matches, inspecting::verify),
            None => Err(vec!["journal: say verify or export".to_owned()]),
        },
        Some(("settlement", matches)) => match matches.subcommand() {
            Some((_, matches)) => inspect_command(matches, inspecting::settlement),
            None => Err(vec!["settlement: say export".to_owned()]),
        },
        Some(("issuer-sandbox", matches)) => read_all(matches, issuer_serving::read)
            .map(|config| Command::IssuerSandbox(Box::new(config))),
        Some(("health", matches)) => {
            read_all(matches, health::read).map(|config| Command::AskHealth(Box::new(config)))
        }
        Some(("fsync-probe", matches)) => inspect_command(matches, inspecting::fsync_probe),
        Some(("postgres-probe", matches)) => inspect_command(matches, databases::probe),
        Some(("migrate-store", matches)) => inspect_command(matches, moving::read),
        Some(("reconcile", matches)) => inspect_command(matches, inspecting::reconcile),
        Some(("backup", matches)) => inspect_command(matches, backups::backup),
        Some(("restore", matches)) => inspect_command(matches, backups::restore),
        Some(("rotate-keys", matches)) => inspect_command(matches, keys::rotate),
        Some(("rewrap-keys", matches)) => inspect_command(matches, keys::rewrap),
        Some((_, matches)) => serve_command(matches),
        None => serve_command(&matches),
    };
    command.map_err(|mistakes| failure(&mistakes))
}

fn help_or_failure(error: &clap::Error) -> Result<Command, Failure> {
    if error.use_stderr() {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        return Err(Failure::new(Reason::Configuration, text));
    }
    let text = error.render();
    Ok(Command::Tell(if std::io::stdout().is_terminal() {
        text.ansi().to_string()
    } else {
        text.to_string()
    }))
}

fn failure(mistakes: &[String]) -> Failure {
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        several => format!("{several} mistakes"),
    };
    let lines = mistakes.join("\n  ");
    Failure::new(
        Reason::Configuration,
        format!("{count} in the configuration:\n  {lines}"),
    )
}

fn policy_command(matches: &ArgMatches) -> Result<String, Vec<String>> {
    match matches.subcommand() {
        Some(("check", matches)) => {
            let file = Reader::new(matches).text("file").unwrap_or_default();
            let policy = read_file(Path::new(file))?;
            let (name, period) = (&policy.name, policy_date::period(&policy));
            Ok(format!(
                "{file}: policy {name} has no mistakes; it holds {period}\n"
            ))
        }
        Some((_, matches)) => match Reader::new(matches).text("policy") {
            Some(file) => read_file(Path::new(file)).map(|policy| render(&policy)),
            None => Ok(render(&Policy::weixin_2023())),
        },
        None => Err(vec!["policy: say show or check".to_owned()]),
    }
}

fn serve_command(matches: &ArgMatches) -> Result<Command, Vec<String>> {
    read_all(matches, serving::read).map(|config| Command::Serve(Box::new(config)))
}

fn inspect_command(
    matches: &ArgMatches,
    read: impl FnOnce(&mut Reader<'_>) -> Option<Inspection>,
) -> Result<Command, Vec<String>> {
    read_all(matches, read).map(Command::Inspect)
}

/// What was read, or every mistake in it.
fn read_all<T>(
    matches: &ArgMatches,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, Vec<String>> {
    let mut reader = Reader::new(matches);
    let config = read(&mut reader);
    let mistakes = reader.into_mistakes();
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes),
    }
}

#[cfg(test)]
mod listening_tests;
#[cfg(test)]
mod partners_tests;
#[cfg(test)]
mod tests;
