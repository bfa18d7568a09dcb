//! One run: load, kill, start again, compare; over and over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost_types::Timestamp;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use waika::v1::{self, set_clock_request::Setting};

use crate::call::{Callers, Request};
use crate::compare::{OneIn, compare};
use crate::finding::Finding;
use crate::load::{Crowd, Load, Shared, send};
use crate::oracle::Oracle;
use crate::people::{self, ACCOUNTS, Habit, STEADY, account_id, habit, merchant_of};
use crate::process::{Home, Life};
use crate::tally::Tally;

/// 11 March and 11 April 2031, noon in Shanghai: the second month meets the year's limit.
const MARCH: i64 = 1_930_968_000;
const APRIL: i64 = MARCH + 31 * 86_400;
/// The clock's seconds in a second, so that locks end and codes grow old within a run.
const RATE: i32 = 20;
/// A load is killed after this long at the latest, in milliseconds.
const LONGEST_LOAD: u64 = 1_500;

/// A run that goes on.
pub(crate) struct Run {
    pub home: Home,
    /// The server that serves now; dropping it kills it.
    life: Option<Life>,
    pub shared: Shared,
    pub tally: Tally,
    seed: u64,
    rng: ChaCha8Rng,
    last_start: Duration,
}

/// When a server is killed.
#[derive(Clone, Copy)]
pub(crate) enum Moment {
    /// At random.
    Any,
    /// At random, while one person calls and nobody else.
    Quiet,
    /// While a snapshot is written.
    Writing,
    /// As a snapshot takes its name, and older ones are removed.
    Publishing,
}

impl Run {
    /// A new server, with people whose cards are bound.
    pub(crate) async fn begin(seed: u64, home: Home) -> Self {
        let mut run = Self {
            home,
            life: None,
            shared: Arc::new(Mutex::new(Oracle::default())),
            tally: Tally::default(),
            seed,
            rng: ChaCha8Rng::seed_from_u64(seed),
            last_start: Duration::ZERO,
        };
        run.start().await;
        let callers = run.callers().await;
        set_clock(&run.shared, &callers, MARCH).await;
        enrol(&run.shared, &callers).await;
        run
    }

    /// A connection to the server that serves now.
    pub(crate) async fn callers(&self) -> Callers {
        let life = self.life.as_ref().unwrap();
        Callers::connect(&life.rpc, &life.admin).await
    }

    /// Kills so many times and gives all that was found.
    pub(crate) async fn kill_times(&mut self, kills: u64) -> Vec<Finding> {
        let mut has_moved = false;
        for round in 0.. {
            let moment = match round % 4 {
                0 => Moment::Any,
                1 => Moment::Quiet,
                2 => Moment::Publishing,
                _ => Moment::Writing,
            };
            let killed = self.load_and_kill(moment).await;
            if round % 2 == 1 {
                for _ in 0..self.rng.random_range(1..=2) {
                    self.kill_before_it_serves(kills).await;
                }
            }
            self.start().await;
            let callers = self.callers().await;
            let is_last = self.tally.kills >= kills;
            let one_in = OneIn(if is_last { 1 } else { 16 });
            compare(&self.shared, &callers, killed, one_in).await;
            if is_last || !self.shared.lock().unwrap().findings.is_empty() {
                break;
            }
            if !has_moved && self.tally.kills * 2 >= kills {
                has_moved = true;
                set_clock(&self.shared, &callers, APRIL).await;
            }
        }
        self.kill();
        self.tally.logged = self.home.logged();
        let oracle = self.shared.lock().unwrap();
        self.tally.calls = oracle.counts;
        self.tally.outcomes = oracle.outcomes();
        oracle.findings.clone()
    }

    /// Starts a server in the folder that is there.
    pub(crate) async fn start(&mut self) {
        let life = self.home.start().await;
        self.last_start = life.took;
        self.tally.slowest_start = self.tally.slowest_start.max(life.took);
        let mut oracle = self.shared.lock().unwrap();
        oracle.life += 1;
        oracle.dying = false;
        self.life = Some(life);
    }

    /// Kills the server where it stands.
    pub(crate) fn kill(&mut self) {
        self.shared.lock().unwrap().dying = true;
        self.life = None;
    }

