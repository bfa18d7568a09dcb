//! Which keys were used, and where in the ledger their answers stand (D18).
//!
//! A key is a 64-bit hash of caller, account, RPC and key, and the sequence of its answer. The
//! fields and the answer are read from the journal, where keys of one hash are told apart too: a
//! search goes from one place of the hash to the next.
//!
//! The newest keys stand in memory, sixteen bytes each, and the others in runs beside the journal.
//! Of a run there are two bytes a key in memory: they say that a key is new without a look at the
//! disk, but for one in some hundreds.

mod older;
mod recent;

use std::hash::Hasher as _;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use self::older::Older;
use self::recent::Recent;
use crate::ledger::journal::{KeyRun, ReadError, UsedKey};
use crate::ledger::{Call, Numbered as _, Rpc};

pub(crate) use self::older::Asked;

/// So many keys on the disk take as much memory as one that stands there: two bytes each, to sixteen.
const OLDER_TO_RECENT: u64 = 8;

/// Where the answer to a used key is, as far as memory tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// There.
    At(Place),
    /// On the disk, if the key was used at all: the runs are to be searched.
    PerhapsOlder {
        /// Where the newest of them ends. Whatever came later is not in them.
        through: u64,
    },
}

/// Where the answer to a used key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the entry of that sequence.
    Answered(u64),
    /// Not there yet: the call that began with the entry of that sequence is under way.
    UnderWay(u64),
}

/// Which answered keys are in runs, and no longer in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MovedOut {
    /// Those behind this sequence,
    pub(crate) after: u64,
    /// and up to this one.
    pub(crate) through: u64,
    /// When the oldest run was written, in milliseconds since 1970.
    pub(crate) oldest_ms: i64,
}

/// A place in the index for one key, and how far it was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    hash: u64,
    searched: Searched,
}

/// How far a search came: what it found so far were other keys of the same hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Searched {
    /// In memory, up to this sequence.
    pub(crate) recent: u64,
    /// In the runs that end at this sequence or before it.
    pub(crate) older: u64,
}

impl Slot {
    /// The same key, after a search.
    pub(crate) fn after(self, searched: Searched) -> Self {
        Self { searched, ..self }
    }

    /// The sequences under which the key may stand in runs that were not searched yet, ascending.
    /// Blocks on the disk.
    pub(crate) fn find_in(self, runs: &Asked) -> Result<Vec<u64>, ReadError> {
        runs.find(self.hash, self.searched.older)
    }
}

/// The index of used keys.
#[derive(Debug)]
pub(crate) struct Idempotency {
    recent: Recent,
    older: Older,
    /// The hash is the same after a restart, so that snapshots and runs can hold it.
    hasher: SipHasher13,
    /// Where keys were used stands in a database: nothing is found or kept here.
    is_elsewhere: bool,
}

