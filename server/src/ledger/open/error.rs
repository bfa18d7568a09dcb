//! Why a ledger does not open.

use std::io;

use crate::ledger::journal;
use crate::policy_book::MOST_POLICIES;
use crate::vault::{KeyringError, VaultError, WrappedBy};

/// Why there is no ledger. Each says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key file cannot be used.
    #[error(transparent)]
    Key(#[from] VaultError),
    /// There is a journal, and no key.
    #[error(
        "there is no key file {key_file}, and the journal in {folder} was written with one: give \
         it with --key-file; without it no password of its accounts can be checked"
    )]
    NoKey {
        /// The journal's folder.
        folder: String,
        /// Where the key was looked for.
        key_file: String,
    },
    /// The keyring is wrapped by another key.
    #[error(
        "the keyring in {folder} is wrapped by another key ({wrapped_by}) than those in {key_file}: give its \
         own with --key-file, which is the one that `waika-server rewrap-keys` named last, if it was run"
    )]
    OtherWrapping {
        /// The journal's folder.
        folder: String,
        /// The key file.
        key_file: String,
        /// Names the key that it is wrapped by.
        wrapped_by: WrappedBy,
    },
    /// The journal was written with another key.
    #[error(
        "the journal in {folder} was written with other keys than those of {key_file} and of the keyring \
         beside it: give its own with --key-file, or put its keyring back from a backup; without them no \
         password of its accounts can be checked"
    )]
    OtherKey {
        /// The journal's folder.
        folder: String,
        /// The key file.
        key_file: String,
    },
    /// The folder is a backup, a restore into it was not finished, or it was moved into a database.
    #[error("no server starts on {folder}: {why}")]
    NotForAServer {
        /// The folder.
        folder: String,
        /// What it is.
        why: &'static str,
    },
    /// The folder for backups holds something else.
    #[error("--backup-to \"{folder}\": {why}")]
    BackupFolder {
        /// The folder.
        folder: String,
        /// What it holds.
        why: String,
    },
    /// No key could be made.
    #[error("a keyring could not be made: {0}")]
    NoRandomness(KeyringError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The thread that commits could not be started.
    #[error("the system gave no thread for commits: {0}")]
    Thread(io::Error),
    /// The database cannot be used.
    #[error("{address}: {reason}")]
    Database {
        /// Where it is, without any secret.
        address: String,
        /// What is wrong.
        reason: String,
        /// It is as it was set up: trying again is of no use.
        is_configured: bool,
    },
    /// The policy file has another content than what decisions of its name were taken by.
    #[error(
        "policy {name} in {file} is not what has that name in the store already: give the file's \
         policy a name of its own, since decisions carry it"
    )]
    PolicyNameTaken {
        /// The policy's name.
        name: String,
        /// Its file.
        file: String,
    },
    /// The policy file is a new policy's, and no further one can be stored.
    #[error(
        "policy {name} in {file} cannot be stored, since there are {MOST_POLICIES} policies: start \
         without --policy, or with the file of one that is stored"
    )]
    PoliciesFull {
        /// The policy's name.
        name: String,
        /// Its file.
        file: String,
    },
    /// What recovery had to add could not be written.
    #[error("the journal in {folder} cannot be written to: {reason}")]
    Unwritable {
        /// The journal's folder.
        folder: String,
        /// What happened.
        reason: String,
    },
}
