//! The change of every metric with its interval, and what is allowed of it.

use super::Written;
use super::axis::ChangeAxis;
use super::chart::{Canvas, Caption, Key, Mark, Shape, bar, figure, put};
use super::head::upper;
use super::words::change;
use crate::gate::facts::{Comparison, ControlFacts, MetricFacts};

/// A change, its interval, and the changes that are allowed.
struct Row {
    name: String,
    remark: String,
    estimate: Option<f64>,
    interval: Option<(f64, f64)>,
    /// No more than this.
    most: f64,
    /// No less; absent if less is always well.
    least: Option<f64>,
    class: &'static str,
}

pub(super) fn write(page: &mut String, comparison: &Comparison) -> Written {
    let metrics = comparison.metrics.iter().map(of_metric);
    let rows: Vec<Row> = metrics
        .chain(comparison.control.iter().map(of_control))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let axis = ChangeAxis::around(rows.iter().flat_map(|row| {
        let (low, high) = row.interval.unzip();
        let ends = [row.estimate, low, high, Some(row.most), row.least];
        ends.into_iter().flatten()
    }));
    let told: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: {}", row.name, row.remark))
        .collect();
    let caption = Caption {
        id: "intervals".into(),
        title: "By how much B differs from A".into(),
        remark: "More is worse. The true change is within the line with the confidence that is named; \
                 what is not allowed is shaded. An interval that is wholly in the shade has regressed, \
                 one that is wholly out of it has passed."
            .to_owned(),
        told: told.join(". ") + ".",
        upwards: "",
        along: "change of B against A",
        shape: Shape::Rows(rows.len()),
    };
    let keys = [
        Key::new("estimate", Mark::Dot, "estimate and its interval"),
        Key::new("advisory", Mark::Dot, "the same, advisory"),
        Key::new("beyond", Mark::Fill, "not allowed"),
    ];
    let has_advisory = rows.iter().any(|row| row.class == "advisory");
    let keys: Vec<Key> = keys
        .into_iter()
        .filter(|key| has_advisory || key.class != "advisory")
        .collect();
    figure(page, &caption, &keys, |page, canvas| {
        for (place, row) in rows.iter().enumerate() {
            shade(page, canvas, (place, row), axis)?;
        }
        for (at, label) in axis.ticks(canvas.most_labels.min(9)) {
            canvas.mark(page, axis.place(at), &label)?;
        }
        canvas.upright(page, "zero", axis.place(0.0))?;
        for (place, row) in rows.iter().enumerate() {
            canvas.row(page, place, &row.name, &row.remark)?;
            draw(page, canvas, (place, row), axis)?;
        }
        Ok(())
    })
}

/// What is not allowed of a row.
fn shade(
    page: &mut String,
    canvas: &Canvas,
    (place, row): (usize, &Row),
    axis: ChangeAxis,
) -> Written {
    const THICK: f64 = 20.0;
    let at = |change: f64| canvas.in_row(axis.place(change), place);
    let ends = axis.ends();
    bar(page, "beyond", (at(row.most), at(*ends.end())), THICK)?;
    if let Some(least) = row.least {
        bar(page, "beyond", (at(*ends.start()), at(least)), THICK)?;
    }
    Ok(())
}

fn draw(
    page: &mut String,
    canvas: &Canvas,
    (place, row): (usize, &Row),
    axis: ChangeAxis,
) -> Written {
    let at = |change: f64| canvas.in_row(axis.place(change), place);
    if let Some((low, high)) = row.interval {
        bar(page, row.class, (at(low), at(high)), 4.0)?;
        for end in [at(low), at(high)] {
            let mut to = end;
            to.x += 2.0;
            bar(page, row.class, (end, to), 12.0)?;
        }
    }
    if let Some(estimate) = row.estimate {
        let text = format!("{}: {}", row.name, row.remark);
        put(page, Mark::Dot, row.class, at(estimate), &text)?;
    }
    Ok(())
}

fn of_metric(metric: &MetricFacts) -> Row {
    let word = if metric.gating { "" } else { " (advisory)" };
    Row {
        name: format!("{}{word}", upper(&metric.label)),
        remark: in_words(
            metric.change.estimate,
            metric.change.low,
            metric.change.high,
        ),
        estimate: metric.change.estimate,
        interval: metric.change.low.zip(metric.change.high),
        most: metric.change.tolerance,
        least: None,
        class: if metric.gating {
            "estimate"
        } else {
            "advisory"
        },
    }
}

fn of_control(control: &ControlFacts) -> Row {
    Row {
        name: format!("Control: {}", control.label),
        remark: in_words(
            control.change.estimate,
            control.change.low,
            control.change.high,
        ),
        estimate: control.change.estimate,
        interval: control.change.low.zip(control.change.high),
        most: control.change.tolerance,
        least: Some(-control.change.tolerance),
        class: "control",
    }
}

fn in_words(estimate: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (estimate, low.zip(high)) {
        (Some(estimate), Some((low, high))) => {
            format!("{} ({} to {})", change(estimate), change(low), change(high))
        }
        (Some(estimate), None) => format!("{}, no interval", change(estimate)),
        _ => "too few pairs".to_owned(),
    }
}
