//! What issuers are owed: advices of reversals and of payments that were approved in their place
//! (D16, D17). Each is kept until its issuer has taken it, and sent again with growing waits.

mod lane;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;
use tokio::sync::Notify;
use waika_domain::card::Scheme;
use waika_domain::event::{IssuerKind, Owed, Transaction, TransactionId};
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;

use self::lane::Lane;
use crate::clock::monotonic;

/// The first wait after an attempt that failed. Each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The wait after so many attempts that failed, one after the other.
pub(crate) fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let wait = FIRST_WAIT.saturating_mul(1 << doublings);
    wait.min(LONGEST_WAIT)
}

/// Something that an issuer is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwedAdvice {
    /// What.
    pub(crate) owed: Owed,
    /// Whose payment it is about.
    pub(crate) account: AccountId,
    /// When it was first owed.
    pub(crate) since: Timestamp,
}

impl OwedAdvice {
    /// Its name for the issuer, the same each time that it is sent. `sequence` is that of the event since
    /// which it is owed.
    pub(crate) fn name(&self, sequence: u64) -> String {
        format!("{}-{sequence}", self.owed.transaction.id)
    }
}

/// An advice with how its sending goes.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// The sequence of the event since which it is owed.
    pub(crate) sequence: u64,
    pub(crate) advice: Arc<OwedAdvice>,
    /// Attempts since this server started.
    pub(crate) attempts: u32,
    /// How long until it is sent again, if not before.
    pub(crate) next_in: Duration,
    /// What became of the last attempt.
    pub(crate) last_error: Option<Arc<str>>,
}

/// An advice to send now.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) sequence: u64,
    pub(crate) advice: Arc<OwedAdvice>,
    /// It was sent before, perhaps.
    pub(crate) repeat: bool,
}

#[derive(Debug)]
struct Entry {
    advice: Arc<OwedAdvice>,
    attempts: u32,
    /// A start forgets the attempts, but not that there may have been some.
    repeat: bool,
    /// None while it is being sent, or while an earlier one of its transaction is owed.
    due_at: Option<Instant>,
    last_error: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Queue {
    advices: BTreeMap<u64, Entry>,
    /// The advices of each transaction: they are sent one after the other, in their order.
    of_transaction: HashMap<TransactionId, BTreeSet<u64>>,
    lanes: [Lane; LANES],
}

impl Queue {
    fn listed(&self, sequence: u64, entry: &Entry, now: Instant) -> Listed {
        let lane = self.lanes.get(lane_of(entry.advice.owed.transaction));
        let at = entry.due_at.max(lane.and_then(Lane::paused_until));
        let of_lane = lane.and_then(Lane::last_error);
        Listed {
            sequence,
            advice: Arc::clone(&entry.advice),
            attempts: entry.attempts,
            next_in: at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now)),
            last_error: entry.last_error.clone().or(of_lane),
        }
    }
}

/// One for each scheme of a remote issuer, and one for the sandbox inside the process.
const LANES: usize = 6;

fn lane_of(transaction: Transaction) -> usize {
    match (transaction.issuer, transaction.scheme) {
        (IssuerKind::Sandbox, _) => 0,
        (IssuerKind::Remote, Scheme::Visa) => 1,
        (IssuerKind::Remote, Scheme::Mastercard) => 2,
        (IssuerKind::Remote, Scheme::DinersClub) => 3,
        (IssuerKind::Remote, Scheme::Discover) => 4,
        (IssuerKind::Remote, Scheme::Jcb) => 5,
    }
}

/// Every advice that is owed, by the sequence of the event since which it is.
pub(crate) struct OwedAdvices {
    queue: Mutex<Queue>,
    /// There may be something to send.
    changed: Notify,
    owed: Gauge,
    taken: Counter,
    failed: Counter,
}

impl std::fmt::Debug for OwedAdvices {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OwedAdvices")
    }
}

impl Default for OwedAdvices {
    fn default() -> Self {
        Self {
            queue: Mutex::default(),
            changed: Notify::new(),
            owed: gauge!("waika_advices_owed"),
            taken: counter!("waika_advices_sent_total", "outcome" => "taken"),
            failed: counter!("waika_advices_sent_total", "outcome" => "failed"),
        }
    }
}

impl OwedAdvices {
    /// Notes an advice since an event. One that is known stays as it is.
    pub(crate) fn owe(&self, sequence: u64, advice: OwedAdvice) {
        self.insert(sequence, advice, false);
        self.changed.notify_one();
    }

    /// Puts back what a snapshot kept.
    pub(crate) fn restore(&self, sequence: u64, advice: OwedAdvice) {
        self.insert(sequence, advice, true);
    }

    /// From now on everything may have been sent before: what was owed when a server stopped.
    pub(crate) fn all_may_have_been_sent(&self) {
        let mut queue = self.queue.lock();
        for entry in queue.advices.values_mut() {
            entry.repeat = true;
        }
    }

    fn insert(&self, sequence: u64, advice: OwedAdvice, repeat: bool) {
        let mut queue = self.queue.lock();
        let Queue {
            advices,
            of_transaction,
            lanes,
        } = &mut *queue;
        let transaction = advice.owed.transaction;
        let std::collections::btree_map::Entry::Vacant(vacant) = advices.entry(sequence) else {
            return;
        };
        let of_transaction = of_transaction.entry(transaction.id).or_default();
        let first = of_transaction.first().copied();
        of_transaction.insert(sequence);
        let is_first = of_transaction.first() == Some(&sequence);
        let due_at = is_first.then(monotonic);
        vacant.insert(Entry {
            advice: Arc::new(advice),
            attempts: 0,
            repeat,
            due_at,
            last_error: None,
        });
        if let (Some(lane), Some(at)) = (lanes.get_mut(lane_of(transaction)), due_at) {
            lane.add(sequence, at);
            // A snapshot is loaded in any order: whatever was the first waits behind this one now.
            let later = first.and_then(|first| Some((first, advices.get_mut(&first)?)));
            if let Some((later, at)) =
                later.and_then(|(first, entry)| Some((first, entry.due_at.take()?)))
            {
                lane.remove(later, at);
            }
        }
        self.tell_size(advices.len());
    }

