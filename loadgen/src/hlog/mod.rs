//! Histogram logs: every sample of a run by interval and outcome, for other tools and for [`merge`].
//!
//! The form is that of `HdrHistogram`'s log (V2 with deflate in base64), which its Java and Python
//! tools read. One line is an interval and a tag. A tag is `response`, `service` or `lag`, the kind
//! of an outcome and its name, such as `response.answer.approved`. A request stands in the interval
//! in which it ended. What `merge` needs to know stands in one comment before the first line.
//!
//! [`merge`]: crate::merge

mod codec;
mod feed;
mod file;
mod head;
mod intervals;
mod read;

pub(crate) use feed::{Collector, Feed, Pen};
pub(crate) use file::Log;
pub(crate) use head::{Head, SCHEMA};
pub(crate) use intervals::Intervals;
pub(crate) use read::read;
#[cfg(test)]
use {file::write, read::parse};

use std::path::PathBuf;

use crate::outcome::Outcome;
use crate::recorder::Times;

/// Where the samples go.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct HlogArgs {
    /// Also write every sample there, by interval and outcome: a histogram log, which `merge` and
    /// other people's tools read
    #[arg(long, value_name = "FILE")]
    pub(crate) hlog: Option<PathBuf>,
}

/// Which of a request's three times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// From due to done.
    Response,
    /// From sent to done.
    Service,
    /// From due to sent.
    Lag,
}

impl Which {
    /// All three.
    pub(crate) const ALL: [Self; 3] = [Self::Response, Self::Service, Self::Lag];

    fn label(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::Lag => "lag",
        }
    }

    /// This one of three histograms.
    pub(crate) fn of(self, times: &Times) -> &hdrhistogram::Histogram<u64> {
        match self {
            Self::Response => &times.response,
            Self::Service => &times.service,
            Self::Lag => &times.lag,
        }
    }

    /// The same, to be changed.
    pub(crate) fn of_mut(self, times: &mut Times) -> &mut hdrhistogram::Histogram<u64> {
        match self {
            Self::Response => &mut times.response,
            Self::Service => &mut times.service,
            Self::Lag => &mut times.lag,
        }
    }
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag {
    /// What became of the requests.
    pub(crate) ending: Ending,
    /// Which of their times.
    pub(crate) which: Which,
}

/// What became of some requests, as a log tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ending {
    /// `answer`, `decline`, `grpc`, `failure` or `open`.
    pub(crate) kind: String,
    /// Its name among those.
    pub(crate) name: String,
}

impl Ending {
    /// Of an outcome of this program's.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            kind: outcome.kind().to_owned(),
            name: outcome.label(),
        }
    }

    /// It ended without a decision: its times are in no headline.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.kind.as_str(), "grpc" | "failure")
    }

    /// It speaks against the tool or the transport and not for the service.
    pub(crate) fn is_tool_failure(&self) -> bool {
        self.kind == "failure" || (self.kind == "grpc" && self.name == "UNIMPLEMENTED")
    }
}

impl Tag {
    /// As it stands in a log: without a comma, a space or the end of a line.
    fn text(&self) -> String {
        let Ending { kind, name } = &self.ending;
        format!("{}.{kind}.{name}", self.which.label())
    }

    /// Reads what [`Tag::text`] wrote; `None` for any other.
    fn parse(text: &str) -> Option<Self> {
        const KINDS: [&str; 5] = ["answer", "decline", "grpc", "failure", "open"];
        let (which, rest) = text.split_once('.')?;
        let (kind, name) = rest.split_once('.')?;
        let which = Which::ALL.into_iter().find(|one| one.label() == which)?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = !name.is_empty() && name.chars().all(is_word);
        (KINDS.contains(&kind) && is_name).then(|| Self {
            ending: Ending {
                kind: kind.to_owned(),
                name: name.to_owned(),
            },
            which,
        })
    }
}

#[cfg(test)]
mod tests;
