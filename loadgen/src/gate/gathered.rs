//! Pure: what all pairs so far have shown.

use hdrhistogram::Histogram;

use super::arm_sum::ArmSum;
use super::block::Block;
use super::blocks::{Order, Side};
use super::facts::{NoiseFacts, PairFacts};
use super::metric::{Metric, Series};
use crate::figures::count_as_real;
use crate::report;
use crate::validity::{self, ThrottledPart};

/// Of so many pairs at most one may be disturbed from outside.
const MOST_DISTURBED: usize = 3;

/// So much may the arms' shares of approvals differ.
const MOST_APART: f64 = 0.01;

/// What all pairs so far have shown.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Every metric.
    pub(super) series: Vec<Series>,
    /// Processor time of health checks.
    pub(super) control: Vec<PairFacts>,
    pairs: usize,
    disturbed: usize,
    stolen: Vec<f64>,
    others: Vec<f64>,
    /// Of A and of B.
    sums: [ArmSum; 2],
}

impl Gathered {
    /// Nothing yet.
    pub(super) fn new(gating: &[Metric]) -> Self {
        Self {
            series: Series::all(gating),
            control: Vec::new(),
            pairs: 0,
            disturbed: 0,
            stolen: Vec::new(),
            others: Vec::new(),
            sums: [ArmSum::new("A"), ArmSum::new("B")],
        }
    }

    /// How many pairs there are.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// How many of them every metric that decides can use.
    pub(super) fn used(&self) -> usize {
        let gating = self.series.iter().filter(|series| series.gating);
        gating.map(|series| series.used().len()).min().unwrap_or(0)
    }

    /// Takes in the blocks of one pair, whose rounds had these orders.
    pub(super) fn take(&mut self, number: u32, orders: &[Order], blocks: &[Block]) {
        let of = |side: Side| -> Vec<&Block> {
            let sides = orders.iter().flat_map(|order| order.sides());
            let blocks = sides.zip(blocks);
            blocks
                .filter(|(one, _)| *one == side)
                .map(|(_, block)| block)
                .collect()
        };
        let (a, b) = (of(Side::A), of(Side::B));
        let discarded = disturbed(blocks);
        self.pairs += 1;
        self.disturbed += usize::from(discarded.is_some());
        self.stolen
            .extend(blocks.iter().filter_map(|block| block.stolen));
        self.others
            .extend(blocks.iter().filter_map(|block| block.others));
        if discarded.is_none() {
            for (sum, blocks) in self.sums.iter_mut().zip([&a, &b]) {
                for block in blocks {
                    sum.add(block);
                }
            }
        }
        let words: Vec<&str> = orders.iter().map(|order| order.word()).collect();
        let order = words.join(" ");
        let pair = |a: Option<f64>, b: Option<f64>| {
            let (a, b) = (a?, b?);
            let log_ratio = (b / a).ln();
            // None of what is no ratio.
            log_ratio.is_finite().then(|| PairFacts {
                a,
                b,
                log_ratio,
                superblock: number,
                order: order.clone().into(),
                discarded: discarded.clone(),
            })
        };
        for series in &mut self.series {
            let (a, b) = (value(series.metric, &a), value(series.metric, &b));
            series.pairs.extend(pair(a, b));
        }
        let check = |blocks: &[&Block]| mean(blocks, |block| block.check_ns);
        self.control.extend(pair(check(&a), check(&b)));
    }

    /// What disturbed.
    pub(super) fn noise(&self) -> NoiseFacts {
        NoiseFacts {
            pairs: self.pairs,
            discarded: self.disturbed,
            stolen: mean_of(&self.stolen),
            others: mean_of(&self.others),
            half_width: None,
        }
    }

