//! Proving a run: what the accounts had before it, what they have after it, and a trace of the
//! requests if the server has lied about one.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use prost::Message as _;
use waika::v1::AuthoriseRequest;

use crate::errand::Errand;
use crate::exit::Failure;
use crate::job::Job;
use crate::journey::{Got, Journey};
use crate::oracle::{self, Again, Asked, Audited, KeyMemory, Oracle, Place, What};
use crate::output;
use crate::plan::{Details, Discipline, Plan};
use crate::population::Population;
use crate::report::certificate::CertificateFacts;
use crate::schedule::Cursor;
use crate::target::Target;
use crate::trace::{self, Header, Line, SCHEMA};
use crate::wire::RequestWriter;

/// How many keys are remembered for duplicates: some times as many as lie between a request and
/// what it repeats.
const RECENT_KEYS: usize = 16_384;

/// The model of every account, beginning with what they have now; `None` if the answers are not to
/// be checked.
pub(crate) async fn oracle(
    job: &Job,
    population: &Population,
) -> Result<Option<Arc<Oracle>>, Failure> {
    // One host of several does not know what the others pay.
    if !job.manner.oracle || job.part.slice.is_some() {
        return Ok(None);
    }
    let beginning = oracle::baselines(place(&job.place.target, population))
        .await
        .map_err(Failure::tool)?;
    let keys = match job.demand.keys {
        Some(keys) => KeyMemory::All(usize::try_from(keys.get()).unwrap_or(usize::MAX)),
        None if job.traffic.duplicates > 0 => KeyMemory::Recent(RECENT_KEYS),
        None => KeyMemory::Nothing,
    };
    let oracle = Oracle::new(&beginning.accounts, beginning.terms, keys);
    Ok(Some(Arc::new(oracle)))
}

/// Compares every account with its book, unless the run was cut short, and says what was proven.
pub(crate) async fn certificate(plan: &Plan, was_interrupted: bool) -> Option<CertificateFacts> {
    let oracle = plan.oracle.as_ref()?;
    let audited = if was_interrupted {
        None
    } else {
        audit(plan, oracle).await
    };
    Some(CertificateFacts::of(oracle, audited.as_ref()))
}

/// Writes the requests of the accounts about which the server has lied, if it has. `arrivals` is how
/// many there were.
pub(crate) fn write_trace(
    job: &Job,
    plan: &Plan,
    arrivals: u64,
    path: &Path,
) -> Result<(), Failure> {
    let (Some(oracle), Some(text)) = (&plan.oracle, &job.plan_text) else {
        return Ok(());
    };
    let violations = oracle.violations();
    let Some(first) = violations.first() else {
        return Ok(());
    };
    let cannot = |error: std::io::Error| {
        Failure::Tool(format!(
            "--trace {}: cannot be written: {error}",
            path.display()
        ))
    };
    let accounts: BTreeSet<u64> = violations.iter().map(|found| found.account).collect();
    let header = Header {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: job.people.seed,
        run_id: plan.run_id,
        accounts: plan.population.payers.len() as u64,
        merchants: plan.population.merchants.len() as u64,
        plan: text.clone(),
        violation: format!(
            "{}: expected {}, was told {}",
            first.promise, first.expected, first.told
        ),
    };
    if job.replayed.as_deref() == Some(path) {
        output::note(&format!(
            "{} shows it again, and is left as it is.",
            path.display()
        ));
        return Ok(());
    }
    let lines: Box<dyn Iterator<Item = Line>> = match &plan.replay {
        Some(turns) => Box::new(turns.iter().filter_map(|&(index, due_ns)| {
            let request = plan.workload.request(index);
            let is_one = accounts.contains(&request.account);
            is_one.then(|| trace::line(index, due_ns, &request))
        })),
        None => Box::new(trace::lines_of(
            &accounts,
            arrivals,
            |index| plan.workload.request(index),
            due_at(plan),
        )),
    };
    let file = std::fs::File::create(path).map_err(cannot)?;
    let requests = trace::write(file, &header, lines).map_err(cannot)?;
    output::note(&format!(
        "The {requests} requests of {} account(s) that were lied about are in {}. Repeat them against a \
         fresh server: waika-loadgen run --replay {}",
        accounts.len(),
        path.display(),
        path.display(),
    ));
    Ok(())
}

/// When each arrival was due; 0 in a closed loop, where nothing is.
fn due_at(plan: &Plan) -> impl FnMut(u64) -> u64 + use<> {
    let mut cursor = match &plan.discipline {
        Discipline::Open { schedule, .. } => Some(Cursor::new(Arc::clone(schedule))),
        Discipline::Closed { .. } => None,
    };
    move |index| {
        let due_ns = cursor.as_mut().and_then(|cursor| cursor.due_at(index));
        due_ns.unwrap_or(0)
    }
}

async fn audit(plan: &Plan, oracle: &Oracle) -> Option<Audited> {
    let place = place(&plan.target, &plan.population);
    match oracle::audit(oracle, place, |asked| again(plan, asked)).await {
        Ok(audited) => Some(audited),
        Err(error) => {
            output::note(&format!("The accounts could not be audited: {error}"));
            None
        }
    }
}

fn place<'a>(target: &'a Target, population: &'a Population) -> Place<'a> {
    Place {
        target,
        payers: &population.payers,
        in_flight: NonZeroUsize::MIN.saturating_add(127),
        connections: NonZeroUsize::MIN.saturating_add(1),
    }
}

/// A call that had no answer, exactly as it was. One with a payment code cannot be made again: the
/// code is gone.
fn again(plan: &Plan, asked: &Asked) -> Option<Again> {
    let request = plan.workload.request(asked.index);
    match asked.what {
        What::Authorise { by_code: true, .. } => None,
        What::Authorise { .. } => {
            let mut writer = RequestWriter::new(plan.run_id, Details::default());
            let bytes = writer.write_bare(&request, &plan.population, None)?;
            let message = AuthoriseRequest::decode(bytes).ok()?;
            Some(Again::Authorise(Box::new(message)))
        }
        What::Reverse { .. } if request.errand != Errand::Pay => {
            let payer = plan.population.payer(request.account)?;
            let journey = Journey {
                request,
                got: Got::default(),
            };
            let reverse = plan.side_calls.reverse(&journey, payer)?;
            Some(Again::Reverse(Box::new(reverse)))
        }
        What::Reverse { .. }
        | What::Settle
        | What::Refund { .. }
        | What::Bind
        | What::Unbind
        | What::Other => None,
    }
}
