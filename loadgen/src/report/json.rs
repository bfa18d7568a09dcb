//! The report as a file for programs.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Report;

/// A file that is known to be writable before there is anything to write.
#[derive(Debug)]
pub(crate) struct Destination {
    path: PathBuf,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    /// Written beside it and moved there at the end, so that an older report is lost only to a
    /// whole new one.
    Beside(NamedTempFile),
    /// A pipe or a device.
    Directly(File),
}

impl Destination {
    /// Checks that a report can be written to `path`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let sink = match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                Sink::Directly(OpenOptions::new().write(true).open(path)?)
            }
            Ok(found) if found.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(_) | Err(_) => Sink::Beside(NamedTempFile::new_in(folder_of(path))?),
        };
        Ok(Self {
            path: path.to_owned(),
            sink,
        })
    }

    /// Writes the report there.
    pub(crate) fn write(self, report: &Report) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(report)?;
        text.push('\n');
        match self.sink {
            Sink::Directly(mut file) => file.write_all(text.as_bytes()),
            Sink::Beside(mut file) => {
                file.write_all(text.as_bytes())?;
                file.persist(&self.path)?;
                Ok(())
            }
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_refused_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Destination::open(folder.path()).is_err());
        assert!(Destination::open(&folder.path().join("missing/report.json")).is_err());
        assert!(Destination::open(&folder.path().join("report.json")).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
