//! What is wrong, by kind, and the first of each.

use std::fmt;

use crate::call::{Answer, Request};

/// How a promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was acknowledged is not there any more.
    Lost,
    /// One call has had its effect more than once, or an effect has no call.
    Duplicated,
    /// A limit, the cap on cards or the tries of a password.
    Exceeded,
    /// Anything else that differs.
    Other,
}

/// One broken promise.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub kind: Kind,
    pub what: String,
    pub request: Option<Request>,
    pub before: Option<Answer>,
    pub after: Option<Answer>,
}

impl Finding {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            request: None,
            before: None,
            after: None,
        }
    }

    pub(crate) fn about(mut self, request: &Request, before: Option<&Answer>) -> Self {
        self.request = Some(request.clone());
        self.before = before.cloned();
        self
    }

    pub(crate) fn with_answer(mut self, after: &Answer) -> Self {
        self.after = Some(after.clone());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?}: {}", self.kind, self.what)?;
        if let Some(request) = &self.request {
            writeln!(formatter, "  request: {request}")?;
        }
        if let Some(before) = &self.before {
            writeln!(formatter, "  answered: {before:?}")?;
        }
        if let Some(after) = &self.after {
            writeln!(formatter, "  answered later: {after:?}")?;
        }
        Ok(())
    }
}

/// How many of a kind there are.
pub(crate) fn count(findings: &[Finding], kind: Kind) -> usize {
    findings.iter().filter(|found| found.kind == kind).count()
}
