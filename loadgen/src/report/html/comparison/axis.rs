//! Pure: an axis of changes, which are ratios less one.

use std::ops::RangeInclusive;

/// An axis of changes on which half as much lies as far from none as twice as much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChangeAxis {
    /// ln of the least ratio.
    from: f64,
    /// ln of the most.
    to: f64,
}

/// The least that is shown: so small a change either way.
const LEAST: f64 = 0.002;

/// Below this there is nothing: a change of -1 is a ratio of 0.
const NOTHING: f64 = -0.999;

impl ChangeAxis {
    /// An axis that holds none and all of these, with some room at its ends.
    pub(super) fn around(changes: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (logarithm(-LEAST), logarithm(LEAST));
        for change in changes.filter(|change| change.is_finite()) {
            from = from.min(logarithm(change));
            to = to.max(logarithm(change));
        }
        let room = (to - from) * 0.06;
        Self {
            from: from - room,
            to: to + room,
        }
    }

    /// Where a change lies, from 0 to 1.
    pub(super) fn place(self, change: f64) -> f64 {
        ((logarithm(change) - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// The changes at its ends.
    pub(super) fn ends(self) -> RangeInclusive<f64> {
        self.from.exp_m1()..=self.to.exp_m1()
    }

    /// Round changes with a label, at most so many, and their labels: as percentages, or as times
    /// as much where the axis goes further than twice as much.
    pub(super) fn ticks(self, most: u64) -> Vec<(f64, String)> {
        const STEPS: [i32; 14] = [
            1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000,
        ];
        if self.to > 2.0_f64.ln() || self.from < 0.4_f64.ln() {
            return self.multiples(most);
        }
        // In thousandths.
        let (from, to) = (self.from.exp_m1() * 1e3, self.to.exp_m1() * 1e3);
        let fits = |step: &i32| {
            let step = f64::from(*step);
            (to / step).floor() - (from / step).ceil() < crate::figures::count_as_real(most)
        };
        let step = STEPS.into_iter().find(fits).unwrap_or(50_000);
        let digits = usize::from(step % 10 != 0);
        (-50_000 / step..=50_000 / step)
            .map(|count| f64::from(count * step))
            .filter(|thousandths| (from..=to).contains(thousandths))
            .map(|thousandths| (thousandths / 1e3, label(thousandths / 10.0, digits)))
            .collect()
    }
}

impl ChangeAxis {
    /// 1, 2 and 5 times powers of ten, or only those powers.
    fn multiples(self, most: u64) -> Vec<(f64, String)> {
        const ALL: [&str; 13] = [
            "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50", "100",
        ];
        let within = |words: &str| -> Option<(f64, String)> {
            let ratio: f64 = words.parse().ok()?;
            let is_within = (self.from..=self.to).contains(&ratio.ln());
            is_within.then(|| (ratio - 1.0, format!("×{words}")))
        };
        let all: Vec<_> = ALL.iter().filter_map(|words| within(words)).collect();
        if all.len() as u64 <= most {
            return all;
        }
        let powers = ALL.iter().filter(|words| words.contains('1'));
        powers.filter_map(|words| within(words)).collect()
    }
}

fn logarithm(change: f64) -> f64 {
    change.max(NOTHING).ln_1p()
}

fn label(percent: f64, digits: usize) -> String {
    if percent == 0.0 {
        return "0".to_owned();
    }
    format!("{percent:+.digits$} %").replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_changes_has_round_labels_and_none_among_them() {
        let check = |changes: &[f64], most, expected: &[&str]| {
            let axis = ChangeAxis::around(changes.iter().copied());
            let labels: Vec<String> = axis.ticks(most).into_iter().map(|tick| tick.1).collect();
            assert_eq!(labels, expected, "{changes:?}");
        };
        check(
            &[-0.02, 0.05],
            9,
            &["−2 %", "−1 %", "0", "+1 %", "+2 %", "+3 %", "+4 %", "+5 %"],
        );
        check(&[-0.02, 0.05], 5, &["−2 %", "0", "+2 %", "+4 %"]);
        check(&[], 5, &["−0.2 %", "−0.1 %", "0", "+0.1 %", "+0.2 %"]);
        check(&[0.8], 5, &["0", "+20 %", "+40 %", "+60 %", "+80 %"]);
        check(&[1.0], 5, &["×1", "×2"]);
        check(&[-0.9, 11.0], 5, &["×0.1", "×1", "×10"]);
        check(&[-0.5, f64::NAN], 3, &["−40 %", "−20 %", "0"]);
    }

    #[test]
    fn half_as_much_lies_as_far_from_none_as_twice_as_much() {
        let axis = ChangeAxis::around([-0.5, 1.0].into_iter());
        let check = |change, place: f64| assert!((axis.place(change) - place).abs() < 1e-9);
        check(0.0, 0.5);
        assert!((axis.place(-0.5) + axis.place(1.0) - 1.0).abs() < 1e-9);
        assert!(axis.ends().contains(&1.0) && axis.ends().contains(&-0.5));
        check(9.0, 1.0);
        check(-1.0, 0.0);
    }
}
