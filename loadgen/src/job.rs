//! One measurement, however it was asked for: complete, and possible.

mod bare;

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::{EngineArgs, PeopleArgs, Place, RunArgs, TrafficArgs};
use crate::clock::duration_ns;
use crate::exit::Failure;
use crate::plan::{Details, Transport};
use crate::preset::Preset;
use crate::replay::{self, Turns};
use crate::report::outputs::OutputArgs;
use crate::schedule::{Arrivals, Curve, MOST_ARRIVALS, Rate, RateShape, Span};
use crate::settings::{self, ServerClock, Settings};
use crate::slice::Slice;
use crate::start::{self, PartArgs};
use crate::threshold::{self, Thresholds};
use crate::workload::{Amounts, Mix, Shape, Spread, WHOLE, Workload};

/// One measurement, however it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Where the server is.
    pub(crate) place: Place,
    /// Who takes part.
    pub(crate) people: PeopleArgs,
    /// Nobody creates them.
    pub(crate) synthetic: bool,
    /// What decides when the next request is sent.
    pub(crate) pace: Pace,
    /// How long to measure; as long as it takes, for so many requests.
    pub(crate) duration: Duration,
    /// How long to send before measuring.
    pub(crate) warm_up: Duration,
    /// How the generator works.
    pub(crate) engine: EngineArgs,
    /// What the traffic is like, as far as there are flags for it.
    pub(crate) traffic: TrafficArgs,
    /// What the traffic is like beyond them.
    pub(crate) demand: Demand,
    /// How payments travel, and what is found out of the answers.
    pub(crate) manner: Manner,
    /// What is measured besides.
    pub(crate) details: Details,
    /// What the run must keep to.
    pub(crate) thresholds: Thresholds,
    /// Sets the keys of runs apart.
    pub(crate) run_id: Option<u64>,
    /// Only these arrivals take place.
    pub(crate) replay: Option<Turns>,
    /// The trace that they are of.
    pub(crate) replayed: Option<PathBuf>,
    /// The plan as it can be given again; `None` where none was made.
    pub(crate) plan_text: Option<String>,
    /// Where to write the requests that the server has lied about.
    pub(crate) trace: PathBuf,
    /// Where the report goes besides the screen.
    pub(crate) output: OutputArgs,
    /// Where to write the samples, if anywhere.
    pub(crate) hlog: Option<PathBuf>,
    /// What part of the plan is sent, and when it begins.
    pub(crate) part: PartArgs,
    /// What is known of the server.
    pub(crate) server: KnownServer,
}

/// What decides when the next request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// A schedule. The rate is the one that the shape's multiples are of.
    Open(Arrivals, Rate),
    /// The answers, with so many calls open; and perhaps a last request.
    Closed(NonZeroUsize, Option<u64>),
}

/// What the traffic is like, beyond what there are flags for.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// How the rate goes over the measured part.
    pub(crate) shape: RateShape,
    /// Which accounts pay.
    pub(crate) spread: Spread,
    /// What purchases cost.
    pub(crate) amounts: Amounts,
    /// What arrivals are there for.
    pub(crate) mix: Mix,
    /// A retry storm under so many keys.
    pub(crate) keys: Option<NonZeroU64>,
    /// The server's month ends in the middle of the measured part.
    pub(crate) month_end: bool,
    /// What to do about limits that will be met.
    pub(crate) at_limit: AtLimit,
}

impl Demand {
    /// Payments at a steady rate, by accounts whose popularity follows Zipf's law.
    pub(crate) fn plain(zipf: f64) -> Self {
        Self {
            shape: RateShape::Steady,
            spread: Spread::Zipf(zipf),
            amounts: Amounts::default(),
            mix: Mix::default(),
            keys: None,
            month_end: false,
            at_limit: AtLimit::Warn,
        }
    }
}

/// What to do about a plan whose accounts will meet their limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtLimit {
    /// Say so.
    Warn,
    /// Refuse it.
    Refuse,
}

/// How payments travel, and what is found out of the answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How payments travel.
    pub(crate) transport: Transport,
    /// How long after its payment's answer a reversal is due.
    pub(crate) reverse_after: Duration,
    /// Every answer is held against a model of every account.
    pub(crate) oracle: bool,
    /// It is counted how often each rule was met.
    pub(crate) rules: bool,
}

