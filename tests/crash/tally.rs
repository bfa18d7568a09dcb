//! What a run has counted, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::finding::{Finding, Kind, count};
use crate::oracle::Counts;
use crate::process::Logged;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub kills: u64,
    pub during_start: u64,
    pub while_snapshot_written: u64,
    /// A snapshot stood under its own name, and the server had not yet said so.
    pub while_snapshot_published: u64,
    pub slowest_start: Duration,
    pub calls: Counts,
    pub logged: Logged,
    /// How many calls ended in which way.
    pub outcomes: BTreeMap<String, u64>,
}

impl Tally {
    /// What tests/crash.py shows of figure F1.
    pub(crate) fn in_a_line(&self, seed: u64, findings: &[Finding]) -> String {
        let counted = |kind| count(findings, kind);
        format!(
            "F1: seed {seed}: {} kills, {} of them during a start; {} calls acknowledged; {} lost, \
             {} duplicated, {} limits exceeded, {} other differences",
            self.kills,
            self.during_start,
            self.calls.acknowledged,
            counted(Kind::Lost),
            counted(Kind::Duplicated),
            counted(Kind::Exceeded),
            counted(Kind::Other)
        )
    }

    /// The table, with what was found.
    pub(crate) fn table(&self, findings: &[Finding]) -> String {
        let counted = |kind| count(findings, kind) as u64;
        let Logged {
            starts_from_snapshot,
            starts_without,
            snapshots_taken,
            compared,
        } = self.logged;
        let rows = [
            ("kills", self.kills),
            ("  before it served", self.during_start),
            (
                "  while a snapshot was written",
                self.while_snapshot_written,
            ),
            ("  as one was published", self.while_snapshot_published),
            ("calls sent", self.calls.sent),
            ("  acknowledged", self.calls.acknowledged),
            ("  unknown at a kill", self.calls.unknown),
            ("  sent again", self.calls.resent),
            ("lost", counted(Kind::Lost)),
            ("duplicated", counted(Kind::Duplicated)),
            ("exceeded", counted(Kind::Exceeded)),
            ("other differences", counted(Kind::Other)),
            ("snapshots taken", snapshots_taken),
            ("accounts compared with the store", compared),
            ("starts from a snapshot", starts_from_snapshot),
            ("starts without one", starts_without),
        ];
        let rows = rows.map(|(name, number)| format!("{name:<32}{number:>10}\n"));
        let slowest = format!("{} ms", self.slowest_start.as_millis());
        let outcomes = self.outcomes.iter();
        let outcomes = outcomes.map(|(name, number)| format!("  {name:<40}{number:>8}\n"));
        format!(
            "{}{:<32}{slowest:>10}\noutcomes\n{}",
            rows.concat(),
            "slowest start",
            outcomes.collect::<String>()
        )
    }
}

/// The first finding of each kind.
pub(crate) struct First<'a>(pub &'a [Finding]);

impl fmt::Display for First<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in [Kind::Lost, Kind::Duplicated, Kind::Exceeded, Kind::Other] {
            if let Some(first) = self.0.iter().find(|found| found.kind == kind) {
                write!(formatter, "{first}")?;
            }
        }
        Ok(())
    }
}
