//! Pure: a benchmark as every form of report needs it.

use super::facts::{ArmFacts, BenchReport, CostFacts, MeasuredArm, MtlsFacts, Spread};
use super::text;
use super::told::{MTLS, Named};
use crate::exit::Exit;
use crate::figures::real_as_count;
use crate::report::document::{Check, Document, Gauge, Table};
use crate::report::html;
use crate::report::text::{grouped_real, time};

impl Document for BenchReport {
    fn title(&self) -> String {
        "Waika bench".to_owned()
    }

    fn exit(&self) -> Exit {
        let measured = self.rounds.iter().flat_map(|round| &round.arms);
        let mut exit = Exit::Passed;
        if !self.verdict.valid {
            exit = exit.or(Exit::Invalid);
        }
        if self.verdict.interrupted || measured.into_iter().any(|arm| !arm.is_sound()) {
            exit = exit.or(Exit::Failed);
        }
        exit
    }

    fn checks(&self) -> Vec<Check> {
        let measured: Vec<&MeasuredArm> = self
            .rounds
            .iter()
            .flat_map(|round| round.arms.iter())
            .collect();
        let disturbed = measured.iter().filter(|arm| !arm.doubts.is_empty()).count();
        let unsound = measured.iter().filter(|arm| !arm.is_sound()).count();
        let of = |count: usize, heavy| if count == 0 { Exit::Passed } else { heavy };
        vec![
            Check {
                name: "the measurement is valid".to_owned(),
                verdict: of(disturbed, Exit::Invalid),
                found: if self.verdict.reasons.is_empty() {
                    format!("{} arms, none disturbed", measured.len())
                } else {
                    self.verdict.reasons.join("; ")
                },
            },
            Check {
                name: "all answers are approvals".to_owned(),
                verdict: of(unsound, Exit::Failed),
                found: format!("{unsound} of {} arms had others", measured.len()),
            },
            Check::of_end("all rounds came to their end", self.verdict.interrupted),
        ]
    }

    fn tables(&self) -> Vec<Table> {
        let head = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        vec![
            Table {
                title: "Arms (medians of the rounds; latencies of all rounds together)".to_owned(),
                head: head(&[
                    "arm",
                    "server CPU",
                    "client CPU",
                    "payments",
                    "p50",
                    "p90",
                    "p99",
                    "p99.9",
                ]),
                rows: self.arms.iter().map(arm_row).collect(),
            },
            Table {
                title: "Figures".to_owned(),
                head: head(&["figure", "median", "least", "most", ""]),
                rows: self.figures.named().iter().map(figure_row).collect(),
            },
            Table {
                title: MTLS.to_owned(),
                head: head(&["figure", "estimate", "95 % interval", "rounds"]),
                rows: self
                    .mtls
                    .iter()
                    .flat_map(MtlsFacts::named)
                    .map(cost_row)
                    .collect(),
            },
        ]
    }

    fn gauges(&self) -> Vec<Gauge> {
        let figures = self.figures.named();
        let of = |name, help, is_rate, value: fn(&Spread) -> f64| {
            let these = figures.clone().into_iter();
            these
                .filter(move |named| named.is_rate == is_rate)
                .map(move |named| Gauge {
                    name,
                    help,
                    labels: vec![("figure", named.name.to_owned())],
                    value: value(&named.spread),
                })
        };
        let arms = |name, help, value: fn(&ArmFacts) -> Option<Spread>| {
            self.arms.iter().filter_map(move |arm| {
                Some(Gauge {
                    name,
                    help,
                    labels: vec![("arm", arm.arm.name().to_owned())],
                    value: value(arm)?.median / 1e9,
                })
            })
        };
        of(
            "waika_loadgen_bench_ratio",
            "How many times as much, the median over the rounds.",
            false,
            |spread| spread.median,
        )
        .chain(of(
            "waika_loadgen_bench_per_second",
            "Payments a second, the median over the rounds.",
            true,
            |spread| spread.median,
        ))
        .chain(arms(
            "waika_loadgen_bench_server_cpu_seconds",
            "Processor time of the server for a payment, the median over the rounds.",
            |arm| arm.server_cpu_ns,
        ))
        .chain(arms(
            "waika_loadgen_bench_client_cpu_seconds",
            "Processor time of what asked for a payment, the median over the rounds.",
            |arm| arm.client_cpu_ns,
        ))
        .chain(self.mtls.iter().flat_map(MtlsFacts::named).map(|(name, _, cost)| Gauge {
            name: "waika_loadgen_bench_mtls_ratio",
            help: "Processor time of the server for a payment over mutual TLS, beside one in clear text.",
            labels: vec![("figure", name.to_owned())],
            value: cost.estimate,
        }))
        .collect()
    }

    fn text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    fn page(&self) -> String {
        html::bench::render(self)
    }
}

