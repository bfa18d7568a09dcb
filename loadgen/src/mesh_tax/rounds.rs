//! Pure: what the blocks of a round come to, and by how much its two ways differ.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::facts::{OtherOutcome, TaxFacts, TaxMetric, TaxRound, TaxSide};
use crate::crew::Measured;
use crate::figures::{count_as_real, share};
use crate::gate::statistics;
use crate::outcome::Outcome;
use crate::recorder::{Record, Times};
use crate::report;

/// How often an interval may leave out the truth.
pub(super) const ERROR: f64 = 0.05;

/// What one way showed in its blocks together: their histograms are added.
pub(super) fn side(blocks: &[&Measured]) -> TaxSide {
    let mut all = Record::new();
    for block in blocks {
        all.merge(&block.record);
    }
    let response = all.headline().response;
    let of = |histogram: Option<&Histogram<u64>>, quantile| {
        histogram.and_then(|histogram| report::percentile(histogram, quantile))
    };
    let timing = all.timing.as_ref();
    let network = timing.map(|timing| &timing.network);
    let decided = all.count_where(Outcome::is_decided);
    TaxSide {
        planned: all.counts.planned,
        sent: all.counts.sent,
        approved: all.count_where(|outcome| outcome == Outcome::Approved),
        declines: named(&all.outcomes, |outcome| {
            matches!(outcome, Outcome::Declined(_))
        }),
        others: named(&all.outcomes, |outcome| {
            !matches!(outcome, Outcome::Approved | Outcome::Declined(_))
        }),
        untimed: timing.map_or(decided, |timing| timing.without + timing.implausible),
        response_p50_ns: of(Some(&response), 0.5),
        response_p99_ns: of(Some(&response), 0.99),
        network_p50_ns: of(network, 0.5),
        network_p99_ns: of(network, 0.99),
        server_p50_ns: of(timing.map(|timing| &timing.total), 0.5),
        server_cpu_ns: cost(blocks, |block| block.server_ns_per_call),
        proxy_cpu_ns: cost(blocks, |block| block.beside_ns_per_call),
    }
}

/// These outcomes by name.
fn named(outcomes: &BTreeMap<Outcome, Times>, is_one: fn(Outcome) -> bool) -> Vec<OtherOutcome> {
    let these = outcomes.iter().filter(|(outcome, _)| is_one(**outcome));
    let counted = these.map(|(outcome, times)| OtherOutcome {
        name: outcome.label(),
        count: times.response.len(),
    });
    counted.filter(|other| other.count > 0).collect()
}

/// Processor time of a call over blocks that all have it.
fn cost(blocks: &[&Measured], each: fn(&Measured) -> Option<u64>) -> Option<f64> {
    let (mut used_ns, mut calls) = (0, 0);
    for block in blocks {
        let sent = block.record.counts.sent;
        used_ns += each(block)?.saturating_mul(sent);
        calls += sent;
    }
    (calls > 0).then(|| share(used_ns, calls))
}

impl TaxMetric {
    /// What a way showed of it.
    pub(super) fn of(self, side: &TaxSide) -> Option<f64> {
        match self {
            Self::ResponseP50 => side.response_p50_ns.map(count_as_real),
            Self::ResponseP99 => side.response_p99_ns.map(count_as_real),
            Self::NetworkP50 => side.network_p50_ns.map(count_as_real),
            Self::NetworkP99 => side.network_p99_ns.map(count_as_real),
            Self::ServerP50 => side.server_p50_ns.map(count_as_real),
            Self::ServerCpu => side.server_cpu_ns,
            Self::ProxyCpu => side.proxy_cpu_ns,
        }
    }

    /// How much more a round has through the proxy; absent if either way lacks it.
    pub(crate) fn difference(self, round: &TaxRound) -> Option<f64> {
        let through = self.of(&round.through)?;
        match self {
            Self::ProxyCpu => Some(through),
            _ => Some(through - self.of(&round.direct)?),
        }
    }
}