impl Idempotency {
    /// An index that is keyed, so that callers cannot choose what collides in it.
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self {
            recent: Recent::new(),
            older: Older::default(),
            hasher: SipHasher13::new_with_key(&key),
            is_elsewhere: false,
        }
    }

    /// An index that holds nothing, where a database says which keys were used.
    pub(crate) fn elsewhere(key: [u8; 16]) -> Self {
        Self {
            is_elsewhere: true,
            ..Self::new(key)
        }
    }

    /// The slot of a key.
    pub(crate) fn slot(&self, account: &str, call: &Call) -> Slot {
        self.slot_of(account, (call.rpc, &call.caller, call.key.as_str()))
    }

    /// The same, of a call by its parts: RPC, caller and key.
    pub(crate) fn slot_of(&self, account: &str, call: (Rpc, &str, &str)) -> Slot {
        /// So it was when there were several hashes for a key, and snapshots hold this one.
        const FIRST: u32 = 0;
        Slot {
            hash: self.hash(FIRST, account, call),
            searched: Searched::default(),
        }
    }

    /// What a database finds a call by: of 128 bits, so that no two keys are taken for one.
    pub(crate) fn wide_hash(&self, account: &str, call: (Rpc, &str, &str)) -> [u8; 16] {
        let halves = [1, 2].map(|number| self.hash(number, account, call));
        let [high, low] = halves.map(u128::from);
        (high << 64 | low).to_be_bytes()
    }

    fn hash(&self, number: u32, account: &str, call: (Rpc, &str, &str)) -> u64 {
        let (rpc, caller, key) = call;
        let mut hasher = self.hasher;
        hasher.write(&number.to_le_bytes());
        hasher.write(&rpc.number().to_le_bytes());
        for text in [caller, account, key] {
            // With its length, so that no two lists of texts run together.
            hasher.write(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.write(text.as_bytes());
        }
        hasher.finish()
    }

    /// The next place of the slot, if it has one that was not searched. None of a new key.
    pub(crate) fn find(&self, slot: Slot) -> Option<Known> {
        let Slot { hash, searched } = slot;
        // In this order: a key is in a run before it is gone from here.
        let recent = self.recent.after(hash, searched.recent);
        recent.map(Known::At).or_else(|| {
            let through = self.older.may_hold(hash, searched.older)?;
            Some(Known::PerhapsOlder { through })
        })
    }

    /// Notes where the answer to a key is: called under the lock of the key's account. An answer
    /// takes the place of what it was begun by.
    pub(crate) fn fill(&self, slot: Slot, place: Place, begun_by: Option<u64>) {
        if self.note(slot, place, begun_by) {
            self.count(1);
        }
    }

    /// The same, and says whether it added anything. Whoever calls this tells [`Idempotency::count`]:
    /// several threads do not meet at one count.
    pub(crate) fn note(&self, slot: Slot, place: Place, begun_by: Option<u64>) -> bool {
        if self.is_elsewhere {
            return false;
        }
        self.recent.fill(slot.hash, place, begun_by)
    }

    /// Forgets that a call is under way: its answer is in a run. For a start, before anybody counts.
    pub(crate) fn is_over(&self, slot: Slot, begun: u64) {
        self.recent.forget(slot.hash, Place::UnderWay(begun));
    }

    /// So many places were added.
    pub(crate) fn count(&self, added: usize) {
        self.recent.count(added);
    }

    /// How many keys stand in memory.
    pub(crate) fn recent_keys(&self) -> u64 {
        self.recent.used()
    }

    /// How many keys stand in runs.
    pub(crate) fn older_keys(&self) -> u64 {
        self.older.keys()
    }

    /// Bytes of memory that runs take.
    pub(crate) fn older_memory(&self) -> u64 {
        self.older.memory()
    }

    /// The sequence up to which answered keys are in runs.
    pub(crate) fn moved_out_through(&self) -> u64 {
        self.older.through()
    }

    /// What is in runs; None before there is any.
    pub(crate) fn moved_out(&self) -> Option<MovedOut> {
        let runs = self.older.ask();
        let (oldest, newest) = (runs.runs().first()?.span(), runs.runs().last()?.span());
        Some(MovedOut {
            after: oldest.after,
            through: newest.through,
            oldest_ms: oldest.put_in_ms,
        })
    }

    /// The runs, oldest first, to be searched or to be put together.
    pub(crate) fn runs(&self) -> Asked {
        self.older.ask()
    }

    /// Puts these in place of the runs: what they held is in these, or was kept long enough.
    pub(crate) fn set_runs(&self, runs: Vec<Arc<KeyRun>>) {
        self.older.set(runs);
    }

    /// The keys in memory whose answers stand at that sequence or before it, in no order. Everything
    /// up to there must have been noted.
    pub(crate) fn answered_up_to(&self, through: u64) -> Vec<UsedKey> {
        self.recent.answered_up_to(through)
    }

    /// Forgets a key in memory that is in a run by now.
    pub(crate) fn forget(&self, key: UsedKey) {
        self.recent.forget(key.hash, Place::Answered(key.sequence));
    }

    /// In how many parts a copy of what is in memory is to be made, of about a million keys each.
    pub(crate) fn parts(&self) -> u64 {
        const KEYS_A_PART: u64 = 1 << 20;
        self.recent.used() / KEYS_A_PART + 1
    }

    /// One of so many parts, as numbers: each hash and what it holds.
    pub(crate) fn part(&self, part: u64, parts: u64) -> Vec<(u64, u64)> {
        self.recent.part(part, parts)
    }

    /// Puts back what [`Idempotency::part`] gave, but for what is in runs.
    pub(crate) fn restore(&self, keys: &[(u64, u64)]) {
        self.recent.restore(keys, self.older.through());
    }

    /// The memory that all keys take, counted in keys in memory.
    pub(crate) fn room_taken(&self) -> u64 {
        let older = self.older.keys() / OLDER_TO_RECENT;
        self.recent.used().saturating_add(older)
    }

    /// True if there is no room for another: new work is refused then, and nothing forgotten.
    pub(crate) fn is_full(&self, most: u64) -> bool {
        self.room_taken() >= most
    }
}

#[cfg(test)]
mod tests;
