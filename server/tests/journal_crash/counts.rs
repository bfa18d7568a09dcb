//! What the histories went through, so that a run which tests nothing is seen.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) runs: u64,
    pub(super) crashes: u64,
    pub(super) kills: u64,
    pub(super) failures: u64,
    pub(super) crashes_in_recovery: u64,
    pub(super) acknowledged: u64,
    pub(super) recovered_unacknowledged: u64,
    pub(super) published: u64,
    pub(super) starts_from_snapshots: u64,
    pub(super) snapshots_given_up: u64,
    /// The power went during a step of a snapshot; by step.
    pub(super) crashes_in_snapshots: BTreeMap<String, u64>,
}

impl Counts {
    /// Power cuts during a step of a snapshot that begins with these words.
    fn crashes_in(&self, step: &str) -> u64 {
        let steps = self.crashes_in_snapshots.iter();
        let counts = steps.filter(|(known, _)| known.starts_with(step));
        counts.map(|(_, count)| count).sum()
    }

    /// Every step of a snapshot was hit, and starts used what was published.
    pub(super) fn check(&self) {
        let steps = [
            "create",
            "write",
            "sync snapshot",
            "rename",
            "sync the data",
            "removal",
        ];
        for step in steps {
            assert!(self.crashes_in(step) > 0, "no power cut during {step}");
        }
        let Self {
            published,
            starts_from_snapshots,
            snapshots_given_up,
            ..
        } = *self;
        let counts = [published, starts_from_snapshots, snapshots_given_up];
        assert!(!counts.contains(&0), "{counts:?}");
    }

    /// In two lines.
    pub(super) fn report(&self) -> String {
        let Self {
            runs,
            crashes,
            kills,
            crashes_in_recovery,
            failures,
            acknowledged,
            recovered_unacknowledged,
            published,
            starts_from_snapshots,
            snapshots_given_up,
            crashes_in_snapshots,
        } = self;
        let publications = ["rename", "sync the data", "removal"].map(|step| self.crashes_in(step));
        let (in_any, in_publications) = (self.crashes_in(""), publications.iter().sum::<u64>());
        let last = runs - 1;
        format!(
            "{crashes} crashes in {runs} histories (seeds 0 to {last}), {kills} of them kills, \
             {crashes_in_recovery} during a start, {failures} ended by a failing disk; \
             {acknowledged} entries acknowledged, 0 lost; {recovered_unacknowledged} kept that \
             nobody was told of\n{published} snapshots published, {snapshots_given_up} given up, \
             {starts_from_snapshots} starts from one; {in_any} power cuts during one, \
             {in_publications} of them during its publication: {crashes_in_snapshots:?}"
        )
    }
}
