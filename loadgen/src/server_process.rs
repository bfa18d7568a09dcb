//! A server that is started for one measurement and ended with it.
//!
//! It is ended however the measurement ends, a panic and Ctrl-C included, but for one case: when
//! the generator itself is killed with SIGKILL, its server and its folder stay and are for a person
//! to remove. Linux can end a child with its parent, but the child must ask for it between fork and
//! exec, and that takes unsafe code (`pre_exec`), of which there is none here.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::target::Target;

/// How long the server may take to begin serving.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take to end once it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Name of the server's program.
const PROGRAM: &str = "waika-server";

/// A running server with a data folder of its own.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    folder: TempDir,
    /// Its public listener.
    pub(crate) target: Target,
    /// Its administrative listener.
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
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The server beside this very program.
pub(crate) fn beside_this_program() -> Result<PathBuf, ServerError> {
    let own = std::env::current_exe()?;
    Ok(own.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX)))
}

/// What the program says of its version; `None` if it does not say.
pub(crate) async fn version(path: &Path) -> Option<String> {
    let asked = Command::new(path)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(5), asked)
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let last = text.split_whitespace().next_back()?;
    output.status.success().then(|| last.to_owned())
}

impl ServerProcess {
    /// Starts the server at `path` on free ports with a fresh journal, and waits until it serves.
    pub(crate) async fn start(path: &Path) -> Result<Self, ServerError> {
        if !path.is_file() {
            return Err(ServerError::Missing(path.to_owned()));
        }
        let folder = TempDir::with_prefix("waika-quickstart-")?;
        let mut child =
            command(path, folder.path())
                .spawn()
                .map_err(|source| ServerError::Start {
                    path: path.to_owned(),
                    source,
                })?;
        let not_serving = |reason: &str| ServerError::NotServing {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| not_serving("it has no output"))?;
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        let read = tokio::time::timeout(START_TIMEOUT, reader.read_line(&mut line)).await;
        match read {
            Ok(Ok(0) | Err(_)) => {
                let reason = match child.wait().await {
                    Ok(status) => format!("it ended with {status}; see its messages above"),
                    Err(error) => error.to_string(),
                };
                Err(not_serving(&reason))
            }
            Ok(Ok(_)) => match listeners(&line) {
                Some((target, admin)) => Ok(Self {
                    child,
                    folder,
                    target,
                    admin,
                }),
                None => Err(not_serving(&format!("it said \"{}\"", line.trim()))),
            },
            Err(_) => Err(not_serving("it said nothing for 30 s")),
        }
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<NonZeroU32> {
        self.child.id().and_then(NonZeroU32::new)
    }

    /// Asks it to drain and end, waits, and removes its folder. One that does not end is killed.
    pub(crate) async fn stop(mut self) -> Result<(), ServerError> {
        if let Some(status) = self.child.try_wait()? {
            return Err(ServerError::Stop(format!(
                "it had ended before, with {status}"
            )));
        }
        if let Some(pid) = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
        {
            kill_process(pid, Signal::TERM).map_err(std::io::Error::from)?;
        }
        let Ok(status) = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await else {
            self.child.kill().await?;
            return Err(ServerError::Stop(
                "it was still there after 15 s, and was killed".to_owned(),
            ));
        };
        let status = status?;
        if !status.success() {
            return Err(ServerError::Stop(format!("it ended with {status}")));
        }
        self.folder.close()?;
        Ok(())
    }
}

/// The command line. Its messages go where ours go; it hears Ctrl-C only through us, so that it is
/// still there when the report is made.
fn command(path: &Path, folder: &Path) -> Command {
    let mut store = std::ffi::OsString::from("journal:");
    store.push(folder.join("data"));
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
        .args(["--log-level", "warn"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// The public and the administrative address in the line that a server says when it serves.
fn listeners(line: &str) -> Option<(Target, Target)> {
    let rest = line.trim().strip_prefix("waika-server listening on ")?;
    let mut words = rest.split(' ');
    let public = words.next()?;
    let (Some("admin"), Some(admin)) = (words.next(), words.next()) else {
        return None;
    };
    let target = |address: &str| format!("http://{address}").parse().ok();
    Some((target(public)?, target(admin)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_contract_is_understood() {
        let line = "waika-server listening on 127.0.0.1:50051 admin 127.0.0.1:50052 metrics 127.0.0.1:9464\n";
        let (target, admin) = listeners(line).unwrap();
        assert_eq!(target.to_string(), "http://127.0.0.1:50051");
        assert_eq!(admin.to_string(), "http://127.0.0.1:50052");
        assert!(listeners("waika-server listening on nowhere").is_none());
        assert!(listeners("error: no").is_none());
    }
}
