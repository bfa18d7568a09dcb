//! `quickstart`: a fresh server, a measurement, and nothing left behind.

use std::path::PathBuf;

use crate::args::{PeopleArgs, Place, QuickstartArgs};
use crate::exit::{Exit, Failure};
use crate::job::{Demand, Manner};
use crate::output;
use crate::report::Report;
use crate::run::{self, Job, KnownServer, Pace};
use crate::schedule::Arrivals;
use crate::server_process::{self, ServerProcess, Speech};
use crate::signals::StopSignals;
use crate::start::PartArgs;
use crate::view::Show;

/// Runs `quickstart`.
pub(crate) fn execute(args: QuickstartArgs) -> Result<Exit, Failure> {
    run::control_runtime()?.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let speech = Speech::of_flag(args.mtls);
        let (server, known) =
            server_process::fresh(args.server.as_deref(), speech, &mut signals).await?;
        let show = Show::of(args.view.view);
        let job = job(args, &server, known);
        output::note(&format!(
            "It serves at {}. Creating {} accounts, then sending for {} s.",
            server.target,
            job.people.accounts,
            (job.warm_up + job.duration).as_secs(),
        ));
        let measured = run::measure(&job, &mut signals, show).await;
        output::note("Stopping the server and removing its folder.");
        let stopped = server.stop().await.map_err(Failure::tool);
        let report = measured?;
        stopped?;
        explain(&report);
        // Who asked for a verdict is told that there is none; who only looks is not held up.
        let if_invalid = if report.thresholds.is_empty() {
            Exit::Passed
        } else {
            Exit::Invalid
        };
        Ok(run::exit_of(&report, if_invalid))
    })
}

fn job(args: QuickstartArgs, server: &ServerProcess, known: KnownServer) -> Job {
    Job {
        place: Place {
            target: server.target.clone(),
            admin: server.admin.clone(),
        },
        people: PeopleArgs {
            accounts: args.accounts,
            merchants: args.merchants,
            seed: args.seed,
            scheme: args.scheme,
        },
        synthetic: false,
        pace: Pace::Open(Arrivals::Poisson, args.rate),
        duration: args.duration,
        warm_up: args.warm_up,
        engine: args.engine,
        demand: Demand::plain(args.traffic.zipf),
        traffic: args.traffic,
        manner: Manner::plain(),
        details: args.details,
        thresholds: args.threshold.given().unwrap_or_default(),
        run_id: None,
        replay: None,
        replayed: None,
        plan_text: None,
        trace: PathBuf::new(),
        output: args.output,
        hlog: args.log.hlog,
        part: PartArgs::default(),
        server: known,
    }
}

fn explain(report: &Report) {
    if report.verdict.valid || report.verdict.interrupted {
        return;
    }
    let counts = report.counts;
    let cause = if counts.answered == counts.sent && counts.not_connected == 0 {
        "most likely this machine was busy. The server itself did what it was asked."
    } else {
        "the outcomes above show what the server did not decide."
    };
    output::note(&format!(
        "The figures above are not to be trusted, for the reasons given with INVALID: {cause}"
    ));
}
