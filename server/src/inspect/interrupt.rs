//! Ending early: a signal asks the work to stop, and the process does not wait for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;

use crate::exit::{Failure, Reason};
use crate::serve::Signals;

/// Tells the work that it shall end.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// True once a signal has come.
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does some work on a thread of its own. After a first signal it has as long as `grace` to clean
/// up; a second one ends the wait at once.
pub(super) fn run<T: Send + 'static>(
    grace: Duration,
    work: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let refused = |error| Failure::new(Reason::System, format!("the work: {error}"));
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(refused)?;
    runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let (stop, (done, result)) = (Stop::default(), oneshot::channel());
        let asked = stop.clone();
        thread::Builder::new()
            .name("waika-inspect".to_owned())
            .spawn(move || done.send(work(&asked)).is_ok())
            .map_err(refused)?;
        let mut result = std::pin::pin!(result);
        let signal = tokio::select! {
            ended = &mut result => return ended.unwrap_or_else(|_| Err(panicked())),
            signal = signals.next() => signal,
        };
        stop.ask();
        tokio::select! {
            ended = result => ended.unwrap_or_else(|_| Err(panicked())),
            _ = signals.next() => Err(interrupted(signal)),
            () = tokio::time::sleep(grace) => Err(interrupted(signal)),
        }
    })
}

/// How work ends that was asked to.
pub(super) fn stopped() -> Failure {
    Failure::new(Reason::Interrupted, "stopped before it was done")
}

fn interrupted(signal: &str) -> Failure {
    let text = format!("stopped by {signal} before it was done");
    Failure::new(Reason::Interrupted, text)
}

fn panicked() -> Failure {
    Failure::new(Reason::System, "the work ended in a panic, which is a bug")
}
