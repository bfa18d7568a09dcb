//! A server that is killed at any moment loses nothing that it answered, does nothing twice, and
//! never lets a limit be exceeded: the real server, under load, against an oracle outside it.
//!
//! `WAIKA_KILLS` says how often it is killed (5), `WAIKA_SEED` what is drawn from,
//! `WAIKA_CRASH_SERVER` which binary is started, and `WAIKA_CRASH_ARGUMENTS` with what. A run that fails
//! keeps its folder.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
mod book;
mod calendar;
mod call;
mod compare;
mod draw;
#[path = "../shared/environment.rs"]
mod environment;
mod finding;
mod load;
mod oracle;
#[cfg(test)]
mod oracle_tests;
mod outcome;
mod people;
mod process;
#[path = "../shared/programs.rs"]
mod programs;
mod run;
mod spoiled;
mod tally;

use environment::{environment, number};
use process::Home;
use run::Run;
use tally::First;

const KILLS: u64 = 5;
const SEED: u64 = 1;
/// What even the shortest load must meet to be worth its time.
const MET: [&str; 8] = [
    "Authorise APPROVED",
    "Authorise LIMIT_SINGLE",
    "Authorise PASSWORD_WRONG",
    "Authorise REVERSED_BEFORE_ARRIVAL",
    "Bind BOUND",
    "Reverse GIVEN_BACK",
    "Reverse RECORDED_AHEAD",
    "Unbind UNBOUND",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_keeps_every_promise() {
    let kills = number("WAIKA_KILLS").unwrap_or(KILLS);
    let seed = number("WAIKA_SEED").unwrap_or(SEED);
    println!("WAIKA_SEED={seed} WAIKA_KILLS={kills}");
    let arguments = environment("WAIKA_CRASH_ARGUMENTS").unwrap_or_default();
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    let mut run = Run::begin(seed, Home::new(&arguments)).await;
    let findings = run.kill_times(kills).await;
    println!("{}", run.tally.table(&findings));
    println!("{}", run.tally.in_a_line(seed, &findings));
    if !findings.is_empty() {
        let folder = run.home.keep();
        panic!(
            "WAIKA_SEED={seed} WAIKA_KILLS={}, folder {}\n{}",
            run.tally.kills,
            folder.display(),
            First(&findings)
        );
    }
    assert!(run.tally.logged.compared > 0, "no account was compared");
    for outcome in MET {
        assert!(
            run.tally.outcomes.contains_key(outcome),
            "{outcome} was never met"
        );
    }
}
