//! Pure: which rank an arrival falls to under Zipf's law.
//!
//! Rank k has a weight of k to the power of minus the exponent. A rank is drawn from a curve that lies
//! above the weights and kept or drawn anew, as `rand_distr` does it; but whether to keep it takes a
//! power only where a straight line below the power does not already tell. That halves the cost, and
//! the draws are the same.

use crate::draw::Draw;
use crate::figures::{count_as_real, real_as_count};

/// Zipf's law over so many ranks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zipf {
    exponent: f64,
    /// 1 / (1 − exponent), or 0 where that is not a number.
    root: f64,
    /// The area below the curve.
    area: f64,
    /// The slope of the line below the power.
    slope: f64,
}

impl Zipf {
    /// Over `ranks`, at least 1, with an exponent from 0 on. `None` for others.
    pub(super) fn new(ranks: u64, exponent: f64) -> Option<Self> {
        if ranks == 0 || !exponent.is_finite() || exponent < 0.0 {
            return None;
        }
        let ranks = count_as_real(ranks);
        let (root, area) = if is_one(exponent) {
            (0.0, 1.0 + ranks.ln())
        } else {
            let root = 1.0 / (1.0 - exponent);
            (root, (ranks.powf(1.0 - exponent) - exponent) * root)
        };
        Some(Self {
            exponent,
            root,
            area,
            slope: exponent.max(1.0),
        })
    }

    /// A rank, counted from 0.
    pub(super) fn draw(&self, draw: &mut Draw) -> u64 {
        loop {
            let at = self.place(unit(draw) * self.area);
            let rank = (at + 1.0).floor();
            let height = unit(draw);
            // Below 1 the curve is the weight itself. Beyond, ((at / rank) ^ exponent) is kept, and
            // nowhere less than the line.
            let line = 1.0 - self.slope * (rank - at) / rank;
            if rank <= 1.0 || height < line || height < (at / rank).powf(self.exponent) {
                return real_as_count(rank).saturating_sub(1);
            }
        }
    }

    /// Where the area below the curve is so much.
    fn place(&self, area: f64) -> f64 {
        if area <= 1.0 {
            area
        } else if is_one(self.exponent) {
            (area - 1.0).exp()
        } else {
            (area * (1.0 - self.exponent) + self.exponent).powf(self.root)
        }
    }
}

fn is_one(exponent: f64) -> bool {
    (exponent - 1.0).abs() < f64::EPSILON
}

/// From 0 up to 1, exclusive, in steps of 2⁻⁵³.
fn unit(draw: &mut Draw) -> f64 {
    const STEPS: f64 = 9_007_199_254_740_992.0;
    count_as_real(draw.next_bits() >> 11) / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Purpose;

    #[test]
    fn every_rank_is_drawn_by_its_weight() {
        for exponent in [0.0, 0.5, 1.0, 1.2, 3.0] {
            let zipf = Zipf::new(5, exponent).unwrap();
            let mut draw = Draw::new(7, Purpose::Request, 0);
            let mut counts = [0_u32; 5];
            for _ in 0..100_000 {
                counts[usize::try_from(zipf.draw(&mut draw)).unwrap()] += 1;
            }
            let weight = |rank: usize| f64::from(u8::try_from(rank + 1).unwrap()).powf(-exponent);
            let total: f64 = (0..5).map(weight).sum();
            for (rank, count) in counts.into_iter().enumerate() {
                let expected = 100_000.0 * weight(rank) / total;
                let off = (f64::from(count) - expected).abs();
                assert!(
                    off < 4.5 * expected.sqrt(),
                    "exponent {exponent}, rank {rank}: {count} for {expected}"
                );
            }
        }
    }

    #[test]
    fn one_rank_and_no_rank() {
        let alone = Zipf::new(1, 0.5).unwrap();
        assert_eq!(alone.draw(&mut Draw::new(1, Purpose::Request, 3)), 0);
        assert!(Zipf::new(0, 0.5).is_none());
        assert!(Zipf::new(5, -1.0).is_none());
        assert!(Zipf::new(5, f64::NAN).is_none());
    }

    #[test]
    fn the_line_is_below_the_power() {
        for exponent in [0.0, 0.3, 1.0, 1.7, 3.0_f64] {
            for step in 0..=1_000_u32 {
                let ratio = f64::from(step) / 1_000.0;
                let line = 1.0 - exponent.max(1.0) * (1.0 - ratio);
                assert!(line <= ratio.powf(exponent) + 1e-12, "{exponent}, {ratio}");
            }
        }
    }
}
