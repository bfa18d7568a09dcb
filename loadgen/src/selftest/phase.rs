//! One measurement of the stub, through the very code and command line of `run`.

use std::sync::Arc;

use super::analytic::Arrivals;
use super::stub::{StallPlan, Stub, StubReport};
use crate::args::{Command, CommandLine};
use crate::crew::{self, Measured};
use crate::exit::Failure;
use crate::hlog::{Head, Intervals};
use crate::plan::Plan;
use crate::run::{self, Job};
use crate::signals::StopSignals;
use crate::summary;
use crate::validity;

/// What one phase found.
#[derive(Debug)]
pub(crate) struct Phase {
    /// What the generator measured.
    pub(crate) measured: Measured,
    /// What the stub says of the same requests.
    pub(crate) stub: StubReport,
    /// Why the generator or its machine was not fit to measure; empty if it was.
    pub(crate) doubts: Vec<String>,
    /// The log of the same requests, or why there is none.
    pub(crate) log: Result<(Head, Intervals), Failure>,
}

/// Measures an open loop at a constant rate, with room for so many open calls.
pub(crate) async fn open(
    arrivals: Arrivals,
    in_flight: u64,
    stalls: StallPlan,
    signals: &mut StopSignals,
) -> Result<Phase, Failure> {
    let measured_s = arrivals.to_s - arrivals.from_s;
    let words = format!(
        "--arrivals constant --rate {} --warm-up {}s --duration {measured_s}s --in-flight {in_flight}",
        arrivals.per_second, arrivals.from_s,
    );
    measure(&words, stalls, signals).await
}

/// Measures a closed loop of so many open calls and so many requests.
pub(crate) async fn closed(
    in_flight: u64,
    requests: u64,
    stalls: StallPlan,
    signals: &mut StopSignals,
) -> Result<Phase, Failure> {
    let words = format!("--closed {in_flight} --requests {requests}");
    measure(&words, stalls, signals).await
}

async fn measure(
    words: &str,
    stalls: StallPlan,
    signals: &mut StopSignals,
) -> Result<Phase, Failure> {
    let stub = Stub::start(stalls).map_err(Failure::tool)?;
    let (job, mut plan) = plan(&stub.url, words).await?;
    let collector = run::start_log(&mut plan)?;
    let plan = Arc::new(plan);
    let measured = crew::run(&plan, None, signals)
        .await
        .map_err(Failure::tool)?;
    if measured.interrupted {
        return Err(Failure::Tool("interrupted: nothing is proven".to_owned()));
    }
    let report = summary::report(&job, &plan, &measured, None);
    let log = collector.finish();
    Ok(Phase {
        log: log.map(|intervals| (Head::of(&report, None, 0), intervals)),
        stub: stub.report(),
        doubts: validity::doubts_of_machine(&summary::evidence(&plan.discipline, &measured)),
        measured,
    })
}

/// What `waika-loadgen run` would do with these words. Nobody is created, no call is given up, and
/// the stub's limit of calls on a connection is out of reach.
async fn plan(url: &str, words: &str) -> Result<(Job, Plan), Failure> {
    const COMMON: &str = "--no-provision --accounts 100 --merchants 10 --connections 4 --workers 1 \
                          --deadline 30s --duplicates 0";
    let words = format!("waika-loadgen run --target {url} {COMMON} {words}");
    let line = CommandLine::read_from(words.split_ascii_whitespace());
    let Command::Run(args) = line.map_err(Failure::tool)?.command else {
        return Err(Failure::Tool(format!("no command of run: {words}")));
    };
    let job = Job::of(args)?;
    let population = run::populate(&job).await?;
    let plan = run::plan(&job, population, 0, None)?;
    Ok((job, plan))
}
