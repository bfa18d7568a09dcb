//! What an error says of what was sent.

use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};

/// What became of a statement that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing was written, and it may be later.
    Again,
    /// The same, by another session: this one is of no use any more.
    Reopen,
    /// Nothing was written, since something is wrong with one of its rows, or somebody holds it.
    Fault,
    /// Nothing was written.
    Refused,
    /// Not known.
    Doubtful,
}

impl Verdict {
    pub(super) fn of(error: &Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::of_said(said.parsed_severity(), said.code()),
            None => Self::Doubtful,
        }
    }

    fn of_said(severity: Option<Severity>, code: &SqlState) -> Self {
        // FATAL and PANIC end the session, wherever it was.
        if severity != Some(Severity::Error) {
            return Self::Doubtful;
        }
        match code.code().split_at_checked(2) {
            // A connection between the database and another, a wait that was cancelled, a server that ends.
            Some(("08", _) | ("57", "014" | "P01" | "P02" | "P03" | "P04" | "P05")) => {
                Self::Doubtful
            }
            Some(("40", "003")) => Self::Doubtful,
            Some(("40", "001" | "P01")) => Self::Again,
            // It has become read-only, or somebody between has lost the statement or changed the tables.
            Some(("25", "006") | ("26" | "0A", _)) => Self::Reopen,
            Some(("22" | "23", _) | ("55", "P03")) => Self::Fault,
            _ => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_anything_was_written() {
        for (code, verdict) in [
            ("40001", Verdict::Again),
            ("40P01", Verdict::Again),
            ("40003", Verdict::Doubtful),
            ("55P03", Verdict::Fault),
            ("25006", Verdict::Reopen),
            ("26000", Verdict::Reopen),
            ("0A000", Verdict::Reopen),
            ("22021", Verdict::Fault),
            ("23505", Verdict::Fault),
            ("53100", Verdict::Refused),
            ("42501", Verdict::Refused),
            ("XX000", Verdict::Refused),
            ("57014", Verdict::Doubtful),
            ("57P01", Verdict::Doubtful),
            ("08006", Verdict::Doubtful),
        ] {
            let code = SqlState::from_code(code);
            let found = Verdict::of_said(Some(Severity::Error), &code);
            assert_eq!(found, verdict, "{code:?}");
            for severity in [Some(Severity::Fatal), Some(Severity::Panic), None] {
                let found = Verdict::of_said(severity, &code);
                assert_eq!(found, Verdict::Doubtful, "{code:?}");
            }
        }
    }
}
