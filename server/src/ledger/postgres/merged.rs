//! What a lane sends at once: operations on one account as one row (decision 0034, 11).

use std::collections::HashMap;

use tokio::sync::oneshot;

use super::batch::{Became, Row};

/// What became of what was sent to a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its entries are durable.
    Durable,
    /// Nothing of it was written: the account is not as it was decided over. Read it and decide again.
    Conflict,
    /// Nothing of it was written: a call of it was decided before, by the entry of this sequence.
    Known(u64),
    /// Nothing of it was written, for this reason.
    Refused(String),
    /// Whether it was written is not known, and may never be: the key of the call decides whoever asks again.
    Unknown,
}

/// Something to be made durable, and who waits for it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) row: Row,
    pub(super) tell: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
struct Waiter {
    hashes: Vec<[u8; 16]>,
    tell: oneshot::Sender<Outcome>,
}

/// Rows, and who waits for each.
#[derive(Debug, Default)]
pub(super) struct Merged {
    rows: Vec<Row>,
    waiters: Vec<Vec<Waiter>>,
    places: HashMap<String, usize>,
    bytes: usize,
}

impl Merged {
    /// Takes one more. What was not decided over what is here already is told of its conflict at once.
    pub(super) fn take(&mut self, asked: Asked) {
        let Asked { mut row, tell } = asked;
        let length = |entry: &super::EntryRow| entry.entry.len();
        self.bytes += row.state.len() + row.entries.iter().map(length).sum::<usize>();
        let hashes = row.entries.iter().filter_map(|entry| entry.call_hash);
        let waiter = Waiter {
            hashes: hashes.collect(),
            tell,
        };
        let Some(&place) = self.places.get(&row.account) else {
            self.places.insert(row.account.clone(), self.rows.len());
            self.rows.push(row);
            self.waiters.push(vec![waiter]);
            return;
        };
        let (Some(there), Some(waiters)) = (self.rows.get_mut(place), self.waiters.get_mut(place))
        else {
            return;
        };
        if row.expected != there.version {
            tell_one(waiter, Outcome::Conflict);
            return;
        }
        let mut entries = std::mem::take(&mut there.entries);
        entries.append(&mut row.entries);
        *there = Row {
            expected: there.expected,
            entries,
            ..row
        };
        waiters.push(waiter);
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells whoever waits what became of each row, in order.
    pub(super) fn tell(&mut self, became: Vec<Became>) {
        for (waiters, became) in std::mem::take(self).waiters.into_iter().zip(became) {
            for waiter in waiters {
                let outcome = match &became {
                    Became::Durable => Outcome::Durable,
                    Became::Conflict => Outcome::Conflict,
                    Became::Known(known) => known
                        .iter()
                        .find(|(hash, _)| waiter.hashes.contains(hash))
                        .map_or(Outcome::Conflict, |(_, sequence)| Outcome::Known(*sequence)),
                };
                tell_one(waiter, outcome);
            }
        }
    }

    /// Tells whoever waits for a row what `outcome` says of its number.
    pub(super) fn tell_each(&mut self, outcome: impl Fn(usize) -> Outcome) {
        for (number, waiters) in std::mem::take(self).waiters.into_iter().enumerate() {
            for waiter in waiters {
                tell_one(waiter, outcome(number));
            }
        }
    }
}

/// Whoever does not wait any more need not know.
fn tell_one(waiter: Waiter, outcome: Outcome) {
    drop(waiter.tell.send(outcome));
}

#[cfg(test)]
mod tests {
    use super::super::EntryRow;
    use super::*;

    fn row(account: &str, expected: u64, version: u64) -> Row {
        Row {
            account: account.to_owned(),
            expected,
            version,
            control_version: 1,
            month: 24_311,
            month_used_fen: version.cast_signed(),
            year: 2_026,
            year_used_fen: 0,
            state: version.to_be_bytes().into(),
            entries: vec![EntryRow {
                sequence: version,
                call_hash: Some([version.to_be_bytes()[7]; 16]),
                entry: Vec::new(),
            }],
        }
    }

    fn merged(rows: Vec<Row>) -> (Merged, Vec<oneshot::Receiver<Outcome>>) {
        let mut merged = Merged::default();
        let told = rows.into_iter().map(|row| {
            let (tell, told) = oneshot::channel();
            merged.take(Asked { row, tell });
            told
        });
        let told = told.collect();
        (merged, told)
    }

    fn outcomes(told: Vec<oneshot::Receiver<Outcome>>) -> Vec<Option<Outcome>> {
        told.into_iter()
            .map(|mut told| told.try_recv().ok())
            .collect()
    }

    #[test]
    fn what_was_decided_on_top_of_each_other_is_one_row() {
        let (mut merged, told) = merged(vec![row("a", 1, 2), row("b", 5, 6), row("a", 2, 3)]);
        let [first, second] = merged.rows() else {
            panic!("{merged:?}")
        };
        assert_eq!((first.expected, first.version), (1, 3));
        assert_eq!(first.state, 3_u64.to_be_bytes());
        let sequences: Vec<_> = first.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, [2, 3]);
        assert_eq!((second.expected, second.version), (5, 6));
        merged.tell(vec![Became::Durable, Became::Conflict]);
        assert!(merged.rows().is_empty());
        let [durable, conflict] = [Outcome::Durable, Outcome::Conflict].map(Some);
        assert_eq!(outcomes(told), [durable.clone(), conflict, durable]);
    }

    #[test]
    fn what_was_decided_over_something_else_conflicts_at_once() {
        let (mut merged, told) = merged(vec![row("a", 1, 2), row("a", 1, 3), row("a", 2, 4)]);
        assert_eq!(merged.rows().len(), 1);
        merged.tell_each(|_| Outcome::Unknown);
        let [unknown, conflict] = [Outcome::Unknown, Outcome::Conflict].map(Some);
        assert_eq!(outcomes(told), [unknown.clone(), conflict, unknown]);
    }

    #[test]
    fn a_known_call_is_told_to_who_made_it_and_a_conflict_to_the_others() {
        let (mut merged, told) = merged(vec![row("a", 1, 2), row("a", 2, 3)]);
        merged.tell(vec![Became::Known(vec![([3; 16], 77)])]);
        let told = outcomes(told);
        assert_eq!(told, [Some(Outcome::Conflict), Some(Outcome::Known(77))]);
    }
}
