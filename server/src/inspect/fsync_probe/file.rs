//! The file that is written to: laid out like a segment, locked against a second probe, and
//! removed in whatever way the probe ends, but for a kill; the next probe removes it then.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::exit::{Failure, Reason};
use crate::inspect::interrupt::{self, Stop};

/// No name of the journal's, which leaves such files alone.
const NAME: &str = "fsync-probe.tmp";
/// A new segment is written in such pieces too.
const PIECE_BYTES: usize = 4 << 20;

/// The file, while it is there.
#[derive(Debug)]
pub(super) struct ProbeFile {
    file: File,
    length: usize,
    path: PathBuf,
    removed: bool,
    /// Goes after the file.
    _folders: Folders,
}

/// Folders that were made, the innermost first. Dropping this removes them again.
#[derive(Debug)]
struct Folders(Vec<PathBuf>);

impl ProbeFile {
    /// Makes the file, and the folder if it is missing, and writes it full of ones.
    pub(super) fn create(folder: &Path, length: usize, stop: &Stop) -> Result<Self, Failure> {
        let unwritable = |error: io::Error| {
            let text = format!("{} cannot be written: {error}", folder.display());
            Failure::new(Reason::Unwritable, text)
        };
        let folder = std::path::absolute(folder).map_err(unwritable)?;
        let folders = Folders::make(&folder).map_err(unwritable)?;
        let path = folder.join(NAME);
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let opened = opened.map_err(unwritable)?;
        match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let text = format!(
                    "another probe is running in {}: wait for it",
                    folder.display()
                );
                return Err(Failure::new(Reason::Unavailable, text));
            }
            Err(error) => return Err(unwritable(error.into())),
        }
        let this = Self {
            file: opened,
            length,
            path,
            removed: false,
            _folders: folders,
        };
        this.fill(stop)?;
        Ok(this)
    }

    fn fill(&self, stop: &Stop) -> Result<(), Failure> {
        let ones = vec![0xFF; PIECE_BYTES];
        self.file.set_len(0).map_err(failed("cut"))?;
        for start in (0..self.length).step_by(PIECE_BYTES) {
            if stop.is_asked() {
                return Err(interrupt::stopped());
            }
            let piece = ones.get(..PIECE_BYTES.min(self.length - start));
            self.file
                .write_all_at(piece.unwrap_or_default(), start as u64)
                .and_then(|()| self.file.sync_data())
                .map_err(failed("lay out"))?;
        }
        // The name too, as with a segment: no commit shall wait for it.
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(failed("name"))?;
        self.file.sync_all().map_err(failed("sync"))
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// What a commit does.
    pub(super) fn commit(&self, record: &[u8], offset: u64) -> Result<(), Failure> {
        self.file
            .write_all_at(record, offset)
            .map_err(failed("write"))?;
        self.file.sync_data().map_err(failed("sync"))
    }

    /// Leaves nothing behind, or says so.
    pub(super) fn remove(mut self) -> Result<(), Failure> {
        self.removed = true;
        std::fs::remove_file(&self.path).map_err(failed("remove"))
    }
}

impl Drop for ProbeFile {
    fn drop(&mut self) {
        if !self.removed {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::new(Reason::Io, format!("cannot {action} {NAME}: {error}"))
}

impl Folders {
    /// Makes a folder with all those above it that are missing.
    fn make(folder: &Path) -> io::Result<Self> {
        let missing = folder.ancestors().take_while(|ancestor| !ancestor.exists());
        let missing = Self(missing.map(Path::to_owned).collect());
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)?;
        Ok(missing)
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // One that somebody uses by now is not empty and stays, and so do those above it.
            if std::fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}
