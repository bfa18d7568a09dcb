//! Pure: how many requests are expected by an instant, and by which instant so many are.
//!
//! A curve is the integral of a rate that is constant or straight piece by piece, and its inverse.
//! Both are exact: expected requests are whole numbers of 0.5 × 10⁻¹², which is what a rate in
//! thousandths a second and a time in nanoseconds make, halved so that the area under a slope is
//! whole too.

use std::num::NonZeroU64;

use super::Rate;
use crate::figures::{real_as_count, wide_as_real};

/// What one expected request counts on a curve.
pub(crate) const REQUEST: u128 = 2_000_000_000_000;

/// A stretch of time in which the rate is constant or changes evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its length, in nanoseconds.
    pub(crate) length_ns: NonZeroU64,
    /// The rate at its beginning.
    pub(crate) from: Rate,
    /// The rate at its end.
    pub(crate) to: Rate,
}

/// How a rate goes on after its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// As it ended, without end.
    Holds,
    /// The same pieces again and again.
    Repeats,
}

/// Expected requests over time.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// The time before the pieces begin, at `lead_rate`.
    lead_ns: u64,
    lead_rate: Rate,
    /// Never empty.
    placed: Vec<Placed>,
    /// Length and expected requests of all pieces; nothing if they do not repeat.
    round: Option<(u64, u128)>,
}

/// A piece in its place, from the beginning of the first one.
#[derive(Clone, Copy, Debug)]
struct Placed {
    start_ns: u64,
    /// Expected requests before it.
    start: u128,
    piece: Piece,
}

/// A piece that goes on for longer than any run.
const FOR_EVER_NS: NonZeroU64 = NonZeroU64::MAX;

impl Curve {
    /// The same rate always.
    pub(crate) fn steady(rate: Rate) -> Self {
        Self::new(0, rate, &[], After::Holds)
    }

    /// The first rate for `lead_ns`, and then the pieces. Without pieces it is `otherwise` always.
    pub(crate) fn new(lead_ns: u64, otherwise: Rate, pieces: &[Piece], after: After) -> Self {
        let first = pieces.first().map_or(otherwise, |piece| piece.from);
        let mut placed = Vec::with_capacity(pieces.len() + 1);
        let (mut start_ns, mut start) = (0_u64, 0_u128);
        for &piece in pieces {
            placed.push(Placed {
                start_ns,
                start,
                piece,
            });
            start_ns = start_ns.saturating_add(piece.length_ns.get());
            start = start.saturating_add(piece.area());
        }
        let repeats = after == After::Repeats && !pieces.is_empty();
        if !repeats {
            let rate = pieces.last().map_or(first, |piece| piece.to);
            placed.push(Placed {
                start_ns,
                start,
                piece: Piece {
                    length_ns: FOR_EVER_NS,
                    from: rate,
                    to: rate,
                },
            });
        }
        Self {
            lead_ns,
            lead_rate: first,
            placed,
            round: repeats.then_some((start_ns, start)),
        }
    }

    /// What is expected before an instant, in parts of [`REQUEST`], rounded up.
    pub(crate) fn area_before(&self, instant_ns: u64) -> u128 {
        let Some(since_ns) = instant_ns.checked_sub(self.lead_ns) else {
            return self.lead_rate.doubled().saturating_mul(instant_ns.into());
        };
        let (rounds, rest_ns) = match self.round {
            Some((length_ns, area)) => (
                area.saturating_mul((since_ns / length_ns).into()),
                since_ns % length_ns,
            ),
            None => (0, since_ns),
        };
        let inside = self.placed_at(rest_ns).map_or(0, |placed| {
            let area = placed.piece.area_within(rest_ns - placed.start_ns);
            placed.start.saturating_add(area)
        });
        self.lead_area()
            .saturating_add(rounds)
            .saturating_add(inside)
    }

