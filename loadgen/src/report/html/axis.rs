//! Pure: where values lie on an axis, and which of them have a label.

use crate::clock::SECOND_NS;
use crate::figures::{count_as_real, real_as_count};
use crate::report::curve::nines;

/// Shorter times are drawn at this one: an axis down to a nanosecond would show little else.
const LEAST_DRAWN_NS: u64 = 100;

/// Labels below each other; above so many, only the powers of ten have one.
const MOST_LATENCY_LABELS: usize = 10;

/// A logarithmic axis of times, between two of 1, 2 and 5 times a power of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LatencyAxis {
    from_ns: u64,
    to_ns: u64,
}

impl LatencyAxis {
    /// An axis that holds all of these; `None` if there is none.
    pub(super) fn around(times: impl Iterator<Item = u64> + Clone) -> Option<Self> {
        let least = times.clone().min()?.max(LEAST_DRAWN_NS);
        let most = times.max()?.max(LEAST_DRAWN_NS + 1);
        let from_ns = round_times().take_while(|&ns| ns <= least).last()?;
        let to_ns = round_times().find(|&ns| ns >= most && ns > from_ns)?;
        Some(Self { from_ns, to_ns })
    }

    /// Where a time lies, from 0 to 1.
    pub(super) fn place(&self, ns: u64) -> f64 {
        let logarithm = |ns: u64| count_as_real(ns.max(1)).ln();
        let span = logarithm(self.to_ns) - logarithm(self.from_ns);
        ((logarithm(ns) - logarithm(self.from_ns)) / span).clamp(0.0, 1.0)
    }

    /// Times with a label, where there is room for many.
    pub(super) fn ticks(&self) -> Vec<u64> {
        self.ticks_within(MOST_LATENCY_LABELS)
    }

    /// Times with a label, where there is room for so many.
    pub(super) fn ticks_within(&self, most: usize) -> Vec<u64> {
        let all: Vec<u64> = round_times()
            .filter(|ns| (self.from_ns..=self.to_ns).contains(ns))
            .collect();
        if all.len() <= most {
            return all;
        }
        all.into_iter().filter(|&ns| is_power_of_ten(ns)).collect()
    }
}

/// True for 1, 10, 100 and so on.
pub(super) fn is_power_of_ten(number: u64) -> bool {
    (0..20).any(|power| 10_u64.pow(power) == number)
}

/// 1, 2 and 5 times each power of ten, from a nanosecond to 500 seconds.
fn round_times() -> impl Iterator<Item = u64> {
    (0..12).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)))
}

/// A linear axis from 0 to a round number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LinearAxis {
    step: f64,
    steps: u32,
}

impl LinearAxis {
    /// An axis up to `most` or a little further, in at most six steps of 1, 2 or 5.
    pub(super) fn up_to(most: f64) -> Self {
        if most <= 0.0 {
            return Self {
                step: 1.0,
                steps: 1,
            };
        }
        let power = 10.0_f64.powf((most / 5.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|digit| digit * power)
            .into_iter()
            .find(|step| step * 5.0 >= most)
            .unwrap_or(most);
        // Less by a hair, for rounding must not ask for one step more.
        let steps = (most / step - 1e-9).ceil().clamp(1.0, 6.0);
        let steps = u32::try_from(real_as_count(steps)).unwrap_or(1);
        Self { step, steps }
    }

    /// Where a value lies, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value / (self.step * f64::from(self.steps))).clamp(0.0, 1.0)
    }

    /// Values with a label.
    pub(super) fn ticks(&self) -> Vec<f64> {
        (0..=self.steps)
            .map(|step| f64::from(step) * self.step)
            .collect()
    }
}

/// The course of a run, from its beginning on.
#[derive(Clone, Copy, Debug)]
pub(super) struct CourseAxis {
    /// Its length, in nanoseconds.
    pub(super) length_ns: u64,
}

impl CourseAxis {
    /// Where an instant lies, from 0 to 1.
    pub(super) fn place(self, ns: u64) -> f64 {
        crate::figures::share(ns, self.length_ns).clamp(0.0, 1.0)
    }

    /// The distance between labels, so that there are at most `most` besides the 0.
    pub(super) fn step_ns(self, most: u64) -> u64 {
        const MILLISECOND_NS: u64 = SECOND_NS / 1_000;
        const HOUR: u64 = 3_600;
        let milliseconds = [10, 20, 50, 100, 200, 500].map(|step| step * MILLISECOND_NS);
        let seconds = [
            1,
            2,
            5,
            10,
            20,
            30,
            60,
            120,
            300,
            600,
            1_200,
            1_800,
            HOUR,
            2 * HOUR,
            4 * HOUR,
            6 * HOUR,
            12 * HOUR,
            24 * HOUR,
            48 * HOUR,
        ];
        let seconds = seconds.map(|step| step * SECOND_NS);
        milliseconds
            .into_iter()
            .chain(seconds)
            .find(|step| self.length_ns / step <= most)
            .unwrap_or(self.length_ns)
            .max(1)
    }

    /// Instants with a label.
    pub(super) fn ticks(self, most: u64) -> Vec<u64> {
        let step_ns = self.step_ns(most);
        (0..=self.length_ns / step_ns)
            .map(|step| step * step_ns)
            .collect()
    }

