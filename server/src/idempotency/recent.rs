//! The newest used keys, in memory: sixteen bytes each.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use parking_lot::Mutex;

use super::Place;
use crate::ledger::journal::UsedKey;

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

/// Marks a sequence whose answer is not there yet; sequences never grow so far.
const UNDER_WAY: u64 = 1 << 63;
/// Marks a hash that further keys have.
const SHARED: u64 = 1 << 62;

/// What the map holds for a hash: its first place, and whether there are others.
#[derive(Debug, Clone, Copy)]
struct Held(u64);

impl Held {
    fn of(place: Place) -> Self {
        match place {
            Place::Answered(sequence) => Self(sequence),
            Place::UnderWay(sequence) => Self(sequence | UNDER_WAY),
        }
    }

    fn place(self) -> Place {
        match self.0 & UNDER_WAY {
            0 => Place::Answered(self.sequence()),
            _ => Place::UnderWay(self.sequence()),
        }
    }

    fn sequence(self) -> u64 {
        self.0 & !(UNDER_WAY | SHARED)
    }

    fn is_shared(self) -> bool {
        self.0 & SHARED != 0
    }

    /// Both of a hash, with its mark.
    fn number(self) -> u64 {
        self.0 & !SHARED
    }

    /// What this becomes if the new place is of the same call; None if it is another key's.
    fn settled(self, new: Place, begun_by: Option<u64>) -> Option<Self> {
        let mark = self.0 & SHARED;
        match (self.place(), new) {
            (held, new) if held == new => Some(self),
            (Place::UnderWay(begun), Place::Answered(_)) if begun_by == Some(begun) => {
                Some(Self(Self::of(new).0 | mark))
            }
            // A beginning that is replayed over its answer, which a snapshot had.
            (Place::Answered(answer), Place::UnderWay(begun)) if answer > begun => Some(self),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Recent {
    map: DashMap<u64, Held, BuildUnhashed>,
    /// The further places of hashes that several keys have: hardly ever any.
    others: Mutex<HashMap<u64, Vec<Held>>>,
    used: AtomicUsize,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            map: DashMap::with_capacity_and_hasher_and_shard_amount(0, BuildUnhashed, 4_096),
            others: Mutex::default(),
            used: AtomicUsize::new(0),
        }
    }

    /// The first place of a hash behind a sequence.
    pub(super) fn after(&self, hash: u64, beyond: u64) -> Option<Place> {
        let held = self.map.get(&hash)?;
        let others = held.is_shared().then(|| self.others.lock());
        let others = others.as_ref().and_then(|others| others.get(&hash));
        let all = others.into_iter().flatten().chain([&*held]);
        let behind = all.filter(|held| held.sequence() > beyond);
        let next = behind.min_by_key(|held| held.sequence());
        next.copied().map(Held::place)
    }

    /// Notes a place of a hash; an answer takes the place of its own beginning. False if that was
    /// there already. Whoever calls this counts what it added.
    pub(super) fn fill(&self, hash: u64, place: Place, begun_by: Option<u64>) -> bool {
        let mut first = match self.map.entry(hash) {
            Entry::Vacant(empty) => {
                empty.insert(Held::of(place));
                return true;
            }
            Entry::Occupied(first) => first,
        };
        if let Some(settled) = first.get().settled(place, begun_by) {
            first.insert(settled);
            return false;
        }
        let mut others = self.others.lock();
        let others = others.entry(hash).or_default();
        for other in &mut *others {
            if let Some(settled) = other.settled(place, begun_by) {
                *other = settled;
                return false;
            }
        }
        others.push(Held::of(place));
        let shared = Held(first.get().0 | SHARED);
        first.insert(shared);
        true
    }

    /// So many places were added.
    pub(super) fn count(&self, added: usize) {
        self.used.fetch_add(added, Ordering::Relaxed);
    }

    pub(super) fn used(&self) -> u64 {
        u64::try_from(self.used.load(Ordering::Relaxed)).unwrap_or(u64::MAX)
    }

    /// One of so many parts, as numbers: each hash and what it holds.
    pub(super) fn part(&self, part: u64, parts: u64) -> Vec<(u64, u64)> {
        // With room beforehand: nothing is moved about while a shard is locked.
        let room = self.used() / parts.max(1);
        let mut numbers = Vec::with_capacity(usize::try_from(room + room / 8).unwrap_or_default());
        // These first: a place may move from here to the map meanwhile, and never back.
        for (&hash, others) in &*self.others.lock() {
            let of_part = others.iter().filter(|_| hash % parts == part);
            numbers.extend(of_part.map(|other| (hash, other.number())));
        }
        let of_part = self.map.iter().filter(|entry| entry.key() % parts == part);
        numbers.extend(of_part.map(|entry| (*entry.key(), entry.value().number())));
        numbers
    }

    /// Puts back what [`Recent::part`] gave, but for answers up to a sequence.
    pub(super) fn restore(&self, keys: &[(u64, u64)], but_up_to: u64) {
        let kept = keys.iter().filter(|(_, number)| *number > but_up_to);
        let added = kept.filter(|(hash, number)| self.fill(*hash, Held(*number).place(), None));
        self.count(added.count());
    }

    /// The keys whose answers stand at a sequence or before it.
    pub(super) fn answered_up_to(&self, through: u64) -> Vec<UsedKey> {
        // An answer that is under way is a higher number than any sequence.
        let key = |hash: u64, held: Held| {
            let sequence = held.number();
            (sequence <= through).then_some(UsedKey { hash, sequence })
        };
        // With room beforehand: nothing is moved about while a shard is locked.
        let mut keys = Vec::with_capacity(usize::try_from(self.used()).unwrap_or_default());
        let first = self.map.iter();
        keys.extend(first.filter_map(|entry| key(*entry.key(), *entry.value())));
        for (&hash, others) in &*self.others.lock() {
            keys.extend(others.iter().filter_map(|&held| key(hash, held)));
        }
        keys
    }

    /// Forgets a place of a hash, which is somewhere else by now.
    pub(super) fn forget(&self, hash: u64, place: Place) {
        let Entry::Occupied(mut first) = self.map.entry(hash) else {
            return;
        };
        let is_it = |held: &Held| held.place() == place;
        if !first.get().is_shared() {
            if is_it(first.get()) {
                first.remove();
                self.used.fetch_sub(1, Ordering::Relaxed);
            }
            return;
        }
        let mut others = self.others.lock();
        let mut all = others.remove(&hash).unwrap_or_default();
        all.push(Held(first.get().number()));
        let before = all.len();
        all.retain(|held| !is_it(held));
        self.used.fetch_sub(before - all.len(), Ordering::Relaxed);
        match (all.pop(), all.is_empty()) {
            (None, _) => drop(first.remove()),
            (Some(only), true) => drop(first.insert(only)),
            (Some(last), false) => {
                first.insert(Held(last.0 | SHARED));
                others.insert(hash, all);
            }
        }
    }
}