    /// Why the pairs are not to be believed; empty if they are.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.disturbed * MOST_DISTURBED > self.pairs {
            doubts.push(format!(
                "{} of {} pairs were disturbed by other guests, a CPU quota or a stepped clock: measure on a quieter \
                 machine, or at another time",
                self.disturbed, self.pairs
            ));
        }
        if self.control.is_empty() && self.pairs > 0 {
            doubts.push(
                "the control is missing: in no pair were all health checks of both arms answered, so nothing says whether \
                 the machine stood still"
                    .to_owned(),
            );
        }
        doubts.extend(self.sums.iter().flat_map(ArmSum::undone));
        if self.times_decide() {
            doubts.extend(self.sums.iter().flat_map(ArmSum::untimely));
        }
        let [a, b] = self.sums.each_ref().map(ArmSum::approved);
        if (a - b).abs() > MOST_APART {
            doubts.push(format!(
                "A approves {:.1} % and B {:.1} %: they do not do the same work, so their times do not compare",
                a * 100.0,
                b * 100.0
            ));
        }
        doubts
    }

    /// What speaks against times that are told and decide nothing: processor time does not suffer
    /// from a generator that is late.
    pub(super) fn remarks(&self) -> Vec<String> {
        if self.times_decide() {
            return Vec::new();
        }
        let untimely = self.sums.iter().flat_map(ArmSum::untimely);
        untimely
            .map(|doubt| format!("p50 and p99 are not to be believed. {doubt}."))
            .collect()
    }

    fn times_decide(&self) -> bool {
        let mut gating = self.series.iter().filter(|series| series.gating);
        gating.any(|series| series.metric != Metric::Cpu)
    }
}

/// What from outside disturbed a pair, if anything did. Ticks of stolen time are too coarse for one
/// block, so all of them are looked at together.
fn disturbed(blocks: &[Block]) -> Option<String> {
    let stolen: Vec<f64> = blocks.iter().filter_map(|block| block.stolen).collect();
    let stepped_ns = blocks.iter().map(|block| block.stepped_ns);
    let throttled = blocks.iter().filter_map(|block| block.throttled);
    let throttled = throttled.reduce(ThrottledPart::and);
    let furthest_ns = stepped_ns.max_by_key(|ns| ns.unsigned_abs()).unwrap_or(0);
    let doubts = validity::doubts_of_outside(mean_of(&stolen), throttled, furthest_ns);
    doubts.into_iter().next()
}

/// A metric of one arm's blocks together, if they support it.
fn value(metric: Metric, blocks: &[&Block]) -> Option<f64> {
    match metric {
        Metric::Cpu => mean(blocks, |block| block.cpu_ns),
        Metric::P50 => percentile(blocks, 0.5),
        Metric::P99 => percentile(blocks, 0.99),
    }
}

fn percentile(blocks: &[&Block], quantile: f64) -> Option<f64> {
    let (first, others) = blocks.split_first()?;
    let mut all: Histogram<u64> = first.times.response.clone();
    for block in others {
        // All have the same range.
        all.add(&block.times.response).ok()?;
    }
    report::percentile(&all, quantile).map(count_as_real)
}

/// The mean over blocks that all have it: they are equally long.
fn mean(blocks: &[&Block], value: fn(&Block) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = blocks.iter().map(|block| value(block)).collect();
    mean_of(&values?)
}

