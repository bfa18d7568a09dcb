//! Starting the program and a floor to measure, and reading what they say.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_waika-loadgen");

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// What it wrote, as text.
pub(crate) fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Checks an exit code and that standard error says all of `words`.
pub(crate) fn check(arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(arguments);
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    for word in words {
        assert!(
            message.contains(word),
            "{arguments:?}: no {word:?} in {message}"
        );
    }
    assert!(!message.contains("panicked"), "{message}");
}

/// Sends it a signal.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A floor server that ends with the test.
pub(crate) struct Floor {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Floor {
    /// Starts one on a free port.
    pub(crate) fn start(runtime: &str) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([
                "floor",
                "--runtime",
                runtime,
                "--cores",
                "2",
                "--listen",
                "127.0.0.1:0",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("waika-loadgen floor listening on ")
            .unwrap();
        let url = format!("http://{address}");
        Self { child, url }
    }

    /// Stops it, and checks that it ends well.
    pub(crate) fn stop(mut self) {
        signal(&self.child, Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
