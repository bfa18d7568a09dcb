//! Walking back through an account's entries, or operators', each of which names the one before it.

use std::ops::RangeInclusive;

use waika_domain::identifiers::AccountId;

use super::decode::Stored;
use super::journal::JournalReader;
use super::{KeptFrom, Ledger, LedgerError};

/// Entries that one page looks at: a page is short rather than slow where much else was done than what is
/// asked for.
pub(super) const ENTRIES_A_PAGE: usize = 1_000;

/// What a walk has gathered.
#[derive(Debug)]
pub(crate) struct Walked {
    /// Entries that were wanted, newest first.
    pub(crate) found: Vec<(u64, Stored)>,
    /// Where to go on; None at the end.
    pub(crate) next: Option<u64>,
    /// The end is where what is kept begins, and there were entries before.
    pub(crate) pruned: Option<KeptFrom>,
}

impl Ledger {
    /// Walks back through those of an account's entries that are among `entries`, from the last of
    /// them on, which must be the account's, and gathers what is wanted.
    pub(super) async fn walk(
        &self,
        account: &AccountId,
        entries: RangeInclusive<u64>,
        size: usize,
        wanted: fn(&Stored) -> bool,
    ) -> Result<Walked, LedgerError> {
        if let Some(node) = self.node() {
            return node.walk_back(account, entries, size, wanted).await;
        }
        let account = account.clone();
        self.read_aside(move |reader| {
            let read = |sequence| {
                let stored = read_own(reader, &account, sequence)?;
                Ok((stored.previous, stored))
            };
            walk_back(entries, size, wanted, read)
        })
        .await
    }
}

/// Reads an entry of an account; the chain of its entries never leaves it.
fn read_own(
    reader: &JournalReader,
    account: &AccountId,
    sequence: u64,
) -> Result<Stored, LedgerError> {
    let stored = super::read_entry(reader, sequence)?;
    if *stored.account == *account.as_str() {
        Ok(stored)
    } else {
        tracing::error!(sequence, "an account's history leads to another account");
        Err(LedgerError::Unreadable)
    }
}

/// Goes from the last entry to the one before it that `read` names, and so on down to the first, and
/// gathers what is wanted.
pub(super) fn walk_back(
    entries: RangeInclusive<u64>,
    size: usize,
    wanted: impl Fn(&Stored) -> bool,
    read: impl Fn(u64) -> Result<(u64, Stored), LedgerError>,
) -> Result<Walked, LedgerError> {
    let mut found = Vec::new();
    let (first, mut sequence) = entries.into_inner();
    for _ in 0..ENTRIES_A_PAGE {
        if sequence < first || found.len() == size {
            break;
        }
        let (previous, stored) = match read(sequence) {
            Err(LedgerError::AuthorisationPruned(from)) => {
                return Ok(Walked {
                    found,
                    next: None,
                    pruned: Some(from),
                });
            }
            read => read?,
        };
        if wanted(&stored) {
            found.push((sequence, stored));
        }
        sequence = previous;
    }
    Ok(Walked {
        found,
        next: Some(sequence).filter(|&next| next >= first),
        pruned: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::decode::StoredBody;
    use waika_domain::period::Timestamp;

    /// Ten entries of one account, of which every third is wanted. Those before `kept` are gone.
    fn walk_from(
        kept: u64,
        entries: RangeInclusive<u64>,
        size: usize,
    ) -> (Vec<u64>, Option<u64>, Option<u64>) {
        let at = Timestamp::from_unix_ms(0);
        let read = |sequence: u64| {
            if sequence < kept {
                let from = KeptFrom { sequence: kept, at };
                return Err(LedgerError::AuthorisationPruned(from));
            }
            let stored = Stored {
                account: "a".into(),
                previous: sequence - 1,
                at: Timestamp::from_unix_ms(i64::from(sequence.is_multiple_of(3))),
                call: None,
                operated: None,
                body: StoredBody::KeyCheck(Box::default()),
            };
            Ok((stored.previous, stored))
        };
        let wanted = |stored: &Stored| stored.at > Timestamp::from_unix_ms(0);
        let walked = walk_back(entries, size, wanted, read).unwrap();
        let found = walked.found.iter().map(|(sequence, _)| *sequence);
        let pruned = walked.pruned.map(|from| from.sequence);
        (found.collect(), walked.next, pruned)
    }

    fn walk(entries: RangeInclusive<u64>, size: usize) -> (Vec<u64>, Option<u64>) {
        let (found, next, pruned) = walk_from(1, entries, size);
        assert_eq!(pruned, None);
        (found, next)
    }

    #[test]
    fn a_walk_goes_back_to_the_first_entry_that_is_asked_for_and_no_further() {
        assert_eq!(walk(1..=10, 100), (vec![9, 6, 3], None));
        assert_eq!(walk(1..=10, 2), (vec![9, 6], Some(5)));
        assert_eq!(walk(6..=10, 100), (vec![9, 6], None));
        assert_eq!(walk(7..=10, 1), (vec![9], Some(8)));
        assert_eq!(walk(RangeInclusive::new(11, 10), 100), (vec![], None));
        assert_eq!(walk(RangeInclusive::new(1, 0), 100), (vec![], None));
    }

    #[test]
    fn a_walk_ends_at_what_is_kept_and_says_so_where_there_was_more() {
        assert_eq!(walk_from(5, 1..=10, 100), (vec![9, 6], None, Some(5)));
        assert_eq!(walk_from(5, 1..=10, 1), (vec![9], Some(8), None));
        assert_eq!(walk_from(5, 5..=10, 100), (vec![9, 6], None, None));
        assert_eq!(walk_from(5, 4..=10, 100), (vec![9, 6], None, Some(5)));
        assert_eq!(walk_from(5, 1..=3, 100), (vec![], None, Some(5)));
        // The page token of before a pruning.
        assert_eq!(walk_from(5, 1..=4, 2), (vec![], None, Some(5)));
    }
}
