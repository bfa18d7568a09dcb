//! Sequences that many nodes give without asking each other: a hybrid logical clock (decision 0048).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;

/// Milliseconds from 1970 to 2026.
const EPOCH_MS: i64 = 1_767_225_600_000;
const COUNTER_BITS: u32 = 12;
/// How many nodes there can be at a time.
pub(crate) const MOST_NODES: u64 = 1 << 10;

/// Of 63 bits: milliseconds since 2026, who gave it, and a counter. Each is above all that this node has given or
/// read before, so that those of one account increase whoever decides.
#[derive(Debug)]
pub(crate) struct Sequences {
    node: u64,
    last: AtomicU64,
}

impl Sequences {
    /// Those of a node by its number.
    pub(crate) fn of(node: u64) -> Self {
        Self {
            node: node % MOST_NODES,
            last: AtomicU64::new(0),
        }
    }

    /// One that nobody has given.
    pub(crate) fn next(&self) -> u64 {
        self.next_at(clock::machine().unix_ms())
    }

    fn next_at(&self, now_ms: i64) -> u64 {
        let ms = u64::try_from(now_ms - EPOCH_MS).unwrap_or_default();
        let now = ms << (10 + COUNTER_BITS) | self.node << COUNTER_BITS;
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(self.after(last, now))
            });
        let last = last.unwrap_or_else(|last| last);
        self.after(last, now)
    }

    /// The first of this node that is above `last`, and not below `now`.
    fn after(&self, last: u64, now: u64) -> u64 {
        if now > last {
            return now;
        }
        let counter = 1_u64 << COUNTER_BITS;
        let ours = last >> COUNTER_BITS & (MOST_NODES - 1) == self.node;
        // One more; or, of the millisecond after it, the first.
        if ours && !(last + 1).is_multiple_of(counter) {
            return last + 1;
        }
        let ms = (last >> (10 + COUNTER_BITS)) + 1;
        ms << (10 + COUNTER_BITS) | self.node << COUNTER_BITS
    }

    /// What is given from now on is above this.
    pub(crate) fn see(&self, sequence: u64) {
        self.last.fetch_max(sequence, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = EPOCH_MS + 1_000;

    fn parts(sequence: u64) -> (u64, u64, u64) {
        let node = sequence >> COUNTER_BITS & (MOST_NODES - 1);
        (sequence >> 22, node, sequence & ((1 << COUNTER_BITS) - 1))
    }

    #[test]
    fn they_are_by_the_clock_and_go_up_though_it_does_not() {
        let sequences = Sequences::of(7);
        assert_eq!(parts(sequences.next_at(NOW)), (1_000, 7, 0));
        assert_eq!(parts(sequences.next_at(NOW)), (1_000, 7, 1));
        assert_eq!(parts(sequences.next_at(NOW - 500)), (1_000, 7, 2));
        assert_eq!(parts(sequences.next_at(NOW + 1)), (1_001, 7, 0));
        assert_eq!(parts(sequences.next_at(0)), (1_001, 7, 1), "before 2026");
    }

    #[test]
    fn a_counter_that_is_full_borrows_from_the_next_millisecond() {
        let sequences = Sequences::of(3);
        let mut last = 0;
        for _ in 0..10_000 {
            let next = sequences.next_at(NOW);
            assert!(next > last && parts(next).1 == 3);
            last = next;
        }
        assert_eq!(parts(last), (1_002, 3, 10_000 - 1 - 2 * 4_096));
    }

    #[test]
    fn they_are_above_what_others_gave_and_never_theirs() {
        let (ours, theirs) = (Sequences::of(5), Sequences::of(900));
        for ahead_ms in [0, 3, 2_000] {
            let seen = theirs.next_at(NOW + ahead_ms);
            ours.see(seen);
            let next = ours.next_at(NOW);
            assert!(next > seen);
            assert_eq!(parts(next).1, 5);
            theirs.see(next);
            assert!(theirs.next_at(NOW) > next);
        }
    }

    #[test]
    fn they_fit_into_a_bigint_until_the_year_2095() {
        let year_2095 = EPOCH_MS + 69 * 365 * 86_400_000;
        assert!(i64::try_from(Sequences::of(1_023).next_at(year_2095)).is_ok());
    }
}
