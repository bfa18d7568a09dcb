//! Measuring block by block: directly and through the proxy in turns.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::facts::{TaxMetric, TaxRound};
use super::{rounds, text};
use crate::args::Place;
use crate::crew::{self, CrewError, Measured};
use crate::exit::Failure;
use crate::gate::blocks::{Order, Side};
use crate::gate::load::Load;
use crate::job::Job;
use crate::plan::Details;
use crate::population::Population;
use crate::run;
use crate::signals::StopSignals;
use crate::validity::ThrottledPart;
use crate::view::Show;

/// What shall be measured.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The way to the server.
    pub(super) direct: Place,
    /// The way through the proxy.
    pub(super) through: Place,
    /// What each block asks.
    pub(super) load: Load,
    /// Of the order and the plans.
    pub(super) seed: u64,
    /// The server's process.
    pub(super) server: Option<NonZeroU32>,
    /// The proxy's.
    pub(super) proxy: Option<NonZeroU32>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Rounds that came to their end.
    pub(super) rounds: Vec<TaxRound>,
    /// Why it ended before its time, unless it was asked to.
    pub(super) failed: Option<String>,
    /// It was stopped before its end.
    pub(super) interrupted: bool,
    /// What disturbed.
    pub(super) outside: Outside,
    /// Connections that were lost and made again.
    pub(super) reconnects: u64,
    /// What the generator's worker used of its core, at most.
    pub(super) worker_cpu: f64,
}

/// What disturbed the blocks so far from outside.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// Share of the machine's time that other guests took, of each block.
    pub(super) stolen: Vec<f64>,
    /// How this process was throttled in all; `None` where that is not told.
    pub(super) throttled: Option<ThrottledPart>,
    /// The furthest that the wall clock was stepped, in nanoseconds.
    pub(super) stepped_ns: i64,
}

/// How far it is, for whoever watches.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Blocks that came to their end.
    pub(super) blocks: AtomicU64,
    /// What the rounds come to so far.
    pub(super) remark: Mutex<String>,
}

/// How a block ended.
enum Block {
    Measured(Box<Measured>),
    Interrupted,
    /// It could not begin, for this reason.
    Refused(String),
}

impl Task {
    /// The job of a block there: every answer tells the server's own time.
    pub(super) fn job(&self, place: Place) -> Job {
        Job {
            details: Details {
                timing: true,
                ..Details::default()
            },
            ..self.load.job_at(place, self.server, self.seed)
        }
    }

    /// How long it takes at least.
    pub(super) fn least(&self) -> Duration {
        const AROUND_A_BLOCK: Duration = Duration::from_millis(60);
        (self.load.block + self.load.warm_up + AROUND_A_BLOCK) * 4 * self.load.rounds.get()
    }

    /// Measures all rounds, as long as nothing ends them.
    pub(super) async fn measure(
        &self,
        population: Arc<Population>,
        signals: &mut StopSignals,
        done: &Done,
    ) -> Result<Ended, Failure> {
        let mut ended = Ended::default();
        for number in 0..self.load.rounds.get() {
            let order = Order::of(self.seed, number);
            let (mut direct, mut through) = (Vec::new(), Vec::new());
            for side in order.sides() {
                let block = self.block(side, Arc::clone(&population), signals);
                match Box::pin(block).await? {
                    Block::Measured(measured) => {
                        ended.note(&measured);
                        match side {
                            Side::A => direct.push(measured),
                            Side::B => through.push(measured),
                        }
                    }
                    Block::Interrupted => {
                        ended.interrupted = true;
                        return Ok(ended);
                    }
                    Block::Refused(why) => {
                        ended.failed = Some(format!("round {}: {why}", number + 1));
                        return Ok(ended);
                    }
                }
                done.blocks.fetch_add(1, Ordering::Relaxed);
            }
            let of = |blocks: &[Box<Measured>]| {
                let blocks: Vec<&Measured> = blocks.iter().map(AsRef::as_ref).collect();
                rounds::side(&blocks)
            };
            ended.rounds.push(TaxRound {
                order: order.word().into(),
                direct: of(&direct),
                through: of(&through),
            });
            done.tell(&ended.rounds);
        }
        Ok(ended)
    }

    /// Loads one way once, under keys of its own.
    async fn block(
        &self,
        side: Side,
        population: Arc<Population>,
        signals: &mut StopSignals,
    ) -> Result<Block, Failure> {
        let (place, way) = match side {
            Side::A => (&self.direct, "directly"),
            Side::B => (&self.through, "through the proxy"),
        };
        let job = self.job(place.clone());
        let plan = Arc::new(run::plan(&job, population, run::new_run_id(), None)?);
        let processes = [self.server, self.proxy];
        let measured = crew::run_beside(&plan, processes, signals, Show::Nothing).await;
        match measured {
            Ok(measured) if !measured.interrupted => Ok(Block::Measured(Box::new(measured))),
            Ok(_) | Err(CrewError::Interrupted) => Ok(Block::Interrupted),
            Err(CrewError::Worker(error)) => Ok(Block::Refused(format!("{way}: {error}"))),
            Err(error) => Err(Failure::tool(error)),
        }
    }
}

impl Ended {
    /// Notes what a block says of the machine and of this program.
    fn note(&mut self, block: &Measured) {
        let outside = &mut self.outside;
        outside.stolen.extend(block.stolen);
        outside.throttled = match (outside.throttled, block.throttled) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        if block.stepped_ns.unsigned_abs() > outside.stepped_ns.unsigned_abs() {
            outside.stepped_ns = block.stepped_ns;
        }
        self.reconnects += block.reconnects;
        let worker_cpu = block.worker_cpu.iter().copied();
        self.worker_cpu = worker_cpu.fold(self.worker_cpu, f64::max);
    }
}

impl Done {
    fn tell(&self, rounds: &[TaxRound]) {
        let response = rounds::over(rounds, TaxMetric::ResponseP50);
        if let Some(facts) = response {
            let label = facts.metric.label();
            *self.remark.lock() = format!("{label} {}", text::signed(facts.estimate_ns));
        }
    }
}
