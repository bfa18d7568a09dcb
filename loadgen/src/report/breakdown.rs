//! What a run found besides, where it was asked for: the server's own account of its time, and the
//! schemes of cards apart.

use serde::{Deserialize, Serialize};

use super::text::grouped;
use super::{Text, TimeFacts};
use crate::by_scheme::BySchemes;
use crate::population::Population;
use crate::scheme::CardScheme;
use crate::time_line::Tally;
use crate::timing::TimingRecord;

/// Where the server says its time went, of the decided requests whose answers told it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TimingFacts {
    /// Decided requests whose answers told it: those in the distributions.
    pub(crate) answers_with: u64,
    /// Decided requests whose answers did not.
    pub(crate) answers_without: u64,
    /// Decided requests whose answers told more time than the round trip took, or a part longer than
    /// the whole: in none of the distributions.
    pub(crate) answers_implausible: u64,
    /// From the whole message to the beginning of the decision.
    pub(crate) queue: TimeFacts,
    /// The rules.
    pub(crate) rules: TimeFacts,
    /// Waiting for the issuer, of the requests for which one was asked.
    pub(crate) issuer: TimeFacts,
    /// Until it was durable.
    pub(crate) commit: TimeFacts,
    /// From the whole message to the answer.
    pub(crate) total: TimeFacts,
    /// Of each request, `total` less `issuer`.
    pub(crate) server_own: TimeFacts,
    /// Of each request, service time less `total`.
    pub(crate) network_and_client: TimeFacts,
}

impl TimingFacts {
    /// The figures of a record.
    pub(crate) fn of(record: &TimingRecord) -> Self {
        Self {
            answers_with: record.total.len(),
            answers_without: record.without,
            answers_implausible: record.implausible,
            queue: TimeFacts::of(&record.queue),
            rules: TimeFacts::of(&record.rules),
            issuer: TimeFacts::of(&record.issuer),
            commit: TimeFacts::of(&record.commit),
            total: TimeFacts::of(&record.total),
            server_own: TimeFacts::of(&record.own),
            network_and_client: TimeFacts::of(&record.network),
        }
    }

    /// The distributions by name, in the order in which they are shown.
    pub(crate) fn rows(&self) -> [(&'static str, &TimeFacts); 7] {
        [
            ("queue", &self.queue),
            ("rules", &self.rules),
            ("issuer", &self.issuer),
            ("commit", &self.commit),
            ("total", &self.total),
            ("server's own", &self.server_own),
            ("network and client", &self.network_and_client),
        ]
    }

    /// What is to be known of these figures, in plain words; that none came is said by name.
    pub(crate) fn notes(&self) -> Vec<String> {
        let (with, without) = (self.answers_with, self.answers_without);
        let decided = with + without + self.answers_implausible;
        let mut notes = Vec::new();
        if decided == 0 {
            notes.push("No server timing came, for nothing was decided.".to_owned());
        } else if without == decided {
            notes.push(format!(
                "No server timing came: --timing asked for it, and none of the {} decisions had \
                 any. The server is too old to know want_timing, or does not answer it.",
                grouped(decided)
            ));
        } else if without > 0 {
            notes.push(format!(
                "{} of {} decisions came without a timing.",
                grouped(without),
                grouped(decided)
            ));
        }
        if self.answers_implausible > 0 {
            notes.push(format!(
                "{} of {} decisions told more time than their round trip took, or a part longer \
                 than the whole: they are in none of these figures, which are not to be trusted.",
                grouped(self.answers_implausible),
                grouped(decided)
            ));
        }
        if self.issuer.count < with {
            notes.push(match self.issuer.count {
                0 => "No issuer was asked.".to_owned(),
                asked => format!("An issuer was asked for {} of them.", grouped(asked)),
            });
        }
        notes
    }
}

/// What was measured of the requests with cards of one scheme.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SchemeFacts {
    /// Its name, as `--scheme` takes it.
    pub(crate) scheme: Text,
    /// Accounts that pay with such a card.
    pub(crate) accounts: u64,
    /// What became of the requests that were sent; `not_sent` is 0, for whose they were is not known.
    pub(crate) counts: Tally,
    /// From due to done, of the requests that the headline is of.
    pub(crate) response: TimeFacts,
}

