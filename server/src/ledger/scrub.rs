//! The scrub: beside the answers, memory is held against what a start would make of the store.
//!
//! One part of the accounts after the other is made anew from the newest snapshot and the entries behind it,
//! apart from everything, and each must be as it stands in memory, unless that has seen a later entry by
//! then. All that is read on the way is held against its checksums. What does not agree ends the server
//! (exit 65): nobody can tell any more which of the two is right, and no further answer may follow from the
//! wrong one.

pub(super) mod apart;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::{Counter, counter};
use parking_lot::Mutex;
use tokio::sync::watch;
use waika_domain::account::Account;
use waika_domain::period::Timestamp;

use self::apart::Apart;
use super::background::{Stretch, give_way};
use super::journal::{self, Snapshots};
use super::{Ledger, OpenError};
use crate::exit::{Failure, Reason};

/// Every other thread goes first.
const LEAST_URGENT: i32 = 19;
/// Accounts that are made anew at once: some hundred bytes each.
const ACCOUNTS_A_PART: usize = 200_000;
/// It rests so many times as long as it worked.
const REST: u32 = 3;
/// Accounts or entries from one rest to the next.
const SLICE: usize = 512;
/// After the end of the last instant that anything lasts to.
const NEVER: Timestamp = Timestamp::from_unix_ms(i64::MAX);

/// The thread, which ends with the ledger.
#[derive(Debug)]
pub(super) struct Scrubber {
    told: mpsc::Sender<Weak<Ledger>>,
    stop: Arc<AtomicBool>,
    found: watch::Receiver<Option<Failure>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What looking at one part has shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Looked {
    /// Accounts that are the same in memory and in the store.
    same: u64,
    /// Accounts that went on meanwhile: their turn comes again.
    moved_on: u64,
    /// Entries that were replayed, or passed over as another part's.
    entries: u64,
}

/// How an account was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// As the store has it.
    Same,
    /// It has seen more than was replayed.
    MovedOn,
}

/// What keeps something from being replayed.
type Wrong = Box<dyn std::error::Error + Send + Sync>;

