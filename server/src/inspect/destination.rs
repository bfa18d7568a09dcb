//! Where an export goes. A file is written under another name beside it and gets its own when it
//! is whole, so that nobody takes half an export for one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::table::WriteError;
use crate::config::Output;
use crate::exit::{Failure, Reason};

/// What to do with a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Replace,
}

impl Existing {
    /// What `--force` says.
    pub(super) const fn of(force: bool) -> Self {
        if force { Self::Replace } else { Self::Refuse }
    }
}

/// What people call it.
pub(super) fn place(output: &Output) -> String {
    match output {
        Output::Standard => "standard output".to_owned(),
        Output::File(file) => file.display().to_string(),
    }
}

/// Standard output, or a file that does not have its name yet.
#[derive(Debug)]
pub(super) enum Destination {
    Standard,
    Beside {
        /// Readable by its owner alone; removed when this is dropped.
        unfinished: NamedTempFile,
        path: PathBuf,
        existing: Existing,
    },
}

impl Destination {
    /// Makes the unfinished file, or says why there cannot be one.
    pub(super) fn open(output: &Output, existing: Existing) -> Result<Self, Failure> {
        let Output::File(path) = output else {
            return Ok(Self::Standard);
        };
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => {
                let what = "is there and is no ordinary file: name another";
                return Err(refused(path, what));
            }
            Ok(_) if existing == Existing::Refuse => return Err(exists(path)),
            Ok(_) | Err(_) => {}
        }
        let unwritable = |error| {
            let text = format!("--output: \"{}\" cannot be made: {error}", path.display());
            Failure::new(Reason::Unwritable, text)
        };
        let unfinished = NamedTempFile::with_prefix_in(".waika-export-", folder_of(path));
        Ok(Self::Beside {
            unfinished: unfinished.map_err(unwritable)?,
            path: path.clone(),
            existing,
        })
    }

    /// For what is written from beginning to end.
    pub(super) fn stream(&self) -> io::Result<Box<dyn Write>> {
        Ok(match self {
            Self::Standard => Box::new(BufWriter::new(io::stdout().lock())),
            Self::Beside { unfinished, .. } => Box::new(BufWriter::new(unfinished.reopen()?)),
        })
    }

    /// For who opens files by name.
    pub(super) fn file(&self) -> io::Result<&Path> {
        match self {
            Self::Standard => Err(io::Error::other("standard output is no file")),
            Self::Beside { unfinished, .. } => Ok(unfinished.path()),
        }
    }

    /// Publishes what was written; None if its reader has had enough.
    pub(super) fn conclude<T>(self, written: Result<T, WriteError>) -> Result<Option<T>, Failure> {
        match written {
            Ok(written) => self.publish().map(|()| Some(written)),
            Err(error) if error.is_enough() => Ok(None),
            Err(error) => Err(unwritten(&error)),
        }
    }

    /// Gives the file its name once its bytes are on the disk.
    fn publish(self) -> Result<(), Failure> {
        let Self::Beside {
            unfinished,
            path,
            existing,
        } = self
        else {
            return Ok(());
        };
        let published = unfinished.as_file().sync_all().and_then(|()| {
            match existing {
                Existing::Refuse => unfinished.persist_noclobber(&path)?,
                Existing::Replace => unfinished.persist(&path)?,
            };
            File::open(folder_of(&path))?.sync_all()
        });
        published.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return exists(&path);
            }
            let text = format!(
                "--output: \"{}\" cannot be written: {error}",
                path.display()
            );
            Failure::new(Reason::Io, text)
        })
    }
}

/// How an export ends that cannot be written.
pub(super) fn unwritten(error: &WriteError) -> Failure {
    let text = format!("the export cannot be written: {error}");
    Failure::new(Reason::Io, text)
}

fn exists(path: &Path) -> Failure {
    refused(
        path,
        "is there already: name another, or add --force to replace it",
    )
}

fn refused(path: &Path, what: &str) -> Failure {
    let text = format!("--output: \"{}\" {what}", path.display());
    Failure::new(Reason::Configuration, text)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}
