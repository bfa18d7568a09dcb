//! Pure: the figures by name, as every form of report tells them.

use super::facts::{CostFacts, Figures, MtlsFacts, RateSpread, Spread};
use crate::report::text::grouped_real;

/// A figure with its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    /// As it is stored.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) label: &'static str,
    /// Payments a second; otherwise it is a ratio.
    pub(crate) is_rate: bool,
    /// Median, least and most.
    pub(crate) spread: Spread,
    /// The generator may have been what held it back.
    pub(crate) generator_bound: bool,
}

/// What a mark of `generator-bound` says.
pub(crate) const GENERATOR_BOUND: &str = "generator-bound: what asked used more than 95 % of its core in one of the arms, so the rate may be its own; \
     there processor time per call decides.";

/// What the latencies are.
pub(crate) const CLOSED_LOOP: &str = "Latencies are of a closed loop, from sending to the answer: they hide queueing, and are no response times.";

impl Named {
    /// A value of it, for people.
    pub(crate) fn shown(&self, value: f64) -> String {
        if self.is_rate {
            format!("{}/s", grouped_real(value))
        } else {
            format!("{value:.2}")
        }
    }

    /// What stands beside it.
    pub(crate) fn mark(&self) -> &'static str {
        if self.generator_bound {
            "generator-bound"
        } else {
            ""
        }
    }

    fn of(name: &'static str, label: &'static str, spread: Option<Spread>) -> Option<Self> {
        Some(Self {
            name,
            label,
            is_rate: false,
            spread: spread?,
            generator_bound: false,
        })
    }

    fn of_rates(
        name: &'static str,
        label: &'static str,
        is_rate: bool,
        found: Option<RateSpread>,
    ) -> Option<Self> {
        let found = found?;
        Some(Self {
            name,
            label,
            is_rate,
            spread: Spread {
                median: found.median,
                min: found.min,
                max: found.max,
            },
            generator_bound: found.generator_bound,
        })
    }
}

impl MtlsFacts {
    /// What is known, by the name that it is stored under and for people.
    pub(crate) fn named(&self) -> Vec<(&'static str, &'static str, CostFacts)> {
        let unary = ("unary_cpu", "CPU a call, mTLS / clear text");
        let stream = ("stream_cpu", "CPU a streamed payment, mTLS / clear text");
        [(unary, self.unary_cpu), (stream, self.stream_cpu)]
            .into_iter()
            .filter_map(|((name, label), cost)| Some((name, label, cost?)))
            .collect()
    }
}

impl CostFacts {
    /// Its interval, for people.
    pub(crate) fn interval(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
            _ => "none below 6 rounds".to_owned(),
        }
    }
}

/// How they are found.
pub(crate) const MTLS_METHOD: &str = "What mutual TLS costs is the estimate of Hodges and Lehmann over the ratios of the rounds; the interval is \
     exact where rounds are independent. Every connection lasts as long as its arm: handshakes are in no figure.";

/// What stands above the costs of mutual TLS.
pub(crate) const MTLS: &str = "What mutual TLS costs the server";

impl Figures {
    /// All that are there, ratios of processor time first.
    pub(crate) fn named(&self) -> Vec<Named> {
        let mut all = self.of_time();
        all.extend(self.of_rates());
        all
    }

    /// Ratios of processor time.
    pub(crate) fn of_time(&self) -> Vec<Named> {
        [
            Named::of(
                "unary_cpu_vs_default_echo",
                "CPU a call, journal: / default echo",
                self.unary_cpu_vs_default_echo,
            ),
            Named::of(
                "unary_cpu_vs_percore_echo",
                "CPU a call, journal: / per-core echo",
                self.unary_cpu_vs_percore_echo,
            ),
            Named::of(
                "unary_cpu_vs_memory",
                "CPU a call, journal: / memory:",
                self.unary_cpu_vs_memory,
            ),
            Named::of(
                "memory_cpu_vs_default_echo",
                "CPU a call, memory: / default echo",
                self.memory_cpu_vs_default_echo,
            ),
            Named::of(
                "memory_cpu_vs_percore_echo",
                "CPU a call, memory: / per-core echo",
                self.memory_cpu_vs_percore_echo,
            ),
            Named::of(
                "stream_cpu_vs_percore_echo",
                "CPU a streamed payment, journal: / per-core echo",
                self.stream_cpu_vs_percore_echo,
            ),
            Named::of(
                "batch_cpu_vs_stream",
                "CPU a streamed payment, batches / single",
                self.batch_cpu_vs_stream,
            ),
            Named::of(
                "generator_cpu_vs_h2load",
                "CPU a call, this generator / h2load",
                self.generator_cpu_vs_h2load,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Rates, and ratios of rates.
    fn of_rates(&self) -> Vec<Named> {
        let ratio = |name, label, found| Named::of_rates(name, label, false, found);
        let rate = |name, label, found| Named::of_rates(name, label, true, found);
        [
            ratio(
                "unary_rate_vs_default_echo",
                "rate of calls, journal: / default echo",
                self.unary_rate_vs_default_echo,
            ),
            ratio(
                "unary_rate_vs_percore_echo",
                "rate of calls, journal: / per-core echo",
                self.unary_rate_vs_percore_echo,
            ),
            ratio(
                "memory_rate_vs_percore_echo",
                "rate of calls, memory: / per-core echo",
                self.memory_rate_vs_percore_echo,
            ),
            ratio(
                "stream_rate_vs_percore_echo",
                "rate of a stream, journal: / per-core echo",
                self.stream_rate_vs_percore_echo,
            ),
            rate("unary_rate", "calls, journal:", self.unary_rate),
            rate("memory_rate", "calls, memory:", self.memory_rate),
            rate("stream_rate", "streamed, journal:", self.stream_rate),
            rate(
                "batch_rate",
                "streamed in batches, journal:",
                self.batch_rate,
            ),
            rate(
                "h2load_default_echo_rate",
                "calls by h2load, default echo",
                self.h2load_default_echo_rate,
            ),
            rate(
                "h2load_percore_echo_rate",
                "calls by h2load, per-core echo",
                self.h2load_percore_echo_rate,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::html::bench::samples;

    #[test]
    fn every_figure_is_told_under_the_name_that_it_is_stored_under() {
        let figures = samples::whole().figures;
        let stored = serde_json::to_value(figures).unwrap();
        let stored = stored.as_object().unwrap();
        let told = figures.named();
        assert_eq!(told.len(), stored.len());
        for named in told {
            let value = &stored[named.name];
            let of = |name: &str| value[name].as_f64().unwrap();
            assert!((of("median") - named.spread.median).abs() < 1e-12);
            assert!((of("min") - named.spread.min).abs() < 1e-12);
            assert!((of("max") - named.spread.max).abs() < 1e-12);
            let bound = value.get("generator_bound").map(Value::as_bool);
            assert_eq!(bound.is_some(), named.name.contains("_rate"));
            assert_eq!(bound.unwrap_or(Some(false)), Some(named.generator_bound));
        }
        assert!(Figures::default().named().is_empty());
    }
}
