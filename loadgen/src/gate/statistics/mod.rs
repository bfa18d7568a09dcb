//! Pure: what pairs say of a change, and how sure that is.
//!
//! The unit is the pair, never the request: requests of one block share their block's fate. Of
//! each pair only the logarithm of B over A counts. The estimate is that of Hodges and Lehmann, the
//! median of all means of two; its interval is exact by the signed-rank distribution, if the pairs are
//! independent and lie symmetrically about the true change. That is what drawing which arm comes
//! first is for: where nothing differs, turning the arms round turns a pair's sign. Neither asks
//! the pairs to be normal, and a few wild ones move them little.

pub(crate) mod normal;
mod signed_rank;

use signed_rank::SignedRank;

use crate::figures::count_as_real;

/// How often a regression that could just be seen is found.
const POWER: f64 = 0.8;

/// The estimate of Hodges and Lehmann: the median of all means of two, each with itself included.
/// `None` of nothing.
pub(crate) fn estimate(values: &[f64]) -> Option<f64> {
    median_of_sorted(&means_of_two(values))
}

/// The median; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

/// Its interval, which leaves out the truth with at most the probability `error`, half of it on
/// either side. `None` if there are too few values for one.
pub(crate) fn interval(values: &[f64], error: f64) -> Option<(f64, f64)> {
    let means = means_of_two(values);
    let left_out = SignedRank::of(values.len()).largest_within(error / 2.0)?;
    let low = means.get(left_out)?;
    let high = means.get(means.len().checked_sub(left_out + 1)?)?;
    Some((*low, *high))
}

/// The fewest values of which there is an interval with this error.
pub(crate) fn fewest(error: f64) -> usize {
    (1..64)
        .find(|&pairs| 0.5_f64.powi(pairs) <= error / 2.0)
        .and_then(|pairs| usize::try_from(pairs).ok())
        .unwrap_or(64)
}

/// How likely values that lie so far above `bound` are, if half of the truth lies below it. Values
/// on the bound say nothing; those that lie equally far share their ranks.
pub(crate) fn probability_not_above(values: &[f64], bound: f64) -> f64 {
    let mut distances: Vec<f64> = values
        .iter()
        .map(|value| value - bound)
        .filter(|distance| *distance != 0.0)
        .collect();
    distances.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
    let ranks = doubled_ranks(&distances);
    let signed = distances.iter().zip(&ranks);
    let minus: usize = signed
        .filter(|(distance, _)| **distance < 0.0)
        .map(|(_, rank)| rank)
        .sum();
    SignedRank::of_doubled(&ranks).at_most(minus)
}

/// The same for values below `bound`.
pub(crate) fn probability_not_below(values: &[f64], bound: f64) -> f64 {
    let turned: Vec<f64> = values.iter().map(|value| -value).collect();
    probability_not_above(&turned, -bound)
}

/// The error that each of several claims may make, so that with the probability `error` at most any
/// of them is wrong: Holm's. A claim whose probability is within its error makes room for the next.
pub(crate) fn holm(probabilities: &[f64], error: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    let probability = |place: &usize| probabilities.get(*place).copied().unwrap_or(1.0);
    order.sort_by(|one, other| probability(one).total_cmp(&probability(other)));
    let mut errors = vec![error; probabilities.len()];
    let mut left = probabilities.len();
    for place in order {
        let part = error / count_as_real(left.max(1) as u64);
        if let Some(own) = errors.get_mut(place) {
            *own = part;
        }
        // From the first claim that fails on, all have its error.
        if probability(&place) <= part {
            left = left.saturating_sub(1);
        }
    }
    errors
}

/// The standard error of the estimate, as its interval tells it.
pub(crate) fn standard_error((low, high): (f64, f64), error: f64) -> f64 {
    (high - low) / 2.0 / normal::quantile_above(error / 2.0)
}

/// The smallest change beyond a bound that is found in 80 of 100 times, where a claim beyond it
/// errs with the probability `error`.
pub(crate) fn detectable(standard_error: f64, error: f64) -> f64 {
    (normal::quantile_above(error) + normal::quantile_above(1.0 - POWER)) * standard_error
}

/// The ranks of distances that are sorted by their size, doubled.
fn doubled_ranks(distances: &[f64]) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(distances.len());
    let alike = |one: &f64, other: &f64| one.abs().total_cmp(&other.abs()).is_eq();
    for tied in distances.chunk_by(alike) {
        let first = ranks.len() + 1;
        let last = ranks.len() + tied.len();
        ranks.extend(std::iter::repeat_n(first + last, tied.len()));
    }
    ranks
}

fn means_of_two(values: &[f64]) -> Vec<f64> {
    let mut means: Vec<f64> = values
        .iter()
        .enumerate()
        .flat_map(|(place, one)| {
            let others = values.iter().skip(place);
            others.map(move |other| f64::midpoint(*one, *other))
        })
        .collect();
    means.sort_by(f64::total_cmp);
    means
}

fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if !sorted.len().is_multiple_of(2) {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper))
}

#[cfg(test)]
mod tests;
