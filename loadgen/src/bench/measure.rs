//! Measuring one arm once: on a fresh server, with people of its own.

use std::sync::Arc;

use hdrhistogram::Histogram;

use super::arms::{Arm, Asking, Serving};
use super::facts::{MeasuredArm, OtherOutcome};
use super::h2load::H2load;
use super::runner::Bench;
use crate::args::Place;
use crate::clock::duration_ns;
use crate::crew::{self, CrewError, Measured};
use crate::exit::Failure;
use crate::figures::share;
use crate::host;
use crate::job::{Job, KnownServer};
use crate::outcome::Outcome;
use crate::outside::{Disturbance, OutsideReading};
use crate::population::Population;
use crate::recorder;
use crate::report::{CountFacts, TimeFacts};
use crate::run;
use crate::server_process::{ServerError, ServerProcess};
use crate::signals::StopSignals;
use crate::validity::{self, ThrottledPart};
use crate::view::Show;

/// What an arm showed, and its latencies, which are joined over the rounds.
pub(super) struct Got {
    /// What is told of it.
    pub(super) facts: MeasuredArm,
    /// From sending to the answer.
    pub(super) latency: Histogram<u64>,
    /// Connections that were lost and made again.
    pub(super) reconnects: u64,
}

impl Bench {
    /// Starts an arm's server, measures and stops it; `None` if it was asked to stop before that was
    /// over.
    pub(super) async fn measure(
        &self,
        arm: Arm,
        signals: &mut StopSignals,
    ) -> Result<Option<Got>, Failure> {
        let named = |failure: Failure| match failure {
            Failure::Tool(what) => Failure::Tool(format!("{}: {what}", arm.label())),
            usage @ Failure::Usage(_) => usage,
        };
        let server = tokio::select! {
            server = self.start(arm) => server.map_err(named)?,
            () = signals.received() => return Ok(None),
        };
        let got = self.ask(arm, &server, signals).await;
        let stopped = match server.stop().await {
            // The signal is heard before the next arm as well.
            Ok(()) | Err(ServerError::Hurried) => Ok(()),
            Err(error) => Err(named(Failure::tool(error))),
        };
        let got = got.map_err(named)?;
        stopped.map(|()| got)
    }

    /// Starts it on the server's cores; whatever is started afterwards is on the generator's.
    async fn start(&self, arm: Arm) -> Result<ServerProcess, Failure> {
        self.cores.be_on_servers()?;
        let cores = self.args.cores.to_string();
        let started = match arm.serving() {
            Serving::Floor(runtime) => {
                let arguments = ["--runtime", runtime, "--cores", &cores];
                ServerProcess::start_floor(&arguments.map(Into::into)).await
            }
            Serving::Server(store, speech) => {
                let arguments = ["--cores".into(), cores.into()];
                ServerProcess::start_on(&self.server, (store, speech), &arguments).await
            }
        };
        self.cores.be_on_generators()?;
        started.map_err(Failure::tool)
    }

    async fn ask(
        &self,
        arm: Arm,
        server: &ServerProcess,
        signals: &mut StopSignals,
    ) -> Result<Option<Got>, Failure> {
        let place = Place {
            target: server.target.clone(),
            admin: server.admin.clone(),
        };
        let known = KnownServer {
            pid: server.pid(),
            ..KnownServer::default()
        };
        let job = self.args.job(arm, place, known);
        let population = tokio::select! {
            population = run::populate_quietly(&job) => population?,
            () = signals.received() => return Ok(None),
        };
        match (arm.asking(), &self.h2load) {
            (Asking::H2load, Some(h2load)) => tokio::select! {
                got = with_h2load(arm, &job, &population, h2load) => got.map(Some),
                () = signals.received() => Ok(None),
            },
            _ => by_ourselves(arm, &job, population, signals).await,
        }
    }
}

