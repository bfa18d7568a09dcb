//! Where a result goes besides the screen.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::document::Document;
use super::file::Destination;
use super::{junit, markdown, prometheus};
use crate::exit::Failure;

/// Where a result goes besides the screen.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OutputArgs {
    /// Also write the whole report there, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Also write the report there, as a page for a browser
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Also write the verdicts there, as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Also write the report there, as Markdown for a pull request
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Also write the figures there, in Prometheus' text format
    #[arg(long, value_name = "FILE")]
    pub(crate) prometheus: Option<PathBuf>,
}

/// A form of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// As a run prints it
    Text,
    /// Everything, for programs
    Json,
    /// The verdicts, for pipelines
    Junit,
    /// For a pull request
    Markdown,
    /// For Prometheus
    Prometheus,
    /// A page for a browser
    Html,
}

impl Form {
    /// A result in this form, with the end of its last line; `colours` are for a terminal, and in the
    /// text only.
    pub(crate) fn render(self, document: &impl Document, colours: bool) -> Result<String, Failure> {
        Ok(match self {
            Self::Text => document.text(colours) + "\n",
            Self::Json => serde_json::to_string_pretty(document).map_err(Failure::tool)? + "\n",
            Self::Junit => junit::render(document).map_err(Failure::tool)?,
            Self::Markdown => markdown::render(document),
            Self::Prometheus => prometheus::render(document),
            Self::Html => document.page(),
        })
    }
}

/// Files that are known to be writable before anything is measured.
#[derive(Debug)]
pub(crate) struct Outputs(Vec<(Form, Destination)>);

impl OutputArgs {
    /// Whether anything is wanted.
    pub(crate) fn is_any(&self) -> bool {
        !self.wanted().is_empty()
    }

