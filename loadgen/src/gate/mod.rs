//! Comparing two servers: is B worse than A, by more than is tolerated?
//!
//! Both are started here and only one is loaded at a time, in short blocks next to each other, so
//! that what the machine does meets both alike. `facts` says what is found, `judge` what it comes
//! to; `compare` does the same with runs that were stored.

mod args;
mod arm;
mod arm_sum;
mod block;
pub(crate) mod blocks;
mod checkout;
mod compare;
mod document;
pub(crate) mod facts;
mod gathered;
mod judge;
pub(crate) mod load;
mod metric;
mod noise;
mod outcome;
mod runner;
pub(crate) mod statistics;
mod text;

use std::ffi::OsString;
use std::time::Duration;

pub(crate) use args::{CompareArgs, GateArgs};
pub(crate) use compare::execute as compare;

use arm::{Arm, Choice};
use blocks::Side;
use checkout::Cache;
use facts::Comparison;
use load::Load;
use runner::{Ended, Task};

use crate::clock::{SECOND_NS, monotonic_ns, wall};
use crate::exit::{Exit, Failure};
use crate::job::Pace;
use crate::output;
use crate::report::document::Document as _;
use crate::report::outputs::Outputs;
use crate::run;
use crate::schedule::Arrivals;
use crate::server_process;
use crate::signals::StopSignals;
use crate::watch::{self, View};

/// Runs `gate`.
pub(crate) fn execute(args: &GateArgs) -> Result<Exit, Failure> {
    run::control_runtime()?.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let load = load(args);
        check_budget(args, load)?;
        load.check_limits(args.seed)?;
        let outputs = Outputs::open(&args.outputs)?;
        let task = task(args, load, &mut signals).await?;
        let comparison = Box::pin(carry_out(task, &mut signals)).await?;
        output::result(&comparison.text(output::is_coloured()));
        Ok(comparison.exit().once_written(outputs.write(&comparison)))
    })
}

fn load(args: &GateArgs) -> Load {
    let load = &args.load;
    Load {
        pace: match load.closed {
            Some(open) => Pace::Closed(open, None),
            None => Pace::Open(Arrivals::Poisson, load.rate),
        },
        block: load.block,
        warm_up: load.warm_up,
        rounds: load.rounds,
        accounts: load.accounts,
        merchants: load.merchants,
    }
}

/// Says before anything begins if there can be no verdict.
fn check_budget(args: &GateArgs, load: Load) -> Result<(), Failure> {
    let least = runner::least_budget(load, args.question.gating().len(), args.aa);
    if args.budget >= least {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "--budget {:.0} s is too little for any verdict: a pair of blocks takes about {:.1} s, and a verdict at least \
         {:.0} s (--budget {:.0}s); shorter blocks (--block) need less",
        args.budget.as_secs_f64(),
        load.pair().as_secs_f64(),
        least.as_secs_f64().ceil(),
        least.as_secs_f64().ceil(),
    )))
}

/// Finds or builds both programs.
async fn task(args: &GateArgs, load: Load, signals: &mut StopSignals) -> Result<Task, Failure> {
    let own = || server_process::beside_this_program().map(Choice::Path);
    let a = match &args.a {
        Some(choice) => choice.clone(),
        None => own().map_err(Failure::tool)?,
    };
    let cache = Cache::new(args.cache.as_deref())?;
    let with = |own: &[OsString]| [&args.server_arg, own].concat();
    let a = Arm::prepare((Side::A, &a), with(&args.a_arg), &cache, signals).await?;
    let b = match &args.b {
        Some(b) => Arm::prepare((Side::B, b), with(&args.b_arg), &cache, signals).await?,
        None => a.against_itself(),
    };
    Ok(Task {
        a,
        b,
        load,
        seed: args.seed,
        budget: args.budget,
        gating: args.question.gating(),
        tolerance: args.question.tolerance,
        against_itself: args.aa,
    })
}

async fn carry_out(mut task: Task, signals: &mut StopSignals) -> Result<Comparison, Failure> {
    let (started_at, begun_ns) = (wall(), monotonic_ns());
    output::note(&format!(
        "Comparing for {} s at most, in blocks of {} ms on fresh servers. First, their answers must be right.",
        task.budget.as_secs(),
        task.load.block.as_millis(),
    ));
    outcome::check_answers(&mut task.a, &task.load, task.seed, signals).await?;
    if task.against_itself {
        task.b.facts = task.a.facts.clone();
    } else {
        outcome::check_answers(&mut task.b, &task.load, task.seed, signals).await?;
    }
    let remark = runner::Remark::default();
    let view = View {
        title: "seconds of the budget",
        total: Some(task.budget.as_secs()),
        every: Duration::from_secs(10),
    };
    let past_ns = || monotonic_ns().saturating_sub(begun_ns);
    let look = || (past_ns() / SECOND_NS, remark.lock().clone());
    let ended = if task.a.facts.violations + task.b.facts.violations > 0 {
        Ended::nothing(&task)
    } else {
        let work = task.measure(begun_ns, signals, &remark);
        watch::while_working(view, look, Box::pin(work)).await?
    };
    Ok(outcome::comparison(&task, &ended, (started_at, past_ns())))
}
