//! Measuring one rate: a part of a step, under keys and a seed of its own.

use std::sync::Arc;
use std::time::Duration;

use crate::crew::{self, Measured};
use crate::draw::digest;
use crate::exit::Failure;
use crate::figures::{count_as_real, real_as_count};
use crate::job::Job;
use crate::output;
use crate::plan::{Discipline, Plan};
use crate::population::Population;
use crate::proof;
use crate::report::certificate::CertificateFacts;
use crate::run::{self, Pace};
use crate::schedule::{Arrivals, Rate};
use crate::signals::StopSignals;
use crate::summary;
use crate::validity::Evidence;
use crate::view::Show;

/// What measures, one rate after the other.
pub(crate) struct Rig<'a> {
    /// What all measurements have in common.
    pub(crate) job: Job,
    /// How requests are spread over time.
    pub(crate) arrivals: Arrivals,
    /// Who takes part.
    pub(crate) population: Arc<Population>,
    /// Sets the keys of this search apart from those of others.
    pub(crate) run_id: u64,
    /// What asks for the end.
    pub(crate) signals: &'a mut StopSignals,
}

/// One measurement that is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Requests a second.
    pub(crate) rate: Rate,
    /// How long to send before measuring.
    pub(crate) warm_up: Duration,
    /// How long to measure.
    pub(crate) duration: Duration,
    /// The number of the step and of its part: no other measurement has both.
    pub(crate) number: (u64, u64),
    /// Hold the answers against a model of every account, if that is wanted at all.
    pub(crate) is_proven: bool,
}

/// What one measurement found.
pub(crate) struct Got {
    /// What was measured.
    pub(crate) measured: Measured,
    /// What decided when to send, in its first part.
    discipline: Discipline,
    /// Sets the keys of that part apart.
    pub(crate) run_id: u64,
    /// What was proven of the answers; `None` if they were not checked.
    pub(crate) certificate: Option<CertificateFacts>,
}

impl Rig<'_> {
    /// Measures; nothing is shown. `None` if it was asked to stop before anything was sent.
    pub(crate) async fn measure(&mut self, wanted: Wanted) -> Result<Option<Got>, Failure> {
        let mut job = self.job.clone();
        (job.pace, job.duration) = (Pace::Open(self.arrivals, wanted.rate), wanted.duration);
        job.warm_up = wanted.warm_up;
        // Arrivals and payers of their own for each, or a part would only be the one before again.
        let (step, part) = wanted.number;
        job.people.seed = digest(&[self.job.people.seed, step, part]);
        let run_id = digest(&[self.run_id, step, part]);
        let oracle = if wanted.is_proven {
            tokio::select! {
                oracle = proof::oracle(&job, &self.population) => oracle?,
                () = self.signals.received() => return Ok(None),
            }
        } else {
            None
        };
        let plan = run::plan(&job, Arc::clone(&self.population), run_id, oracle)?;
        let plan = Arc::new(plan);
        let measured = crew::run_as(&plan, job.server.pid, self.signals, Show::Nothing)
            .await
            .map_err(Failure::tool)?;
        let certificate = self.certificate(&plan, measured.interrupted).await;
        Ok(Some(Got {
            measured,
            discipline: plan.discipline.clone(),
            run_id,
            certificate,
        }))
    }

    async fn certificate(
        &mut self,
        plan: &Arc<Plan>,
        interrupted: bool,
    ) -> Option<CertificateFacts> {
        plan.oracle.as_ref()?;
        tokio::select! {
            certificate = proof::certificate(plan, interrupted) => certificate,
            () = self.signals.received() => {
                output::note("Interrupted: the accounts of the confirmation were not compared.");
                proof::certificate(plan, true).await
            }
        }
    }

    /// Rests, unless it is asked to stop: whether it was.
    pub(crate) async fn rest(&mut self, length: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(length) => false,
            () = self.signals.received() => true,
        }
    }
}

impl Got {
    /// Takes over what another part of the same step found.
    pub(crate) fn add(&mut self, other: &Self) {
        let (mine, theirs) = (&mut self.measured, &other.measured);
        let weights = [mine, theirs].map(|measured| measured.record.counts.sent);
        mine.generator_ns_per_call = mean(
            mine.generator_ns_per_call,
            theirs.generator_ns_per_call,
            weights,
        );
        mine.server_ns_per_call = mean(mine.server_ns_per_call, theirs.server_ns_per_call, weights);
        mine.record.merge(&theirs.record);
        for (mine, theirs) in mine.worker_cpu.iter_mut().zip(&theirs.worker_cpu) {
            *mine = mine.max(*theirs);
        }
        mine.window_ns += theirs.window_ns;
        mine.reconnects += theirs.reconnects;
        mine.stolen = largest(mine.stolen, theirs.stolen);
        mine.throttled = match (mine.throttled, theirs.throttled) {
            (Some(mine), Some(theirs)) => Some(mine.and(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        if theirs.stepped_ns.unsigned_abs() > mine.stepped_ns.unsigned_abs() {
            mine.stepped_ns = theirs.stepped_ns;
        }
        mine.interrupted |= theirs.interrupted;
        mine.arrivals += theirs.arrivals;
    }

    /// What the judgement rests on.
    pub(crate) fn evidence(&self) -> Evidence {
        summary::evidence(&self.discipline, &self.measured)
    }

    /// How much of a core the server used, of which a call that ended cost so much.
    pub(crate) fn server_cpu(&self) -> Option<f64> {
        let each = count_as_real(self.measured.server_ns_per_call?);
        let calls = count_as_real(self.measured.record.counts.sent);
        Some(each * calls / count_as_real(self.measured.window_ns.max(1)))
    }

    /// The share of its core that the busiest worker used.
    pub(crate) fn generator_cpu(&self) -> f64 {
        self.measured.worker_cpu.iter().copied().fold(0.0, f64::max)
    }
}

fn largest(mine: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => Some(mine.max(theirs)),
        (mine, theirs) => mine.or(theirs),
    }
}

fn mean(mine: Option<u64>, theirs: Option<u64>, [my, their]: [u64; 2]) -> Option<u64> {
    let (Some(mine), Some(theirs)) = (mine, theirs) else {
        return mine.or(theirs);
    };
    let all =
        count_as_real(mine) * count_as_real(my) + count_as_real(theirs) * count_as_real(their);
    Some(real_as_count(all / count_as_real((my + their).max(1))))
}
