//! Authorisations to which something happened since: the only ones that stand in memory.

use dashmap::DashMap;
use foldhash::fast::RandomState;
use waika_domain::event::{Event, GiveBack, IssuerLate, StandInReconciled};
use waika_domain::period::Timestamp;
use waika_domain::rules::reverse::{GivenBack, SoFar};

/// What happened to one authorisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Adjustment {
    /// What became of it so far.
    pub(crate) so_far: SoFar,
    /// The sequence of the last step that is counted in it: the end of its time line.
    pub(crate) last: u64,
}

/// Every authorisation to which something happened, by the sequence of its decision. Each
/// changes under the lock of its account only.
#[derive(Debug, Default)]
pub(crate) struct Adjusted {
    map: DashMap<u64, Adjustment, RandomState>,
}

impl Adjusted {
    /// What happened to an authorisation so far.
    pub(crate) fn find(&self, authorisation: u64) -> Adjustment {
        self.map
            .get(&authorisation)
            .map(|adjustment| *adjustment)
            .unwrap_or_default()
    }

    /// Counts a reversal, a refund or an early settlement, once.
    pub(crate) fn apply(&self, event: &Event, sequence: u64, at: Timestamp) {
        if let Event::ReversalDecided(decided) = event
            && let Ok(given) = decided.outcome
        {
            let more = GivenBack {
                principal: given.principal,
                fee: given.fee,
            };
            self.step(decided.original, sequence, |so_far| {
                let which = match decided.kind {
                    GiveBack::Reversal => &mut so_far.reversed,
                    GiveBack::Refund => &mut so_far.refunded,
                };
                *which = which.plus(more);
            });
        } else if let Event::SettleDecided(decided) = event
            && decided.outcome.is_ok()
        {
            self.step(decided.original, sequence, |so_far| {
                so_far.settled_at = Some(at);
            });
        } else if let Event::StandInReconciled(StandInReconciled { original, .. })
        | Event::IssuerLate(IssuerLate { original, .. }) = event
        {
            self.step(*original, sequence, |_| {});
        }
    }

    fn step(&self, original: u64, sequence: u64, change: impl FnOnce(&mut SoFar)) {
        let mut adjustment = self.map.entry(original).or_default();
        if sequence > adjustment.last {
            change(&mut adjustment.so_far);
            adjustment.last = sequence;
        }
    }

    /// Puts back what a snapshot kept.
    pub(crate) fn restore(&self, authorisation: u64, adjustment: Adjustment) {
        self.map.insert(authorisation, adjustment);
    }

    /// Forgets authorisations from before a sequence: nothing can become of them any more.
    pub(crate) fn forget_before(&self, first: u64) {
        self.map.retain(|authorisation, _| *authorisation >= first);
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
    use waika_domain::event::{Reversal, ReversalDecided, SettleDecided, Settled};
    use waika_domain::money::Fen;
    use waika_domain::period::{Month, Year};

    fn give_back(kind: GiveBack, principal: i64, fee: i64) -> Event {
        Event::ReversalDecided(Box::new(ReversalDecided {
            kind,
            original: 7,
            previous: 0,
            outcome: Ok(Reversal {
                principal: Fen::new(principal),
                fee: Fen::new(fee),
                remaining: Fen::ZERO,
                month: Month::from_civil(2024, 1),
                year: Year::from_number(2024),
                month_restored: true,
                year_restored: true,
                balance_left: None,
                transaction: None,
            }),
        }))
    }

    #[test]
    fn a_step_that_is_replayed_over_a_snapshot_counts_once() {
        let adjusted = Adjusted::default();
        let at = Timestamp::from_unix_ms(5);
        let reversal = give_back(GiveBack::Reversal, 6_000, 180);
        adjusted.apply(&reversal, 8, at);
        adjusted.apply(&reversal, 8, at);
        let settle = Event::SettleDecided(SettleDecided {
            original: 7,
            previous: 8,
            outcome: Ok(Settled {
                principal: Fen::new(19_000),
                fee: Fen::new(570),
            }),
        });
        adjusted.apply(&settle, 9, at);
        adjusted.apply(&give_back(GiveBack::Refund, 19_000, 570), 10, at);
        let Adjustment { so_far, last } = adjusted.find(7);
        assert_eq!(so_far.given_back().principal, Fen::new(25_000));
        assert_eq!(so_far.given_back().fee, Fen::new(750));
        assert_eq!(so_far.refunded.principal, Fen::new(19_000));
        assert_eq!((so_far.settled_at, last), (Some(at), 10));
        assert_eq!(adjusted.find(8), Adjustment::default());
    }
}
