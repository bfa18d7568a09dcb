//! Reading a trace, and saying clearly what is wrong with one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{End, Header, Line, SCHEMA, Trace};

/// Why a file is no trace that can be repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    /// It cannot be read.
    #[error("{path}: cannot be read: {error}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It begins with something else.
    #[error("{path}: is no trace of waika-loadgen: {why} (give a file that `run --trace` wrote)")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// It is of another form.
    #[error(
        "{path}: has the form {found}, and this generator reads {SCHEMA}: repeat it with the \
         generator that wrote it"
    )]
    OtherForm {
        /// Which file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A line is no request.
    #[error("{path}:{line}: cannot be understood: {why}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Its end is missing.
    #[error("{path}:{line}: the file is cut: {why} (copy it again as a whole)")]
    Cut {
        /// Which file.
        path: PathBuf,
        /// The last line that is there, from 1.
        line: usize,
        /// What is missing.
        why: String,
    },
}

/// Reads a trace.
pub(crate) fn read(path: &Path) -> Result<Trace, TraceError> {
    let unreadable = |error| TraceError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::Error::other("it is no file")));
    }
    let file = BufReader::new(file);
    let mut texts = file.lines();
    let first = texts.next().transpose().map_err(unreadable)?;
    let header = header(path, &first.unwrap_or_default())?;
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in (2..).zip(texts) {
        let text = text.map_err(unreadable)?;
        if let Ok(End { requests }) = serde_json::from_str(&text) {
            if requests == lines.len() as u64 {
                return Ok(Trace { header, lines });
            }
            return Err(TraceError::Cut {
                path: path.to_owned(),
                line: number,
                why: format!("it ends with {} of {requests} requests", lines.len()),
            });
        }
        lines.push(request_line(path, number, &text, lines.last())?);
    }
    Err(TraceError::Cut {
        path: path.to_owned(),
        line: lines.len() + 1,
        why: "its last line is missing, which says how many requests there are".to_owned(),
    })
}

fn header(path: &Path, text: &str) -> Result<Header, TraceError> {
    /// As much as every form of the file has.
    #[derive(Deserialize)]
    struct Form {
        schema: String,
    }
    let foreign = |why: String| TraceError::Foreign {
        path: path.to_owned(),
        why,
    };
    if text.trim().is_empty() {
        return Err(foreign("its first line is empty".to_owned()));
    }
    let form: Form = serde_json::from_str(text).map_err(|error| {
        foreign(format!(
            "its first line is no JSON object with a schema: {error}"
        ))
    })?;
    if form.schema != SCHEMA {
        if form.schema.starts_with("waika-loadgen/trace/") {
            return Err(TraceError::OtherForm {
                path: path.to_owned(),
                found: form.schema,
            });
        }
        return Err(foreign(format!("its schema is {}", form.schema)));
    }
    serde_json::from_str(text).map_err(|error| TraceError::Line {
        path: path.to_owned(),
        line: 1,
        why: error.to_string(),
    })
}

