//! One worker: a thread with a runtime of its own that sends what is due.
//!
//! A turn settles the calls that have news, gives up those that are too late, and sends what is
//! due. Only the clock decides what is due; the time after a wait is never taken for the time that
//! was waited for.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::thread::set_current_timer_slack;
use tokio::sync::{mpsc, oneshot};

use crate::clock::{monotonic_ns, thread_cpu_ns};
use crate::connect::ConnectError;
use crate::engine::{Engine, Issued};
use crate::figures::share;
use crate::outcome::Outcome;
use crate::pacer::{Pacer, Pacing};
use crate::plan::{Discipline, Plan};
use crate::progress::Progress;
use crate::recorder::Record;
use crate::replay::Turns;
use crate::schedule::Cursor;

/// Requests sent in one turn before the connections get theirs, at least.
const LEAST_TURN: usize = 32;

/// And at most, so that large messages fill.
const MOST_TURN: usize = 1_024;

/// The longest that a worker waits before it looks whether the run shall end, in nanoseconds.
const LOOK_UP_NS: u64 = 20_000_000;

/// A worker that could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No runtime, thread or timer.
    #[error("cannot start a worker: {0}")]
    Start(#[from] std::io::Error),
}

/// What a worker brings home.
#[derive(Debug)]
pub(crate) struct WorkerResult {
    /// What it measured.
    pub(crate) record: Record,
    /// Its share of a core while it was sending, in the measured part: the wait for the last
    /// answers would only dilute it.
    pub(crate) cpu: f64,
    /// How long its measured part was up to the last answer, in nanoseconds.
    pub(crate) window_ns: u64,
    /// Connections that were made again.
    pub(crate) reconnects: u64,
    /// The index of the arrival that would have been its next.
    pub(crate) next_index: u64,
}

/// A worker that is connected and waits for the start.
#[derive(Debug)]
pub(crate) struct Connected {
    /// How many calls the server allows at once on its connections; `None` if it sets no bound.
    pub(crate) allowed: Option<usize>,
    /// Where it wants to hear when the run starts, on the monotonic clock.
    pub(crate) go: oneshot::Sender<u64>,
}

/// Where workers report that they are connected, or why not.
pub(crate) type Ready = mpsc::UnboundedSender<Result<Connected, WorkerError>>;

/// Runs one worker on the calling thread, until the run is over. `None` if it could not begin,
/// which it has then told through `ready`, or if nobody told it to.
pub(crate) fn work(
    number: usize,
    plan: &Arc<Plan>,
    progress: &Arc<Progress>,
    ready: &Ready,
) -> Option<WorkerResult> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            drop(ready.send(Err(error.into())));
            return None;
        }
    };
    // Sleeps end when they shall, and not when it suits others. Only a refusal of it costs lag.
    let _ = set_current_timer_slack(NonZeroU64::new(1));
    runtime.block_on(async {
        let (mut worker, pacer) = match Worker::begin(number, plan, progress).await {
            Ok(begun) => begun,
            Err(error) => {
                drop(ready.send(Err(error)));
                return None;
            }
        };
        let (go, started) = oneshot::channel();
        let allowed = worker.engine.allowed();
        ready.send(Ok(Connected { allowed, go })).ok()?;
        let start_ns = started.await.ok()?;
        worker.engine.start_at(start_ns);
        // A task is woken without a system call, unlike the future that `block_on` waits for.
        tokio::spawn(worker.run(start_ns, pacer)).await.ok()
    })
}

/// What to do after a turn.
enum Turn {
    /// Another one, once the connections had theirs.
    Again,
    /// Nothing before this instant, in nanoseconds from the start, unless there is news.
    WaitUntil(u64),
    /// All is done.
    Over,
}

/// What is left to send.
enum Next {
    /// More at once.
    Now,
    /// Nothing before this instant.
    At(u64),
    /// Nothing before an answer has come.
    Later,
    /// Nothing any more.
    Never,
}

/// What decides when the next request is sent.
enum Agenda {
    Open(Cursor),
    Listed(Turns),
    Closed { requests: Option<u64> },
}

struct Worker {
    engine: Engine,
    plan: Arc<Plan>,
    progress: Arc<Progress>,
    agenda: Agenda,
    index: u64,
    /// Requests in one turn.
    turn: usize,
    /// At the beginning of the measured part.
    measured_from: Option<Mark>,
    /// At its end, or once there was nothing more to send.
    measured_until: Option<Mark>,
}

/// An instant, and the processor time of this thread up to it, in nanoseconds.
#[derive(Clone, Copy)]
struct Mark {
    at_ns: u64,
    cpu_ns: u64,
}

impl Mark {
    fn now(at_ns: u64) -> Self {
        Self {
            at_ns,
            cpu_ns: thread_cpu_ns(),
        }
    }
}

impl Worker {
    async fn begin(
        number: usize,
        plan: &Arc<Plan>,
        progress: &Arc<Progress>,
    ) -> Result<(Self, Pacer), WorkerError> {
        let (agenda, pacing) = match &plan.discipline {
            Discipline::Open {
                schedule, pacing, ..
            } => {
                let agenda = match &plan.replay {
                    Some(turns) => Agenda::Listed(Arc::clone(turns)),
                    None => Agenda::Open(Cursor::new(Arc::clone(schedule))),
                };
                (agenda, *pacing)
            }
            Discipline::Closed { requests, .. } => (
                Agenda::Closed {
                    requests: *requests,
                },
                Pacing::Sleep,
            ),
        };
        let worker = Self {
            engine: Engine::connect(number, plan, progress).await?,
            plan: Arc::clone(plan),
            progress: Arc::clone(progress),
            agenda,
            index: plan.first_index(number),
            turn: plan
                .transport
                .batch()
                .saturating_mul(plan.connections_of(number))
                .clamp(LEAST_TURN, MOST_TURN),
            measured_from: None,
            measured_until: None,
        };
        Ok((worker, Pacer::new(pacing)?))
    }

