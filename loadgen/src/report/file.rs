//! Files that a report is written to.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::Errno;
use tempfile::NamedTempFile;

/// A file that is known to be writable before there is anything to write.
#[derive(Debug)]
pub(crate) struct Destination {
    /// The file itself, whatever links lead there.
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
        let path = target_of(path);
        let sink = match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => Sink::Directly(directly(&path)?),
            Ok(found) if found.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(_) | Err(_) => Sink::Beside(beside(&path)?),
        };
        Ok(Self { path, sink })
    }

    /// Writes all of a text there. The error names the file.
    pub(crate) fn write(self, text: &str) -> io::Result<()> {
        let written = match self.sink {
            Sink::Directly(mut file) => file.write_all(text.as_bytes()),
            Sink::Beside(mut file) => file
                .as_file_mut()
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
        // It would name a file that nobody asked for.
        .map_err(|error| error.kind().into())
}

/// A pipe or a device. To wait for the reader of a pipe could not be interrupted.
fn directly(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::NXIO => io::Error::other("nobody reads it: start the reader first"),
        other => other.into(),
    })?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file.into())
}

/// Where a path leads, also over a link to a file that is not there yet.
fn target_of(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|_| std::fs::read_link(path).map(|to| folder_of(path).join(to)))
        .unwrap_or_else(|_| path.to_owned())
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
    fn a_link_is_followed_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("there"), "old").unwrap();
        for name in ["there", "missing"] {
            let link = path(&format!("to-{name}"));
            std::os::unix::fs::symlink(name, &link).unwrap();
            Destination::open(&link).unwrap().write("new").unwrap();
            assert!(link.is_symlink(), "{name}");
            assert_eq!(std::fs::read_to_string(path(name)).unwrap(), "new");
        }
    }

    #[test]
    fn a_pipe_takes_a_report_once_somebody_reads_it() {
        use rustix::fs::{CWD, FileType};
        use std::io::Read as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let error = Destination::open(&path).unwrap_err();
        assert!(error.to_string().contains("start the reader"), "{error}");
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let reader = open(&path, flags, Mode::empty()).unwrap();
        let destination = Destination::open(&path).unwrap();
        fcntl_setfl(&reader, OFlags::empty()).unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            File::from(reader).read_to_string(&mut text).unwrap();
            text
        });
        // More than a pipe holds.
        let text = "report\n".repeat(100_000);
        destination.write(&text).unwrap();
        assert!(reader.join().unwrap() == text);
    }

    #[test]
    fn no_error_names_a_file_that_nobody_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let error = Destination::open(&folder.path().join("missing/x")).unwrap_err();
        assert!(!error.to_string().contains(".tmp"), "{error}");
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
