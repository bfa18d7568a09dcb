//! How many response times fell into each span.

use super::Written;
use super::axis::{LinearAxis, is_power_of_ten};
use super::chart::{Canvas, Caption, Extent, Shape, figure};
use super::words::{percent, round_time, short};
use crate::figures::share;
use crate::report::text::grouped;
use crate::report::{Report, Span};

/// A column that is too low to be seen is drawn so high.
const LEAST_SEEN: f64 = 0.006;

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let spans = report.response_histogram.as_slice();
    let all = report.response.count;
    let Some(highest) = spans.iter().max_by_key(|span| span.count) else {
        return Ok(());
    };
    if highest.count == 0 {
        return Ok(());
    }
    let caption = Caption {
        id: "spread".into(),
        title: if report.plan.arrivals.is_some() {
            "How response times are spread".into()
        } else {
            "How latencies are spread".into()
        },
        remark: "In spans of 1, 2 and 5. Each column has its share above it.".to_owned(),
        told: format!(
            "Most requests, {}, took {} to {}.",
            percent(share(highest.count, all)),
            round_time(highest.from_ns),
            round_time(highest.to_ns)
        ),
        upwards: "share of the requests",
        along: "time",
        shape: Shape::Scale(260.0),
    };
    // A little further, for the words above the highest.
    let shares = LinearAxis::up_to(share(highest.count, all) * 108.0);
    figure(page, &caption, &[], |page, canvas| {
        for tick in shares.ticks() {
            canvas.level(page, shares.place(tick), &format!("{} %", short(tick)))?;
        }
        edges(page, canvas, spans)?;
        for (place, span) in spans.iter().enumerate() {
            let part = share(span.count, all);
            let column = Extent {
                to: shares.place(part * 100.0).max(LEAST_SEEN),
                ..extent(place, spans.len())
            };
            if span.count > 0 {
                column_with_share(page, canvas, column, part)?;
            }
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

fn column_with_share(page: &mut String, canvas: &Canvas, extent: Extent, part: f64) -> Written {
    page.push_str(&canvas.column("response", extent));
    page.push('\n');
    let mut above = canvas.spot(f64::midpoint(extent.left, extent.right), extent.to);
    above.y -= 5.0;
    let digits = if canvas.is_wide {
        percent(part)
    } else {
        rounded(part)
    };
    canvas.say(page, "", above, &digits)
}

/// A share in few letters.
fn rounded(share: f64) -> String {
    match share * 100.0 {
        shown if shown < 0.5 => "<1".to_owned(),
        shown => format!("{shown:.0}"),
    }
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
    let all_fit = (spans.len() as u64) < canvas.most_labels + 1;
    let first = spans.iter().take(1).map(|span| span.from_ns);
    let edges = first.chain(spans.iter().map(|span| span.to_ns));
    for (place, ns) in edges.enumerate() {
        let label = if all_fit || is_power_of_ten(ns) {
            round_time(ns)
        } else {
            String::new()
        };
        canvas.mark(page, share(place as u64, spans.len() as u64), &label)?;
    }
    Ok(())
}