impl Manner {
    /// Each payment as a call of its own, held against the model.
    pub(crate) fn plain() -> Self {
        Self {
            transport: Transport::UNARY,
            reverse_after: Duration::ZERO,
            oracle: true,
            rules: false,
        }
    }
}

/// What is known of the server besides its address.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownServer {
    /// Its process, on this machine.
    pub(crate) pid: Option<NonZeroU32>,
    /// What it says of its version.
    pub(crate) version: Option<String>,
    /// Its store.
    pub(crate) store: Option<String>,
}

/// A run's whole plan, and the preset that it started from.
#[derive(Debug)]
pub(crate) struct Effective {
    /// The preset.
    pub(crate) preset: Option<Preset>,
    /// Everything, with no holes but those that something else rules out.
    pub(crate) settings: Settings,
}

impl Effective {
    /// The flags over the plan file over the preset over what holds without any of them. The
    /// failure tells everything that is wrong with them.
    pub(crate) fn of(args: &RunArgs) -> Result<Self, Failure> {
        let usage = |mistakes: Vec<String>| Failure::Usage(mistakes.join("\n"));
        let mut file = match &args.source.plan {
            Some(path) => settings::read(path).map_err(usage)?,
            None => settings::PlanFile::default(),
        };
        let preset = args.source.preset.or(file.preset);
        let given = Settings::given(args);
        file.forget_lines_of(&given);
        let mut all = given.over(std::mem::take(&mut file.settings));
        if let Some(preset) = preset {
            all = all.over(preset.settings());
        }
        let settings = all.over(Settings::plain(args));
        let mistakes = file.with_contradictions(&settings);
        if mistakes.is_empty() {
            Ok(Self { preset, settings })
        } else {
            Err(usage(mistakes))
        }
    }
}

impl Job {
    /// The job of these flags, with the plan that they name.
    pub(crate) fn of(args: RunArgs) -> Result<Self, Failure> {
        if let Some(path) = args.replay.clone() {
            return replay::job(args, &path);
        }
        let effective = Effective::of(&args)?;
        Self::new(args, &effective)
    }

    /// The job of a plan; `args` tell what no plan says.
    pub(crate) fn new(mut args: RunArgs, effective: &Effective) -> Result<Self, Failure> {
        let settings = &effective.settings;
        settings.write_to(&mut args);
        let demand = Demand {
            shape: args.shape,
            spread: settings.traffic.spread.unwrap_or(Spread::InTurn),
            amounts: settings.amounts(),
            mix: settings.mix(),
            keys: settings.traffic.keys,
            month_end: settings.load.clock == Some(ServerClock::MonthEnd),
            at_limit: match (effective.preset, settings.checks.allow_limits) {
                (Some(Preset::Steady), Some(false) | None) => AtLimit::Refuse,
                _ => AtLimit::Warn,
            },
        };
        let manner = Manner {
            transport: settings.transport(),
            reverse_after: settings
                .errands
                .reverse_after
                .map_or(Duration::ZERO, |time| time.0),
            oracle: settings.checks.oracle.unwrap_or(true) && !args.no_provision,
            rules: settings.checks.rules.unwrap_or(false),
        };
        let pace = match args.closed {
            Some(in_flight) => Pace::Closed(in_flight, args.requests.map(NonZeroU64::get)),
            None => Pace::Open(args.arrivals, args.rate),
        };
        let (duration, warm_up) = match args.requests {
            // A week, which is the longest run: the requests end it before.
            Some(_) => (Duration::from_secs(7 * 24 * 3600), Duration::ZERO),
            None => (args.duration, args.warm_up),
        };
        Ok(Self {
            place: args.place.place()?,
            people: args.people,
            synthetic: args.no_provision,
            pace,
            duration,
            warm_up,
            engine: args.engine,
            traffic: args.traffic,
            demand,
            manner,
            details: args.details,
            thresholds: settings.checks.thresholds.clone().unwrap_or_default(),
            run_id: args.run_id,
            replay: None,
            replayed: None,
            plan_text: Some(settings::show(effective.preset, settings, &[])),
            trace: args.trace,
            output: args.output,
            hlog: args.log.hlog,
            part: args.part,
            server: KnownServer {
                pid: args.server_pid,
                ..KnownServer::default()
            },
        })
    }

