//! One fresh server, and one block of load on it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tonic::transport::Channel;
use waika::health::HealthCheckRequest;
use waika::health::health_client::HealthClient;

use super::arm::Arm;
use super::load::Load;
use crate::clock::process_cpu_ns;
use crate::crew::{self, CrewError, Measured};
use crate::exit::Failure;
use crate::figures::{count_as_real, real_as_count, share};
use crate::host;
use crate::job::Job;
use crate::outcome::Outcome;
use crate::population::Population;
use crate::provision;
use crate::recorder::Times;
use crate::run;
use crate::server_process::{ServerError, ServerProcess};
use crate::signals::StopSignals;
use crate::validity::ThrottledPart;
use crate::view::Show;

/// Health checks after each block.
const CHECKS: u64 = 100;

/// How many of them are open at once.
const CHECKS_AT_ONCE: usize = 8;

/// What one block showed.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The server's processor time for each call, in nanoseconds.
    pub(super) cpu_ns: Option<f64>,
    /// The same for each health check after it.
    pub(super) check_ns: Option<f64>,
    /// The times of what was no error.
    pub(super) times: Times,
    /// What the generator's busiest worker used of its core.
    pub(super) worker_cpu: f64,
    /// Requests that were due, were sent, were decided and were approved.
    pub(super) counts: [u64; 4],
    /// Share of the machine's time that other guests took.
    pub(super) stolen: Option<f64>,
    /// Share of the machine's time that other programs took.
    pub(super) others: Option<f64>,
    /// How it was throttled; `None` where that is not told.
    pub(super) throttled: Option<ThrottledPart>,
    /// By how much the wall clock was stepped, in nanoseconds.
    pub(super) stepped_ns: i64,
}

/// A server with fresh data and everyone who takes part.
pub(super) struct Loaded {
    server: ServerProcess,
    job: Job,
    population: Arc<Population>,
    health: HealthClient<Channel>,
}

impl Loaded {
    /// Starts an arm and creates everyone.
    pub(super) async fn start(arm: &Arm, load: &Load, seed: u64) -> Result<Self, Failure> {
        let server = arm.start().await?;
        let job = load.job(&server, seed);
        let population = run::populate_quietly(&job).await;
        let channel = provision::channel(&server.target).await;
        Ok(Self {
            population: Arc::new(population.map_err(|failure| arm.blamed(failure))?),
            health: HealthClient::new(channel.map_err(|error| arm.failed(error))?),
            server,
            job,
        })
    }

    /// Loads it once, and then asks for its health; `None` if it was stopped before its end.
    pub(super) async fn block(&self, signals: &mut StopSignals) -> Result<Option<Block>, Failure> {
        let population = Arc::clone(&self.population);
        let plan = Arc::new(run::plan(&self.job, population, run::new_run_id(), None)?);
        let pid = self.server.pid();
        let before = Usage::now(pid);
        let measured = crew::run_as(&plan, pid, signals, Show::Nothing).await;
        let measured = match measured {
            Ok(measured) if !measured.interrupted => measured,
            Ok(_) | Err(CrewError::Interrupted) => return Ok(None),
            Err(error) => return Err(Failure::tool(error)),
        };
        let others = Usage::now(pid).others_since(before);
        let check_ns = self.check_ns().await;
        Ok(Some(block(&measured, check_ns, others)))
    }

    /// Ends it and removes its data. That a signal hurried that is no failure: the signal is heard
    /// before the next pair as well, and what is known is told then.
    pub(super) async fn stop(self, arm: &Arm) -> Result<(), Failure> {
        match self.server.stop().await {
            Ok(()) | Err(ServerError::Hurried) => Ok(()),
            Err(error) => Err(arm.failed(error)),
        }
    }

    /// Processor time of the server for each of some health checks.
    async fn check_ns(&self) -> Option<f64> {
        let pid = self.server.pid()?;
        let before_ns = host::cpu_of_process_ns(pid)?;
        let answered = stream::iter(0..CHECKS)
            .map(|_| {
                let mut client = self.health.clone();
                async move { client.check(HealthCheckRequest::default()).await.is_ok() }
            })
            .buffer_unordered(CHECKS_AT_ONCE)
            .filter(|answered| std::future::ready(*answered))
            .count()
            .await as u64;
        let used_ns = host::cpu_of_process_ns(pid)?.checked_sub(before_ns)?;
        (answered == CHECKS).then(|| share(used_ns, CHECKS))
    }
}

fn block(measured: &Measured, check_ns: Option<f64>, others: Option<f64>) -> Block {
    let record = &measured.record;
    let counts = record.counts;
    let of = |is_one: fn(Outcome) -> bool| crate::recorder::count_in(&record.outcomes, is_one);
    Block {
        cpu_ns: measured.server_ns_per_call.map(count_as_real),
        check_ns,
        times: record.headline(),
        worker_cpu: measured.worker_cpu.iter().copied().fold(0.0, f64::max),
        counts: [
            counts.planned,
            counts.sent,
            of(Outcome::is_decided),
            of(|outcome| outcome == Outcome::Approved),
        ],
        stolen: measured.stolen,
        others,
        throttled: measured.throttled,
        stepped_ns: measured.stepped_ns,
    }
}

/// What the machine and the two of us had used at an instant.
#[derive(Clone, Copy, Debug)]
struct Usage {
    machine: Option<(u64, u64)>,
    ours_ns: u64,
}

impl Usage {
    fn now(server: Option<NonZeroU32>) -> Self {
        let server_ns = server.and_then(host::cpu_of_process_ns).unwrap_or(0);
        Self {
            machine: host::busy_ticks(),
            ours_ns: process_cpu_ns() + server_ns,
        }
    }

    /// The share of the machine's time that was neither idle nor ours.
    fn others_since(self, before: Self) -> Option<f64> {
        let ((busy, all), (busy_before, all_before)) = (self.machine?, before.machine?);
        let ours = Duration::from_nanos(self.ours_ns.saturating_sub(before.ours_ns));
        let ticks = count_as_real(rustix::param::clock_ticks_per_second());
        let ours = real_as_count((ours.as_secs_f64() * ticks).round());
        let others = busy.saturating_sub(busy_before).saturating_sub(ours);
        Some(share(others, all.saturating_sub(all_before)))
    }
}
