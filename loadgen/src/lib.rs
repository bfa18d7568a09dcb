//! Waika's load generator: an open-loop measuring instrument for authorisation services.
//!
//! People believe what a load generator prints. This one measures from the instant at which a
//! request was *due*, counts what it could not send instead of sending it late, and says when its
//! own figures are not to be trusted. Only `workload`, `wire`, `scheme`, `person`, `outcome`,
//! `provision`, `enrol`, `oracle`, `rules`, `side_calls`, `month_end` and `floor` know the generated types
//! of the contract; nothing here knows the server.

mod answer;
mod args;
mod bench;
mod books;
mod by_scheme;
mod call;
mod call_template;
mod calls;
mod capacity;
mod certificates;
mod clean;
mod clock;
mod connect;
mod crew;
mod draw;
mod driver;
mod engine;
mod enrol;
mod errand;
mod exit;
mod figures;
mod floor;
mod gate;
mod hlog;
mod host;
mod http2;
mod job;
mod journey;
mod lane;
mod live;
mod merchant;
mod merge;
mod mesh_tax;
mod month_end;
mod oracle;
mod outcome;
mod outlook;
mod output;
mod outside;
mod pacer;
mod person;
mod plan;
mod population;
mod preset;
mod process_group;
mod progress;
mod proof;
mod provision;
mod quickstart;
mod recorder;
mod replay;
mod report;
mod resending;
mod retell;
mod review;
mod rules;
mod run;
mod samples;
mod schedule;
mod scheme;
mod selftest;
mod server_process;
mod settings;
mod side_calls;
mod signals;
mod slice;
mod start;
mod stored;
mod stranger;
mod stream;
mod summary;
mod target;
mod threshold;
mod throttle;
mod time_line;
mod timing;
mod tls;
mod trace;
mod validity;
mod values;
mod view;
mod watch;
mod wire;
mod workload;

use std::process::ExitCode;

use args::{Command, CommandLine, PlanCommand, ProvisionArgs};
use exit::{Exit, Failure};
use provision::Wanted;

/// A command line that was understood.
#[derive(Debug)]
pub struct Invocation(Command);

/// Reads this process's command line. The error is what to exit with: help and the version were
/// asked for and are no failure; a mistake has been told, and is exit code 64, for clap's own 2
/// means a missed threshold here.
pub fn read_command_line() -> Result<Invocation, ExitCode> {
    match CommandLine::read() {
        Ok(line) => Ok(Invocation(line.command)),
        Err(error) => {
            // Nobody reads it, then.
            drop(error.print());
            Err(if error.use_stderr() {
                ExitCode::from(64)
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

/// Does what was asked, and tells what went wrong. The exit codes are those of the contract: 0
/// passed, 1 the tool or the transport failed, 2 a threshold was missed, 3 worse than the baseline, 4
/// the server has broken a rule of its ledger, 5 the measurement is not to be trusted, 6 there is no
/// verdict, 64 the command line asks for the impossible.
pub fn execute(invocation: Invocation) -> ExitCode {
    let ended = match invocation.0 {
        Command::Run(args) => run::execute(args),
        Command::Plan(PlanCommand::Show(args)) => run::show_plan(args),
        Command::Quickstart(args) => quickstart::execute(args),
        Command::Capacity(args) => capacity::execute(&args),
        Command::Provision(args) => provision(&args),
        Command::Floor(args) => floor::execute(&args),
        Command::Report(args) => retell::execute(&args),
        Command::Selftest(args) => selftest::execute(args),
        Command::Merge(args) => merge::execute(&args),
        Command::Gate(args) => gate::execute(&args),
        Command::Compare(args) => gate::compare(&args),
        Command::Bench(args) => bench::execute(&args),
        Command::MeshTax(args) => mesh_tax::execute(&args),
    };
    match ended {
        Ok(exit) if output::is_lost() => exit.or(Exit::Failed).into(),
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::note(&format!("error: {failure}"));
            ExitCode::from(&failure)
        }
    }
}

fn provision(args: &ProvisionArgs) -> Result<Exit, Failure> {
    let place = args.place.place()?;
    let wanted = Wanted {
        target: place.target,
        admin: place.admin,
        seed: args.people.seed,
        accounts: args.people.accounts.get().into(),
        merchants: args.people.merchants.get().into(),
        schemes: args.people.scheme.clone(),
        year: summary::year_of(clock::wall()),
        in_flight: args.in_flight,
        connections: args.connections,
    };
    let population = run::control_runtime()?.block_on(run::provision_watched(&wanted))?;
    output::result(&format!(
        "{} accounts can pay and {} merchants can sell (seed {}).",
        population.payers.len(),
        population.merchants.len(),
        wanted.seed,
    ));
    Ok(Exit::Passed)
}
