//! Pure: what is wrong with a stored result, in words that name the place and the mend.

use std::path::Path;

use serde_json::error::Category;

/// What is wrong with a file, and where in it if that is known: line and column, both from 1.
#[derive(Debug)]
pub(super) struct Fault {
    place: Option<(usize, usize)>,
    what: String,
}

impl Fault {
    /// Something that is wrong with the whole file.
    pub(super) fn plain(what: &str) -> Self {
        Self {
            place: None,
            what: what.to_owned(),
        }
    }

    /// Bytes of which so many are text and the next is none.
    pub(super) fn binary(bytes: &[u8], before: usize) -> Self {
        let text = String::from_utf8_lossy(bytes.get(..before).unwrap_or_default());
        Self {
            place: Some(end_of(&text)),
            what: "is no text in UTF-8, so no result: name a file that --json wrote".to_owned(),
        }
    }

    /// A text that is not the JSON of one object.
    pub(super) fn of_json(text: &str, error: &serde_json::Error) -> Self {
        let place = Some((error.line(), error.column()));
        let what = match (error.classify(), text.trim_start().chars().next()) {
            (_, Some('<')) => "is a page or XML; the JSON beside it can be read, which --json writes".to_owned(),
            (_, Some('#')) => "is no JSON; if it is a .hlog, merge reads it".to_owned(),
            (Category::Eof, _) => {
                "ends in the middle: it was cut off on its way here; copy it again, or run again"
                    .to_owned()
            }
            (Category::Syntax, Some('{')) if is_lines(text) => {
                "is several results in one file: give each a file of its own (a trace is repeated with run --replay)"
                    .to_owned()
            }
            (Category::Data, Some('{')) => {
                format!("{}: name a file that --json wrote", message(error))
            }
            (Category::Data, _) => {
                "is JSON and no object, so no result: name a file that --json wrote".to_owned()
            }
            (Category::Syntax | Category::Io, _) => format!(
                "is no JSON from here on ({}): it was changed by hand, or is no file that --json wrote",
                message(error)
            ),
        };
        Self { place, what }
    }

    /// JSON that says that it is a kind of result, and lacks something of it.
    pub(super) fn of_field(schema: &str, error: &serde_json::Error) -> Self {
        Self {
            place: Some((error.line(), error.column())),
            what: format!(
                "is no {schema} although it says so: {}; it was changed by hand, or an unfinished version wrote it: \
                 run again",
                message(error)
            ),
        }
    }

    /// The words, with the file.
    pub(super) fn of(&self, path: &Path) -> String {
        let (path, what) = (path.display(), &self.what);
        match self.place {
            Some((line, column)) if line > 0 => format!("{path}:{line}:{column}: {what}"),
            Some(_) | None => format!("{path}: {what}"),
        }
    }
}

/// Whether a second value follows the first on a line of its own.
fn is_lines(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    matches!(values.next(), Some(Ok(_))) && matches!(values.next(), Some(Ok(_)))
}

/// What the library says, without the place, which stands before it.
fn message(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    whole.strip_suffix(&place).unwrap_or(&whole).to_owned()
}

/// Line and column after a text.
fn end_of(text: &str) -> (usize, usize) {
    let line = 1 + text.matches('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    (line, 1 + last.chars().count())
}
