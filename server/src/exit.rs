//! How the process ends: exit codes, as `sysexits.h` numbers them, with the text that explains.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::ledger::{OpenError, journal};

/// Why the process ends with a code other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Two books that were compared do not agree: 1.
    Differs,
    /// The command line, a variable, the policy file or the key file is wrong: 64.
    Configuration,
    /// The journal is damaged: 65.
    Damaged,
    /// A port is in use, or another server holds the data folder: 69.
    Unavailable,
    /// The machine refuses a thread or a signal handler: 71.
    System,
    /// The data folder cannot be written: 73.
    Unwritable,
    /// A read, a write or a sync failed: 74.
    Io,
    /// The server that was asked takes no calls now: 75.
    NotServing,
    /// A signal ended a command before it was done: 130, as shells number SIGINT.
    Interrupted,
}

impl Reason {
    /// Its exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Differs => 1,
            Self::Configuration => 64,
            Self::Damaged => 65,
            Self::Unavailable => 69,
            Self::System => 71,
            Self::Unwritable => 73,
            Self::Io => 74,
            Self::NotServing => 75,
            Self::Interrupted => 130,
        }
    }

    /// Why a process ends that cannot use a journal.
    pub(crate) fn of(error: &journal::OpenError) -> Self {
        match error {
            journal::OpenError::Held { .. } => Self::Unavailable,
            journal::OpenError::Unwritable { .. } => Self::Unwritable,
            journal::OpenError::Pruned(_) => Self::Configuration,
            journal::OpenError::Damaged(_)
            | journal::OpenError::NoSnapshot { .. }
            | journal::OpenError::NewerFormat { .. }
            | journal::OpenError::Refused { .. } => Self::Damaged,
            journal::OpenError::Io(_) => Self::Io,
        }
    }
}

/// The end of a process that could not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// What gives the exit code.
    pub reason: Reason,
    /// What failed, and what mends it.
    pub text: String,
}

impl Failure {
    /// Joins a reason with what people read.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self {
            reason,
            text: text.into(),
        }
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.reason.code())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let reason = match &error {
            OpenError::Key(_)
            | OpenError::NoKey { .. }
            | OpenError::OtherKey { .. }
            | OpenError::OtherWrapping { .. }
            | OpenError::NotForAServer { .. }
            | OpenError::BackupFolder { .. }
            | OpenError::PolicyNameTaken { .. }
            | OpenError::PoliciesFull { .. }
            | OpenError::Database {
                is_configured: true,
                ..
            } => Reason::Configuration,
            OpenError::Database { .. } => Reason::Unavailable,
            OpenError::Thread(_) | OpenError::NoRandomness(_) => Reason::System,
            OpenError::Unwritable { .. } => Reason::Io,
            OpenError::Journal(journal) => Reason::of(journal),
        };
        Self::new(reason, error.to_string())
    }
}

/// A journal that cannot be looked at.
impl From<journal::OpenError> for Failure {
    fn from(error: journal::OpenError) -> Self {
        OpenError::from(error).into()
    }
}

/// Says on standard error what goes on. There is nobody to tell if that is closed.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a text that was asked for on standard output. A reader that has had enough, such as
/// `head`, is none of our business.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Reason::Io,
            format!("standard output: {error}"),
        )),
        _ => Ok(()),
    }
}