    /// Gives the instant of the kill.
    pub(crate) async fn load_and_kill(&mut self, moment: Moment) -> Instant {
        let crowd = match moment {
            Moment::Quiet => Crowd::One,
            Moment::Any | Moment::Writing | Moment::Publishing => Crowd::All,
        };
        let life = self.life.as_ref().unwrap();
        let load = Load::start(&self.shared, (&life.rpc, &life.admin), self.seed, crowd).await;
        let random = self.rng.random_range(200..LONGEST_LOAD);
        sleep(Duration::from_millis(random)).await;
        match moment {
            Moment::Any | Moment::Quiet => {}
            Moment::Writing => {
                wait_until(|| self.home.has_unfinished_snapshot());
                self.pause(2_000);
            }
            Moment::Publishing => {
                wait_until(|| self.home.has_unfinished_snapshot());
                wait_until(|| !self.home.has_unfinished_snapshot());
                self.pause(1_000);
            }
        }
        let killed = Instant::now();
        self.kill();
        load.end().await;
        self.tally.kills += 1;
        if self.home.has_unfinished_snapshot() {
            self.tally.while_snapshot_written += 1;
        } else if let Some(newest) = self.home.newest_snapshot()
            && !self.home.log().contains(&newest)
        {
            self.tally.while_snapshot_published += 1;
        }
        killed
    }

    /// Blocks this thread, which nobody else needs, for up to so many microseconds.
    fn pause(&mut self, most: u64) {
        let random = self.rng.random_range(0..most);
        std::thread::sleep(Duration::from_micros(random));
    }

    async fn kill_before_it_serves(&mut self, kills: u64) {
        if self.tally.kills >= kills {
            return;
        }
        let start = u64::try_from(self.last_start.as_micros()).unwrap();
        let after = self.rng.random_range(0..start);
        let was_early = self.home.start_and_kill(Duration::from_micros(after)).await;
        self.tally.kills += 1;
        self.tally.during_start += u64::from(was_early);
    }
}

/// Blocks this thread until something is so, or for five seconds.
fn wait_until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Moves the clock, and lets it go faster.
async fn set_clock(shared: &Shared, callers: &Callers, seconds: i64) {
    let accelerated = v1::ClockAcceleration {
        from: Some(Timestamp { seconds, nanos: 0 }),
        rate: RATE,
    };
    let request = v1::SetClockRequest {
        idempotency_key: format!("from {seconds}"),
        setting: Some(Setting::Accelerate(accelerated)),
    };
    let request = Request::SetClock(request);
    assert!(send(shared, &mut callers.clone(), request).await);
}

/// Puts the merchants, and binds everybody's first card.
async fn enrol(shared: &Shared, callers: &Callers) {
    let mut tasks = JoinSet::new();
    let merchants = (0..people::WORKERS).map(merchant_of);
    for merchant in merchants.chain([STEADY.to_owned()]) {
        let (shared, mut callers) = (shared.clone(), callers.clone());
        tasks.spawn(async move {
            let put = people::put_merchant("first", &merchant);
            assert!(send(&shared, &mut callers, Request::PutMerchant(put)).await);
        });
    }
    for account in 0..ACCOUNTS {
        let (shared, mut callers) = (shared.clone(), callers.clone());
        let cards = if habit(account) == Habit::Swaps { 3 } else { 1 };
        tasks.spawn(async move {
            for card in 0..cards {
                let key = format!("first {card}");
                let ask = people::send_phone_code(account, &key, card);
                send(&shared, &mut callers, Request::SendPhoneCode(ask)).await;
                let sent = shared
                    .lock()
                    .unwrap()
                    .wallet(&account_id(account))
                    .codes
                    .pop();
                let sent = sent.unwrap();
                let mut bind = people::bind(account, &key, card);
                (bind.phone_number, bind.phone_code) = (sent.phone, sent.code);
                send(&shared, &mut callers, Request::Bind(bind)).await;
            }
            let cards = shared
                .lock()
                .unwrap()
                .wallet(&account_id(account))
                .cards
                .len();
            assert!(cards > 0, "{} has no card", account_id(account));
        });
    }
    tasks.join_all().await;
}
