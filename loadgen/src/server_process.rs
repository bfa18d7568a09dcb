//! A server that is started for one measurement and ended with it.
//!
//! It is ended with all that it has started however the measurement ends: a panic, Ctrl-C, Ctrl-\,
//! SIGTERM and a terminal that is closed included. There is one exception: when the generator itself
//! is ended by a signal that it does not hear, such as SIGKILL, its server and its folder stay and
//! are for a person to remove. Linux can end a child with its parent, but the child must ask for it between fork and
//! exec, and that takes unsafe code (`pre_exec`), of which there is none here.

mod said;

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use crate::args::Place;
use crate::certificates::{CertificateError, Certificates};
use crate::exit::Failure;
use crate::job::KnownServer;
use crate::output;
use crate::process_group::ProcessGroup;
use crate::signals::StopSignals;
use crate::target::{Address, Target};
use crate::tls::TlsArgs;

/// How long the server may take to begin serving.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take to end once it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one that closed its output may take to be gone.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a program may take to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// No more of what a program says is read, in bytes.
const MOST_READ: u64 = 4096;

/// No more of it is shown, in characters.
const MOST_SHOWN: usize = 80;

/// Name of the server's program.
const PROGRAM: &str = "waika-server";

/// Where a server has its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// On the disk, in a fresh folder: durable before an answer is given.
    Journal,
    /// In its memory, and gone with it.
    Memory,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// In clear text.
    Plain,
    /// Over TLS, with certificates on both sides that are made for it.
    MutualTls,
}

impl Speech {
    /// As a flag `--mtls` says.
    pub(crate) fn of_flag(mtls: bool) -> Self {
        if mtls { Self::MutualTls } else { Self::Plain }
    }
}

/// Reads a server's public and administrative address out of the line that it says when it serves.
type Listeners = fn(&str) -> Option<(Address, Address)>;

/// A running server with a data folder of its own.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    // Before its folder, so that it is gone when that is removed.
    group: ProcessGroup,
    folder: TempDir,
    /// Its public listener.
    pub(crate) target: Target,
    /// Its administrative listener; a floor has only the one.
    pub(crate) admin: Target,
}

/// A server that could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// There is no such program.
    #[error(
        "there is no {PROGRAM} at {0}: build it with `cargo build --release`, or name one with --server"
    )]
    Missing(PathBuf),
    /// It could not be started.
    #[error("cannot start {path}: {source}")]
    Start {
        /// The program.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It ended or was silent instead of serving.
    #[error("{path} did not begin to serve: {reason}")]
    NotServing {
        /// The program.
        path: PathBuf,
        /// What happened instead.
        reason: String,
    },
    /// It did not end well.
    #[error("the server did not stop cleanly: {0}")]
    Stop(String),
    /// It was killed because another signal asked this program to stop.
    #[error("the server had not ended when a signal asked to stop at once, and was killed")]
    Hurried,
    /// There are no certificates for it.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// It could not be reached with them.
    #[error("{0}")]
    Unreachable(Failure),
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The server beside this very program.
pub(crate) fn beside_this_program() -> Result<PathBuf, ServerError> {
    let own = std::env::current_exe()?;
    Ok(own.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX)))
}

/// What the program says of its version; `None` if it does not say. The error is that it cannot be
/// started.
pub(crate) async fn version(path: &Path) -> std::io::Result<Option<String>> {
    let mut command = Command::new(std::path::absolute(path)?);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut group = ProcessGroup::start(&mut command)?;
    let said = async {
        let mut text = String::new();
        let stdout = group.child.stdout.take()?;
        let read = stdout.take(MOST_READ).read_to_string(&mut text).await;
        let status = read.and(group.child.wait().await).ok()?;
        let last = text.split_whitespace().next_back()?;
        status.success().then(|| last.to_owned())
    };
    let in_time = tokio::time::timeout(VERSION_TIMEOUT, said).await;
    Ok(in_time.ok().flatten())
}

