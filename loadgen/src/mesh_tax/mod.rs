//! `mesh-tax`: what a proxy in the path costs each call.
//!
//! Short blocks of load go directly to a server that runs and through a proxy before the same server,
//! in turns, so that what the machine does meets both alike. [`runner`] measures, [`rounds`] adds up
//! each round, [`findings`] says what the rounds come to.

mod args;
mod document;
pub(crate) mod facts;
mod findings;
mod rounds;
mod runner;
pub(crate) mod text;

pub(crate) use args::MeshTaxArgs;
use runner::{Done, Task};

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::{monotonic_ns, wall};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::report::document::Document as _;
use crate::report::outputs::Outputs;
use crate::run;
use crate::signals::StopSignals;
use crate::watch::{self, View};
use facts::MeshTaxReport;

/// Runs `mesh-tax`.
pub(crate) fn execute(args: &MeshTaxArgs) -> Result<Exit, Failure> {
    let task = args.task()?;
    let outputs = Outputs::open(&args.output)?;
    run::control_runtime()?.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let report = Box::pin(carry_out(&task, &mut signals)).await?;
        output::result(&report.text(output::is_coloured()));
        let exit = report.exit().once_written(outputs.write(&report));
        if let Some(path) = &args.output.html {
            output::note(&format!("The report as a page: {}", path.display()));
        }
        Ok(exit)
    })
}

/// Creates whoever takes part, and measures.
async fn carry_out(task: &Task, signals: &mut StopSignals) -> Result<MeshTaxReport, Failure> {
    let (started_at, begun_ns) = (wall(), monotonic_ns());
    output::note(&format!(
        "Measuring {} rounds of four blocks, directly and through the proxy in turns: about {:.0} s.",
        task.load.rounds,
        task.least().as_secs_f64(),
    ));
    let job = task.job(task.direct.clone());
    let population = tokio::select! {
        population = run::populate(&job) => population?,
        () = signals.received() => return Err(Failure::Tool(
            "interrupted while creating accounts; nothing is lost, run it again".to_owned(),
        )),
    };
    let done = Done::default();
    let view = View {
        title: "blocks",
        total: Some(u64::from(task.load.rounds.get()) * 4),
        every: Duration::from_secs(2),
    };
    let look = || {
        let blocks = done.blocks.load(Ordering::Relaxed);
        (blocks, done.remark.lock().clone())
    };
    let work = Box::pin(task.measure(population.into(), signals, &done));
    let ended = watch::while_working(view, look, work).await?;
    let took_ns = monotonic_ns().saturating_sub(begun_ns);
    Ok(findings::report(task, ended, (started_at, took_ns)))
}
