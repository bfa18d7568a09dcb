//! Making a journal from a backup.

use std::error::Error;

use super::copy::{self, Target};
use super::error::{BackupError, Side, on};
use super::layers::{Layer, Layers};
use super::manifest::{Manifest, State};
use super::records::{Walked, walk};
use super::{MANIFEST, RESTORING, Watch, list};
use crate::ledger::journal::beginning;
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::OpenError;
use crate::ledger::journal::file::{NamedFile, remove_if_there, sync_folder};
use crate::ledger::journal::record::{Batch, Record};
use crate::ledger::journal::rewritten::Rewrites;
use crate::ledger::journal::segment::{self, HEADER_BYTES};
use crate::ledger::journal::watermark::{Mark, Watermark};
use crate::ledger::journal::{is_of_a_journal, keyring};

/// Takes an entry, and says why it is none.
pub type OnEntry<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), Box<dyn Error + Send + Sync>>;

/// What is made from what.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// The backup's folder.
    pub backup: &'a dyn Disk,
    /// A journal that goes on where the backup ends, if there is one.
    pub journal: Option<&'a dyn Disk>,
    /// The folder of the new journal.
    pub folder: &'a dyn Disk,
    /// The last sequence that shall be there; `None`: the last that there is.
    pub through: Option<u64>,
    /// Who looks on.
    pub watch: &'a dyn Watch,
}

/// A journal that was made, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its first sequence.
    pub first: u64,
    /// Its last.
    pub last: u64,
    /// Whether there was more than was asked for.
    pub was_cut: bool,
    /// When the backup was taken, in milliseconds since 1970.
    pub taken_at_ms: i64,
    /// The number of segments.
    pub segments: u64,
    /// Whether a start has a snapshot to go on from.
    pub snapshot: bool,
}

/// A backup that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its first sequence,
    pub first: u64,
    /// and its last.
    pub last: u64,
    /// When it was taken, in milliseconds since 1970.
    pub taken_at_ms: i64,
    /// The number of segments.
    pub segments: u64,
    /// The number of snapshots with what they need.
    pub states: u64,
    /// The length of all files in bytes.
    pub bytes: u64,
}

