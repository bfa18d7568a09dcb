//! The workers of one run: started together, watched, and their records made one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc};

use crate::clock::{Instants, monotonic_ns, process_cpu_ns};
use crate::driver::{self, Connected, WorkerError, WorkerResult};
use crate::exit::Failure;
use crate::host;
use crate::outside::{Disturbance, OutsideReading};
use crate::plan::{Discipline, Plan};
use crate::progress::Progress;
use crate::recorder::Record;
use crate::signals::StopSignals;
use crate::start;
use crate::validity::ThrottledPart;
use crate::view::{self, Scene, Show};

/// Time between telling the workers to start and the start, so that all of them have heard.
const LEAD_NS: u64 = 50_000_000;

/// What the crew measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// All workers' records as one.
    pub(crate) record: Record,
    /// Each worker's share of a core while it was sending.
    pub(crate) worker_cpu: Vec<f64>,
    /// How long the measured part was, in nanoseconds, up to the last answer.
    pub(crate) window_ns: u64,
    /// Connections that were lost and made again.
    pub(crate) reconnects: u64,
    /// How many calls at once the server allowed; `None` if it set no bound.
    pub(crate) allowed: Option<usize>,
    /// Processor time of this process for each call that ended, however, from the end of warming
    /// up to the last answer.
    pub(crate) generator_ns_per_call: Option<u64>,
    /// Processor time of the server for each of the same calls.
    pub(crate) server_ns_per_call: Option<u64>,
    /// The same of a process beside it.
    pub(crate) beside_ns_per_call: Option<u64>,
    /// Share of the machine's time that other guests took.
    pub(crate) stolen: Option<f64>,
    /// How this process was throttled; `None` where that is not told.
    pub(crate) throttled: Option<ThrottledPart>,
    /// The furthest that the wall clock was stepped, in nanoseconds; 0 if it was not.
    pub(crate) stepped_ns: i64,
    /// It was stopped before its end.
    pub(crate) interrupted: bool,
    /// When the first request could be due, on the wall clock.
    pub(crate) began: SystemTime,
    /// No arrival from this index on has taken place.
    pub(crate) arrivals: u64,
}

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CrewError {
    /// A worker could not begin.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A closed loop wants more open calls than the server allows.
    #[error(
        "the server allows {allowed} calls at once on {connections} connections, and the closed \
         loop wants {wanted}: use more --connections"
    )]
    TooManyOpen {
        /// What the server allows.
        allowed: usize,
        /// On so many connections.
        connections: usize,
        /// What was asked for.
        wanted: usize,
    },
    /// It is too late for the instant that was given.
    #[error(transparent)]
    Late(#[from] Failure),
    /// A worker ended without a result.
    #[error("a worker ended before its time")]
    Lost,
    /// It was asked to stop before the first request.
    #[error("interrupted before the first request was sent")]
    Interrupted,
    /// It was asked to stop again before it had stopped.
    #[error("interrupted twice: ended at once, without a report")]
    InterruptedTwice,
}

/// Carries out the plan, and shows counters in a line. `server` is a process on this machine whose
/// time shall be measured.
pub(crate) async fn run(
    plan: &Arc<Plan>,
    server: Option<NonZeroU32>,
    signals: &mut StopSignals,
) -> Result<Measured, CrewError> {
    run_as(plan, server, signals, Show::Counters).await
}

/// The same, shown in this way.
pub(crate) async fn run_as(
    plan: &Arc<Plan>,
    server: Option<NonZeroU32>,
    signals: &mut StopSignals,
    show: Show,
) -> Result<Measured, CrewError> {
    Box::pin(run_beside(plan, [server, None], signals, show)).await
}

