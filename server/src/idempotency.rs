//! Which keys were used, and where in the ledger their answers stand (D18).
//!
//! Sixteen bytes a key: a 64-bit hash of caller, account, RPC and key, and the answer's
//! sequence. The fields and the answer are read from the journal. Two keys of one hash are told
//! apart there, and the later one then lives under its hash of the next attempt.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::quality::RandomState;

use crate::ledger::Call;

/// A hash that is good already.
#[derive(Debug, Clone, Copy, Default)]
struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct BuildUnhashed;

impl BuildHasher for BuildUnhashed {
    type Hasher = Unhashed;

    fn build_hasher(&self) -> Unhashed {
        Unhashed::default()
    }
}

/// Where the answer to a used key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the entry of that sequence.
    Answered(u64),
    /// Not there yet: the call that began with the entry of that sequence is under way.
    UnderWay(u64),
}

/// Marks a sequence whose answer is not there yet; sequences never grow so far.
const UNDER_WAY: u64 = 1 << 63;

/// A place in the index for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u64);

/// The index of used keys.
#[derive(Debug)]
pub(crate) struct Idempotency {
    map: DashMap<u64, u64, BuildUnhashed>,
    hasher: RandomState,
    used: AtomicUsize,
    most: usize,
}

impl Idempotency {
    /// An index that refuses new keys above `most` of them, rather than forget one.
    pub(crate) fn new(most: usize) -> Self {
        let map = DashMap::with_capacity_and_hasher_and_shard_amount(0, BuildUnhashed, 4_096);
        Self {
            map,
            hasher: RandomState::default(),
            used: AtomicUsize::new(0),
            most,
        }
    }

    /// The slot of a key at its nth attempt; attempts beyond the first follow a collision.
    pub(crate) fn slot(&self, account: &str, call: &Call, attempt: u32) -> Slot {
        let identity = (attempt, call.rpc, &*call.caller, account, call.key.as_str());
        Slot(self.hasher.hash_one(identity))
    }

    /// What the slot holds.
    pub(crate) fn find(&self, slot: Slot) -> Option<Place> {
        self.map.get(&slot.0).map(|value| match *value & UNDER_WAY {
            0 => Place::Answered(*value),
            _ => Place::UnderWay(*value & !UNDER_WAY),
        })
    }

    /// Fills the slot. Called under the lock of the key's account.
    pub(crate) fn fill(&self, slot: Slot, place: Place) {
        let value = match place {
            Place::Answered(sequence) => sequence,
            Place::UnderWay(sequence) => sequence | UNDER_WAY,
        };
        if self.map.insert(slot.0, value).is_none() {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// True if no further key can be kept. Approximate by the calls under way at this moment.
    pub(crate) fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Business, Rpc};
    use waika_domain::identifiers::IdempotencyKey;

    fn call(rpc: Rpc, caller: &str, key: &str) -> Call {
        Call {
            rpc,
            caller: caller.into(),
            key: IdempotencyKey::parse(key).unwrap(),
            business: Business::Fields(Vec::new()),
        }
    }

    #[test]
    fn d18_a_key_is_scoped_to_caller_account_and_rpc() {
        let index = Idempotency::new(10);
        let slot = index.slot("a", &call(Rpc::Authorise, "c", "k"), 0);
        assert_eq!(slot, index.slot("a", &call(Rpc::Authorise, "c", "k"), 0));
        for other in [
            index.slot("b", &call(Rpc::Authorise, "c", "k"), 0),
            index.slot("a", &call(Rpc::Bind, "c", "k"), 0),
            index.slot("a", &call(Rpc::Authorise, "d", "k"), 0),
            index.slot("a", &call(Rpc::Authorise, "c", "l"), 0),
            index.slot("a", &call(Rpc::Authorise, "c", "k"), 1),
        ] {
            assert_ne!(slot, other);
        }
    }

    #[test]
    fn a_call_under_way_becomes_an_answer() {
        let index = Idempotency::new(10);
        let slot = index.slot("a", &call(Rpc::Bind, "c", "k"), 0);
        assert_eq!(index.find(slot), None);
        index.fill(slot, Place::UnderWay(7));
        assert_eq!(index.find(slot), Some(Place::UnderWay(7)));
        index.fill(slot, Place::Answered(9));
        assert_eq!(index.find(slot), Some(Place::Answered(9)));
    }

    #[test]
    fn d18_a_full_index_refuses_rather_than_forgets() {
        let index = Idempotency::new(2);
        for key in ["1", "2"] {
            assert!(!index.is_full());
            index.fill(
                index.slot("a", &call(Rpc::Bind, "c", key), 0),
                Place::Answered(1),
            );
        }
        assert!(index.is_full());
    }
}
