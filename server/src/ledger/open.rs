//! Opening a ledger: the key, the journal, and the state that follows from it.

mod error;
mod kept;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use self::error::OpenError;
use self::kept::JournalKept;
use super::journal::backup::not_for_a_server;
use super::journal::disk::{Disk, MemoryDisk, RealDisk};
use super::journal::{self, Journal, JournalOptions, Opened, Start, open_key_runs};
use super::log::Log;
use super::node::OpenNode;
use super::postgres::Address;
use super::recovery::{Recovery, Unanswered};
use super::{Ledger, LedgerError, encode, keys};
use crate::accounts::Accounts;
use crate::adjusted::Adjusted;
use crate::admission::Admission;
use crate::authoriser::{Authoriser, Passage};
use crate::bound_cards::BoundCards;
use crate::caller_budget::CallerBudget;
use crate::clock::Clock;
use crate::commit::{CommitOptions, CommitQueue, Committer};
use crate::config::{LedgerConfig, Store};
use crate::decision_metrics::DecisionMetrics;
use crate::erasures::Erasures;
use crate::idempotency::Idempotency;
use crate::issuer::{IssuerClient, Issuers, SandboxIssuer};
use crate::kept::{Kept, KeptFrom};
use crate::merchants::Merchants;
use crate::operator_log::OperatorLog;
use crate::owed::OwedAdvices;
use crate::payment_codes::PaymentCodes;
use crate::policy_book::PolicyBook;
use crate::room::Room;
use crate::shadow::Shadow;
use crate::ticket_desk::TicketDesk;
use crate::turns::Turns;
use crate::under_way::UnderWay;
use crate::vault::Vault;
use crate::watchers::Watchers;

impl Ledger {
    /// Opens the store and replays it. Blocks for as long as that takes.
    pub fn open(config: &LedgerConfig, cores: usize) -> Result<Arc<Self>, OpenError> {
        if let Store::Postgres(address) = &config.store {
            return Self::open_on(address, config, cores);
        }
        let (disk, folder) = disk(&config.store)?;
        #[cfg(feature = "planted-faults")]
        let disk = crate::planted::PlantedDisk::over(disk, config.planted_fault);
        let vault = keys::open(&*disk, &folder, &config.key_file)?;
        let store = OpenStore {
            disk,
            folder,
            vault,
        };
        let ledger = Self::open_over(store, config, cores, CommitQueue::commit_by_thread)?;
        ledger.watch_keys(config).map_err(OpenError::Thread)?;
        Ok(ledger)
    }

    /// Replays a store, and lets `commit` see to it that what comes becomes durable.
    pub(super) fn open_over(
        OpenStore {
            disk,
            folder,
            vault,
        }: OpenStore,
        config: &LedgerConfig,
        cores: usize,
        commit: impl FnOnce(&CommitQueue, Committer) -> io::Result<()>,
    ) -> Result<Arc<Self>, OpenError> {
        let remote = config.issuer.as_ref();
        let remote = remote.map(|issuer| IssuerClient::new(issuer, cores));
        let authoriser = new_authoriser(vault, config, remote);
        #[cfg(feature = "planted-faults")]
        let authoriser = Authoriser {
            planted: config.planted_fault,
            ..authoriser
        };
        let segment_bytes = usize::try_from(config.segment_bytes).unwrap_or(usize::MAX);
        let replayed = replay(&authoriser, disk, JournalOptions { segment_bytes }, cores);
        let Replayed { opened, unanswered } = replayed.map_err(|error| match error {
            NotReplayed::OtherKey => OpenError::OtherKey {
                folder: folder.clone(),
                key_file: config.key_file.display().to_string(),
            },
            NotReplayed::Journal(error) => error.into(),
        })?;
        let Opened { journal, start } = opened;
        let is_new = journal.durable() == 0;
        tell_recovered(&authoriser, &start, &folder);

        let last = start.snapshot.map_or(0, |used| used.from);
        let kept = JournalKept::start(&journal, config, last)?;
        let options = commit_options(config);
        let (queue, committer) = CommitQueue::with_committer(journal, cores, options);
        commit(&queue, committer).map_err(OpenError::Thread)?;
        let ledger = Arc::new(kept.ledger(authoriser, Log::Journal(queue)));
        let settled = ledger.settle_recovery(is_new, unanswered);
        settled.map_err(|error| OpenError::Unwritable {
            folder,
            reason: error.to_string(),
        })?;
        ledger.adopt_policy(config)?;
        ledger.start_the_background();
        Ok(ledger)
    }

