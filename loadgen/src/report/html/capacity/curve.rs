//! Latency against load.

use super::axis::{LatencyAxis, LinearAxis};
use super::chart::{Canvas, Caption, Extent, Key, Mark, Shape, Spot, figure, line, nothing, put};
use super::head::per_second;
use super::words::{latency, latency_or_dash, plain_percent, rate, round_time, short};
use super::{Written, mark_of};
use crate::capacity::facts::{CapacityReport, LoadPoint, StepVerdict};
use crate::report::TimeFacts;

/// A percentile over the load.
struct Series {
    class: &'static str,
    name: &'static str,
    of: fn(&TimeFacts) -> Option<u64>,
}

const SERIES: [Series; 3] = [
    Series {
        class: "furthest",
        name: "p99.9",
        of: |times| times.p999_ns,
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

const TITLE: &str = "Response times against load";

pub(super) fn write(page: &mut String, report: &CapacityReport) -> Written {
    let points = report.curve.as_slice();
    let of = |series: &Series| {
        let of = series.of;
        points.iter().filter_map(move |point| of(&point.response))
    };
    // With room above the highest limit for the names of the upright lines.
    let limits = report
        .slos
        .iter()
        .filter_map(|slo| slo.limit_ns?.checked_mul(5));
    let drawn: Vec<&Series> = SERIES
        .iter()
        .filter(|series| of(series).next().is_some())
        .collect();
    let times: Vec<u64> = drawn.iter().flat_map(|series| of(series)).collect();
    let most = points.iter().map(|point| point.rate_per_second);
    let (Some(latencies), false) = (
        LatencyAxis::around(times.iter().copied().chain(limits)),
        times.is_empty(),
    ) else {
        return nothing(
            page,
            TITLE,
            "No request was answered, so there are no times to draw.",
        );
    };
    let picture = Picture {
        report,
        drawn,
        latencies,
        loads: LinearAxis::up_to(most.fold(0.0, f64::max) * 1.03),
    };
    let caption = Caption {
        id: "curve".into(),
        title: TITLE.into(),
        remark: "Each mark is of all steps at a rate as one. Upright lines are the capacity at all SLOs, \
                 with its bracket, and the knee, where response times begin to rise with the load."
            .to_owned(),
        told: picture.told(),
        upwards: "response time, logarithmic",
        along: "requests a second",
        shape: Shape::Scale(420.0),
    };
    figure(page, &caption, &picture.keys(), |page, canvas| {
        picture.draw(page, canvas)
    })
}

struct Picture<'a> {
    report: &'a CapacityReport,
    drawn: Vec<&'a Series>,
    latencies: LatencyAxis,
    loads: LinearAxis,
}

impl Picture<'_> {
    fn told(&self) -> String {
        let capacity = self.report.together.per_second.map(per_second);
        let knee = self
            .report
            .knee
            .as_ref()
            .map(|knee| per_second(knee.per_second));
        let none = || "none".to_owned();
        format!(
            "Capacity at all SLOs: {}. Knee: {}.",
            capacity.unwrap_or_else(none),
            knee.unwrap_or_else(none)
        )
    }

    fn keys(&self) -> Vec<Key> {
        let series = self.drawn.iter().rev();
        let mut keys: Vec<Key> = series
            .map(|s| Key::new(s.class, Mark::Line, s.name))
            .collect();
        let verdicts = [
            StepVerdict::Met,
            StepVerdict::Missed,
            StepVerdict::Undecided,
        ];
        for verdict in verdicts {
            if self
                .report
                .curve
                .iter()
                .any(|point| point.verdict == verdict)
            {
                let (mark, class, name) = mark_of(verdict);
                keys.push(Key::new(class, mark, format!("all SLOs: {name}")));
            }
        }
        let is_judged = |point: &LoadPoint| verdicts.contains(&point.verdict);
        if !self.report.curve.iter().all(is_judged) {
            keys.push(Key::new("not-judged", Mark::Ring, "not to be judged"));
        }
        if self.report.slos.iter().any(|slo| slo.limit_ns.is_some()) {
            keys.push(Key::new("limit", Mark::Line, "limit of an SLO"));
        }
        keys
    }

    fn draw(&self, page: &mut String, canvas: &Canvas) -> Written {
        let together = &self.report.together;
        if let (Some(low), Some(high)) = (together.low_per_second, together.high_per_second) {
            let extent = Extent {
                left: self.loads.place(low),
                right: self.loads.place(high),
                from: 0.0,
                to: 1.0,
            };
            page.push_str(&canvas.column("bracket", extent));
        }
        for ns in self.latencies.ticks() {
            canvas.level(page, self.latencies.place(ns), &round_time(ns))?;
        }
        for load in self.loads.ticks() {
            canvas.mark(page, self.loads.place(load), &short(load))?;
        }
        self.limits(page, canvas)?;
        self.rates(page, canvas)?;
        let spot =
            |rate: f64, ns: u64| canvas.spot(self.loads.place(rate), self.latencies.place(ns));
        for series in &self.drawn {
            let spots: Vec<Option<Spot>> = self
                .report
                .curve
                .iter()
                .map(|point| Some(spot(point.rate_per_second, (series.of)(&point.response)?)))
                .collect();
            line(page, series.class, &spots)?;
        }
        for point in &self.report.curve {
            for series in &self.drawn {
                if let Some(ns) = (series.of)(&point.response) {
                    let (mark, class, _) = mark_of(point.verdict);
                    let at = spot(point.rate_per_second, ns);
                    put(page, mark, class, at, &in_words(point))?;
                }
            }
        }
        Ok(())
    }

    /// What the SLOs allow, each with its name below its line, since those of the upright lines are above
    /// all: those about times.
    fn limits(&self, page: &mut String, canvas: &Canvas) -> Written {
        for slo in &self.report.slos {
            let Some(ns) = slo.limit_ns else { continue };
            let height = self.latencies.place(ns);
            canvas.across(page, "limit", height)?;
            let mut at = canvas.spot(0.0, height);
            at.x += super::chart::width_of(&slo.name) / 2.0 + 6.0;
            at.y += 13.0;
            canvas.say(page, "", at, &slo.name)?;
        }
        Ok(())
    }

    /// The capacity and the knee, upright, each with its name on a line of its own.
    fn rates(&self, page: &mut String, canvas: &Canvas) -> Written {
        let knee = self.report.knee.as_ref().map(|knee| knee.per_second);
        let lines = [
            ("capacity", "capacity", self.report.together.per_second, 0.0),
            ("knee", "knee", knee, 16.0),
        ];
        for (class, name, rate, below) in lines {
            let Some(rate) = rate else { continue };
            canvas.upright(page, class, self.loads.place(rate))?;
            let mut at = canvas.spot(self.loads.place(rate), 1.0);
            let text = format!("{name} {}", per_second(rate));
            // At the left of its line, where the curve is not yet, if there is room for it.
            let width = super::chart::width_of(&text);
            let aside = width / 2.0 + 4.0;
            let has_room = at.x - width - 8.0 > canvas.spot(0.0, 1.0).x;
            at.x += if has_room { -aside } else { aside };
            at.y += 13.0 + below;
            canvas.say(page, class, at, &text)?;
        }
        Ok(())
    }
}

fn in_words(point: &LoadPoint) -> String {
    let times = point.response;
    let (_, _, verdict) = mark_of(point.verdict);
    let cpu = point.server_cpu.map_or_else(String::new, |cpu| {
        format!(
            ", server {} of a core",
            plain_percent((cpu * 100.0).round() / 100.0)
        )
    });
    format!(
        "{}/s, {} step(s), {verdict}: p50 {}, p99 {}, p99.9 {}, longest {}, of {} samples{cpu}",
        rate(point.rate_per_second),
        point.steps,
        latency_or_dash(times.p50_ns),
        latency_or_dash(times.p99_ns),
        latency_or_dash(times.p999_ns),
        times.max_ns.map_or_else(|| "–".to_owned(), latency),
        crate::report::text::grouped(times.count),
    )
}