    /// Checks that each report, and each of these flags besides, has a file of its own.
    pub(crate) fn apart_from(
        &self,
        besides: &[(&'static str, Option<&Path>)],
    ) -> Result<(), Failure> {
        let besides = besides
            .iter()
            .filter_map(|(flag, path)| Some((*flag, (*path)?)));
        let wanted = self.wanted().into_iter();
        let mut places: Vec<(&str, PathBuf)> = Vec::new();
        for (flag, path) in besides.chain(wanted.map(|(flag, _, path)| (flag, path))) {
            let Some(place) = place_of(path) else {
                continue;
            };
            if let Some((other, _)) = places.iter().find(|(_, known)| *known == place) {
                return Err(Failure::Usage(format!(
                    "{other} and {flag} are both {}: give each a file of its own",
                    path.display()
                )));
            }
            places.push((flag, place));
        }
        Ok(())
    }

    /// Checks that no report, and none of these flags besides, would go over a file that is read.
    pub(crate) fn spare<'p>(
        &self,
        read: impl IntoIterator<Item = &'p PathBuf>,
        besides: &[(&'static str, Option<&Path>)],
    ) -> Result<(), Failure> {
        let read: Vec<PathBuf> = read.into_iter().filter_map(|path| place_of(path)).collect();
        let besides = besides
            .iter()
            .filter_map(|(flag, path)| Some((*flag, (*path)?)));
        let wanted = self.wanted().into_iter();
        let mut wanted = besides.chain(wanted.map(|(flag, _, path)| (flag, path)));
        match wanted.find(|(_, path)| place_of(path).is_some_and(|place| read.contains(&place))) {
            Some((flag, path)) => Err(Failure::Usage(format!(
                "{flag} {}: that file is read, and would be written over: name another",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// What is wanted, in the order in which it is written.
    fn wanted(&self) -> Vec<(&'static str, Form, &Path)> {
        [
            ("--json", Form::Json, &self.json),
            ("--html", Form::Html, &self.html),
            ("--junit", Form::Junit, &self.junit),
            ("--markdown", Form::Markdown, &self.markdown),
            ("--prometheus", Form::Prometheus, &self.prometheus),
        ]
        .into_iter()
        .filter_map(|(flag, form, path)| Some((flag, form, path.as_deref()?)))
        .collect()
    }
}

impl Outputs {
    /// Checks that every report that is wanted can be written, each to a file of its own.
    pub(crate) fn open(args: &OutputArgs) -> Result<Self, Failure> {
        args.apart_from(&[])?;
        let open = |(flag, form, path): (&str, Form, &Path)| {
            let destination = Destination::open(path).map_err(|error| {
                let path = path.display();
                Failure::Tool(format!("{flag} {path}: cannot be written: {error}"))
            })?;
            Ok((form, destination))
        };
        args.wanted()
            .into_iter()
            .map(open)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Writes them all, also those behind one that cannot be written. The failure names all of
    /// these.
    pub(crate) fn write(self, document: &impl Document) -> Result<(), Failure> {
        let write = |(form, destination): (Form, Destination)| {
            let text = form.render(document, false)?;
            destination.write(&text).map_err(Failure::tool)
        };
        let written: Vec<Result<(), Failure>> = self.0.into_iter().map(write).collect();
        let failed: Vec<String> = written
            .into_iter()
            .filter_map(|written| Some(written.err()?.to_string()))
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Failure::Tool(failed.join("\n")))
        }
    }
}

/// A file's one name, whatever it is called; `None` for a pipe or a device, which takes several
/// reports one after the other.
fn place_of(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = std::fs::metadata(path) {
        if !found.is_file() {
            return None;
        }
        return path.canonicalize().ok();
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    Some(folder.map_or_else(
        |_| path.to_owned(),
        |folder| {
            path.file_name()
                .map_or_else(|| folder.clone(), |name| folder.join(name))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reports_in_one_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(folder.path().join(name));
        std::fs::write(folder.path().join("there"), "").unwrap();
        std::os::unix::fs::symlink("there", folder.path().join("link")).unwrap();
        let name = folder
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let check = |json: Option<PathBuf>, junit: Option<PathBuf>, is_fine: bool| {
            let args = OutputArgs {
                json,
                junit,
                ..OutputArgs::default()
            };
            match Outputs::open(&args) {
                Ok(_) => assert!(is_fine, "{args:?}"),
                Err(Failure::Usage(what)) => {
                    assert!(!is_fine && what.contains("--json and --junit"), "{what}");
                }
                Err(other) => panic!("{other}"),
            }
        };
        check(path("a"), path("b"), true);
        check(path("a"), path("a"), false);
        check(path("a"), path(&format!("../{name}/a")), false);
        check(path("there"), path("link"), false);
        check(Some("/dev/null".into()), Some("/dev/null".into()), true);
    }

    #[test]
    fn a_file_that_is_read_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("read"), "").unwrap();
        std::os::unix::fs::symlink("read", path("link")).unwrap();
        let check = |read: &Path, written: &Path, is_fine: bool| {
            let args = OutputArgs {
                html: Some(written.to_owned()),
                ..OutputArgs::default()
            };
            let besides = [("--hlog", Some(written))];
            let plain = OutputArgs::default();
            for (flag, told) in [
                ("--html", args.spare([&read.to_owned()], &[])),
                ("--hlog", plain.spare([&read.to_owned()], &besides)),
            ] {
                match told {
                    Ok(()) => assert!(is_fine, "{flag} {}", written.display()),
                    Err(failure) => {
                        let told = failure.to_string();
                        assert!(!is_fine && told.starts_with(flag), "{told}");
                    }
                }
            }
        };
        check(&path("read"), &path("other"), true);
        check(&path("read"), &path("read"), false);
        check(&path("read"), &path("./read"), false);
        check(&path("read"), &path("link"), false);
        check(&path("link"), &path("read"), false);
        check(Path::new("/dev/null"), Path::new("/dev/null"), true);
    }
}
