//! The real server under strace, which changes what its system calls do.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::Server;

/// strace on a server that runs already.
pub(crate) struct Strace(Child);

impl Strace {
    /// Traces these calls of each thread that there is and that comes, and does `inject` to them, counted
    /// from now.
    pub(crate) fn attach(server: &Server, calls: &str, inject: &str, into: &Path) -> Self {
        let mut strace = strace(calls, inject, into)
            .arg("--attach")
            .arg(server.id().to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("strace: {error}: apt-get install strace"));
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        let mut line = String::new();
        // Every thread that there is has been attached by its first word.
        said.read_line(&mut line).unwrap();
        assert!(
            line.contains("attached"),
            "strace may not trace here: {line}"
        );
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self(strace)
    }

    /// Waits for its last word; its server has ended.
    pub(crate) fn ended(mut self) {
        self.0.wait().unwrap();
    }
}

/// What it traced goes on without it.
impl Drop for Strace {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The same command, traced from its first call on by a process that is not its parent.
pub(crate) fn traced(command: &Command, calls: &str, inject: &str, into: &Path) -> Command {
    let mut traced = strace(calls, inject, into);
    traced
        // Not with --seccomp-bpf: strace 6.1 then injects no signals.
        .args(["--daemonize", "--"]);
    into_traced(traced, command)
}

/// The same command, whose syncs take so much longer from its first call on. Nothing else is stopped by strace.
pub(crate) fn with_slow_syncs(command: &Command, delay: Duration) -> Command {
    let inject = format!("fdatasync:delay_enter={}", delay.as_micros());
    let mut traced = strace("fdatasync", &inject, "/dev/null".as_ref());
    traced.args(["--seccomp-bpf", "--daemonize", "--"]);
    into_traced(traced, command)
}

fn into_traced(mut strace: Command, command: &Command) -> Command {
    strace
        .arg(command.get_program())
        .args(command.get_args())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    strace
}

fn strace(calls: &str, inject: &str, into: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["--follow-forks", "--absolute-timestamps=unix,us"])
        .args(["--trace", calls, "--inject", inject])
        .arg("--output")
        .arg(into);
    strace
}
