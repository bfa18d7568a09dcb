//! Pure: a run's main figures, for machines that collect them.

use super::document::Gauge;
use super::{Report, TimeFacts};
use crate::figures::count_as_real;
use crate::threshold::ThresholdVerdict;

impl Report {
    /// All of them; those of one name follow each other.
    pub(super) fn all_gauges(&self) -> Vec<Gauge> {
        let mut gauges = vec![
            self.info_gauge(),
            plain(
                "waika_loadgen_valid",
                "Whether the measurement is to be trusted: 1 or 0.",
                f64::from(u8::from(self.verdict.valid)),
            ),
        ];
        gauges.extend(self.threshold_gauges());
        gauges.extend(self.rate_gauges());
        gauges.extend(self.count_gauges());
        for (name, help, facts) in [
            (
                "waika_loadgen_response_seconds",
                "From due to done; the quantile 1 is the longest.",
                &self.response,
            ),
            (
                "waika_loadgen_service_seconds",
                "From sent to done; the quantile 1 is the longest.",
                &self.service,
            ),
            (
                "waika_loadgen_lag_seconds",
                "From due to sent, the generator's own fault; the quantile 1 is the longest.",
                &self.lag,
            ),
        ] {
            gauges.extend(quantiles(name, help, facts));
        }
        gauges
    }

    fn info_gauge(&self) -> Gauge {
        Gauge {
            name: "waika_loadgen_run_info",
            help: "What was measured, by what and where; always 1.",
            labels: vec![
                ("version", self.generator.version.to_string()),
                ("target", self.server.target.clone()),
                (
                    "server_version",
                    self.server.version.clone().unwrap_or_default(),
                ),
                ("host", self.host.name.clone()),
                ("seed", self.plan.seed.to_string()),
                ("run_id", self.plan.run_id.clone()),
            ],
            value: 1.0,
        }
    }

    /// One for each threshold that was decided.
    fn threshold_gauges(&self) -> Vec<Gauge> {
        let decided = self.thresholds.iter().filter_map(|facts| {
            let value = match facts.verdict {
                ThresholdVerdict::Met => 1.0,
                ThresholdVerdict::Missed => 0.0,
                ThresholdVerdict::Undecided | ThresholdVerdict::Unmatched => return None,
            };
            Some(Gauge {
                name: "waika_loadgen_threshold_met",
                help: "Whether a threshold was kept to: 1 or 0; absent if that could not be said.",
                labels: vec![("expression", facts.expression.clone())],
                value,
            })
        });
        decided.collect()
    }

    fn rate_gauges(&self) -> Vec<Gauge> {
        let (rates, second) = (self.rates, |ns| count_as_real(ns) / 1e9);
        let all = [
            (
                "waika_loadgen_measured_seconds",
                "Length of the measured part.",
                Some(second(rates.measured_ns)),
            ),
            (
                "waika_loadgen_offered_requests_per_second",
                "Requests that were due.",
                rates.offered_per_second,
            ),
            (
                "waika_loadgen_achieved_requests_per_second",
                "Requests that were decided.",
                Some(rates.achieved_per_second),
            ),
            (
                "waika_loadgen_generator_cpu_seconds_per_call",
                "Processor time of the generator.",
                self.generator.cpu_ns_per_call.map(second),
            ),
            (
                "waika_loadgen_server_cpu_seconds_per_call",
                "Processor time of the server.",
                self.server.cpu_ns_per_call.map(second),
            ),
            (
                "waika_loadgen_violations",
                "Answers that contradict the rules.",
                self.certificate
                    .as_ref()
                    .map(|facts| count_as_real(facts.violations)),
            ),
        ];
        let known = all
            .into_iter()
            .filter_map(|(name, help, value)| Some(plain(name, help, value?)));
        known.collect()
    }

    fn count_gauges(&self) -> Vec<Gauge> {
        let counts = self.counts;
        let planned = plain(
            "waika_loadgen_planned_requests",
            "Payments that were due.",
            count_as_real(counts.planned),
        );
        let unsent = [
            ("dropped", counts.dropped),
            ("skipped", counts.skipped),
            ("not_connected", counts.not_connected),
        ]
        .map(|(reason, count)| Gauge {
            name: "waika_loadgen_unsent_requests",
            help: "Payments that were due and not sent, by reason.",
            labels: vec![("reason", reason.to_owned())],
            value: count_as_real(count),
        });
        let outcomes = self.outcomes.iter().map(|facts| Gauge {
            name: "waika_loadgen_requests",
            help: "Payments that were sent, by what became of them.",
            labels: vec![
                ("outcome", facts.name.clone()),
                ("kind", facts.kind.to_string()),
            ],
            value: count_as_real(facts.count),
        });
        std::iter::once(planned)
            .chain(unsent)
            .chain(outcomes)
            .collect()
    }
}

fn quantiles(name: &'static str, help: &'static str, facts: &TimeFacts) -> Vec<Gauge> {
    let all = [
        ("0.5", facts.p50_ns),
        ("0.9", facts.p90_ns),
        ("0.99", facts.p99_ns),
        ("0.999", facts.p999_ns),
        ("0.9999", facts.p9999_ns),
        ("1", facts.max_ns),
    ];
    let known = all.into_iter().filter_map(|(quantile, ns)| {
        Some(Gauge {
            name,
            help,
            labels: vec![("quantile", quantile.to_owned())],
            value: count_as_real(ns?) / 1e9,
        })
    });
    known.collect()
}

fn plain(name: &'static str, help: &'static str, value: f64) -> Gauge {
    Gauge {
        name,
        help,
        labels: Vec::new(),
        value,
    }
}
