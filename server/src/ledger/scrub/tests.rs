//! What counts as agreeing.

use waika_domain::account::AccountParts;
use waika_domain::event::WalletRegion;
use waika_domain::money::Fen;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_ms(1_000);

/// An account that has seen one entry.
fn account(entry: u64) -> Account {
    let mut parts = Account::open(WalletRegion::Mainland).into_parts();
    parts.last_sequence = entry;
    Account::from_parts(parts)
}

fn with_used(entry: u64, fen: i64) -> Account {
    let mut parts: AccountParts = account(entry).into_parts();
    parts.usage.in_month = Fen::new(fen);
    Account::from_parts(parts)
}

/// What a comparison through entry 10 says, in words.
fn said(here: &Account, there: Option<&Account>) -> Result<Seen, &'static str> {
    compare(here, there, 10, NOW).map_err(|error| match error {
        ScrubError::Differs { what, .. } => what,
        ScrubError::Store(_) | ScrubError::LogDiffers { .. } | ScrubError::Stopping => {
            "nothing of the kind"
        }
    })
}

#[test]
fn only_what_has_seen_the_same_entries_is_compared() {
    let abroad = {
        let mut parts = account(10).into_parts();
        parts.region = WalletRegion::HongKong;
        Account::from_parts(parts)
    };
    let cases = [
        (account(10), Some(account(10)), Ok(Seen::Same)),
        (with_used(7, 5), Some(with_used(7, 5)), Ok(Seen::Same)),
        // Its turn comes again.
        (account(11), Some(account(10)), Ok(Seen::MovedOn)),
        (account(11), None, Ok(Seen::MovedOn)),
        (account(10), None, Err("the store has none")),
        (
            account(9),
            Some(account(10)),
            Err("they have not seen the same entries"),
        ),
        (
            account(10),
            Some(account(9)),
            Err("they have not seen the same entries"),
        ),
        (
            with_used(10, 5),
            Some(with_used(10, 4)),
            Err("what is used of the limits"),
        ),
        (abroad, Some(account(10)), Err("its state")),
    ];
    for (here, there, expected) in cases {
        assert_eq!(said(&here, there.as_ref()), expected, "{here:?} {there:?}");
    }
}

#[test]
fn a_difference_names_the_entry_to_look_at_and_ends_with_65() {
    let found = compare(&with_used(10, 5), Some(&account(10)), 10, NOW).unwrap_err();
    let failure = failure(found);
    assert_eq!(failure.reason, Reason::Damaged);
    for words in [
        "entry 10",
        "what is used of the limits",
        "--from 10 --to 10",
        "verify",
    ] {
        assert!(failure.text.contains(words), "{}", failure.text);
    }
}

#[test]
fn the_operator_log_must_end_where_the_store_has_it_end() {
    for (here, there, agree) in [
        (0, 0, true),
        (10, 10, true),
        (11, 9, true),
        (11, 12, true),
        (9, 10, false),
        (10, 9, false),
        (0, 3, false),
    ] {
        let compared = compare_logs(here, there, 10);
        assert_eq!(compared.is_ok(), agree, "{here} {there}");
    }
    let failure = failure(compare_logs(9, 10, 10).unwrap_err());
    assert_eq!(failure.reason, Reason::Damaged);
    assert!(failure.text.contains("entry 9"), "{}", failure.text);
}

#[test]
fn work_rests_after_each_slice_and_ends_when_it_is_told_to() {
    let stop = AtomicBool::new(false);
    let mut pace = Pace::new(&stop);
    assert!((0..10_000).all(|_| pace.step(1).is_ok()));
    stop.store(true, Ordering::Relaxed);
    assert!((0..SLICE).any(|_| pace.step(1).is_err()));
}
