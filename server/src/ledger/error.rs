//! What can go wrong with a ledger.

use std::time::Duration;

use crate::kept::KeptFrom;
use crate::policy_book::MOST_POLICIES;

/// What went wrong: an accident, never a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No account of that id.
    #[error("no account of that id")]
    UnknownAccount,
    /// The account was closed.
    #[error("the account was closed")]
    AccountClosed,
    /// The account has no such card.
    #[error("the account has no such card")]
    UnknownCard,
    /// The account has no such authorisation.
    #[error("the account has no such authorisation")]
    UnknownAuthorisation,
    /// The entry that this is about is not kept any more.
    #[error("no authorisation of that id is kept: it was decided before the oldest entry that is")]
    AuthorisationPruned(KeptFrom),
    /// Entries that the day's sums need are not kept any more.
    #[error("the settlement of that day needs entries that are not kept any more")]
    DayPruned(KeptFrom),
    /// The account has no such open risk ticket.
    #[error("the account has no such open risk ticket")]
    UnknownTicket,
    /// The account has no such password ticket.
    #[error("the account has no such password ticket")]
    UnknownPasswordTicket,
    /// No payment was made with that code, and the code leads to nobody.
    #[error("no payment was made with that code, and it is none of ours")]
    UnknownCode,
    /// No policy of that name.
    #[error("no policy of that name")]
    UnknownPolicy,
    /// Other content has that policy's name.
    #[error("another policy has that name already, and decisions may carry it")]
    PolicyNameTaken,
    /// No further policy can be stored; nothing was written.
    #[error("there are {MOST_POLICIES} policies, which is as many as can be stored")]
    PoliciesFull,
    /// The caller has sent too many wrong passwords; nothing was written (D7).
    #[error("too many wrong passwords from this caller")]
    TooManyWrongPasswords,
    /// The key was used for something else.
    #[error("the idempotency key was used with another {field}")]
    KeyConflict {
        /// The first field that differs, by its name in the contract.
        field: &'static str,
    },
    /// No further key can be kept; nothing was written.
    #[error("the index of idempotency keys is full")]
    KeysFull,
    /// The store's disk has too little room for anything new; nothing was written.
    #[error("the store's disk runs short of room")]
    DiskShort,
    /// Too many payments of the account were reversed before they came; nothing was written.
    #[error("too many payments of this account were reversed before they came")]
    AheadFull,
    /// The caller's deadline leaves no time to ask the issuer; nothing was written (D16).
    #[error("the deadline leaves no time to ask the issuer")]
    DeadlineBudget,
    /// The caller's deadline leaves no time to make the answer durable; nothing was written.
    #[error("the deadline leaves no time to make the answer durable")]
    DeadlineTooShort,
    /// More waits for the disk than it can take in time; nothing was written.
    #[error("the server has more to do than it can in time")]
    Overloaded {
        /// When to try again.
        wait: Duration,
    },
    /// The card's issuer is elsewhere, and thinks what it thinks.
    #[error("this server's issuer is not the sandbox inside it")]
    IssuerIsRemote,
    /// The store takes nothing any more; this operation was not applied.
    #[error("the store has stopped")]
    Stopped,
    /// The database that the server decides over is not there; this operation was not applied.
    #[error("the database is not there")]
    NoDatabase,
    /// Other nodes have changed the account again and again meanwhile; nothing was written.
    #[error("other servers decide over the same account at the same time")]
    Contended,
    /// This is done to a journal, and the server has a database.
    #[error("this server keeps its store in a database, where that is not done")]
    NotOfThisStore,
    /// No snapshot could be written; nothing else is affected.
    #[error("no snapshot could be written: the server's log says why")]
    NoSnapshot,
    /// No backup could be taken; nothing else is affected.
    #[error("no backup could be taken: the server's log says why")]
    NoBackup,
    /// There is nowhere to put a backup.
    #[error("this server has no folder for backups: start it with --backup-to")]
    NoBackupFolder,
    /// An entry that was durable cannot be read again.
    #[error("the store cannot read the decision again")]
    Unreadable,
    /// The store failed: whether the operation was written is not known.
    #[error("the store failed before the outcome was durable")]
    OutcomeUnknown,
}
