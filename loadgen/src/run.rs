//! `run`: measures a server that runs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::args::RunArgs;
use crate::call_template::CallTemplate;
use crate::clock::{duration_ns, since_epoch_ns, wall};
use crate::crew;
use crate::draw::{Draw, Purpose};
use crate::exit::{Exit, Failure};
use crate::hlog::{Collector, Head, Intervals, Log};
use crate::month_end;
use crate::oracle::Oracle;
use crate::outlook::Outlook;
use crate::output;
use crate::plan::{Discipline, Plan};
use crate::population::{self, Population};
use crate::proof;
use crate::provision::{self, Wanted};
use crate::report::Report;
use crate::report::document::Document as _;
use crate::report::outputs::Outputs;
use crate::schedule::Schedule;
use crate::settings;
use crate::side_calls::SideCalls;
use crate::signals::StopSignals;
use crate::start;
use crate::summary;
use crate::view::Show;
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
    let job = Job::new(args, &effective)?;
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
        let show = Show::of(args.view.view);
        let read = args.source.plan.iter().chain(&args.replay);
        let besides = [("--hlog", args.log.hlog.as_deref())];
        args.output.spare(read, &besides)?;
        let job = Job::of(args)?;
        if job.server.pid.is_some() && !job.place.target.is_local() {
            return Err(Failure::Usage(
                "--server-pid needs a --target on this machine".to_owned(),
            ));
        }
        let report = measure(&job, &mut signals, show).await?;
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
    report.exit_unless_invalid(if_invalid)
}

/// Measures, prints the report, and writes it where it was asked for.
pub(crate) async fn measure(
    job: &Job,
    signals: &mut StopSignals,
    show: Show,
) -> Result<Report, Failure> {
    job.check()?;
    job.output.apart_from(&[
        ("--hlog", job.hlog.as_deref()),
        ("--trace", Some(&job.trace)),
    ])?;
    let outputs = Outputs::open(&job.output)?;
    let log = job.hlog.as_deref().map(Log::open).transpose()?;
    let taken = Box::pin(take_shown(job, signals, show)).await?;
    let report = taken.report;
    output::result(&report.text(output::is_coloured()));
    let log = log.map_or(Ok(()), |log| write_log(log, job, &report, taken.log));
    let written = outputs.write(&report).and(log);
    // The report says what was found whether or not its requests can be written down.
    if let Err(failure) = proof::write_trace(job, &taken.plan, taken.arrivals, &job.trace) {
        output::note(&format!("error: {failure}"));
    }
    if let Err(failure) = written {
        if exit_of(&report, Exit::Passed) != Exit::Violated {
            return Err(failure);
        }
        output::note(&format!("error: {failure}"));
    }
    if let Some(path) = &job.output.html {
        output::note(&format!("The report as a page: {}", path.display()));
    }
    Ok(report)
}

/// A measurement that was taken, and not told yet.
pub(crate) struct Taken {
    /// What it found.
    pub(crate) report: Report,
    /// The plan that was followed.
    pub(crate) plan: Arc<Plan>,
    /// How many requests of it took place.
    pub(crate) arrivals: u64,
    /// When the measured part began, and its samples, or why there are none; absent unless a log
    /// was wanted.
    pub(crate) log: Option<Result<(u64, Intervals), Failure>>,
}

/// Creates whoever takes part, measures, and lets the oracle look: nothing is printed but progress,
/// and nothing written.
pub(crate) async fn take(job: &Job, signals: &mut StopSignals) -> Result<Taken, Failure> {
    Box::pin(take_shown(job, signals, Show::Counters)).await
}