    async fn run(mut self, start_ns: u64, mut pacer: Pacer) -> WorkerResult {
        while monotonic_ns() < start_ns {
            pacer.wait(monotonic_ns(), start_ns).await;
        }
        loop {
            let (began_ns, worked) = (monotonic_ns(), self.engine.worked());
            let turn = std::future::poll_fn(|cx| Poll::Ready(self.turn(cx))).await;
            pacer.end_turn(began_ns, self.engine.worked() != worked);
            match turn {
                Turn::Over => break,
                Turn::Again => tokio::task::yield_now().await,
                Turn::WaitUntil(until_ns) => {
                    let until_ns = start_ns.saturating_add(until_ns);
                    if !pacer.hold().await {
                        pacer.wait(monotonic_ns(), until_ns).await;
                    }
                }
            }
        }
        self.result()
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        self.engine.settle(cx);
        let now_ns = self.engine.now();
        if self.measured_from.is_none() && now_ns >= self.plan.warm_up_ns {
            self.measured_from = Some(Mark::now(now_ns));
        }
        if now_ns >= self.plan.end_ns {
            self.end_measuring(now_ns);
        }
        if self.progress.is_stopped() {
            self.engine.give_up(u64::MAX, Outcome::Unfinished);
            self.engine.abandon_followers();
            self.engine.flush(cx);
            return Turn::Over;
        }
        let limit_ns = now_ns.saturating_sub(self.plan.deadline_ns);
        self.engine.give_up(limit_ns, Outcome::TimedOut);
        self.engine.issue_followers();
        let next = self.send();
        self.engine.flush(cx);
        match next {
            Next::Now => Turn::Again,
            Next::At(due_ns) => Turn::WaitUntil(self.look_up_at(now_ns).min(due_ns)),
            Next::Later => Turn::WaitUntil(self.look_up_at(now_ns)),
            Next::Never => {
                self.end_measuring(self.engine.now());
                if self.engine.open_calls() == 0 && self.engine.next_follower().is_none() {
                    return Turn::Over;
                }
                if now_ns >= self.plan.end_ns {
                    // Those that follow at once are part of the last arrivals' errands.
                    self.engine.abandon_followers();
                }
                Turn::WaitUntil(self.look_up_at(now_ns))
            }
        }
    }

    /// Marks the end of the measured part, once.
    fn end_measuring(&mut self, now_ns: u64) {
        self.measured_until.get_or_insert_with(|| Mark::now(now_ns));
    }

    /// When to look again although nothing is due: at the next deadline, or soon.
    fn look_up_at(&mut self, now_ns: u64) -> u64 {
        let look_up_ns = now_ns.saturating_add(LOOK_UP_NS);
        let next = [self.engine.next_deadline(), self.engine.next_follower()];
        next.into_iter().flatten().fold(look_up_ns, u64::min)
    }

    fn send(&mut self) -> Next {
        for _ in 0..self.turn {
            let sent = match &mut self.agenda {
                Agenda::Open(cursor) => {
                    let due_ns = cursor.due_at(self.index);
                    self.send_due(due_ns.map(|due_ns| (self.index, due_ns)))
                }
                Agenda::Listed(turns) => {
                    let place = usize::try_from(self.index).unwrap_or(usize::MAX);
                    let turn = turns.get(place).copied();
                    self.send_due(turn)
                }
                Agenda::Closed { requests } => {
                    let requests = *requests;
                    self.send_closed(requests)
                }
            };
            match sent {
                Next::Now => {}
                Next::At(_) | Next::Later | Next::Never => return sent,
            }
        }
        Next::Now
    }

    fn send_due(&mut self, turn: Option<(u64, u64)>) -> Next {
        let Some((index, due_ns)) = turn else {
            return Next::Never;
        };
        let now_ns = self.engine.now();
        if due_ns > now_ns {
            return Next::At(due_ns);
        }
        if now_ns > due_ns.saturating_add(self.plan.deadline_ns) {
            self.engine.skip(index, due_ns);
        } else {
            self.engine.issue_due(index, due_ns);
        }
        self.index += self.plan.stride();
        Next::Now
    }

    fn send_closed(&mut self, requests: Option<u64>) -> Next {
        let all_sent = requests.is_some_and(|requests| self.index >= requests);
        if all_sent || self.engine.now() >= self.plan.end_ns {
            return Next::Never;
        }
        if self.engine.is_full() {
            return Next::Later;
        }
        match self.engine.issue_next(self.index) {
            Issued::Dropped => Next::Later,
            Issued::Sent => {
                self.index += self.plan.stride();
                Next::Now
            }
            // Without a connection there is nothing to hurry for.
            Issued::Failed | Issued::NotConnected => {
                self.index += self.plan.stride();
                Next::Later
            }
        }
    }

    fn result(self) -> WorkerResult {
        let now = Mark::now(self.engine.now());
        let from = self.measured_from.unwrap_or(now);
        let until = self.measured_until.unwrap_or(now);
        let (record, reconnects) = self.engine.into_record();
        WorkerResult {
            record,
            cpu: share(
                until.cpu_ns.saturating_sub(from.cpu_ns),
                until.at_ns.saturating_sub(from.at_ns),
            ),
            window_ns: now.at_ns.saturating_sub(from.at_ns),
            reconnects,
            next_index: self.index,
        }
    }
}
