//! Taking up segments that the journal has written anew since a backup copied them: what must not be kept there
//! must not be kept here.

use super::Backup;
use super::error::{BackupError, Side, on};
use super::manifest::{Manifest, digest};
use crate::ledger::journal::error::DiskError;
use crate::ledger::journal::file::{NamedFile, remove_if_there, sync_folder};
use crate::ledger::journal::rewritten::Rewrites;
use crate::ledger::journal::{folder, segment};

/// A segment on its way into the backup.
fn unfinished(ordinal: u64) -> String {
    format!("rewritten-{ordinal:016x}.tmp")
}

impl Backup<'_> {
    /// Brings what the backup holds of such segments up to date. Until the manifest says so either of the two may
    /// stand there, and it names both: whatever a crash cuts short, nothing counts as changed.
    pub(super) fn take_up_rewrites(&self, manifest: &mut Manifest) -> Result<(), BackupError> {
        let of_backup = on(Side::Backup);
        self.settle(manifest)?;
        let rewrites = Rewrites::read(self.journal, manifest.identity()?);
        let rewrites = rewrites.map_err(BackupError::of(Side::Journal))?;
        if !rewrites.has_newer(manifest.rewrites()) {
            return Ok(());
        }
        let mut ordinals = Vec::new();
        let number = manifest.rewrites();
        for held in &mut manifest.segments {
            let Some(ordinal) = segment::ordinal(&held.file) else {
                continue;
            };
            if !rewrites.is_newer(ordinal, number) {
                continue;
            }
            let mut bytes = Vec::new();
            match folder::read(self.journal, ordinal, &mut bytes) {
                // Pruned: only the backup has it now, as it was.
                Err(error) if error.is_not_found() => continue,
                read => read.map_err(on(Side::Journal))?,
            }
            bytes.truncate(usize::try_from(held.bytes).unwrap_or(usize::MAX));
            let sha256 = digest(&bytes);
            if sha256 != held.sha256 {
                let file = NamedFile::create(self.folder, &unfinished(ordinal));
                self.target()
                    .append(&file.map_err(&of_backup)?, &bytes, 0)?;
                held.next_sha256 = Some(sha256);
                ordinals.push(ordinal);
            }
        }
        if !ordinals.is_empty() {
            manifest.write(self.folder).map_err(&of_backup)?;
            for ordinal in ordinals {
                let (from, to) = (unfinished(ordinal), segment::name(ordinal));
                let renamed = self.folder.rename(&from, &to);
                let renamed = renamed.map_err(DiskError::of("rename", &from));
                renamed.map_err(&of_backup)?;
            }
            sync_folder(self.folder).map_err(&of_backup)?;
            self.settle(manifest)?;
        }
        manifest.hold_rewrites(rewrites.newest());
        manifest.write(self.folder).map_err(&of_backup)
    }

    /// Looks which of the two each file is of which the manifest names two.
    fn settle(&self, manifest: &mut Manifest) -> Result<(), BackupError> {
        for held in &mut manifest.segments {
            let Some(next) = held.next_sha256.clone() else {
                continue;
            };
            if digest(&super::copy::read(self.folder, held)?) == next {
                held.sha256 = next;
            }
            held.next_sha256 = None;
            if let Some(ordinal) = segment::ordinal(&held.file) {
                let removed = remove_if_there(self.folder, &unfinished(ordinal));
                removed.map_err(on(Side::Backup))?;
            }
        }
        Ok(())
    }
}
