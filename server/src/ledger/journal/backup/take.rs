//! Taking a backup, or bringing one up to date.

use super::error::{BackupError, Side, on};
use super::manifest::{Copied, Manifest, Pruned, State, digest};
use super::records::{Walked, walk};
use super::{Watch, copy, list};
use crate::ledger::journal::beginning::{self, Beginning};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::Damage;
use crate::ledger::journal::file::{NamedFile, remove_if_there, sync_folder};
use crate::ledger::journal::folder;
use crate::ledger::journal::segment::{self, Header};
use crate::ledger::journal::watermark::{Mark, Watermark};
use crate::ledger::journal::{is_of_a_journal, key_runs, keyring, snapshot};

/// A journal, and the folder of its backup. The journal is only read, and needs no lock: a server may be
/// writing it. The folder must be held by nobody else.
#[derive(Clone, Copy, Debug)]
pub struct Backup<'a> {
    /// The journal's folder.
    pub journal: &'a dyn Disk,
    /// The backup's.
    pub folder: &'a dyn Disk,
    /// Who looks on.
    pub watch: &'a dyn Watch,
}

/// A backup that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its first sequence,
    pub first: u64,
    /// and its last: everything up to it was durable in the journal.
    pub last: u64,
    /// The last sequence of the backup before it; 0 if there was none.
    pub before: u64,
    /// The number of segments.
    pub segments: u64,
    /// The length of all files in bytes.
    pub bytes: u64,
    /// Whether it has a snapshot.
    pub snapshot: bool,
}

impl Taken {
    /// The entries that the backup before it did not have.
    pub fn new_entries(&self) -> u64 {
        let before = self.before.max(self.first.saturating_sub(1));
        self.last.saturating_sub(before)
    }
}

