//! Percentiles of what was timed, as far as there are samples for them.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::text::time;

/// In nanoseconds. One is absent if there are too few samples for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Percentiles {
    #[serde(rename = "p50_ns")]
    pub(super) p50: Option<u64>,
    #[serde(rename = "p90_ns")]
    pub(super) p90: Option<u64>,
    #[serde(rename = "p99_ns")]
    pub(super) p99: Option<u64>,
    #[serde(rename = "p99.9_ns")]
    pub(super) p999: Option<u64>,
    #[serde(rename = "max_ns")]
    pub(super) max: Option<u64>,
}

impl Percentiles {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let samples = histogram.len();
        // So many samples that with a confidence of 99 % at least one of them lies beyond the
        // percentile: ln 0.01 / ln quantile.
        let percentile = |quantile, needed| {
            let enough = samples >= needed;
            enough.then(|| histogram.value_at_quantile(quantile))
        };
        Self {
            p50: percentile(0.5, 7),
            p90: percentile(0.9, 44),
            p99: percentile(0.99, 459),
            p999: percentile(0.999, 4_603),
            max: (samples > 0).then_some(histogram.max()),
        }
    }

    /// As the columns of a table, in this order.
    pub(super) fn cells(&self) -> [String; 5] {
        let Self {
            p50,
            p90,
            p99,
            p999,
            max,
        } = *self;
        [p50, p90, p99, p999, max].map(|column| column.map_or_else(|| "-".to_owned(), time))
    }
}
