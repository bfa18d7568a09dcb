//! Where time comes from: the only file that asks the machine for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use waika_domain::period::Timestamp;
use waika_domain::sandbox_clock::ClockSetting;

#[cfg(test)]
use crate::ledger::simulation::world;

#[cfg(test)]
pub(crate) use crate::ledger::simulation::world::{sleep, timeout};
#[cfg(not(test))]
pub(crate) use tokio::time::{sleep, timeout};

/// The clock that decisions are taken by: the machine's, unless an operator of the sandbox set
/// it. Clones are handles to the same clock. It is passed around, never global.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// None while it is the machine's.
    setting: RwLock<Option<ClockSetting>>,
    /// The sequence of the event that set it last.
    set_by: AtomicU64,
}

/// How an operator wants the clock to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockAsked {
    /// From an instant on (None: from what it shows), so many of its seconds in a second.
    Go {
        /// What it shows first.
        from: Option<Timestamp>,
        /// 0 is frozen.
        rate: u32,
    },
    /// As the machine's.
    FollowMachine,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &*self.shared.setting.read() {
            None => machine(),
            Some(setting) => setting.shows(machine()),
        }
    }

    /// How it goes.
    pub fn setting(&self) -> ClockSetting {
        let setting = *self.shared.setting.read();
        setting.unwrap_or_else(|| ClockSetting::machine(machine()))
    }

    /// The setting by which it would go from now on as asked.
    pub fn setting_for(&self, asked: ClockAsked) -> ClockSetting {
        match asked {
            ClockAsked::FollowMachine => ClockSetting::machine(machine()),
            ClockAsked::Go { from, rate } => ClockSetting {
                set_at: machine(),
                showed: from.unwrap_or_else(|| self.now()),
                rate,
                follows_machine: false,
            },
        }
    }

    /// Sets it, by the event of a sequence.
    pub fn set(&self, setting: ClockSetting, sequence: u64) {
        // First, so that whoever reads by the new setting waits for its event.
        self.shared.set_by.fetch_max(sequence, Ordering::Release);
        *self.shared.setting.write() = (!setting.follows_machine).then_some(setting);
    }

    /// The sequence of the event that set it last; 0 if none did. Ask after [`Clock::now`]: what
    /// follows from the time may be told once this is durable.
    pub fn set_by(&self) -> u64 {
        self.shared.set_by.load(Ordering::Acquire)
    }
}

/// What the machine's clock shows. One that stands before 1970 is taken to be at its start.
#[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
pub(crate) fn machine() -> Timestamp {
    #[cfg(test)]
    if let Some(now) = world::machine() {
        return now;
    }
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// What the machine's clock shows, as finely as it does: when a span began.
#[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}

/// The present instant of a clock that only measures: it is never set and never goes back.
#[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
pub fn monotonic() -> Instant {
    #[cfg(test)]
    if let Some(now) = world::monotonic() {
        return now;
    }
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_forward_and_stands_after_2024() {
        let clock = Clock::system();
        let (before, earlier) = (clock.now(), monotonic());
        assert!(before.unix_ms() > 1_704_067_200_000);
        assert!(monotonic() >= earlier);
        assert!(clock.clone().now() >= before);
    }

    #[test]
    fn a_clock_that_was_set_is_set_for_every_handle() {
        let (clock, handle) = (Clock::system(), Clock::system());
        let other = clock.clone();
        let at = Timestamp::from_unix_ms(1_706_716_799_999);
        clock.set(
            clock.setting_for(ClockAsked::Go {
                from: Some(at),
                rate: 0,
            }),
            7,
        );
        assert_eq!(other.set_by(), 7);
        assert_eq!((other.now(), other.setting().rate), (at, 0));
        assert!(handle.now() > at, "another clock");
        clock.set(clock.setting_for(ClockAsked::FollowMachine), 8);
        assert!(other.now() > at && other.setting().follows_machine);
    }
}
