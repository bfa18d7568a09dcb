//! Where decisions go: into the journal of this server, or to a database that several nodes share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, pending};

use super::LedgerError;
use super::node::Node;
use crate::commit::{BatchLog, CommitQueue, Halted, Pace};

/// Where decisions go.
#[derive(Debug, Clone)]
pub(crate) enum Log {
    /// Into a journal: what is behind each other there becomes durable in that order.
    Journal(CommitQueue),
    /// To a database: each account's for itself.
    Node(Arc<Node>),
}

/// An entry that has its place, and is not applied yet.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) sequence: u64,
    /// Its bytes, if they go to a database, together with what they make of the account.
    pub(crate) written: Option<Written>,
}

/// The bytes of an entry.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    /// They are part of the operator log.
    pub(crate) is_operated: bool,
}

/// Why something that was decided is not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDurable {
    /// Another node has changed the account meanwhile: nothing was written.
    Conflict,
    /// The call was decided before: nothing was written.
    Known,
    /// The database takes nothing: nothing was written.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl From<NotDurable> for LedgerError {
    fn from(error: NotDurable) -> Self {
        match error {
            NotDurable::Conflict => Self::Contended,
            NotDurable::Refused => Self::NoDatabase,
            NotDurable::Known | NotDurable::Unknown => Self::OutcomeUnknown,
        }
    }
}

/// A wait that ended without durability: the entry may be on the disk or not.
impl From<Halted> for NotDurable {
    fn from(_: Halted) -> Self {
        Self::Unknown
    }
}

impl Log {
    /// The node, if decisions go to a database.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        match self {
            Self::Journal(_) => None,
            Self::Node(node) => Some(node),
        }
    }

    /// Gives an entry its place.
    pub(crate) fn append(&self, bytes: &[u8], is_operated: bool) -> Result<Appended, LedgerError> {
        match self {
            Self::Journal(queue) => {
                let sequence = queue.append(bytes).map_err(|_| LedgerError::Stopped)?;
                Ok(Appended {
                    sequence,
                    written: None,
                })
            }
            Self::Node(node) => Ok(Appended {
                sequence: node.next_sequence()?,
                written: Some(Written {
                    bytes: bytes.to_vec(),
                    is_operated,
                }),
            }),
        }
    }

    /// Waits until an entry is durable; in a journal, and all before it.
    pub(crate) fn wait_durable(
        &self,
        core: usize,
        sequence: u64,
    ) -> impl Future<Output = Result<(), NotDurable>> + Send + use<'_> {
        match self {
            Self::Journal(queue) => {
                let durable = queue.wait_durable(core, sequence);
                Either::Left(durable.map(|durable| durable.map_err(NotDurable::from)))
            }
            Self::Node(node) => Either::Right(node.wait(sequence)),
        }
    }

    pub(crate) async fn wake_waiters(&self, core: usize) {
        match self {
            Self::Journal(queue) => queue.wake_waiters(core).await,
            Self::Node(_) => pending().await,
        }
    }

    pub(crate) fn keep_log(&self, log: Arc<BatchLog>) {
        if let Self::Journal(queue) = self {
            queue.keep_log(log);
        }
    }

    /// The highest sequence that is durable. None of a database has one.
    pub(crate) fn durable(&self) -> u64 {
        match self {
            Self::Journal(queue) => queue.durable(),
            Self::Node(_) => 0,
        }
    }

    /// The last sequence that was given. Of a database nobody knows.
    pub(crate) fn appended(&self) -> u64 {
        match self {
            Self::Journal(queue) => queue.appended(),
            Self::Node(_) => 0,
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        match self {
            Self::Journal(queue) => queue.pace(),
            Self::Node(node) => node.pace(),
        }
    }

    pub(crate) fn still_for(&self) -> Duration {
        match self {
            Self::Journal(queue) => queue.still_for(),
            Self::Node(node) => node.still_for(),
        }
    }

    /// How long the oldest entry has waited that is not durable yet.
    pub(crate) fn age(&self) -> Duration {
        match self {
            Self::Journal(queue) => queue.age(),
            Self::Node(node) if node.pace().pending == 0 => Duration::ZERO,
            Self::Node(node) => node.still_for(),
        }
    }

    pub(crate) fn end_segment(&self) {
        if let Self::Journal(queue) = self {
            queue.end_segment();
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Self::Journal(queue) => queue.has_ended(),
            Self::Node(_) => false,
        }
    }

    /// Resolves with the reason once nothing is taken any more.
    pub(crate) async fn halted(&self) -> String {
        match self {
            Self::Journal(queue) => queue.halted().await.to_string(),
            Self::Node(node) => node.halted().await,
        }
    }

    /// Ends in good order. Blocks.
    pub(crate) fn close(&self) {
        match self {
            Self::Journal(queue) => drop(queue.close()),
            Self::Node(node) => node.close(),
        }
    }
}