/// The same, with the time of a second process on this machine, such as a proxy before the server.
pub(crate) async fn run_beside(
    plan: &Arc<Plan>,
    processes: [Option<NonZeroU32>; 2],
    signals: &mut StopSignals,
    show: Show,
) -> Result<Measured, CrewError> {
    let live = show.live();
    let progress = Arc::new(Progress::new(live.clone()));
    let (mut ready, mut results) = muster(plan, &progress)?;
    let connected = tokio::select! {
        connected = connect(plan, &mut ready) => connected?,
        () = signals.received() => return Err(CrewError::Interrupted),
    };
    let allowed = allowed(plan, &connected)?;
    let start_ns = match plan.start_at {
        Some(at) => start::monotonic_at(at, LEAD_NS)?,
        None => monotonic_ns() + LEAD_NS,
    };
    let began = start::wall_at(start_ns);
    for worker in connected {
        worker.go.send(start_ns).map_err(|_| CrewError::Lost)?;
    }
    let mut gauge = Gauge::new(processes);
    let key = Notify::new();
    let work = async {
        let lead_ns = start_ns.saturating_sub(monotonic_ns());
        let warm_up = Duration::from_nanos(lead_ns + plan.warm_up_ns);
        let collected = collect(plan, &mut results);
        let mut collected = std::pin::pin!(collected);
        let mut warm = std::pin::pin!(tokio::time::sleep(warm_up));
        let mut looks = tokio::time::interval(Duration::from_secs(1));
        let mut is_warm = false;
        let mut interrupted = false;
        let collected = loop {
            tokio::select! {
                collected = &mut collected => break collected,
                () = &mut warm, if !is_warm => {
                    is_warm = true;
                    gauge.begin(&progress);
                }
                _ = looks.tick() => gauge.look(),
                () = stop_wanted(signals, &key) => {
                    if interrupted {
                        return Err(CrewError::InterruptedTwice);
                    }
                    interrupted = true;
                    progress.stop();
                }
            }
        };
        collected.map(|results| (results, interrupted))
    };
    let scene = Scene {
        plan,
        progress: &progress,
        live: live.as_ref(),
        server: processes[0],
        start_ns,
    };
    let (results, interrupted) = view::while_sending(show, scene, &key, work).await?;
    let costs = gauge.end(&progress);
    Ok(Measured {
        interrupted,
        began,
        ..gather(&results, allowed, costs)
    })
}

/// How many calls the server allows at once, if it sets a bound: enough for the plan.
fn allowed(plan: &Plan, connected: &[Connected]) -> Result<Option<usize>, CrewError> {
    let allowed = sum_of_bounds(connected.iter().map(|worker| worker.allowed));
    match (&plan.discipline, allowed) {
        (Discipline::Closed { in_flight, .. }, Some(allowed)) if *in_flight > allowed => {
            Err(CrewError::TooManyOpen {
                allowed,
                connections: plan.connections,
                wanted: *in_flight,
            })
        }
        _ => Ok(allowed),
    }
}

type ReadyReceiver = mpsc::UnboundedReceiver<Result<Connected, WorkerError>>;
type ResultReceiver = mpsc::UnboundedReceiver<Option<WorkerResult>>;

/// Waits until a signal or a key asks for the end.
async fn stop_wanted(signals: &mut StopSignals, key: &Notify) {
    tokio::select! {
        () = signals.received() => {}
        () = key.notified() => {}
    }
}

/// Starts the threads.
fn muster(
    plan: &Arc<Plan>,
    progress: &Arc<Progress>,
) -> std::io::Result<(ReadyReceiver, ResultReceiver)> {
    let (ready, ready_receiver) = mpsc::unbounded_channel();
    let (done, done_receiver) = mpsc::unbounded_channel();
    for number in 0..plan.workers {
        let (plan, progress) = (Arc::clone(plan), Arc::clone(progress));
        let (ready, done) = (ready.clone(), done.clone());
        std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || drop(done.send(driver::work(number, &plan, &progress, &ready))))?;
    }
    Ok((ready_receiver, done_receiver))
}

async fn connect(plan: &Plan, ready: &mut ReadyReceiver) -> Result<Vec<Connected>, CrewError> {
    let mut connected = Vec::new();
    while connected.len() < plan.workers {
        connected.push(ready.recv().await.ok_or(CrewError::Lost)??);
    }
    Ok(connected)
}

