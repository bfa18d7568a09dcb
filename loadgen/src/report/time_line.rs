//! What happened when, as facts.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::percentile;
use crate::time_line::{MOST_SLICES, Slice, Tally, TimeLine};

/// The measured part in slices. Every request stands in the slice in which it was due.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TimeLineFacts {
    /// The length of a slice; the last may be up to half longer or shorter.
    pub(crate) slice_ns: u64,
    /// From the beginning of the measured part to its end, without a gap; at most 120.
    pub(crate) slices: Vec<SliceFacts>,
}

/// What became of the requests that were due in one slice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SliceFacts {
    /// From here on, after the beginning of the measured part.
    pub(crate) from_ns: u64,
    /// And before here.
    pub(crate) to_ns: u64,
    /// How many of what.
    pub(crate) counts: Tally,
    /// How fast.
    pub(crate) response: SliceTimes,
    /// How late the generator sent them; without samples where it was not kept.
    #[serde(default)]
    pub(crate) lag: SliceTimes,
}

/// From due to done, or from due to sent, of the requests of one slice that the headline is of. A
/// percentile is absent if there are too few samples for it; its resolution is 1 %.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SliceTimes {
    /// Samples.
    pub(crate) count: u64,
    /// Half were not longer.
    pub(crate) p50_ns: Option<u64>,
    /// 99 in a hundred were not longer.
    pub(crate) p99_ns: Option<u64>,
    /// The longest.
    pub(crate) max_ns: Option<u64>,
}

/// The facts of a measured part of this length. What is left over at its end is a slice of its own
/// from half a slice on, and belongs to the last whole one below.
pub(crate) fn of(line: &TimeLine, length_ns: u64) -> TimeLineFacts {
    let slice_ns = line.slice_ns();
    let whole = (length_ns / slice_ns) + u64::from(length_ns % slice_ns >= slice_ns / 2);
    let least = usize::from(length_ns > 0 || !line.slices().is_empty());
    let count = usize::try_from(whole)
        .unwrap_or(MOST_SLICES)
        .clamp(least, MOST_SLICES);
    let slices = (0..count)
        .map(|place| {
            let is_last = place + 1 == count;
            let end = if is_last { usize::MAX } else { place + 1 };
            let from_ns = slice_ns.saturating_mul(place as u64);
            let to_ns = if is_last {
                length_ns.max(from_ns)
            } else {
                from_ns.saturating_add(slice_ns)
            };
            let end = end.min(line.slices().len());
            let sum = Slice::sum(line.slices().get(place..end).unwrap_or_default());
            facts(&sum, from_ns, to_ns)
        })
        .collect();
    TimeLineFacts { slice_ns, slices }
}

fn facts(slice: &Slice, from_ns: u64, to_ns: u64) -> SliceFacts {
    SliceFacts {
        from_ns,
        to_ns,
        counts: slice.tally,
        response: times(&slice.response, slice.longest_ns),
        lag: times(&slice.lag, slice.longest_lag_ns),
    }
}

fn times(histogram: &Histogram<u64>, longest_ns: u64) -> SliceTimes {
    // A histogram tells the upper end of what it cannot tell apart.
    let bounded = |ns: u64| ns.min(longest_ns);
    SliceTimes {
        count: histogram.len(),
        p50_ns: percentile(histogram, 0.5).map(bounded),
        p99_ns: percentile(histogram, 0.99).map(bounded),
        max_ns: (!histogram.is_empty()).then_some(longest_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;
    use crate::outcome::Outcome;
    use crate::recorder::Sample;

    /// Ten requests a second.
    fn line(tenths_of_seconds: u64) -> TimeLine {
        let mut line = TimeLine::new();
        for number in 0..tenths_of_seconds {
            let due_ns = number * SECOND_NS / 10;
            let sample = Sample {
                due_ns,
                sent_ns: due_ns + 30_000,
                done_ns: due_ns + 2_000_000,
            };
            line.finish(Outcome::Approved, due_ns, sample);
        }
        line
    }

    #[test]
    fn slices_cover_the_measured_part_and_lose_no_request() {
        let check = |tenths: u64, length_ns: u64, expected: &[u64]| {
            let facts = of(&line(tenths), length_ns);
            let due: Vec<u64> = facts
                .slices
                .iter()
                .map(|slice| slice.counts.due())
                .collect();
            assert_eq!(due, expected, "{tenths} in {length_ns} ns");
            assert!(facts.slices.is_sorted_by(|a, b| a.to_ns == b.from_ns));
            if let Some(last) = facts.slices.last() {
                assert_eq!(last.to_ns, length_ns.max(last.from_ns));
            }
        };
        check(0, 0, &[]);
        check(0, 2 * SECOND_NS, &[0, 0]);
        check(3, 300_000_000, &[3]);
        check(20, 2 * SECOND_NS, &[10, 10]);
        check(22, 2_200_000_000, &[10, 12]);
        check(27, 2_700_000_000, &[10, 10, 7]);
        // The last was due a little after what was measured as the end.
        check(21, 1_999_999_000, &[10, 11]);
        check(1, 0, &[1]);
    }

    #[test]
    fn a_slice_with_few_samples_has_no_p99() {
        let slice = of(&line(10), SECOND_NS).slices[0];
        for (times, ns) in [(slice.response, 2_000_000), (slice.lag, 30_000)] {
            assert_eq!((times.count, times.p99_ns), (10, None));
            assert_eq!(times.p50_ns, Some(ns));
            assert_eq!(times.max_ns, Some(ns));
        }
    }
}
