//! Pure: what a run must keep to, such as `p(99)<5ms`, `errors<0.1%` or
//! `rate(approved){mode=qr}>0.9`: read, checked against a plan, and judged.
//!
//! A percentile is judged only on as many samples as support it; one that has fewer is neither kept
//! nor missed.

mod feasible;
mod judge;
#[cfg(test)]
mod judge_tests;
mod limit;
mod of_job;
mod read;
mod select;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt::{Display, Formatter};

use clap::Args;

use feasible::{Expected, impossible};
pub(crate) use judge::{Measured, ThresholdFacts, ThresholdVerdict, judge};
pub(crate) use of_job::check;
pub(crate) use select::{Class, Selected, Selection};

/// Several thresholds, as they were written behind each other with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thresholds(pub(crate) Vec<Threshold>);

/// Thresholds on the command line.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ThresholdArgs {
    /// What the run must keep to, or it exits with 2: such as 'p(99)<5ms', 'errors<0.1%',
    /// 'rate(approved){mode=qr}>0.9' or 'throughput>=900/s', several with commas or by giving it again
    #[arg(long = "threshold", value_name = "EXPRESSION")]
    thresholds: Vec<Thresholds>,
}

impl ThresholdArgs {
    /// All of them in order; `None` if there are none.
    pub(crate) fn given(&self) -> Option<Thresholds> {
        let all: Vec<Threshold> = self
            .thresholds
            .iter()
            .flat_map(|some| some.0.iter().cloned())
            .collect();
        (!all.is_empty()).then_some(Thresholds(all))
    }
}

/// One thing that a run must keep to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Threshold {
    /// As it was written, without the spaces around it.
    pub(crate) text: String,
    /// What is looked at.
    pub(crate) figure: Figure,
    /// Which payments; all of them if it says nothing.
    pub(crate) selection: Selection,
    /// How it must compare with the limit.
    pub(crate) comparison: Comparison,
    /// The limit, in the figure's unit.
    pub(crate) limit: Limit,
}

/// A figure of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Of a distribution of times, over payments that ended so; the headline's if it is not said.
    Time(Clock, Statistic, Option<Class>),
    /// The part of the payments sent that ended so.
    Share(Class),
    /// The part of the payments planned that was not sent for this reason.
    Unsent(Reason),
    /// How many payments ended so; all that were sent if it is not said.
    Count(Option<Class>),
    /// How many payments a second ended so.
    Throughput(Class),
    /// Processor time of the server for each call that ended.
    ServerCpu,
    /// Processor time of this process for each call that ended.
    GeneratorCpu,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// From due to done.
    Response,
    /// From sent to done.
    Service,
    /// From due to sent.
    Lag,
}

/// What of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistic {
    /// The mean.
    Average,
    /// The shortest.
    Least,
    /// The longest.
    Most,
    /// The time that so many parts in a million are not longer than; neither 0 nor all of them.
    Percentile(u32),
}

/// Why a payment was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// As many as allowed were in flight.
    Dropped,
    /// Its deadline had passed.
    Skipped,
    /// For either, or because there was no connection.
    Any,
}

/// How a figure must compare with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// A limit, exactly as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Nanoseconds.
    Time(u64),
    /// Parts in a million.
    Share(u32),
    /// A number of payments.
    Count(u64),
    /// Thousandths of a payment a second.
    Rate(u64),
}

impl Comparison {
    /// Whether a figure that stands so to its limit keeps to it.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
        }
    }
}

/// Parts in a million as a quantile, 0 to 1.
pub(crate) fn quantile(parts: u32) -> f64 {
    f64::from(parts) / 1e6
}

impl Display for Thresholds {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        for (place, threshold) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(to, "{comma}{}", threshold.text)?;
        }
        Ok(())
    }
}

impl Thresholds {
    /// The selections by mode or scheme that the run has to keep apart, each once.
    pub(crate) fn selections(&self) -> Vec<Selection> {
        let mut all: Vec<Selection> = Vec::new();
        for threshold in &self.0 {
            let selection = threshold.selection;
            if selection != Selection::default() && !all.contains(&selection) {
                all.push(selection);
            }
        }
        all
    }
}
