//! What a shadow policy would have decided otherwise, counted by rule.

use std::collections::BTreeMap;

use metrics::{Counter, counter};
use parking_lot::Mutex;
use waika_domain::decline::DeclineReason;
use waika_domain::period::Timestamp;
use waika_domain::receipt::Rung;

/// What a policy says to a payment: approved, or why not.
pub(crate) type Said = Option<DeclineReason>;

/// Decisions of one kind that would have been other ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flip {
    /// What was decided.
    pub(crate) active: Said,
    /// What would have been.
    pub(crate) shadow: Said,
    /// How many.
    pub(crate) count: u64,
}

impl Flip {
    /// The rung that makes the difference: the first at which one of the two objects.
    pub(crate) fn rung(&self) -> Option<Rung> {
        let rungs = [self.active, self.shadow].into_iter().flatten();
        rungs.map(DeclineReason::rung).min()
    }
}

/// What was counted since the shadow was set, or the server started.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShadowReport {
    /// Since when.
    pub(crate) since: Timestamp,
    /// Payments that both policies decided.
    pub(crate) decisions: u64,
    /// Most frequent first.
    pub(crate) flips: Vec<Flip>,
}

/// The counters.
pub(crate) struct Shadow {
    counted: Mutex<Counted>,
    same: Counter,
    flipped: Counter,
}

#[derive(Debug, Default)]
struct Counted {
    since: Timestamp,
    decisions: u64,
    flips: BTreeMap<(Said, Said), u64>,
}

impl std::fmt::Debug for Shadow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Shadow")
    }
}

impl Default for Shadow {
    fn default() -> Self {
        let decisions = |outcome| counter!("waika_shadow_decisions_total", "outcome" => outcome);
        Self {
            counted: Mutex::default(),
            same: decisions("SAME"),
            flipped: decisions("FLIPPED"),
        }
    }
}

impl Shadow {
    /// Begins anew: another shadow was set, or the server has started.
    pub(crate) fn begin(&self, since: Timestamp) {
        *self.counted.lock() = Counted {
            since,
            ..Counted::default()
        };
    }

    /// Counts one payment that both policies decided.
    pub(crate) fn count(&self, active: Said, shadow: Said) {
        let mut counted = self.counted.lock();
        counted.decisions += 1;
        if active == shadow {
            self.same.increment(1);
        } else {
            *counted.flips.entry((active, shadow)).or_default() += 1;
            self.flipped.increment(1);
        }
    }

    /// What was counted so far.
    pub(crate) fn report(&self) -> ShadowReport {
        let counted = self.counted.lock();
        let flips = counted.flips.iter();
        let mut flips: Vec<_> = flips
            .map(|(&(active, shadow), &count)| Flip {
                active,
                shadow,
                count,
            })
            .collect();
        flips.sort_by_key(|flip| std::cmp::Reverse(flip.count));
        ShadowReport {
            since: counted.since,
            decisions: counted.decisions,
            flips,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_are_counted_by_rule() {
        let shadow = Shadow::default();
        let single = Some(DeclineReason::LimitSingle);
        let month = Some(DeclineReason::LimitMonth);
        for (active, would) in [
            (None, None),
            (None, single),
            (None, single),
            (month, single),
        ] {
            shadow.count(active, would);
        }
        let report = shadow.report();
        assert_eq!(report.decisions, 4);
        let flips: Vec<_> = report
            .flips
            .iter()
            .map(|flip| (flip.active, flip.shadow, flip.count, flip.rung()))
            .collect();
        let rung = Some(Rung::LimitSingle);
        assert_eq!(flips, [(None, single, 2, rung), (month, single, 1, rung)]);
        shadow.begin(Timestamp::from_unix_ms(2));
        assert_eq!(shadow.report().decisions, 0);
        assert_eq!(shadow.report().since, Timestamp::from_unix_ms(2));
    }
}
