//! Several threads that apply entries: each account belongs to one of them, so that its entries
//! stay in order. What concerns no account belongs to the first.

use std::hash::BuildHasher as _;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{Scope, ScopedJoinHandle};

use foldhash::fast::FixedState;

use super::apply::{Applier, Found};
use super::{Failed, RecoveryError};
use crate::authoriser::Authoriser;

/// Bytes of entries that are handed over at once.
const BATCH_BYTES: usize = 64 * 1024;
/// Batches that may wait for one thread.
const BATCHES_AHEAD: usize = 4;

/// Entries in one piece, so that handing them over allocates nothing for each.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Sequence, and where it ends in the bytes.
    ends: Vec<(u64, usize)>,
}

struct Worker<'scope> {
    batches: SyncSender<Batch>,
    /// Batches that were applied, to be filled again.
    empty: Receiver<Batch>,
    open: Batch,
    thread: ScopedJoinHandle<'scope, Result<Found, Failed>>,
}

/// The threads.
pub(super) struct Crew<'scope> {
    workers: Vec<Worker<'scope>>,
    hasher: FixedState,
}

impl<'scope> Crew<'scope> {
    /// Starts so many threads, at least one.
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        authoriser: &'scope Authoriser,
        threads: usize,
    ) -> Self {
        let start = |_| {
            let (batches, given) = mpsc::sync_channel(BATCHES_AHEAD);
            let (emptied, empty) = mpsc::channel();
            Worker {
                batches,
                empty,
                open: Batch::default(),
                thread: scope.spawn(move || work(authoriser, &given, &emptied)),
            }
        };
        Self {
            workers: (0..threads.max(1)).map(start).collect(),
            hasher: FixedState::default(),
        }
    }

    /// Hands over an entry. Fails once the thread that it belongs to has failed.
    pub(super) fn give(&mut self, sequence: u64, entry: &[u8]) -> Result<(), RecoveryError> {
        let place = match account_of(entry) {
            None => 0,
            Some(account) => {
                let hash = usize::try_from(self.hasher.hash_one(account) >> 32);
                hash.unwrap_or_default() % self.workers.len()
            }
        };
        let worker = self.workers.get_mut(place).ok_or(RecoveryError::Ended)?;
        worker.open.bytes.extend_from_slice(entry);
        worker.open.ends.push((sequence, worker.open.bytes.len()));
        if worker.open.bytes.len() >= BATCH_BYTES {
            worker.send()?;
        }
        Ok(())
    }

    /// Waits until everything is applied.
    pub(super) fn finish(self) -> Result<Found, Failed> {
        let mut all = Found::default();
        let ended: Vec<_> = self.workers.into_iter().map(Worker::finish).collect();
        for found in ended {
            let found = found?;
            all.unanswered.extend(found.unanswered);
            all.statuses.extend(found.statuses);
            all.keys += found.keys;
        }
        all.statuses.sort_unstable_by_key(|(sequence, _)| *sequence);
        Ok(all)
    }
}

impl Worker<'_> {
    fn send(&mut self) -> Result<(), RecoveryError> {
        let empty = self.empty.try_recv().unwrap_or_default();
        let batch = std::mem::replace(&mut self.open, empty);
        self.batches.send(batch).map_err(|_| RecoveryError::Ended)
    }

    fn finish(mut self) -> Result<Found, Failed> {
        // A thread that has ended tells why itself.
        drop(self.send());
        drop(self.batches);
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err(Failed::at(0, RecoveryError::Ended)))
    }
}

fn work(
    authoriser: &Authoriser,
    batches: &Receiver<Batch>,
    emptied: &Sender<Batch>,
) -> Result<Found, Failed> {
    let mut applier = Applier::new(authoriser);
    while let Ok(mut batch) = batches.recv() {
        let mut begin = 0;
        for &(sequence, end) in &batch.ends {
            let entry = batch.bytes.get(begin..end).unwrap_or_default();
            let outcome = applier.apply(sequence, entry);
            outcome.map_err(|error| Failed::at(sequence, error))?;
            begin = end;
        }
        batch.bytes.clear();
        batch.ends.clear();
        // At the end nobody fills it any more.
        drop(emptied.send(batch));
    }
    Ok(applier.found)
}

/// The account's name in an entry, without decoding the rest: it is the first field, and absent
/// where an entry concerns no account.
fn account_of(entry: &[u8]) -> Option<&[u8]> {
    const ACCOUNT_FIELD: u8 = 1 << 3 | 2;
    let (&field, rest) = entry.split_first()?;
    let (&length, rest) = rest.split_first()?;
    // Names have at most 64 bytes, so that one byte tells the length.
    (field == ACCOUNT_FIELD && length < 128)
        .then(|| rest.get(..usize::from(length)))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::encode::Entry;
    use crate::ledger::round_trip_tests::{every_kind_of_event, written};
    use waika_domain::period::Timestamp;

    #[test]
    fn the_account_of_an_entry_is_seen_without_decoding_it() {
        let at = Timestamp::from_unix_ms(1);
        let longest = "a".repeat(64);
        for event in every_kind_of_event() {
            for account in ["a", "wxid_1:b@c", &longest] {
                let entry = Entry {
                    account,
                    previous: 7,
                    ..Entry::of_none(at, None, &event)
                };
                let entry = written(&entry);
                assert_eq!(account_of(&entry), Some(account.as_bytes()));
            }
            let entry = written(&Entry::of_none(at, None, &event));
            assert_eq!(account_of(&entry), None, "{event:?}");
        }
        assert_eq!(account_of(&[]), None);
        assert_eq!(account_of(&[10, 5, b'a']), None);
    }
}
