//! Distributions by percentile: some curves over one axis of nines.

use super::Written;
use super::axis::{LatencyAxis, NinesAxis};
use super::chart::{Canvas, Caption, Key, Mark, Shape, Spot, figure, line, put};
use super::words::{latency, round_time};
use crate::report::{CurvePoint, TimeFacts};

/// One curve and the figures that have a dot on it.
pub(super) struct Curve<'a> {
    pub(super) key: Key,
    pub(super) points: &'a [CurvePoint],
    pub(super) facts: &'a TimeFacts,
    /// Its figures stand beside its dots.
    pub(super) is_told: bool,
}

/// Curves of one picture; there is a point in at least one of them.
pub(super) struct Family<'a> {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) remark: String,
    pub(super) curves: Vec<Curve<'a>>,
}

pub(super) fn write(page: &mut String, family: &Family<'_>) -> Written {
    let points = family.curves.iter().flat_map(|curve| curve.points);
    let furthest = points.clone().map(|point| point.quantile);
    let nines = NinesAxis::up_to(furthest.fold(0.0, f64::max));
    let Some(latencies) = LatencyAxis::around(points.map(|point| point.ns)) else {
        return Ok(());
    };
    let caption = Caption {
        id: family.id.into(),
        title: family.title.into(),
        remark: family.remark.clone(),
        told: told(family),
        upwards: "time, logarithmic",
        along: "percentile",
        shape: Shape::Scale(370.0),
    };
    let keys: Vec<Key> = family
        .curves
        .iter()
        .map(|curve| curve.key.clone())
        .collect();
    figure(page, &caption, &keys, |page, canvas| {
        for ns in latencies.ticks() {
            canvas.level(page, latencies.place(ns), &round_time(ns))?;
        }
        for (quantile, label) in nines.ticks() {
            canvas.mark(page, nines.place(quantile), label)?;
        }
        // The first line is the widest and below the others, so that none hides another.
        let spot = |quantile, ns| canvas.spot(nines.place(quantile), latencies.place(ns));
        for curve in &family.curves {
            let spots = curve.points.iter();
            let spots: Vec<_> = spots.map(|p| Some(spot(p.quantile, p.ns))).collect();
            line(page, curve.key.class, &spots)?;
        }
        for curve in family.curves.iter().rev() {
            for (quantile, name, ns) in named(curve.facts) {
                let text = format!("{}, {name}: {}", curve.key.name, latency(ns));
                put(page, Mark::Dot, curve.key.class, spot(quantile, ns), &text)?;
                if curve.is_told {
                    beside(page, canvas, name, (spot(quantile, ns), ns))?;
                }
            }
        }
        Ok(())
    })
}

/// A figure above its dot; where there is little room, only every second.
fn beside(page: &mut String, canvas: &Canvas, name: &str, (at, ns): (Spot, u64)) -> Written {
    if !canvas.is_wide && !matches!(name, "p50" | "p99" | "p99.99") {
        return Ok(());
    }
    let above = Spot {
        x: at.x - 4.0,
        y: at.y - 11.0,
    };
    canvas.say(page, "", above, &latency(ns))
}

fn told(family: &Family<'_>) -> String {
    let told = family.curves.iter().map(|curve| {
        let figures: Vec<String> = named(curve.facts)
            .map(|(_, name, ns)| format!("{name} {}", latency(ns)))
            .collect();
        format!("{}: {}", curve.key.name, figures.join(", "))
    });
    told.collect::<Vec<_>>().join(". ") + "."
}

/// The percentiles that have a dot: quantile, name and time.
fn named(facts: &TimeFacts) -> impl Iterator<Item = (f64, &'static str, u64)> {
    [
        (0.5, "p50", facts.p50_ns),
        (0.9, "p90", facts.p90_ns),
        (0.99, "p99", facts.p99_ns),
        (0.999, "p99.9", facts.p999_ns),
        (0.9999, "p99.99", facts.p9999_ns),
    ]
    .into_iter()
    .filter_map(|(quantile, name, ns)| Some((quantile, name, ns?)))
}
