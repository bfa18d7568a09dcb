//! Pure: whether one host's response times are like those of the others.
//!
//! The hosts send interleaved requests of one plan at the same time, so the server gives each the
//! same distribution, and what differs lies with a host or its way to the server. With enough
//! samples everything differs by something; a difference is told only if it is both larger than
//! chance makes it and large enough to matter.
//!
//! *Chance*: response times that follow each other are alike, so that counting each as a sample of
//! its own would find differences everywhere. The unit is a block of time instead. The standard
//! error of the logarithm of the ratio of two percentiles comes from a bootstrap over at most 30
//! blocks; both sides are drawn from the same blocks, so that what the server did to all hosts in a
//! second cancels out. *To matter*: a tenth. The host that differs most is set aside, and the rest
//! is compared again without it.

use std::collections::BTreeSet;

use hdrhistogram::Histogram;

use super::facts::{Difference, Likeness};
use crate::draw::{Draw, Purpose};
use crate::figures::{count_as_real, real_as_count};
use crate::samples;

/// Percentiles that are compared, as far as samples support them.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Differences within this are not told: a tenth, up or down.
const SMALL: f64 = 1.1;

/// Differences within so many standard errors are not told. By chance alone about one in 16,000 is
/// further away.
const STANDARD_ERRORS: f64 = 4.0;

/// Fewer blocks say too little of how much they vary.
const FEWEST_BLOCKS: usize = 8;

/// More blocks than this are joined.
const MOST_BLOCKS: usize = 30;

/// How often blocks are drawn again.
const DRAWS: u64 = 200;

/// Response times of one interval, and when it began.
pub(super) type Response = (u64, Histogram<u64>);

/// Two sides' samples by block, counted by value.
struct Sides {
    /// Every value that was met, in order.
    values: Vec<u64>,
    /// Of each block, how often each of them was: by the host, and by the others together.
    blocks: Vec<[Vec<u64>; 2]>,
}

/// Holds each of some hosts' response times against those of the others together. `places` are the
/// intervals in which any of them had some.
pub(super) fn judge<R: Iterator<Item = Response>>(
    places: &BTreeSet<u64>,
    hosts: Vec<R>,
) -> Vec<Likeness> {
    let count = hosts.len();
    let not = |why: &str| Likeness::NotJudged {
        why: why.to_owned(),
    };
    let all_not = |why: &str| (0..count).map(|_| not(why)).collect();
    if count < 2 {
        return all_not("there is no other");
    }
    let blocks = blocks(places, hosts);
    if blocks.len() < FEWEST_BLOCKS {
        return all_not(&format!(
            "it takes {FEWEST_BLOCKS} intervals, and there are {}",
            blocks.len()
        ));
    }
    let mut verdicts: Vec<Option<Likeness>> = (0..count).map(|_| None).collect();
    let mut left: Vec<usize> = (0..count).collect();
    while !left.is_empty() {
        let found: Vec<(usize, Option<Likeness>)> = left
            .iter()
            .map(|host| {
                (
                    *host,
                    verdict(Sides::of(&blocks, *host, &left).differences()),
                )
            })
            .collect();
        // One that differs makes the others seem to differ too: without it they are compared again.
        let worst = found.iter().max_by(|(_, one), (_, other)| {
            let apart = |verdict: &Option<Likeness>| verdict.as_ref().map_or(0.0, apart);
            apart(one).total_cmp(&apart(other))
        });
        let out = worst
            .filter(|(_, verdict)| left.len() > 2 && verdict.as_ref().is_some_and(is_different))
            .map(|(host, _)| *host);
        let is_settled = |host: usize| out.is_none_or(|out| out == host);
        left.retain(|host| !is_settled(*host));
        for (host, verdict) in found {
            if is_settled(host)
                && let Some(place) = verdicts.get_mut(host)
            {
                *place = verdict;
            }
        }
    }
    let verdicts = verdicts.into_iter();
    verdicts
        .map(|verdict| verdict.unwrap_or_else(|| not("there are too few samples")))
        .collect()
}

fn is_different(likeness: &Likeness) -> bool {
    matches!(likeness, Likeness::Different { .. })
}

/// How far a host is from the others, if it is told to be.
fn apart(likeness: &Likeness) -> f64 {
    match likeness {
        Likeness::Different { furthest } => furthest.ratio.ln().abs(),
        Likeness::Alike { .. } | Likeness::NotJudged { .. } => 0.0,
    }
}

/// What is told of a host: the largest of the differences that are told, or else the one that is
/// furthest by standard errors.
fn verdict(differences: Vec<Difference>) -> Option<Likeness> {
    let is_told = |of: &Difference| {
        of.standard_errors() > STANDARD_ERRORS && of.ratio.ln().abs() > SMALL.ln()
    };
    let size = |of: &Difference| of.ratio.ln().abs();
    let told = differences.iter().filter(|of| is_told(of));
    if let Some(furthest) = told.max_by(|one, other| size(one).total_cmp(&size(other))) {
        let furthest = *furthest;
        return Some(Likeness::Different { furthest });
    }
    let errors = |one: &Difference, other: &Difference| {
        one.standard_errors().total_cmp(&other.standard_errors())
    };
    let furthest = differences.into_iter().max_by(errors)?;
    Some(Likeness::Alike { furthest })
}

