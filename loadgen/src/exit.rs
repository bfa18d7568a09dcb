//! How the program ends.

use std::process::ExitCode;

use crate::output;

/// How a command ended, and its exit code; in the order of their weight where several hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All went well.
    Passed,
    /// There is no verdict: more pairs or more time would be needed.
    Inconclusive,
    /// A threshold was missed.
    Missed,
    /// Worse than the baseline.
    Regressed,
    /// The measurement is not to be trusted.
    Invalid,
    /// The tool or the transport failed.
    Failed,
    /// The server has broken a rule of its ledger.
    Violated,
}

impl Exit {
    /// The one that is told where both hold: by the contract 4, then 1, 5, 3, 2, 6.
    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// How a command ends that found this and told it, and then wrote it to where it was wanted. What
    /// could not be written is told too, and takes nothing from what was found.
    pub(crate) fn once_written(self, written: Result<(), Failure>) -> Self {
        match written {
            Ok(()) => self,
            Err(failure) => {
                output::note(&format!("error: {failure}"));
                self.or(Self::Failed)
            }
        }
    }

    /// Its word for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Missed => "MISSED",
            Self::Regressed => "REGRESSED",
            Self::Invalid => "INVALID",
            Self::Failed => "FAILED",
            Self::Violated => "VIOLATED",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Passed => Self::SUCCESS,
            Exit::Missed => Self::from(2),
            Exit::Regressed => Self::from(3),
            Exit::Invalid => Self::from(5),
            Exit::Inconclusive => Self::from(6),
            Exit::Failed => Self::from(1),
            Exit::Violated => Self::from(4),
        }
    }
}

/// A command that could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something impossible: exit code 64.
    #[error("{0}")]
    Usage(String),
    /// The tool or the transport failed: exit code 1.
    #[error("{0}")]
    Tool(String),
}

impl Failure {
    /// A failure of the tool or the transport, told by `error`.
    pub(crate) fn tool(error: impl std::fmt::Display) -> Self {
        Self::Tool(error.to_string())
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Usage(_) => Self::from(64),
            Failure::Tool(_) => Self::from(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{Failed, Inconclusive, Invalid, Missed, Passed, Regressed, Violated};
    use super::Failure;

    #[test]
    fn a_report_that_cannot_be_written_takes_nothing_from_what_was_found() {
        for (found, ends) in [
            (Violated, Violated),
            (Invalid, Failed),
            (Regressed, Failed),
            (Missed, Failed),
            (Passed, Failed),
        ] {
            let lost = Err(Failure::tool("x.json: cannot be written"));
            assert_eq!(found.once_written(lost), ends);
            assert_eq!(found.once_written(Ok(())), found);
        }
    }

    #[test]
    fn the_heaviest_of_several_is_told() {
        // 4, then 1, 5, 3, 2, 6 and 0.
        let by_weight = [
            Violated,
            Failed,
            Invalid,
            Regressed,
            Missed,
            Inconclusive,
            Passed,
        ];
        for (place, heavy) in by_weight.into_iter().enumerate() {
            for light in &by_weight[place..] {
                assert_eq!(heavy.or(*light), heavy);
                assert_eq!(light.or(heavy), heavy);
            }
        }
    }
}
