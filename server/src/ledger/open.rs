//! Opening a ledger: the key, the journal, and the state that follows from it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use waika_domain::account::Account;
use waika_domain::event::{Event, WalletRegion};
use waika_domain::identifiers::AccountId;
use waika_domain::rules;

use super::call::{Business, Call};
use super::decode::{self, NotUnderstood, Stored, StoredBody};
use super::journal::disk::{Disk, MemoryDisk, RealDisk};
use super::journal::{self, Journal, JournalOptions};
use super::replay::merchant_scope;
use super::{Ledger, encode};
use crate::accounts::Accounts;
use crate::authoriser::{Authoriser, place_of};
use crate::clock::Clock;
use crate::commit::{CommitOptions, CommitQueue};
use crate::config::{LedgerConfig, Store};
use crate::decision_metrics::DecisionMetrics;
use crate::idempotency::{Idempotency, Place, Slot};
use crate::issuer::SandboxIssuer;
use crate::merchants::Merchants;
use crate::vault::{Vault, VaultError};

/// Most idempotency keys that are kept: two thousand million bytes' worth at 32 bytes each.
const MOST_KEYS: usize = 1 << 26;

/// Why there is no ledger. Each says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key file cannot be used.
    #[error(transparent)]
    Key(#[from] VaultError),
    /// The journal was written with another key.
    #[error(
        "the journal in {folder} was written with another key than the one in {key_file}: give \
         its own with --key-file; without it no password of its accounts can be checked"
    )]
    OtherKey {
        /// The journal's folder.
        folder: String,
        /// The key file.
        key_file: String,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The thread that commits could not be started.
    #[error("the system gave no thread for commits: {0}")]
    Thread(std::io::Error),
    /// What recovery had to add could not be written.
    #[error("the journal in {folder} cannot be written to: {reason}")]
    Unwritable {
        /// The journal's folder.
        folder: String,
        /// What happened.
        reason: String,
    },
}

impl Ledger {
    /// Opens the store and replays it. Blocks for as long as that takes.
    pub fn open(config: &LedgerConfig, cores: usize) -> Result<Arc<Self>, OpenError> {
        let vault = Vault::open(&config.key_file)?;
        let (disk, folder) = disk(&config.store)?;
        let authoriser = Authoriser {
            accounts: Accounts::default(),
            merchants: Merchants::default(),
            idempotency: Idempotency::new(MOST_KEYS),
            issuer: SandboxIssuer::new(config.seed),
            vault,
            policy: Arc::clone(&config.policy),
            clock: Clock::system(),
            metrics: DecisionMetrics::new(),
            global: Mutex::new(()),
        };
        let mut recovery = Recovery::new(&authoriser);
        let segment_bytes = usize::try_from(config.segment_bytes).unwrap_or(usize::MAX);
        let options = JournalOptions { segment_bytes };
        let journal = Journal::open(disk, options, |sequence, entry| {
            recovery.apply(sequence, entry)
        })?;
        let Recovered {
            under_way,
            key_check,
            entries,
        } = recovery.finish();
        if key_check.is_some_and(|check| *check != authoriser.vault.check()) {
            let key_file = config.key_file.display().to_string();
            return Err(OpenError::OtherKey { folder, key_file });
        }
        tracing::info!(entries, accounts = authoriser.accounts.len(), store = %folder, "recovered");

        let reader = journal.reader();
        let commit = CommitOptions {
            spacing: config.commit_spacing,
            ..CommitOptions::default()
        };
        let queue = CommitQueue::start(journal, cores, commit).map_err(OpenError::Thread)?;
        let ledger = Self {
            authoriser,
            queue,
            reader,
            under_way: Mutex::default(),
        };
        ledger
            .settle_recovery(entries == 0, under_way)
            .map_err(|reason| OpenError::Unwritable { folder, reason })?;
        Ok(Arc::new(ledger))
    }

    /// Writes what a new journal begins with, or lets go of what a stopped server held.
    fn settle_recovery(
        &self,
        is_new: bool,
        under_way: HashMap<u64, UnderWay>,
    ) -> Result<(), String> {
        let Authoriser {
            accounts,
            idempotency,
            vault,
            clock,
            ..
        } = &self.authoriser;
        let halted = |error: crate::commit::Halted| error.to_string();
        if is_new {
            self.queue
                .append(&encode::key_check(vault.check(), clock.now()))
                .map_err(halted)?;
        }
        let mut abandoned: Vec<_> = under_way.into_iter().collect();
        abandoned.sort_unstable_by_key(|(sequence, _)| *sequence);
        for (
            reserved_by,
            UnderWay {
                account: id,
                call,
                slot,
            },
        ) in abandoned
        {
            tracing::warn!(
                reserved_by,
                "a bind was under way when the server stopped: let go"
            );
            let outcome = accounts.with_account(&id, |account| {
                let now = clock.now();
                let event = rules::bind::abandon(account, reserved_by);
                let previous = account.last_sequence();
                let entry = encode::entry(id.as_str(), previous, now, Some(&call), &event);
                let sequence = self.queue.append(&entry)?;
                account.apply(&event, sequence, now);
                idempotency.fill(slot, Place::Answered(sequence));
                Ok(())
            });
            outcome.unwrap_or(Ok(())).map_err(halted)?;
        }
        Ok(())
    }
}