/// The same, shown in this way.
async fn take_shown(job: &Job, signals: &mut StopSignals, show: Show) -> Result<Taken, Failure> {
    job.check()?;
    Outlook::of(job)?.tell(job)?;
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
    let mut plan = plan(job, population, run_id, oracle)?;
    let collector = match &job.hlog {
        Some(_) => Some(start_log(&mut plan)?),
        None => None,
    };
    let plan = Arc::new(plan);
    if job.demand.month_end {
        month_end::move_clock(&job.place.admin, job.month_ends_after()).await?;
    }
    if let Some(at) = job.part.start_at {
        start::wait(at, signals).await?;
    }
    let measured = crew::run_as(&plan, job.server.pid, signals, show)
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
    let began_ns = since_epoch_ns(measured.began + job.warm_up);
    let report = summary::report(job, &plan, &measured, certificate);
    Ok(Taken {
        report,
        log: collector.map(|collector| Ok((began_ns, collector.finish()?))),
        plan,
        arrivals: measured.arrivals,
    })
}

/// Starts what makes the log of a plan.
pub(crate) fn start_log(plan: &mut Plan) -> Result<Collector, Failure> {
    // Answers may take up to the deadline after the last request.
    let length_ns = match &plan.discipline {
        Discipline::Closed {
            requests: Some(_), ..
        } => 0,
        _ => plan.end_ns - plan.warm_up_ns + plan.deadline_ns,
    };
    let collector = Collector::start(plan.warm_up_ns, length_ns).map_err(Failure::tool)?;
    plan.feed = Some(collector.feed());
    Ok(collector)
}

/// Writes the samples of a report to where they were wanted.
fn write_log(
    log: Log,
    job: &Job,
    report: &Report,
    taken: Option<Result<(u64, Intervals), Failure>>,
) -> Result<(), Failure> {
    let Some(taken) = taken else {
        return Ok(());
    };
    let (began_ns, intervals) = taken?;
    let head = Head::of(report, job.plan_text.as_deref(), began_ns);
    let path = log.path().display().to_string();
    log.write(head, &intervals)?;
    output::note(&format!(
        "Every sample, for merge and for HdrHistogram's tools: {path}"
    ));
    Ok(())
}

/// Whoever takes part in a job: invented, or created now.
pub(crate) async fn populate(job: &Job) -> Result<Population, Failure> {
    match invented(job) {
        Some(population) => Ok(population),
        None => provision_watched(&wanted(job)).await,
    }
}

/// The same, and nothing is shown.
pub(crate) async fn populate_quietly(job: &Job) -> Result<Population, Failure> {
    if let Some(population) = invented(job) {
        return Ok(population);
    }
    let created = AtomicU64::new(0);
    let wanted = wanted(job);
    Box::pin(provision::provision(&wanted, &created))
        .await
        .map_err(Failure::tool)
}

/// People whom nobody creates, if a job is content with them.
fn invented(job: &Job) -> Option<Population> {
    let people = &job.people;
    job.synthetic.then(|| {
        let members = population::members(people.scheme.as_ref(), people.accounts.get().into());
        Population::synthetic(people.seed, &members, people.merchants.get().into())
    })
}

/// Whoever a job needs.
fn wanted(job: &Job) -> Wanted {
    let people = &job.people;
    Wanted {
        target: job.place.target.clone(),
        admin: job.place.admin.clone(),
        seed: people.seed,
        accounts: people.accounts.get().into(),
        merchants: people.merchants.get().into(),
        schemes: people.scheme.clone(),
        year: summary::year_of(wall()),
        in_flight: NonZeroUsize::MIN.saturating_add(255),
        connections: NonZeroUsize::MIN.saturating_add(1),
    }
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
    population: impl Into<Arc<Population>>,
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
        population: population.into(),
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
        selections: job.thresholds.selections(),
        transport: manner.transport,
        side_calls: SideCalls {
            seed: job.people.seed,
            run_id,
            year: summary::year_of(wall()),
        },
        reverse_after_ns: duration_ns(manner.reverse_after),
        reads_decisions: oracle.is_some() || (manner.oracle && job.part.slice.is_some()),
        oracle,
        rules: manner.rules,
        slice: job.slice(),
        start_at: job.part.start_at,
        feed: None,
    })
}

/// An id that no earlier run had: from the wall clock, mixed.
pub(crate) fn new_run_id() -> u64 {
    let since = wall()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Draw::new(duration_ns(since), Purpose::Request, 0).next_bits()
}