/// Why a part was not looked at to its end.
#[derive(Debug, thiserror::Error)]
enum ScrubError {
    /// The store is not as it was written.
    #[error(transparent)]
    Store(#[from] journal::OpenError),
    /// Memory has an account otherwise than the store.
    #[error(
        "memory and the store do not agree on the account of entry {entry} ({what}), and nobody can tell which \
         is right: check the store with `waika-server journal verify`, look at the account with `waika-server \
         journal export --from {entry} --to {entry}`, and start again to go on with what the store holds"
    )]
    Differs {
        /// The last entry that the account has seen, by the store or by memory.
        entry: u64,
        /// In which way.
        what: &'static str,
    },
    /// Memory has the operator log end elsewhere than the store.
    #[error(
        "memory and the store do not agree on where the operator log ends (with entry {here}, and with entry \
         {there}), and nobody can tell which is right: check the store with `waika-server journal verify`, and \
         start again to go on with what the store holds"
    )]
    LogDiffers {
        /// In memory.
        here: u64,
        /// By the store.
        there: u64,
    },
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl Scrubber {
    /// Starts the thread, which waits for [`Scrubber::begin`] and then looks at one part each time that
    /// `every` has passed; zero: never.
    pub(super) fn start(snapshots: Snapshots, every: Duration) -> std::io::Result<Self> {
        let (told, tells) = mpsc::channel();
        let (tell, found) = watch::channel(None);
        let stop = Arc::new(AtomicBool::new(false));
        let scrub = Scrub {
            snapshots,
            every,
            stop: Arc::clone(&stop),
            accounts: counter!("waika_scrubbed_accounts_total"),
        };
        let builder = thread::Builder::new().name("waika-scrub".to_owned());
        let thread = builder.spawn(move || scrub.run(&tells, &tell))?;
        Ok(Self {
            told,
            stop,
            found,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Says whose accounts they are.
    pub(super) fn begin(&self, ledger: &Arc<Ledger>) {
        // A thread that is gone has panicked, and that was logged.
        drop(self.told.send(Arc::downgrade(ledger)));
    }

    /// Resolves with what does not agree, and never otherwise.
    pub(super) async fn found(&self) -> Failure {
        let mut found = self.found.clone();
        match found.wait_for(Option::is_some).await.ok().as_deref() {
            Some(Some(failure)) => failure.clone(),
            Some(None) | None => std::future::pending().await,
        }
    }

    /// Gives up what is being looked at and ends the thread. Blocks for a moment.
    pub(super) fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.told.send(Weak::new()));
        if let Some(thread) = self.thread.lock().take() {
            // A panic in it was logged.
            drop(thread.join());
        }
    }
}

/// Looks at everything once, on this thread.
#[cfg(test)]
pub(super) fn look_at_all(
    ledger: &Ledger,
    snapshots: Snapshots,
    stop: Arc<AtomicBool>,
) -> Result<(), String> {
    let scrub = Scrub {
        snapshots,
        every: Duration::ZERO,
        stop,
        accounts: Counter::noop(),
    };
    match scrub.look(ledger, 0, 1) {
        Ok(_) | Err(ScrubError::Stopping) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

struct Scrub {
    snapshots: Snapshots,
    every: Duration,
    stop: Arc<AtomicBool>,
    accounts: Counter,
}

impl Scrub {
    fn run(self, tells: &mpsc::Receiver<Weak<Ledger>>, tell: &watch::Sender<Option<Failure>>) {
        give_way(LEAST_URGENT);
        let Ok(ledger) = tells.recv() else { return };
        if self.every.is_zero() {
            return;
        }
        let mut part = 0;
        while let Err(RecvTimeoutError::Timeout) = tells.recv_timeout(self.every) {
            let Some(ledger) = ledger.upgrade() else {
                return;
            };
            let parts = ledger.authoriser.accounts.len() / ACCOUNTS_A_PART + 1;
            let parts = u64::try_from(parts).unwrap_or(u64::MAX);
            part %= parts;
            match self.look(&ledger, part, parts) {
                Ok(looked) => self.tell_well(part, parts, &looked),
                Err(ScrubError::Stopping) => return,
                Err(error) => {
                    tracing::error!(%error, "the scrub has found what must not be");
                    tell.send_replace(Some(failure(error)));
                    return;
                }
            }
            part += 1;
        }
    }

    fn tell_well(&self, part: u64, parts: u64, looked: &Looked) {
        let Looked {
            same,
            moved_on,
            entries,
        } = *looked;
        self.accounts.increment(same);
        tracing::info!(
            part = part + 1,
            parts,
            same,
            moved_on,
            entries,
            "memory and store agree"
        );
    }

    /// Makes one part anew and compares it.
    fn look(&self, ledger: &Ledger, part: u64, parts: u64) -> Result<Looked, ScrubError> {
        let looked = loop {
            match self.look_on(ledger, part, parts) {
                // What comes behind that snapshot was pruned meanwhile: there are newer ones by now.
                Err(ScrubError::Store(journal::OpenError::Pruned(_)))
                    if !self.stop.load(Ordering::Relaxed) => {}
                looked => break looked,
            }
        };
        // Whatever kept it from its end then.
        if self.stop.load(Ordering::Relaxed) {
            return Err(ScrubError::Stopping);
        }
        looked
    }

    fn look_on(&self, ledger: &Ledger, part: u64, parts: u64) -> Result<Looked, ScrubError> {
        let through = ledger.queue.durable();
        let accounts = &ledger.authoriser.accounts;
        let mut pace = Pace::new(&self.stop);
        let mut apart = Apart::new(|id: &str| accounts.part_of(id, parts) == part);
        let snapshot = self.snapshots.read_newest(|block| {
            match block {
                None => apart.forget(),
                Some(block) => apart.load(&block)?,
            }
            pace.step(SLICE)?;
            Ok::<_, Wrong>(())
        })?;
        let from = snapshot.map_or(0, |snapshot| snapshot.from);
        let mut looked = Looked::default();
        let replay = |sequence, entry: &[u8]| {
            looked.entries += 1;
            apart.apply(sequence, entry)?;
            pace.step(1)?;
            Ok::<_, Wrong>(())
        };
        ledger.reader.read_all(from + 1, through, replay)?;
        for name in accounts.names(part, parts) {
            let Some(here) = accounts.with_account_named(&name, |account| account.clone()) else {
                continue;
            };
            let there = apart.take(&name);
            let now = ledger.authoriser.clock.now();
            let live = ledger.authoriser.vault.live();
            let freed = |mut account: Account| {
                account.forget_keys(|key| live.are(key));
                account
            };
            let (here, there) = (freed(here), there.map(freed));
            match compare(&here, there.as_ref(), through, now)? {
                Seen::Same => looked.same += 1,
                Seen::MovedOn => looked.moved_on += 1,
            }
            pace.step(1).map_err(|Stopped| ScrubError::Stopping)?;
        }
        let here = ledger.authoriser.operator_log.last();
        compare_logs(here, apart.last_operated(), through)?;
        match apart.rest().next() {
            None => Ok(looked),
            Some(account) => Err(ScrubError::Differs {
                entry: account.last_sequence(),
                what: "memory has none",
            }),
        }
    }
}

/// What ends the process.
fn failure(error: ScrubError) -> Failure {
    match error {
        ScrubError::Store(error) => OpenError::Journal(error).into(),
        ScrubError::Differs { .. } | ScrubError::LogDiffers { .. } | ScrubError::Stopping => {
            Failure::new(Reason::Damaged, error.to_string())
        }
    }
}

/// Holds an account in memory against the one that was made anew from all entries up to `through`.
fn compare(
    here: &Account,
    there: Option<&Account>,
    through: u64,
    now: Timestamp,
) -> Result<Seen, ScrubError> {
    let entry = here.last_sequence();
    if entry > through {
        return Ok(Seen::MovedOn);
    }
    let differs = |what| Err(ScrubError::Differs { entry, what });
    let Some(there) = there else {
        return differs("the store has none");
    };
    if there.last_sequence() != entry {
        return differs("they have not seen the same entries");
    }
    // What is over is forgotten when an entry comes or a snapshot is taken: here and there at other moments.
    let is_same = [now, NEVER].into_iter().any(|at| {
        let [here, there] = [here, there].map(|account| {
            let mut account = account.clone();
            account.forget_what_is_over(at);
            account
        });
        here == there
    });
    match is_same {
        true => Ok(Seen::Same),
        false if here.usage() != there.usage() => differs("what is used of the limits"),
        false if here.cards() != there.cards() => differs("its cards"),
        false => differs("its state"),
    }
}

/// Holds where the operator log ends in memory against where it ends by all entries up to `through`.
fn compare_logs(here: u64, there: u64, through: u64) -> Result<(), ScrubError> {
    if here == there || here > through {
        return Ok(());
    }
    Err(ScrubError::LogDiffers { here, there })
}

/// Work that rests again and again, and ends when it is told to.
struct Pace<'a> {
    stop: &'a AtomicBool,
    done: usize,
    stretch: Stretch,
}

/// It was told to end.
#[derive(Debug, thiserror::Error)]
#[error("the server is stopping")]
struct Stopped;

impl<'a> Pace<'a> {
    fn new(stop: &'a AtomicBool) -> Self {
        Self {
            stop,
            done: 0,
            stretch: Stretch::begin(),
        }
    }

    /// Counts so many accounts or entries, and rests when it was a slice.
    fn step(&mut self, done: usize) -> Result<(), Stopped> {
        self.done += done;
        if self.done >= SLICE {
            self.done = 0;
            if self.stop.load(Ordering::Relaxed) {
                return Err(Stopped);
            }
            self.stretch.rest(REST);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
