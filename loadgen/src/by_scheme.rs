//! Response times and outcomes for each scheme of cards: a slow issuer must not slow the others.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::outcome::Outcome;
use crate::recorder::histogram;
use crate::scheme::CardScheme;
use crate::time_line::Tally;

/// What was measured of the requests with cards of one scheme.
#[derive(Clone, Debug)]
pub(crate) struct SchemeRecord {
    /// How many ended in which way. None of those that were not sent: whose they were is not known.
    pub(crate) tally: Tally,
    /// From due to done, of the requests that the headline is of.
    pub(crate) response: Histogram<u64>,
}

/// What was measured, by scheme.
#[derive(Clone, Debug, Default)]
pub(crate) struct BySchemes(BTreeMap<CardScheme, SchemeRecord>);

impl SchemeRecord {
    fn new() -> Self {
        Self {
            tally: Tally::default(),
            response: histogram(),
        }
    }
}

impl BySchemes {
    /// Records a request that was sent.
    pub(crate) fn finish(&mut self, scheme: CardScheme, outcome: Outcome, response_ns: u64) {
        let record = self.0.entry(scheme).or_insert_with(SchemeRecord::new);
        record.tally.count(outcome);
        if !outcome.is_error() {
            record.response.saturating_record(response_ns);
        }
    }

    /// Takes over all that another worker recorded.
    pub(crate) fn add(&mut self, other: &Self) {
        for (scheme, theirs) in &other.0 {
            let mine = self.0.entry(*scheme).or_insert_with(SchemeRecord::new);
            mine.tally.add(theirs.tally);
            // Adding fails only for values out of range, and all have the same range.
            let _ = mine.response.add(&theirs.response);
        }
    }

    /// What was measured of one scheme; `None` if none of its cards was sent.
    pub(crate) fn of(&self, scheme: CardScheme) -> Option<&SchemeRecord> {
        self.0.get(&scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_kept_apart_and_workers_added_up() {
        let mut parts = [BySchemes::default(), BySchemes::default()];
        for number in 0..1_000_u64 {
            let part = &mut parts[usize::from(number % 3 == 0)];
            part.finish(CardScheme::Visa, Outcome::Approved, 1_000_000);
            part.finish(CardScheme::Jcb, Outcome::Declined(38), 50_000_000);
        }
        parts[1].finish(CardScheme::Jcb, Outcome::TransportError, 1);
        let mut sum = BySchemes::default();
        for part in &parts {
            sum.add(part);
        }
        let (visa, jcb) = (
            sum.of(CardScheme::Visa).unwrap(),
            sum.of(CardScheme::Jcb).unwrap(),
        );
        assert_eq!((visa.tally.approved, visa.tally.declined), (1_000, 0));
        assert_eq!((jcb.tally.declined, jcb.tally.errors), (1_000, 1));
        assert_eq!(visa.response.len(), 1_000);
        assert!(visa.response.max() < 1_001_000);
        assert_eq!(jcb.response.len(), 1_000, "errors have no part in it");
        assert!(jcb.response.min() > 49_000_000);
        assert!(sum.of(CardScheme::Discover).is_none());
    }
}
