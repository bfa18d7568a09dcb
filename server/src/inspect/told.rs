//! Figures as text for people and as JSON for programs, where `--json` says.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::config::Output;
use crate::exit::{self, Failure, Reason};

/// Where figures go.
#[derive(Debug)]
pub(super) struct Told(Option<Output>);

impl Told {
    /// Finds out before anything is measured whether a file can be written, and leaves an older one as it is.
    pub(super) fn begin(json: Option<Output>) -> Result<Self, Failure> {
        if let Some(Output::File(path)) = &json {
            require_writable(path)?;
        }
        Ok(Self(json))
    }

    /// Writes them: one of the two to standard output.
    pub(super) fn end(&self, text: &str, json: &str) -> Result<(), Failure> {
        match &self.0 {
            None => exit::print(text),
            Some(Output::Standard) => exit::print(json),
            Some(Output::File(path)) => {
                exit::print(text)?;
                std::fs::write(path, json).map_err(|error| unwritable(path, &error))
            }
        }
    }
}

fn require_writable(path: &Path) -> Result<(), Failure> {
    let is_new = !path.exists();
    let opened = File::options().append(true).create(true).open(path);
    opened
        .and_then(|mut file| file.flush())
        .map_err(|error| unwritable(path, &error))?;
    if is_new {
        // Whoever interrupts this does not find an empty file.
        std::fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let text = format!("--json: \"{}\" cannot be written: {error}", path.display());
    Failure::new(Reason::Unwritable, text)
}
