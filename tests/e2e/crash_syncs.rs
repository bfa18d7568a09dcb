//! F4: a sync that fails. The server tells no decision any more, ends with 74, and after a start every
//! answer that it gave is there.
//!
//! strace makes the syncs of the real server fail. `WAIKA_SYNCS=500 cargo test --release --test e2e
//! crash_syncs -- --nocapture` is the long form: at each of the first 500; `WAIKA_SYNC=17` is that one alone.

use std::fs;

use crate::crash_strace::Strace;
use crate::crash_support::{Paid, positions};
use crate::support::{Home, Server};
use crate::wallet::Callers;

/// After how many syncs the next one fails, in the short form.
const SHORT: [u64; 4] = [1, 2, 9, 40];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_no_decision_is_told_once_a_sync_has_failed() {
    let mut times = Vec::new();
    for at in positions("WAIKA_SYNC", &SHORT) {
        times.push((fail_at(at).await * 1e3, at));
    }
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (slowest, at) = times[times.len() - 1];
    let over = times.iter().filter(|(time, _)| *time > PROMISED_MS);
    eprintln!(
        "F4: a sync failed at {} positions, 0 lost; from it to the end {:.1} ms at the median, at most {slowest:.1} \
         (at {at}), {} times more than {PROMISED_MS}",
        times.len(),
        times[times.len() / 2].0,
        over.count()
    );
}

/// From a failed sync to the end, in milliseconds: counted, since a test that holds a time fails on a busy machine.
const PROMISED_MS: f64 = 100.0;

/// From the failed sync to the end, in seconds.
async fn fail_at(at: u64) -> f64 {
    let server = Server::start_in(Home::new(), &[]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let inject = format!("fdatasync:error=EIO:when={at}");
    let strace = Strace::attach(&server, "fdatasync,exit_group", &inject, &trace);
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
