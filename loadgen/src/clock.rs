//! The crate's clocks: the one file that reads the time.
//!
//! Everything else takes instants as arguments, in nanoseconds on the monotonic clock. That is the
//! same clock the kernel's timers run on, so the pacer can hand it an absolute instant.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds in a second.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds on the monotonic clock, from an arbitrary origin.
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Processor time that the calling thread has used so far, in nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime))
}

/// Processor time that this whole process has used so far, in nanoseconds.
pub(crate) fn process_cpu_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// The wall clock, for the report's head and for dates on cards; never for measuring.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file the others take the time from"
)]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// What both clocks showed at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instants {
    monotonic_ns: u64,
    wall_ns: i128,
}

impl Instants {
    /// What they show now. A thread that was stopped between them looks again.
    pub(crate) fn now() -> Self {
        const TRIES: usize = 10;
        const CLOSE_NS: u64 = 1_000_000;
        let look = || {
            let monotonic_ns = monotonic_ns();
            let wall_ns = since_epoch_signed_ns(wall());
            let both = Self {
                monotonic_ns,
                wall_ns,
            };
            (both, self::monotonic_ns().saturating_sub(monotonic_ns))
        };
        let mut nearest = look();
        for _ in 1..TRIES {
            if nearest.1 < CLOSE_NS {
                break;
            }
            let again = look();
            if again.1 < nearest.1 {
                nearest = again;
            }
        }
        nearest.0
    }

    /// By how much the wall clock was stepped since `earlier`, forwards or (negative) back; 0 if
    /// slow slewing explains the difference. A machine that slept looks as if it had been stepped
    /// forwards, for the monotonic clock sleeps too.
    pub(crate) fn stepped_since(&self, earlier: &Self) -> i64 {
        /// What reading two clocks one after the other may make of a busy machine.
        const HARMLESS_NS: i128 = 100_000_000;
        /// Clocks are slewed by at most one part in so many: the kernel's 500 parts in a million.
        const SLEW_PART: i128 = 2_000;
        let elapsed_ns = i128::from(self.monotonic_ns) - i128::from(earlier.monotonic_ns);
        let difference_ns = self.wall_ns - earlier.wall_ns - elapsed_ns;
        if difference_ns.abs() <= HARMLESS_NS + elapsed_ns.abs() / SLEW_PART {
            return 0;
        }
        i64::try_from(difference_ns).unwrap_or(if difference_ns < 0 {
            i64::MIN
        } else {
            i64::MAX
        })
    }
}

/// A duration in nanoseconds; those beyond 584 years become the longest there is.
pub(crate) fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since the epoch; 0 before it.
pub(crate) fn since_epoch_ns(time: SystemTime) -> u64 {
    u64::try_from(since_epoch_signed_ns(time)).unwrap_or(0)
}

fn since_epoch_signed_ns(time: SystemTime) -> i128 {
    let signed = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => signed(since),
        Err(before) => -signed(before.duration()),
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * SECOND_NS + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_does_not_go_back() {
        let first = monotonic_ns();
        assert!(monotonic_ns() >= first);
    }

    #[test]
    fn the_longest_duration_saturates() {
        assert_eq!(duration_ns(Duration::MAX), u64::MAX);
        assert_eq!(duration_ns(Duration::from_millis(2)), 2_000_000);
    }

    #[test]
    fn a_step_is_told_from_slewing() {
        let begun = Instants {
            monotonic_ns: 7,
            wall_ns: 1_700_000_000_000_000_000,
        };
        let check = |elapsed_ms: i64, wall_ms: i64, expected_ms: i64| {
            let later = Instants {
                monotonic_ns: begun.monotonic_ns + elapsed_ms.unsigned_abs() * 1_000_000,
                wall_ns: begun.wall_ns + i128::from(wall_ms) * 1_000_000,
            };
            let stepped_ns = later.stepped_since(&begun);
            assert_eq!(
                stepped_ns,
                expected_ms * 1_000_000,
                "{elapsed_ms} {wall_ms}"
            );
        };
        check(1_000, 1_000, 0);
        check(1_000, 1_100, 0);
        check(1_000, 1_101, 101);
        check(1_000, 900, 0);
        check(1_000, -2_500, -3_500);
        // A quarter of an hour may be slewed by 450 ms, and 100 ms are always forgiven.
        check(900_000, 900_549, 0);
        check(900_000, 900_551, 551);
        check(900_000, 899_449, -551);
    }

    #[test]
    fn instants_before_the_epoch_are_negative() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(3);
        assert_eq!(since_epoch_signed_ns(before), -3_000_000);
        assert_eq!(since_epoch_ns(before), 0);
    }
}
