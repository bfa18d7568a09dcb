//! Pure: what can be compared.

use super::facts::PairFacts;

/// What can be compared; more of each is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Metric {
    /// The server's processor time for each call that ended
    Cpu,
    /// The median of the response times
    P50,
    /// The 99th percentile of the response times
    P99,
}

impl Metric {
    /// All of them, the one that decides by default first.
    pub(crate) const ALL: [Self; 3] = [Self::Cpu, Self::P50, Self::P99];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::P50 => "p50",
            Self::P99 => "p99",
        }
    }

    /// Its name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Cpu => "server CPU per call",
            Self::P50 => "response p50",
            Self::P99 => "response p99",
        }
    }
}

/// One metric of every pair.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Which.
    pub(crate) metric: Metric,
    /// It decides.
    pub(crate) gating: bool,
    /// Its pairs, in the order in which they were measured.
    pub(crate) pairs: Vec<PairFacts>,
}

impl Series {
    /// All metrics without a pair; those that are named decide.
    pub(crate) fn all(gating: &[Metric]) -> Vec<Self> {
        let mut all = Metric::ALL.map(|metric| Self {
            metric,
            gating: gating.contains(&metric),
            pairs: Vec::new(),
        });
        all.sort_by_key(|series| !series.gating);
        all.into()
    }

    /// The log-ratios of the pairs that are used.
    pub(crate) fn used(&self) -> Vec<f64> {
        let used = self.pairs.iter().filter(|pair| pair.discarded.is_none());
        used.map(|pair| pair.log_ratio).collect()
    }

    /// The median of what the pairs that are used have.
    pub(crate) fn median_of(&self, value: fn(&PairFacts) -> f64) -> Option<f64> {
        let used = self.pairs.iter().filter(|pair| pair.discarded.is_none());
        super::statistics::median(&used.map(value).collect::<Vec<f64>>())
    }
}
