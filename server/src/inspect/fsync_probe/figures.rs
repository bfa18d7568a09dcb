//! What was measured, as figures.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::inspect::percentiles::Percentiles;
use crate::inspect::text;

/// All of a probe.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) folder: String,
    pub(super) sizes: Vec<Figures>,
    /// It was stopped before its end.
    pub(super) interrupted: bool,
}

/// The commits of one size.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) bytes: usize,
    pub(super) syncs: u64,
    pub(super) measured_ns: u64,
    pub(super) syncs_per_second: Option<u64>,
    #[serde(flatten)]
    pub(super) percentiles: Percentiles,
    pub(super) histogram: Vec<Span>,
}

/// How many lay in a span of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Span {
    /// Longer than this.
    pub(super) from_ns: u64,
    /// And not longer than this.
    pub(super) to_ns: u64,
    pub(super) count: u64,
}

impl Figures {
    pub(super) fn of(bytes: usize, histogram: &Histogram<u64>, took: Duration) -> Self {
        let syncs = histogram.len();
        let measured_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        Self {
            bytes,
            syncs,
            measured_ns,
            syncs_per_second: text::per_second(syncs, measured_ns),
            percentiles: Percentiles::of(histogram),
            histogram: spans(histogram),
        }
    }
}

/// Cuts a distribution at 1, 2 and 5 times each power of ten, from the first span that holds
/// anything to the last. A sample on a cut belongs to the span that ends there.
fn spans(histogram: &Histogram<u64>) -> Vec<Span> {
    let mut samples = histogram.iter_recorded().peekable();
    let mut spans: Vec<Span> = Vec::new();
    let mut from_ns = 0;
    // 1 µs, 2 µs, 5 µs and so on to 500 s.
    for to_ns in (3..12).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power))) {
        if samples.peek().is_none() {
            break;
        }
        let lowest = |value| histogram.lowest_equivalent(value);
        let mut count = 0;
        while let Some(sample) =
            samples.next_if(|sample| lowest(sample.value_iterated_to()) <= to_ns)
        {
            count += sample.count_at_value();
        }
        if count > 0 || !spans.is_empty() {
            spans.push(Span {
                from_ns,
                to_ns,
                count,
            });
        }
        from_ns = to_ns;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_so_many(count: u64) -> Figures {
        let mut histogram = Histogram::new_with_bounds(1_000, 100_000_000_000, 3).unwrap();
        for place in 1..=count {
            histogram.saturating_record(place * 1_000_000);
        }
        Figures::of(512, &histogram, Duration::from_secs(1))
    }

    #[test]
    fn a_percentile_needs_the_samples_that_support_it() {
        let known = |count| {
            let cells = of_so_many(count).percentiles.cells();
            cells.iter().filter(|cell| *cell != "-").count()
        };
        for (count, expected) in [(0, 0), (1, 1), (6, 1), (7, 2), (44, 3), (458, 3), (459, 4)] {
            assert_eq!(known(count), expected, "{count}");
        }
        assert_eq!((known(4_602), known(4_603)), (4, 5));
    }

    #[test]
    fn every_sample_is_in_one_span() {
        let spans = of_so_many(10).histogram;
        let told: Vec<_> = spans
            .iter()
            .map(|span| (span.to_ns / 1_000_000, span.count))
            .collect();
        assert_eq!(told, [(1, 1), (2, 1), (5, 3), (10, 5)]);
    }
}
