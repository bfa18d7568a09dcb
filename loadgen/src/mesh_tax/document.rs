//! Pure: what a proxy costs as every form of report needs it.

use super::facts::{MeshTaxReport, TaxFacts, TaxMetric};
use super::text;
use crate::exit::Exit;
use crate::figures::count_as_real;
use crate::report::document::{Check, Document, Gauge, Table};
use crate::report::html;

impl Document for MeshTaxReport {
    fn title(&self) -> String {
        format!(
            "Waika mesh tax: {} through {}",
            self.plan.target, self.plan.through
        )
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::Passed;
        if !self.verdict.valid {
            exit = exit.or(Exit::Invalid);
        }
        if self.verdict.interrupted {
            exit = exit.or(Exit::Failed);
        }
        exit
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
                format!("{} rounds, every answer as expected", self.rounds.len())
            } else {
                self.verdict.reasons.join("; ")
            },
        };
        let end = Check::of_end("all rounds came to their end", self.verdict.interrupted);
        let metrics = self.metrics.iter().map(|facts| Check {
            name: facts.metric.label().to_owned(),
            verdict: Exit::Passed,
            found: format!(
                "{} ({})",
                text::signed(facts.estimate_ns),
                text::interval(facts)
            ),
        });
        [whole, end].into_iter().chain(metrics).collect()
    }

    fn tables(&self) -> Vec<Table> {
        let head = [
            "per call",
            "directly",
            "through",
            "difference",
            "95 % interval",
            "rounds",
        ];
        vec![Table {
            title: "What the proxy costs each call".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: self.metrics.iter().map(row).collect(),
        }]
    }

    fn gauges(&self) -> Vec<Gauge> {
        let of = |name, help, value: fn(&TaxFacts) -> Option<f64>| {
            self.metrics.iter().filter_map(move |facts| {
                Some(Gauge {
                    name,
                    help,
                    labels: vec![("metric", facts.metric.name().to_owned())],
                    value: value(facts)? / 1e9,
                })
            })
        };
        of(
            "waika_loadgen_mesh_tax_seconds",
            "How much more a call has through the proxy.",
            |facts| Some(facts.estimate_ns),
        )
        .chain(of(
            "waika_loadgen_mesh_tax_low_seconds",
            "Lower end of its interval.",
            |facts| facts.low_ns,
        ))
        .chain(of(
            "waika_loadgen_mesh_tax_high_seconds",
            "Upper end of its interval.",
            |facts| facts.high_ns,
        ))
        .chain(std::iter::once(Gauge {
            name: "waika_loadgen_mesh_tax_rounds",
            help: "Rounds that came to their end.",
            labels: Vec::new(),
            value: count_as_real(self.rounds.len() as u64),
        }))
        .collect()
    }

    fn text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    fn page(&self) -> String {
        html::mesh_tax::render(self)
    }
}

fn row(facts: &TaxFacts) -> Vec<String> {
    vec![
        facts.metric.label().to_owned(),
        text::time_or_dash(facts.direct_ns),
        text::time_or_dash(facts.through_ns),
        text::signed(facts.estimate_ns),
        text::interval(facts),
        facts.rounds.to_string(),
    ]
}

impl MeshTaxReport {
    /// What was found of a metric.
    pub(crate) fn of(&self, metric: TaxMetric) -> Option<&TaxFacts> {
        self.metrics.iter().find(|facts| facts.metric == metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::mesh_tax::samples;
    use crate::stored;

    #[test]
    fn a_report_survives_being_stored_to_the_last_digit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh-tax.json");
        for report in samples::all() {
            let text = serde_json::to_string_pretty(&report).unwrap();
            std::fs::write(&path, &text).unwrap();
            let stored::Stored::MeshTax(again) = stored::read(&path).unwrap() else {
                panic!("a mesh tax was read as something else");
            };
            assert_eq!(serde_json::to_string_pretty(&again).unwrap(), text);
            assert_eq!(again.text(false), report.text(false));
        }
        assert!(stored::read_run(&path).is_err());
    }

    #[test]
    fn how_it_ends_says_what_is_wrong() {
        let check = |report: MeshTaxReport, exit: Exit, words: &[&str]| {
            assert_eq!(report.exit(), exit, "{words:?}");
            let heaviest = report.checks().into_iter().map(|check| check.verdict);
            assert_eq!(heaviest.fold(Exit::Passed, Exit::or), exit, "{words:?}");
            let text = report.text(false);
            for word in words {
                assert!(text.contains(word), "no {word:?} in {text}");
            }
        };
        let whole = ["+141 us", "+120 us to +160 us", "proxy CPU", "\nVALID"];
        check(samples::whole(), Exit::Passed, &whole);
        let invalid = ["INVALID\n  - through the proxy: 3 UNAVAILABLE"];
        check(samples::invalid(), Exit::Invalid, &invalid);
        let few = ["none below 6 rounds", "Too few rounds", "\nINTERRUPTED"];
        check(samples::interrupted(), Exit::Failed, &few);
        check(samples::nothing(), Exit::Failed, &["0 of 12 rounds"]);
    }

    #[test]
    fn gauges_are_in_seconds_by_metric() {
        let gauges = samples::whole().gauges();
        let of = |name: &str, metric: &str| {
            let found = gauges.iter().find(|gauge| {
                gauge.name == name && gauge.labels == [("metric", metric.to_owned())]
            });
            found.map(|gauge| gauge.value)
        };
        assert_eq!(
            of("waika_loadgen_mesh_tax_seconds", "network_p50"),
            Some(141e-6)
        );
        assert_eq!(
            of("waika_loadgen_mesh_tax_low_seconds", "network_p50"),
            Some(120e-6)
        );
        assert_eq!(
            of("waika_loadgen_mesh_tax_seconds", "proxy_cpu"),
            Some(30e-6)
        );
        let few = samples::interrupted().gauges();
        assert!(
            few.iter()
                .all(|gauge| gauge.name != "waika_loadgen_mesh_tax_low_seconds")
        );
    }
}
