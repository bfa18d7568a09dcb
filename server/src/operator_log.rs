//! The operator log: who did what, and what it changed. Its entries stand in the journal among all others,
//! and each names the one before it; only where the list ends is kept in memory.

pub(crate) mod changes;

use std::borrow::Cow;

use parking_lot::Mutex;

/// What an entry of an operator's has beside what happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Operated {
    /// The sequence of the operators' entry before it; 0 for the first.
    pub(crate) previous: u64,
    /// What is another than before; nothing if all is as it was.
    pub(crate) changes: Vec<Change>,
}

/// A value that is another than before. Never a secret, a digest, or anything personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its name in the contract.
    pub(crate) field: Cow<'static, str>,
    /// What it was; empty if there was none.
    pub(crate) before: String,
    /// What it is; empty if there is none.
    pub(crate) after: String,
}

/// Where the list ends. Its lock comes after those of accounts and maps, and before the batch's.
#[derive(Debug, Default)]
pub(crate) struct OperatorLog {
    last: Mutex<u64>,
}

impl OperatorLog {
    /// Appends an entry to the list. `append` is given the sequence of the one before, and gives its own; what
    /// it does not append is not part of the list.
    pub(crate) fn append<E>(&self, append: impl FnOnce(u64) -> Result<u64, E>) -> Result<u64, E> {
        let mut last = self.last.lock();
        let sequence = append(*last)?;
        *last = sequence;
        Ok(sequence)
    }

    /// The sequence of the newest operators' entry; 0 if there is none.
    pub(crate) fn last(&self) -> u64 {
        *self.last.lock()
    }

    /// Notes an entry that a start has found, in whatever order.
    pub(crate) fn note(&self, sequence: u64) {
        let mut last = self.last.lock();
        *last = sequence.max(*last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_names_the_one_before_it_and_what_was_not_appended_is_none() {
        let log = OperatorLog::default();
        let append = |sequence: Result<u64, ()>| {
            let mut before = None;
            let appended = log.append(|previous| {
                before = Some(previous);
                sequence
            });
            assert_eq!(appended, sequence);
            before.unwrap()
        };
        assert_eq!(append(Ok(7)), 0);
        assert_eq!(append(Err(())), 7);
        assert_eq!(append(Ok(9)), 7);
        log.note(8);
        assert_eq!(log.last(), 9);
        log.note(12);
        assert_eq!(append(Ok(13)), 12);
    }

    #[test]
    fn entries_of_many_threads_make_one_list() {
        let log = OperatorLog::default();
        let next = std::sync::atomic::AtomicU64::new(1);
        let append = || {
            let mut link = (0, 0);
            let appended = log.append(|previous| {
                let sequence = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                link = (previous, sequence);
                Ok::<_, ()>(sequence)
            });
            assert_eq!(appended, Ok(link.1));
            link
        };
        let mut links: Vec<_> = std::thread::scope(|scope| {
            let thread = |_| scope.spawn(|| (0..100).map(|_| append()).collect::<Vec<_>>());
            let threads: Vec<_> = (0..4).map(thread).collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.flatten().collect()
        });
        links.sort_unstable();
        let expected: Vec<_> = (0..400).map(|previous| (previous, previous + 1)).collect();
        assert_eq!(links, expected);
    }
}
