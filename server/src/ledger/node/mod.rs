//! A node: one of several servers that decide over the same database (decision 0048).
//!
//! It decides over accounts in memory as every server does, under their locks. What it decides counts once the
//! database has taken it, which it does if the account is still what it was decided over. If not, the account is
//! read anew, and whoever asked decides again.

mod cache;
mod globals;
mod open;
mod parts;
mod pending;
mod reads;
mod registry;
mod row;
mod sequences;
mod shared;
mod watch;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{oneshot, watch as told};
use tokio_postgres::types::ToSql;
use waika_domain::account::Account;
use waika_domain::identifiers::AccountId;

use self::cache::Cache;
pub(crate) use self::globals::WriteError;
pub(crate) use self::open::OpenNode;
use self::parts::{Counts, Stripes};
use self::pending::Pending;
use self::reads::Reads;
pub(crate) use self::reads::{Question, column, stored};
use self::registry::Registered;
use self::row::Decided;
pub(crate) use self::row::{
    PASSWORD, REVIEW, RISK, about, account as account_of_row, cards, digests, links,
    standing as row_of, standing_without_account as row_without_account,
};
use self::sequences::Sequences;
use super::log::{NotDurable, Written};
use super::postgres::{Lanes, Outcome, Tell};
use super::{Ledger, LedgerError};
use crate::authoriser::{Authoriser, Effects};
use crate::clock::monotonic;
use crate::commit::{Pace, PaceBoard};

/// One of several servers over a database.
#[derive(Debug)]
pub(crate) struct Node {
    lanes: Lanes,
    reads: Reads,
    sequences: Sequences,
    registered: Registered,
    pending: Pending,
    cache: Cache,
    /// So that an account which many ask for is read once.
    loads: Stripes,
    /// So that what has to read before it decides does not do so over and over beside its like.
    turns: Stripes,
    pace: PaceBoard,
    begun: AtomicU64,
    ended: AtomicU64,
    /// Whose memory it is.
    ledger: OnceLock<Weak<Ledger>>,
    /// The last sequence of what concerns no account that is in memory.
    globals: tokio::sync::Mutex<u64>,
    /// Raised when something was heard of other nodes.
    heard: AtomicU64,
    /// The last time that the database was asked it answered.
    is_there: AtomicBool,
    /// Accounts in memory at most.
    most_accounts: usize,
    halted: told::Sender<Option<String>>,
    handle: Handle,
    /// Where lanes and watchers live.
    runtime: Mutex<Option<Runtime>>,
    counts: Counts,
}

/// What is told when an entry has ended.
struct Ending {
    sequence: u64,
    epoch: u64,
    begun_at: Instant,
    effects: Box<Effects>,
    tell: oneshot::Sender<Result<(), NotDurable>>,
}

/// A decision under the lock of its account.
pub(crate) struct Deciding<'a> {
    /// The account with the entry.
    pub(crate) account: &'a Account,
    /// The sequence of the account's entry before it.
    pub(crate) previous: u64,
    pub(crate) sequence: u64,
    /// Of the call that it answers, if it is the first that does.
    pub(crate) call_hash: Option<[u8; 16]>,
    pub(crate) written: Written,
    /// What follows once it is durable.
    pub(crate) effects: Effects,
}

impl Node {
    /// A place for an entry: not while the database may have given this node's number to another.
    pub(crate) fn next_sequence(&self) -> Result<u64, LedgerError> {
        if self.registered.is_held() {
            Ok(self.sequences.next())
        } else {
            Err(LedgerError::NoDatabase)
        }
    }

    /// Which one it is.
    pub(crate) fn number(&self) -> u64 {
        self.registered.number()
    }

    /// Sends what was decided. Called under the account's lock.
    pub(crate) fn decided(self: &Arc<Self>, deciding: Deciding<'_>) {
        let Deciding {
            account,
            previous,
            sequence,
            call_hash,
            written,
            effects,
        } = deciding;
        let row = row::of(Decided {
            id: &effects.id,
            account,
            previous,
            sequence,
            event: &effects.event,
            call_hash,
            written,
        });
        let adjusts = row.entries.iter().any(|entry| entry.links.about.is_some());
        let ending = Ending {
            sequence,
            epoch: self.cache.decided(&effects.id, sequence, adjusts),
            begun_at: monotonic(),
            effects: Box::new(effects),
            tell: self.pending.begin(sequence),
        };
        let begun = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        self.pace.note_appended(begun);
        if begun == self.ended.load(Ordering::Relaxed) + 1 {
            self.pace.note_begun(ending.begun_at);
        }
        let node = Arc::clone(self);
        let tell = Tell::new(move |outcome| node.end(ending, outcome));
        if let Err((why, tell)) = self.lanes.send(row, tell) {
            // Not here: the account is locked.
            let _told = self
                .handle
                .spawn(async move { tell.tell(Outcome::Refused(why.to_owned())) });
        }
    }

