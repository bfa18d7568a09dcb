//! `merge`: the logs of several hosts as one, exactly.

mod document;
pub(crate) mod facts;
mod likeness;
mod sum;
mod text;
mod unlike;

#[cfg(test)]
mod tests;

pub(crate) use unlike::told;

use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Failure};
use crate::hlog::{self, Head, Intervals, Log};
use crate::output;
use crate::report::document::Document as _;
use crate::report::outputs::{OutputArgs, Outputs};

/// `merge`.
#[derive(Args, Clone, Debug)]
pub(crate) struct MergeArgs {
    /// Logs that `run --hlog` wrote: one of each slice of a plan
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Merge although slices are missing; the result is INVALID and says which
    #[arg(long)]
    pub(crate) incomplete: bool,
    /// Also write the samples of all of them there, as one log
    #[arg(long, value_name = "FILE", conflicts_with = "incomplete")]
    pub(crate) hlog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) outputs: OutputArgs,
}

/// One log that was read.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The file's name.
    pub(crate) file: String,
    /// What it says of its run.
    pub(crate) head: Head,
    /// Its samples.
    pub(crate) intervals: Intervals,
}

/// Runs `merge`.
pub(crate) fn execute(args: &MergeArgs) -> Result<Exit, Failure> {
    let besides = [("--hlog", args.hlog.as_deref())];
    args.outputs.spare(&args.files, &besides)?;
    args.outputs.apart_from(&besides)?;
    let mut parts = Vec::new();
    for path in &args.files {
        let (head, intervals) = hlog::read(path)?;
        parts.push(Part {
            file: path.display().to_string(),
            head,
            intervals,
        });
    }
    unlike::check(&mut parts, args.incomplete).map_err(Failure::Usage)?;
    let outputs = Outputs::open(&args.outputs)?;
    let log = args.hlog.as_deref().map(Log::open).transpose()?;
    let Some(first) = parts.first() else {
        return Err(Failure::Usage("there is nothing to merge".to_owned()));
    };
    let merged = sum::merged(first, &parts);
    output::result(&merged.text(output::is_coloured()));
    let exit = merged.exit().once_written(outputs.write(&merged));
    let Some(log) = log else {
        return Ok(exit);
    };
    let (head, intervals) = sum::as_one(first, &parts, &merged);
    let path = log.path().display().to_string();
    let written = log.write(head, &intervals);
    if written.is_ok() {
        output::note(&format!("All samples as one log: {path}"));
    }
    Ok(exit.once_written(written))
}
