//! Pure: a capacity as every form of report needs it.

use super::facts::{CapacityFacts, CapacityReport, End, LoadPoint, StepFacts};
use super::text;
use crate::exit::Exit;
use crate::figures::count_as_real;
use crate::report::document::{Check, Document, Gauge, Table};
use crate::report::html;
use crate::report::text::{grouped, grouped_real, time};

impl Document for CapacityReport {
    fn title(&self) -> String {
        "Waika capacity report".to_owned()
    }

    fn exit(&self) -> Exit {
        let certificate = self.certificate.as_ref();
        if certificate.is_some_and(|facts| facts.violations > 0) {
            return Exit::Violated;
        }
        if self.verdict.interrupted || certificate.is_some_and(|facts| !facts.audited) {
            return Exit::Failed;
        }
        match self.ended.kind {
            End::GeneratorLimit | End::Disturbed => Exit::Invalid,
            End::LowestRate => Exit::Missed,
            End::Budget | End::Unconfirmed => Exit::Inconclusive,
            End::SloMissed | End::ServerErrors | End::HighestRate => Exit::Passed,
            End::Interrupted => Exit::Failed,
        }
    }

    fn checks(&self) -> Vec<Check> {
        let whole = Check {
            name: "the measurement is valid".to_owned(),
            verdict: if self.verdict.valid {
                Exit::Passed
            } else {
                Exit::Invalid
            },
            found: if self.verdict.reasons.is_empty() {
                format!("{} steps", self.steps.len())
            } else {
                self.verdict.reasons.join("; ")
            },
        };
        let all = Check {
            name: "capacity at all SLOs".to_owned(),
            verdict: self.exit(),
            found: format!("{}; {}", text::told(self), self.ended.why),
        };
        let each = self.each.iter().map(|facts| Check {
            name: facts.slo.clone().unwrap_or_default(),
            verdict: match (facts.low_per_second, facts.high_per_second) {
                (Some(_), _) => Exit::Passed,
                (None, Some(_)) => Exit::Missed,
                (None, None) => Exit::Inconclusive,
            },
            found: bracket(facts),
        });
        [whole, all].into_iter().chain(each).collect()
    }

    fn tables(&self) -> Vec<Table> {
        let together = std::iter::once(&self.together);
        let names = self.slos.iter().map(|slo| slo.name.clone());
        let head = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut curve_head = head(&["rate", "achieved", "p50", "p90", "p99", "p99.9", "max"]);
        curve_head.extend(names.map(|name| format!("beyond {name}")));
        curve_head.extend(head(&["server CPU", "steps", "verdict"]));
        vec![
            Table {
                title: "Capacity".to_owned(),
                head: head(&["SLO", "capacity", "met", "not met", "estimate", "confirmed"]),
                rows: together.chain(&self.each).map(capacity_row).collect(),
            },
            Table {
                title: "Latency by load".to_owned(),
                head: curve_head,
                rows: self.curve.iter().map(curve_row).collect(),
            },
            Table {
                title: "Steps".to_owned(),
                head: head(&[
                    "step", "for", "rate", "measured", "p99", "lag p99", "says", "why",
                ]),
                rows: self.steps.iter().map(step_row).collect(),
            },
        ]
    }

    fn gauges(&self) -> Vec<Gauge> {
        let all = || std::iter::once(&self.together).chain(&self.each);
        let by_slo = |name, help, value: fn(&CapacityFacts) -> Option<f64>| {
            all().filter_map(move |facts| {
                Some(Gauge {
                    name,
                    help,
                    labels: vec![("slo", facts.slo.clone().unwrap_or_else(|| "all".to_owned()))],
                    value: value(facts)?,
                })
            })
        };
        let one = |name, help, value| Gauge {
            name,
            help,
            labels: Vec::new(),
            value,
        };
        let singles = [
            self.knee.as_ref().map(|knee| {
                one(
                    "waika_loadgen_capacity_knee_per_second",
                    "Rate at which the p99 leaves its low level.",
                    knee.per_second,
                )
            }),
            Some(one(
                "waika_loadgen_capacity_steps",
                "Steps that were taken.",
                count_as_real(self.steps.len() as u64),
            )),
            Some(one(
                "waika_loadgen_capacity_seconds",
                "How long the search took.",
                count_as_real(self.plan.took_ns) / 1e9,
            )),
        ];
        let capacity = by_slo(
            "waika_loadgen_capacity_per_second",
            "Highest rate at which the SLO was shown to be met.",
            |facts| facts.per_second,
        );
        let low = by_slo(
            "waika_loadgen_capacity_bracket_low_per_second",
            "Highest rate of the bracket that is met.",
            |facts| facts.low_per_second,
        );
        let high = by_slo(
            "waika_loadgen_capacity_bracket_high_per_second",
            "Lowest rate of the bracket that is not met.",
            |facts| facts.high_per_second,
        );
        let singles = singles.into_iter().flatten();
        capacity.chain(low).chain(high).chain(singles).collect()
    }

    fn text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    fn page(&self) -> String {
        html::capacity::render(self)
    }
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |rate| format!("{}/s", grouped_real(rate)),
    )
}

fn bracket(facts: &CapacityFacts) -> String {
    format!(
        "met at {}, not met at {}",
        or_dash(facts.low_per_second),
        or_dash(facts.high_per_second)
    )
}

fn capacity_row(facts: &CapacityFacts) -> Vec<String> {
    vec![
        facts
            .slo
            .clone()
            .unwrap_or_else(|| "all together".to_owned()),
        or_dash(facts.per_second),
        or_dash(facts.low_per_second),
        or_dash(facts.high_per_second),
        or_dash(facts.estimate_per_second),
        if facts.is_confirmed { "yes" } else { "no" }.to_owned(),
    ]
}

fn curve_row(point: &LoadPoint) -> Vec<String> {
    let response = &point.response;
    let cell = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), time);
    let mut row = vec![
        format!("{}/s", grouped_real(point.rate_per_second)),
        format!("{}/s", grouped_real(point.achieved_per_second)),
    ];
    let times = [
        response.p50_ns,
        response.p90_ns,
        response.p99_ns,
        response.p999_ns,
        response.max_ns,
    ];
    row.extend(times.map(cell));
    row.extend(
        point
            .beyond
            .iter()
            .map(|share| format!("{:.3} %", share * 100.0)),
    );
    row.push(
        point
            .server_cpu
            .map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0)),
    );
    row.push(grouped(point.steps));
    row.push(point.verdict.label().to_owned());
    row
}

fn step_row(step: &StepFacts) -> Vec<String> {
    let cell = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), time);
    vec![
        step.number.to_string(),
        step.stage.label().to_owned(),
        format!("{}/s", grouped_real(step.rate_per_second)),
        time(step.measured_ns),
        cell(step.response.p99_ns),
        cell(step.lag.p99_ns),
        step.verdict.label().to_owned(),
        step.why.clone(),
    ]
}