    /// Opens a node over a database. What belongs to a journal is there, over an empty one, and never asked.
    fn open_on(
        address: &Address,
        config: &LedgerConfig,
        cores: usize,
    ) -> Result<Arc<Self>, OpenError> {
        let most_accounts = usize::try_from(config.accounts_in_memory).unwrap_or(usize::MAX);
        let OpenNode { node, vault } = OpenNode::open(address, &config.key_file, most_accounts)?;
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::ZERO));
        let options = JournalOptions::default();
        let remote = config.issuer.as_ref();
        let remote = remote.map(|issuer| IssuerClient::new(issuer, cores));
        let authoriser = new_authoriser(vault, config, remote);
        let authoriser = Authoriser {
            idempotency: Idempotency::elsewhere(authoriser.vault.index_key()),
            ..authoriser
        };
        let replayed = replay(&authoriser, disk, options, 1);
        let Replayed { opened, .. } = replayed.map_err(|error| match error {
            NotReplayed::OtherKey => OpenError::OtherKey {
                folder: address.to_string(),
                key_file: config.key_file.display().to_string(),
            },
            NotReplayed::Journal(error) => error.into(),
        })?;
        let kept = JournalKept::start(&opened.journal, config, 0)?;
        let ledger = Arc::new(kept.ledger(authoriser, Log::Node(Arc::clone(&node))));
        let begun = node.begin(&ledger, address);
        begun.map_err(|error| OpenError::Database {
            address: address.to_string(),
            reason: error.to_string(),
            is_configured: false,
        })?;
        ledger.adopt_policy(config)?;
        let now = ledger.authoriser.clock.now();
        ledger.authoriser.shadow.begin(now);
        Ok(ledger)
    }

    /// Starts what goes on beside the answers. Not before what a stopped server had begun is let go.
    fn start_the_background(self: &Arc<Self>) {
        let now = self.authoriser.clock.now();
        // What a shadow counted before the start is gone.
        self.authoriser.shadow.begin(now);
        let in_force = self.authoriser.policies.policy_at(now);
        tracing::info!(policy = %in_force.name, "in force");
        // First: it holds back what the snapshotter prunes.
        self.backup_keeper.begin(self);
        self.snapshotter.begin(self);
        self.key_keeper.begin(self);
        self.scrubber.begin(self);
    }

    /// Writes what a new journal begins with, or lets go of what a stopped server held.
    fn settle_recovery(
        &self,
        is_new: bool,
        unanswered: HashMap<u64, Unanswered>,
    ) -> Result<(), LedgerError> {
        let Authoriser { vault, clock, .. } = &self.authoriser;
        if is_new {
            let key_check = encode::key_check(vault.check(), clock.now());
            self.queue.append(&key_check, false)?;
        }
        let mut unanswered: Vec<_> = unanswered.into_iter().collect();
        unanswered.sort_unstable_by_key(|(sequence, _)| *sequence);
        self.authoriser.owed.all_may_have_been_sent();
        for (sequence, call) in unanswered {
            let Some(call) = self.keep_if_asked_about(sequence, call) else {
                continue;
            };
            tracing::warn!(
                sequence,
                "a call was under way when the server stopped: let go"
            );
            let passage = Passage {
                queue: &self.queue,
                account: &call.account,
                call: &call.call,
                slot: call.slot,
            };
            self.authoriser.let_go(passage, sequence, &call.begun)?;
        }
        Ok(())
    }
}

