//! Copying a file piece by piece, with a digest of what was copied.

use sha2::{Digest as _, Sha256};

use super::Watch;
use super::error::{BackupError, Side, on};
use super::manifest::{Copied, digest, hexadecimal};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::file::NamedFile;

/// So many bytes are written before they are synced: whatever else uses the disk waits behind one of
/// these at most.
const PIECE_BYTES: usize = 256 << 10;

/// Where files go.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) side: Side,
    pub(super) watch: &'a dyn Watch,
}

impl Target<'_> {
    /// Copies the first so many bytes of a file of that side into a new one of this name, durable but for its
    /// name.
    pub(super) fn copy(
        self,
        (file, from): (&NamedFile, Side),
        name: &str,
        bytes: u64,
    ) -> Result<Copied, BackupError> {
        let to = NamedFile::create(self.disk, name).map_err(on(self.side))?;
        let sha256 = in_pieces(file, from, bytes, |piece, at| self.write(&to, piece, at))?;
        Ok(Copied {
            file: name.to_owned(),
            bytes,
            sha256,
            next_sha256: None,
        })
    }

    /// Writes these bytes from there on, durably.
    pub(super) fn append(self, to: &NamedFile, bytes: &[u8], from: u64) -> Result<(), BackupError> {
        let mut at = from;
        for piece in bytes.chunks(PIECE_BYTES) {
            self.write(to, piece, at)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn write(self, to: &NamedFile, piece: &[u8], at: u64) -> Result<(), BackupError> {
        to.write_at(piece, at)
            .and_then(|()| to.sync())
            .map_err(on(self.side))?;
        self.watch.done(piece.len() as u64);
        if self.watch.go_on() {
            Ok(())
        } else {
            Err(BackupError::Stopped)
        }
    }
}

/// Hands over the first so many bytes of a file, each piece with where it begins, and gives their digest.
fn in_pieces(
    file: &NamedFile,
    side: Side,
    bytes: u64,
    mut on_piece: impl FnMut(&[u8], u64) -> Result<(), BackupError>,
) -> Result<String, BackupError> {
    let (mut digest, mut at) = (Sha256::new(), 0);
    let mut buffer = vec![0; PIECE_BYTES];
    while at < bytes {
        let rest = usize::try_from(bytes - at).unwrap_or(usize::MAX);
        let piece = buffer.get_mut(..PIECE_BYTES.min(rest)).unwrap_or_default();
        file.read_at(piece, at).map_err(on(side))?;
        digest.update(&*piece);
        on_piece(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(hexadecimal(digest.finalize().as_ref()))
}

/// The bytes that the manifest speaks of, if they are what it says.
pub(super) fn read(backup: &dyn Disk, copied: &Copied) -> Result<Vec<u8>, BackupError> {
    let file = open(backup, copied)?;
    let length = usize::try_from(copied.bytes).unwrap_or(usize::MAX);
    let bytes = file.read(0, length).map_err(on(Side::Backup))?;
    if copied.has(&digest(&bytes)) {
        return Ok(bytes);
    }
    Err(BackupError::changed(&copied.file, "its SHA-256 is another"))
}

/// Refuses a file that is not what the manifest says.
pub(super) fn check(
    backup: &dyn Disk,
    copied: &Copied,
    watch: &dyn Watch,
) -> Result<(), BackupError> {
    let file = open(backup, copied)?;
    let digest = in_pieces(&file, Side::Backup, copied.bytes, |piece, _| {
        watch.done(piece.len() as u64);
        if watch.go_on() {
            Ok(())
        } else {
            Err(BackupError::Stopped)
        }
    })?;
    if copied.has(&digest) {
        return Ok(());
    }
    Err(BackupError::changed(&copied.file, "its SHA-256 is another"))
}

/// A file that is at least as long as the manifest says.
pub(super) fn open(backup: &dyn Disk, copied: &Copied) -> Result<NamedFile, BackupError> {
    let name = &copied.file;
    let file = NamedFile::open_if_there(backup, name).map_err(on(Side::Backup))?;
    let file = file.ok_or_else(|| BackupError::changed(name, "it is missing"))?;
    let length = file.length().map_err(on(Side::Backup))?;
    if length < copied.bytes {
        let what = format!("it has {length} bytes and not {}", copied.bytes);
        return Err(BackupError::changed(name, what));
    }
    Ok(file)
}
