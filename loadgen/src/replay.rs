//! Repeating a trace: the same requests under the same keys, at the same instants, against a server
//! that has not seen them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::args::RunArgs;
use crate::exit::Failure;
use crate::job::{AtLimit, Effective, Job};
use crate::settings;
use crate::trace::{self, Line};
use crate::workload::Workload;

/// How far apart the requests of a closed loop are repeated, in nanoseconds.
const APART_NS: u64 = 1_000_000;

/// The job that a trace was cut from, reduced to its requests.
pub(crate) fn job(args: RunArgs, path: &Path) -> Result<Job, Failure> {
    let trace = trace::read(path).map_err(|error| Failure::Usage(format!("--replay {error}")))?;
    let name = format!("{}, the plan in line 1", path.display());
    let wrong = |mistakes: Vec<String>| Failure::Usage(mistakes.join("\n"));
    let file = settings::parse(name, &trace.header.plan).map_err(wrong)?;
    if !file.mistakes.is_empty() {
        return Err(wrong(file.mistakes));
    }
    let mut settings = file.settings.over(settings::Settings::plain(&args));
    // A closed loop has no instants: its requests are repeated one behind the other.
    settings.load.closed = None;
    settings.load.requests = None;
    // What all of that run had to keep to says nothing of some of its requests.
    settings.checks.thresholds = None;
    let effective = Effective {
        preset: file.preset,
        settings,
    };
    let mut job = Job::new(args, &effective)?;
    job.run_id = Some(trace.header.run_id);
    job.demand.at_limit = AtLimit::Warn;
    check(&job.workload()?, &trace.lines, path)?;
    let was_closed = trace.lines.iter().all(|line| line.due_ns == 0);
    let turns = trace.lines.iter().zip(0..).map(|(line, place)| {
        let due_ns = if was_closed {
            place * APART_NS
        } else {
            line.due_ns
        };
        (line.index, due_ns)
    });
    job.replay = Some(turns.collect());
    job.replayed = Some(path.to_owned());
    if was_closed {
        job.warm_up = Duration::ZERO;
        job.duration = Duration::from_nanos(trace.lines.len() as u64 * APART_NS);
    }
    Ok(job)
}

/// The requests are computed again from their indices: they must be those that were written.
fn check(workload: &Workload, lines: &[Line], path: &Path) -> Result<(), Failure> {
    for (line, number) in lines.iter().zip(2..) {
        if workload.request(line.index) != line.request() {
            return Err(Failure::Usage(format!(
                "--replay {}:{number}: this program makes another request of plan, seed and index {}: \
                 repeat the trace with the version that wrote it, which line 1 names",
                path.display(),
                line.index,
            )));
        }
    }
    Ok(())
}

/// Which arrivals take place, and when each is due: index and nanoseconds from the start.
pub(crate) type Turns = Arc<[(u64, u64)]>;
