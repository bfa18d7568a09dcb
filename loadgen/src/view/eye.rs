//! Looks at a run and at its machine.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Scene;
use crate::clock::{monotonic_ns, process_cpu_ns};
use crate::host;
use crate::live::{Live, Sum};
use crate::progress::Progress;
use crate::throttle::{ThrottleReading, Throttled};

/// Everything that is read at one instant; counters are since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    /// The instant, on the monotonic clock.
    pub(crate) at_ns: u64,
    /// What the workers noted.
    pub(crate) sum: Sum,
    /// Calls that were sent.
    pub(crate) sent: u64,
    /// Calls that are open.
    pub(crate) open: u64,
    /// It was asked to stop.
    pub(crate) is_stopped: bool,
    /// Processor time of this process, in nanoseconds.
    pub(crate) generator_ns: u64,
    /// Processor time of the server.
    pub(crate) server_ns: Option<u64>,
    /// Ticks that other guests took, and all ticks.
    pub(crate) stolen: Option<(u64, u64)>,
    /// How much this process was throttled since it was first looked at.
    pub(crate) throttled: Option<Throttled>,
}

/// Looks at a run and at its machine.
#[derive(Debug)]
pub(crate) struct Eye {
    live: Arc<Live>,
    progress: Arc<Progress>,
    server: Option<NonZeroU32>,
    throttled: ThrottleReading,
}

impl Eye {
    /// Begins to look.
    pub(super) fn open(scene: Scene<'_>, live: &Arc<Live>) -> Self {
        Self {
            live: Arc::clone(live),
            progress: Arc::clone(scene.progress),
            server: scene.server,
            throttled: ThrottleReading::now(),
        }
    }

    /// What there is to be seen now.
    pub(crate) fn look(&self) -> Look {
        Look {
            at_ns: monotonic_ns(),
            sum: self.live.sum(),
            sent: self.progress.sent.load(Ordering::Relaxed),
            open: self.progress.in_flight(),
            is_stopped: self.progress.is_stopped(),
            generator_ns: process_cpu_ns(),
            server_ns: self.server.and_then(host::cpu_of_process_ns),
            stolen: host::stolen_ticks(),
            throttled: ThrottleReading::now().since(&self.throttled),
        }
    }
}