impl Backup<'_> {
    /// Brings the backup up to what is durable now. `taken_at_ms` is the time now, in milliseconds since
    /// 1970. After an error the backup is what it was before.
    pub fn take(&self, taken_at_ms: i64) -> Result<Taken, BackupError> {
        let identity = self.mark()?.identity;
        let mut manifest = self.begun(identity)?;
        let before = manifest.last_sequence;
        self.check_held(&mut manifest)?;
        self.take_up_rewrites(&mut manifest)?;
        self.tell_total(&manifest)?;
        let state = self.state(&manifest, identity)?;
        // Not before the state is there, of which it must hold every entry.
        let through = self.mark()?.sequence;
        if through < before {
            let (durable, held) = (through, before);
            return Err(BackupError::Behind { durable, held });
        }
        self.segments(&mut manifest, through)?;
        if state.is_none() && manifest.states.is_empty() && manifest.first_sequence > 1 {
            return Err(BackupError::NoState {
                first: manifest.first_sequence,
            });
        }
        if let Some(state) = state.filter(|state| state.proves <= through) {
            // A journal whose beginning is gone needs a state to start from, at whichever point.
            let oldest = usize::from(manifest.first_sequence > 1);
            manifest.states.truncate(oldest);
            if manifest
                .states
                .iter()
                .all(|held| held.snapshot != state.snapshot)
            {
                manifest.states.push(state);
            }
        }
        // Behind the segments: whatever they were written under is in it.
        self.keyring(&mut manifest)?;
        env!("CARGO_PKG_VERSION").clone_into(&mut manifest.waika);
        (manifest.last_sequence, manifest.taken_at_ms) = (through, taken_at_ms);
        let sequence = through;
        Watermark::create(self.folder, Mark { identity, sequence }).map_err(on(Side::Backup))?;
        manifest.write(self.folder).map_err(on(Side::Backup))?;
        self.remove_what_is_over(&manifest)?;
        Ok(Taken {
            first: manifest.first_sequence,
            last: through,
            before,
            segments: manifest.segments.len() as u64,
            bytes: manifest.files().map(|copied| copied.bytes).sum(),
            snapshot: !manifest.states.is_empty(),
        })
    }

    /// Refuses a folder that cannot hold this journal's backup.
    pub(super) fn check_fits(&self) -> Result<(), BackupError> {
        self.begun(self.mark()?.identity).map(drop)
    }

    fn mark(&self) -> Result<Mark, BackupError> {
        let mark = Watermark::read(self.journal).map_err(BackupError::of(Side::Journal))?;
        mark.ok_or(BackupError::NoWatermark)
    }

    /// The backup that is there, or one that is begun.
    fn begun(&self, identity: u64) -> Result<Manifest, BackupError> {
        if let Some(manifest) = Manifest::read(self.folder)? {
            let (theirs, ours) = (manifest.identity()?, identity);
            if theirs != ours {
                return Err(BackupError::OtherJournal { theirs, ours });
            }
            return Ok(manifest);
        }
        let names = list(self.folder).map_err(on(Side::Backup))?;
        if names.iter().any(|name| is_of_a_journal(name)) {
            return Err(BackupError::NotABackup);
        }
        let manifest = Manifest::begin(identity);
        manifest.write(self.folder).map_err(on(Side::Backup))?;
        Ok(manifest)
    }

    /// Whatever the backup says that it holds must be there: a server prunes what it has. A state that is not
    /// whole any more is copied again.
    fn check_held(&self, manifest: &mut Manifest) -> Result<(), BackupError> {
        for copied in &manifest.segments {
            copy::open(self.folder, copied)?;
        }
        let is_there = |state: &State| {
            let opened = state.files().map(|copied| copy::open(self.folder, copied));
            opened.into_iter().all(|opened| opened.is_ok())
        };
        manifest.states.retain(is_there);
        Ok(())
    }

    /// About as much as there is to copy.
    fn tell_total(&self, held: &Manifest) -> Result<(), BackupError> {
        let mut total = 0;
        for name in list(self.journal).map_err(on(Side::Journal))? {
            let copied = held.files().find(|copied| copied.file == name);
            if is_of_a_journal(&name)
                && let Ok(Some(file)) = NamedFile::open_if_there(self.journal, &name)
            {
                let length = file.length().unwrap_or_default();
                total += length.saturating_sub(copied.map_or(0, |copied| copied.bytes));
            }
        }
        self.watch.total(total);
        Ok(())
    }

    /// Copies what the journal has up to this sequence and the backup has not.
    fn segments(&self, manifest: &mut Manifest, through: u64) -> Result<(), BackupError> {
        let folder = folder::look(self.journal).map_err(BackupError::of(Side::Journal))?;
        if manifest.segments.is_empty() {
            self.begin_where(folder.beginning(), manifest)?;
        }
        let mut at = At::end_of(manifest)?;
        let last = manifest.segments.last().and(at.ordinal);
        let used = folder.segments.iter().filter_map(|found| found.header);
        let is_new = |header: &Header| {
            last.is_none_or(|last| header.ordinal >= last) && header.first <= through
        };
        for header in used.filter(is_new) {
            check_place(at, header, manifest)?;
            let name = segment::name(header.ordinal);
            let held = manifest.segments.pop_if(|held| held.file == name);
            let (copied, walked) = self.segment(header, held.as_ref(), through)?;
            manifest.segments.push(copied);
            at = At {
                ordinal: Some(header.ordinal),
                next: walked.next,
            };
        }
        if at.next > through {
            return Ok(());
        }
        let what = format!("it ends here, and sequence {through} was durable");
        Err(damaged(
            at.ordinal.unwrap_or(1),
            segment::HEADER_BYTES,
            at.next,
            what,
        ))
    }

    /// Begins where the journal does by now.
    fn begin_where(
        &self,
        beginning: Option<Beginning>,
        manifest: &mut Manifest,
    ) -> Result<(), BackupError> {
        manifest.first_sequence = beginning.map_or(1, |beginning| beginning.first);
        manifest.pruned = beginning.map(Pruned::of);
        match beginning {
            Some(beginning) => beginning::publish(self.folder, beginning).map_err(on(Side::Backup)),
            None => remove_if_there(self.folder, beginning::FILE).map_err(on(Side::Backup)),
        }
    }

    /// Brings one segment up to date.
    fn segment(
        &self,
        header: Header,
        held: Option<&Copied>,
        through: u64,
    ) -> Result<(Copied, Walked), BackupError> {
        let name = segment::name(header.ordinal);
        let mut bytes = Vec::new();
        folder::read(self.journal, header.ordinal, &mut bytes).map_err(|error| {
            let error = folder::unread(self.journal, header.ordinal, error);
            BackupError::of(Side::Journal)(error)
        })?;
        let walked = walk(&bytes, header, |record, _| {
            Ok::<_, BackupError>(record.first <= through)
        })?;
        bytes.truncate(walked.end);
        let (mut from, mut file) = (0, None);
        if let Some(held) = held {
            if !bytes.starts_with(&copy::read(self.folder, held)?) {
                return Err(self.not_as_held(header, walked, through));
            }
            from = held.bytes;
            file = Some(copy::open(self.folder, held)?);
        }
        let created = || NamedFile::create(self.folder, &name);
        let file = file.map_or_else(created, Ok).map_err(on(Side::Backup))?;
        let new = usize::try_from(from).unwrap_or(usize::MAX);
        let new = bytes.get(new..).unwrap_or_default();
        self.target().append(&file, new, from)?;
        let copied = Copied {
            file: name,
            bytes: bytes.len() as u64,
            sha256: digest(&bytes),
            next_sha256: None,
        };
        Ok((copied, walked))
    }

    /// What is wrong with a segment that does not begin with what the backup has of it: it ends before a record
    /// that is damaged, or is whole and goes on otherwise.
    fn not_as_held(&self, header: Header, walked: Walked, through: u64) -> BackupError {
        let Walked { end, next } = walked;
        let follows = folder::find(self.journal, header.ordinal + 1);
        let follows = follows.ok().and_then(|found| found.header);
        let goes_on = follows.is_some_and(|follows| follows.first == next);
        if goes_on || next > through {
            return BackupError::OtherCourse { before: next };
        }
        let what = "the record here is not as it was written, and the backup has it whole";
        damaged(header.ordinal, end, next, what.to_owned())
    }

    /// Copies the keyring as it is now, if the store has one and the backup has another.
    fn keyring(&self, manifest: &mut Manifest) -> Result<(), BackupError> {
        let file = keyring::read_file(self.journal).map_err(BackupError::of(Side::Journal))?;
        let Some(bytes) = file else { return Ok(()) };
        let sha256 = digest(&bytes);
        let copied = Copied {
            file: keyring::copy_name(&sha256),
            bytes: bytes.len() as u64,
            sha256,
            next_sha256: None,
        };
        if copy::read(self.folder, &copied).is_err() {
            let file = NamedFile::create(self.folder, &copied.file).map_err(on(Side::Backup))?;
            self.target().append(&file, &bytes, 0)?;
        }
        manifest.hold_keyring(copied);
        Ok(())
    }

    /// Snapshots, keyrings and runs of keys that the manifest does not name any more.
    fn remove_what_is_over(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let on = on(Side::Backup);
        for name in list(self.folder).map_err(&on)? {
            let of_a_state = snapshot::is_named_like_one(&name)
                || key_runs::is_named_like_one(&name)
                || keyring::is_named_like_a_copy(&name);
            if of_a_state && manifest.files().all(|copied| copied.file != name) {
                remove_if_there(self.folder, &name).map_err(&on)?;
            }
        }
        sync_folder(self.folder).map_err(on)
    }
}

