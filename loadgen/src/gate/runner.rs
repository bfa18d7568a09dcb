//! Measuring pair by pair, until there is a verdict or the budget ends.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::arm::Arm;
use super::block::{Block, Loaded};
use super::blocks::{self, Order, Side, plan_seed};
use super::facts::Decision;
use super::gathered::Gathered;
use super::judge::{self, ERROR, Question};
use super::load::Load;
use super::metric::Metric;
use super::noise::Asked;
use super::statistics;
use crate::clock::{duration_ns, monotonic_ns};
use crate::exit::Failure;
use crate::figures::count_as_real;
use crate::signals::StopSignals;

/// So many pairs that can be used tell how noisy the machine is.
pub(super) const CALIBRATION: usize = 8;

/// What is compared, and how.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The baseline.
    pub(super) a: Arm,
    /// What is held against it.
    pub(super) b: Arm,
    /// What each block asks.
    pub(super) load: Load,
    /// Of the order and the plans.
    pub(super) seed: u64,
    /// How long all of it may take.
    pub(super) budget: Duration,
    /// What decides.
    pub(super) gating: Vec<Metric>,
    /// The change that is allowed.
    pub(super) tolerance: f64,
    /// A is compared with itself.
    pub(super) against_itself: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Ended {
    /// All pairs.
    pub(super) gathered: Gathered,
    /// The error of the last look.
    pub(super) error: f64,
    /// The pairs at each look, in the order in which they are planned; `None` if it did not take place.
    pub(super) looks: Vec<Option<usize>>,
    /// Why there is no hope of a verdict, if it was given up for that.
    pub(super) hopeless: Option<String>,
    /// It was stopped before its end.
    pub(super) interrupted: bool,
}

/// How far it is, for whoever watches.
pub(super) type Remark = Arc<Mutex<String>>;

/// The least time in which there can be any verdict.
pub(super) fn least_budget(load: Load, gating: usize, against_itself: bool) -> Duration {
    let last = looks(against_itself).last().map_or(1.0, |(_, part)| *part);
    let parts = count_as_real(gating.max(1) as u64);
    let pairs = statistics::fewest(ERROR * last / parts).max(CALIBRATION);
    load.answers() * 2 + load.pair() * u32::try_from(pairs).unwrap_or(u32::MAX)
}

fn looks(against_itself: bool) -> &'static [(f64, f64)] {
    if against_itself {
        &judge::ONE_LOOK
    } else {
        &judge::LOOKS
    }
}

impl Ended {
    /// Nothing was measured.
    pub(super) fn nothing(task: &Task) -> Self {
        Self {
            gathered: Gathered::new(&task.gating),
            error: ERROR * task.looks().last().map_or(1.0, |(_, part)| *part),
            looks: Vec::new(),
            hopeless: None,
            interrupted: false,
        }
    }

    /// Notes the last of so many looks: those that the budget had no room for did not take place.
    fn look_last(&mut self, planned: usize) {
        let before = planned.saturating_sub(1).max(self.looks.len());
        self.looks.resize(before, None);
        self.looks.push(Some(self.gathered.pairs()));
    }
}

