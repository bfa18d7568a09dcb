//! Opening a node: the database, its keys, a number, and what concerns no account.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};

use metrics::gauge;
use parking_lot::Mutex;
use tokio::runtime;
use tokio::sync::watch;

use super::cache::Cache;
use super::pending::Pending;
use super::reads::Reads;
use super::registry::Registered;
use super::sequences::Sequences;
use super::{Counts, Node, Stripes};
use crate::clock;
use crate::commit::PaceBoard;
use crate::ledger::postgres::{
    Address, LaneOptions, Lanes, NotConnected, SchemaError, Session, migrate, said,
};
use crate::ledger::{OpenError, keys};
use crate::vault::{KeyFile, Keyring, Vault};

/// A database that a node can decide over.
pub(crate) struct OpenNode {
    pub(crate) node: Arc<Node>,
    pub(crate) vault: Vault,
}

impl OpenNode {
    /// Opens it. Blocks, and must not be called where anything else is polled.
    pub(crate) fn open(
        address: &Address,
        key_file: &Path,
        most_accounts: usize,
    ) -> Result<Self, OpenError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("waika-database")
            .enable_all()
            .build()
            .map_err(OpenError::Thread)?;
        let handle = runtime.handle().clone();
        let Parts {
            vault,
            lanes,
            registered,
        } = runtime.block_on(open(address, key_file))?;
        gauge!("waika_node_number").set(number(registered.number()));
        tracing::info!(number = registered.number(), "decides as this node");
        let node = Node {
            lanes,
            reads: Reads::new(address.clone(), handle.clone()),
            sequences: Sequences::of(registered.number()),
            registered,
            pending: Pending::default(),
            cache: Cache::default(),
            loads: Stripes::new(),
            turns: Stripes::new(),
            pace: PaceBoard::new(0),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            ledger: OnceLock::new(),
            globals: tokio::sync::Mutex::default(),
            heard: AtomicU64::new(0),
            is_there: AtomicBool::new(true),
            most_accounts,
            halted: watch::Sender::new(None),
            handle,
            runtime: Mutex::new(Some(runtime)),
            counts: Counts::new(),
        };
        Ok(Self {
            node: Arc::new(node),
            vault,
        })
    }
}

fn number(number: u64) -> f64 {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

/// What there is before there is a node.
struct Parts {
    vault: Vault,
    lanes: Lanes,
    registered: Registered,
}

async fn open(address: &Address, key_file: &Path) -> Result<Parts, OpenError> {
    let mut session = Session::open(address)
        .await
        .map_err(|error| not_connected(address, &error))?;
    let migrated = migrate(session.client_mut()).await;
    let migrated = migrated.map_err(|error| {
        let is_configured = matches!(
            error,
            SchemaError::Newer { .. } | SchemaError::Foreign | SchemaError::Rights { .. }
        );
        refused(address, error.to_string(), is_configured)
    })?;
    if migrated.from < migrated.to {
        let (from, to) = (migrated.from, migrated.to);
        tracing::info!(from, to, "the schema is brought up to date");
    }
    let vault = open_keys(&session, address, key_file).await?;
    let name = rustix::system::uname();
    let name = format!(
        "{} {}",
        name.nodename().to_string_lossy(),
        std::process::id()
    );
    let registered = Registered::take(&session, &name).await;
    let registered = registered.map_err(|error| failed(address, &error))?;
    let registered = registered.ok_or_else(|| {
        let reason = "every number of a node is taken: see its table node";
        refused(address, reason.to_owned(), false)
    })?;
    let lanes = Lanes::open(address, LaneOptions::default()).await;
    Ok(Parts {
        vault,
        lanes: lanes.map_err(|error| not_connected(address, &error))?,
        registered,
    })
}

fn not_connected(address: &Address, error: &NotConnected) -> OpenError {
    refused(address, error.to_string(), error.is_lasting())
}

/// A statement that the database did not do.
fn failed(address: &Address, error: &tokio_postgres::Error) -> OpenError {
    refused(address, said(error), false)
}

fn refused(address: &Address, reason: String, is_configured: bool) -> OpenError {
    OpenError::Database {
        address: address.to_string(),
        reason,
        is_configured,
    }
}

/// The keys that everything there is digested under. The first node makes them.
async fn open_keys(
    session: &Session,
    address: &Address,
    key_file: &Path,
) -> Result<Vault, OpenError> {
    let failed = |error: tokio_postgres::Error| failed(address, &error);
    let mut wrapped = read_keyring(session).await.map_err(failed)?;
    if wrapped.is_none() {
        let file = KeyFile::open_or_create(key_file)?;
        let fresh = Keyring::fresh(clock::machine()).map_err(OpenError::NoRandomness)?;
        let ours = fresh.wrap(&file).map_err(OpenError::NoRandomness)?;
        // Another may be faster: then its keyring is the store's.
        session
            .client()
            .execute(
                "update store set keyring = $1 where keyring is null",
                &[&ours],
            )
            .await
            .map_err(failed)?;
        wrapped = read_keyring(session).await.map_err(failed)?;
    }
    let folder = address.to_string();
    let file = keys::open_file(&folder, key_file)?;
    let wrapped = wrapped.ok_or_else(|| keys::no_key(&folder, key_file))?;
    let keyring = keys::unwrap(&wrapped, &file, &folder, key_file)?;
    Ok(Vault::of(&keyring))
}

async fn read_keyring(session: &Session) -> Result<Option<Vec<u8>>, tokio_postgres::Error> {
    let row = session
        .client()
        .query_one("select keyring from store", &[])
        .await?;
    row.try_get(0)
}
