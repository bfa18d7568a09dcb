//! F4: a sync that fails. The server tells no decision any more, ends with 74, and after a start every
//! answer that it gave is there.
//!
//! strace makes the syncs of the real server fail. `WAIKA_SYNCS=500 cargo test --release --test e2e
//! crash_syncs -- --nocapture` is the long form: at each of the first 500.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::crash_support::{Paid, number};
use crate::support::{Home, Server};
use crate::wallet::Callers;

/// After how many syncs the next one fails, in the short form.
const SHORT: [u64; 4] = [1, 2, 9, 40];

/// strace on a server that runs already.
struct Strace(Child);

impl Strace {
    /// Lets this sync of each thread fail, counted from now.
    fn fail_sync(server: &Server, at: u64, into: &Path) -> Self {
        let mut strace = Command::new("strace")
            .args(["--follow-forks", "--absolute-timestamps=unix,us"])
            .args(["--trace", "fdatasync,exit_group", "--inject"])
            .arg(format!("fdatasync:error=EIO:when={at}"))
            .arg("--output")
            .arg(into)
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
    fn ended(mut self) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_no_decision_is_told_once_a_sync_has_failed() {
    let long = number("WAIKA_SYNCS").map(|most| (1..=most).collect());
    let mut slowest = 0.0_f64;
    for at in long.unwrap_or(SHORT.to_vec()) {
        slowest = slowest.max(fail_at(at).await);
    }
    eprintln!(
        "from the failed sync to the end at most {:.1} ms",
        slowest * 1e3
    );
}

/// From the failed sync to the end, in seconds.
async fn fail_at(at: u64) -> f64 {
    let server = Server::start_in(Home::new(), &[]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let strace = Strace::fail_sync(&server, at, &trace);
    let paid = Paid::until_it_ends(&callers, "a", &card).await;
    let (status, home) = server.ended();
    assert_eq!(status.code(), Some(74), "sync {at}");
    strace.ended();

    let server = Server::start_in(home, &[]);
    paid.check(&mut Callers::of(&server).await).await;
    from_failure_to_end(&fs::read_to_string(trace).unwrap())
}

/// By strace's own clock.
fn from_failure_to_end(trace: &str) -> f64 {
    let seconds = |words: &str| {
        let line = trace.lines().find(|line| line.contains(words)).unwrap();
        let mut fields = line.split_whitespace();
        fields.nth(1).unwrap().parse::<f64>().unwrap()
    };
    seconds("exit_group(74)") - seconds("(INJECTED)")
}