async fn collect(
    plan: &Plan,
    results: &mut ResultReceiver,
) -> Result<Vec<WorkerResult>, CrewError> {
    let mut collected = Vec::new();
    while collected.len() < plan.workers {
        collected.push(results.recv().await.flatten().ok_or(CrewError::Lost)?);
    }
    Ok(collected)
}

/// The sum of what each allows; `None` if one of them sets no bound.
fn sum_of_bounds(bounds: impl Iterator<Item = Option<usize>>) -> Option<usize> {
    bounds.sum()
}

fn gather(results: &[WorkerResult], allowed: Option<usize>, costs: Costs) -> Measured {
    let mut record = Record::new();
    for result in results {
        record.merge(&result.record);
    }
    Measured {
        record,
        worker_cpu: results.iter().map(|result| result.cpu).collect(),
        window_ns: results
            .iter()
            .map(|result| result.window_ns)
            .max()
            .unwrap_or(0),
        reconnects: results.iter().map(|result| result.reconnects).sum(),
        allowed,
        generator_ns_per_call: costs.generator_ns_per_call,
        server_ns_per_call: costs.server_ns_per_call,
        beside_ns_per_call: costs.beside_ns_per_call,
        stolen: costs.outside.stolen,
        throttled: costs.outside.throttled,
        stepped_ns: costs.stepped_ns,
        interrupted: false,
        began: SystemTime::UNIX_EPOCH,
        arrivals: results
            .iter()
            .map(|result| result.next_index)
            .max()
            .unwrap_or(0),
    }
}

/// Processor times at one instant, and how many calls had ended by then.
#[derive(Clone, Debug)]
struct Reading {
    done: u64,
    generator_ns: u64,
    processes_ns: [Option<u64>; 2],
    outside: OutsideReading,
}

/// What a call cost.
#[derive(Clone, Copy, Debug, Default)]
struct Costs {
    generator_ns_per_call: Option<u64>,
    server_ns_per_call: Option<u64>,
    beside_ns_per_call: Option<u64>,
    outside: Disturbance,
    stepped_ns: i64,
}

/// Measures processor times from the end of warming up to the last answer, the drain included.
struct Gauge {
    processes: [Option<NonZeroU32>; 2],
    begun: Option<Reading>,
    clocks: Option<Instants>,
    stepped_ns: i64,
}

impl Gauge {
    fn new(processes: [Option<NonZeroU32>; 2]) -> Self {
        Self {
            processes,
            begun: None,
            clocks: None,
            stepped_ns: 0,
        }
    }

    fn read(&self, progress: &Progress) -> Reading {
        Reading {
            done: progress.done.load(Ordering::Relaxed),
            generator_ns: process_cpu_ns(),
            processes_ns: self
                .processes
                .map(|pid| pid.and_then(host::cpu_of_process_ns)),
            outside: OutsideReading::now(),
        }
    }

    fn begin(&mut self, progress: &Progress) {
        self.begun = Some(self.read(progress));
        self.clocks = Some(Instants::now());
    }

    /// Looks at the clocks, so that a step is seen that is taken back again.
    fn look(&mut self) {
        let Some(begun) = &self.clocks else { return };
        let stepped_ns = Instants::now().stepped_since(begun);
        if stepped_ns.unsigned_abs() > self.stepped_ns.unsigned_abs() {
            self.stepped_ns = stepped_ns;
        }
    }

    fn end(&mut self, progress: &Progress) -> Costs {
        self.look();
        let Some(begun) = &self.begun else {
            return Costs::default();
        };
        let ended = self.read(progress);
        let calls = ended.done - begun.done;
        let each = |used_ns: u64| used_ns.checked_div(calls);
        let used = |from_ns: Option<u64>, to_ns: Option<u64>| each(to_ns?.saturating_sub(from_ns?));
        Costs {
            generator_ns_per_call: each(ended.generator_ns - begun.generator_ns),
            server_ns_per_call: used(begun.processes_ns[0], ended.processes_ns[0]),
            beside_ns_per_call: used(begun.processes_ns[1], ended.processes_ns[1]),
            outside: ended.outside.since(&begun.outside),
            stepped_ns: self.stepped_ns,
        }
    }
}
