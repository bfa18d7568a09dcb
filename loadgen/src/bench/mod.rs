//! `bench`: the server beside servers that do nothing, in turns and on this machine: what its work
//! costs.
//!
//! Absolute figures drift on a shared machine, and ratios of arms that stood next to each other do
//! not. [`arms`] says what is measured and in which order, [`measure`] measures one of them on a
//! fresh server, [`runner`] all in turns, [`ratios`] what the rounds come to, [`findings`] makes a
//! report of it.

mod args;
mod arms;
mod cores;
mod document;
pub(crate) mod facts;
mod findings;
mod h2load;
mod measure;
mod ratios;
mod runner;
pub(crate) mod text;
pub(crate) mod told;

pub(crate) use args::BenchArgs;
pub(crate) use document::cost_row;
use runner::Bench;

use crate::exit::{Exit, Failure};
use crate::output;
use crate::report::document::Document as _;
use crate::report::outputs::Outputs;
use crate::run;
use crate::signals::StopSignals;

/// Runs `bench`.
pub(crate) fn execute(args: &BenchArgs) -> Result<Exit, Failure> {
    args.check()?;
    let outputs = Outputs::open(&args.output)?;
    run::control_runtime()?.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let bench = Bench::prepare(args).await?;
        output::note(&format!(
            "Measuring {} arms in {} rounds, each on a fresh server: {:.0} s and what it takes to start them.",
            bench.arms.len(),
            args.rounds,
            args.least(bench.arms.len()).as_secs_f64(),
        ));
        for remark in findings::remarks(&bench) {
            output::note(&remark);
        }
        let gathered = bench.carry_out(&mut signals).await?;
        let report = findings::report(&bench, gathered);
        output::result(&report.text(output::is_coloured()));
        let exit = report.exit().once_written(outputs.write(&report));
        if let Some(path) = &args.output.html {
            output::note(&format!("The report as a page: {}", path.display()));
        }
        Ok(exit)
    })
}