/// How far the backup goes.
#[derive(Clone, Copy)]
struct At {
    /// The last segment; `None` before the first.
    ordinal: Option<u64>,
    /// The sequence after the last.
    next: u64,
}

/// Refuses a segment that is neither the one in which the backup ends nor the one behind it.
fn check_place(at: At, header: Header, held: &Manifest) -> Result<(), BackupError> {
    let (identity, name) = (held.identity()?, segment::name(header.ordinal));
    if header.identity != identity {
        let what = "it belongs to another journal".to_owned();
        return Err(damaged(header.ordinal, 0, at.next, what));
    }
    let expected = at.ordinal.map_or(1, |ordinal| ordinal + 1);
    let follows = header.ordinal == expected && header.first == at.next;
    if at.ordinal == Some(header.ordinal) || follows {
        return Ok(());
    }
    let (reached, first) = (held.last_sequence, header.first);
    if reached > 0 && at.next == reached + 1 && first > at.next {
        let held = reached;
        return Err(BackupError::Gap { held, first });
    }
    if header.ordinal != expected {
        let what = format!("it is missing, and {name} is there");
        return Err(damaged(expected, 0, at.next, what));
    }
    let what = format!("its last record ends here, and {name} goes on at sequence {first}");
    let before = at.ordinal.unwrap_or(1);
    Err(damaged(before, segment::HEADER_BYTES, at.next, what))
}

impl At {
    /// Where a backup ends; in front of its first segment, if it has none yet.
    fn end_of(manifest: &Manifest) -> Result<Self, BackupError> {
        let last = manifest.segments.last();
        let last = last.and_then(|copied| segment::ordinal(&copied.file));
        Ok(match (last, manifest.beginning()?) {
            (None, Some(Beginning { segment, first, .. })) => Self {
                ordinal: Some(segment.saturating_sub(1)),
                next: first,
            },
            (last, _) => Self {
                ordinal: last,
                next: manifest.last_sequence + 1,
            },
        })
    }
}

fn damaged(ordinal: u64, offset: usize, sequence: u64, what: String) -> BackupError {
    BackupError::of(Side::Journal)(Damage {
        file: segment::name(ordinal),
        offset: offset as u64,
        sequence,
        what,
    })
}
