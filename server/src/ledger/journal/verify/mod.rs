//! Checking a whole journal without changing anything, also while a server writes it.
//!
//! What is being written at the moment is no damage. So the watermark is read first, then the
//! names, then the headers, then everything: each may only find more than the one before it says.

mod segments;
mod work;

use super::beginning::{self, Beginning};
use super::disk::Disk;
use super::end::End;
use super::error::{Damage, OpenError};
use super::folder::{self, Found};
use super::key_runs;
use super::keyring;
use super::segment;
use super::snapshot::{self, Published};
use super::watermark::{Mark, Watermark};
use segments::Checked;
use work::{Listed, Outcome, Work};

/// Told how far a check has come, from several threads.
pub trait Progress: Sync {
    /// There are so many bytes to check in all. Comes first, once.
    fn total(&self, bytes: u64);

    /// So many more bytes are checked.
    fn done(&self, bytes: u64);
}

/// For those who do not look.
impl Progress for () {
    fn total(&self, _: u64) {}

    fn done(&self, _: u64) {}
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The number of segments with a header.
    pub segments: u64,
    /// The number of entries that can be read.
    pub entries: u64,
    /// The sequence of the first entry; 0 if there is none.
    pub first: u64,
    /// The sequence of the last entry; 0 if there is none.
    pub last: u64,
    /// The length of all segments, snapshots and runs of used keys in bytes.
    pub bytes: u64,
    /// What stands behind the last whole record, in bytes: a write that a crash cut short, or one
    /// that a server is making at the moment. No damage.
    pub unfinished_bytes: u64,
    /// The whole snapshots, the newest first.
    pub snapshots: Vec<Published>,
    /// The number of whole runs of used keys.
    pub key_runs: u64,
    /// Everything that is not as it was written, in the order of segments, then snapshots and runs of used
    /// keys.
    pub damages: Vec<Damage>,
}

/// What an entry must hold, besides being as it was written: why not, or nothing.
pub type EntryCheck<'a> = &'a (dyn Fn(u64, &[u8]) -> Result<(), String> + Sync);

/// Checks every segment, every snapshot and every run of used keys in full, on `jobs` threads (at least one), each of
/// which holds one segment in memory; hands every entry to `check`, in no order. Writes nothing
/// and needs no lock. Damage is collected; an error means that it could not be looked for.
pub fn verify(
    disk: &dyn Disk,
    jobs: usize,
    progress: &dyn Progress,
    check: EntryCheck<'_>,
) -> Result<Verified, OpenError> {
    let mark = Watermark::read(disk)?;
    let snapshots = snapshot::names(disk)?.into_iter();
    let listed = |name| Listed::new(disk, name, |name: &snapshot::Name| &name.file);
    let snapshots = snapshots.map(listed).collect();
    let (key_runs, _) = key_runs::names(disk)?;
    let listed = |name| Listed::new(disk, name, String::as_str);
    let key_runs = key_runs.into_iter().map(listed).collect();
    let (folder, undeclared) = match folder::look(disk) {
        Err(OpenError::Damaged(damage)) => (folder::look_without_beginning(disk)?, Some(damage)),
        looked => (looked?, None),
    };
    let flaw = folder.declared.as_ref().and_then(|it| it.flaw.clone());
    let (mut begins, found) = (folder.beginning(), folder.segments);
    let identity = found.iter().find_map(|segment| segment.header);
    let work = Work {
        disk,
        progress,
        check,
        identity: identity.map(|header| header.identity),
        snapshots,
        key_runs,
        found,
    };
    let bytes = work.bytes();
    progress.total(bytes);
    let outcomes = work.run(jobs)?;
    if undeclared.is_none() {
        // A running server may have pruned on.
        begins = beginning::beginning(disk)?.or(begins);
    }
    let verified = Verified {
        bytes,
        damages: undeclared
            .iter()
            .cloned()
            .chain(flaw)
            .chain(keyring::flaw(disk)?)
            .collect(),
        ..Verified::default()
    };
    let begins = match (begins, &undeclared) {
        (Some(beginning), _) => Begins::With(beginning),
        (None, Some(_)) => Begins::Anywhere,
        (None, None) => Begins::AtTheFirst,
    };
    Ok(verified.with(&work, outcomes, mark, begins))
}

/// Where the journal should begin.
#[derive(Clone, Copy)]
enum Begins {
    AtTheFirst,
    With(Beginning),
    /// What says so is damaged.
    Anywhere,
}

