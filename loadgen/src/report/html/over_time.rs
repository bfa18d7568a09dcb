//! What happened when: three pictures over one axis of time.

use super::Written;
use super::axis::{CourseAxis, LatencyAxis, LinearAxis};
use super::chart::{Canvas, Caption, Extent, Key, Spot, area, figure, line, nothing};
use super::words::{latency, latency_or_dash, length, per_second, rate, round_time, short};
use crate::report::Report;
use crate::report::text::grouped;
use crate::report::time_line::{SliceFacts, SliceTimes};
use crate::time_line::Tally;

/// An outcome's share of a column.
struct Layer {
    key: Key,
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

const fn layer(class: &'static str, name: &'static str, of: fn(Tally) -> u64) -> Layer {
    Layer {
        key: Key { class, name },
        of,
    }
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
    let course = CourseAxis {
        length_ns: last.to_ns,
    };
    let course = Course {
        axis: course,
        slices,
        slice: length(report.time_line.slice_ns.min(last.to_ns)),
        begun: if report.plan.arrivals.is_some() {
            "due"
        } else {
            "sent"
        },
    };
    course.latencies(page, report)?;
    course.rates(page, report)?;
    course.outcomes(page)
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
struct Series {
    key: Key,
    of: fn(&SliceTimes) -> Option<u64>,
}

impl Course<'_> {
    fn latencies(&self, page: &mut String, report: &Report) -> Written {
        let is_open = report.plan.arrivals.is_some();
        let title = if is_open {
            "Response times over time"
        } else {
            "Latencies over time"
        };
        let all = [
            series("longest", "longest", |times| times.max_ns),
            series("tail", "p99", |times| times.p99_ns),
            series("middle", "p50", |times| times.p50_ns),
        ];
        let shown = |series: &Series| {
            self.slices
                .iter()
                .any(|s| (series.of)(&s.response).is_some())
        };
        let drawn: Vec<Series> = all.into_iter().filter(shown).collect();
        let times = drawn.iter().flat_map(|series| {
            let of = series.of;
            self.slices.iter().filter_map(move |s| of(&s.response))
        });
        let Some(latencies) = LatencyAxis::around(times) else {
            return nothing(
                page,
                title,
                "No request was decided and none timed out, so there are no times to draw.",
            );
        };
        let without_p99 = !drawn.iter().any(|series| series.key.name == "p99");
        let caption = Caption {
            title,
            remark: format!(
                "Upwards: time, logarithmic. Each step is of the requests that were {} within {}.{}",
                self.begun,
                self.slice,
                if without_p99 {
                    " A p99 needs 459 of them, and no slice has so many."
                } else {
                    ""
                }
            ),
            height: 260.0,
        };
        let keys: Vec<Key> = drawn.iter().map(|series| series.key).collect();
        figure(page, &caption, &keys, |page, canvas| {
            for ns in latencies.ticks() {
                canvas.level(page, latencies.place(ns), &round_time(ns))?;
            }
            self.marks(page, canvas)?;
            for series in &drawn {
                let place =
                    |slice: &SliceFacts| (series.of)(&slice.response).map(|ns| latencies.place(ns));
                line(page, series.key.class, &self.spots(canvas, place))?;
            }
            self.touch(page, canvas, |slice| {
                let times = slice.response;
                format!(
                    "p50 {}, p99 {}, longest {}, of {}",
                    latency_or_dash(times.p50_ns),
                    latency_or_dash(times.p99_ns),
                    times.max_ns.map_or_else(|| "–".to_owned(), latency),
                    grouped(times.count),
                )
            })
        })
    }

    fn rates(&self, page: &mut String, report: &Report) -> Written {
        let is_open = report.plan.arrivals.is_some();
        let answered = |slice: &SliceFacts| rate_of(slice, slice.counts.answered());
        let due = |slice: &SliceFacts| rate_of(slice, slice.counts.due());
        let most = self.slices.iter().map(due).fold(0.0, f64::max);
        let rates = LinearAxis::up_to(most);
        let mut keys = vec![Key {
            class: "answered",
            name: "answered",
        }];
        if is_open {
            keys.push(Key {
                class: "due",
                name: "due",
            });
        }
        let caption = Caption {
            title: "Answered a second",
            remark: format!(
                "Upwards: requests a second. An answer stands where its request was {}.",
                self.begun
            ),
            height: 200.0,
        };
        figure(page, &caption, &keys, |page, canvas| {
            for tick in rates.ticks() {
                canvas.level(page, rates.place(tick), &short(tick))?;
            }
            self.marks(page, canvas)?;
            if is_open {
                let spots = self.spots(canvas, |slice| Some(rates.place(due(slice))));
                line(page, "due", &spots)?;
            }
            let spots = self.spots(canvas, |slice| Some(rates.place(answered(slice))));
            let surface: Vec<Spot> = spots.iter().flatten().copied().collect();
            area(page, "answered", canvas, &surface)?;
            line(page, "answered", &spots)?;
            self.touch(page, canvas, |slice| {
                format!(
                    "answered {}/s, due {}/s",
                    rate(answered(slice)),
                    rate(due(slice))
                )
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
        let keys: Vec<Key> = layers.iter().map(|layer| layer.key).collect();
        let caption = Caption {
            title: "What became of the requests",
            remark: format!(
                "Upwards: requests a second, all that were {} within {}.",
                self.begun, self.slice
            ),
            height: 240.0,
        };
        figure(page, &caption, &keys, |page, canvas| {
            for tick in rates.ticks() {
                canvas.level(page, rates.place(tick), &short(tick))?;
            }
            self.marks(page, canvas)?;
            for slice in self.slices {
                let mut below = 0;
                for layer in &layers {
                    let above = below + (layer.of)(slice.counts);
                    if above > below {
                        let extent = Extent {
                            from: rates.place(rate_of(slice, below)),
                            to: rates.place(rate_of(slice, above)),
                            ..self.extent(slice)
                        };
                        page.push_str(&canvas.column(layer.key.class, extent));
                    }
                    below = above;
                }
            }
            self.touch(page, canvas, |slice| {
                let parts = layers.iter().map(|layer| {
                    format!("{} {}", grouped((layer.of)(slice.counts)), layer.key.name)
                });
                parts.collect::<Vec<_>>().join(", ")
            })
        })
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

fn series(class: &'static str, name: &'static str, of: fn(&SliceTimes) -> Option<u64>) -> Series {
    Series {
        key: Key { class, name },
        of,
    }
}

fn rate_of(slice: &SliceFacts, count: u64) -> f64 {
    per_second(count, slice.to_ns.saturating_sub(slice.from_ns))
}
