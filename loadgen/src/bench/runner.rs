//! All arms in turns, round by round.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::args::BenchArgs;
use super::arms::{self, Arm};
use super::cores::Cores;
use super::facts::RoundFacts;
use super::h2load::H2load;
use super::measure::Got;
use crate::clock::{monotonic_ns, wall};
use crate::exit::Failure;
use crate::recorder;
use crate::server_process::{self, ServerError};
use crate::signals::StopSignals;
use crate::watch::{self, View};

/// What is measured, and with what.
#[derive(Debug)]
pub(super) struct Bench {
    /// What was asked for.
    pub(super) args: BenchArgs,
    /// Who is where.
    pub(super) cores: Cores,
    /// The server's program.
    pub(super) server: PathBuf,
    /// What it says of its version.
    pub(super) version: Option<String>,
    /// h2load, if it is installed.
    pub(super) h2load: Option<H2load>,
    /// What can be measured here.
    pub(super) arms: Vec<Arm>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Rounds as far as they came.
    pub(super) rounds: Vec<RoundFacts>,
    /// The latencies of each arm whose answers were all approvals, all rounds together.
    pub(super) latencies: BTreeMap<Arm, Histogram<u64>>,
    /// Connections that were lost and made again.
    pub(super) reconnects: u64,
    /// It was stopped before its end.
    pub(super) interrupted: bool,
    /// When it began.
    pub(super) started_at: SystemTime,
    /// How long it took.
    pub(super) took_ns: u64,
}

/// How far it is, for whoever watches.
#[derive(Debug, Default)]
struct Stage {
    measured: u64,
    remark: String,
}

impl Bench {
    /// Finds everything that is needed.
    pub(super) async fn prepare(args: &BenchArgs) -> Result<Self, Failure> {
        let cores = Cores::of_this_process(args.cores.get())?;
        let server = match &args.server {
            Some(path) => path.clone(),
            None => server_process::beside_this_program().map_err(Failure::tool)?,
        };
        if !server.is_file() {
            return Err(Failure::tool(ServerError::Missing(server)));
        }
        let version = server_process::version(&server).await.map_err(|source| {
            let path = server.clone();
            Failure::tool(ServerError::Start { path, source })
        })?;
        let h2load = H2load::find().await;
        let can = |arm: &Arm| h2load.is_some() || !arm.is_h2load();
        Ok(Self {
            args: args.clone(),
            cores,
            server,
            version,
            arms: args.arms().iter().copied().filter(can).collect(),
            h2load,
        })
    }

    /// Measures all of it, showing how far it is.
    pub(super) async fn carry_out(&self, signals: &mut StopSignals) -> Result<Gathered, Failure> {
        let stage = Arc::new(Mutex::new(Stage::default()));
        let view = View {
            title: "arms measured",
            total: Some(u64::from(self.args.rounds.get()) * self.arms.len() as u64),
            every: Duration::from_secs(5),
        };
        let look = || {
            let stage = stage.lock();
            (stage.measured, stage.remark.clone())
        };
        let work = Box::pin(self.rounds(signals, &stage));
        watch::while_working(view, look, work).await
    }

    async fn rounds(
        &self,
        signals: &mut StopSignals,
        stage: &Mutex<Stage>,
    ) -> Result<Gathered, Failure> {
        let began_ns = monotonic_ns();
        let mut gathered = Gathered {
            rounds: Vec::new(),
            latencies: BTreeMap::new(),
            reconnects: 0,
            interrupted: false,
            started_at: wall(),
            took_ns: 0,
        };
        'all: for round in 0..self.args.rounds.get() {
            gathered.rounds.push(RoundFacts {
                number: round + 1,
                arms: Vec::new(),
            });
            for arm in arms::in_turn(&self.arms, round) {
                stage.lock().remark = format!(
                    "round {} of {}, {}",
                    round + 1,
                    self.args.rounds,
                    arm.label()
                );
                let Some(got) = self.measure(arm, signals).await? else {
                    gathered.interrupted = true;
                    break 'all;
                };
                gathered.take(got);
                stage.lock().measured += 1;
            }
        }
        if gathered
            .rounds
            .last()
            .is_some_and(|round| round.arms.is_empty())
        {
            gathered.rounds.pop();
        }
        gathered.took_ns = monotonic_ns().saturating_sub(began_ns);
        Ok(gathered)
    }
}

impl Gathered {
    /// Takes over what an arm showed in the last round.
    fn take(&mut self, got: Got) {
        let Got {
            facts,
            latency,
            reconnects,
        } = got;
        self.reconnects += reconnects;
        if facts.is_sound() {
            let all = self
                .latencies
                .entry(facts.arm)
                .or_insert_with(recorder::histogram);
            // Adding fails only for values out of range, and all have the same range.
            let _ = all.add(&latency);
        }
        if let Some(round) = self.rounds.last_mut() {
            round.arms.push(facts);
        }
    }
}