    /// Applies what follows from an entry that is durable, or lets go of an account that is not what was thought.
    fn end(&self, ending: Ending, outcome: Outcome) {
        let Ending {
            sequence,
            epoch,
            begun_at,
            effects,
            tell,
        } = ending;
        let now = monotonic();
        let (ended, count) = match outcome {
            Outcome::Durable => (Ok(()), None),
            Outcome::Conflict => (Err(NotDurable::Conflict), Some(&self.counts.conflicts)),
            Outcome::Known(_) => (Err(NotDurable::Known), Some(&self.counts.known)),
            Outcome::Refused(why) => {
                tracing::debug!(why, "the database did not take a decision");
                (Err(NotDurable::Refused), Some(&self.counts.refused))
            }
            Outcome::Unknown => (Err(NotDurable::Unknown), Some(&self.counts.unknown)),
        };
        if let Some(count) = count {
            count.increment(1);
        }
        if ended == Err(NotDurable::Conflict) {
            self.cache.share(&effects.id);
        }
        if let Some(ledger) = self.ledger.get().and_then(Weak::upgrade) {
            if ended.is_ok() {
                ledger.authoriser.apply_durable(&effects, sequence);
            } else {
                self.let_go(&ledger.authoriser, &effects.id, epoch);
            }
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.pace
            .note_ended(now, now.saturating_duration_since(begun_at));
        self.pending.end(sequence, tell, ended);
    }

    /// An account is not what was thought: it is read anew when it is needed.
    fn let_go(&self, authoriser: &Authoriser, id: &str, epoch: u64) {
        authoriser.accounts.remove_if(id, |_| {
            let is_of = self.cache.is_of(id, epoch);
            if is_of {
                self.cache.forget(id);
            }
            is_of
        });
    }

    /// Waits until an entry is durable. One that was read is.
    pub(crate) fn wait(
        &self,
        sequence: u64,
    ) -> impl Future<Output = Result<(), NotDurable>> + Send + use<> {
        self.pending.wait(sequence)
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace.pace(self.ended.load(Ordering::Relaxed))
    }

    pub(crate) fn still_for(&self) -> Duration {
        self.pace.still_for()
    }

    /// What is read of the database.
    pub(crate) fn reads(&self) -> &Reads {
        &self.reads
    }

    /// True if the database answers, and lets this node decide.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed) && self.registered.is_held()
    }

    /// Sees to it that an account is in memory, as new or old as it may be. False if there is none.
    pub(crate) async fn ensure(
        &self,
        authoriser: &Authoriser,
        id: &AccountId,
    ) -> Result<bool, LedgerError> {
        let is_here = || authoriser.accounts.with_account(id, |_| ()).is_some();
        if is_here() {
            return Ok(true);
        }
        let _alone = self.loads.of(id).lock().await;
        if is_here() {
            return Ok(true);
        }
        self.fetch(authoriser, id, 0).await
    }

    /// Sees to it that an account in memory is as new as it can be. False if there is none.
    pub(crate) async fn refresh(
        &self,
        authoriser: &Authoriser,
        id: &AccountId,
    ) -> Result<bool, LedgerError> {
        let last = |account: &mut Account| {
            let last = account.last_sequence();
            (last, self.wait(last))
        };
        let seen = match authoriser.accounts.with_account(id, last) {
            None => 0,
            Some((last, durable)) => match durable.await {
                Ok(()) => last,
                // It was let go.
                Err(_) => 0,
            },
        };
        self.fetch(authoriser, id, seen).await
    }

    /// Reads an account that is newer than what was seen, and who else has its cards.
    async fn fetch(
        &self,
        authoriser: &Authoriser,
        id: &AccountId,
        seen: u64,
    ) -> Result<bool, LedgerError> {
        loop {
            let heard = self.heard.load(Ordering::Acquire);
            let question = Question::Account;
            let accounts = self
                .accounts(question, &[&id.as_str(), &seen.cast_signed()])
                .await?;
            self.counts.loads.increment(1);
            for (_, account) in &accounts {
                authoriser.hold_cards(account);
            }
            let mut found = accounts.into_iter();
            let Some((_, account)) = found.find(|(of, _)| of == id) else {
                return Ok(seen != 0);
            };
            let version = account.last_sequence();
            authoriser
                .accounts
                .put_if_newer(id, account, || self.cache.read(id.as_str(), version));
            // What came from other nodes meanwhile may be missing in what was read before it.
            if self.heard.load(Ordering::Acquire) == heard {
                return Ok(true);
            }
        }
    }

    /// Whoever has to read something of an account before it decides takes its turn.
    pub(crate) async fn turn(&self, id: &AccountId) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns.of(id).lock().await
    }

    /// Sees to it that it is known who has one of these cards.
    pub(crate) async fn look_for_holders(
        &self,
        authoriser: &Authoriser,
        cards: &[i64],
    ) -> Result<(), LedgerError> {
        if cards.is_empty() {
            return Ok(());
        }
        for (_, account) in self.accounts(Question::Holders, &[&cards]).await? {
            authoriser.hold_cards(&account);
        }
        Ok(())
    }

    /// Accounts that a question finds, as they stand in the database. What is given from now on is above theirs.
    pub(crate) async fn accounts(
        &self,
        question: Question,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<(AccountId, Box<Account>)>, LedgerError> {
        let rows = self.reads.rows(question, parameters).await?;
        let account = |row| {
            let (id, account) = row::account(row)?;
            self.sequences.see(account.last_sequence());
            Ok((id, account))
        };
        rows.iter().map(account).collect()
    }

    /// Closed accounts of which this node is to erase what is personal.
    pub(crate) async fn to_erase(&self) -> Result<Vec<AccountId>, LedgerError> {
        let number = self.number().cast_signed();
        let rows = self
            .reads
            .rows(Question::ToErase, &[&number, &row::ERASURE])
            .await?;
        let account = |row| AccountId::parse(column(row, 0)?).map_err(|_| LedgerError::Unreadable);
        rows.iter().map(account).collect()
    }

    /// True if what was read of an account's authorisations at a version is all there is in memory. Under its lock.
    pub(crate) fn is_whole_at(&self, id: &AccountId, version: u64) -> bool {
        self.cache.is_whole_at(id.as_str(), version)
    }

    /// Resolves with the reason once this node must not go on.
    pub(crate) async fn halted(&self) -> String {
        let mut halted = self.halted.subscribe();
        let cause = halted.wait_for(Option::is_some).await;
        match cause.ok().and_then(|cause| cause.clone()) {
            Some(cause) => cause,
            None => std::future::pending().await,
        }
    }
}
