//! Pure: when each request is due.
//!
//! `due_at(i)` depends on the seed, the arrival process, the rate and `i`, and on nothing that
//! happens during the run. It is computed from the index in 128-bit arithmetic; no rounded interval
//! is ever added up, so the millionth request is as exact as the first.
//!
//! *Constant*: request `i` is due at `i / rate`.
//!
//! *Poisson*: time is cut into blocks in which 512 arrivals are expected. How many a block really
//! holds is drawn from the Poisson distribution under (seed, block), and where they lie is that many
//! uniform draws from the same stream, sorted. Counts in disjoint blocks are independent, and given
//! the count the places are independent and uniform: that is the Poisson process itself and no
//! approximation of it, with exponential gaps that cross block edges as if they were not there. The
//! counts of all blocks are drawn once, when the schedule is made (8 bytes for 512 requests), so any
//! index finds its block by a binary search and its place by sorting one block. A longer run with
//! the same seed begins with the shorter run's arrivals.

use std::sync::Arc;

use rand_distr::{Distribution as _, Poisson};

use crate::draw::{Draw, Purpose};
use crate::figures::real_as_count;

/// Arrivals that are expected in one block of a Poisson schedule.
const BLOCK_ARRIVALS: u64 = 512;

/// The most arrivals that one plan may hold: their block counts then take 160 MB.
pub(crate) const MOST_ARRIVALS: u64 = 10_000_000_000;

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Arrivals {
    /// Independent of each other, as those of many people are.
    Poisson,
    /// Evenly spaced.
    Constant,
}

impl Arrivals {
    /// Its name in reports.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Constant => "constant",
        }
    }
}

/// Requests a second, kept in thousandths so that slow rates are exact too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    thousandths: u64,
}

impl Rate {
    /// A rate of so many thousandths of a request a second; `None` for 0.
    pub(crate) fn from_thousandths(thousandths: u64) -> Option<Self> {
        (thousandths > 0).then_some(Self { thousandths })
    }

    /// Thousandths of a request a second.
    pub(crate) fn thousandths(self) -> u64 {
        self.thousandths
    }

    /// The instant at which `count` requests are expected to have come, in nanoseconds.
    fn instant_of(self, count: u64) -> u64 {
        let instant = u128::from(count) * 1_000_000_000_000 / u128::from(self.thousandths);
        u64::try_from(instant).unwrap_or(u64::MAX)
    }

    /// Requests expected before an instant, rounded up.
    pub(crate) fn expected_before(self, instant_ns: u64) -> u64 {
        let count =
            (u128::from(instant_ns) * u128::from(self.thousandths)).div_ceil(1_000_000_000_000);
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// When each request of one plan is due.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    rate: Rate,
    seed: u64,
    end_ns: u64,
    /// Poisson only: the index of each block's first arrival, and at last the number of all.
    first_of_block: Vec<u64>,
}

impl Schedule {
    /// Plans the arrivals from 0 to `end_ns`, exclusive.
    pub(crate) fn new(arrivals: Arrivals, rate: Rate, seed: u64, end_ns: u64) -> Self {
        let mut schedule = Self {
            arrivals,
            rate,
            seed,
            end_ns,
            first_of_block: Vec::new(),
        };
        match arrivals {
            Arrivals::Constant => {}
            Arrivals::Poisson => schedule.draw_counts(),
        }
        schedule
    }

    /// How many requests are due in all.
    pub(crate) fn len(&self) -> u64 {
        match self.arrivals {
            Arrivals::Constant => self.rate.expected_before(self.end_ns),
            Arrivals::Poisson => self.first_of_block.last().copied().unwrap_or(0),
        }
    }

    fn draw_counts(&mut self) {
        let mut total = 0;
        let mut block = 0;
        self.first_of_block.push(0);
        while self.block_start(block) < self.end_ns {
            let cut = self.block_start(block + 1) > self.end_ns;
            total += if cut {
                self.offsets_of(block).len() as u64
            } else {
                Self::count_of(&mut self.draw_of(block))
            };
            self.first_of_block.push(total);
            block += 1;
        }
    }

    fn block_start(&self, block: u64) -> u64 {
        self.rate.instant_of(block.saturating_mul(BLOCK_ARRIVALS))
    }

    fn draw_of(&self, block: u64) -> Draw {
        Draw::new(self.seed, Purpose::Arrivals, block)
    }

    fn count_of(draw: &mut Draw) -> u64 {
        let mean = f64::from(u32::try_from(BLOCK_ARRIVALS).unwrap_or(u32::MAX));
        Poisson::new(mean).map_or(BLOCK_ARRIVALS, |poisson| {
            real_as_count(poisson.sample(draw))
        })
    }

    /// The due instants of one block, in order, without those beyond the end.
    fn offsets_of(&self, block: u64) -> Vec<u64> {
        let mut draw = self.draw_of(block);
        let count = Self::count_of(&mut draw);
        let start = self.block_start(block);
        let span = self.block_start(block + 1) - start;
        let mut instants: Vec<u64> = (0..count)
            .map(|_| start + draw.below(span))
            .filter(|&instant| instant < self.end_ns)
            .collect();
        instants.sort_unstable();
        instants
    }
}

/// A reader of a schedule that remembers the block it was in, so that reading on is cheap.
#[derive(Debug)]
pub(crate) struct Cursor {
    schedule: Arc<Schedule>,
    block: Option<usize>,
    instants: Vec<u64>,
}

impl Cursor {
    /// A reader of `schedule`.
    pub(crate) fn new(schedule: Arc<Schedule>) -> Self {
        Self {
            schedule,
            block: None,
            instants: Vec::new(),
        }
    }

