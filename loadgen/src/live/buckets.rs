//! Pure: times in buckets that grow with them, sixteen to each doubling.

/// Buckets to a doubling, as a power of two.
const FINE: u32 = 4;

/// Times from here on, in nanoseconds, share the last bucket: 68 s.
const MOST_NS: u64 = (1 << 36) - 1;

/// How many buckets there are.
pub(super) const BUCKETS: usize = place_of(MOST_NS) + 1;

/// Which bucket a time of so many nanoseconds is in.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the exponent is at most 35 and the place below the number of buckets"
)]
pub(super) const fn place_of(ns: u64) -> usize {
    let ns = if ns > MOST_NS { MOST_NS } else { ns };
    if ns < 1 << FINE {
        return ns as usize;
    }
    let shift = ns.ilog2() - FINE;
    ((shift as usize) << FINE) + (ns >> shift) as usize
}

/// The middle of a bucket, in nanoseconds.
fn middle_of(place: usize) -> u64 {
    let place = place as u64;
    if place < 2 << FINE {
        return place;
    }
    let shift = (place >> FINE) - 1;
    let lowest = (place - (shift << FINE)) << shift;
    lowest + (1 << shift) / 2
}

/// How many times are in which bucket.
#[derive(Clone, Debug)]
pub(crate) struct Spread(pub(super) Box<[u64; BUCKETS]>);

impl Default for Spread {
    fn default() -> Self {
        Self(Box::new([0; BUCKETS]))
    }
}

impl Spread {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What came since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        for (count, before) in since.0.iter_mut().zip(earlier.0.iter()) {
            *count = count.saturating_sub(*before);
        }
        since
    }

    /// The median, in nanoseconds and within 4 %; `None` if there is no sample.
    pub(crate) fn p50(&self) -> Option<u64> {
        self.at(50)
    }

    /// The 99th percentile likewise; `None` unless there are enough samples for it.
    pub(crate) fn p99(&self) -> Option<u64> {
        if !crate::samples::supports(self.len(), 0.99) {
            return None;
        }
        self.at(99)
    }

    /// Where so many of a hundred are reached.
    fn at(&self, percent: u64) -> Option<u64> {
        let rank = self.len().saturating_mul(percent).div_ceil(100).max(1);
        let mut below = 0;
        for (place, count) in self.0.iter().enumerate() {
            below += count;
            if below >= rank {
                return Some(middle_of(place));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_middle_and_is_narrow() {
        for place in 0..BUCKETS {
            assert_eq!(place_of(middle_of(place)), place);
        }
        for ns in [0, 1, 15, 16, 31, 32, 33, 1_000, 123_456_789, MOST_NS] {
            let middle = middle_of(place_of(ns));
            assert!(middle.abs_diff(ns) * 32 <= ns, "{ns} is told as {middle}");
        }
    }

    #[test]
    fn longer_times_are_never_in_earlier_buckets() {
        let places: Vec<usize> = (0..100_000).map(|ns| place_of(ns * 7)).collect();
        assert!(places.is_sorted());
        assert_eq!(place_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_of_the_samples_and_need_enough_of_them() {
        let spread_of = |times: &[(u64, u64)]| {
            let mut spread = Spread::default();
            for (ns, count) in times {
                spread.0[place_of(*ns)] += count;
            }
            spread
        };
        let near = |told: Option<u64>, ns: u64| {
            let told = told.unwrap();
            assert!(told.abs_diff(ns) * 25 <= ns, "{told} is not about {ns}");
        };
        assert_eq!(spread_of(&[]).p50(), None);
        assert_eq!(spread_of(&[(1_000, 458)]).p99(), None);
        near(spread_of(&[(1_000, 458)]).p50(), 1_000);
        near(spread_of(&[(1_000, 459)]).p99(), 1_000);
        let mixed = spread_of(&[(1_000_000, 980), (50_000_000, 20)]);
        near(mixed.p50(), 1_000_000);
        near(mixed.p99(), 50_000_000);
    }
}
