//! Times by percentile.

use super::Written;
use super::chart::{Key, Mark, nothing};
use crate::report::Report;
use crate::report::html::curves::{Curve, Family, write as draw};
use crate::report::html::words::latency;
use crate::report::text::grouped;

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let title = if report.plan.arrivals.is_some() {
        "Response times by percentile"
    } else {
        "Latencies by percentile"
    };
    if report.response_curve.is_empty() {
        return nothing(
            page,
            title,
            "No request was decided and none timed out, so there are no times to draw.",
        );
    }
    let longest = report.response.max_ns.map_or_else(String::new, latency);
    draw(
        page,
        &Family {
            id: "percentiles",
            title,
            remark: format!(
                "Each nine has the same room: 90 to 99 % as much as 99 to 99.9 %. The curves end where \
                 {} samples no longer support them; the longest took {longest}.",
                grouped(report.response.count),
            ),
            curves: curves(report),
        },
    )
}

/// In a closed loop nothing is due: service and lag would say the same, or nothing.
fn curves(report: &Report) -> Vec<Curve<'_>> {
    let response = |name| Curve {
        key: Key::new("response", Mark::Line, name),
        points: &report.response_curve,
        facts: &report.response,
        is_told: true,
    };
    if report.plan.arrivals.is_none() {
        return vec![response("latency (sent to done)")];
    }
    vec![
        response("response (due to done)"),
        Curve {
            key: Key::new("service", Mark::Line, "service (sent to done)"),
            points: &report.service_curve,
            facts: &report.service,
            is_told: false,
        },
        Curve {
            key: Key::new("lag", Mark::Line, "lag (due to sent)"),
            points: &report.lag_curve,
            facts: &report.lag,
            is_told: false,
        },
    ]
}
