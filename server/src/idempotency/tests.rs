//! The index as tables: what a slot holds, in memory and beside it.

use super::*;
use crate::ledger::Business;
use waika_domain::identifiers::IdempotencyKey;

fn call(rpc: Rpc, caller: &str, key: &str) -> Call {
    Call::new(
        rpc,
        caller.into(),
        IdempotencyKey::parse(key).unwrap(),
        Business::Fields(Vec::new()),
    )
}

fn index() -> Idempotency {
    Idempotency::new([7; 16])
}

fn slot(hash: u64) -> Slot {
    Slot {
        hash,
        searched: Searched::default(),
    }
}

/// Every place of a hash in memory, in the order in which a search meets them.
fn places(index: &Idempotency, hash: u64) -> Vec<Place> {
    let (mut found, mut searched) = (Vec::new(), Searched::default());
    while let Some(known) = index.find(slot(hash).after(searched)) {
        let Known::At(place) = known else {
            panic!("there is no run");
        };
        found.push(place);
        searched.recent = match place {
            Place::Answered(sequence) | Place::UnderWay(sequence) => sequence,
        };
    }
    found
}

#[test]
fn d18_a_key_is_scoped_to_caller_account_and_rpc() {
    let index = index();
    let slot = index.slot("a", &call(Rpc::Authorise, "c", "k"));
    assert_eq!(slot, index.slot("a", &call(Rpc::Authorise, "c", "k")));
    for other in [
        index.slot("b", &call(Rpc::Authorise, "c", "k")),
        index.slot("a", &call(Rpc::Bind, "c", "k")),
        index.slot("a", &call(Rpc::Authorise, "d", "k")),
        index.slot("a", &call(Rpc::Authorise, "c", "l")),
    ] {
        assert_ne!(slot, other);
    }
}

#[test]
fn a_call_under_way_becomes_an_answer() {
    let index = index();
    assert_eq!(index.find(slot(1)), None);
    index.fill(slot(1), Place::UnderWay(7), None);
    assert_eq!(places(&index, 1), [Place::UnderWay(7)]);
    index.fill(slot(1), Place::Answered(9), Some(7));
    assert_eq!(places(&index, 1), [Place::Answered(9)]);
    assert_eq!(index.recent_keys(), 1);
}

#[test]
fn d18_keys_of_one_hash_stand_beside_each_other_and_end_apart() {
    let index = index();
    index.fill(slot(1), Place::UnderWay(3), None);
    index.fill(slot(1), Place::UnderWay(5), None);
    index.fill(slot(1), Place::Answered(6), None);
    index.fill(slot(1), Place::Answered(8), Some(3));
    let (five, six, eight) = (Place::UnderWay(5), Place::Answered(6), Place::Answered(8));
    assert_eq!(places(&index, 1), [five, six, eight]);
    index.fill(slot(1), Place::Answered(9), Some(5));
    let nine = Place::Answered(9);
    assert_eq!(places(&index, 1), [six, eight, nine]);
    assert_eq!(index.recent_keys(), 3);
    let through = index.answered_up_to(8);
    assert_eq!(through.len(), 2);
    // In any order, and each only itself.
    for (sequence, left) in [(8, vec![six, nine]), (9, vec![six]), (7, vec![six])] {
        index.forget(UsedKey { hash: 1, sequence });
        assert_eq!(places(&index, 1), left);
    }
    index.forget(UsedKey {
        hash: 1,
        sequence: 6,
    });
    assert_eq!((places(&index, 1), index.recent_keys()), (vec![], 0));
}

#[test]
fn d18_what_is_noted_again_at_a_start_is_noted_once() {
    let index = index();
    let cases = [
        // An answer that a snapshot had, its beginning, and itself.
        (Place::Answered(9), None, true),
        (Place::UnderWay(7), None, false),
        (Place::Answered(9), Some(7), false),
        // Another key's.
        (Place::UnderWay(12), None, true),
        (Place::UnderWay(12), None, false),
        (Place::Answered(14), Some(12), false),
        (Place::Answered(14), Some(12), false),
    ];
    for (place, begun_by, added) in cases {
        assert_eq!(index.note(slot(1), place, begun_by), added, "{place:?}");
    }
    let both = [Place::Answered(9), Place::Answered(14)];
    assert_eq!(places(&index, 1), both);
}

#[test]
fn d18_a_copy_holds_every_place_in_memory() {
    let from = index();
    for hash in 0..1_000 {
        from.fill(slot(hash), Place::Answered(hash + 1), None);
    }
    from.fill(slot(5), Place::UnderWay(2_000), None);
    from.fill(slot(6), Place::Answered(2_001), None);
    let to = index();
    for part in 0..3 {
        to.restore(&from.part(part, 3));
    }
    assert_eq!((from.recent_keys(), to.recent_keys()), (1_002, 1_002));
    for hash in 0..1_000 {
        assert_eq!(places(&to, hash), places(&from, hash), "{hash}");
    }
}

#[test]
fn d18_a_full_index_refuses_rather_than_forgets() {
    let index = index();
    for key in [1, 2] {
        assert!(!index.is_full(2));
        index.fill(slot(key), Place::Answered(key), None);
    }
    assert!(index.is_full(2));
}
