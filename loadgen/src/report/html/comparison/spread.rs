//! How the changes of the pairs are spread.

use super::Written;
use super::axis::ChangeAxis;
use super::chart::{Caption, Extent, Key, Mark, Shape, figure};
use super::pairs::change_of;
use super::words::{change, plain_percent};
use crate::figures::{count_as_real, real_as_count};
use crate::gate::facts::MetricFacts;
use crate::report::html::axis::LinearAxis;

/// Columns along the axis.
const COLUMNS: usize = 24;

/// Fewer pairs make no distribution.
const LEAST_PAIRS: usize = 8;

pub(super) fn write(page: &mut String, place: usize, metric: &MetricFacts) -> Written {
    let used = metric.pairs.iter().filter(|pair| pair.discarded.is_none());
    let changes: Vec<f64> = used.map(change_of).collect();
    if changes.len() < LEAST_PAIRS {
        return Ok(());
    }
    let axis = ChangeAxis::around(changes.iter().copied().chain([metric.change.tolerance]));
    let counts = counts(&changes, axis);
    let most = counts.iter().max().copied().unwrap_or(0);
    let heights = LinearAxis::up_to(count_as_real(most.max(5)));
    let spread = metric.spread.map_or_else(String::new, |spread| {
        format!(
            " As far as the interval tells it, one pair is off by {}.",
            change(spread).replace('+', "±")
        )
    });
    let caption = Caption {
        id: format!("spread{place}").into(),
        title: format!("How the pairs are spread: {}", metric.label).into(),
        remark: format!("The {} pairs that were used.{spread}", changes.len()),
        told: format!("At most {most} pairs are in one of {COLUMNS} columns."),
        upwards: "pairs",
        along: "change of B against A",
        shape: Shape::Scale(220.0),
    };
    let keys = [
        Key::new("pair-mark", Mark::Fill, "pairs"),
        Key::new("zero", Mark::Line, "no change"),
        Key::new(
            "limit",
            Mark::Line,
            format!("tolerance {}", plain_percent(metric.change.tolerance)),
        ),
    ];
    figure(page, &caption, &keys, |page, canvas| {
        for tick in heights.ticks() {
            if tick.fract() == 0.0 {
                canvas.level(page, heights.place(tick), &format!("{tick:.0}"))?;
            }
        }
        for (at, label) in axis.ticks(canvas.most_labels.min(9)) {
            canvas.mark(page, axis.place(at), &label)?;
        }
        for (place, count) in counts.iter().enumerate() {
            let extent = Extent {
                left: count_as_real(place as u64) / count_as_real(COLUMNS as u64),
                right: count_as_real(place as u64 + 1) / count_as_real(COLUMNS as u64),
                from: 0.0,
                to: heights.place(count_as_real(*count)),
            };
            if *count > 0 {
                page.push_str(&canvas.column("pair-mark", extent));
            }
        }
        canvas.upright(page, "zero", axis.place(0.0))?;
        canvas.upright(page, "limit", axis.place(metric.change.tolerance))
    })
}

/// How many of the changes are in each column.
fn counts(changes: &[f64], axis: ChangeAxis) -> [u64; COLUMNS] {
    let mut counts = [0; COLUMNS];
    for &change in changes {
        let column = real_as_count(axis.place(change) * count_as_real(COLUMNS as u64));
        let column = usize::try_from(column).unwrap_or(COLUMNS).min(COLUMNS - 1);
        if let Some(count) = counts.get_mut(column) {
            *count += 1;
        }
    }
    counts
}
