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

/// A duration in nanoseconds; those beyond 584 years become the longest there is.
pub(crate) fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
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
}