/// Starts this server, or else the one beside this program, with a fresh journal, and tells so. With
/// it comes what a report says of it.
pub(crate) async fn fresh(
    named: Option<&Path>,
    speech: Speech,
    signals: &mut StopSignals,
) -> Result<(ServerProcess, KnownServer), Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => beside_this_program().map_err(Failure::tool)?,
    };
    output::note(&format!(
        "Starting {} with a fresh journal.",
        path.display()
    ));
    let server = tokio::select! {
        server = ServerProcess::start_on(&path, (Store::Journal, speech), &[]) => server.map_err(Failure::tool)?,
        () = signals.received() => {
            return Err(Failure::Tool("interrupted while the server started".to_owned()));
        }
    };
    let known = KnownServer {
        pid: server.pid(),
        version: version(&path).await.ok().flatten(),
        store: Some("journal (fresh, temporary folder)".to_owned()),
    };
    Ok((server, known))
}

impl ServerProcess {
    /// Starts the server at `path` on free ports with a fresh journal and these arguments behind all
    /// others, and waits until it serves.
    pub(crate) async fn start_with(path: &Path, more: &[OsString]) -> Result<Self, ServerError> {
        Self::start_on(path, (Store::Journal, Speech::Plain), more).await
    }

    /// The same with its data there, and spoken to like this. A program that is named without a
    /// folder is the one in this folder, and none of the search path.
    pub(crate) async fn start_on(
        path: &Path,
        (store, speech): (Store, Speech),
        more: &[OsString],
    ) -> Result<Self, ServerError> {
        if !path.is_file() {
            return Err(ServerError::Missing(path.to_owned()));
        }
        let path = std::path::absolute(path)?;
        let folder = TempDir::with_prefix("waika-server-")?;
        let mut command = command(&path, folder.path(), store);
        let certificates = match speech {
            Speech::Plain => None,
            Speech::MutualTls => Some(Certificates::make(folder.path())?),
        };
        command.args(certificates.iter().flat_map(Certificates::arguments));
        command.args(more);
        let (group, addresses) = Self::serve(path, command, said::listeners).await?;
        Self::of(group, folder, addresses, certificates.as_ref())
    }

    /// Starts this very program as a floor on a free port, with these arguments, and waits until it
    /// serves. It has no data, and an empty folder.
    pub(crate) async fn start_floor(arguments: &[OsString]) -> Result<Self, ServerError> {
        let path = std::env::current_exe()?;
        let folder = TempDir::with_prefix("waika-floor-")?;
        let mut command = Command::new(&path);
        command
            .args(["floor", "--listen", "127.0.0.1:0"])
            .args(arguments);
        let (group, addresses) = Self::serve(path, command, said::listener_of_floor).await?;
        Self::of(group, folder, addresses, None)
    }

    fn of(
        group: ProcessGroup,
        folder: TempDir,
        (target, admin): (Address, Address),
        certificates: Option<&Certificates>,
    ) -> Result<Self, ServerError> {
        let place = match certificates {
            Some(certificates) => certificates.place(&target, &admin),
            None => TlsArgs::default().place(&target, &admin),
        };
        let Place { target, admin } = place.map_err(ServerError::Unreachable)?;
        Ok(Self {
            group,
            folder,
            target,
            admin,
        })
    }

