//! `run`: measures a server that runs.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::args::{EngineArgs, PeopleArgs, PlaceArgs, RunArgs, TrafficArgs};
use crate::clock::{duration_ns, wall};
use crate::crew;
use crate::draw::{Draw, Purpose};
use crate::exit::{Exit, Failure};
use crate::lane::CallTemplate;
use crate::output;
use crate::plan::{Details, Discipline, Plan};
use crate::population::{self, Population};
use crate::provision::{self, Wanted};
use crate::report::file::Destination;
use crate::report::{Report, html, text};
use crate::schedule::{Arrivals, MOST_ARRIVALS, Rate, Schedule};
use crate::signals::StopSignals;
use crate::summary;
use crate::watch::{self, View};
use crate::workload::{Shape, Spread, Workload};

/// Above this expected share of requests at a limit, a plan is warned of.
const MOST_AT_LIMIT: f64 = 0.01;

/// One measurement, however it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Where the server is.
    pub(crate) place: PlaceArgs,
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
    /// What the traffic is like.
    pub(crate) traffic: TrafficArgs,
    /// What is measured besides.
    pub(crate) details: Details,
    /// Sets the keys of runs apart.
    pub(crate) run_id: Option<u64>,
    /// Where to write the page, if anywhere.
    pub(crate) html: Option<PathBuf>,
    /// What is known of the server.
    pub(crate) server: KnownServer,
}

/// What decides when the next request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// A schedule.
    Open(Arrivals, Rate),
    /// The answers, with so many calls open; and perhaps a last request.
    Closed(NonZeroUsize, Option<u64>),
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

/// Runs `run`.
pub(crate) fn execute(args: RunArgs) -> Result<Exit, Failure> {
    let runtime = control_runtime()?;
    runtime.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let job = Job::from(args);
        if job.server.pid.is_some() && !job.place.target.is_local() {
            return Err(Failure::Usage(
                "--server-pid needs a --target on this machine".to_owned(),
            ));
        }
        let report = measure(&job, &mut signals).await?;
        Ok(exit_of(&report, Exit::Invalid))
    })
}

/// A runtime for everything but the hot path.
pub(crate) fn control_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::tool)
}

/// How a run ends that came to a report; `if_invalid` is for one that is not to be believed.
pub(crate) fn exit_of(report: &Report, if_invalid: Exit) -> Exit {
    if report.verdict.interrupted || report.has_tool_failures() {
        Exit::Failed
    } else if report.verdict.valid {
        Exit::Passed
    } else {
        if_invalid
    }
}

impl From<RunArgs> for Job {
    fn from(args: RunArgs) -> Self {
        let pace = match args.closed {
            Some(in_flight) => Pace::Closed(in_flight, args.requests.map(std::num::NonZero::get)),
            None => Pace::Open(args.arrivals, args.rate),
        };
        let (duration, warm_up) = match args.requests {
            // A week, which is the longest run: the requests end it before.
            Some(_) => (Duration::from_secs(7 * 24 * 3600), Duration::ZERO),
            None => (args.duration, args.warm_up),
        };
        Self {
            place: args.place,
            people: args.people,
            synthetic: args.no_provision,
            pace,
            duration,
            warm_up,
            engine: args.engine,
            traffic: args.traffic,
            details: args.details,
            run_id: args.run_id,
            html: args.html,
            server: KnownServer {
                pid: args.server_pid,
                ..KnownServer::default()
            },
        }
    }
}

/// Measures, prints the report, and writes it where it was asked for.
pub(crate) async fn measure(job: &Job, signals: &mut StopSignals) -> Result<Report, Failure> {
    check(job)?;
    let files = Files::open(job)?;
    let population = tokio::select! {
        population = populate(job) => population?,
        () = signals.received() => return Err(Failure::Tool(
            "interrupted while creating accounts; nothing is lost, run it again".to_owned(),
        )),
    };
    provision::probe(&job.place.target)
        .await
        .map_err(Failure::tool)?;
    let plan = Arc::new(plan(job, population)?);
    warn_of_limits(job, &plan);
    let started_at = wall();
    let measured = crew::run(&plan, job.server.pid, signals)
        .await
        .map_err(Failure::tool)?;
    let report = summary::report(job, &plan, &measured, started_at);
    output::result(&text::render(&report, output::is_coloured()));
    files.write(&report)?;
    if let Some(path) = &job.html {
        output::note(&format!("The report as a page: {}", path.display()));
    }
    Ok(report)
}

/// Where the report goes besides the screen, known to be writable before anything is measured.
struct Files {
    json: Option<Destination>,
    html: Option<Destination>,
}

impl Files {
    fn open(job: &Job) -> Result<Self, Failure> {
        let open = |flag: &str, path: &Option<PathBuf>| {
            let destination = path.as_deref().map(Destination::open).transpose();
            destination.map_err(|error| {
                let path = path.as_deref().unwrap_or(Path::new("")).display();
                Failure::Tool(format!("{flag} {path}: cannot be written: {error}"))
            })
        };
        Ok(Self {
            json: open("--json", &job.engine.json)?,
            html: open("--html", &job.html)?,
        })
    }