fn disk(store: &Store) -> Result<(Arc<dyn Disk>, String), OpenError> {
    match store {
        Store::Journal(folder) => Ok((
            Arc::new(RealDisk::open(folder)?),
            folder.display().to_string(),
        )),
        Store::Memory { delay } => Ok((Arc::new(MemoryDisk::new(*delay)), "memory".to_owned())),
    }
}

/// A call that was begun and never answered.
struct UnderWay {
    account: AccountId,
    call: Call,
    slot: Slot,
}

/// What replaying has found beyond the state itself.
struct Recovered {
    /// Calls that were begun and never answered.
    under_way: HashMap<u64, UnderWay>,
    /// The key that the journal was written with.
    key_check: Option<Box<[u8]>>,
    entries: u64,
}

/// Replays entries into a state. Outcomes only: nothing is decided here.
struct Recovery<'a> {
    authoriser: &'a Authoriser,
    found: Recovered,
}

impl<'a> Recovery<'a> {
    fn new(authoriser: &'a Authoriser) -> Self {
        let found = Recovered {
            under_way: HashMap::new(),
            key_check: None,
            entries: 0,
        };
        Self { authoriser, found }
    }

    fn apply(&mut self, sequence: u64, entry: &[u8]) -> Result<(), NotUnderstood> {
        let stored = decode::entry(entry)?;
        self.found.entries += 1;
        match stored.body {
            StoredBody::KeyCheck(check) => self.found.key_check = Some(check),
            StoredBody::Event(ref event) => self.apply_event(sequence, event, &stored),
        }
        Ok(())
    }

    fn apply_event(&mut self, sequence: u64, event: &Event, stored: &Stored) {
        let Authoriser {
            accounts,
            idempotency,
            ..
        } = self.authoriser;
        let account = AccountId::parse(&stored.account).ok();
        if let Some(id) = &account {
            let apply = |account: &mut Account| account.apply(event, sequence, stored.at);
            accounts.with_account_or_open(id, region_of(event), apply);
        }
        self.authoriser.apply_beyond_the_account(event);
        let Some(by) = &stored.call else { return };
        let call = Call {
            rpc: by.rpc,
            caller: by.caller.clone(),
            key: by.key.clone(),
            business: Business::Fields(by.fields.iter().map(|&digest| ("", digest)).collect()),
        };
        let scope = scope_of(event, &stored.account);
        let place = place_of(event, sequence);
        let mut attempt = 0;
        let mut slot = idempotency.slot(&scope, &call, attempt);
        // A filled slot is this call's own beginning, or another key's with the same hash.
        while let Some(taken) = idempotency.find(slot) {
            if is_beginning_of(taken, event) {
                break;
            }
            attempt += 1;
            slot = idempotency.slot(&scope, &call, attempt);
        }
        idempotency.fill(slot, place);
        if let (Place::UnderWay(_), Some(account)) = (place, account) {
            self.found.under_way.insert(
                sequence,
                UnderWay {
                    account,
                    call,
                    slot,
                },
            );
        } else if let Some(reserved_by) = begun_by(event) {
            self.found.under_way.remove(&reserved_by);
        }
    }

    fn finish(self) -> Recovered {
        self.found
    }
}

/// True if a taken slot is the beginning of the call that this event answers.
fn is_beginning_of(taken: Place, event: &Event) -> bool {
    match taken {
        Place::UnderWay(begun) => begun_by(event) == Some(begun),
        Place::Answered(_) => false,
    }
}

/// The region of an account that an event opens; others find it open.
fn region_of(event: &Event) -> WalletRegion {
    match event {
        Event::PhoneCode(decided) => decided.region,
        Event::BindReserved(reserved) => reserved.region,
        Event::BindDecided(decided) => decided.region,
        Event::Reserved(_)
        | Event::Posted(_)
        | Event::Voided(_)
        | Event::Declined(_)
        | Event::ReviewResolved(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_) => WalletRegion::Mainland,
    }
}

/// The sequence of the entry that an event's call began with, if it is not its own.
fn begun_by(event: &Event) -> Option<u64> {
    match event {
        Event::BindDecided(decided) => decided.reserved_by,
        Event::Posted(posted) => posted.reserved_by,
        Event::Voided(voided) => Some(voided.reserved_by),
        Event::PhoneCode(_)
        | Event::BindReserved(_)
        | Event::Reserved(_)
        | Event::Declined(_)
        | Event::ReviewResolved(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_) => None,
    }
}

fn scope_of(event: &Event, account: &str) -> String {
    match event {
        Event::MerchantPut(merchant) => merchant_scope(&merchant.id),
        Event::PhoneCode(_)
        | Event::BindReserved(_)
        | Event::BindDecided(_)
        | Event::Reserved(_)
        | Event::Posted(_)
        | Event::Voided(_)
        | Event::Declined(_)
        | Event::ReviewResolved(_)
        | Event::CardStatusSet(_) => account.to_owned(),
    }
}