impl Task {
    /// The looks that are planned: when, and each one's part of the error.
    pub(super) fn looks(&self) -> &'static [(f64, f64)] {
        looks(self.against_itself)
    }

    /// What is asked at a look with this part of the error.
    pub(super) fn question(&self, error: f64) -> Question {
        Question {
            tolerance: self.tolerance,
            against_itself: self.against_itself,
            error,
        }
    }

    /// Measures. `begun_ns` is when the budget began.
    pub(super) async fn measure(
        &self,
        begun_ns: u64,
        signals: &mut StopSignals,
        remark: &Remark,
    ) -> Result<Ended, Failure> {
        let mut ended = Ended::nothing(self);
        let budget_ns = duration_ns(self.budget);
        let since_ns = || monotonic_ns().saturating_sub(begun_ns);
        let first_ns = monotonic_ns();
        let mut calibrated = false;
        for number in 0.. {
            let Some((orders, blocks)) = self.pair(number, signals).await? else {
                ended.interrupted = true;
                break;
            };
            ended.gathered.take(number, &orders, &blocks);
            Self::tell(&ended, remark);
            let pairs = u64::from(number) + 1;
            let pair_ns = monotonic_ns().saturating_sub(first_ns) / pairs;
            let used = ended.gathered.used();
            if !calibrated && used >= CALIBRATION {
                calibrated = true;
                // As many of the pairs to come will be of no use.
                let used = u64::try_from(used).unwrap_or(u64::MAX);
                let used_ns = monotonic_ns().saturating_sub(first_ns) / used;
                let left = budget_ns.saturating_sub(since_ns()) / used_ns.max(1);
                ended.hopeless = self.hopeless(&ended.gathered, used + left, used_ns);
                if ended.hopeless.is_some() {
                    break;
                }
            }
            if since_ns() + pair_ns > budget_ns {
                ended.look_last(self.looks().len());
                break;
            }
            if self.is_settled(
                &mut ended,
                count_as_real(since_ns()) / count_as_real(budget_ns),
            ) {
                break;
            }
        }
        Ok(ended)
    }

    /// Looks, if a look was planned for this part of the budget; whether there is a verdict.
    fn is_settled(&self, ended: &mut Ended, at: f64) -> bool {
        let next = self.looks().get(ended.looks.len());
        let Some((_, part)) = next.filter(|(planned, _)| *planned < 1.0 && *planned <= at) else {
            return false;
        };
        ended.looks.push(Some(ended.gathered.pairs()));
        let error = ERROR * part;
        let metrics = judge::metrics(&ended.gathered.series, self.question(error));
        if judge::together(&metrics) == Decision::Inconclusive {
            return false;
        }
        ended.error = error;
        true
    }

    /// All blocks of a pair on two fresh servers; `None` if it was interrupted.
    async fn pair(
        &self,
        number: u32,
        signals: &mut StopSignals,
    ) -> Result<Option<(Vec<Order>, Vec<Block>)>, Failure> {
        let seed = plan_seed(self.seed, number);
        let started = tokio::select! {
            started = async {
                tokio::try_join!(
                    Loaded::start(&self.a, &self.load, seed),
                    Loaded::start(&self.b, &self.load, seed),
                )
            } => started,
            () = signals.received() => return Ok(None),
        };
        let (a, b) = started?;
        let orders = blocks::orders(self.seed, number, self.load.rounds.get());
        let mut blocks = Vec::new();
        for side in orders.iter().flat_map(|order| order.sides()) {
            let loaded = match side {
                Side::A => &a,
                Side::B => &b,
            };
            let Some(block) = loaded.block(signals).await? else {
                return Ok(None);
            };
            blocks.push(block);
        }
        let (stopped_a, stopped_b) = tokio::join!(a.stop(&self.a), b.stop(&self.b));
        stopped_a.and(stopped_b)?;
        Ok(Some((orders, blocks)))
    }

    /// What is asked of this machine.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            tolerance: self.tolerance,
            budget: self.budget,
        }
    }

    /// Why these pairs leave no hope of a verdict, if they do. A against itself goes on: how noisy the
    /// machine is, is what was asked.
    fn hopeless(&self, gathered: &Gathered, pairs: u64, pair_ns: u64) -> Option<String> {
        if self.against_itself {
            return None;
        }
        self.asked().hopeless(&gathered.series, pairs, pair_ns)
    }

    fn tell(ended: &Ended, remark: &Remark) {
        let gathered = &ended.gathered;
        let Some(first) = gathered.series.first() else {
            return;
        };
        let estimate = statistics::estimate(&first.used());
        let estimate = estimate.map_or_else(String::new, |ratio| {
            format!("{} {:+.1} %", first.metric.label(), ratio.exp_m1() * 100.0)
        });
        *remark.lock() = estimate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_look_stands_in_its_own_place() {
        let check = |before: &[Option<usize>], after: &[Option<usize>]| {
            let mut ended = Ended {
                gathered: Gathered::new(&[Metric::Cpu]),
                error: ERROR,
                looks: before.to_vec(),
                hopeless: None,
                interrupted: false,
            };
            ended.look_last(3);
            assert_eq!(ended.looks, after);
        };
        check(&[], &[None, None, Some(0)]);
        check(&[Some(9)], &[Some(9), None, Some(0)]);
        check(&[Some(9), Some(17)], &[Some(9), Some(17), Some(0)]);
    }
}
