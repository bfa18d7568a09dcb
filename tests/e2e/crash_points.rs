//! F2 on the real binary: killed as it makes one of the calls that change the disk, each of them in turn,
//! during a start and under load. Nothing that was answered is lost, and it starts again.
//!
//! `WAIKA_CALLS=200 cargo test --release --test e2e crash_points -- --nocapture` is the long form: at each
//! of the first 200 calls of whichever thread comes to it first. `WAIKA_CALL=17` is that one alone.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::Signal;

use crate::crash_strace::traced;
use crate::crash_support::{Paid, positions};
use crate::support::{Home, NotStarted, Server, number};
use crate::wallet::Callers;

/// The calls that change a disk: of the journal's files, its snapshots', its keys' and their folder.
const CALLS: &str = "pwrite64,fdatasync,fsync,renameat,unlinkat";
/// In the short form.
const SHORT: [u64; 6] = [1, 3, 7, 12, 25, 60];
/// So many snapshots that some of the calls are theirs.
const OFTEN: [&str; 2] = ["--snapshot-every", "400"];

/// What was met.
#[derive(Debug, Default)]
struct Met {
    killed_in_a_start: u64,
    killed_under_load: u64,
    answered: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_a_server_killed_at_any_call_that_changes_the_disk_loses_nothing() {
    let mut met = Met::default();
    for at in positions("WAIKA_CALL", &SHORT) {
        kill_in_a_new_folder(at, &mut met).await;
        kill_in_a_folder_that_is_used(at, &mut met).await;
    }
    eprintln!("F2: the release binary: {met:?}, 0 lost");
    if number("WAIKA_CALL").is_none() {
        assert!(met.killed_in_a_start > 0 && met.killed_under_load > 0 && met.answered > 0);
    }
}

/// What is left can be started in, whatever the folder has by then.
async fn kill_in_a_new_folder(at: u64, met: &mut Met) {
    let home = match start_to_be_killed(Home::new(), at) {
        Ok(_serves) => return,
        Err(home) => home,
    };
    met.killed_in_a_start += 1;
    let server = Server::start_in(home, &OFTEN);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.paid("a", &card, "paid", 100).await;
    assert_eq!(callers.used("a").await, (100, 100), "call {at}");
}

/// A server that has entries to replay.
async fn kill_in_a_folder_that_is_used(at: u64, met: &mut Met) {
    let server = Server::start_in(Home::new(), &OFTEN);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut home = server.kill();
    let mut paid = None;
    match start_to_be_killed(home, at) {
        Ok(server) => {
            let load = Paid::until_it_ends(&Callers::of(&server).await, "a", &card).await;
            let (status, left) = server.ended();
            assert_killed(status, "under load");
            met.killed_under_load += 1;
            met.answered += load.answered();
            (home, paid) = (left, Some(load));
        }
        Err(left) => {
            met.killed_in_a_start += 1;
            home = left;
        }
    }
    let server = Server::start_in(home, &OFTEN);
    let mut callers = Callers::of(&server).await;
    if let Some(paid) = paid {
        paid.check(&mut callers).await;
    } else {
        callers.paid("a", &card, "paid", 100).await;
        assert_eq!(callers.used("a").await, (100, 100), "call {at}");
    }
    let (status, _) = server.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0), "call {at}");
}

/// A server that is killed at that call; its folder, if that was before it served.
fn start_to_be_killed(home: Home, at: u64) -> Result<Server, Home> {
    let folder = tempfile::tempdir().unwrap();
    let inject = format!("{CALLS}:signal=SIGKILL:when={at}");
    let mut command = home.command();
    command.args(OFTEN);
    let mut command = traced(&command, CALLS, &inject, &folder.path().join("trace"));
    let started = Server::try_start(&mut command, home);
    started.map_err(|NotStarted { status, text, home }| {
        assert_killed(status, &text);
        home
    })
}

fn assert_killed(status: ExitStatus, said: &str) {
    let killed = Some(Signal::KILL.as_raw());
    assert_eq!(status.signal(), killed, "{status}: {said}");
}