    /// A label in the unit of the distance between labels.
    pub(super) fn label(ns: u64, step_ns: u64) -> String {
        let seconds = ns / SECOND_NS;
        match step_ns / SECOND_NS {
            _ if ns == 0 => "0".to_owned(),
            0 => {
                let text = format!("{:.2}", count_as_real(ns) / count_as_real(SECOND_NS));
                format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
            }
            step if step.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
            step if step.is_multiple_of(60) => format!("{} min", seconds / 60),
            _ => format!("{seconds} s"),
        }
    }
}

/// Percentiles by their nines: the same distance from 90 to 99 as from 99 to 99.9.
#[derive(Clone, Copy, Debug)]
pub(super) struct NinesAxis {
    most: f64,
}

impl NinesAxis {
    /// An axis up to this quantile, or to 0.9 if it is less.
    pub(super) fn up_to(quantile: f64) -> Self {
        Self {
            most: nines(quantile).max(1.0),
        }
    }

    /// Where a quantile lies, from 0 to 1.
    pub(super) fn place(self, quantile: f64) -> f64 {
        (nines(quantile) / self.most).clamp(0.0, 1.0)
    }

    /// Quantiles with a label, and their labels.
    pub(super) fn ticks(self) -> Vec<(f64, &'static str)> {
        const ALL: [(f64, &str); 7] = [
            (0.0, "p0"),
            (0.5, "p50"),
            (0.9, "p90"),
            (0.99, "p99"),
            (0.999, "p99.9"),
            (0.9999, "p99.99"),
            (0.999_99, "p99.999"),
        ];
        ALL.into_iter()
            .filter(|(quantile, _)| nines(*quantile) <= self.most + 1e-6)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_axis_has_round_ends_and_a_handful_of_labels() {
        let check = |times: &[u64], expected: &[u64]| {
            let axis = LatencyAxis::around(times.iter().copied()).unwrap();
            assert_eq!(axis.ticks(), expected, "{times:?}");
            for &ns in times {
                assert!((0.0..=1.0).contains(&axis.place(ns)));
            }
        };
        let (us, ms, s) = (1_000, 1_000_000, SECOND_NS);
        check(&[100 * us, 900 * us], &[100 * us, 200 * us, 500 * us, ms]);
        check(&[3 * ms], &[2 * ms, 5 * ms]);
        check(&[2 * ms, 2 * ms], &[2 * ms, 5 * ms]);
        check(&[0], &[100, 200]);
        check(
            &[15 * us, 3 * s],
            &[10 * us, 100 * us, ms, 10 * ms, 100 * ms, s],
        );
        check(&[60 * s], &[50 * s, 100 * s]);
        assert_eq!(LatencyAxis::around(std::iter::empty()), None);
    }

    #[test]
    fn a_latency_axis_is_logarithmic() {
        let axis = LatencyAxis::around([1_000_000, 100_000_000].into_iter()).unwrap();
        let check = |ns, place: f64| assert!((axis.place(ns) - place).abs() < 1e-9, "{ns}");
        check(1_000_000, 0.0);
        check(10_000_000, 0.5);
        check(100_000_000, 1.0);
        check(1, 0.0);
        check(SECOND_NS, 1.0);
    }

    #[test]
    fn a_linear_axis_has_round_steps() {
        let check = |most: f64, step: f64, steps: usize| {
            let ticks = LinearAxis::up_to(most).ticks();
            assert_eq!(ticks.len(), steps + 1, "{most}: {ticks:?}");
            assert!((ticks[1] - step).abs() < step / 1e6, "{most}: {ticks:?}");
            assert!(ticks[steps] >= most * (1.0 - 1e-6), "{most}: {ticks:?}");
        };
        check(2_013.0, 500.0, 5);
        check(2_000.0, 500.0, 4);
        check(1.0, 0.2, 5);
        check(0.3, 0.1, 3);
        check(100_000.0, 20_000.0, 5);
        check(0.0, 1.0, 1);
        check(7.0, 2.0, 4);
    }

    #[test]
    fn the_course_of_a_run_has_few_labels_in_one_unit() {
        let check = |length_ns: u64, expected: &[&str]| {
            let axis = CourseAxis { length_ns };
            let step_ns = axis.step_ns(8);
            let labels: Vec<String> = axis
                .ticks(8)
                .into_iter()
                .map(|ns| CourseAxis::label(ns, step_ns))
                .collect();
            assert_eq!(labels, expected, "{length_ns}");
        };
        let s = SECOND_NS;
        check(0, &["0"]);
        check(
            300_000_000,
            &["0", "0.05 s", "0.1 s", "0.15 s", "0.2 s", "0.25 s", "0.3 s"],
        );
        check(2 * s, &["0", "0.5 s", "1 s", "1.5 s", "2 s"]);
        check(
            15 * s,
            &["0", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s", "14 s"],
        );
        check(
            600 * s,
            &["0", "2 min", "4 min", "6 min", "8 min", "10 min"],
        );
        check(
            7_200 * s,
            &[
                "0", "20 min", "40 min", "60 min", "80 min", "100 min", "120 min",
            ],
        );
        check(72_000 * s, &["0", "4 h", "8 h", "12 h", "16 h", "20 h"]);
    }

    #[test]
    fn percentiles_have_labels_no_further_than_they_go() {
        let check = |quantile, last: &str| {
            let axis = NinesAxis::up_to(quantile);
            assert_eq!(axis.ticks().last().unwrap().1, last, "{quantile}");
            assert!((axis.place(quantile.max(0.9)) - 1.0).abs() < 1e-9);
        };
        check(0.1, "p90");
        check(0.9, "p90");
        check(0.989, "p90");
        check(0.99, "p99");
        check(0.9995, "p99.9");
        check(0.999_99, "p99.999");
    }
}
