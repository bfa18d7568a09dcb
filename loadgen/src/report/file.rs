//! Files that a report is written to.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

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
            Ok(_) | Err(_) => Sink::Beside(beside(path)?),
        };
        Ok(Self {
            path: path.to_owned(),
            sink,
        })
    }

    /// Writes all of a text there. The error names the file.
    pub(crate) fn write(self, text: &str) -> io::Result<()> {
        let written = match self.sink {
            Sink::Directly(mut file) => file.write_all(text.as_bytes()),
            Sink::Beside(mut file) => file
                .write_all(text.as_bytes())
                .and_then(|()| Ok(file.persist(&self.path).map(drop)?)),
        };
        written.map_err(|error| {
            let path = self.path.display();
            io::Error::new(error.kind(), format!("{path}: cannot be written: {error}"))
        })
    }
}

/// A new file in the same folder, which who may read it is the user's own choice: a report holds
/// no secret.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))
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

    #[test]
    fn an_older_report_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, "older and longer").unwrap();
        let destination = Destination::open(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "older and longer");
        destination.write("new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let destination = Destination::open(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let error = destination.write("new").unwrap_err();
        assert!(error.to_string().contains("report.json"), "{error}");
    }
}