/// The schemes that some account of the population has a card of, in the contract's order.
pub(crate) fn schemes(record: &BySchemes, population: &Population) -> Vec<SchemeFacts> {
    CardScheme::ALL
        .into_iter()
        .filter_map(|scheme| {
            let payers = population.payers.iter();
            let accounts = payers.filter(|payer| payer.scheme == scheme).count() as u64;
            (accounts > 0).then(|| record.facts(scheme, accounts))
        })
        .collect()
}

impl BySchemes {
    fn facts(&self, scheme: CardScheme, accounts: u64) -> SchemeFacts {
        let measured = self.of(scheme);
        let nothing = || TimeFacts::of(&crate::recorder::histogram());
        SchemeFacts {
            scheme: scheme.label().into(),
            accounts,
            counts: measured.map_or_else(Tally::default, |record| record.tally),
            response: measured.map_or_else(nothing, |record| TimeFacts::of(&record.response)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::population::members;
    use crate::timing::ServerTiming;

    fn facts(tell: impl Fn(u64) -> Option<ServerTiming>) -> TimingFacts {
        let mut record = TimingRecord::new();
        for number in 0..1_000 {
            record.finish(1_000_000, tell(number));
        }
        TimingFacts::of(&record)
    }

    fn told(issuer_ns: u64) -> ServerTiming {
        ServerTiming {
            issuer_ns,
            total_ns: 400_000 + issuer_ns,
            ..ServerTiming::default()
        }
    }

    #[test]
    fn what_did_not_come_is_said_by_name() {
        let check = |facts: TimingFacts, expected: &[&str]| {
            let notes = facts.notes();
            assert_eq!(notes.len(), expected.len(), "{notes:?}");
            for (note, words) in notes.iter().zip(expected) {
                assert!(note.contains(words), "no {words:?} in {note}");
            }
        };
        let nothing = TimingFacts::of(&TimingRecord::new());
        check(nothing, &["nothing was decided"]);
        check(facts(|_| None), &["none of the 1,000 decisions had any"]);
        check(facts(|_| Some(told(9))), &[]);
        check(facts(|_| Some(told(0))), &["No issuer was asked."]);
        check(
            facts(|number| Some(told(u64::from(number < 600)))),
            &["asked for 600 of them"],
        );
        check(
            facts(|number| (number >= 10).then(|| told(9))),
            &["10 of 1,000 decisions came without"],
        );
        check(
            facts(|number| Some(told(if number < 10 { 700_000 } else { 9 }))),
            &["10 of 1,000 decisions told more time"],
        );
        check(
            facts(|_| Some(told(700_000))),
            &["1,000 of 1,000 decisions told more time"],
        );
    }

    #[test]
    fn a_percentile_of_a_part_needs_its_samples_too() {
        let facts = facts(|number| Some(told(u64::from(number < 400))));
        assert_eq!(facts.total.count, 1_000);
        assert!(facts.total.p99_ns.is_some() && facts.total.p999_ns.is_none());
        assert_eq!((facts.issuer.count, facts.issuer.p99_ns), (400, None));
    }

    #[test]
    fn every_scheme_of_the_population_is_told_and_no_other() {
        let shares = "visa=3,jcb=1".parse().unwrap();
        let population = Population::synthetic(1, &members(Some(&shares), 40), 1);
        let mut record = BySchemes::default();
        record.finish(CardScheme::Visa, Outcome::Approved, 2_000_000);
        let facts = schemes(&record, &population);
        let told: Vec<_> = facts
            .iter()
            .map(|facts| (facts.scheme.as_ref(), facts.accounts, facts.response.count))
            .collect();
        assert_eq!(told, [("visa", 30, 1), ("jcb", 10, 0)]);
        assert_eq!(facts[0].counts.approved, 1);
    }
}
