//! F5: a disk that runs short of room. Nothing new is begun and everything is still told; a write that
//! finds no room all the same ends the server, and nothing that was answered is lost.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};
use tonic::Code;
use waika::health::HealthCheckRequest;
use waika::health::health_check_response::ServingStatus;
use waika::health::health_client::HealthClient;

use crate::crash_support::Paid;
use crate::support::{Home, Server, reason_of};
use crate::wallet::{Callers, pay, unbind};

const MIB: u64 = 1 << 20;

/// A data folder on a disk of its own, which is in memory and small.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this process may not mount: that is said, and the test is not run.
    fn under(home: &Home, bytes: u64) -> Option<Self> {
        let folder = home.data();
        fs::create_dir(&folder).unwrap();
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={bytes},mode=700"),
                "tmpfs",
            ])
            .arg(&folder)
            .output()
            .unwrap();
        if mounted.status.success() {
            return Some(Self(folder));
        }
        let why = String::from_utf8_lossy(&mounted.stderr);
        eprintln!("NOT RUN: a small disk needs the right to mount one: {why}");
        None
    }

    /// A file that leaves this much room at most. The server may be writing too.
    fn fill_but(&self, bytes: u64) -> Ballast {
        const PIECE: u64 = 1 << 16;
        let name = self.0.join("ballast");
        let mut file = File::create(&name).unwrap();
        loop {
            let disk = rustix::fs::statvfs(&self.0).unwrap();
            let more = (disk.f_bavail * disk.f_frsize)
                .saturating_sub(bytes)
                .min(PIECE);
            let piece = vec![0; usize::try_from(more).unwrap()];
            if piece.is_empty() || file.write_all(&piece).is_err() {
                return Ballast(name);
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that a failed test left is gone in a moment.
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

struct Ballast(PathBuf);

impl Ballast {
    fn remove(self) {
        fs::remove_file(&self.0).unwrap();
    }
}

async fn health(server: &Server) -> ServingStatus {
    let mut health = HealthClient::new(server.rpc_channel().await);
    let asked = HealthCheckRequest::default();
    health.check(asked).await.unwrap().into_inner().status()
}

async fn wait_for(server: &Server, expected: ServingStatus) {
    let begun = Instant::now();
    while health(server).await != expected {
        assert!(begun.elapsed() < Duration::from_secs(20), "{expected:?}");
        sleep(Duration::from_millis(20)).await;
    }
    eprintln!("F5: {expected:?} after {:?}", begun.elapsed());
}

#[tokio::test]
async fn f5_a_server_whose_disk_runs_short_begins_nothing_new_until_there_is_room() {
    let home = Home::new();
    let Some(disk) = SmallDisk::under(&home, 32 * MIB) else {
        return;
    };
    let floor = (8 * MIB).to_string();
    let arguments = ["--min-free-bytes", &floor];
    let server = Server::start_in(home, &arguments);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "paid", 100).await;
    assert_eq!(health(&server).await, ServingStatus::Serving);

    let ballast = disk.fill_but(6 * MIB);
    wait_for(&server, ServingStatus::NotServing).await;
    let refused = callers.authorise(pay("a", &card, "refused", 100)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert_eq!(reason_of(&refused), "DISK_SHORT");
    let kept = callers.cards.unbind(unbind("a", &card, "unbind")).await;
    assert_eq!(reason_of(&kept.unwrap_err()), "DISK_SHORT");
    let again = callers.authorise(pay("a", &card, "paid", 100)).await;
    let again = again.unwrap();
    assert!(again.replayed, "an answer that is there is told");
    assert_eq!(again.authorisation, Some(paid));
    assert_eq!(callers.used("a").await, (100, 100));
    let free = server.figure("waika_store_free_bytes").await.unwrap();
    assert!((1.0..8_388_608.0).contains(&free), "{free}");

    // A server that starts without room can be read too.
    let (status, home) = server.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    let server = Server::start_in(home, &arguments);
    assert_eq!(health(&server).await, ServingStatus::NotServing);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await, (100, 100));

    ballast.remove();
    wait_for(&server, ServingStatus::Serving).await;
    let refused = callers.authorise(pay("a", &card, "refused", 100)).await;
    assert!(!refused.unwrap().replayed, "nothing was written");
    assert_eq!(callers.used("a").await, (200, 200));
    let (log, home) = server.stop_and_read_log();
    assert!(log.contains("the store's disk runs short"), "{log}");
    assert!(log.contains("the store's disk has room again"), "{log}");
    drop((disk, home));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f5_a_write_that_finds_no_room_ends_the_server_and_nothing_is_lost() {
    let home = Home::new();
    let Some(disk) = SmallDisk::under(&home, 16 * MIB) else {
        return;
    };
    let arguments = ["--min-free-bytes", "0", "--snapshot-every", "0"];
    let server = Server::start_in(home, &arguments);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    // The segment that is written and the next one are there already.
    let ballast = disk.fill_but(MIB / 2);
    let paid = Paid::until_it_ends(&callers, "a", &card).await;
    let (status, home) = server.ended();
    assert_eq!(status.code(), Some(74));
    assert!(paid.answered() > 100, "{paid:?}");

    ballast.remove();
    let server = Server::start_in(home, &arguments);
    paid.check(&mut Callers::of(&server).await).await;
    eprintln!("F5: {} answered before ENOSPC, 0 lost", paid.answered());
    let (_, home) = server.stop(Signal::TERM);
    // In this order: a folder in which a disk is mounted cannot be removed.
    drop((disk, home));
}
