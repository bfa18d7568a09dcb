//! Threads that work beside the answers.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// Lets other threads go before this one, by so much of a nice value (19 is the most).
pub(super) fn give_way(nice: i32) {
    let this = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(this), nice) {
        tracing::debug!(%error, "a thread in the background has the usual priority");
    }
}

/// A stretch of work of this thread, after which it rests for a time that follows from it.
#[derive(Debug)]
pub(super) struct Stretch {
    begun_at: Instant,
    waited: Duration,
}

impl Stretch {
    /// Begins one.
    pub(super) fn begin() -> Self {
        Self {
            begun_at: monotonic(),
            waited: waited_for_a_core(),
        }
    }

    /// Rests so many times as long as it has worked or waited for the disk, and begins anew. While it waited
    /// for a core others had that already: to rest for it too would make a busy machine's background
    /// stand still.
    pub(super) fn rest(&mut self, times: u32) {
        #[cfg(test)]
        if super::simulation::world::pause() {
            return;
        }
        let waited = waited_for_a_core().saturating_sub(self.waited);
        thread::sleep(self.begun_at.elapsed().saturating_sub(waited) * times);
        *self = Self::begin();
    }
}

/// Waits a moment for another thread.
pub(super) fn wait(moment: Duration) {
    #[cfg(test)]
    if super::simulation::world::pause() {
        return;
    }
    thread::sleep(moment);
}

/// For how long this thread was ready and had no core, since it was started; none where the system does not
/// tell.
fn waited_for_a_core() -> Duration {
    waited(&fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default())
}

/// Of nanoseconds on a core, nanoseconds ready and waiting, and how often it was given a core: the second.
fn waited(schedstat: &str) -> Duration {
    let waited = schedstat.split_ascii_whitespace().nth(1);
    Duration::from_nanos(waited.and_then(|ns| ns.parse().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_without_a_core_is_the_second_figure() {
        assert_eq!(
            waited("1147678 1810118 5\n"),
            Duration::from_nanos(1_810_118)
        );
        assert_eq!(waited(""), Duration::ZERO);
        assert_eq!(waited("7 x 5"), Duration::ZERO);
    }
}
