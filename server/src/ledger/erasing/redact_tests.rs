//! What is erased of every kind of entry, and what is left.

use super::*;
use crate::ledger::decode;
use crate::ledger::encode::Entry;
use crate::ledger::round_trip_tests::{every_kind_of_event, written};
use crate::operator_log::{Operated, changes};
use waika_domain::event::{AccountClosed, Event, PasswordEffect as Effect, Unbound};
use waika_domain::fingerprints::KeyNumber;
use waika_domain::identifiers::Fingerprint;
use waika_domain::period::Timestamp;

fn of_an_account(event: &Event) -> Vec<u8> {
    written(&Entry {
        account: "acct",
        previous: 7,
        ..Entry::of_none(Timestamp::from_unix_ms(1_717_171_199_999), None, event)
    })
}

#[test]
fn every_kind_of_entry_stays_as_long_and_can_be_replayed() {
    for event in every_kind_of_event() {
        let bytes = of_an_account(&event);
        let new = redact(41, &bytes).unwrap();
        assert_eq!(new.len(), bytes.len(), "{event:?}");
        assert_eq!(redact(41, &new).unwrap(), new, "twice: {event:?}");
        let (stored, was) = (decode::entry(&new).unwrap(), decode::entry(&bytes).unwrap());
        assert_eq!(
            (&stored.account, stored.previous),
            (&was.account, was.previous)
        );
        let left = stored.event().unwrap();
        assert_eq!(left.is_beginning(), event.is_beginning());
        assert_eq!(left.begun_by(), event.begun_by());
        if let (Some(new), Some(was)) = (left.payment(), event.payment()) {
            assert_eq!(new, was);
        }
    }
}

/// Who did it, and what it changed, stays.
#[test]
fn an_operators_entry_is_looked_at_inside() {
    let unbound = Unbound {
        card: Fingerprint([9; 16]).under(KeyNumber::FIRST).into(),
        bound_by: 40,
    };
    let event = Event::AccountClosed(Box::new(AccountClosed {
        outcome: Ok([unbound].into()),
    }));
    let operated = Operated {
        previous: 3,
        changes: changes::closed(Some(1), Timestamp::from_unix_ms(1)),
    };
    let entry = Entry {
        account: "acct",
        ..Entry::of_none(Timestamp::from_unix_ms(1), None, &event)
    };
    let mut bytes = Vec::new();
    entry.write_operated(&mut bytes, &operated);
    let new = redact(41, &bytes).unwrap();
    assert_ne!(new, bytes);
    assert!(!new.windows(8).any(|window| window == [9; 8]));
    let stored = decode::entry(&new).unwrap();
    assert_eq!(*stored.operated.unwrap(), operated);
}

#[test]
fn nothing_of_a_card_a_document_or_a_password_is_left() {
    let mut cards = 0;
    for event in every_kind_of_event() {
        let new = redact(41, &of_an_account(&event)).unwrap();
        let stored = decode::entry(&new).unwrap();
        if let Event::BindDecided(decided) = stored.event().unwrap()
            && let Ok(binding) = &decided.outcome
        {
            cards += 1;
            let digest = binding.card.fingerprint.0;
            assert_eq!(digest[..8], 41_u64.to_le_bytes());
            assert!(digest[8..15].iter().all(|&byte| byte == 0));
            assert!(
                binding.identity.fingerprint.0[..15]
                    .iter()
                    .all(|&byte| byte == 0)
            );
            assert!(
                binding
                    .card
                    .issuer_reference
                    .0
                    .bytes()
                    .all(|byte| byte == b'-')
            );
            assert_ne!(binding.card.bin.value(), 411_111);
            assert!(binding.card.last_four <= 128 && binding.card.phone <= 1);
            let password = binding.password_set;
            assert!(password.is_none_or(|kept| kept.salt == [0; 8]));
        }
        if let Effect::Moved(moved) = stored.event().unwrap().password_effect() {
            assert_eq!(moved.digest[..8], 1_u64.to_le_bytes());
            assert_eq!(moved.digest[9..15], [0; 6]);
        }
    }
    assert!(cards > 1);
}

#[test]
fn the_least_number_of_a_length_is_as_long() {
    for number in [
        0,
        1,
        127,
        128,
        9_999,
        16_383,
        16_384,
        411_111,
        2_097_151,
        u32::MAX,
    ] {
        let least = least(number);
        assert_eq!(varint_bytes(least.into()), varint_bytes(number.into()));
        assert_eq!(least == 0, number == 0);
        assert!(least <= number);
    }
    for number in [0, 1, 300, i64::MAX, -1, i64::MIN] {
        let least = least_signed(number).cast_unsigned();
        assert_eq!(varint_bytes(least), varint_bytes(number.cast_unsigned()));
    }
}
