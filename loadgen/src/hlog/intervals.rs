//! Samples by interval and tag, small enough to keep while a run goes on.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Ending, Tag, Which, codec};
use crate::clock::SECOND_NS;
use crate::recorder::{Times, histogram};

/// The most intervals that are kept. One is about 2 kB for each tag.
pub(crate) const MOST_INTERVALS: u64 = 600;

/// Histograms by interval, counted from the beginning of the measured part, and by tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intervals {
    length_ns: u64,
    /// As in a file, where they take about a hundredth of what they take in memory.
    packed: BTreeMap<(u64, Tag), Vec<u8>>,
}

impl Intervals {
    /// None yet, of a second or of twice, four times and so on as much, so that a measured part of
    /// this length has at most [`MOST_INTERVALS`].
    pub(crate) fn for_length(length_ns: u64) -> Self {
        let mut length = SECOND_NS;
        while length_ns.div_ceil(length) > MOST_INTERVALS {
            length = length.saturating_mul(2);
        }
        Self::of(length)
    }

    /// None yet, of this length in nanoseconds.
    pub(crate) fn of(length_ns: u64) -> Self {
        Self {
            length_ns: length_ns.max(1),
            packed: BTreeMap::new(),
        }
    }

    /// The length of one, in nanoseconds.
    pub(crate) fn length_ns(&self) -> u64 {
        self.length_ns
    }

    /// How many histograms there are.
    pub(crate) fn len(&self) -> usize {
        self.packed.len()
    }

    /// Every histogram as bytes, with its interval and its tag, in order.
    pub(crate) fn packed(&self) -> impl Iterator<Item = (u64, &Tag, &[u8])> {
        self.packed
            .iter()
            .map(|((place, tag), bytes)| (*place, tag, bytes.as_slice()))
    }

    /// Every histogram, with its interval and its tag, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &Tag, Histogram<u64>)> {
        self.packed()
            .map(|(place, tag, bytes)| (place, tag, unpacked(bytes)))
    }

    /// Adds what was measured in the interval that began so many nanoseconds after the first.
    pub(crate) fn add(&mut self, since_ns: u64, tag: Tag, more: &Histogram<u64>) {
        if more.is_empty() {
            return;
        }
        while since_ns / self.length_ns >= MOST_INTERVALS {
            self.join();
        }
        let place = since_ns / self.length_ns;
        add_to(&mut self.packed, (place, tag), more);
    }

    /// Adds all that another log has, interval by interval.
    pub(crate) fn merge(&mut self, other: &Self) {
        while self.length_ns < other.length_ns {
            self.join();
        }
        for (place, tag, histogram) in other.all() {
            let since_ns = place.saturating_mul(other.length_ns);
            self.add(since_ns, tag.clone(), &histogram);
        }
    }

    /// All intervals together: the times of each ending.
    pub(crate) fn sums(&self) -> BTreeMap<Ending, Times> {
        let mut sums: BTreeMap<Ending, Times> = BTreeMap::new();
        for (_, tag, more) in self.all() {
            let times = sums.entry(tag.ending.clone()).or_insert_with(Times::new);
            // Adding fails only for values out of range, and all have the same range.
            let _ = tag.which.of_mut(times).add(more);
        }
        sums
    }

    /// The response times without those of errors, one histogram after the other, each with when
    /// its interval began, in nanoseconds after the first.
    pub(crate) fn responses(&self) -> impl Iterator<Item = (u64, Histogram<u64>)> {
        let packed = self.packed_responses();
        packed.map(|(since_ns, bytes)| (since_ns, unpacked(bytes)))
    }

    /// When the intervals of [`Intervals::responses`] began: nothing is unpacked.
    pub(crate) fn response_places(&self) -> impl Iterator<Item = u64> {
        self.packed_responses().map(|(since_ns, _)| since_ns)
    }

    fn packed_responses(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.packed()
            .filter(|(_, tag, _)| tag.which == Which::Response && !tag.ending.is_error())
            .map(|(place, _, bytes)| (place.saturating_mul(self.length_ns), bytes))
    }

    /// Makes one interval of each two.
    fn join(&mut self) {
        self.length_ns = self.length_ns.saturating_mul(2);
        for ((place, tag), bytes) in std::mem::take(&mut self.packed) {
            add_to(&mut self.packed, (place / 2, tag), &unpacked(&bytes));
        }
    }
}

fn add_to(packed: &mut BTreeMap<(u64, Tag), Vec<u8>>, key: (u64, Tag), more: &Histogram<u64>) {
    let mut sum = packed
        .get(&key)
        .map_or_else(histogram, |bytes| unpacked(bytes));
    let _ = sum.add(more);
    packed.insert(key, codec::encode(&sum));
}

/// Only what [`codec`] wrote or has read before is kept, so that it can be read.
fn unpacked(bytes: &[u8]) -> Histogram<u64> {
    codec::decode(bytes).unwrap_or_else(|_| histogram())
}