    /// Requests expected before an instant, rounded up.
    pub(crate) fn expected_before(&self, instant_ns: u64) -> u64 {
        let count = self.area_before(instant_ns).div_ceil(REQUEST);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// The last instant before which no more is expected than `area`, in parts of [`REQUEST`].
    pub(crate) fn instant_of(&self, area: u128) -> u64 {
        let Some(since) = area.checked_sub(self.lead_area()) else {
            return narrow(area / self.lead_rate.doubled());
        };
        let (rounds_ns, rest) = match self.round {
            Some((length_ns, area)) => (since / area * u128::from(length_ns), since % area),
            None => (0, since),
        };
        let after = self.placed.partition_point(|placed| placed.start <= rest);
        let inside_ns = after
            .checked_sub(1)
            .and_then(|place| self.placed.get(place))
            .map_or(0, |placed| {
                placed
                    .start_ns
                    .saturating_add(placed.piece.offset_of(rest - placed.start))
            });
        narrow(rounds_ns)
            .saturating_add(self.lead_ns)
            .saturating_add(inside_ns)
    }

    /// Until when the rate stays what it is at an instant; `None` if it is changing there.
    pub(crate) fn even_until(&self, instant_ns: u64) -> Option<u64> {
        let Some(since_ns) = instant_ns.checked_sub(self.lead_ns) else {
            return Some(self.lead_ns);
        };
        let rest_ns = match self.round {
            Some((length_ns, _)) => since_ns % length_ns,
            None => since_ns,
        };
        let placed = self.placed_at(rest_ns)?;
        let end_ns = placed
            .start_ns
            .saturating_add(placed.piece.length_ns.get())
            .saturating_add(instant_ns - rest_ns);
        (placed.piece.from == placed.piece.to).then_some(end_ns)
    }

    fn placed_at(&self, since_ns: u64) -> Option<&Placed> {
        let after = self
            .placed
            .partition_point(|placed| placed.start_ns <= since_ns);
        self.placed.get(after.checked_sub(1)?)
    }

    fn lead_area(&self) -> u128 {
        self.lead_rate.doubled().saturating_mul(self.lead_ns.into())
    }
}

impl Piece {
    /// What is expected in all of it.
    fn area(&self) -> u128 {
        let both = u128::from(self.from.thousandths()) + u128::from(self.to.thousandths());
        both.saturating_mul(self.length_ns.get().into())
    }

    /// What is expected in its first `offset_ns`, rounded up.
    fn area_within(&self, offset_ns: u64) -> u128 {
        if self.from == self.to {
            return self.from.doubled().saturating_mul(offset_ns.into());
        }
        self.area_by_length(offset_ns)
            .div_ceil(self.length_ns.get().into())
    }

    /// That, times the piece's length: with x for the offset and L for the length, the area under
    /// the slope from a to b is (2aLx + (b − a)x²) / L, and this is its numerator.
    fn area_by_length(&self, offset_ns: u64) -> u128 {
        let (from, to) = (self.from.thousandths(), self.to.thousandths());
        let offset = u128::from(offset_ns);
        let even = self
            .from
            .doubled()
            .saturating_mul(self.length_ns.get().into())
            .saturating_mul(offset);
        let slope = u128::from(from.abs_diff(to))
            .saturating_mul(offset)
            .saturating_mul(offset);
        if from < to {
            even.saturating_add(slope)
        } else {
            even.saturating_sub(slope)
        }
    }

    /// The largest offset before which no more is expected than `area`, which is less than the
    /// area of all of it. The real numbers only tell where to begin to look.
    fn offset_of(&self, area: u128) -> u64 {
        if self.from == self.to {
            return narrow(area / self.from.doubled());
        }
        let length_ns = self.length_ns.get();
        let bound = area.saturating_mul(length_ns.into());
        let holds = |offset_ns: u64| self.area_by_length(offset_ns) <= bound;
        let guess_ns = self.guess(area).min(length_ns);
        let mut step_ns = 2;
        let mut low_ns = guess_ns.saturating_sub(1);
        while !holds(low_ns) {
            low_ns = low_ns.saturating_sub(step_ns);
            step_ns *= 4;
        }
        let mut high_ns = guess_ns + 2;
        while high_ns < length_ns && holds(high_ns) {
            (low_ns, high_ns) = (high_ns, high_ns.saturating_add(step_ns));
            step_ns *= 4;
        }
        // The end of the piece never holds.
        high_ns = high_ns.min(length_ns);
        while high_ns - low_ns > 1 {
            let middle_ns = low_ns.midpoint(high_ns);
            if holds(middle_ns) {
                low_ns = middle_ns;
            } else {
                high_ns = middle_ns;
            }
        }
        low_ns
    }

