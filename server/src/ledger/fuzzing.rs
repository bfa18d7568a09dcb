//! What the fuzz targets ask of a ledger: one in memory, and what is read of a journal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use waika_domain::account::Account;
use waika_domain::event::WalletRegion;
use waika_domain::policy::Policy;

use super::call::{Business, Call};
use super::decode::{self, Stored, StoredBody, StoredCall};
use super::encode::Entry;
use super::journal::disk::MemoryDisk;
use super::open::{OpenError, OpenStore};
use super::{Ledger, snapshot};
use crate::commit::CommitQueue;
use crate::config::{LedgerConfig, Store};
use crate::operator_log::Operated;
use crate::vault::Vault;

/// Always the same, so that one input has one answer.
const KEY: [u8; 32] = [0x5a; 32];

impl Ledger {
    /// A ledger in memory, beside which nothing happens by itself.
    pub(crate) fn in_memory() -> Result<Arc<Self>, OpenError> {
        let store = OpenStore {
            disk: Arc::new(MemoryDisk::new(Duration::ZERO)),
            folder: "memory".to_owned(),
            vault: Vault::from_key(&KEY),
        };
        Self::open_over(store, &config(), 1, CommitQueue::commit_by_thread)
    }

    /// The number of entries so far, durable or not.
    pub(crate) fn written(&self) -> u64 {
        self.queue.appended()
    }
}

fn config() -> LedgerConfig {
    LedgerConfig {
        store: Store::Memory {
            delay: Duration::ZERO,
        },
        key_file: PathBuf::new(),
        key_file_is_default: false,
        allow_live_pan: false,
        seed: 1,
        issuer: None,
        policy: Arc::new(Policy::weixin_2023()),
        policy_file: None,
        commit_spacing: Duration::ZERO,
        segment_bytes: 1 << 20,
        snapshot_every: 0,
        scrub_every: Duration::ZERO,
        backup: None,
        journal_retention: Duration::ZERO,
        personal_data_retention: Duration::ZERO,
        keys_in_memory: u64::MAX,
        accounts_in_memory: 1_000,
        max_pending: 32_768,
        min_free_bytes: 0,
        #[cfg(feature = "planted-faults")]
        planted_fault: None,
    }
}

/// Reads bytes as an entry: what is one says the same when it is written anew.
pub(crate) fn entry(bytes: &[u8]) {
    let Ok(stored) = decode::entry(bytes) else {
        return;
    };
    let Some(event) = stored.event() else {
        return;
    };
    let call = stored.call.as_ref().map(called);
    let mut written = Vec::new();
    let entry = Entry {
        account: &stored.account,
        previous: stored.previous,
        at: stored.at,
        call: call.as_ref(),
        event,
    };
    match &stored.operated {
        None => entry.write(&mut written),
        Some(operated) => entry.write_operated(&mut written, operated),
    }
    match decode::entry(&written) {
        Ok(again) => assert_eq!(said(&again), said(&stored)),
        Err(error) => assert!(written.is_empty(), "written as no entry: {error}"),
    }
}

fn called(stored: &StoredCall) -> Call {
    let fields = stored.fields.iter().map(|&digest| ("", digest));
    Call::new(
        stored.rpc,
        stored.caller.clone(),
        stored.key.clone(),
        Business::Fields(fields.collect()),
    )
}

type Said<'a> = (
    (&'a str, u64, i64),
    Option<&'a StoredCall>,
    Option<&'a Operated>,
    &'a StoredBody,
);

fn said(stored: &Stored) -> Said<'_> {
    let Stored {
        account,
        previous,
        at,
        call,
        operated,
        body,
    } = stored;
    let place = (&**account, *previous, at.unix_ms());
    (place, call.as_ref(), operated.as_deref(), body)
}

/// Makes entries part of one account, in whatever order and of whatever accounts they are.
pub(crate) fn history<'a>(entries: impl Iterator<Item = &'a [u8]>) {
    let mut account = Account::open(WalletRegion::Mainland);
    for (sequence, bytes) in (1..).zip(entries) {
        let Ok(stored) = decode::entry(bytes) else {
            continue;
        };
        if let Some(event) = stored.event() {
            account.replay(event, sequence, stored.at);
        }
    }
}

/// Reads bytes as a record of a snapshot: an account that is one is the same when it is written anew.
pub(crate) fn snapshot_record(bytes: &[u8]) {
    snapshot::read_twice(bytes);
}