impl Restore<'_> {
    /// Hands over every entry that there is, and makes nothing.
    pub fn look(&self, on_entry: OnEntry<'_>) -> Result<(), BackupError> {
        let manifest = self.manifest()?;
        let layers = self.layers(&manifest)?;
        let mut next = manifest.first_sequence;
        for ordinal in layers.first()?.. {
            let Some(layer) = layers.segment(ordinal)? else {
                break;
            };
            if layer.header.first != next {
                break;
            }
            let walked = walk(&layer.bytes, layer.header, |record, _| {
                keep(record, None, on_entry).map(|_| true)
            })?;
            self.watch.done(walked.end as u64);
            if !self.watch.go_on() {
                return Err(BackupError::Stopped);
            }
            next = walked.next;
        }
        Ok(())
    }

    /// Checks every file that the manifest names, and hands over every entry. Makes nothing.
    pub fn check(&self, on_entry: OnEntry<'_>) -> Result<Checked, BackupError> {
        let manifest = self.manifest()?;
        self.watch
            .total(manifest.files().map(|copied| copied.bytes).sum());
        let mut last = 0;
        self.look(&mut |sequence, entry| {
            last = sequence;
            on_entry(sequence, entry)
        })?;
        for copied in manifest
            .states
            .iter()
            .flat_map(State::files)
            .chain(&manifest.keyring)
        {
            copy::check(self.backup, copied, self.watch)?;
        }
        if last < manifest.last_sequence {
            let what = format!("the segments end at sequence {last}");
            return Err(BackupError::changed(MANIFEST, what));
        }
        Ok(Checked {
            first: manifest.first_sequence,
            last,
            taken_at_ms: manifest.taken_at_ms,
            segments: manifest.segments.len() as u64,
            states: manifest.states.len() as u64,
            bytes: manifest.files().map(|copied| copied.bytes).sum(),
        })
    }

    fn manifest(&self) -> Result<Manifest, BackupError> {
        let manifest = Manifest::read(self.backup)?.ok_or(BackupError::NoManifest)?;
        if manifest.last_sequence == 0 {
            return Err(BackupError::Unfinished);
        }
        Ok(manifest)
    }

    fn layers<'b>(&'b self, manifest: &'b Manifest) -> Result<Layers<'b>, BackupError> {
        let identity = manifest.identity()?;
        // One that is damaged is passed over: the backup is right then.
        let rewrites = self
            .journal
            .map(|journal| Rewrites::read(journal, identity));
        Ok(Layers {
            backup: self.backup,
            manifest,
            journal: self.journal,
            rewrites: rewrites.and_then(Result::ok).unwrap_or_default(),
            identity,
        })
    }

    /// Makes the journal, and hands over every entry that it will have. After an error the folder is left
    /// marked as unfinished: no server starts on it, and the next restore into it begins anew.
    pub fn run(&self, on_entry: OnEntry<'_>) -> Result<Restored, BackupError> {
        let manifest = self.manifest()?;
        let first = manifest.first_sequence;
        if self.through.is_some_and(|through| through < first) {
            let earliest = first;
            return Err(BackupError::TooEarly { first, earliest });
        }
        self.watch
            .total(manifest.files().map(|copied| copied.bytes).sum());
        self.begin()?;
        let identity = manifest.identity()?;
        // First, while the backup has it: one that is taken meanwhile may remove it, and never a segment.
        let snapshot = self.state(&manifest)?;
        let end = self.segments(&self.layers(&manifest)?, on_entry)?;
        let sequence = end.next - 1;
        self.keyring(&manifest)?;
        if let Some(beginning) = manifest.beginning()? {
            beginning::publish(self.folder, beginning).map_err(on(Side::Restored))?;
        }
        if let Some(number) = manifest.rewrites {
            let rewrites = Rewrites::counted(number);
            let published = rewrites.publish(self.folder, identity);
            published.map_err(on(Side::Restored))?;
        }
        Watermark::create(self.folder, Mark { identity, sequence }).map_err(on(Side::Restored))?;
        remove_if_there(self.folder, RESTORING)
            .and_then(|()| sync_folder(self.folder))
            .map_err(on(Side::Restored))?;
        Ok(Restored {
            first,
            last: sequence,
            was_cut: end.was_cut,
            taken_at_ms: manifest.taken_at_ms,
            segments: end.segments,
            snapshot,
        })
    }

    /// Marks the folder as unfinished, and removes what an earlier restore left.
    fn begin(&self) -> Result<(), BackupError> {
        let names = list(self.folder).map_err(on(Side::Restored))?;
        let left_over = names.iter().any(|name| name == RESTORING);
        let is_taken = |name: &String| is_of_a_journal(name) || name == MANIFEST;
        if !left_over && names.iter().any(is_taken) {
            return Err(BackupError::NotEmpty);
        }
        let mark = || {
            NamedFile::create(self.folder, RESTORING)?.sync()?;
            sync_folder(self.folder)?;
            for name in names.iter().filter(|name| is_of_a_journal(name)) {
                remove_if_there(self.folder, name)?;
            }
            sync_folder(self.folder)
        };
        mark().map_err(on(Side::Restored))
    }

    fn segments(&self, layers: &Layers<'_>, on_entry: OnEntry<'_>) -> Result<End, BackupError> {
        let mut ordinal = layers.first()?;
        let mut end = End {
            next: layers.manifest.first_sequence,
            was_cut: false,
            segments: 0,
        };
        let mut last: Option<Layer> = None;
        while let Some(layer) = layers.segment(ordinal)? {
            if layer.header.first != end.next {
                break;
            }
            let next = self.segment(&layer, &mut end, on_entry)?;
            end.next = next;
            if end.was_cut {
                break;
            }
            last = Some(layer);
            ordinal += 1;
        }
        let reached = end.next - 1;
        let enough = end.was_cut || self.through == Some(reached);
        if !enough {
            if reached < layers.manifest.last_sequence {
                let file = segment::name(ordinal);
                let what = format!("it ends at sequence {reached}");
                return Err(BackupError::changed(&file, what));
            }
            layers.check_end(end.next, last.as_ref())?;
            if self.through.is_some() {
                return Err(BackupError::NotThatFar { last: reached });
            }
        }
        Ok(end)
    }

    /// Writes what shall be there of a segment. Gives the sequence after its last entry.
    fn segment(
        &self,
        layer: &Layer,
        end: &mut End,
        on_entry: OnEntry<'_>,
    ) -> Result<u64, BackupError> {
        let mut begun = None;
        let walked = walk(&layer.bytes, layer.header, |record, _| {
            let kept = keep(record, self.through, on_entry)?;
            if kept.count() == record.count {
                return Ok::<_, BackupError>(true);
            }
            end.was_cut = true;
            begun = (kept.count() > 0).then_some(kept);
            Ok(false)
        })?;
        let Walked { end: whole, next } = walked;
        let mut bytes = layer.bytes.get(..whole).unwrap_or_default().to_vec();
        let mut count = 0;
        if let Some(mut batch) = begun {
            count = u64::from(batch.count());
            let sealed = batch.seal(layer.header.identity, next);
            bytes.extend_from_slice(sealed.unwrap_or_default());
        }
        if bytes.len() == HEADER_BYTES {
            return Ok(next);
        }
        let name = segment::name(layer.header.ordinal);
        let file = NamedFile::create(self.folder, &name).map_err(on(Side::Restored))?;
        self.target().append(&file, &bytes, 0)?;
        end.segments += 1;
        Ok(next + count)
    }

    /// Copies the newest whole state that the journal may have. Says whether there is one.
    fn state(&self, manifest: &Manifest) -> Result<bool, BackupError> {
        let last = self.through.unwrap_or(u64::MAX);
        let fits = |state: &&State| state.proves <= last;
        for state in manifest.states.iter().rev().filter(fits) {
            match self.copy_state(state) {
                Ok(()) => return Ok(true),
                Err(error @ BackupError::Changed { .. }) => {
                    tracing::warn!(%error, "a snapshot of the backup cannot be used: passed over");
                    for copied in state.files() {
                        remove_if_there(self.folder, &copied.file).map_err(on(Side::Restored))?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let first = manifest.first_sequence;
        if first == 1 {
            return Ok(false);
        }
        let earliest = manifest.states.iter().map(|state| state.proves).min();
        match earliest.filter(|&earliest| earliest > last) {
            Some(earliest) => Err(BackupError::TooEarly { first, earliest }),
            None => Err(BackupError::NoState { first }),
        }
    }

    /// Puts the keyring there: that of the journal that goes on where the backup ends, if it has a whole one.
    fn keyring(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let there = self.journal.map(keyring::read_file);
        let bytes = match (there, &manifest.keyring) {
            (Some(Ok(Some(bytes))), _) => bytes,
            (_, Some(copied)) => copy::read(self.backup, copied)?,
            (_, None) => return Ok(()),
        };
        keyring::publish_file(self.folder, &bytes).map_err(on(Side::Restored))
    }

    fn copy_state(&self, state: &State) -> Result<(), BackupError> {
        for held in state.files() {
            let file = copy::open(self.backup, held)?;
            let from = (&file, Side::Backup);
            let copied = self.target().copy(from, &held.file, held.bytes)?;
            if copied != *held {
                return Err(BackupError::changed(&held.file, "its SHA-256 is another"));
            }
        }
        Ok(())
    }

    fn target(&self) -> Target<'_> {
        Target {
            disk: self.folder,
            side: Side::Restored,
            watch: self.watch,
        }
    }
}

/// How far the new journal goes.
struct End {
    /// The sequence after its last entry.
    next: u64,
    was_cut: bool,
    segments: u64,
}

/// The entries of a record up to this sequence.
fn keep(
    record: &Record<'_>,
    through: Option<u64>,
    on_entry: OnEntry<'_>,
) -> Result<Batch, BackupError> {
    let mut batch = Batch::new();
    for (entry, sequence) in record.entries().zip(record.first..) {
        let Some(entry) = entry else {
            break;
        };
        if through.is_some_and(|through| sequence > through) {
            break;
        }
        on_entry(sequence, entry).map_err(|source| {
            let place = format!("entry {sequence}");
            BackupError::of(Side::Backup)(OpenError::Refused { place, source })
        })?;
        batch.push(entry);
    }
    Ok(batch)
}
