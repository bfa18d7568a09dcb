//! A disk that takes long over its syncs, by strace: no answer leaves before its sync has returned, and a
//! kill in the middle loses nothing that was answered.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::crash_strace::Strace;
use crate::crash_support::Paid;
use crate::support::{Home, Server};
use crate::wallet::{Callers, pay};

/// How long a sync takes longer than it would.
const DELAY: Duration = Duration::from_millis(100);

/// strace makes each sync of the server take longer from now on; where the delay is, is its own word.
fn delay_syncs(server: &Server, place: &str) -> Strace {
    let inject = format!("fdatasync:{place}={}", DELAY.as_micros());
    Strace::attach(server, "fdatasync", &inject, "/dev/null".as_ref())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_leaves_before_its_sync_has_returned() {
    for place in ["delay_enter", "delay_exit"] {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        let card = callers.wallet("a").await;
        let strace = delay_syncs(&server, place);
        for number in 0..5 {
            let sent = Instant::now();
            let payment = pay("a", &card, &format!("p{number}"), 1);
            assert_eq!(callers.decision(payment).await, "APPROVED");
            // By what causes what, however fast or slow the machine is.
            let took = sent.elapsed();
            assert!(took >= DELAY, "{place}: answered after {took:?}");
        }
        drop(strace);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_a_slow_sync_loses_nothing_that_was_answered() {
    for place in ["delay_enter", "delay_exit"] {
        let server = Server::start_in(Home::new(), &[]);
        let mut callers = Callers::of(&server).await;
        let card = callers.wallet("a").await;
        let strace = delay_syncs(&server, place);
        let load = tokio::spawn(async move { Paid::until_it_ends(&callers, "a", &card).await });
        // In the middle of the fourth sync.
        sleep(DELAY * 7 / 2).await;
        let home = server.kill();
        let paid = load.await.unwrap();
        drop(strace);
        let server = Server::start_in(home, &[]);
        paid.check(&mut Callers::of(&server).await).await;
    }
}
