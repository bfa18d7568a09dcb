//! Where time comes from: the only file that asks the machine for it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use waika_domain::period::Timestamp;

/// The clock that decisions are taken by. It is passed around, never global, so that a
/// sandbox's clock can be set without touching what reads it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    _system: (),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self { _system: () }
    }

    /// The present instant. A machine whose clock stands before 1970 is taken to be at its start.
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The present instant of a clock that only measures: it is never set and never goes back.
#[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
pub fn monotonic() -> Instant {
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
}
