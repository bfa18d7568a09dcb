//! What disturbs a measurement from outside: other guests of the machine, and the quota of a control
//! group.

use crate::clock::monotonic_ns;
use crate::figures::share;
use crate::host;
use crate::throttle::ThrottleReading;
use crate::validity::ThrottledPart;

/// What had disturbed by one instant.
#[derive(Clone, Debug)]
pub(crate) struct OutsideReading {
    at_ns: u64,
    stolen: Option<(u64, u64)>,
    throttled: ThrottleReading,
}

/// What disturbed between two instants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disturbance {
    /// Share of the machine's time that other guests took; `None` where that is not told.
    pub(crate) stolen: Option<f64>,
    /// How this process was throttled; `None` where that is not told.
    pub(crate) throttled: Option<ThrottledPart>,
}

impl OutsideReading {
    /// What has disturbed by now.
    pub(crate) fn now() -> Self {
        Self {
            at_ns: monotonic_ns(),
            stolen: host::stolen_ticks(),
            throttled: ThrottleReading::now(),
        }
    }

    /// What disturbed since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Disturbance {
        let stolen = match (earlier.stolen, self.stolen) {
            (Some((stolen, all)), Some((stolen_now, all_now))) => Some(share(
                stolen_now.saturating_sub(stolen),
                all_now.saturating_sub(all),
            )),
            _ => None,
        };
        let throttled = self.throttled.since(&earlier.throttled);
        Disturbance {
            stolen,
            throttled: throttled.map(|throttled| ThrottledPart {
                throttled,
                of_ns: self.at_ns.saturating_sub(earlier.at_ns),
            }),
        }
    }
}