    /// Strikes an advice off, which its issuer has taken.
    pub(crate) fn pay_off(&self, sequence: u64) {
        let mut queue = self.queue.lock();
        let Queue {
            advices,
            of_transaction,
            lanes,
        } = &mut *queue;
        let Some(entry) = advices.remove(&sequence) else {
            return;
        };
        self.tell_size(advices.len());
        let transaction = entry.advice.owed.transaction;
        let lane = lanes.get_mut(lane_of(transaction));
        let Some(others) = of_transaction.get_mut(&transaction.id) else {
            return;
        };
        others.remove(&sequence);
        let Some(&next) = others.first() else {
            of_transaction.remove(&transaction.id);
            if let (Some(lane), Some(at)) = (lane, entry.due_at) {
                lane.remove(sequence, at);
            }
            return;
        };
        let now = monotonic();
        if let (Some(lane), Some(next_entry)) = (lane, advices.get_mut(&next)) {
            if let Some(at) = entry.due_at {
                lane.remove(sequence, at);
            }
            if let Some(at) = next_entry.due_at.replace(now) {
                lane.remove(next, at);
            }
            lane.add(next, now);
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Takes what is to be sent now, of each lane as much as it may have under way, and how long until
    /// more is due if nothing else happens.
    pub(crate) fn take_due(&self) -> (Vec<Due>, Option<Duration>) {
        let now = monotonic();
        let mut queue = self.queue.lock();
        let Queue { advices, lanes, .. } = &mut *queue;
        let mut due = Vec::new();
        for lane in &mut *lanes {
            while let Some(sequence) = lane.take(now) {
                let Some(entry) = advices.get_mut(&sequence) else {
                    lane.ended();
                    continue;
                };
                entry.due_at = None;
                due.push(Due {
                    sequence,
                    advice: Arc::clone(&entry.advice),
                    repeat: entry.repeat,
                });
                entry.repeat = true;
            }
        }
        let next = lanes.iter().filter_map(|lane| lane.next_at(now)).min();
        (due, next.map(|at| at.saturating_duration_since(now)))
    }

    /// An attempt failed: it is sent again after a while. If nobody answered, everything else of its
    /// lane waits too.
    pub(crate) fn put_off(&self, sequence: u64, error: &str, answered: bool) {
        self.failed.increment(1);
        let now = monotonic();
        let mut queue = self.queue.lock();
        let Queue { advices, lanes, .. } = &mut *queue;
        let Some(entry) = advices.get_mut(&sequence) else {
            return;
        };
        entry.attempts = entry.attempts.saturating_add(1);
        entry.last_error = Some(error.into());
        let at = now + wait_after(entry.attempts);
        if let Some(lane) = lanes.get_mut(lane_of(entry.advice.owed.transaction)) {
            if answered {
                lane.heard();
            } else {
                lane.failed(now, entry.last_error.as_ref());
            }
            entry.due_at = Some(at);
            lane.add(sequence, at);
        }
    }

    /// An attempt succeeded: its lane waits for nothing any more.
    pub(crate) fn heard(&self, transaction: Transaction) {
        self.taken.increment(1);
        let mut queue = self.queue.lock();
        if let Some(lane) = queue.lanes.get_mut(lane_of(transaction)) {
            lane.heard();
        }
    }

    /// Waits until there may be something more to send.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// True until its issuer has taken it.
    pub(crate) fn is_owed(&self, sequence: u64) -> bool {
        self.queue.lock().advices.contains_key(&sequence)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.queue.lock().advices.len()
    }

    /// How many there are of a remote issuer.
    pub(crate) fn len_remote(&self) -> usize {
        let queue = self.queue.lock();
        let remote = |entry: &&Entry| entry.advice.owed.transaction.issuer == IssuerKind::Remote;
        queue.advices.values().filter(remote).count()
    }

    /// All of them, for a snapshot.
    pub(crate) fn all(&self) -> Vec<(u64, Arc<OwedAdvice>)> {
        let queue = self.queue.lock();
        let advices = queue.advices.iter();
        advices
            .map(|(sequence, entry)| (*sequence, Arc::clone(&entry.advice)))
            .collect()
    }

    /// At most so many after one, oldest first.
    pub(crate) fn after(&self, after: u64, most: usize) -> Vec<Listed> {
        let now = monotonic();
        let queue = self.queue.lock();
        let range = (Bound::Excluded(after), Bound::Unbounded);
        let listed = queue.advices.range(range).take(most);
        listed
            .map(|(&sequence, entry)| queue.listed(sequence, entry, now))
            .collect()
    }

    /// One that may be another server's to send: how that goes is not known here.
    pub(crate) fn listed(&self, sequence: u64, advice: OwedAdvice) -> Listed {
        let queue = self.queue.lock();
        match queue.advices.get(&sequence) {
            Some(entry) => queue.listed(sequence, entry, monotonic()),
            None => Listed {
                sequence,
                advice: Arc::new(advice),
                attempts: 0,
                next_in: Duration::ZERO,
                last_error: None,
            },
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    fn tell_size(&self, size: usize) {
        self.owed.set(size as f64);
    }
}

#[cfg(test)]
#[path = "owed/tests.rs"]
mod tests;