fn request_line(
    path: &Path,
    number: usize,
    text: &str,
    before: Option<&Line>,
) -> Result<Line, TraceError> {
    let line: Line = serde_json::from_str(text).map_err(|error| {
        let (path, why) = (path.to_owned(), error.to_string());
        if error.is_eof() {
            let line = number;
            TraceError::Cut { path, line, why }
        } else {
            let line = number;
            TraceError::Line { path, line, why }
        }
    })?;
    if before.is_some_and(|before| before.index >= line.index) {
        return Err(TraceError::Line {
            path: path.to_owned(),
            line: number,
            why: format!("index {} does not come after the line before", line.index),
        });
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::super::{lines_of, write};
    use super::*;
    use crate::errand::Errand;
    use crate::trace;
    use crate::workload::{Mode, Request};

    fn header() -> Header {
        Header {
            schema: SCHEMA.to_owned(),
            version: "0.1.0".to_owned(),
            seed: 7,
            run_id: u64::MAX,
            accounts: 10,
            merchants: 3,
            plan: "version = 1\nrate = 500\n".to_owned(),
            violation: "account 3, arrival 12: fee".to_owned(),
        }
    }

    fn request(index: u64) -> Request {
        let errands = [
            Errand::Pay,
            Errand::PayByCode,
            Errand::PayAndReverse { back_fen: 5 },
            Errand::PayAndRefund { back_fen: 6 },
            Errand::Churn,
        ];
        let modes = [Mode::OnlineApp, Mode::OnlineMiniProgram, Mode::MerchantQr];
        let place = usize::try_from(index).unwrap();
        Request {
            key: index / 2,
            account: index % 4,
            merchant: index % 3,
            amount_fen: 1 + index,
            mode: modes[place % modes.len()],
            wrong_password: index.is_multiple_of(7),
            errand: errands[place % errands.len()],
        }
    }

    fn written(accounts: &[u64]) -> String {
        let accounts = accounts.iter().copied().collect();
        let lines = lines_of(&accounts, 40, request, |index| index * 1_000);
        let mut bytes = Vec::new();
        write(&mut bytes, &header(), lines).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn read_text(text: &str) -> Result<Trace, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.trace");
        std::fs::write(&path, text).unwrap();
        trace::read(&path).map_err(|error: TraceError| {
            let folder = folder.path().display().to_string();
            error.to_string().replace(&(folder + "/"), "")
        })
    }

    #[test]
    fn the_requests_of_an_account_come_back_as_they_were() {
        let trace = read_text(&written(&[1, 3])).unwrap();
        assert_eq!(trace.header, header());
        assert_eq!(trace.lines.len(), 20);
        for line in &trace.lines {
            assert!([1, 3].contains(&line.account));
            assert_eq!(line.due_ns, line.index * 1_000);
            assert_eq!(line.request(), request(line.index));
        }
    }

    #[test]
    fn an_account_that_asked_nothing_has_an_empty_trace() {
        assert_eq!(read_text(&written(&[9])).unwrap().lines, []);
    }

    #[test]
    fn no_password_is_ever_in_it() {
        let text = written(&[0, 1, 2, 3]);
        assert!(!text.replace("wrong_password", "").contains("password"));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_told() {
        let whole = written(&[1]);
        for length in 0..whole.len() - 1 {
            let told = read_text(&whole[..length]).unwrap_err();
            assert!(told.contains("it.trace"), "{length}: {told}");
        }
        let lines: Vec<&str> = whole.lines().collect();
        let check = |text: String, expected: &str| {
            let told = read_text(&text).unwrap_err();
            assert!(told.starts_with(expected), "{told}");
        };
        check(lines[..4].join("\n"), "it.trace:4: the file is cut");
        let half = lines[4].split_at(20).0;
        check(
            format!("{}\n{half}", lines[..4].join("\n")),
            "it.trace:5: the file is cut",
        );
        let (kept, end) = (lines[..4].join("\n"), lines[lines.len() - 1]);
        check(
            format!("{kept}\n{end}"),
            "it.trace:5: the file is cut: it ends with 3 of 10 requests",
        );
    }

    #[test]
    fn what_is_no_trace_is_told() {
        let good = written(&[1]);
        let check = |text: &str, expected: &str| {
            let told = read_text(text).unwrap_err();
            assert!(told.starts_with(expected), "{told}");
        };
        check(
            "",
            "it.trace: is no trace of waika-loadgen: its first line is empty",
        );
        check(
            "{\"a\": 1}",
            "it.trace: is no trace of waika-loadgen: its first line",
        );
        check(
            "hello",
            "it.trace: is no trace of waika-loadgen: its first line",
        );
        check(
            "{\"schema\": \"waika-loadgen/run/1\"}",
            "it.trace: is no trace of waika-loadgen: its schema is waika-loadgen/run/1",
        );
        check(
            &good.replace("trace/1", "trace/2"),
            "it.trace: has the form waika-loadgen/trace/2, and this generator reads",
        );
        check(
            &good.replace("\"seed\":7,", ""),
            "it.trace:1: cannot be understood: missing field `seed`",
        );
        check(
            &good.replacen("\"mode\":\"", "\"mode\":\"un", 1),
            "it.trace:2: cannot be understood: unknown variant",
        );
        check(
            &good.replacen("\"index\":5", "\"index\":1", 1),
            "it.trace:3: cannot be understood: index 1 does not come after",
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let told = read(Path::new("/nowhere/it.trace")).unwrap_err();
        assert!(
            told.to_string()
                .starts_with("/nowhere/it.trace: cannot be read")
        );
    }
}
