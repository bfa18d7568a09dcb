//! Pure: what callers at a constant rate must have waited for a server that stood still.
//!
//! A request that was due while the server stood still waits for the end of that; every other one
//! is answered at once. From this, the distribution of response times follows without measuring
//! anything.

use crate::clock::SECOND_NS;
use crate::figures::{count_as_real, real_as_count};

/// One time of standing still, in nanoseconds on any clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stall {
    /// From then on nothing is answered.
    pub(crate) begin_ns: u64,
    /// From then on everything is.
    pub(crate) end_ns: u64,
}

impl Stall {
    /// The same, counted from `origin_ns`.
    pub(crate) fn counted_from(self, origin_ns: u64) -> Self {
        Self {
            begin_ns: self.begin_ns.saturating_sub(origin_ns),
            end_ns: self.end_ns.saturating_sub(origin_ns),
        }
    }
}

/// Requests at a constant rate, in the part of a run that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrivals {
    /// Requests a second.
    pub(crate) per_second: u64,
    /// Where the measured part begins, in whole seconds from the first request.
    pub(crate) from_s: u64,
    /// Where it ends.
    pub(crate) to_s: u64,
}

impl Arrivals {
    /// How many there are.
    pub(crate) fn count(self) -> u64 {
        self.per_second * (self.to_s - self.from_s)
    }

    /// When each is due, in nanoseconds from the first request of the run.
    fn due(self) -> impl Iterator<Item = u64> {
        (self.per_second * self.from_s..self.per_second * self.to_s)
            .map(move |index| index * SECOND_NS / self.per_second)
    }

    /// Whether a request was due in a stall. The one that the server stands still over is the last
    /// that was due before; half a gap is left for how long it was on its way.
    fn meets(self, due_ns: u64, stall: Stall) -> bool {
        let half_gap_ns = SECOND_NS / self.per_second / 2;
        (stall.begin_ns..stall.end_ns + half_gap_ns).contains(&(due_ns + half_gap_ns))
    }

    /// What each waits, in nanoseconds, shortest first.
    pub(crate) fn waits(self, stalls: &[Stall]) -> Waits {
        let mut sorted_ns: Vec<u64> = self
            .due()
            .map(|due_ns| {
                let stall = stalls.iter().find(|stall| self.meets(due_ns, **stall));
                stall.map_or(0, |stall| stall.end_ns - due_ns)
            })
            .collect();
        sorted_ns.sort_unstable();
        Waits { sorted_ns }
    }

    /// The same stall as it was for those who waited: up to the instant at which the server had
    /// worked off what came meanwhile, and was at most two requests behind. `answered_ns` says when
    /// it answered, one after the other, all requests of the run having been sent.
    pub(crate) fn worked_off(self, stall: Stall, answered_ns: &[u64]) -> Stall {
        let gap_ns = SECOND_NS / self.per_second;
        let first = (stall.begin_ns + gap_ns / 2) / gap_ns;
        let behind = (first..)
            .zip(answered_ns.iter().skip(usize::try_from(first).unwrap_or(0)))
            .take_while(|&(index, &at_ns)| at_ns > (index + 2) * gap_ns);
        let last_ns = behind.last().map_or(stall.end_ns, |(_, &at_ns)| at_ns);
        Stall {
            end_ns: last_ns.max(stall.end_ns),
            ..stall
        }
    }

    /// How many cannot be sent if at most `in_flight` calls may be open: in each stall, those that
    /// are due beyond them.
    pub(crate) fn dropped(self, stalls: &[Stall], in_flight: u64) -> u64 {
        let beyond = |stall: &Stall| {
            let due = self.due().filter(|&due_ns| self.meets(due_ns, *stall));
            (due.count() as u64).saturating_sub(in_flight)
        };
        stalls.iter().map(beyond).sum()
    }
}

/// How long all requests wait.
#[derive(Clone, Debug)]
pub(crate) struct Waits {
    sorted_ns: Vec<u64>,
}

