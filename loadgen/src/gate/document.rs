//! Pure: a comparison as every form of report needs it.

use super::facts::{ChangeFacts, Comparison, ControlFacts, Decision, GATE_SCHEMA, MetricFacts};
use super::text;
use crate::exit::Exit;
use crate::figures::count_as_real;
use crate::report::document::{Check, Document, Gauge, Table};
use crate::report::html;

impl Document for Comparison {
    fn title(&self) -> String {
        let what = match (self.schema == GATE_SCHEMA, self.against_itself) {
            (true, true) => "Waika noise report",
            (true, false) => "Waika gate",
            (false, _) => "Waika comparison",
        };
        if self.against_itself {
            return format!("{what}: {} against itself", self.a.name);
        }
        format!("{what}: {} (B) against {} (A)", self.b.name, self.a.name)
    }

    fn exit(&self) -> Exit {
        if self.interrupted {
            return self.verdict.exit().or(Exit::Failed);
        }
        self.verdict.exit()
    }

    fn checks(&self) -> Vec<Check> {
        let whole = Check {
            name: "the comparison is valid".to_owned(),
            verdict: match self.verdict {
                Decision::Invalid | Decision::Violated => self.verdict.exit(),
                _ => Exit::Passed,
            },
            found: if self.reasons.is_empty() {
                let noise = &self.noise;
                format!("{} pairs, {} not used", noise.pairs, noise.discarded)
            } else {
                self.reasons.join("; ")
            },
        };
        let end = Check::of_end("the comparison came to its end", self.interrupted);
        let metrics = self.metrics.iter().map(|metric| Check {
            name: if metric.gating {
                metric.label.clone()
            } else {
                format!("{} (advisory)", metric.label)
            },
            verdict: metric.verdict.exit(),
            found: text::found(metric),
        });
        let control = self.control.iter().map(|control| Check {
            name: format!("control: {}", control.label),
            verdict: if control.moved {
                Exit::Invalid
            } else {
                Exit::Passed
            },
            found: format!(
                "{} ({})",
                text::change(control.change.estimate),
                text::interval(&control.change)
            ),
        });
        [whole, end]
            .into_iter()
            .chain(metrics)
            .chain(control)
            .collect()
    }

    fn tables(&self) -> Vec<Table> {
        let head = [
            "metric",
            "A",
            "B",
            "change",
            "interval",
            "tolerance",
            "could see",
            "pairs",
            "verdict",
        ];
        let control = self.control.iter().map(control_row);
        vec![Table {
            title: "B against A".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: self.metrics.iter().map(metric_row).chain(control).collect(),
        }]
    }

    fn gauges(&self) -> Vec<Gauge> {
        let of = |name, help, value: fn(&MetricFacts) -> Option<f64>| {
            self.metrics.iter().filter_map(move |metric| {
                Some(Gauge {
                    name,
                    help,
                    labels: vec![("metric", metric.name.clone())],
                    value: value(metric)?,
                })
            })
        };
        let one = |name, help, value| Gauge {
            name,
            help,
            labels: Vec::new(),
            value,
        };
        let pairs = [
            one(
                "waika_loadgen_comparison_pairs",
                "Pairs that were measured.",
                count_as_real(self.noise.pairs as u64),
            ),
            one(
                "waika_loadgen_comparison_pairs_discarded",
                "Pairs that were not used.",
                count_as_real(self.noise.discarded as u64),
            ),
        ];
        of(
            "waika_loadgen_comparison_change_ratio",
            "Estimated change of B against A, as a ratio less one.",
            |metric| metric.change.estimate,
        )
        .chain(of(
            "waika_loadgen_comparison_change_low_ratio",
            "Lower end of the change's interval.",
            |metric| metric.change.low,
        ))
        .chain(of(
            "waika_loadgen_comparison_change_high_ratio",
            "Upper end of the change's interval.",
            |metric| metric.change.high,
        ))
        .chain(of(
            "waika_loadgen_comparison_tolerance_ratio",
            "Change that is allowed.",
            |metric| Some(metric.change.tolerance),
        ))
        .chain(of(
            "waika_loadgen_comparison_detectable_ratio",
            "Smallest change that would have been called a regression in 80 of 100 comparisons.",
            |metric| metric.detectable,
        ))
        .chain(of(
            "waika_loadgen_comparison_regressed",
            "1 if the metric decides and has regressed.",
            |metric| Some(f64::from(u8::from(metric.verdict == Decision::Regressed))),
        ))
        .chain(pairs)
        .collect()
    }

    fn text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    fn page(&self) -> String {
        html::comparison::render(self)
    }
}

fn metric_row(metric: &MetricFacts) -> Vec<String> {
    let detectable = text::change(metric.detectable);
    let verdict = metric.verdict.word();
    row(
        &metric.label,
        (&metric.change, &metric.unit),
        detectable,
        verdict,
    )
}

fn control_row(control: &ControlFacts) -> Vec<String> {
    let name = format!("control: {}", control.label);
    let verdict = if control.moved { "MOVED" } else { "still" };
    row(
        &name,
        (&control.change, &control.unit),
        "-".to_owned(),
        verdict,
    )
}

fn row(
    name: &str,
    (change, unit): (&ChangeFacts, &str),
    detectable: String,
    verdict: &str,
) -> Vec<String> {
    vec![
        name.to_owned(),
        text::value(change.a_median, unit),
        text::value(change.b_median, unit),
        text::change(change.estimate),
        text::interval(change),
        text::percent(change.tolerance),
        detectable,
        change.used.to_string(),
        verdict.to_owned(),
    ]
}