    /// When request `index` is due, in nanoseconds from the start; `None` beyond the last one.
    pub(crate) fn due_at(&mut self, index: u64) -> Option<u64> {
        if index >= self.schedule.len() {
            return None;
        }
        match self.schedule.arrivals {
            Arrivals::Constant => Some(self.schedule.rate.instant_of(index)),
            Arrivals::Poisson => self.poisson_at(index),
        }
    }

    fn poisson_at(&mut self, index: u64) -> Option<u64> {
        let firsts = &self.schedule.first_of_block;
        let block = match self.block {
            Some(block) if is_in(firsts, block, index) => block,
            _ => firsts
                .partition_point(|&first| first <= index)
                .checked_sub(1)?,
        };
        if self.block != Some(block) {
            self.instants = self.schedule.offsets_of(block as u64);
            self.block = Some(block);
        }
        let place = index - firsts.get(block)?;
        self.instants.get(usize::try_from(place).ok()?).copied()
    }
}

fn is_in(firsts: &[u64], block: usize, index: u64) -> bool {
    match (firsts.get(block), firsts.get(block + 1)) {
        (Some(&first), Some(&next)) => (first..next).contains(&index),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;
    use crate::figures::count_as_real;

    fn all_of(arrivals: Arrivals, per_second: u64, seed: u64, seconds: u64) -> Vec<u64> {
        let rate = Rate::from_thousandths(per_second * 1_000).unwrap();
        let schedule = Arc::new(Schedule::new(arrivals, rate, seed, seconds * SECOND_NS));
        let mut cursor = Cursor::new(Arc::clone(&schedule));
        let dues: Vec<u64> = (0..schedule.len())
            .map(|i| cursor.due_at(i).unwrap())
            .collect();
        assert_eq!(cursor.due_at(schedule.len()), None);
        dues
    }

    #[test]
    fn constant_arrivals_never_drift() {
        let dues = all_of(Arrivals::Constant, 3, 1, 1_000);
        assert_eq!(dues.len(), 3_000);
        for (index, due) in dues.iter().enumerate() {
            assert_eq!(*due, index as u64 * SECOND_NS / 3);
        }
    }

    #[test]
    fn slow_rates_are_exact() {
        let rate = Rate::from_thousandths(500).unwrap();
        let schedule = Arc::new(Schedule::new(Arrivals::Constant, rate, 1, 10 * SECOND_NS));
        assert_eq!(schedule.len(), 5);
        assert_eq!(Cursor::new(schedule).due_at(3), Some(6 * SECOND_NS));
    }

    #[test]
    fn poisson_arrivals_keep_their_mean_rate() {
        let dues = all_of(Arrivals::Poisson, 5_000, 11, 40);
        let expected = 200_000.0_f64;
        let deviation = (count_as_real(dues.len() as u64) - expected).abs();
        assert!(deviation < 4.0 * expected.sqrt(), "{} arrivals", dues.len());
        assert!(dues.is_sorted());
        assert!(dues.iter().all(|&due| due < 40 * SECOND_NS));
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let dues = all_of(Arrivals::Poisson, 5_000, 3, 20);
        let mean = count_as_real(SECOND_NS) / 5_000.0;
        let mut gaps: Vec<f64> = dues
            .windows(2)
            .map(|pair| count_as_real(pair[1] - pair[0]))
            .collect();
        gaps.sort_unstable_by(f64::total_cmp);
        let count = count_as_real(gaps.len() as u64);
        let distance = gaps.iter().enumerate().fold(0.0_f64, |worst, (rank, gap)| {
            let rank = count_as_real(rank as u64);
            let theory = 1.0 - (-gap / mean).exp();
            let below = (theory - rank / count).abs();
            let above = ((rank + 1.0) / count - theory).abs();
            worst.max(below).max(above)
        });
        // Kolmogorov and Smirnov, at one in a thousand: 1.95 / sqrt(n).
        assert!(
            distance < 1.95 / count.sqrt(),
            "distance {distance} over {count} gaps"
        );
    }

    #[test]
    fn poisson_counts_vary_as_they_must_over_spans_longer_than_a_block() {
        let dues = all_of(Arrivals::Poisson, 5_000, 5, 200);
        let mut counts = vec![0_f64; 200];
        for due in &dues {
            counts[usize::try_from(due / SECOND_NS).unwrap()] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 200.0;
        let variance = counts
            .iter()
            .map(|count| (count - mean).powi(2))
            .sum::<f64>()
            / 199.0;
        // The ratio is chi-square with 199 degrees of freedom over 199: 0.7 to 1.35 is beyond 99.9 %.
        assert!(
            (0.7..1.35).contains(&(variance / mean)),
            "ratio {}",
            variance / mean
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_another_gives_others() {
        let first = all_of(Arrivals::Poisson, 1_000, 1, 5);
        assert_eq!(first, all_of(Arrivals::Poisson, 1_000, 1, 5));
        assert_ne!(first, all_of(Arrivals::Poisson, 1_000, 2, 5));
    }

    #[test]
    fn a_longer_run_begins_with_the_shorter_one() {
        let short = all_of(Arrivals::Poisson, 700, 1, 3);
        let long = all_of(Arrivals::Poisson, 700, 1, 9);
        assert_eq!(short, long[..short.len()]);
    }

    #[test]
    fn random_access_equals_reading_in_order() {
        let dues = all_of(Arrivals::Poisson, 2_000, 4, 5);
        let rate = Rate::from_thousandths(2_000_000).unwrap();
        let schedule = Arc::new(Schedule::new(Arrivals::Poisson, rate, 4, 5 * SECOND_NS));
        let mut cursor = Cursor::new(schedule);
        for step in 0..dues.len() {
            let index = step * 7_919 % dues.len();
            assert_eq!(
                cursor.due_at(index as u64),
                Some(dues[index]),
                "index {index}"
            );
        }
    }
}
