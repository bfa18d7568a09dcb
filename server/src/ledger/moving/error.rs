//! Why a journal was not moved.

use std::io;

use crate::ledger::OpenError;
use crate::ledger::journal::{self, DiskError};
use crate::ledger::postgres::{NotConnected, SchemaError, said};

/// Why nothing was moved, or why nobody knows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MoveError {
    /// The journal or its keys cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was written into another database before.
    #[error(
        "it was moved to {0} before: name that, or delete the file moved-to-database in its folder if that \
         database is not in use"
    )]
    MovedElsewhere(String),
    /// Its oldest entries are gone, and with them what merchants and policies follow from.
    #[error(
        "its entries before {0} were pruned, and only a whole journal can be moved: restore a backup from before \
         --retention was set, if there is one"
    )]
    Pruned(u64),
    /// An account's personal data are being erased.
    #[error(
        "the erasure of {0} is under way, and no server ends it over a database: start a server on the journal \
         until GetClosure says that it has ended"
    )]
    Erasing(String),
    /// There is no session.
    #[error(transparent)]
    NotConnected(#[from] NotConnected),
    /// The schema is not ready.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Somebody decides over it.
    #[error("the server \"{0}\" runs over it: stop every server first")]
    Served(String),
    /// There is something else.
    #[error("it holds accounts or entries that are not this journal's: give it an empty database")]
    Occupied,
    /// The database did not do something.
    #[error("{}", said(.0))]
    Database(#[from] tokio_postgres::Error),
    /// What was read back is not what the journal has.
    #[error("{0}")]
    Differs(String),
    /// What is there has the journal's keys, but not what the journal has: it was given back, or has gone on alone.
    #[error(
        "it holds a store with this journal's keys that is not what the journal has ({0}): move it into an empty \
         database, or use what is there"
    )]
    Another(String),
    /// Nobody knows whether it counts.
    #[error(
        "the database did not answer the commit ({reason}), so that everything was moved or nothing: run this \
         again, which finds out; until then no server starts on the journal ({mark})"
    )]
    Unknown {
        /// What was said.
        reason: String,
        /// The file that says so.
        mark: &'static str,
    },
    /// The system gave no threads.
    #[error("the work: {0}")]
    Thread(io::Error),
    /// It was told to.
    #[error("stopped before it was done")]
    Stopped,
}

impl From<journal::OpenError> for MoveError {
    fn from(error: journal::OpenError) -> Self {
        Self::Open(error.into())
    }
}

impl From<DiskError> for MoveError {
    fn from(error: DiskError) -> Self {
        journal::OpenError::from(error).into()
    }
}