impl Waits {
    /// The wait that a share `quantile` of the requests does not exceed, in nanoseconds; 0 if that
    /// many do not wait at all.
    pub(crate) fn quantile(&self, quantile: f64) -> u64 {
        let rank = (count_as_real(self.sorted_ns.len() as u64) * quantile).ceil();
        let place = usize::try_from(real_as_count(rank))
            .unwrap_or(0)
            .saturating_sub(1);
        self.sorted_ns.get(place).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND_NS: u64 = 1_000_000;

    fn stall(begin_ms: u64, end_ms: u64) -> Stall {
        Stall {
            begin_ns: begin_ms * MILLISECOND_NS,
            end_ns: end_ms * MILLISECOND_NS,
        }
    }

    const TEN_SECONDS: Arrivals = Arrivals {
        per_second: 1_000,
        from_s: 1,
        to_s: 11,
    };

    #[test]
    fn waits_fall_evenly_from_the_whole_stall_to_nothing() {
        let check = |stalls: &[Stall], quantile, expected_ms: u64| {
            let waits = TEN_SECONDS.waits(stalls);
            let found = waits.quantile(quantile);
            assert_eq!(found, expected_ms * MILLISECOND_NS, "{quantile}");
        };
        // One second in ten: the worst tenth waits from 1 s down to 1 ms.
        let one = [stall(3_000, 4_000)];
        check(&one, 1.0, 1_000);
        check(&one, 0.999, 990);
        check(&one, 0.99, 900);
        check(&one, 0.95, 500);
        check(&one, 0.9, 0);
        // Two of them: each length of wait is there twice.
        let two = [stall(3_000, 4_000), stall(6_000, 7_000)];
        check(&two, 0.99, 950);
        check(&two, 0.9, 500);
        // What was due in the warm-up is in no figure.
        check(&[stall(500, 1_000)], 1.0, 0);
        check(&[stall(500, 1_200)], 1.0, 200);
        check(&[], 1.0, 0);
    }

    #[test]
    fn a_stall_lasts_until_its_backlog_is_worked_off() {
        let stall = stall(3_000, 3_100);
        let check = |answer_ms: fn(u64) -> u64, expected_ms: u64| {
            let answered_ns: Vec<u64> = (0..11_000)
                .map(|due_ms| answer_ms(due_ms) * MILLISECOND_NS)
                .collect();
            let found = TEN_SECONDS.worked_off(stall, &answered_ns);
            let expected = Stall {
                end_ns: expected_ms * MILLISECOND_NS,
                ..stall
            };
            assert_eq!(found, expected);
        };
        // At once, in one piece a little later, and four in each millisecond.
        check(
            |due_ms| {
                if (3_000..3_100).contains(&due_ms) {
                    3_100
                } else {
                    due_ms
                }
            },
            3_100,
        );
        check(
            |due_ms| {
                if (3_000..3_120).contains(&due_ms) {
                    3_120
                } else {
                    due_ms
                }
            },
            3_120,
        );
        check(
            |due_ms| due_ms.max(3_100 + due_ms.saturating_sub(3_000) / 4),
            3_132,
        );
        check(|due_ms| due_ms, 3_100);
    }

    #[test]
    fn what_is_due_beyond_the_open_calls_is_dropped() {
        let check = |stalls: &[Stall], in_flight, expected| {
            assert_eq!(TEN_SECONDS.dropped(stalls, in_flight), expected);
        };
        check(&[stall(3_000, 4_000)], 100, 900);
        check(&[stall(3_000, 4_000), stall(6_000, 6_500)], 100, 1_300);
        check(&[stall(3_000, 4_000)], 1_000, 0);
        check(&[], 1, 0);
    }

    #[test]
    fn the_request_that_a_server_stands_still_over_waits_too() {
        let check = |begin_ns: u64, expected_ms: u64| {
            let stall = Stall {
                begin_ns,
                end_ns: 4_000 * MILLISECOND_NS,
            };
            let longest = TEN_SECONDS.waits(&[stall]).quantile(1.0);
            assert_eq!(longest, expected_ms * MILLISECOND_NS, "{begin_ns}");
        };
        // It was on its way for a little longer or shorter than the first of all requests.
        check(3_000_300_000, 1_000);
        check(2_999_700_000, 1_000);
        check(3_000_600_000, 999);
    }

    #[test]
    fn instants_are_counted_from_the_first_request() {
        let moved = stall(5_000, 6_000).counted_from(2_000 * MILLISECOND_NS);
        assert_eq!(moved, stall(3_000, 4_000));
        assert_eq!(TEN_SECONDS.count(), 10_000);
    }
}
