//! Pure: calls without an answer, which the audit asks for again.

use std::collections::BTreeMap;

use super::asked::{Asked, What};

/// So many are remembered; accounts with further ones cannot be proven.
const MOST: usize = 100_000;

/// Calls without an answer.
#[derive(Debug, Default)]
pub(super) struct Unknowns {
    calls: Vec<Asked>,
}

/// A key without an answer, and how often it was sent without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// One of the calls.
    pub(super) asked: Asked,
    /// How many.
    pub(super) times: u64,
}

impl Unknowns {
    /// Remembers a call; false if there are too many.
    pub(super) fn remember(&mut self, asked: &Asked) -> bool {
        let is_room = self.calls.len() < MOST;
        if is_room {
            self.calls.push(*asked);
        }
        is_room
    }

    /// Takes them all out, key by key.
    pub(super) fn take(&mut self) -> Vec<Unknown> {
        let mut keys: BTreeMap<(u64, bool, u64), Unknown> = BTreeMap::new();
        for asked in std::mem::take(&mut self.calls) {
            let pays = matches!(asked.what, What::Authorise { .. });
            keys.entry((asked.account, pays, asked.key))
                .and_modify(|unknown| unknown.times += 1)
                .or_insert(Unknown { asked, times: 1 });
        }
        keys.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(index: u64, key: u64) -> Asked {
        Asked {
            index,
            key,
            account: 3,
            what: What::Authorise {
                amount_fen: 1,
                wrong_password: false,
                by_code: false,
            },
        }
    }

    #[test]
    fn a_key_is_asked_for_once_however_often_it_was_sent() {
        let mut unknowns = Unknowns::default();
        for (index, key) in [(5, 5), (6, 6), (9, 5)] {
            assert!(unknowns.remember(&payment(index, key)));
        }
        let taken: Vec<(u64, u64)> = unknowns
            .take()
            .iter()
            .map(|unknown| (unknown.asked.key, unknown.times))
            .collect();
        assert_eq!(taken, [(5, 2), (6, 1)]);
        assert!(unknowns.take().is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut unknowns = Unknowns::default();
        assert!((0..MOST as u64).all(|index| unknowns.remember(&payment(index, index))));
        assert!(!unknowns.remember(&payment(0, 0)));
    }
}
