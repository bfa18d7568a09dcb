//! Pure: when each request is due.
//!
//! `due_at(i)` depends on the seed, the arrival process, the shape of the rate and `i`, and on
//! nothing that happens during the run. It is computed from the index in 128-bit arithmetic; no
//! rounded interval is ever added up, so the millionth request is as exact as the first.
//!
//! Where the rate changes, arrivals are laid out over *expected requests* instead of over time, as
//! if the rate were steady, and the [`Curve`] of the shape tells when so many are expected.
//!
//! *Constant*: request `i` is due when `i` requests are expected; at a steady rate, at `i / rate`.
//!
//! *Poisson*: time is cut into blocks in which 512 arrivals are expected. How many a block really
//! holds is drawn from the Poisson distribution under (seed, block), and where they lie is that many
//! uniform draws from the same stream, sorted. Counts in disjoint blocks are independent, and given
//! the count the places are independent and uniform: that is the Poisson process itself and no
//! approximation of it, with exponential gaps that cross block edges as if they were not there. The
//! counts of all blocks are drawn once, when the schedule is made (8 bytes for 512 requests), so any
//! index finds its block by a binary search and its place by sorting one block. A longer run at a
//! steady rate begins with the arrivals of a shorter one with the same seed.

mod curve;
mod grammar;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Formatter};
use std::sync::Arc;

use rand_distr::{Distribution as _, Poisson};

use crate::draw::{Draw, Purpose};
use crate::figures::{count_as_real, real_as_count};
use crate::values;
pub(crate) use curve::Curve;
use curve::REQUEST;
pub(crate) use shape::{MOST_A_SECOND, RateShape, Span};

/// Arrivals that are expected in one block of a Poisson schedule.
const BLOCK_ARRIVALS: u64 = 512;

/// The same on a curve.
const BLOCK_AREA: u128 = 512 * REQUEST;

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

    /// Twice that, as curves count.
    fn doubled(self) -> u128 {
        u128::from(self.thousandths) * 2
    }
}

impl Display for Rate {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        to.write_str(&values::thousandths(self.thousandths))
    }
}

/// When each request of one plan is due.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    curve: Curve,
    seed: u64,
    end_ns: u64,
    /// Poisson only: the index of each block's first arrival, and at last the number of all.
    first_of_block: Vec<u64>,
}

impl Schedule {
    /// Plans the arrivals from 0 to `end_ns`, exclusive.
    pub(crate) fn new(arrivals: Arrivals, curve: Curve, seed: u64, end_ns: u64) -> Self {
        let mut schedule = Self {
            arrivals,
            curve,
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
            Arrivals::Constant => self.curve.expected_before(self.end_ns),
            Arrivals::Poisson => self.first_of_block.last().copied().unwrap_or(0),
        }
    }

    /// Requests a second that are expected in the mean between two instants, of which the second
    /// is the later.
    pub(crate) fn mean_rate(&self, from_ns: u64, until_ns: u64) -> f64 {
        let [from, until] = [from_ns, until_ns].map(|at_ns| self.curve.area_before(at_ns));
        // From parts of a request to thousandths a second, which may round and adds nothing up.
        let thousandths =
            until.saturating_sub(from) / (2 * u128::from((until_ns - from_ns).max(1)));
        count_as_real(u64::try_from(thousandths).unwrap_or(u64::MAX)) / 1e3
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
        self.curve.instant_of(u128::from(block) * BLOCK_AREA)
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
        let (start, end) = (self.block_start(block), self.block_start(block + 1));
        let is_even = self.curve.even_until(start).is_some_and(|at| at >= end);
        let mut place = || {
            if is_even {
                // Nanoseconds may be drawn as they are.
                return start + draw.below(end - start);
            }
            let before = u128::from(block) * BLOCK_AREA;
            let inside = draw.below(u64::try_from(BLOCK_AREA).unwrap_or(u64::MAX));
            self.curve.instant_of(before + u128::from(inside))
        };
        let mut instants: Vec<u64> = (0..count)
            .map(|_| place())
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
            Arrivals::Constant => {
                let area = u128::from(index) * REQUEST;
                Some(self.schedule.curve.instant_of(area))
            }
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