/// What the rounds come to; absent if none has it.
pub(super) fn over(rounds: &[TaxRound], metric: TaxMetric) -> Option<TaxFacts> {
    let differences: Vec<f64> = rounds
        .iter()
        .filter_map(|round| metric.difference(round))
        .collect();
    let median = |of: fn(&TaxRound) -> &TaxSide| {
        let values: Vec<f64> = rounds
            .iter()
            .filter(|round| metric.difference(round).is_some())
            .filter_map(|round| metric.of(of(round)))
            .collect();
        statistics::median(&values)
    };
    let interval = statistics::interval(&differences, ERROR);
    Some(TaxFacts {
        metric,
        direct_ns: match metric {
            TaxMetric::ProxyCpu => None,
            _ => median(|round| &round.direct),
        },
        through_ns: median(|round| &round.through),
        estimate_ns: statistics::estimate(&differences)?,
        low_ns: interval.map(|(low, _)| low),
        high_ns: interval.map(|(_, high)| high),
        level: 1.0 - ERROR,
        rounds: differences.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(direct: Option<u64>, through: Option<u64>) -> TaxRound {
        let side = |ns: Option<u64>| TaxSide {
            response_p50_ns: ns,
            proxy_cpu_ns: ns.map(count_as_real),
            ..TaxSide::default()
        };
        TaxRound {
            order: "ABBA".into(),
            direct: side(direct),
            through: side(through),
        }
    }

    #[test]
    fn a_difference_is_of_one_round_and_of_the_proxy_all_of_it() {
        let check = |metric: TaxMetric, direct, through, expected: Option<f64>| {
            assert_eq!(metric.difference(&round(direct, through)), expected);
        };
        check(TaxMetric::ResponseP50, Some(300), Some(500), Some(200.0));
        check(TaxMetric::ResponseP50, Some(500), Some(300), Some(-200.0));
        check(TaxMetric::ResponseP50, None, Some(300), None);
        check(TaxMetric::ResponseP50, Some(300), None, None);
        check(TaxMetric::ProxyCpu, Some(300), Some(500), Some(500.0));
        check(TaxMetric::ProxyCpu, None, Some(500), Some(500.0));
        check(TaxMetric::NetworkP50, Some(300), Some(500), None);
    }

    #[test]
    fn six_rounds_are_the_fewest_with_an_interval() {
        // By how much each round differs; estimate; interval.
        let check = |differences: &[u64], estimate: f64, interval: Option<(f64, f64)>| {
            let rounds: Vec<TaxRound> = differences
                .iter()
                .map(|more| round(Some(1_000), Some(1_000 + more)))
                .collect();
            let facts = over(&rounds, TaxMetric::ResponseP50).unwrap();
            assert!((facts.estimate_ns - estimate).abs() < 1e-9, "{facts:?}");
            assert_eq!(facts.interval(), interval);
            assert_eq!(facts.rounds, differences.len());
        };
        check(&[10], 10.0, None);
        check(&[10, 20, 30, 40, 50], 30.0, None);
        check(&[10, 20, 30, 40, 50, 60], 35.0, Some((10.0, 60.0)));
        // A wild round moves neither far.
        check(
            &[20, 20, 20, 20, 20, 20, 20, 9_000],
            20.0,
            Some((20.0, 4_510.0)),
        );
    }

    #[test]
    fn a_round_that_lacks_a_figure_is_in_no_part_of_it() {
        let rounds = [
            round(Some(100), Some(150)),
            round(Some(9_000), None),
            round(Some(100), Some(170)),
        ];
        let facts = over(&rounds, TaxMetric::ResponseP50).unwrap();
        assert_eq!((facts.rounds, facts.estimate_ns), (2, 60.0));
        assert_eq!(
            (facts.direct_ns, facts.through_ns),
            (Some(100.0), Some(160.0))
        );
        let proxy = over(&rounds, TaxMetric::ProxyCpu).unwrap();
        assert_eq!((proxy.direct_ns, proxy.through_ns), (None, Some(160.0)));
        assert_eq!(over(&rounds, TaxMetric::ServerCpu), None);
        assert_eq!(over(&[], TaxMetric::ResponseP50), None);
    }
}
