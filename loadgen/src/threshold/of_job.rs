//! Whether something can be said of each threshold of a job.

use super::{Expected, impossible};
use crate::clock::duration_ns;
use crate::exit::Failure;
use crate::job::{Job, Pace};
use crate::slice::Slice;

/// Refuses thresholds that the job's plan cannot say anything of. The failure tells all of them, each
/// with the mend.
pub(crate) fn check(job: &Job) -> Result<(), Failure> {
    let payments = match job.pace {
        Pace::Open(..) => {
            let curve = job.curve()?;
            let before = curve.expected_before(duration_ns(job.warm_up));
            Some(curve.expected_before(job.end_ns()).saturating_sub(before))
        }
        Pace::Closed(_, requests) => requests,
    };
    let slice = job.part.slice.unwrap_or(Slice::WHOLE);
    let wrong = impossible(
        &job.thresholds,
        &Expected {
            payments: payments.map(|all| slice.count(all)),
            is_closed: matches!(job.pace, Pace::Closed(..)),
            mix: job.demand.mix,
            schemes: job.people.scheme.as_ref(),
            knows_server: job.server.pid.is_some(),
        },
    );
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Usage(wrong.join("\n")))
    }
}