    /// What part of the plan is sent.
    pub(crate) fn slice(&self) -> Slice {
        self.part.slice.unwrap_or(Slice::WHOLE)
    }

    /// When issuing ends, in nanoseconds from the start.
    pub(crate) fn end_ns(&self) -> u64 {
        duration_ns(self.warm_up + self.duration)
    }

    /// How long after the first request the server's month ends, if it does.
    pub(crate) fn month_ends_after(&self) -> Duration {
        self.warm_up + self.duration / 2
    }

    /// Expected requests over time, of an open loop.
    pub(crate) fn curve(&self) -> Result<Curve, Failure> {
        let Pace::Open(_, rate) = self.pace else {
            return Err(Failure::tool("a closed loop has no schedule"));
        };
        let span = Span {
            lead: self.warm_up,
            measured: self.duration,
        };
        let curve = self.demand.shape.curve(rate, span);
        curve.map_err(|what| Failure::Usage(format!("--shape {}: {what}", self.demand.shape)))
    }

    /// Who pays whom, how much and how.
    pub(crate) fn workload(&self) -> Result<Workload, Failure> {
        let (people, demand) = (&self.people, &self.demand);
        let month_ends_after = demand.month_end.then(|| {
            let before = self.month_ends_after().as_nanos() * u128::from(WHOLE);
            let whole = (self.warm_up + self.duration).as_nanos().max(1);
            u32::try_from(before / whole).unwrap_or(WHOLE)
        });
        Workload::new(Shape {
            seed: people.seed,
            accounts: people.accounts.get().into(),
            merchants: people.merchants.get().into(),
            spread: demand.spread,
            amounts: demand.amounts,
            mix: demand.mix,
            keys: demand.keys,
            duplicates: self.traffic.duplicates,
            wrong_passwords: self.traffic.wrong_passwords,
            month_ends_after,
        })
        .map_err(|error| Failure::Usage(error.to_string()))
    }

    /// Whether it can be done at all.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let engine = &self.engine;
        if engine.connections < engine.workers {
            return Err(Failure::Usage(format!(
                "--connections {} is fewer than --workers {}: each worker needs one",
                engine.connections, engine.workers
            )));
        }
        if let Some(pid) = self.server.pid
            && !Path::new(&format!("/proc/{pid}/stat")).exists()
        {
            return Err(Failure::Usage(format!(
                "--server-pid {pid}: there is no such process on this machine"
            )));
        }
        self.check_part()?;
        match self.pace {
            Pace::Open(..) => {
                let planned = self.curve()?.expected_before(self.end_ns());
                if planned > MOST_ARRIVALS {
                    return Err(Failure::Usage(format!(
                        "--rate and --duration make {planned} requests, and {MOST_ARRIVALS} is the most"
                    )));
                }
                threshold::check(self)
            }
            Pace::Closed(in_flight, _) if in_flight < engine.workers => {
                Err(Failure::Usage(format!(
                    "--closed {in_flight} is fewer than --workers {}: each worker needs one",
                    engine.workers
                )))
            }
            Pace::Closed(..) => threshold::check(self),
        }
    }

    /// Whether this host can be one of several, and begin when it shall.
    fn check_part(&self) -> Result<(), Failure> {
        let usage = |what: &str| Err(Failure::Usage(what.to_owned()));
        if let Some(at) = self.part.start_at {
            start::check(at)?;
        }
        let Some(slice) = self.part.slice else {
            return Ok(());
        };
        if matches!(self.pace, Pace::Closed(..)) {
            return usage("--slice: a closed loop has no plan to take a slice of: use --rate");
        }
        if self.demand.month_end {
            return usage(
                "--slice and load.clock = \"month-end\": each host would move the server's clock: run \
                 it on one host",
            );
        }
        if self.run_id.is_none() {
            return Err(Failure::Usage(format!(
                "--slice {slice}: give all slices the same --run-id, another one for each run, such as \
                 --run-id {:x}",
                crate::run::new_run_id()
            )));
        }
        Ok(())
    }
}