    fn write(self, report: &Report) -> Result<(), Failure> {
        if let Some(json) = self.json {
            let text = serde_json::to_string_pretty(report).map_err(Failure::tool)?;
            json.write(&(text + "\n")).map_err(Failure::tool)?;
        }
        if let Some(html) = self.html {
            html.write(&html::render(report)).map_err(Failure::tool)?;
        }
        Ok(())
    }
}

fn check(job: &Job) -> Result<(), Failure> {
    let engine = &job.engine;
    if engine.connections < engine.workers {
        return Err(Failure::Usage(format!(
            "--connections {} is fewer than --workers {}: each worker needs one",
            engine.connections, engine.workers
        )));
    }
    if let Some(pid) = job.server.pid
        && !Path::new(&format!("/proc/{pid}/stat")).exists()
    {
        return Err(Failure::Usage(format!(
            "--server-pid {pid}: there is no such process on this machine"
        )));
    }
    match job.pace {
        Pace::Open(_, rate) => {
            let planned = rate.expected_before(duration_ns(job.warm_up + job.duration));
            if planned > MOST_ARRIVALS {
                return Err(Failure::Usage(format!(
                    "--rate and --duration make {planned} requests, and {MOST_ARRIVALS} is the most"
                )));
            }
            Ok(())
        }
        Pace::Closed(in_flight, _) if in_flight < engine.workers => Err(Failure::Usage(format!(
            "--closed {in_flight} is fewer than --workers {}: each worker needs one",
            engine.workers
        ))),
        Pace::Closed(..) => Ok(()),
    }
}

async fn populate(job: &Job) -> Result<Population, Failure> {
    let people = &job.people;
    let (accounts, merchants) = (people.accounts.get().into(), people.merchants.get().into());
    if job.synthetic {
        let members = population::members(people.scheme.as_ref(), accounts);
        return Ok(Population::synthetic(people.seed, &members, merchants));
    }
    let wanted = Wanted {
        target: job.place.target.clone(),
        admin: job.place.admin.clone(),
        seed: people.seed,
        accounts,
        merchants,
        schemes: people.scheme.clone(),
        year: summary::year_of(wall()),
        in_flight: NonZeroUsize::MIN.saturating_add(255),
        connections: NonZeroUsize::MIN.saturating_add(1),
    };
    provision_watched(&wanted).await
}

/// Creates everyone who is wanted, showing how far it is.
pub(crate) async fn provision_watched(wanted: &Wanted) -> Result<Population, Failure> {
    let created = AtomicU64::new(0);
    let view = View {
        title: "accounts and merchants",
        total: Some(wanted.accounts + wanted.merchants),
        every: Duration::from_secs(2),
    };
    let look = || (created.load(Ordering::Relaxed), String::new());
    watch::while_working(view, look, provision::provision(wanted, &created))
        .await
        .map_err(Failure::tool)
}

fn plan(job: &Job, population: Population) -> Result<Plan, Failure> {
    let warm_up_ns = duration_ns(job.warm_up);
    let end_ns = duration_ns(job.warm_up + job.duration);
    let (engine, people, traffic) = (&job.engine, &job.people, &job.traffic);
    let shape = Shape {
        seed: people.seed,
        accounts: people.accounts.get().into(),
        merchants: people.merchants.get().into(),
        spread: match job.pace {
            Pace::Open(..) => Spread::Zipf(traffic.zipf),
            Pace::Closed(..) => Spread::InTurn,
        },
        duplicates: match job.pace {
            Pace::Open(..) => traffic.duplicates,
            Pace::Closed(..) => 0,
        },
        wrong_passwords: traffic.wrong_passwords,
    };
    let discipline = match job.pace {
        Pace::Open(arrivals, rate) => Discipline::Open {
            schedule: Arc::new(Schedule::new(arrivals, rate, people.seed, end_ns)),
            pacing: engine.pacing,
            in_flight: engine.in_flight.get(),
        },
        Pace::Closed(in_flight, requests) => Discipline::Closed {
            in_flight: in_flight.get(),
            requests,
        },
    };
    Ok(Plan {
        target: job.place.target.clone(),
        template: CallTemplate::new(&job.place.target, engine.deadline).map_err(Failure::tool)?,
        population,
        workload: Workload::new(shape).map_err(|error| Failure::Usage(error.to_string()))?,
        discipline,
        warm_up_ns,
        end_ns,
        deadline_ns: duration_ns(engine.deadline),
        connections: engine.connections.get(),
        workers: engine.workers.get(),
        run_id: job.run_id.unwrap_or_else(new_run_id),
        details: job.details,
    })
}

/// An id that no earlier run had: from the wall clock, mixed.
fn new_run_id() -> u64 {
    let since = wall()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Draw::new(duration_ns(since), Purpose::Request, 0).next_bits()
}

fn warn_of_limits(job: &Job, plan: &Plan) {
    let Some(expected) = summary::expected_limit_share(plan) else {
        return;
    };
    if !job.synthetic && expected > MOST_AT_LIMIT {
        output::note(&format!(
            "warning: about {:.1} % of the requests are expected to meet an account's monthly limit \
             of 50,000 yuan; use more --accounts (there are {}), a lower --rate or a shorter run",
            expected * 100.0,
            job.people.accounts,
        ));
    }
}
