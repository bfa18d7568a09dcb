//! How the program ends.

use std::process::ExitCode;

/// How a command ended, and its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Passed,
    /// The measurement is not to be trusted.
    Invalid,
    /// The tool or the transport failed.
    Failed,
    /// The server has broken a rule of its ledger.
    Violated,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Passed => Self::SUCCESS,
            Exit::Invalid => Self::from(5),
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
