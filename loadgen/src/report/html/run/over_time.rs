//! What happened when: pictures over one axis of time, and their figures.

use std::fmt::Write as _;

use super::Written;
use super::axis::{CourseAxis, LatencyAxis, LinearAxis};
use super::chart::{Canvas, Caption, Extent, Key, Mark, Shape, Spot, figure, line, nothing};
use super::slices;
use super::words::{latency_or_dash, length, per_second, rate, round_time, short};
use crate::report::Report;
use crate::report::text::grouped;
use crate::report::time_line::{SliceFacts, SliceTimes};
use crate::time_line::Tally;

/// An outcome's share of a column.
struct Layer {
    class: &'static str,
    name: &'static str,
    of: fn(Tally) -> u64,
}

/// From the bottom to the top.
const LAYERS: [Layer; 6] = [
    layer("approved", "approved", |tally| tally.approved),
    layer("replayed", "replayed", |tally| tally.replayed),
    layer("declined", "declined", |tally| tally.declined),
    layer("errors", "errors", |tally| tally.errors),
    layer("late", "timed out or unfinished", |tally| {
        tally.timed_out + tally.unfinished
    }),
    layer(
        "unsent",
        "not sent (dropped, skipped, no connection)",
        |tally| tally.not_sent,
    ),
];

/// What there is of an outcome is drawn at least so high, for a single error must be seen.
const LEAST_SEEN: f64 = 0.012;

const fn layer(class: &'static str, name: &'static str, of: fn(Tally) -> u64) -> Layer {
    Layer { class, name, of }
}

pub(super) fn write(page: &mut String, report: &Report) -> Written {
    let slices = report.time_line.slices.as_slice();
    let (Some(last), true) = (
        slices.last(),
        slices.iter().any(|slice| slice.counts.due() > 0),
    ) else {
        return nothing(
            page,
            "Over time",
            "Nothing was due in the measured part, so there is nothing to draw.",
        );
    };
    let is_open = report.plan.arrivals.is_some();
    let course = Course {
        axis: CourseAxis {
            length_ns: last.to_ns,
        },
        slices,
        slice: length(report.time_line.slice_ns.min(last.to_ns)),
        begun: if is_open { "due" } else { "sent" },
    };
    course.outcomes(page)?;
    let title = if is_open {
        "Response times over time"
    } else {
        "Latencies over time"
    };
    course.times(page, ("response-times", title, ""), |slice| &slice.response)?;
    if is_open && slices.iter().any(|slice| slice.lag.count > 0) {
        let remark = " How late this generator sent them: no fault of the server.";
        course.times(page, ("lag-times", "Lag over time", remark), |slice| {
            &slice.lag
        })?;
    }
    slices::table(page, slices, is_open)
}

/// The slices of a run along its axis.
struct Course<'a> {
    axis: CourseAxis,
    slices: &'a [SliceFacts],
    slice: String,
    /// What puts a request into a slice.
    begun: &'static str,
}

/// A line of times over the slices.
#[derive(Clone, Copy)]
struct Series {
    class: &'static str,
    name: &'static str,
    of: fn(&SliceTimes) -> Option<u64>,
}

const SERIES: [Series; 3] = [
    Series {
        class: "longest",
        name: "longest",
        of: |times| times.max_ns,
    },
    Series {
        class: "tail",
        name: "p99",
        of: |times| times.p99_ns,
    },
    Series {
        class: "middle",
        name: "p50",
        of: |times| times.p50_ns,
    },
];

