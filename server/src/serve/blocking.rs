//! What blocks: opening the ledger and closing it, each on a thread of its own.

use std::sync::Arc;
use std::{fmt, thread};

use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::Signals;
use crate::config::LedgerConfig;
use crate::exit::{Failure, Reason};
use crate::ledger::Ledger;

/// Opens the ledger. Dropping this leaves the recovery to itself, and the end of the process
/// does not wait for it.
pub(super) async fn open(config: LedgerConfig, cores: usize) -> Result<Arc<Ledger>, Failure> {
    let opened = on_a_thread("recovery", move || Ledger::open(&config, cores)).await?;
    Ok(opened?)
}

/// Resolves with the reason once the store has failed, or does not agree with memory.
pub(super) async fn halted(ledger: &Ledger) -> Failure {
    tokio::select! {
        biased;
        failed = ledger.halted() => Failure::new(Reason::Io, failed),
        found = ledger.damaged() => found,
    }
}

/// Commits what is left. A signal does not wait for a disk that never answers.
pub(super) async fn close(ledger: Arc<Ledger>, signals: &mut Signals) -> Result<(), Failure> {
    let closing = ledger.clone();
    tokio::select! {
        biased;
        failed = halted(&ledger) => return Err(failed),
        closed = on_a_thread("close", move || closing.close()) => closed?,
        _ = signals.next() => {
            let text = "told to stop before the final commit was done: what was acknowledged is \
                        kept, what was in flight may not be";
            return Err(Failure::new(Reason::Io, text));
        }
    }
    halted(&ledger).now_or_never().map_or(Ok(()), Err)
}

/// Runs what blocks on a thread of its own, which the end of the process does not wait for.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (done, result) = oneshot::channel();
    let failure =
        |error: &dyn fmt::Display| Failure::new(Reason::System, format!("{name}: {error}"));
    thread::Builder::new()
        .name(format!("waika-{name}"))
        .spawn(move || done.send(work()).is_ok())
        .map_err(|error| failure(&error))?;
    result
        .await
        .map_err(|_| failure(&"ended in a panic, which is a bug"))
}
