//! What a lane sends at once: operations on one account as one row (decision 0034, 11).

use std::collections::HashMap;
use std::fmt;

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
    /// Nothing of it was written, for this reason. It may be asked again.
    Refused(String),
    /// Whether it was written is not known, and may never be: the key of the call decides whoever asks again.
    Unknown,
}

/// Who waits for something to be durable. Told once: if nobody does, that nothing is known.
pub(crate) struct Tell(Option<Box<dyn FnOnce(Outcome) + Send>>);

impl Tell {
    pub(crate) fn new(tell: impl FnOnce(Outcome) + Send + 'static) -> Self {
        Self(Some(Box::new(tell)))
    }

    pub(crate) fn tell(mut self, outcome: Outcome) {
        self.now(outcome);
    }

    fn now(&mut self, outcome: Outcome) {
        if let Some(tell) = self.0.take() {
            tell(outcome);
        }
    }
}

/// A lane that panicked says nothing of what it had sent.
impl Drop for Tell {
    fn drop(&mut self) {
        self.now(Outcome::Unknown);
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tell")
    }
}

/// Something to be made durable, and who waits for it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) row: Row,
    pub(super) tell: Tell,
}

impl Asked {
    /// Says no, before it was sent.
    pub(super) fn refuse(self, why: &str) {
        self.tell.tell(Outcome::Refused(why.to_owned()));
    }
}

#[derive(Debug)]
struct Waiter {
    hashes: Vec<[u8; 16]>,
    tell: Tell,
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
    /// Takes one more. What was not decided over what is here already, or makes a call that is here, is given
    /// back for the next batch, whose statement sees what became of this one.
    pub(super) fn take(&mut self, asked: Asked) -> Option<Asked> {
        let Some(&place) = self.places.get(&asked.row.account) else {
            let Asked { row, tell } = asked;
            let waiter = self.waiter(&row, tell);
            self.places.insert(row.account.clone(), self.rows.len());
            self.rows.push(row);
            self.waiters.push(vec![waiter]);
            return None;
        };
        let version = self.rows.get(place).map(|there| there.version);
        let is_there = |hash| self.has_call(place, &hash);
        if version != Some(asked.row.expected) || asked.row.hashes().any(is_there) {
            return Some(asked);
        }
        let Asked { mut row, tell } = asked;
        let waiter = self.waiter(&row, tell);
        if let (Some(there), Some(waiters)) =
            (self.rows.get_mut(place), self.waiters.get_mut(place))
        {
            let mut entries = std::mem::take(&mut there.entries);
            entries.append(&mut row.entries);
            *there = Row {
                expected: there.expected,
                entries,
                ..row
            };
            waiters.push(waiter);
        }
        None
    }

    fn waiter(&mut self, row: &Row, tell: Tell) -> Waiter {
        let length = |entry: &super::EntryRow| entry.entry.len();
        self.bytes += row.state.len() + row.entries.iter().map(length).sum::<usize>();
        Waiter {
            hashes: row.hashes().collect(),
            tell,
        }
    }

    fn has_call(&self, place: usize, hash: &[u8; 16]) -> bool {
        let waiters = self.waiters.get(place);
        waiters.is_some_and(|all| all.iter().any(|waiter| waiter.hashes.contains(hash)))
    }

    /// Half of it, so that one account's fault is not all accounts'. None if there is only one.
    pub(super) fn halve(&mut self) -> Option<Self> {
        let half = self.rows.len() / 2;
        if half == 0 {
            return None;
        }
        self.places.clear();
        Some(Self {
            rows: self.rows.split_off(half),
            waiters: self.waiters.split_off(half),
            places: HashMap::new(),
            bytes: 0,
        })
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
    waiter.tell.tell(outcome);
}

#[cfg(test)]
mod tests {
    use super::super::{EntryRow, FoundBy, Links};
    use super::*;
    use tokio::sync::oneshot;

    fn telling() -> (Tell, oneshot::Receiver<Outcome>) {
        let (tell, told) = oneshot::channel();
        (Tell::new(move |outcome| drop(tell.send(outcome))), told)
    }

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
            found_by: FoundBy::default(),
            entries: vec![EntryRow {
                sequence: version,
                call_hash: Some([version.to_be_bytes()[7]; 16]),
                entry: Vec::new(),
                links: Links::default(),
            }],
        }
    }

    fn merged(rows: Vec<Row>) -> (Merged, Vec<oneshot::Receiver<Outcome>>) {
        let mut merged = Merged::default();
        let told = rows.into_iter().map(|row| {
            let (tell, told) = telling();
            assert!(merged.take(Asked { row, tell }).is_none());
            told
        });
        let told = told.collect();
        (merged, told)
    }

    fn given_back(merged: &mut Merged, row: Row) -> bool {
        let (tell, _told) = telling();
        merged.take(Asked { row, tell }).is_some()
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
    fn what_was_decided_over_something_else_or_is_the_same_call_waits_for_the_next_batch() {
        let (mut merged, told) = merged(vec![row("a", 1, 2), row("a", 2, 4)]);
        assert!(given_back(&mut merged, row("a", 1, 3)));
        let mut same_call = row("a", 4, 5);
        same_call.entries[0].call_hash = Some([2; 16]);
        assert!(given_back(&mut merged, same_call));
        assert_eq!(merged.rows().len(), 1);
        assert_eq!(merged.rows()[0].version, 4);
        merged.tell_each(|_| Outcome::Unknown);
        assert_eq!(
            outcomes(told),
            [Outcome::Unknown, Outcome::Unknown].map(Some)
        );
    }

    #[test]
    fn halves_have_each_row_with_its_waiters_once() {
        let rows = ["a", "b", "c"].map(|account| row(account, 1, 2));
        let (mut first, told) = merged(rows.into());
        let mut second = first.halve().unwrap();
        assert_eq!((first.rows().len(), second.rows().len()), (1, 2));
        assert!(first.halve().is_none());
        first.tell(vec![Became::Durable]);
        second.tell(vec![Became::Conflict, Became::Durable]);
        let [durable, conflict] = [Outcome::Durable, Outcome::Conflict].map(Some);
        assert_eq!(outcomes(told), [durable.clone(), conflict, durable]);
    }

    #[test]
    fn a_known_call_is_told_to_who_made_it_and_a_conflict_to_the_others() {
        let (mut merged, told) = merged(vec![row("a", 1, 2), row("a", 2, 3)]);
        merged.tell(vec![Became::Known(vec![([3; 16], 77)])]);
        let told = outcomes(told);
        assert_eq!(told, [Some(Outcome::Conflict), Some(Outcome::Known(77))]);
    }
}