impl Course<'_> {
    fn times(
        &self,
        page: &mut String,
        (id, title, remark): (&'static str, &'static str, &str),
        part: fn(&SliceFacts) -> &SliceTimes,
    ) -> Written {
        let of = |series: &Series| {
            let of = series.of;
            self.slices.iter().filter_map(move |s| of(part(s)))
        };
        let drawn: Vec<Series> = SERIES
            .into_iter()
            .filter(|series| of(series).next().is_some())
            .collect();
        let Some(latencies) = LatencyAxis::around(drawn.iter().flat_map(of)) else {
            let why = "No request was decided and none timed out, so there are no times to draw.";
            return nothing(page, title, why);
        };
        let without_p99 = !drawn.iter().any(|series| series.name == "p99");
        let told = drawn.iter().map(|series| {
            let (least, most) = (of(series).min(), of(series).max());
            let (least, most) = (latency_or_dash(least), latency_or_dash(most));
            format!("{} between {least} and {most}", series.name)
        });
        let caption = Caption {
            id: id.into(),
            title: title.into(),
            remark: format!(
                "Each step is of the requests that were {} within {}.{remark}{}",
                self.begun,
                self.slice,
                if without_p99 {
                    " A p99 needs 459 of them, and no slice has so many."
                } else {
                    ""
                }
            ),
            told: told.collect::<Vec<_>>().join(", ") + ".",
            upwards: "time, logarithmic",
            along: "since the measured part began",
            shape: Shape::Scale(270.0),
        };
        let keys = drawn.iter().rev();
        let keys: Vec<Key> = keys
            .map(|s| Key::new(s.class, Mark::Line, s.name))
            .collect();
        figure(page, &caption, &keys, |page, canvas| {
            for ns in latencies.ticks() {
                canvas.level(page, latencies.place(ns), &round_time(ns))?;
            }
            self.marks(page, canvas)?;
            for series in &drawn {
                let place =
                    |slice: &SliceFacts| (series.of)(part(slice)).map(|ns| latencies.place(ns));
                line(page, series.class, &self.spots(canvas, place))?;
            }
            self.touch(page, canvas, |slice| {
                let parts = drawn.iter().rev().map(|series| {
                    format!(
                        "{} {}",
                        series.name,
                        latency_or_dash((series.of)(part(slice)))
                    )
                });
                parts.collect::<Vec<_>>().join(", ")
            })
        })
    }

    fn outcomes(&self, page: &mut String) -> Written {
        let mut all = Tally::default();
        for slice in self.slices {
            all.add(slice.counts);
        }
        let layers: Vec<&Layer> = LAYERS.iter().filter(|layer| (layer.of)(all) > 0).collect();
        let due = |slice: &SliceFacts| rate_of(slice, slice.counts.due());
        let rates = LinearAxis::up_to(self.slices.iter().map(due).fold(0.0, f64::max));
        let name = |layer: &Layer| format!("{} {}", grouped((layer.of)(all)), layer.name);
        let keys = layers.iter();
        let keys: Vec<Key> = keys
            .map(|layer| Key::new(layer.class, Mark::Fill, name(layer)))
            .collect();
        let names: Vec<String> = layers.iter().map(|layer| name(layer)).collect();
        let caption = Caption {
            id: "outcomes".into(),
            title: "Throughput by outcome".into(),
            remark: format!(
                "Each column is of all requests that were {} within {}, on top of each other. What is \
                 too rare to be seen is drawn higher than it is.",
                self.begun, self.slice
            ),
            told: names.join(", ") + ".",
            upwards: "requests a second",
            along: "since the measured part began",
            shape: Shape::Scale(280.0),
        };
        figure(page, &caption, &keys, |page, canvas| {
            for tick in rates.ticks() {
                canvas.level(page, rates.place(tick), &short(tick))?;
            }
            self.marks(page, canvas)?;
            for slice in self.slices {
                self.column(page, canvas, (slice, &layers, &rates))?;
            }
            self.touch(page, canvas, |slice| {
                let answered = rate_of(slice, slice.counts.answered());
                let parts = layers
                    .iter()
                    .map(|layer| format!("{} {}", grouped((layer.of)(slice.counts)), layer.name));
                let parts = parts.collect::<Vec<_>>().join(", ");
                format!(
                    "answered {}/s, {} {}/s ({parts})",
                    rate(answered),
                    self.begun,
                    rate(due(slice))
                )
            })
        })
    }

    /// The layers of a slice on top of each other.
    fn column(
        &self,
        page: &mut String,
        canvas: &Canvas,
        (slice, layers, rates): (&SliceFacts, &[&Layer], &LinearAxis),
    ) -> Written {
        let heights = layers
            .iter()
            .map(|layer| rates.place(rate_of(slice, (layer.of)(slice.counts))));
        let mut from = 0.0;
        for (layer, height) in layers.iter().zip(seen(&heights.collect::<Vec<_>>())) {
            if height > 0.0 {
                let extent = Extent {
                    from,
                    to: from + height,
                    ..self.extent(slice)
                };
                writeln!(page, "{}", canvas.column(layer.class, extent))?;
            }
            from += height;
        }
        Ok(())
    }

    /// The labels of time.
    fn marks(&self, page: &mut String, canvas: &Canvas) -> Written {
        let step_ns = self.axis.step_ns(canvas.most_labels);
        for ns in self.axis.ticks(canvas.most_labels) {
            let label = CourseAxis::label(ns, step_ns);
            canvas.mark(page, self.axis.place(ns), &label)?;
        }
        Ok(())
    }

    /// Steps, as wide as their slices.
    fn spots(
        &self,
        canvas: &Canvas,
        height: impl Fn(&SliceFacts) -> Option<f64>,
    ) -> Vec<Option<Spot>> {
        let step = |slice: &SliceFacts| {
            let Extent { left, right, .. } = self.extent(slice);
            let height = height(slice);
            [left, right].map(|side| Some(canvas.spot(side, height?)))
        };
        self.slices.iter().flat_map(step).collect()
    }

    fn extent(&self, slice: &SliceFacts) -> Extent {
        Extent {
            left: self.axis.place(slice.from_ns),
            right: self.axis.place(slice.to_ns),
            from: 0.0,
            to: 1.0,
        }
    }

    fn touch(
        &self,
        page: &mut String,
        canvas: &Canvas,
        text: impl Fn(&SliceFacts) -> String,
    ) -> Written {
        for slice in self.slices {
            let (from, to) = (length(slice.from_ns), length(slice.to_ns));
            let text = format!("{from} to {to}: {}", text(slice));
            canvas.touch(page, self.extent(slice), &text)?;
        }
        Ok(())
    }
}

/// Heights that can be seen: what is more than nothing has at least [`LEAST_SEEN`], at the cost of
/// the highest, so that the sum stays.
fn seen(heights: &[f64]) -> Vec<f64> {
    let mut seen: Vec<f64> = heights
        .iter()
        .map(|&height| {
            if height > 0.0 {
                height.max(LEAST_SEEN)
            } else {
                0.0
            }
        })
        .collect();
    let added = seen.iter().sum::<f64>() - heights.iter().sum::<f64>();
    if let Some(highest) = seen.iter_mut().max_by(|one, other| one.total_cmp(other)) {
        *highest = (*highest - added).max(LEAST_SEEN.min(*highest));
    }
    seen
}

fn rate_of(slice: &SliceFacts, count: u64) -> f64 {
    per_second(count, slice.to_ns.saturating_sub(slice.from_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_is_seen_and_the_sum_stays() {
        let check = |heights: &[f64], expected: &[f64]| {
            let found = seen(heights);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{heights:?}: {found}");
            }
        };
        check(&[0.5, 0.25], &[0.5, 0.25]);
        check(&[0.9, 0.002, 0.0], &[0.89, 0.012, 0.0]);
        check(&[0.001, 0.9], &[0.012, 0.889]);
        check(&[0.0, 0.0], &[0.0, 0.0]);
        check(&[], &[]);
    }
}
