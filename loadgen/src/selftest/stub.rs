//! A server that answers at once, but for the times when it stands completely still.
//!
//! It has one thread of its own. After certain answers that thread sleeps: nothing is read, nothing
//! is written, no timer runs, as in a collector's pause or behind a lock that somebody holds. It
//! notes when each such time really began and ended, so that nobody need trust the sleep.

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::analytic::Stall;
use crate::clock::monotonic_ns;
use crate::floor;

/// When the stub stands still. By the number of its answers, so that any loop that asks as often
/// meets the same stalls, however fast it asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StallPlan {
    /// At the request with this number, from 1.
    pub(crate) first: u64,
    /// And again after so many more.
    pub(crate) every: u64,
    /// So many times in all.
    pub(crate) times: u64,
    /// For so long each.
    pub(crate) length: Duration,
}

impl StallPlan {
    /// Whether to stand still at the request with this number.
    fn is_meant(&self, number: u64) -> bool {
        number.checked_sub(self.first).is_some_and(|since| {
            since.is_multiple_of(self.every) && since / self.every < self.times
        })
    }
}

/// What a stub saw and did, on the monotonic clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct StubReport {
    /// Requests that came.
    pub(crate) asked: u64,
    /// When the first of them did.
    pub(crate) first_ns: u64,
    /// When it stood still.
    pub(crate) stalls: Vec<Stall>,
    /// When it had each answer ready, one after the other.
    pub(crate) answered_ns: Vec<u64>,
}

/// A running stub, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Stub {
    /// Where it listens.
    pub(crate) url: String,
    report: Arc<Mutex<StubReport>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    /// Starts one on a free port of this machine.
    pub(crate) fn start(plan: StallPlan) -> std::io::Result<Self> {
        let listener = StdListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let report = Arc::new(Mutex::new(StubReport::default()));
        let behaviour = Behaviour {
            plan,
            report: Arc::clone(&report),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("stub".to_owned())
            .spawn(move || runtime.block_on(serve(listener, behaviour, stopped)))?;
        Ok(Self {
            url,
            report,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What it has seen and done so far.
    pub(crate) fn report(&self) -> StubReport {
        self.report.lock().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[derive(Clone)]
struct Behaviour {
    plan: StallPlan,
    report: Arc<Mutex<StubReport>>,
}

impl Behaviour {
    /// Counts a request, and stands still over it if it is one of those.
    fn take_in(&self) {
        let number = {
            let mut report = self.report.lock();
            if report.asked == 0 {
                report.first_ns = monotonic_ns();
            }
            report.asked += 1;
            report.asked
        };
        if self.plan.is_meant(number) {
            let begin_ns = monotonic_ns();
            std::thread::sleep(self.plan.length);
            let end_ns = monotonic_ns();
            self.report.lock().stalls.push(Stall { begin_ns, end_ns });
        }
    }

    /// Notes that an answer is ready.
    fn answer(&self) {
        self.report.lock().answered_ns.push(monotonic_ns());
    }
}

async fn serve(listener: StdListener, behaviour: Behaviour, stopped: oneshot::Receiver<()>) {
    let accept = async {
        // The generator cannot connect then, and says so.
        let Ok(listener) = TcpListener::from_std(listener) else {
            return;
        };
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve_connection(socket, behaviour.clone()));
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

async fn serve_connection(socket: TcpStream, behaviour: Behaviour) {
    // As the floor does; a socket that cannot be set up works, only not as fast.
    drop(socket.set_nodelay(true));
    let answers = TowerToHyperService::new(floor::service());
    let service = service_fn(move |request| {
        behaviour.take_in();
        let (answer, behaviour) = (answers.call(request), behaviour.clone());
        async move {
            let answer = answer.await;
            behaviour.answer();
            answer
        }
    });
    // A connection that breaks concerns only its peer, who sees it.
    drop(
        floor::protocol()
            .serve_connection(TokioIo::new(socket), service)
            .await,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_at_the_requests_that_are_named() {
        let check = |times, expected: &[u64]| {
            let plan = StallPlan {
                first: 30,
                every: 10,
                times,
                length: Duration::ZERO,
            };
            let met: Vec<u64> = (0..100).filter(|&number| plan.is_meant(number)).collect();
            assert_eq!(met, expected);
        };
        check(3, &[30, 40, 50]);
        check(1, &[30]);
        check(0, &[]);
    }
}
