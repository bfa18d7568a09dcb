//! A picture of a distribution that needs no more than letters.

use hdrhistogram::Histogram;

use super::Span;
use crate::figures::{count_as_real, real_as_count};

/// Cuts a distribution at 1, 2 and 5 times each power of ten, from the first span that holds
/// anything to the last. A sample on a cut belongs to the span that ends there.
pub(crate) fn spans(histogram: &Histogram<u64>) -> Vec<Span> {
    let mut samples = histogram.iter_recorded().peekable();
    let mut spans: Vec<Span> = Vec::new();
    let mut from_ns = 0;
    for to_ns in edges() {
        if samples.peek().is_none() {
            break;
        }
        let mut count = 0;
        while let Some(sample) = samples
            .next_if(|sample| histogram.lowest_equivalent(sample.value_iterated_to()) <= to_ns)
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

/// 1 µs, 2 µs, 5 µs and so on to 100 s.
fn edges() -> impl Iterator<Item = u64> {
    (3..12).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)))
}

/// One bar for each span, the longest `width` letters wide.
pub(crate) fn bars(spans: &[Span], width: u64) -> Vec<String> {
    let most = spans
        .iter()
        .map(|span| span.count)
        .max()
        .unwrap_or(0)
        .max(1);
    spans
        .iter()
        .map(|span| {
            let exact = count_as_real(span.count * width) / count_as_real(most);
            let length = real_as_count(exact.ceil()).min(width);
            "#".repeat(usize::try_from(length).unwrap_or(0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Times;

    #[test]
    fn every_sample_is_in_one_span() {
        let mut histogram = Times::new().response;
        for value in [
            1,
            900,
            1_500,
            70_000,
            70_001,
            3_000_000,
            50_000_000_000,
            60_000_000_000,
        ] {
            histogram.saturating_record(value);
        }
        let spans = spans(&histogram);
        assert_eq!(spans.iter().map(|span| span.count).sum::<u64>(), 8);
        assert_eq!(spans[0].count, 2);
    }

    #[test]
    fn even_one_sample_is_seen() {
        let span = |count| Span {
            from_ns: 0,
            to_ns: 1,
            count,
        };
        let bars = bars(&[span(1_000_000), span(1), span(0)], 40);
        assert_eq!(bars.iter().map(String::len).collect::<Vec<_>>(), [40, 1, 0]);
    }
}