/// Measures with this very program.
async fn by_ourselves(
    arm: Arm,
    job: &Job,
    population: Population,
    signals: &mut StopSignals,
) -> Result<Option<Got>, Failure> {
    let plan = Arc::new(run::plan(job, population, run::new_run_id(), None)?);
    let measured = crew::run_as(&plan, job.server.pid, signals, Show::Nothing).await;
    match measured {
        Ok(measured) if !measured.interrupted => Ok(Some(got(arm, &measured))),
        Ok(_) | Err(CrewError::Interrupted) => Ok(None),
        Err(error) => Err(Failure::tool(error)),
    }
}

fn got(arm: Arm, measured: &Measured) -> Got {
    let record = &measured.record;
    let counts = CountFacts::of(record.counts, &record.outcomes);
    let approved = record.count_where(|outcome| outcome == Outcome::Approved);
    let others = record.outcomes.iter();
    let others = others.filter(|(outcome, _)| **outcome != Outcome::Approved);
    let mut others: Vec<OtherOutcome> = others
        .map(|(outcome, times)| OtherOutcome {
            name: outcome.label(),
            count: times.response.len(),
        })
        .collect();
    if counts.not_connected > 0 {
        others.push(OtherOutcome {
            name: "not_connected".to_owned(),
            count: counts.not_connected,
        });
    }
    let latency = record.headline().response;
    let outside = Disturbance {
        stolen: measured.stolen,
        throttled: measured.throttled,
    };
    let facts = MeasuredArm {
        arm,
        approved,
        others,
        server_cpu_ns: measured.server_ns_per_call,
        client_cpu_ns: measured.generator_ns_per_call,
        rate_per_second: share(approved, measured.window_ns) * 1e9,
        measured_ns: measured.window_ns,
        client_core: measured.worker_cpu.iter().copied().fold(0.0, f64::max),
        generator_bound: validity::saturated(&measured.worker_cpu).is_some(),
        latency: TimeFacts::of(&latency),
        stolen: outside.stolen,
        throttled: outside.throttled.map(ThrottledPart::share),
        doubts: doubts(outside, measured.stepped_ns),
    };
    Got {
        facts,
        latency,
        reconnects: measured.reconnects,
    }
}

/// A closed loop sends when an answer has come, so that nothing is late: only what came from outside
/// speaks against it.
fn doubts(outside: Disturbance, stepped_ns: i64) -> Vec<String> {
    validity::doubts_of_outside(outside.stolen, outside.throttled, stepped_ns)
}

/// Measures with h2load, which warms up in a run of its own.
async fn with_h2load(
    arm: Arm,
    job: &Job,
    population: &Population,
    h2load: &H2load,
) -> Result<Got, Failure> {
    if !job.warm_up.is_zero() {
        h2load.ask(job, population, job.warm_up).await?;
    }
    let server_ns = || job.server.pid.and_then(host::cpu_of_process_ns);
    let (before_ns, outside) = (server_ns(), OutsideReading::now());
    let asked = h2load.ask(job, population, job.duration).await?;
    let (after_ns, outside) = (server_ns(), OutsideReading::now().since(&outside));
    let calls = asked.succeeded + asked.failed;
    let used_ns = before_ns.zip(after_ns);
    let used_ns = used_ns.map(|(before_ns, after_ns)| after_ns.saturating_sub(before_ns));
    let core = [share(asked.cpu_ns, asked.took_ns)];
    let failed = (asked.failed > 0).then(|| OtherOutcome {
        name: "failed".to_owned(),
        count: asked.failed,
    });
    let latency = recorder::histogram();
    let facts = MeasuredArm {
        arm,
        approved: asked.succeeded,
        others: failed.into_iter().collect(),
        server_cpu_ns: used_ns.and_then(|used_ns| used_ns.checked_div(calls)),
        client_cpu_ns: asked.cpu_ns.checked_div(calls),
        rate_per_second: asked.per_second,
        measured_ns: duration_ns(job.duration),
        client_core: core.iter().copied().fold(0.0, f64::max),
        generator_bound: validity::saturated(&core).is_some(),
        latency: TimeFacts::of(&latency),
        stolen: outside.stolen,
        throttled: outside.throttled.map(ThrottledPart::share),
        doubts: doubts(outside, 0),
    };
    Ok(Got {
        facts,
        latency,
        reconnects: 0,
    })
}
