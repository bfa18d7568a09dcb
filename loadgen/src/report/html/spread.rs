//! How many response times fell into each span.

use std::fmt::Write as _;

use super::Written;
use super::axis::{LinearAxis, is_power_of_ten};
use super::chart::{Canvas, Caption, Extent, figure, nothing};
use super::words::{percent, round_time};
use crate::figures::{count_as_real, share};
use crate::report::text::grouped;
use crate::report::{Report, Span};

/// A column that is too low to be seen is drawn so high.
const LEAST_SEEN: f64 = 0.006;

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let title = if report.plan.arrivals.is_some() {
        "How response times are spread"
    } else {
        "How latencies are spread"
    };
    let spans = report.response_histogram.as_slice();
    let most = spans.iter().map(|span| span.count).max().unwrap_or(0);
    if most == 0 {
        return nothing(
            page,
            title,
            "No request was decided and none timed out, so there are no times to draw.",
        );
    }
    let caption = Caption {
        title,
        remark: "Upwards: share of the requests. Along: time, in spans of 1, 2 and 5.".to_owned(),
        height: 240.0,
    };
    let shares = LinearAxis::up_to(share(most, report.response.count) * 100.0);
    figure(page, &caption, &[], |page, canvas| {
        for tick in shares.ticks() {
            let label = format!("{} %", super::words::short(tick));
            canvas.level(page, shares.place(tick), &label)?;
        }
        edges(page, canvas, spans)?;
        for (place, span) in spans.iter().enumerate() {
            let part = share(span.count, report.response.count);
            column(
                page,
                canvas,
                shares.place(part * 100.0),
                (place, spans.len()),
                span,
            )?;
            let text = format!(
                "{} to {}: {} ({})",
                round_time(span.from_ns),
                round_time(span.to_ns),
                grouped(span.count),
                percent(part)
            );
            canvas.touch(page, extent(place, spans.len()), &text)?;
        }
        Ok(())
    })
}

fn column(
    page: &mut String,
    canvas: &Canvas,
    height: f64,
    (place, of): (usize, usize),
    span: &Span,
) -> Written {
    if span.count == 0 {
        return Ok(());
    }
    let extent = Extent {
        to: height.max(LEAST_SEEN),
        ..extent(place, of)
    };
    writeln!(page, "{}", canvas.column("response", extent))
}

fn extent(place: usize, of: usize) -> Extent {
    let share = |place: usize| share(place as u64, of as u64);
    Extent {
        left: share(place),
        right: share(place + 1),
        from: 0.0,
        to: 1.0,
    }
}

/// Where spans meet: each with its label where there is room, or only the powers of ten.
fn edges(page: &mut String, canvas: &Canvas, spans: &[Span]) -> Written {
    let all_fit = (spans.len() as u64) < canvas.most_labels + 2;
    let first = spans.iter().take(1).map(|span| span.from_ns);
    let edges = first.chain(spans.iter().map(|span| span.to_ns));
    for (place, ns) in edges.enumerate() {
        let label = if all_fit || is_power_of_ten(ns) {
            round_time(ns)
        } else {
            String::new()
        };
        let share = count_as_real(place as u64) / count_as_real(spans.len() as u64);
        canvas.mark(page, share, &label)?;
    }
    Ok(())
}
