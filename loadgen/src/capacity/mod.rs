//! `capacity`: the highest rate at which a server keeps its SLOs, and how latency rises on the way.
//!
//! [`search`] says which rate to try next, [`conduct`] tries it by way of [`rig`], [`judge`] says what
//! a step means, [`findings`] makes a report of it all.

pub(crate) mod args;
pub(crate) mod bounds;
pub(crate) mod conduct;
mod document;
mod ended;
pub(crate) mod facts;
mod findings;
pub(crate) mod judge;
mod knee;
mod rig;
pub(crate) mod search;
mod slo;
mod step;
mod text;

use std::num::NonZeroU32;
use std::sync::Arc;

pub(crate) use args::CapacityArgs;
use conduct::Conduct;
use facts::CapacityReport;
use rig::Rig;
use slo::Slo;

use crate::args::Place;
use crate::clock::{monotonic_ns, wall};
use crate::exit::{Exit, Failure};
use crate::figures::{count_as_real, real_as_count};
use crate::job::{Demand, Job, KnownServer, Manner, Pace};
use crate::outlook::{MOST_AT_LIMIT, MOST_KEYS};
use crate::output;
use crate::provision;
use crate::report::document::Document as _;
use crate::report::outputs::Outputs;
use crate::report::text::grouped_real;
use crate::run;
use crate::server_process::{self, Speech};
use crate::signals::StopSignals;
use crate::workload::Amounts;

/// What each payment costs, so that no account comes to a limit: a fen.
pub(crate) const AMOUNT_FEN: NonZeroU32 = NonZeroU32::MIN;

/// Runs `capacity`.
pub(crate) fn execute(args: &CapacityArgs) -> Result<Exit, Failure> {
    let slos = args.check()?;
    let outputs = Outputs::open(&args.output)?;
    let (report, stopped) = run::control_runtime()?.block_on(measured(args, slos))?;
    output::result(&report.text(output::is_coloured()));
    let exit = report.exit().once_written(outputs.write(&report));
    Ok(exit.once_written(stopped))
}

/// Measures a server that runs, or one that is started for it. What was found is told even if that
/// one does not stop cleanly: with it comes how it stopped.
async fn measured(
    args: &CapacityArgs,
    slos: Vec<Slo>,
) -> Result<(CapacityReport, Result<(), Failure>), Failure> {
    let mut signals = StopSignals::listen().map_err(Failure::tool)?;
    if let Some(target) = &args.target {
        let place = args.tls.place(target, &args.admin)?;
        if args.server_pid.is_some() && !place.target.is_local() {
            return Err(Failure::Usage(
                "--server-pid needs a --target on this machine".to_owned(),
            ));
        }
        let known = KnownServer {
            pid: args.server_pid,
            ..KnownServer::default()
        };
        let report = Box::pin(search(args, slos, job(args, place, known), &mut signals)).await?;
        return Ok((report, Ok(())));
    }
    let started = server_process::fresh(args.server.as_deref(), Speech::Plain, &mut signals);
    let (server, known) = started.await?;
    let place = Place {
        target: server.target.clone(),
        admin: server.admin.clone(),
    };
    let found = Box::pin(search(args, slos, job(args, place, known), &mut signals)).await;
    output::note("Stopping the server and removing its folder.");
    let stopped = server.stop().await.map_err(Failure::tool);
    Ok((found?, stopped))
}

/// Creates everyone, and searches.
async fn search(
    args: &CapacityArgs,
    slos: Vec<Slo>,
    job: Job,
    signals: &mut StopSignals,
) -> Result<CapacityReport, Failure> {
    job.check()?;
    warn(args, &job)?;
    let population = tokio::select! {
        population = run::populate(&job) => population?,
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
    let started_at = wall();
    let mut conduct = Conduct {
        rig: Rig {
            job,
            arrivals: args.arrivals,
            population: Arc::new(population),
            run_id: run::new_run_id(),
            signals,
        },
        slos,
        ladder: args.ladder(),
        pace: args.pace(),
        steps: Vec::new(),
        certificate: None,
        start_ns: monotonic_ns(),
    };
    let outcome = conduct.search().await?;
    Ok(findings::report(&conduct, outcome, started_at))
}

/// What all steps have in common.
fn job(args: &CapacityArgs, place: Place, server: KnownServer) -> Job {
    let open = Pace::Open(args.arrivals, args.from);
    Job {
        synthetic: args.no_provision,
        duration: args.step_duration,
        warm_up: args.warm_up,
        demand: Demand {
            amounts: Amounts::Fixed(AMOUNT_FEN),
            ..Demand::plain(args.traffic.zipf)
        },
        traffic: args.traffic.clone(),
        manner: Manner {
            oracle: args.is_proven(),
            ..Manner::plain()
        },
        server,
        ..Job::bare(place, args.people.clone(), open, args.engine.clone())
    }
}

/// Warns of what the server will refuse, if the search goes all the way.
fn warn(args: &CapacityArgs, job: &Job) -> Result<(), Failure> {
    if job.synthetic {
        return Ok(());
    }
    let most = count_as_real(args.most.thousandths()) / 1e3;
    let requests = most * args.budget.as_secs_f64();
    let expected = job.workload()?.expected(real_as_count(requests));
    if expected.limit_share > MOST_AT_LIMIT {
        output::note(&format!(
            "warning: if the search spent all its time at {}/s, about {:.1} % of the requests would meet an account's \
             limit, although each costs {AMOUNT_FEN} fen: use more --accounts (there are {}), a lower --most or a \
             shorter --budget",
            grouped_real(most),
            expected.limit_share * 100.0,
            args.people.accounts,
        ));
    }
    if expected.keys > MOST_KEYS {
        output::note(&format!(
            "warning: if the search spent all its time at {}/s, it would use up {:.0} million idempotency keys, and a \
             server keeps {:.0} million and then refuses new work: use a lower --most or a shorter --budget, and a \
             fresh server",
            grouped_real(most),
            expected.keys / 1e6,
            MOST_KEYS / 1e6,
        ));
    }
    Ok(())
}
