//! The scrub: a running server holds its memory against its store. It agrees under load and after a kill,
//! and a store that has changed below it ends it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::{Home, Server};
use crate::wallet::{Callers, pay};

const OFTEN: [&str; 4] = ["--scrub-every", "20ms", "--snapshot-every", "150"];
const COMPARED: &str = "waika_scrubbed_accounts_total";

/// Waits until more accounts than so many were compared and found the same.
async fn compared(server: &Server, more_than: f64) -> f64 {
    let begun = Instant::now();
    loop {
        let compared = server.figure(COMPARED).await.unwrap_or_default();
        if compared > more_than {
            return compared;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{compared}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn memory_and_store_agree_under_load_and_after_a_kill() {
    let server = Server::start_with(&OFTEN);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for number in 0..400 {
        let payment = pay("a", &card, &format!("p{number}"), 100);
        callers.authorise(payment).await.unwrap();
    }
    // What was counted under load may be of before.
    let so_far = compared(&server, 0.0).await;
    compared(&server, so_far).await;
    let server = Server::start_in(server.kill(), &OFTEN);
    let used = Callers::of(&server).await.used("a").await;
    assert_eq!(used, (40_000, 40_000));
    compared(&server, 1.0).await;
    let (log, home) = server.stop_and_read_log();
    assert!(log.contains("memory and store agree"), "{log}");
    drop(home);
}

/// The journal's first segment.
fn segment(home: &Home) -> PathBuf {
    home.data().join("journal-0000000000000001.seg")
}

/// Turns a bit over behind a text that stands in a file once.
fn flip_behind(file: &Path, text: &[u8]) {
    let bytes = fs::read(file).unwrap();
    let at = bytes.windows(text.len()).position(|found| found == text);
    let at = at.unwrap() + text.len();
    let flipped = [bytes[at] ^ 1];
    let file = OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&flipped, at as u64).unwrap();
}

#[tokio::test]
async fn a_store_that_has_changed_below_the_server_ends_it() {
    let server = Server::start_with(&["--scrub-every", "20ms", "--snapshot-every", "0"]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for key in ["first", "second", "third"] {
        callers.paid("a", &card, key, 100).await;
    }
    compared(&server, 0.0).await;
    flip_behind(&segment(&server.home), b"second");
    let (status, home) = server.ended();
    assert_eq!(status.code(), Some(65));
    // A start says the same.
    let mut command = home.command();
    let Err(refused) = Server::try_start(&mut command, home) else {
        panic!("a damaged journal is refused");
    };
    assert_eq!(refused.status.code(), Some(65));
    assert!(refused.text.contains("journal-0000000000000001.seg"));
    drop(callers);
}
