//! Who has bound which card: how a card that several people have bound is seen (R67, D9).

use std::hash::BuildHasher as _;
use std::num::NonZeroU64;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;
use waika_domain::identifiers::Fingerprint;

use crate::accounts::SHARDS;

/// One account's hold on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hold {
    /// Half of the digest of the person's document.
    identity: u64,
    /// The sequence of the event that bound it; no two are the same.
    bound_by: NonZeroU64,
}

/// Nearly every card is held once: that takes no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    One(Hold),
    #[expect(
        clippy::box_collection,
        reason = "a list in place would take twice the room"
    )]
    Many(Box<Vec<Hold>>),
}

impl Holds {
    fn all(&self) -> &[Hold] {
        match self {
            Self::One(hold) => std::slice::from_ref(hold),
            Self::Many(holds) => holds,
        }
    }

    fn add(&mut self, hold: Hold) {
        let known = self.all().iter();
        if known
            .into_iter()
            .any(|known| known.bound_by == hold.bound_by)
        {
            return;
        }
        match self {
            Self::One(first) => *self = Self::Many(Box::new(vec![*first, hold])),
            Self::Many(holds) => holds.push(hold),
        }
    }
}

/// Every bound card. Half of a digest stands for a card and for a person: of ten million cards
/// two are taken for one in three cases of a million, and then an operator clears them.
#[derive(Debug)]
pub(crate) struct BoundCards {
    map: DashMap<u64, Holds, RandomState>,
}

impl Default for BoundCards {
    fn default() -> Self {
        let map =
            DashMap::with_capacity_and_hasher_and_shard_amount(0, RandomState::default(), SHARDS);
        Self { map }
    }
}

impl BoundCards {
    /// Makes room for so many, as [`Accounts::make_room`](crate::accounts::Accounts::make_room) does.
    pub(crate) fn make_room(&self, cards: usize) {
        let hasher = self.map.hasher();
        for shard in self.map.shards() {
            let hash = |(card, _): &(u64, _)| hasher.hash_one(card);
            shard.write().reserve(cards.div_ceil(SHARDS), hash);
        }
    }

    /// A person has bound a card. Saying so again changes nothing.
    pub(crate) fn bind(&self, card: Fingerprint, identity: Fingerprint, sequence: u64) {
        let Some(bound_by) = NonZeroU64::new(sequence) else {
            return;
        };
        let hold = Hold {
            identity: half(identity),
            bound_by,
        };
        match self.map.entry(half(card)) {
            Entry::Occupied(mut holds) => holds.get_mut().add(hold),
            Entry::Vacant(place) => {
                place.insert(Holds::One(hold));
            }
        }
    }

    /// The card that was bound with that event is bound no longer.
    pub(crate) fn unbind(&self, card: Fingerprint, bound_by: u64) {
        let Entry::Occupied(mut holds) = self.map.entry(half(card)) else {
            return;
        };
        let mut rest = holds.get().all().to_vec();
        rest.retain(|hold| hold.bound_by.get() != bound_by);
        match rest.as_slice() {
            [] => {
                holds.remove();
            }
            [hold] => {
                holds.insert(Holds::One(*hold));
            }
            _ => {
                holds.insert(Holds::Many(Box::new(rest)));
            }
        }
    }

    /// Forgets a hold, unless there is another of the same card.
    pub(crate) fn forget_alone(&self, card: Fingerprint, bound_by: u64) {
        let is_alone =
            |holds: &Holds| matches!(holds, Holds::One(hold) if hold.bound_by.get() == bound_by);
        self.map.remove_if(&half(card), |_, holds| is_alone(holds));
    }

    /// True if another person bound the card after that sequence, and has it still.
    pub(crate) fn is_shared(&self, card: Fingerprint, identity: Fingerprint, after: u64) -> bool {
        let identity = half(identity);
        self.map.get(&half(card)).is_some_and(|holds| {
            let mut others = holds.all().iter().filter(|hold| hold.identity != identity);
            others.any(|hold| hold.bound_by.get() > after)
        })
    }
}

fn half(digest: Fingerprint) -> u64 {
    u64::from_le_bytes(digest.0.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: Fingerprint = Fingerprint([7; 16]);
    const ANNA: Fingerprint = Fingerprint([1; 16]);
    const BEN: Fingerprint = Fingerprint([2; 16]);

    #[test]
    fn d9_a_card_is_shared_by_people_and_not_by_accounts() {
        let cards = BoundCards::default();
        cards.bind(CARD, ANNA, 1);
        cards.bind(CARD, ANNA, 2);
        assert!(!cards.is_shared(CARD, ANNA, 0), "the same person twice");
        assert!(cards.is_shared(CARD, BEN, 0));
        cards.bind(CARD, BEN, 3);
        assert!(cards.is_shared(CARD, ANNA, 0));
        assert!(!cards.is_shared(CARD, ANNA, 3), "judged already");
        cards.unbind(CARD, 3);
        assert!(!cards.is_shared(CARD, ANNA, 0));
    }

    #[test]
    fn d9_holds_end_one_by_one_and_are_counted_once() {
        let cards = BoundCards::default();
        for sequence in [1, 2, 1, 2, 3] {
            cards.bind(CARD, BEN, sequence);
        }
        for sequence in [2, 2, 1] {
            cards.unbind(CARD, sequence);
            assert!(cards.is_shared(CARD, ANNA, 0));
        }
        cards.unbind(CARD, 3);
        assert!(!cards.is_shared(CARD, ANNA, 0));
        assert!(cards.map.is_empty());
    }

    #[test]
    fn d9_holds_are_found_after_room_was_made() {
        let cards = BoundCards::default();
        for (room, number) in [(0, 1), (1_000, 2), (100_000, 3)] {
            cards.make_room(room);
            cards.bind(Fingerprint([number; 16]), ANNA, u64::from(number));
        }
        let are_held = (1..=3).filter(|&number| cards.is_shared(Fingerprint([number; 16]), BEN, 0));
        assert_eq!((are_held.count(), cards.map.len()), (3, 3));
    }

    #[test]
    fn a_hold_takes_sixteen_bytes() {
        assert_eq!(size_of::<Holds>(), 16);
    }
}
