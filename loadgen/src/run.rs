//! `run`: measures a server that runs.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::args::RunArgs;
use crate::call_template::CallTemplate;
use crate::clock::{duration_ns, wall};
use crate::crew;
use crate::draw::{Draw, Purpose};
use crate::exit::{Exit, Failure};
use crate::month_end;
use crate::oracle::Oracle;
use crate::outlook::Outlook;
use crate::output;
use crate::plan::{Discipline, Plan};
use crate::population::{self, Population};
use crate::proof;
use crate::provision::{self, Wanted};
use crate::report::file::Destination;
use crate::report::{Report, html, text};
use crate::schedule::Schedule;
use crate::settings;
use crate::side_calls::SideCalls;
use crate::signals::StopSignals;
use crate::summary;
use crate::watch::{self, View};

pub(crate) use crate::job::{Effective, Job, KnownServer, Pace};

/// Shows the plan of a run.
pub(crate) fn show_plan(args: RunArgs) -> Result<Exit, Failure> {
    if let Some(path) = &args.replay {
        return Err(Failure::Usage(format!(
            "--replay {}: the plan of a trace is in its first line, and cannot be changed",
            path.display()
        )));
    }
    let effective = Effective::of(&args)?;
    let job = Job::new(args, &effective);
    job.check()?;
    let expected = Outlook::of(&job)?.lines();
    let text = settings::show(effective.preset, &effective.settings, &expected);
    output::result(text.trim_end());
    Ok(Exit::Passed)
}

/// Runs `run`.
pub(crate) fn execute(args: RunArgs) -> Result<Exit, Failure> {
    let runtime = control_runtime()?;
    runtime.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let job = Job::of(args)?;
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
    let violations = report
        .certificate
        .as_ref()
        .map_or(0, |facts| facts.violations);
    if violations > 0 {
        Exit::Violated
    } else if report.verdict.interrupted || report.has_tool_failures() || is_unaudited(report) {
        Exit::Failed
    } else if report.verdict.valid {
        Exit::Passed
    } else {
        if_invalid
    }
}

/// Answers were to be proven, and the accounts could not be compared.
fn is_unaudited(report: &Report) -> bool {
    let certificate = report.certificate.as_ref();
    certificate.is_some_and(|facts| !facts.audited)
}

/// Measures, prints the report, and writes it where it was asked for.
pub(crate) async fn measure(job: &Job, signals: &mut StopSignals) -> Result<Report, Failure> {
    job.check()?;
    Outlook::of(job)?.tell(job)?;
    let files = Files::open(job)?;
    let population = tokio::select! {
        population = populate(job) => population?,
        () = signals.received() => return Err(Failure::Tool(
            "interrupted while creating accounts; nothing is lost, run it again".to_owned(),
        )),
    };
    if job.synthetic {
        // Where people are created, that begins with the same question.
        provision::probe(&job.place.target)
            .await
            .map_err(Failure::tool)?;
    }
    let run_id = job.run_id.unwrap_or_else(new_run_id);
    let oracle = tokio::select! {
        oracle = proof::oracle(job, &population) => oracle?,
        () = signals.received() => return Err(Failure::Tool(
            "interrupted while looking at the accounts; nothing was sent".to_owned(),
        )),
    };
    let plan = Arc::new(plan(job, population, run_id, oracle)?);
    if job.demand.month_end {
        month_end::move_clock(&job.place.admin, job.month_ends_after()).await?;
    }
    let started_at = wall();
    let measured = crew::run(&plan, job.server.pid, signals)
        .await
        .map_err(Failure::tool)?;
    if let Some(turns) = &job.replay
        && measured.record.known_keys > turns.len() as u64 / 2
    {
        return Err(Failure::Tool(format!(
            "--replay: the server knew {} of these {} requests by their keys: repeat a trace against one with a \
             fresh journal",
            measured.record.known_keys,
            turns.len()
        )));
    }
    let certificate = tokio::select! {
        certificate = proof::certificate(&plan, measured.interrupted) => certificate,
        () = signals.received() => proof::certificate(&plan, true).await,
    };
    let report = summary::report(job, &plan, &measured, (started_at, certificate));
    output::result(&text::render(&report, output::is_coloured()));
    let written = files.write(&report);
    // The report says what was found whether or not its requests can be written down.
    if let Err(failure) = proof::write_trace(job, &plan, measured.arrivals, &job.trace) {
        output::note(&format!("error: {failure}"));
    }
    if let Err(failure) = written {
        if exit_of(&report, Exit::Passed) != Exit::Violated {
            return Err(failure);
        }
        output::note(&format!("error: {failure}"));
    }
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

/// Whoever takes part in a job: invented, or created now.
pub(crate) async fn populate(job: &Job) -> Result<Population, Failure> {
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

/// What a job makes of these people.
pub(crate) fn plan(
    job: &Job,
    population: Population,
    run_id: u64,
    oracle: Option<Arc<Oracle>>,
) -> Result<Plan, Failure> {
    let (engine, manner) = (&job.engine, &job.manner);
    let discipline = match job.pace {
        Pace::Open(arrivals, _) => Discipline::Open {
            schedule: Arc::new(Schedule::new(
                arrivals,
                job.curve()?,
                job.people.seed,
                job.end_ns(),
            )),
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
        template: Arc::new(CallTemplate::new(&job.place.target, engine.deadline)),
        population,
        workload: job.workload()?,
        discipline,
        replay: job.replay.clone(),
        warm_up_ns: duration_ns(job.warm_up),
        end_ns: job.end_ns(),
        deadline_ns: duration_ns(engine.deadline),
        connections: engine.connections.get(),
        workers: engine.workers.get(),
        run_id,
        details: job.details,
        transport: manner.transport,
        side_calls: SideCalls {
            seed: job.people.seed,
            run_id,
            year: summary::year_of(wall()),
        },
        reverse_after_ns: duration_ns(manner.reverse_after),
        oracle,
        rules: manner.rules,
    })
}

/// An id that no earlier run had: from the wall clock, mixed.
pub(crate) fn new_run_id() -> u64 {
    let since = wall()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Draw::new(duration_ns(since), Purpose::Request, 0).next_bits()
}
