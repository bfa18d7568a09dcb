//! Choosing the snapshot that a start goes on from.

use super::file::{Flaw, SnapshotFile};
use super::{Name, Published, names};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::OpenError;
use crate::ledger::journal::replay::PassedOver;

/// What a start goes on from.
#[derive(Debug, Default)]
pub(in crate::ledger::journal) struct Choice {
    /// The newest whole snapshot; `None`: the journal's first entry.
    pub(in crate::ledger::journal) snapshot: Option<Chosen>,
    /// Newer ones that cannot be used.
    pub(in crate::ledger::journal) passed_over: Vec<PassedOver>,
}

#[derive(Debug)]
pub(in crate::ledger::journal) struct Chosen {
    pub(in crate::ledger::journal) file: SnapshotFile,
    pub(in crate::ledger::journal) published: Published,
}

/// Reads snapshots from the newest on until one is whole and belongs to this journal. `identity`
/// is `None` if no segment tells it; then any whole one is chosen, and the start refuses it later.
/// What is passed over is named in a warning; so is one that leaves out what came before `first`, the
/// journal's first sequence.
pub(in crate::ledger::journal) fn choose(
    disk: &dyn Disk,
    identity: Option<u64>,
    first: u64,
) -> Result<Choice, OpenError> {
    let mut choice = Choice::default();
    for name in names(disk)? {
        match whole(disk, name.clone(), identity) {
            Ok(chosen) if chosen.published.from.saturating_add(1) < first => {
                let from = chosen.published.from;
                let why = format!("it holds everything up to sequence {from} only");
                choice.pass_over(name, why);
            }
            Ok(chosen) => {
                choice.snapshot = Some(chosen);
                return Ok(choice);
            }
            Err(newer @ Flaw::Newer(_)) => return Err(newer.into_error(&name)),
            Err(Flaw::Damaged { offset, what }) => {
                choice.pass_over(name, format!("{what} (byte {offset})"));
            }
            Err(Flaw::Unreadable(error)) => choice.pass_over(name, error.to_string()),
        }
    }
    Ok(choice)
}

fn whole(disk: &dyn Disk, name: Name, identity: Option<u64>) -> Result<Chosen, Flaw> {
    let mut file = SnapshotFile::open(disk, name)?;
    if let Some(identity) = identity {
        file.check_identity(identity)?;
    }
    let published = file.check(|_| ())?;
    file.rewind();
    Ok(Chosen { file, published })
}

impl Choice {
    fn pass_over(&mut self, name: Name, why: String) {
        tracing::warn!(
            file = name.file,
            why,
            "a snapshot cannot be used: passed over"
        );
        let file = name.file;
        self.passed_over.push(PassedOver { file, why });
    }
}