fn mean_of(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| sum / count_as_real(values.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Times;

    fn block(cpu_ns: f64, response_ns: u64) -> Block {
        let mut times = Times::new();
        times.response.record_n(response_ns, 1_000).unwrap();
        times.lag.record_n(20_000, 1_000).unwrap();
        Block {
            cpu_ns: Some(cpu_ns),
            check_ns: Some(10.0),
            times,
            worker_cpu: 0.3,
            counts: [1_000, 1_000, 1_000, 990],
            stolen: Some(0.0),
            others: Some(0.1),
            throttled: None,
            stepped_ns: 0,
        }
    }

    fn four() -> [Block; 4] {
        [
            block(100.0, 1_000),
            block(200.0, 3_000),
            block(220.0, 3_000),
            block(110.0, 1_000),
        ]
    }

    #[test]
    fn an_arm_is_the_mean_of_its_blocks_in_either_order() {
        let mut gathered = Gathered::new(&[Metric::P99]);
        gathered.take(0, &[Order::Abba], &four());
        gathered.take(1, &[Order::Baab], &four());
        let names: Vec<_> = gathered.series.iter().map(|series| series.metric).collect();
        assert_eq!(
            names,
            [Metric::P99, Metric::Cpu, Metric::P50],
            "what decides is first"
        );
        let cpu: Vec<_> = gathered.series[1]
            .pairs
            .iter()
            .map(|pair| (pair.a, pair.b))
            .collect();
        assert_eq!(cpu, [(105.0, 210.0), (210.0, 105.0)]);
        let ratios: Vec<_> = gathered.series[1]
            .pairs
            .iter()
            .map(|pair| pair.log_ratio)
            .collect();
        assert!((ratios[0] + ratios[1]).abs() < 1e-12);
        assert_eq!(gathered.control.len(), 2);
        assert!(gathered.doubts().is_empty(), "{:?}", gathered.doubts());
    }

    #[test]
    fn each_doubt_is_told_by_its_cause() {
        let check = |change: fn(&mut [Block; 4]), cause: Option<&str>| {
            let mut gathered = Gathered::new(&[Metric::Cpu]);
            let mut blocks = four();
            change(&mut blocks);
            gathered.take(0, &[Order::Abba], &blocks);
            let is_disturbed = blocks[1].stolen > Some(0.05);
            assert_eq!(gathered.used(), usize::from(!is_disturbed));
            let doubts = gathered.doubts();
            match cause {
                None => assert!(doubts.is_empty(), "{doubts:?}"),
                Some(cause) => {
                    assert!(doubts.len() == 1 && doubts[0].contains(cause), "{doubts:?}");
                }
            }
        };
        check(|_| {}, None);
        check(|four| four[1].stolen = Some(0.09), Some("1 of 1 pairs"));
        check(
            |four| four[1].counts = [2_000, 1_000, 1_000, 990],
            Some("B was sent only 66.67 %"),
        );
        check(
            |four| four[1].counts = [1_003, 1_000, 1_000, 990],
            Some("B was sent only 99.85 %"),
        );
        check(
            |four| four[0].counts = [1_000, 1_000, 900, 891],
            Some("A decided only 95.0 %"),
        );
        check(
            |four| four[0].counts = [1_000, 1_000, 1_000, 900],
            Some("do not do the same work"),
        );
    }

    #[test]
    fn a_late_generator_spoils_the_times_and_not_the_processor_time() {
        let check = |gating: Metric, change: fn(&mut Block), cause: &str| {
            let mut gathered = Gathered::new(&[gating]);
            let mut blocks = four();
            change(&mut blocks[0]);
            gathered.take(0, &[Order::Abba], &blocks);
            let (doubts, remarks) = (gathered.doubts(), gathered.remarks());
            let (told, silent) = match gating {
                Metric::Cpu => (remarks, doubts),
                Metric::P50 | Metric::P99 => (doubts, remarks),
            };
            assert!(silent.is_empty(), "{silent:?}");
            assert!(told.len() == 1 && told[0].contains(cause), "{told:?}");
        };
        let late = |block: &mut Block| block.times.lag.record_n(9_000_000, 100).unwrap();
        let busy = |block: &mut Block| block.worker_cpu = 1.7;
        for gating in Metric::ALL {
            check(gating, late, "A: the generator sent late: lag p99 9.0");
            check(gating, busy, "A: the generator was at its own limit");
        }
    }

    #[test]
    fn what_a_block_does_not_have_makes_no_pair() {
        let mut gathered = Gathered::new(&[Metric::Cpu]);
        let mut blocks = four();
        blocks[3].check_ns = None;
        blocks[2].cpu_ns = None;
        gathered.take(0, &[Order::Abba], &blocks);
        assert!(gathered.control.is_empty() && gathered.series[0].pairs.is_empty());
        assert_eq!((gathered.pairs(), gathered.used()), (1, 0));
        let doubts = gathered.doubts();
        assert!(
            doubts.len() == 1 && doubts[0].contains("the control is missing"),
            "{doubts:?}"
        );
    }
}
