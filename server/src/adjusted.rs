//! Authorisations of which something was given back: the only ones that stand in memory.

use dashmap::DashMap;
use foldhash::fast::RandomState;
use waika_domain::event::ReversalDecided;
use waika_domain::rules::reverse::GivenBack;

/// What was given back of one authorisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Adjustment {
    /// So far.
    pub(crate) given_back: GivenBack,
    /// The sequence of the last reversal that is counted in it.
    pub(crate) last: u64,
}

/// Every authorisation of which something was given back, by the sequence of its decision. Each
/// changes under the lock of its account only.
#[derive(Debug, Default)]
pub(crate) struct Adjusted {
    map: DashMap<u64, Adjustment, RandomState>,
}

impl Adjusted {
    /// What was given back of an authorisation so far.
    pub(crate) fn given_back(&self, authorisation: u64) -> Adjustment {
        self.map
            .get(&authorisation)
            .map(|adjustment| *adjustment)
            .unwrap_or_default()
    }

    /// Counts a reversal, once.
    pub(crate) fn apply(&self, decided: &ReversalDecided, sequence: u64) {
        let Ok(reversal) = decided.outcome else {
            return;
        };
        let mut adjustment = self.map.entry(decided.original).or_default();
        if sequence > adjustment.last {
            let GivenBack { principal, fee } = adjustment.given_back;
            *adjustment = Adjustment {
                given_back: GivenBack {
                    principal: principal.plus(reversal.principal),
                    fee: fee.plus(reversal.fee),
                },
                last: sequence,
            };
        }
    }

    /// Puts back what a snapshot kept.
    pub(crate) fn restore(&self, authorisation: u64, adjustment: Adjustment) {
        self.map.insert(authorisation, adjustment);
    }

    /// All of them, for a snapshot.
    pub(crate) fn all(&self) -> Vec<(u64, Adjustment)> {
        self.map
            .iter()
            .map(|entry| (*entry.key(), *entry))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waika_domain::event::Reversal;
    use waika_domain::money::Fen;
    use waika_domain::period::{Month, Year};

    fn reversal(principal: i64, fee: i64) -> ReversalDecided {
        ReversalDecided {
            original: 7,
            outcome: Ok(Reversal {
                principal: Fen::new(principal),
                fee: Fen::new(fee),
                remaining: Fen::ZERO,
                month: Month::from_civil(2024, 1),
                year: Year::from_number(2024),
                month_restored: true,
                year_restored: true,
            }),
        }
    }

    #[test]
    fn a_reversal_that_is_replayed_over_a_snapshot_counts_once() {
        let adjusted = Adjusted::default();
        adjusted.apply(&reversal(6_000, 180), 8);
        adjusted.apply(&reversal(6_000, 180), 8);
        adjusted.apply(&reversal(19_000, 570), 9);
        let given_back = adjusted.given_back(7).given_back;
        assert_eq!(given_back.principal, Fen::new(25_000));
        assert_eq!(given_back.fee, Fen::new(750));
        assert_eq!(adjusted.given_back(8), Adjustment::default());
    }
}
