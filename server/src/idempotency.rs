//! Which keys were used, and where in the ledger their answers stand (D18).
//!
//! Sixteen bytes a key: a 64-bit hash of caller, account, RPC and key, and the answer's
//! sequence. The fields and the answer are read from the journal. Two keys of one hash are told
//! apart there, and the later one then lives under its hash of the next attempt.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use siphasher::sip::SipHasher13;

use crate::ledger::{Call, Numbered as _, Rpc};

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

impl Place {
    fn of(value: u64) -> Self {
        match value & UNDER_WAY {
            0 => Self::Answered(value),
            _ => Self::UnderWay(value & !UNDER_WAY),
        }
    }

    fn value(self) -> u64 {
        match self {
            Self::Answered(sequence) => sequence,
            Self::UnderWay(sequence) => sequence | UNDER_WAY,
        }
    }
}

/// A place in the index for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u64);

/// The index of used keys.
#[derive(Debug)]
pub(crate) struct Idempotency {
    map: DashMap<u64, u64, BuildUnhashed>,
    /// The hash is the same after a restart, so that a snapshot can hold the index.
    hasher: SipHasher13,
    used: AtomicUsize,
}

impl Idempotency {
    /// An index that is keyed, so that callers cannot choose what collides in it.
    pub(crate) fn new(key: [u8; 16]) -> Self {
        let map = DashMap::with_capacity_and_hasher_and_shard_amount(0, BuildUnhashed, 4_096);
        Self {
            map,
            hasher: SipHasher13::new_with_key(&key),
            used: AtomicUsize::new(0),
        }
    }

    /// The slot of a key at its nth attempt; attempts beyond the first follow a collision.
    pub(crate) fn slot(&self, account: &str, call: &Call, attempt: u32) -> Slot {
        self.slot_of(
            account,
            (call.rpc, &call.caller, call.key.as_str()),
            attempt,
        )
    }

    /// The same, of a call by its parts: RPC, caller and key.
    pub(crate) fn slot_of(&self, account: &str, call: (Rpc, &str, &str), attempt: u32) -> Slot {
        let (rpc, caller, key) = call;
        let mut hasher = self.hasher;
        hasher.write(&attempt.to_le_bytes());
        hasher.write(&rpc.number().to_le_bytes());
        for text in [caller, account, key] {
            // With its length, so that no two lists of texts run together.
            hasher.write(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.write(text.as_bytes());
        }
        Slot(hasher.finish())
    }

    /// What the slot holds.
    pub(crate) fn find(&self, slot: Slot) -> Option<Place> {
        self.map.get(&slot.0).map(|value| Place::of(*value))
    }

    /// Fills the slot. Called under the lock of the key's account.
    pub(crate) fn fill(&self, slot: Slot, place: Place) {
        if self.map.insert(slot.0, place.value()).is_none() {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Fills the slot if it is empty, else gives what it holds. Whoever calls this counts what it
    /// has filled and says so with [`Idempotency::count`]: several threads do not meet at one count.
    pub(crate) fn fill_or_find(&self, slot: Slot, place: Place) -> Option<Place> {
        match self.map.entry(slot.0) {
            Entry::Occupied(value) => Some(Place::of(*value.get())),
            Entry::Vacant(empty) => {
                empty.insert(place.value());
                None
            }
        }
    }

    /// So many slots were filled.
    pub(crate) fn count(&self, filled: usize) {
        self.used.fetch_add(filled, Ordering::Relaxed);
    }

    /// In how many parts a copy is to be made, of about a million keys each.
    pub(crate) fn parts(&self) -> u64 {
        const KEYS_A_PART: u64 = 1 << 20;
        let used = u64::try_from(self.used.load(Ordering::Relaxed)).unwrap_or(u64::MAX);
        used / KEYS_A_PART + 1
    }

    /// One of so many parts, as numbers: each slot and what it holds.
    pub(crate) fn part(&self, part: u64, parts: u64) -> Vec<(u64, u64)> {
        let of_part = self.map.iter().filter(|entry| entry.key() % parts == part);
        of_part.map(|entry| (*entry.key(), *entry)).collect()
    }

    /// Puts back what [`Idempotency::part`] gave.
    pub(crate) fn restore(&self, keys: &[(u64, u64)]) {
        let mut added = 0;
        for (slot, value) in keys {
            if self.map.insert(*slot, *value).is_none() {
                added += 1;
            }
        }
        self.used.fetch_add(added, Ordering::Relaxed);
    }

    /// True if it holds as many keys as it may: new work is refused then, and nothing forgotten.
    pub(crate) fn is_full(&self, most: u64) -> bool {
        u64::try_from(self.used.load(Ordering::Relaxed)).unwrap_or(u64::MAX) >= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Business;
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
        let index = Idempotency::new([7; 16]);
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
        let index = Idempotency::new([7; 16]);
        let slot = index.slot("a", &call(Rpc::Bind, "c", "k"), 0);
        assert_eq!(index.find(slot), None);
        index.fill(slot, Place::UnderWay(7));
        assert_eq!(index.find(slot), Some(Place::UnderWay(7)));
        index.fill(slot, Place::Answered(9));
        assert_eq!(index.find(slot), Some(Place::Answered(9)));
    }

    #[test]
    fn d18_a_full_index_refuses_rather_than_forgets() {
        let index = Idempotency::new([7; 16]);
        for key in ["1", "2"] {
            assert!(!index.is_full(2));
            index.fill(
                index.slot("a", &call(Rpc::Bind, "c", key), 0),
                Place::Answered(1),
            );
        }
        assert!(index.is_full(2));
    }
}
