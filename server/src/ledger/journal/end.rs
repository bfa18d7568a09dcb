//! The end of a journal, compared with everything that says how far it once went.

use super::error::Damage;
use super::snapshot::Published;
use super::watermark::{self, Mark};

/// Where what can be read ends.
#[derive(Debug)]
pub(super) struct End {
    /// The last segment.
    pub(super) file: String,
    /// Where its last whole record ends, in bytes.
    pub(super) offset: u64,
    /// The sequence after the last.
    pub(super) next: u64,
    /// The journal's; `None` if there is no segment with a header.
    pub(super) identity: Option<u64>,
    /// What a write left behind the last whole record that was cut short.
    pub(super) unfinished_bytes: u64,
}

impl End {
    /// Refuses an end before the watermark's, and one that nobody can vouch for.
    pub(super) fn check_mark(&self, mark: Option<Mark>) -> Result<(), Damage> {
        let what = match mark {
            Some(mark) if mark.sequence >= self.next => {
                format!("it ends here, and sequence {} was durable", mark.sequence)
            }
            Some(mark)
                if self
                    .identity
                    .is_some_and(|identity| identity != mark.identity) =>
            {
                return Err(Damage {
                    file: watermark::FILE.to_owned(),
                    offset: 0,
                    sequence: self.next,
                    what: "it belongs to another journal".to_owned(),
                });
            }
            None if self.unfinished_bytes > 0 => format!(
                "a write was cut short here, and without a whole {} file nobody knows whether it \
                 was acknowledged",
                watermark::FILE
            ),
            Some(_) | None => return Ok(()),
        };
        Err(self.damage(what))
    }

    /// Refuses an end before that of a whole snapshot, which was published when that was durable.
    pub(super) fn check_snapshot(&self, snapshot: &Published) -> Result<(), Damage> {
        let Published { file, covers, .. } = snapshot;
        if self.identity.is_none() {
            let what = format!("it is missing or has no header, and {file} was made from it");
            return Err(self.damage(what));
        }
        self.check_proof(file, *covers)
    }

    /// Refuses an end before a sequence that was durable when a file was made: a snapshot, or a run of
    /// used keys.
    pub(super) fn check_proof(&self, file: &str, sequence: u64) -> Result<(), Damage> {
        if sequence < self.next {
            return Ok(());
        }
        let what = format!("it ends here, and {file} proves that sequence {sequence} was durable");
        Err(self.damage(what))
    }

    fn damage(&self, what: String) -> Damage {
        Damage {
            file: self.file.clone(),
            offset: self.offset,
            sequence: self.next,
            what,
        }
    }
}
