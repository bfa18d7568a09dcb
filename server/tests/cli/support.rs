//! Starts the real binary.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The binary, with nothing of this environment in its own.
pub(crate) fn waika(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waika-server"));
    command.env_clear().env("HOME", home).current_dir(home);
    command
}

/// A server on free ports, killed when the test is over.
pub(crate) struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said on standard output when it served.
    pub(crate) line: String,
    home: TempDir,
}

impl Server {
    pub(crate) fn start(more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let ports = "--listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0";
        let mut process = waika(home.path())
            .args(ports.split(' '))
            .args(more.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self {
            process,
            stdout,
            line,
            home,
        }
    }

    /// The folder that it was started in.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    fn address(&self, after: &str) -> SocketAddr {
        let mut words = self.line.split_whitespace();
        assert!(words.any(|word| word == after), "{}", self.line);
        words.next().unwrap().parse().unwrap()
    }

    pub(crate) fn rpc(&self) -> SocketAddr {
        self.address("on")
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.address("admin")
    }

    pub(crate) fn metrics(&self) -> SocketAddr {
        self.address("metrics")
    }

    /// A page of the kernel about the process.
    pub(crate) fn told_by_kernel(&self, page: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{page}", self.process.id())).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// The exit code, what else came on standard output, and the logs.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let (mut rest, mut logs) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        let mut stderr = self.process.stderr.take().unwrap();
        stderr.read_to_string(&mut logs).unwrap();
        (self.process.wait().unwrap().code(), rest, logs)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