impl Verified {
    fn with(
        mut self,
        work: &Work<'_>,
        outcomes: Vec<Outcome>,
        mark: Option<Mark>,
        begins: Begins,
    ) -> Self {
        let (mut checked, mut in_snapshots, mut key_runs) = (Vec::new(), Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Segment(segment) => checked.push(segment),
                Outcome::Snapshot(published) => self.snapshots.push(published),
                Outcome::KeyRun(file, through) => key_runs.push((file, through)),
                Outcome::Damage(damage) => in_snapshots.push(damage),
                Outcome::Nothing => {}
            }
        }
        checked.sort_unstable_by_key(|segment| segment.ordinal);
        if let Begins::With(beginning) = begins {
            checked.retain(|segment| segment.ordinal >= beginning.segment);
        }
        self.snapshots
            .sort_unstable_by_key(|published| std::cmp::Reverse(published.covers));
        let mut expected = Expected::at(begins, checked.first());
        self.damages.extend(expected.missing(&checked));
        for segment in &checked {
            self.damages.extend(expected.compare(segment));
            self.damages.extend_from_slice(&segment.damages);
            self.segments += u64::from(segment.first.is_some());
            self.entries += segment.entries;
        }
        self.last = expected.next - 1;
        self.first = checked
            .first()
            .and_then(|segment| segment.first)
            .unwrap_or(0);
        self.first = self.first.min(self.last);
        let end = end(work, checked.last(), &expected);
        self.unfinished_bytes = end.unfinished_bytes;
        self.damages.extend(end.check_mark(mark).err());
        let beyond = self
            .snapshots
            .iter()
            .map(|snapshot| end.check_snapshot(snapshot));
        self.damages.extend(beyond.filter_map(Result::err));
        self.key_runs = key_runs.len() as u64;
        let beyond = key_runs.iter();
        let beyond = beyond.map(|(file, through)| end.check_proof(file, *through));
        self.damages.extend(beyond.filter_map(Result::err));
        self.damages.append(&mut in_snapshots);
        self
    }
}

fn end(work: &Work<'_>, last: Option<&Checked>, expected: &Expected<'_>) -> End {
    End {
        file: segment::name(last.map_or(expected.ordinal, |last| last.ordinal)),
        offset: last.map_or(0, |last| last.end),
        next: expected.next,
        identity: work.identity,
        unfinished_bytes: last.map_or(0, |last| last.unfinished_bytes),
    }
}

/// How the next segment should go on.
struct Expected<'a> {
    ordinal: u64,
    /// The sequence after the last that was read.
    next: u64,
    /// The segment before; `None` before the first.
    before: Option<&'a Checked>,
}

impl<'a> Expected<'a> {
    fn at(begins: Begins, first: Option<&Checked>) -> Self {
        let (ordinal, next) = match (begins, first) {
            (Begins::With(beginning), _) => (beginning.segment, beginning.first),
            (Begins::Anywhere, Some(first)) => (first.ordinal, first.first.unwrap_or(first.next)),
            (Begins::Anywhere, None) | (Begins::AtTheFirst, _) => (1, 1),
        };
        Self {
            ordinal,
            // A segment of which nothing can be read says nothing, and the first entry is 1.
            next: next.max(1),
            before: None,
        }
    }

    /// A pruned journal of which nothing is there; of any other, nothing need be.
    fn missing(&self, checked: &[Checked]) -> Option<Damage> {
        let is_missing = checked.is_empty() && self.ordinal > 1;
        is_missing.then(|| Damage {
            file: segment::name(self.ordinal),
            offset: 0,
            sequence: self.next,
            what: format!(
                "it is missing, and by {} the journal begins with it",
                beginning::FILE
            ),
        })
    }

    fn compare(&mut self, segment: &'a Checked) -> Option<Damage> {
        let damage = self.difference(segment);
        self.ordinal = segment.ordinal.saturating_add(1);
        self.next = segment.next.max(self.next);
        self.before = Some(segment);
        damage
    }

    fn difference(&self, segment: &Checked) -> Option<Damage> {
        let name = segment::name(segment.ordinal);
        let damage = |file, offset, what| Damage {
            file,
            offset,
            sequence: self.next,
            what,
        };
        if segment.ordinal != self.ordinal {
            let missing = segment::name(self.ordinal);
            let what = format!("it is missing, and {name} is there");
            return Some(damage(missing, 0, what));
        }
        let first = segment.first.filter(|&first| first != self.next)?;
        let what = format!("{name} goes on at sequence {first}");
        match self.before {
            // Where one that could not be read ends, nobody knows.
            Some(before) => before.first.map(|_| {
                let what = format!("its last record ends here, and {what}");
                damage(segment::name(before.ordinal), before.end, what)
            }),
            None => Some(damage(name, 0, what)),
        }
    }
}
