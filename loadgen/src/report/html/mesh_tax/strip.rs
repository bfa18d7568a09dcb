//! Every round's difference with the interval of all: a row for each metric.

use super::Written;
use super::chart::{Caption, Key, Mark, Shape, bar, figure, put};
use super::{interval, signed};
use crate::mesh_tax::facts::{MeshTaxReport, Scale, TaxFacts};

/// From where to where an axis of differences goes, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis that holds nothing and all of these, with some room at its ends.
    fn around(differences: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (0.0_f64, 1_000.0_f64);
        for difference in differences {
            from = from.min(difference);
            to = to.max(difference);
        }
        let room = (to - from) * 0.05;
        Self {
            from: from - room,
            to: to + room,
        }
    }

    /// Where a difference lies, from 0 to 1.
    fn place(self, difference: f64) -> f64 {
        ((difference - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// Round differences on it, so many at most or a few more.
    fn ticks(self, most: u32) -> Vec<f64> {
        let least = (self.to - self.from) / f64::from(most.max(1));
        let power = 10.0_f64.powf(least.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|part| part * power);
        let step = steps.into_iter().find(|step| *step >= least);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.from / step).ceil();
        (0..=most)
            .map(|count| (first + f64::from(count)) * step)
            .take_while(|difference| *difference <= self.to)
            .collect()
    }
}

/// The middle of the calls, their slow end and what they cost: each has a scale of its own.
pub(super) fn write(page: &mut String, report: &MeshTaxReport) -> Written {
    let pictures = [
        (Scale::Middle, "middle", "Rounds: the middle of the calls"),
        (Scale::Tail, "tail", "Rounds: the slow end of the calls"),
        (Scale::Cost, "cost", "Rounds: processor time of a call"),
    ];
    for (scale, id, title) in pictures {
        let metrics = report.metrics.iter();
        let these: Vec<&TaxFacts> = metrics
            .filter(|facts| facts.metric.scale() == scale)
            .collect();
        draw(page, report, (id, title, &these))?;
    }
    Ok(())
}

fn draw(
    page: &mut String,
    report: &MeshTaxReport,
    (id, title, metrics): (&'static str, &'static str, &[&TaxFacts]),
) -> Written {
    if metrics.is_empty() {
        return Ok(());
    }
    let all = |facts: &TaxFacts| -> Vec<f64> {
        let metric = facts.metric;
        let rounds = report.rounds.iter();
        rounds
            .filter_map(|round| metric.difference(round))
            .collect()
    };
    let axis = Axis::around(metrics.iter().flat_map(|facts| all(facts)));
    let words = |facts: &TaxFacts| format!("{} ({})", signed(facts.estimate_ns), interval(facts));
    let told: Vec<String> = metrics
        .iter()
        .map(|facts| format!("{}: {}", facts.metric.label(), words(facts)))
        .collect();
    let caption = Caption {
        id: id.into(),
        title: title.into(),
        remark:
            "Each mark is a round. The true difference is within the bar with a confidence of 95 %."
                .to_owned(),
        told: told.join(". ") + ".",
        upwards: "",
        along: "through the proxy less directly",
        shape: Shape::Rows(metrics.len()),
    };
    let keys = [
        Key::new("pair-mark", Mark::Dot, "a round"),
        Key::new("interval", Mark::Fill, "interval"),
    ];
    figure(page, &caption, &keys, |page, canvas| {
        for at in axis.ticks(if canvas.is_wide { 8 } else { 3 }) {
            canvas.mark(page, axis.place(at), &signed(at))?;
        }
        canvas.upright(page, "zero", axis.place(0.0))?;
        for (place, facts) in metrics.iter().enumerate() {
            let at = |difference: f64| canvas.in_row(axis.place(difference), place);
            canvas.row(page, place, facts.metric.label(), &words(facts))?;
            if let Some((low, high)) = facts.interval() {
                bar(page, "interval", (at(low), at(high)), 16.0)?;
            }
            for (number, difference) in all(facts).into_iter().enumerate() {
                let text = format!("{}: {}", number + 1, signed(difference));
                put(page, Mark::Dot, "pair-mark", at(difference), &text)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_all_and_has_round_labels() {
        let check = |differences: &[f64], most, expected: &[f64]| {
            let axis = Axis::around(differences.iter().copied());
            assert_eq!(axis.ticks(most), expected, "{differences:?}");
            for difference in differences.iter().chain(&[0.0]) {
                assert!((0.0..=1.0).contains(&axis.place(*difference)));
            }
        };
        check(&[], 3, &[0.0, 500.0, 1_000.0]);
        check(&[140_000.0], 3, &[0.0, 100_000.0]);
        check(
            &[-20_000.0, 70_000.0],
            5,
            &[-20_000.0, 0.0, 20_000.0, 40_000.0, 60_000.0],
        );
    }
}
