use hdrhistogram::Histogram;

use super::*;
use crate::recorder::Times;

fn of_so_many(count: u64) -> Histogram<u64> {
    let mut histogram = Times::new().response;
    for value in 1..=count {
        histogram.saturating_record(value * 1_000);
    }
    histogram
}

#[test]
fn a_percentile_needs_the_samples_that_support_it() {
    let check = |quantile, count| {
        assert_eq!(percentile(&of_so_many(count - 1), quantile), None);
        assert!(percentile(&of_so_many(count), quantile).is_some());
    };
    check(0.99, 459);
    check(0.999, 4_603);
    check(0.9999, 46_050);
    check(0.9, 44);
    check(0.5, 7);
}

#[test]
fn nothing_measured_has_no_figures() {
    let facts = TimeFacts::of(&of_so_many(0));
    assert_eq!((facts.count, facts.max_ns, facts.p50_ns), (0, None, None));
}
