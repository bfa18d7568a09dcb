//! Moves used keys out of memory in the background, so that they can be kept for a day at any rate
//! (D18): the oldest half into a run, many runs into one, and away what was kept long enough.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::{Gauge, gauge};
use parking_lot::Mutex;
use waika_domain::policy::Policy;

use super::Ledger;
use super::background::{Stretch, give_way};
use super::journal::{DiskError, KeyRun, KeyRuns, OpenError, Span};
use crate::authoriser::Authoriser;
use crate::clock::{machine, monotonic};
use crate::idempotency::Idempotency;

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After a failure nothing is tried for so long: a full disk stays full for a while.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Keys between two rests.
const SLICE: usize = 16_384;
/// Runs that are made one, when so many have fewer keys than that.
const MERGED: usize = 8;
const MERGED_KEYS: u64 = 32 << 20;
/// Keys are kept for a day at least after the last of their run was used (D18), by the machine's clock:
/// an operator who sets the other one ahead does not make yesterday of a minute ago.
pub(super) const LEAST_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Answers go first, but keys that stay in memory for long fill it.
const LESS_URGENT: i32 = 5;

/// How keys are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyKeeping {
    /// Keys in memory above which the oldest half is moved out.
    most_recent: u64,
    /// How long a run is kept at least.
    kept: Duration,
}

impl KeyKeeping {
    /// So many in memory, and all of them for a day.
    pub(super) fn of(most_recent: u64) -> Self {
        Self {
            most_recent,
            kept: LEAST_KEPT,
        }
    }
}

/// Why nothing was done. The index is as it was.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Run(#[from] OpenError),
    /// The server stops, or its store has failed.
    #[error("the server is stopping")]
    Stopping,
}

