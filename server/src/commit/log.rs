//! Which entries became durable with which write, for whoever draws what calls waited for.

use std::collections::VecDeque;
use std::time::Instant;

use crate::sync::Mutex;

/// How many are remembered: some seconds of a busy server, in less than a megabyte.
const MOST: usize = 16_384;

/// One batch that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The sequence of its first entry.
    pub first: u64,
    /// That of its last.
    pub last: u64,
    /// When its write began.
    pub began: Instant,
    /// When its sync had returned.
    pub ended: Instant,
}

/// The last batches, in the order of their sequences.
#[derive(Debug, Default)]
pub struct BatchLog {
    kept: Mutex<VecDeque<Committed>>,
}

impl BatchLog {
    pub(crate) fn note(&self, committed: Committed) {
        let mut kept = self.kept.lock();
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(committed);
    }

    /// The batch with an entry; None once it is forgotten.
    pub fn find(&self, sequence: u64) -> Option<Committed> {
        let kept = self.kept.lock();
        let place = kept.partition_point(|batch| batch.last < sequence);
        let found = kept.get(place).copied();
        found.filter(|batch| batch.first <= sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    #[test]
    fn an_entry_is_found_until_its_batch_is_forgotten() {
        let log = BatchLog::default();
        assert_eq!(log.find(1), None);
        let now = monotonic();
        let of = |first, last| Committed {
            first,
            last,
            began: now,
            ended: now,
        };
        log.note(of(5, 5));
        log.note(of(6, 9));
        for (sequence, found) in [
            (4, None),
            (5, Some(of(5, 5))),
            (6, Some(of(6, 9))),
            (9, Some(of(6, 9))),
            (10, None),
        ] {
            assert_eq!(log.find(sequence), found, "{sequence}");
        }
        for sequence in (10..).take(MOST - 1) {
            log.note(of(sequence, sequence));
        }
        assert_eq!(log.find(5), None);
        assert_eq!(log.find(7), Some(of(6, 9)));
    }
}
