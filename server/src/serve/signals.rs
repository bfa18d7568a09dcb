//! The signals that ask a server to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Failure, Reason};

/// SIGTERM and SIGINT, from the moment that this exists.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to catch them. Needs a runtime.
    pub fn catch() -> Result<Self, Failure> {
        let catch = |kind| {
            let refused = |error| Failure::new(Reason::System, format!("signals: {error}"));
            signal(kind).map_err(refused)
        };
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    /// Resolves with the name of the next one.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