/// The thread, which ends with the ledger.
#[derive(Debug)]
pub(super) struct KeyKeeper {
    told: mpsc::Sender<Weak<Ledger>>,
    keeper: Arc<Keeper>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl KeyKeeper {
    /// Starts the thread, which waits for [`KeyKeeper::begin`].
    pub(super) fn start(runs: KeyRuns, keeping: KeyKeeping) -> std::io::Result<Self> {
        let (told, tells) = mpsc::channel();
        let keeper = Arc::new(Keeper {
            runs,
            keeping,
            stop: AtomicBool::new(false),
            recent: gauge!("waika_idempotency_keys", "tier" => "memory"),
            older: gauge!("waika_idempotency_keys", "tier" => "disk"),
            memory: gauge!("waika_older_keys_memory_bytes"),
            leftover: Mutex::default(),
        });
        let builder = thread::Builder::new().name("waika-keys".to_owned());
        let working = Arc::clone(&keeper);
        let thread = builder.spawn(move || working.run(&tells))?;
        Ok(Self {
            told,
            keeper,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Says whose keys they are.
    pub(super) fn begin(&self, ledger: &Arc<Ledger>) {
        // A thread that is gone has panicked, and that was logged.
        drop(self.told.send(Arc::downgrade(ledger)));
    }

    /// Gives up what is under way and ends the thread. Blocks for a moment.
    pub(super) fn close(&self) {
        self.keeper.stop.store(true, Ordering::Relaxed);
        drop(self.told.send(Weak::new()));
        if let Some(thread) = self.thread.lock().take() {
            // A panic in it was logged; keys stay in memory then, until there are too many.
            drop(thread.join());
        }
    }
}

/// Moves keys out of memory until so many are left, on this thread.
#[cfg(test)]
pub(super) fn keep_at_once(ledger: &Ledger, most_recent: u64) -> Result<(), String> {
    let keeper = Keeper {
        runs: ledger.key_keeper.keeper.runs.clone(),
        keeping: KeyKeeping::of(most_recent),
        stop: AtomicBool::new(false),
        recent: Gauge::noop(),
        older: Gauge::noop(),
        memory: Gauge::noop(),
        leftover: Mutex::default(),
    };
    keeper.keep(ledger).map_err(|error| error.to_string())
}

#[derive(Debug)]
struct Keeper {
    runs: KeyRuns,
    keeping: KeyKeeping,
    stop: AtomicBool,
    recent: Gauge,
    older: Gauge,
    memory: Gauge,
    /// Runs that were merged, and whose files could not be removed yet: as long as there are any, no
    /// other is, or one of them might be left alone.
    leftover: Mutex<Vec<Arc<KeyRun>>>,
}

impl Keeper {
    fn run(&self, tells: &mpsc::Receiver<Weak<Ledger>>) {
        give_way(LESS_URGENT);
        let Ok(ledger) = tells.recv() else { return };
        if let Some(ledger) = ledger.upgrade() {
            self.tell(&ledger.authoriser.idempotency);
        }
        let mut wait = LOOK_EVERY;
        while let Err(RecvTimeoutError::Timeout) = tells.recv_timeout(wait) {
            let Some(ledger) = ledger.upgrade() else {
                return;
            };
            wait = match self.keep(&ledger) {
                Ok(()) => LOOK_EVERY,
                Err(KeepError::Stopping) => return,
                Err(error) => {
                    tracing::warn!(%error, "used keys are not moved out of memory, merged or let go of for the present");
                    AFTER_FAILURE
                }
            };
        }
    }

    fn keep(&self, ledger: &Ledger) -> Result<(), KeepError> {
        let Authoriser {
            idempotency: index,
            policies,
            clock,
            ..
        } = &ledger.authoriser;
        let policy = policies.policy_at(clock.now());
        self.remove_leftover()?;
        self.let_go(index, &policy)?;
        // Before there is no room for any.
        let most_recent = self.keeping.most_recent.min(policy.most_keys / 2);
        while index.recent_keys() > most_recent && self.move_out(ledger)? {}
        self.merge(index)?;
        self.tell(index);
        Ok(())
    }

    fn tell(&self, index: &Idempotency) {
        self.recent.set(as_gauge(index.recent_keys()));
        self.older.set(as_gauge(index.older_keys()));
        self.memory.set(as_gauge(index.older_memory()));
    }

    /// Writes the oldest half of the keys in memory to a run, and forgets them here. False if there
    /// is nothing that could be moved.
    fn move_out(&self, ledger: &Ledger) -> Result<bool, KeepError> {
        let index = &ledger.authoriser.idempotency;
        let after = index.moved_out_through();
        let through = after + (ledger.queue.durable().saturating_sub(after)) / 2;
        if through == after {
            return Ok(false);
        }
        // What was appended by now is noted afterwards.
        ledger.authoriser.pass_every_lock();
        let begun_at = monotonic();
        let mut keys = index.answered_up_to(through);
        keys.retain(|key| {
            let is_in_a_run = key.sequence <= after;
            if is_in_a_run {
                index.forget(*key);
            }
            !is_in_a_run
        });
        keys.sort_unstable();
        let span = Span {
            after,
            through,
            put_in_ms: machine().unix_ms(),
        };
        let mut writer = self.runs.begin(span, keys.len() as u64)?;
        let mut pace = Pace::new(self);
        for slice in keys.chunks(SLICE) {
            for key in slice {
                writer.push(*key)?;
            }
            pace.rest()?;
        }
        let run = Arc::new(writer.publish()?);
        let mut runs = index.runs().runs().to_vec();
        runs.push(run);
        index.set_runs(runs);
        for slice in keys.chunks(SLICE) {
            for key in slice {
                index.forget(*key);
            }
            // They are in the run: nothing is lost if the server stops here.
            pace.rest()?;
        }
        tracing::info!(
            keys = keys.len(),
            through,
            took = ?begun_at.elapsed(),
            "used keys moved out of memory"
        );
        Ok(true)
    }

    /// Makes one of many short runs, for a new key asks them all.
    fn merge(&self, index: &Idempotency) -> Result<(), KeepError> {
        let asked = index.runs();
        let is_short = |run: &&Arc<KeyRun>| run.keys() < MERGED_KEYS;
        let short = asked.runs().iter().rev().take_while(is_short).count();
        let (long, short) = asked.runs().split_at(asked.runs().len() - short);
        if short.len() < MERGED {
            return Ok(());
        }
        let mut pace = Pace::new(self);
        let merged = self.runs.merge(short, &mut || pace.rest().is_ok())?;
        let merged = merged.ok_or(KeepError::Stopping)?;
        tracing::info!(
            run = merged.name(),
            keys = merged.keys(),
            "runs of used keys merged"
        );
        let runs = long.iter().cloned().chain([Arc::new(merged)]);
        index.set_runs(runs.collect());
        self.leftover.lock().extend_from_slice(short);
        self.remove_leftover()
    }

    fn remove_leftover(&self) -> Result<(), KeepError> {
        let mut leftover = self.leftover.lock();
        while let Some(run) = leftover.last() {
            self.runs.remove(run)?;
            leftover.pop();
        }
        Ok(())
    }

    /// Lets go of runs, oldest first, that were kept for a day, and while there is room until no payment
    /// of theirs can be reversed by its key any more (D13). The newest stays: it says how far they came.
    fn let_go(&self, index: &Idempotency, policy: &Policy) -> Result<(), KeepError> {
        let is_tight = index.room_taken() >= policy.most_keys / 4 * 3;
        let days = if is_tight {
            1
        } else {
            1 + u32::from(policy.settle_after_days)
        };
        let kept = self.keeping.kept.saturating_mul(days);
        let kept_ms = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        let oldest_ms = machine().unix_ms().saturating_sub(kept_ms);
        while let asked = index.runs()
            && let Some((oldest, newer)) = asked.runs().split_first()
            && !newer.is_empty()
            && oldest.span().put_in_ms < oldest_ms
        {
            tracing::info!(
                run = oldest.name(),
                keys = oldest.keys(),
                "used keys were kept for long enough"
            );
            self.runs.remove(oldest)?;
            index.set_runs(newer.to_vec());
        }
        Ok(())
    }
}

/// Work in slices with a rest as long between them.
struct Pace<'a> {
    stop: &'a AtomicBool,
    stretch: Stretch,
}

impl<'a> Pace<'a> {
    fn new(keeper: &'a Keeper) -> Self {
        Self {
            stop: &keeper.stop,
            stretch: Stretch::begin(),
        }
    }

    fn rest(&mut self) -> Result<(), KeepError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(KeepError::Stopping);
        }
        self.stretch.rest(1);
        Ok(())
    }
}

fn as_gauge(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
