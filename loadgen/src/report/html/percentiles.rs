//! Times by percentile.

use super::Written;
use super::axis::{LatencyAxis, NinesAxis};
use super::chart::{Caption, Key, dot, figure, line, nothing};
use super::words::{latency, round_time};
use crate::report::text::grouped;
use crate::report::{CurvePoint, Report, TimeFacts};

/// One curve and the figures that have a dot on it.
struct Curve<'a> {
    key: Key,
    points: &'a [CurvePoint],
    facts: &'a TimeFacts,
}

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let is_open = report.plan.arrivals.is_some();
    let title = if is_open {
        "Response times by percentile"
    } else {
        "Latencies by percentile"
    };
    let curves = curves(report);
    let times = curves.iter().flat_map(|curve| curve.points);
    let (Some(latencies), Some(last)) = (
        LatencyAxis::around(times.map(|point| point.ns)),
        report.response_curve.last(),
    ) else {
        return nothing(
            page,
            title,
            "No request was decided and none timed out, so there are no times to draw.",
        );
    };
    let caption = Caption {
        title,
        remark: format!(
            "Upwards: time, logarithmic. Along: percentile, by the number of its nines, up to what \
             {} samples support. The longest took {}.",
            grouped(report.response.count),
            report.response.max_ns.map_or_else(String::new, latency),
        ),
        height: 340.0,
    };
    let keys: Vec<Key> = curves.iter().map(|curve| curve.key).collect();
    let nines = NinesAxis::up_to(last.quantile);
    figure(page, &caption, &keys, |page, canvas| {
        for ns in latencies.ticks() {
            canvas.level(page, latencies.place(ns), &round_time(ns))?;
        }
        for (quantile, label) in nines.ticks() {
            canvas.mark(page, nines.place(quantile), label)?;
        }
        // The headline's line is the widest and below the others, so that none hides another.
        let spot = |quantile, ns| canvas.spot(nines.place(quantile), latencies.place(ns));
        for curve in &curves {
            let spots = curve.points.iter();
            let spots: Vec<_> = spots.map(|p| Some(spot(p.quantile, p.ns))).collect();
            line(page, curve.key.class, &spots)?;
        }
        for curve in curves.iter().rev() {
            for (quantile, name, ns) in named(curve.facts) {
                let text = format!("{}, {name}: {}", curve.key.name, latency(ns));
                dot(page, curve.key.class, spot(quantile, ns), &text)?;
            }
        }
        Ok(())
    })
}

/// In a closed loop nothing is due: service and lag would say the same, or nothing.
fn curves(report: &Report) -> Vec<Curve<'_>> {
    let key = |class, name| Key { class, name };
    let response = |name| Curve {
        key: key("response", name),
        points: &report.response_curve,
        facts: &report.response,
    };
    if report.plan.arrivals.is_none() {
        return vec![response("latency (sent to done)")];
    }
    vec![
        response("response (due to done)"),
        Curve {
            key: key("service", "service (sent to done)"),
            points: &report.service_curve,
            facts: &report.service,
        },
        Curve {
            key: key("lag", "lag (due to sent)"),
            points: &report.lag_curve,
            facts: &report.lag,
        },
    ]
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