/// The intervals in which any host had samples, joined to at most [`MOST_BLOCKS`]: each has the
/// histogram of every host. Hosts are read one histogram at a time, for a long log has hundreds.
fn blocks<R: Iterator<Item = Response>>(
    places: &BTreeSet<u64>,
    hosts: Vec<R>,
) -> Vec<Vec<Histogram<u64>>> {
    let places: Vec<u64> = places.iter().copied().collect();
    let each = places.len().div_ceil(MOST_BLOCKS).max(1);
    let nothing = vec![crate::recorder::histogram(); hosts.len()];
    let mut blocks = vec![nothing; places.len().div_ceil(each)];
    for (host, responses) in hosts.into_iter().enumerate() {
        for (place, more) in responses {
            let place = places.binary_search(&place).ok();
            let block = place.and_then(|place| blocks.get_mut(place / each));
            if let Some(sum) = block.and_then(|block| block.get_mut(host)) {
                // Adding fails only for values out of range, and all have the same range.
                let _ = sum.add(more);
            }
        }
    }
    blocks
}

impl Sides {
    /// The samples of one host, and those of all others of `among`.
    fn of(blocks: &[Vec<Histogram<u64>>], host: usize, among: &[usize]) -> Self {
        let met = |histogram: &Histogram<u64>| -> Vec<(u64, u64)> {
            let steps = histogram.iter_recorded();
            steps
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect()
        };
        let met: Vec<Vec<Vec<(u64, u64)>>> = blocks
            .iter()
            .map(|block| block.iter().map(met).collect())
            .collect();
        let values: BTreeSet<u64> = met
            .iter()
            .flatten()
            .flatten()
            .map(|(value, _)| *value)
            .collect();
        let values: Vec<u64> = values.into_iter().collect();
        let counted = |block: &Vec<Vec<(u64, u64)>>| {
            let mut sides = [vec![0; values.len()], vec![0; values.len()]];
            let met = block.iter().enumerate();
            for (number, samples) in met.filter(|(number, _)| among.contains(number)) {
                let [mine, others] = &mut sides;
                let side = if number == host { mine } else { others };
                for (value, count) in samples {
                    if let Ok(place) = values.binary_search(value)
                        && let Some(sum) = side.get_mut(place)
                    {
                        *sum += count;
                    }
                }
            }
            sides
        };
        Self {
            blocks: met.iter().map(counted).collect(),
            values,
        }
    }

    /// How far each percentile of the host is from the others', where samples suffice.
    fn differences(&self) -> Vec<Difference> {
        let found = self.percentiles(&vec![1; self.blocks.len()]);
        let drawn: Vec<_> = (0..DRAWS)
            .map(|number| self.percentiles(&self.draw(number)))
            .collect();
        let places = QUANTILES.iter().enumerate();
        let differences = places.filter_map(|(place, quantile)| {
            let [ns, others_ns] = (*found.get(place)?)?;
            let logarithms: Vec<f64> = drawn
                .iter()
                .filter_map(|drawn| (*drawn.get(place)?).map(log_ratio))
                .collect();
            // Where most draws have too few samples, so has the whole.
            let is_enough = logarithms.len() as u64 > DRAWS / 2;
            is_enough.then(|| Difference {
                quantile: *quantile,
                ns,
                others_ns,
                ratio: log_ratio([ns, others_ns]).exp(),
                standard_error: deviation(&logarithms).max(RESOLUTION),
            })
        });
        differences.collect()
    }

    /// How often each block is drawn, when as many are drawn as there are.
    fn draw(&self, number: u64) -> Vec<u64> {
        let mut draw = Draw::new(number, Purpose::Likeness, 0);
        let mut times = vec![0; self.blocks.len()];
        for _ in 0..times.len() {
            let place = usize::try_from(draw.below(times.len() as u64)).unwrap_or(0);
            if let Some(time) = times.get_mut(place) {
                *time += 1;
            }
        }
        times
    }

    /// The percentiles of both sides with each block so many times, where samples suffice.
    fn percentiles(&self, times: &[u64]) -> [Option<[u64; 2]>; 3] {
        let side = |number: usize| {
            let mut sums = vec![0; self.values.len()];
            for (block, times) in self.blocks.iter().zip(times) {
                let Some(counts) = block.get(number).filter(|_| *times > 0) else {
                    continue;
                };
                for (sum, count) in sums.iter_mut().zip(counts) {
                    *sum += count * times;
                }
            }
            QUANTILES.map(|quantile| self.percentile(&sums, quantile))
        };
        let (mine, others) = (side(0), side(1));
        let mut pairs = mine.into_iter().zip(others);
        QUANTILES.map(|_| {
            pairs
                .next()
                .and_then(|(mine, others)| Some([mine?, others?]))
        })
    }

