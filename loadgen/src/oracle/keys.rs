//! What was answered under idempotency keys, so that answers to one key can be compared (D18).

use parking_lot::Mutex;

use super::asked::KeyMemory;

/// No arrival has this index.
const NONE: u64 = u64::MAX;

/// The keys that are remembered: a ring over the latest, or all of a few.
#[derive(Debug)]
pub(super) struct Keys {
    slots: Vec<Mutex<Slot>>,
}

/// What was answered under one key.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: u64,
    body: u64,
    /// An answer came that was no replay.
    fresh: bool,
}

/// How an answer compares with the earlier ones under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// It is the first that is remembered.
    First,
    /// It is the same.
    Same,
    /// It is another one.
    Differs,
    /// Two of them say that they are the first.
    SecondEffect,
    /// So many newer keys came that this one is forgotten.
    Forgotten,
}

impl Keys {
    /// A memory of this size.
    pub(super) fn new(memory: KeyMemory) -> Self {
        let slots = match memory {
            KeyMemory::Nothing => 0,
            KeyMemory::Recent(keys) => keys.next_power_of_two(),
            KeyMemory::All(keys) => keys,
        };
        let empty = || Slot {
            key: NONE,
            body: 0,
            fresh: false,
        };
        Self {
            slots: (0..slots).map(|_| Mutex::new(empty())).collect(),
        }
    }

    /// Whether anything is remembered at all.
    pub(super) fn is_any(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Compares an answer with the earlier ones under its key, and remembers it.
    pub(super) fn compare(&self, key: u64, body: u64, replayed: bool) -> Compared {
        let Some(slot) = self.slot(key) else {
            return Compared::First;
        };
        let mut slot = slot.lock();
        if slot.key != key {
            if slot.key != NONE && slot.key > key {
                return Compared::Forgotten;
            }
            *slot = Slot {
                key,
                body,
                fresh: !replayed,
            };
            return Compared::First;
        }
        if slot.fresh && !replayed {
            return Compared::SecondEffect;
        }
        slot.fresh |= !replayed;
        if slot.body == body {
            Compared::Same
        } else {
            Compared::Differs
        }
    }

    /// Whether it is known that the effect of this key was counted.
    pub(super) fn was_counted(&self, key: u64) -> bool {
        self.slot(key).is_some_and(|slot| {
            let slot = slot.lock();
            slot.key == key && slot.fresh
        })
    }

    fn slot(&self, key: u64) -> Option<&Mutex<Slot>> {
        let place = key.checked_rem(self.slots.len() as u64)?;
        self.slots.get(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (key, body, replayed) in turn, and how each compares.
    fn check(memory: KeyMemory, answers: &[(u64, u64, bool, Compared)]) {
        let keys = Keys::new(memory);
        for &(key, body, replayed, expected) in answers {
            assert_eq!(
                keys.compare(key, body, replayed),
                expected,
                "{memory:?}: {answers:?}"
            );
        }
    }

    #[test]
    fn answers_under_one_key_are_compared() {
        use Compared::{Differs, First, Same, SecondEffect};
        let memory = KeyMemory::Recent(8);
        check(memory, &[(3, 7, false, First), (3, 7, true, Same)]);
        check(memory, &[(3, 7, true, First), (3, 7, false, Same)]);
        check(memory, &[(3, 7, false, First), (3, 8, true, Differs)]);
        check(memory, &[(3, 7, true, First), (3, 8, true, Differs)]);
        check(memory, &[(3, 7, false, First), (3, 7, false, SecondEffect)]);
        check(memory, &[(3, 7, false, First), (4, 8, false, First)]);
    }

    #[test]
    fn what_was_pushed_out_is_not_compared_and_pushes_nothing_out() {
        use Compared::{First, Forgotten, Same};
        check(
            KeyMemory::Recent(5),
            &[
                (3, 7, false, First),
                (11, 9, false, First),
                (3, 8, true, Forgotten),
                (11, 9, true, Same),
            ],
        );
    }

    #[test]
    fn of_few_keys_none_is_forgotten() {
        let answers: Vec<_> = (0..100)
            .map(|key| (key, key, false, Compared::First))
            .chain((0..100).map(|key| (key, key, true, Compared::Same)))
            .collect();
        check(KeyMemory::All(100), &answers);
    }

    #[test]
    fn without_a_memory_nothing_is_compared() {
        check(
            KeyMemory::Nothing,
            &[
                (3, 7, false, Compared::First),
                (3, 8, false, Compared::First),
            ],
        );
        assert!(!Keys::new(KeyMemory::Nothing).is_any());
    }

    #[test]
    fn an_effect_is_known_once_an_answer_says_that_it_is_no_replay() {
        let keys = Keys::new(KeyMemory::Recent(4));
        keys.compare(1, 7, true);
        assert!(!keys.was_counted(1));
        keys.compare(1, 7, false);
        assert!(keys.was_counted(1));
        assert!(!keys.was_counted(5));
    }
}