/// A state that is empty.
fn new_authoriser(vault: Vault, config: &LedgerConfig, remote: Option<IssuerClient>) -> Authoriser {
    let folder = match &config.store {
        Store::Journal(folder) => Some(folder.clone()),
        Store::Memory { .. } | Store::Postgres(_) => None,
    };
    Authoriser {
        accounts: Accounts::new(vault.accounts_seed()),
        merchants: Merchants::default(),
        bound_cards: BoundCards::default(),
        adjusted: Adjusted::default(),
        payment_codes: PaymentCodes::default(),
        erasures: Erasures::new(config.personal_data_retention),
        risk_desk: TicketDesk::default(),
        password_desk: TicketDesk::default(),
        review_desk: TicketDesk::default(),
        watchers: Watchers::default(),
        budget: CallerBudget::default(),
        idempotency: Idempotency::new(vault.index_key()),
        room: Room::new(folder, config.min_free_bytes),
        admission: Admission::new(config.max_pending),
        issuers: Issuers::new(SandboxIssuer::new(config.seed), remote),
        owed: OwedAdvices::default(),
        vault,
        policies: PolicyBook::new(),
        kept: Kept::default(),
        shadow: Shadow::default(),
        operator_log: OperatorLog::default(),
        clock: Clock::system(),
        metrics: DecisionMetrics::new(),
        under_way: UnderWay::default(),
        turns: Turns::default(),
        global: Mutex::new(()),
        #[cfg(feature = "planted-faults")]
        planted: None,
    }
}

fn commit_options(config: &LedgerConfig) -> CommitOptions {
    CommitOptions {
        spacing: config.commit_spacing,
        #[cfg(feature = "planted-faults")]
        tells_early: crate::planted::tells_early(config.planted_fault),
        ..CommitOptions::default()
    }
}

/// A store with its key, before anything of it is read.
pub(super) struct OpenStore {
    pub(super) disk: Arc<dyn Disk>,
    /// What messages call it.
    pub(super) folder: String,
    pub(super) vault: Vault,
}

/// A store that was replayed.
struct Replayed {
    opened: Opened,
    unanswered: HashMap<u64, Unanswered>,
}

fn tell_recovered(authoriser: &Authoriser, start: &Start, folder: &str) {
    tracing::info!(
        entries = start.entries,
        snapshot = start.snapshot.as_ref().map(|used| &*used.file),
        accounts = authoriser.accounts.len(),
        store = folder,
        "recovered"
    );
}

/// Why a store was not replayed.
enum NotReplayed {
    OtherKey,
    Journal(journal::OpenError),
}

/// Replays the store into a state that is empty.
fn replay(
    authoriser: &Authoriser,
    disk: Arc<dyn Disk>,
    options: JournalOptions,
    threads: usize,
) -> Result<Replayed, NotReplayed> {
    // Before anything is replayed: whatever they hold need not be noted again.
    let found = open_key_runs(&*disk).map_err(NotReplayed::Journal)?;
    authoriser.idempotency.set_runs(found.runs.clone());
    std::thread::scope(|scope| {
        let mut recovery = Recovery::new(scope, authoriser, threads);
        let opened = Journal::open_with(disk, options, &mut recovery);
        // What a thread could not apply is the reason, and not that it ended.
        let unanswered = recovery.finish().map_err(|failed| {
            if failed.is_other_key() {
                NotReplayed::OtherKey
            } else {
                NotReplayed::Journal(failed.into())
            }
        })?;
        let opened = opened.map_err(NotReplayed::Journal)?;
        opened.journal.adopt(&found).map_err(NotReplayed::Journal)?;
        if let Some(beginning) = opened.journal.reader().beginning() {
            authoriser.kept.begins(KeptFrom::from(beginning));
        }
        Ok(Replayed { opened, unanswered })
    })
}

fn disk(store: &Store) -> Result<(Arc<dyn Disk>, String), OpenError> {
    let folder = match store {
        Store::Journal(folder) => folder,
        Store::Memory { delay } => {
            return Ok((Arc::new(MemoryDisk::new(*delay)), "memory".to_owned()));
        }
        // It is opened in another way.
        Store::Postgres(_) => {
            return Ok((
                Arc::new(MemoryDisk::new(Duration::ZERO)),
                "memory".to_owned(),
            ));
        }
    };
    let (disk, folder) = (RealDisk::open(folder)?, folder.display().to_string());
    match not_for_a_server(&disk).map_err(|error| unlisted(&folder, error))? {
        Some(why) => Err(OpenError::NotForAServer { folder, why }),
        None => Ok((Arc::new(disk), folder)),
    }
}

pub(super) fn unlisted(folder: &str, source: io::Error) -> journal::OpenError {
    let path = Path::new(folder).to_owned();
    journal::OpenError::Unwritable { path, source }
}