fn arm_row(facts: &ArmFacts) -> Vec<String> {
    let cost = |spread: Option<Spread>| {
        spread.map_or_else(
            || "-".to_owned(),
            |spread| time(real_as_count(spread.median)),
        )
    };
    let rate = facts.rate_per_second.map_or_else(
        || "-".to_owned(),
        |rate| format!("{}/s", grouped_real(rate.median)),
    );
    let latency = &facts.latency;
    let times = [
        latency.p50_ns,
        latency.p90_ns,
        latency.p99_ns,
        latency.p999_ns,
    ];
    let mut row = vec![
        facts.arm.label().to_owned(),
        cost(facts.server_cpu_ns),
        cost(facts.client_cpu_ns),
        rate,
    ];
    row.extend(times.map(|ns| ns.map_or_else(|| "-".to_owned(), time)));
    row
}

pub(crate) fn cost_row((_, label, cost): (&str, &str, CostFacts)) -> Vec<String> {
    vec![
        label.to_owned(),
        format!("{:.3}", cost.estimate),
        cost.interval(),
        cost.rounds.to_string(),
    ]
}

fn figure_row(named: &Named) -> Vec<String> {
    let Spread { median, min, max } = named.spread;
    let mut row = vec![named.label.to_owned()];
    row.extend([median, min, max].map(|value| named.shown(value)));
    row.push(named.mark().to_owned());
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::bench::samples;
    use crate::stored;

    #[test]
    fn a_benchmark_survives_being_stored_to_the_last_digit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.json");
        for report in samples::all() {
            let text = serde_json::to_string_pretty(&report).unwrap();
            std::fs::write(&path, &text).unwrap();
            let stored::Stored::Bench(again) = stored::read(&path).unwrap() else {
                panic!("a benchmark was read as something else");
            };
            assert_eq!(serde_json::to_string_pretty(&again).unwrap(), text);
            assert_eq!(again.text(false), report.text(false));
        }
    }

    #[test]
    fn how_it_ends_says_what_is_wrong() {
        let check = |change: fn(&mut BenchReport), exit: Exit, words: &str| {
            let mut report = samples::whole();
            change(&mut report);
            assert_eq!(report.exit(), exit, "{words}");
            let heaviest = report.checks().into_iter().map(|check| check.verdict);
            assert_eq!(heaviest.fold(Exit::Passed, Exit::or), exit, "{words}");
            let text = report.text(false);
            assert!(text.contains(words), "no {words:?} in {text}");
        };
        check(|_| {}, Exit::Passed, "VALID");
        let disturbed = |report: &mut BenchReport| {
            report.verdict.valid = false;
            report.verdict.reasons = vec!["stolen".to_owned()];
            report.rounds[0].arms[0].doubts = vec!["stolen".to_owned()];
        };
        check(disturbed, Exit::Invalid, "INVALID\n  - stolen");
        let nothing_approved = |report: &mut BenchReport| {
            report.verdict.valid = false;
            report.rounds[0].arms[0].approved = 0;
        };
        check(nothing_approved, Exit::Failed, "INVALID");
        let stopped = |report: &mut BenchReport| report.verdict.interrupted = true;
        check(stopped, Exit::Failed, "Interrupted: this is what is known");
    }

    #[test]
    fn what_mutual_tls_costs_has_its_interval_or_says_why_not() {
        let text = samples::mutual().text(false);
        for words in [
            "mTLS / clear text",
            "1.12 to 1.50",
            "1.750",
            "none below 6 rounds",
        ] {
            assert!(text.contains(words), "no {words:?} in {text}");
        }
        assert!(!samples::whole().text(false).contains("mTLS"));
    }

    #[test]
    fn a_text_says_what_its_figures_are() {
        let report = samples::whole();
        let text = report.text(false);
        for words in [
            "Server on core 0, generator on core 1.",
            "Arms (medians of the rounds",
            "they hide queueing",
            "CPU a call, journal: / default echo",
            "streamed in batches, journal:",
        ] {
            assert!(text.contains(words), "no {words:?} in {text}");
        }
        let mut bound = report.clone();
        for (is_bound, figures) in [(false, report.figures), (true, report.figures)] {
            bound.figures = figures;
            let rates = [
                &mut bound.figures.unary_rate,
                &mut bound.figures.stream_rate,
                &mut bound.figures.batch_rate,
                &mut bound.figures.memory_rate,
                &mut bound.figures.unary_rate_vs_default_echo,
                &mut bound.figures.unary_rate_vs_percore_echo,
                &mut bound.figures.memory_rate_vs_percore_echo,
                &mut bound.figures.stream_rate_vs_percore_echo,
                &mut bound.figures.h2load_default_echo_rate,
                &mut bound.figures.h2load_percore_echo_rate,
            ];
            for rate in rates.into_iter().flatten() {
                rate.generator_bound = false;
            }
            if let Some(rate) = &mut bound.figures.stream_rate {
                rate.generator_bound = is_bound;
            }
            let sentence = "there processor time per call decides";
            assert_eq!(bound.text(false).contains(sentence), is_bound);
        }
    }
}
