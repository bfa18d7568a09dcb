//! F11: three servers over one database, no affinity; servers are killed, their connections lose answers, questions
//! or everything, their clocks are 1.9 s apart from the database's, and a month ends meanwhile.
//!
//! `WAIKA_KILLS=100 cargo test --release --test e2e postgres_f11 -- --nocapture` is the long form.

use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;
use tokio::task::JoinSet;
use waika::v1;
use waika::v1::set_clock_request::Setting;

use crate::postgres_payers::{ACCOUNTS, PAYERS, Told, account, check, load};
use crate::postgres_proxy::{Passage, Proxy};
use crate::postgres_support::{Database, until};
use crate::support::{Home, NotStarted, Server, number};
use crate::wallet::{Callers, instant};

/// Decisions that another server was faster with.
const CONFLICTS: &str = "waika_store_not_durable_total{outcome=\"conflict\"}";
/// How far each server's clock is from the database's.
const SKEWS: [&str; 3] = ["+1.9s", "-1.9s", "+0s"];

/// Lets a process take this machine's clock for another one.
fn skewed<'a>(command: &'a mut Command, skew: &str) -> &'a mut Command {
    let library = ["x86_64", "aarch64"].map(|machine| {
        PathBuf::from(format!(
            "/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"
        ))
    });
    let library = library.into_iter().find(|path| path.exists());
    let Some(library) = library else {
        panic!("libfaketime is not installed: apt-get install faketime");
    };
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", skew)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

struct Nodes {
    database: Database,
    proxies: Vec<Proxy>,
    running: Vec<Server>,
}

impl Nodes {
    async fn start() -> Self {
        let database = Database::start();
        let mut nodes = Self {
            proxies: Vec::new(),
            running: Vec::new(),
            database,
        };
        for place in 0..SKEWS.len() {
            let port = nodes.database.cluster.port();
            nodes.proxies.push(Proxy::start(port).await);
            nodes.running.push(nodes.node(place));
        }
        nodes
    }

    fn node(&self, place: usize) -> Server {
        let mut command = self.database.command_over(&self.proxies[place].url());
        Server::start_by(skewed(&mut command, SKEWS[place]), Home::new())
    }

    async fn callers(&self) -> Vec<Callers> {
        let mut all = Vec::new();
        for node in &self.running {
            all.push(Callers::of(node).await);
        }
        all
    }

    /// Lets each lose something, and says who is to be killed.
    async fn trouble(&self, random: &mut ChaCha8Rng) -> usize {
        let wait = async |random: &mut ChaCha8Rng, milliseconds: Range<u64>| {
            tokio::time::sleep(Duration::from_millis(random.random_range(milliseconds))).await;
        };
        for proxy in &self.proxies {
            wait(random, 50..300).await;
            proxy.set(match random.random_range(0..8) {
                0 => Passage::Silent,
                1 => Passage::SilentFromParse,
                2..5 => Passage::LosesQuestion,
                _ => Passage::LosesAnswer,
            });
        }
        wait(random, 100..500).await;
        for proxy in &self.proxies {
            proxy.set(Passage::Open);
        }
        wait(random, 0..200).await;
        random.random_range(0..SKEWS.len())
    }

    async fn figure(&self, name: &str) -> f64 {
        let mut sum = 0.0;
        for node in &self.running {
            sum += node.figure(name).await.unwrap_or_default();
        }
        sum
    }
}

/// Sets the clock that every server hears of, and waits until each has.
async fn set_clock(callers: &mut [Callers], key: &str, at: &str) {
    let at = instant(at);
    let request = v1::SetClockRequest {
        idempotency_key: key.to_owned(),
        setting: Some(Setting::Move(at)),
    };
    callers[0].admin.set_clock(request).await.unwrap();
    for caller in callers {
        until("the clock", async || {
            let clock = caller
                .admin
                .get_clock(v1::GetClockRequest {})
                .await
                .unwrap();
            let now = clock.into_inner().clock.unwrap().now.unwrap();
            (now.seconds - at.seconds).abs() < 60
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_nothing_is_lost_counted_twice_or_exceeded() {
    let kills = number("WAIKA_KILLS").unwrap_or(3);
    let mut nodes = Nodes::start().await;
    let mut callers = nodes.callers().await;
    // Before anything is: what was used at a later time would not go by.
    set_clock(&mut callers, "before", "2024-01-31T12:00:00+08:00").await;
    let mut cards = Vec::new();
    for place in 0..ACCOUNTS {
        let middle = u32::try_from(place).unwrap() + 700;
        cards.push(callers[0].wallet_with(&account(place), middle).await);
    }
    let cards = Arc::new(cards);
    let mut random = ChaCha8Rng::seed_from_u64(number("WAIKA_SEED").unwrap_or(11));
    let mut told = Told::default();
    let mut conflicts = 0.0;
    for round in 0..kills {
        if round == kills / 2 {
            set_clock(&mut callers, "month end", "2024-01-31T23:59:57.500+08:00").await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for payer in 0..PAYERS {
            let caller = callers[payer % SKEWS.len()].clone();
            tasks.spawn(load(
                caller,
                Arc::clone(&cards),
                (payer, round),
                Arc::clone(&stop),
            ));
        }
        let victim = nodes.trouble(&mut random).await;
        conflicts += nodes.running[victim]
            .figure(CONFLICTS)
            .await
            .unwrap_or_default();
        nodes.running[victim].signal(Signal::KILL);
        tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = tasks.join_next().await {
            told.add(ended.unwrap());
        }
        nodes.running[victim] = nodes.node(victim);
        callers = nodes.callers().await;
    }
    conflicts += nodes.figure(CONFLICTS).await;
    told.ask_again(&mut callers).await;
    let mut there = 0;
    for place in 0..ACCOUNTS {
        there += check(&nodes.database, &mut callers, &account(place), &told).await;
    }
    let (month, year) = callers[0].used(&account(0)).await;
    assert!(year > month, "no month has ended");
    let (approved, declined, errors) = (told.approved.len(), told.declined, told.errors());
    assert!(
        approved > 100 && declined > 0,
        "{approved} approved, {declined} declined"
    );
    eprintln!(
        "F11: {kills} kills, {} connections cut or silent, {approved} approved and {declined} declined for a limit, {errors} not answered \
         ({:?}), {there} approvals and declines there, {conflicts} conflicts, 0 lost, 0 twice, 0 exceeded",
        kills * 3,
        told.failed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_a_server_whose_clock_is_five_minutes_off_decides_nothing() {
    let database = Database::start();
    for skew in ["+5m", "-5m"] {
        let mut command = database.command_over(&database.cluster.url());
        let refused = Server::try_start(skewed(&mut command, skew), Home::new());
        let Err(NotStarted { status, text, .. }) = refused else {
            panic!("{skew} was taken");
        };
        assert_eq!(status.code(), Some(64), "{text}");
        assert!(text.contains("clock"), "{text}");
    }
}
