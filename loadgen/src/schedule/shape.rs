//! Pure: how the rate goes over the measured part of a run.
//!
//! A level is a number of requests a second, or a multiple of the run's rate such as `1.5x`, so that
//! a shape can be scaled as a whole.

use std::f64::consts::TAU;
use std::num::NonZeroU64;
use std::time::Duration;

use super::Rate;
use super::curve::{After, Curve, Piece};
use crate::clock::duration_ns;
use crate::figures::{count_as_real, real_as_count};

/// The most requests a second.
pub(crate) const MOST_A_SECOND: u64 = 10_000_000;

/// Straight pieces that stand for one period of a sine, a quarter of an hour of a day each: nowhere
/// further from it than 0.03 % of the difference between low and high.
const SINE_PIECES: u64 = 96;

/// A rate, or a multiple of the run's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// So many requests a second.
    PerSecond(Rate),
    /// So many thousandths of the run's rate.
    Times(u64),
}

/// How the rate goes over the measured part. Before it, while warming up, the shape's first rate
/// holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum RateShape {
    /// The run's rate, always.
    #[default]
    Steady,
    /// From one level to another, evenly over the measured part.
    Ramp(Level, Level),
    /// One level after the other, each for its time; the last one holds.
    Step(Vec<(Level, Duration)>),
    /// A level, and at the end of every period another one.
    Burst {
        /// Between bursts.
        base: Level,
        /// In them.
        peak: Level,
        /// How long a burst is: less than the period.
        length: Duration,
        /// From the end of one to the end of the next.
        period: Duration,
    },
    /// A sine that begins at its low, in short straight pieces.
    Diurnal {
        /// The least.
        low: Level,
        /// The most.
        high: Level,
        /// From low to low; the measured part if it is not given.
        period: Option<Duration>,
    },
}

/// When a shape is to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// How long the first rate holds before the shape begins.
    pub(crate) lead: Duration,
    /// How long the shape is.
    pub(crate) measured: Duration,
}

impl RateShape {
    /// Whether the run's rate has any bearing on it.
    pub(crate) fn uses_rate(&self) -> bool {
        *self == Self::Steady || self.levels().iter().any(|level| !level.is_absolute())
    }

    /// Its name in reports, with all of its values.
    pub(crate) fn label(&self) -> String {
        self.to_string()
    }

    /// The curve of this shape for a run with this rate, or the level that no run can have.
    pub(crate) fn curve(&self, rate: Rate, span: Span) -> Result<Curve, String> {
        for level in self.levels() {
            level.at(rate)?;
        }
        let at = |level: &Level| level.at(rate).unwrap_or(rate);
        let lead_ns = duration_ns(span.lead);
        let curve = |pieces: &[Piece], after| Curve::new(lead_ns, rate, pieces, after);
        let flat = |level: &Level, length| piece(length, at(level), at(level));
        Ok(match self {
            Self::Steady => Curve::steady(rate),
            Self::Ramp(from, to) => {
                let ramp = piece(span.measured, at(from), at(to));
                curve(&Vec::from_iter(ramp), After::Holds)
            }
            Self::Step(steps) => {
                let pieces: Vec<Piece> = steps
                    .iter()
                    .filter_map(|(level, length)| flat(level, *length))
                    .collect();
                curve(&pieces, After::Holds)
            }
            Self::Burst {
                base,
                peak,
                length,
                period,
            } => {
                let calm = flat(base, period.saturating_sub(*length));
                let pieces: Vec<Piece> = calm.into_iter().chain(flat(peak, *length)).collect();
                curve(&pieces, After::Repeats)
            }
            Self::Diurnal { low, high, period } => {
                let period = period.unwrap_or(span.measured);
                curve(&sine(at(low), at(high), period), After::Repeats)
            }
        })
    }

    fn levels(&self) -> Vec<Level> {
        match self {
            Self::Steady => Vec::new(),
            Self::Ramp(from, to) => vec![*from, *to],
            Self::Step(steps) => steps.iter().map(|(level, _)| *level).collect(),
            Self::Burst { base, peak, .. } => vec![*base, *peak],
            Self::Diurnal { low, high, .. } => vec![*low, *high],
        }
    }
}

/// `None` if it has no length.
fn piece(length: Duration, from: Rate, to: Rate) -> Option<Piece> {
    let length_ns = NonZeroU64::new(duration_ns(length))?;
    Some(Piece {
        length_ns,
        from,
        to,
    })
}