    /// As [`crate::report::percentile`].
    fn percentile(&self, counts: &[u64], quantile: f64) -> Option<u64> {
        let all = counts.iter().sum();
        let wanted = real_as_count((quantile * count_as_real(all)).ceil()).max(1);
        let mut so_far = 0;
        let mut met = self.values.iter().zip(counts);
        let found = met.find(|(_, count)| {
            so_far += **count;
            so_far >= wanted
        });
        found
            .map(|(value, _)| *value)
            .filter(|_| samples::supports(all, quantile))
    }
}

/// What the histograms' three digits can move a ratio by: no difference is told more exactly.
const RESOLUTION: f64 = 0.001;

fn log_ratio([ns, others_ns]: [u64; 2]) -> f64 {
    (count_as_real(ns.max(1)) / count_as_real(others_ns.max(1))).ln()
}

fn deviation(values: &[f64]) -> f64 {
    let count = count_as_real(values.len() as u64);
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::histogram;

    /// Response times by interval.
    type Responses = std::collections::BTreeMap<u64, Histogram<u64>>;

    fn judge(hosts: &[Responses]) -> Vec<Likeness> {
        let places = hosts.iter().flat_map(|host| host.keys().copied()).collect();
        let hosts = hosts.iter().map(|host| host.clone().into_iter()).collect();
        super::judge(&places, hosts)
    }

    /// So many seconds of response times: the host's factor in per cent, and what the server does
    /// to everyone in each second.
    fn host(seed: u64, seconds: u64, per_cent: u64) -> Responses {
        let mut responses = Responses::new();
        for second in 0..seconds {
            let mut draw = Draw::new(seed, Purpose::Request, second);
            let load = 1_000_000 + (second * 7_919) % 11 * 150_000;
            let mut times = histogram();
            for _ in 0..300 {
                let one = load + draw.below(load) * draw.below(1_000) / 1_000;
                times.saturating_record(one * per_cent / 100);
            }
            responses.insert(second, times);
        }
        responses
    }

    #[test]
    fn a_host_that_is_slower_is_named_and_no_other() {
        let found = judge(&[host(1, 20, 100), host(2, 20, 140), host(3, 20, 100)]);
        let different: Vec<bool> = found.iter().map(is_different).collect();
        assert_eq!(different, [false, true, false], "{found:?}");
    }

    #[test]
    fn of_two_hosts_it_cannot_be_told_which_one_differs() {
        let found = judge(&[host(1, 20, 100), host(2, 20, 140)]);
        assert!(found.iter().all(is_different), "{found:?}");
    }

    #[test]
    fn two_that_differ_are_both_named() {
        let slow = [100, 160, 100, 60, 100].iter().zip(1..);
        let hosts: Vec<Responses> = slow.map(|(slow, seed)| host(seed, 20, *slow)).collect();
        let found = judge(&hosts);
        let different: Vec<bool> = found.iter().map(is_different).collect();
        assert_eq!(different, [false, true, false, true, false], "{found:?}");
    }

    #[test]
    fn hosts_that_are_alike_are_not_named() {
        for seed in 0..5 {
            let hosts: Vec<Responses> = (0..3)
                .map(|host_| host(seed * 3 + host_, 20, 100))
                .collect();
            let found = judge(&hosts);
            assert!(!found.iter().any(is_different), "{seed}: {found:?}");
        }
    }

    #[test]
    fn a_difference_that_is_sure_but_small_is_not_told() {
        let found = judge(&[host(1, 60, 100), host(2, 60, 106), host(3, 60, 100)]);
        let Likeness::Alike { furthest } = &found[1] else {
            panic!("{found:?}");
        };
        assert!(furthest.standard_errors() > STANDARD_ERRORS, "{furthest:?}");
        assert!((furthest.ratio - 1.06).abs() < 0.02, "{furthest:?}");
    }

    #[test]
    fn a_single_bad_second_is_chance() {
        let mut hiccup = host(2, 20, 100);
        hiccup.insert(7, host(9, 8, 900)[&7].clone());
        let found = judge(&[host(1, 20, 100), hiccup, host(3, 20, 100)]);
        assert!(!found.iter().any(is_different), "{found:?}");
    }

    #[test]
    fn what_cannot_be_judged_is_not() {
        let check = |hosts: &[Responses], words: &str| {
            for found in judge(hosts) {
                let Likeness::NotJudged { why } = found else {
                    panic!("{found:?}");
                };
                assert!(why.contains(words), "{why}");
            }
        };
        check(&[host(1, 20, 100)], "no other");
        check(&[host(1, 7, 100), host(2, 7, 300)], "there are 7");
        let mut one = Responses::new();
        for second in 0..10 {
            one.insert(second, histogram());
        }
        check(&[one.clone(), one], "too few samples");
    }
}
