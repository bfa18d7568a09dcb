//! Pure: merged logs as every form of report needs them.

use super::facts::{Likeness, Merged, PartFacts};
use super::text;
use crate::exit::Exit;
use crate::figures::count_as_real;
use crate::report::TimeFacts;
use crate::report::document::{Check, Document, Gauge, Table};
use crate::report::html;
use crate::report::text::{grouped, grouped_real, time};

impl Document for Merged {
    fn title(&self) -> String {
        let parts = self.parts.len();
        format!(
            "Waika merged load report: {parts} part{} of seed {}, run {}",
            if parts == 1 { "" } else { "s" },
            self.plan.seed,
            self.plan.run_id,
        )
    }

    fn exit(&self) -> Exit {
        if self.verdict.interrupted || self.has_tool_failures() {
            Exit::Failed
        } else if self.verdict.valid {
            Exit::Passed
        } else {
            Exit::Invalid
        }
    }

    fn checks(&self) -> Vec<Check> {
        let valid = Check {
            name: "the measurement is valid".to_owned(),
            verdict: if self.verdict.valid {
                Exit::Passed
            } else {
                Exit::Invalid
            },
            found: if self.verdict.reasons.is_empty() {
                format!("all {} parts are", self.parts.len())
            } else {
                self.verdict.reasons.join("; ")
            },
        };
        let alike = self.parts.iter().map(|part| Check {
            name: format!("{} is like the others", part.name()),
            verdict: match part.likeness {
                Likeness::Alike { .. } => Exit::Passed,
                Likeness::Different { .. } | Likeness::NotJudged { .. } => Exit::Inconclusive,
            },
            found: text::likeness(&part.likeness),
        });
        let alike = alike.filter(|_| self.parts.len() > 1);
        let end = Check::of_end("every part came to its end", self.verdict.interrupted);
        let ended = [valid, end, self.transport_check()];
        ended.into_iter().chain(alike).collect()
    }

    fn tables(&self) -> Vec<Table> {
        vec![
            Table {
                title: "Times".to_owned(),
                head: words(&["", "p50", "p90", "p99", "p99.9", "p99.99", "max", "samples"]),
                rows: [
                    ("response (due-done)", &self.response),
                    ("service (sent-done)", &self.service),
                    ("lag (due-sent)", &self.lag),
                ]
                .map(|(name, facts)| time_row(name, facts))
                .into(),
            },
            Table {
                title: "Parts".to_owned(),
                head: words(&[
                    "part",
                    "sent",
                    "answered",
                    "p50",
                    "p99",
                    "p99.9",
                    "lag p99",
                    "verdict",
                    "like the others",
                ]),
                rows: self.parts.iter().map(part_row).collect(),
            },
            Table {
                title: "Outcomes".to_owned(),
                head: words(&["outcome", "count", "share", "p50", "p99"]),
                rows: self
                    .outcomes
                    .iter()
                    .map(|outcome| {
                        vec![
                            format!("{} {}", outcome.kind, outcome.name),
                            grouped(outcome.count),
                            format!("{:.3} %", outcome.share * 100.0),
                            cell(outcome.response.p50_ns),
                            cell(outcome.response.p99_ns),
                        ]
                    })
                    .collect(),
            },
            Table {
                title: "Rates".to_owned(),
                head: words(&["", "per second"]),
                rows: [
                    ("offered", self.rates.offered_per_second),
                    ("answered", Some(self.rates.achieved_per_second)),
                    ("errors", Some(self.rates.errors_per_second)),
                ]
                .into_iter()
                .filter_map(|(name, rate)| Some(vec![name.to_owned(), grouped_real(rate?)]))
                .collect(),
            },
        ]
    }

    fn gauges(&self) -> Vec<Gauge> {
        let mut gauges = Vec::new();
        let quantiles = |facts: &TimeFacts| {
            [
                ("0.5", facts.p50_ns),
                ("0.9", facts.p90_ns),
                ("0.99", facts.p99_ns),
                ("0.999", facts.p999_ns),
                ("0.9999", facts.p9999_ns),
                ("1", facts.max_ns),
            ]
        };
        let all = ("all".to_owned(), &self.response);
        let parts = self.parts.iter().map(|part| (part.name(), &part.response));
        for (part, facts) in std::iter::once(all).chain(parts) {
            for (quantile, ns) in quantiles(facts) {
                let Some(ns) = ns else { continue };
                gauges.push(Gauge {
                    name: "waika_loadgen_merged_response_seconds",
                    help: "Response time from due to done, by part and quantile.",
                    labels: vec![("part", part.clone()), ("quantile", quantile.to_owned())],
                    value: count_as_real(ns) / 1e9,
                });
            }
        }
        for outcome in &self.outcomes {
            gauges.push(Gauge {
                name: "waika_loadgen_merged_requests",
                help: "Requests sent, by what became of them.",
                labels: vec![
                    ("kind", outcome.kind.to_string()),
                    ("outcome", outcome.name.clone()),
                ],
                value: count_as_real(outcome.count),
            });
        }
        gauges.push(Gauge {
            name: "waika_loadgen_merged_valid",
            help: "1 if the measurement is valid.",
            labels: Vec::new(),
            value: if self.verdict.valid { 1.0 } else { 0.0 },
        });
        gauges
    }

    fn text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    fn page(&self) -> String {
        html::merged::render(self)
    }
}

impl Merged {
    fn has_tool_failures(&self) -> bool {
        self.counts.not_connected > 0 || self.outcomes.iter().any(|facts| facts.is_tool_failure)
    }

    fn transport_check(&self) -> Check {
        let failed = self.outcomes.iter().filter(|facts| facts.is_tool_failure);
        let mut found: Vec<String> = failed
            .map(|facts| format!("{} {}", grouped(facts.count), facts.name))
            .collect();
        if self.counts.not_connected > 0 {
            found.push(format!(
                "{} not connected",
                grouped(self.counts.not_connected)
            ));
        }
        Check {
            name: "every call reached the server".to_owned(),
            verdict: if self.has_tool_failures() {
                Exit::Failed
            } else {
                Exit::Passed
            },
            found: if found.is_empty() {
                format!("{} sent", grouped(self.counts.sent))
            } else {
                found.join(", ")
            },
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn cell(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".to_owned(), time)
}

fn time_row(name: &str, facts: &TimeFacts) -> Vec<String> {
    vec![
        name.to_owned(),
        cell(facts.p50_ns),
        cell(facts.p90_ns),
        cell(facts.p99_ns),
        cell(facts.p999_ns),
        cell(facts.p9999_ns),
        cell(facts.max_ns),
        grouped(facts.count),
    ]
}

fn part_row(part: &PartFacts) -> Vec<String> {
    vec![
        part.name(),
        grouped(part.counts.sent),
        grouped(part.counts.answered),
        cell(part.response.p50_ns),
        cell(part.response.p99_ns),
        cell(part.response.p999_ns),
        cell(part.lag.p99_ns),
        if part.verdict.valid {
            "VALID"
        } else {
            "INVALID"
        }
        .to_owned(),
        text::likeness(&part.likeness),
    ]
}