fn sine(low: Rate, high: Rate, period: Duration) -> Vec<Piece> {
    let period_ns = u128::from(duration_ns(period));
    let [bottom, top] = [low, high].map(|rate| count_as_real(rate.thousandths()));
    let rate_at = |place: u64| {
        let angle = TAU * count_as_real(place % SINE_PIECES) / count_as_real(SINE_PIECES);
        let thousandths = bottom + (top - bottom) * (1.0 - angle.cos()) / 2.0;
        Rate::from_thousandths(real_as_count(thousandths.round())).unwrap_or(low)
    };
    // Each edge from the whole, so that the pieces make the period to the nanosecond.
    let edge = |place: u64| {
        let ns = period_ns * u128::from(place) / u128::from(SINE_PIECES);
        u64::try_from(ns).unwrap_or(u64::MAX)
    };
    (0..SINE_PIECES)
        .filter_map(|place| {
            let length = Duration::from_nanos(edge(place + 1) - edge(place));
            piece(length, rate_at(place), rate_at(place + 1))
        })
        .collect()
}

impl Level {
    fn is_absolute(self) -> bool {
        match self {
            Self::PerSecond(_) => true,
            Self::Times(_) => false,
        }
    }

    /// What it is in a run with this rate.
    fn at(self, rate: Rate) -> Result<Rate, String> {
        let thousandths = match self {
            Self::PerSecond(rate) => return Ok(rate),
            Self::Times(thousandths) => {
                u128::from(thousandths) * u128::from(rate.thousandths()) / 1_000
            }
        };
        u64::try_from(thousandths)
            .ok()
            .filter(|&thousandths| thousandths <= MOST_A_SECOND * 1_000)
            .and_then(Rate::from_thousandths)
            .ok_or_else(|| {
                format!("{self} of {rate} a second is not within 0.001 to {MOST_A_SECOND} a second")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;

    #[test]
    fn multiples_follow_the_rate_and_stay_possible() {
        let shape: RateShape = "ramp:0.5x..3x".parse().unwrap();
        assert!(shape.uses_rate());
        assert!(!"ramp:5..6".parse::<RateShape>().unwrap().uses_rate());
        let span = Span {
            lead: Duration::ZERO,
            measured: Duration::from_secs(10),
        };
        let expected = |per_second: u64| {
            let rate = Rate::from_thousandths(per_second * 1_000).unwrap();
            let curve = shape.curve(rate, span);
            curve.map(|curve| curve.expected_before(10 * SECOND_NS))
        };
        assert_eq!(expected(100), Ok(1_750));
        assert_eq!(expected(1_000_000), Ok(17_500_000));
        assert!(expected(4_000_000).unwrap_err().contains("3x of 4000000"));
    }

    #[test]
    fn every_shape_expects_what_it_says() {
        let rate = Rate::from_thousandths(1_000_000).unwrap();
        let span = Span {
            lead: Duration::from_secs(2),
            measured: Duration::from_secs(20),
        };
        // At the end of warming up, in the middle of the measured part, and at its end.
        let check = |text: &str, expected: [u64; 3]| {
            let curve = text
                .parse::<RateShape>()
                .unwrap()
                .curve(rate, span)
                .unwrap();
            let found = [2, 12, 22].map(|at| curve.expected_before(at * SECOND_NS));
            for (found, expected) in found.into_iter().zip(expected) {
                // A sine's rates are rounded.
                assert!(
                    found.abs_diff(expected) < 2,
                    "{text}: {found} for {expected}"
                );
            }
        };
        check("steady", [2_000, 12_000, 22_000]);
        check("ramp:500..1500", [1_000, 8_500, 21_000]);
        check("step:100@5s,400@5s,50@1s", [200, 2_700, 3_200]);
        check("burst:1x..3x@1s/5s", [2_000, 16_000, 30_000]);
        check("diurnal:500..1500", [1_000, 11_000, 21_000]);
        check("diurnal:500..1500/5s", [1_000, 11_000, 21_000]);
    }

    #[test]
    fn a_day_is_a_sine_to_a_thousandth_of_its_height() {
        let rate = Rate::from_thousandths(1).unwrap();
        let span = Span {
            lead: Duration::ZERO,
            measured: Duration::from_secs(96),
        };
        let shape: RateShape = "diurnal:1000..3000".parse().unwrap();
        let curve = shape.curve(rate, span).unwrap();
        for tenth in 0..960_u32 {
            let at_ns = u64::from(tenth) * SECOND_NS / 10;
            let found = curve.area_before(at_ns + SECOND_NS / 10) - curve.area_before(at_ns);
            let found = crate::figures::wide_as_real(found) / 2e12 * 10.0;
            let angle = TAU * (f64::from(tenth) + 0.5) / 960.0;
            let expected = 2_000.0 - 1_000.0 * angle.cos();
            assert!(
                (found - expected).abs() < 1.0,
                "{tenth}: {found}, {expected}"
            );
        }
    }
}