    /// About where `area` is reached: the root of the parabola, in the form that loses nothing
    /// where the slope is small.
    fn guess(&self, area: u128) -> u64 {
        let real = |number: u64| wide_as_real(number.into());
        let (from, to) = (real(self.from.thousandths()), real(self.to.thousandths()));
        let area = wide_as_real(area);
        let under_root = from * from + (to - from) * area / real(self.length_ns.get());
        real_as_count(area / (from + under_root.max(0.0).sqrt()))
    }
}

/// What does not fit is later than any instant.
fn narrow(instant_ns: u128) -> u64 {
    u64::try_from(instant_ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::SECOND_NS;

    fn piece(length_ns: u64, from: u64, to: u64) -> Piece {
        Piece {
            length_ns: NonZeroU64::new(length_ns).unwrap(),
            from: Rate::from_thousandths(from).unwrap(),
            to: Rate::from_thousandths(to).unwrap(),
        }
    }

    fn check_inverse(curve: &Curve, area: u128) {
        let instant_ns = curve.instant_of(area);
        assert!(curve.area_before(instant_ns) <= area, "{area} {curve:?}");
        assert!(curve.area_before(instant_ns + 1) > area, "{area} {curve:?}");
    }

    proptest! {
        #[test]
        fn instant_and_area_are_each_other_s_inverse(
            lead_ns in 0..10 * SECOND_NS,
            pieces in prop::collection::vec(
                (1..100 * SECOND_NS, 1..10_000_000_u64, 1..10_000_000_u64), 0..6),
            repeats in any::<bool>(),
            permille in 0..3_000_u64,
            odd in 0..REQUEST,
        ) {
            let pieces: Vec<Piece> = pieces.iter().map(|&(l, a, b)| piece(l, a, b)).collect();
            let after = if repeats { After::Repeats } else { After::Holds };
            let curve = Curve::new(lead_ns, Rate::from_thousandths(7).unwrap(), &pieces, after);
            let all: u128 = pieces.iter().map(Piece::area).sum();
            check_inverse(&curve, all * u128::from(permille) / 1_000 + odd);
        }
    }

    #[test]
    fn the_steepest_and_the_longest_are_inverted_too() {
        let week_ns = 7 * 24 * 3_600 * SECOND_NS;
        for (length_ns, from, to) in [
            (week_ns, 1, 30_000_000),
            (week_ns, 30_000_000, 1),
            (SECOND_NS, 10_000_000_000, 1),
            (1, 1, 10_000_000_000),
            (2, 10_000_000_000, 1),
        ] {
            let whole = piece(length_ns, from, to);
            let curve = Curve::new(0, whole.from, &[whole], After::Holds);
            for part in 0..1_000 {
                check_inverse(&curve, whole.area() * part / 999);
                check_inverse(&curve, (whole.area() * part / 999).saturating_sub(1));
            }
        }
    }

    #[test]
    fn a_slope_expects_the_mean_of_its_ends() {
        let slope = piece(10 * SECOND_NS, 100_000, 300_000);
        let curve = Curve::new(5 * SECOND_NS, slope.from, &[slope], After::Holds);
        // 500 while it leads, 1,000 + 25 × 10 after half of the slope, 2,000 over it, then 300/s.
        for (seconds, expected) in [(5, 500), (10, 1_250), (15, 2_500), (17, 3_100)] {
            assert_eq!(curve.expected_before(seconds * SECOND_NS), expected);
            assert_eq!(
                curve.instant_of(u128::from(expected) * REQUEST),
                seconds * SECOND_NS
            );
        }
    }

    #[test]
    fn a_curve_knows_where_its_rate_does_not_change() {
        let pieces = [
            piece(2 * SECOND_NS, 1_000, 1_000),
            piece(SECOND_NS, 1_000, 2_000),
        ];
        let curve = Curve::new(SECOND_NS, pieces[0].from, &pieces, After::Repeats);
        let check = |at_ms: u64, until_s: Option<u64>| {
            let until = curve.even_until(at_ms * 1_000_000);
            assert_eq!(until, until_s.map(|s| s * SECOND_NS), "at {at_ms} ms");
        };
        check(0, Some(1));
        check(999, Some(1));
        check(1_000, Some(3));
        check(3_500, None);
        check(4_000, Some(6));
        check(6_999, None);
        check(8_000, Some(9));
        assert_eq!(Curve::steady(pieces[0].from).even_until(0), Some(u64::MAX));
    }
}