    /// Starts it, and waits until it says where it serves.
    async fn serve(
        path: PathBuf,
        mut command: Command,
        listeners: Listeners,
    ) -> Result<(ProcessGroup, (Address, Address)), ServerError> {
        let started = ProcessGroup::start(command.stdin(Stdio::null()).stdout(Stdio::piped()));
        let mut group = started.map_err(|source| ServerError::Start {
            path: path.clone(),
            source,
        })?;
        let stdout = group.child.stdout.take();
        let said = tokio::time::timeout(START_TIMEOUT, first_line(stdout)).await;
        let reason = match said {
            Ok(Ok(line)) if line.is_empty() => how_it_ended(&mut group).await,
            Ok(Ok(line)) => match listeners(&line) {
                Some(addresses) => return Ok((group, addresses)),
                None => format!("it said \"{}\"", shown(&line)),
            },
            Ok(Err(error)) => format!("its output cannot be read: {error}"),
            Err(_) => "it said no line for 30 s".to_owned(),
        };
        Err(ServerError::NotServing { path, reason })
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<NonZeroU32> {
        self.group.child.id().and_then(NonZeroU32::new)
    }

    /// Asks it to drain and end, waits, and removes its folder. One that does not end is killed, and
    /// at once if a signal asks this program to stop meanwhile.
    pub(crate) async fn stop(mut self) -> Result<(), ServerError> {
        let mut signals = StopSignals::listen()?;
        let child = &mut self.group.child;
        if let Some(status) = child.try_wait()? {
            return Err(ServerError::Stop(format!(
                "it had ended before, with {status}"
            )));
        }
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, Signal::TERM).map_err(std::io::Error::from)?;
        }
        let ended = tokio::select! {
            ended = tokio::time::timeout(STOP_TIMEOUT, child.wait()) => ended,
            () = signals.received() => {
                output::note("Asked to stop once more: the server is killed.");
                return Err(ServerError::Hurried);
            }
        };
        let Ok(status) = ended else {
            return Err(ServerError::Stop(
                "it was still there after 15 s, and was killed".to_owned(),
            ));
        };
        let status = status?;
        if !status.success() {
            return Err(ServerError::Stop(format!("it ended with {status}")));
        }
        // What it has started and left behind is ended before its folder is removed.
        drop(self.group);
        self.folder.close()?;
        Ok(())
    }
}

/// The first line that comes, or what there is of it if it is too long; nothing if there is no more.
async fn first_line(output: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut line = Vec::new();
    if let Some(output) = output {
        let mut reader = BufReader::new(output.take(MOST_READ));
        reader.read_until(b'\n', &mut line).await?;
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// What became of a program that has closed its output.
async fn how_it_ended(group: &mut ProcessGroup) -> String {
    match tokio::time::timeout(END_TIMEOUT, group.child.wait()).await {
        Ok(Ok(status)) => format!("it ended with {status}; see its messages above"),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it closed its output without a word and did not end; it was killed".to_owned(),
    }
}

/// What a stranger said, so that it does no harm to a terminal.
fn shown(text: &str) -> String {
    let escaped = text.trim().chars().flat_map(char::escape_default);
    escaped.take(MOST_SHOWN).collect()
}

/// The command line. Its messages go where ours go; it hears Ctrl-C only through us, so that it is
/// still there when the report is made.
fn command(path: &Path, folder: &Path, store: Store) -> Command {
    let store = match store {
        Store::Journal => {
            let mut journal = OsString::from("journal:");
            journal.push(folder.join("data"));
            journal
        }
        Store::Memory => "memory:".into(),
    };
    let mut command = Command::new(path);
    for listener in ["--listen", "--admin-listen", "--metrics-listen"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    command
        .arg("--store")
        .arg(store)
        .arg("--key-file")
        .arg(folder.join("key"))
        // Its life is told here, in words of our own; it only has trouble to add.
        .args(["--log-level", "warn"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_says_is_short_and_harmless() {
        assert_eq!(shown(" error: no\n"), "error: no");
        assert_eq!(shown("\u{1b}[31m\u{fffd}"), "\\u{1b}[31m\\u{fffd}");
        assert_eq!(shown(&"x".repeat(5000)), "x".repeat(80));
        assert_eq!(shown(&"\u{7}".repeat(5000)).len(), 80);
    }

    #[tokio::test]
    async fn no_more_than_a_line_is_read() {
        let check = async |bytes: &[u8], line: &str| {
            assert_eq!(first_line(Some(bytes)).await.unwrap(), line);
        };
        check(b"", "").await;
        check(b"one\ntwo\n", "one\n").await;
        check(b"without an end", "without an end").await;
        check(b"\xff\n", "\u{fffd}\n").await;
        check(&[b'x'; 10_000], &"x".repeat(4096)).await;
    }
}
