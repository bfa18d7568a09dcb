//! Rows that a lane holds while it is decided over them: those of accounts that other nodes decide over too, so that
//! none of it is decided in vain (decision 0048).
//!
//! What makes a decision right is the version that it was decided over, here as anywhere: a lock that was lost, or a
//! decision that was made beside it, costs a conflict and nothing else.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::connection::said;
use super::lanes::Lane;
use super::merged::{Asked, Merged};
use crate::clock::monotonic;

/// A row is held no longer than this for those who decide over it: who comes later decides without.
const LONGEST: Duration = Duration::from_millis(250);
/// A row that is not had by then is decided over without it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Calls that decide over the rows of one turn at most.
const CALLS: usize = 1_024;

/// Rows by account: each with what it is, if that is not known.
pub(super) type Rows = HashMap<String, Option<Arc<tokio_postgres::Row>>>;

/// A row that is held for a call.
#[derive(Debug)]
pub struct Held {
    /// For as long as this lives.
    pub turn: Turn,
    /// The row, if it is not of the version that was known.
    pub newer: Option<Arc<tokio_postgres::Row>>,
    /// This call is the first of its account in this turn.
    pub is_first: bool,
}

/// A call that decides over a row that is held. The rows are written once all such are dropped.
#[derive(Debug)]
pub struct Turn {
    gate: Arc<Gate>,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut open = self.gate.open.lock();
        if let Some(open) = open.as_mut().filter(|open| open.number == self.number) {
            open.turns = open.turns.saturating_sub(1);
            if open.turns == 0 {
                self.gate.all_decided.notify_one();
            }
        }
    }
}

/// What is decided while rows are held.
#[derive(Debug)]
struct Open {
    /// Which turn of its lane.
    number: u64,
    rows: Arc<Rows>,
    /// Calls that have not decided yet.
    turns: usize,
    asked: Vec<Asked>,
}

/// Where decisions over rows that are held go in.
#[derive(Debug, Default)]
struct Gate {
    open: Mutex<Option<Open>>,
    all_decided: Notify,
}

impl Gate {
    fn is_deciding(&self) -> bool {
        let open = self.open.lock();
        open.as_ref().is_some_and(|open| open.turns > 0)
    }
}

/// A call that is to decide over an account.
#[derive(Debug)]
struct Wanted {
    account: String,
    /// The version that is in memory.
    known: u64,
    grant: oneshot::Sender<Held>,
}

/// The way to a lane that holds rows.
#[derive(Debug)]
pub(super) struct Hold {
    wanted: Sender<Wanted>,
    gate: Arc<Gate>,
}

impl Hold {
    /// Starts a lane that holds rows. It connects once one is wanted.
    pub(super) fn start(lane: Lane) -> Self {
        let (wanted, wants) = channel(lane.options.inbox.max(1));
        let gate = Arc::<Gate>::default();
        let holding = Holding {
            lane,
            wants,
            later: VecDeque::new(),
            gate: Arc::clone(&gate),
            number: 0,
            wrote: HashMap::new(),
        };
        tokio::spawn(holding.run());
        Self { wanted, gate }
    }

    /// Waits until an account's row is held for this call. None if it cannot be: decide without.
    pub(super) async fn hold(&self, account: &str, known: u64) -> Option<Held> {
        let (grant, granted) = oneshot::channel();
        let account = account.to_owned();
        let wanted = Wanted {
            account,
            known,
            grant,
        };
        self.wanted.try_send(wanted).ok()?;
        granted.await.ok()
    }

    /// Takes what was decided over a row that is held. Gives back what was not.
    pub(super) fn take(&self, asked: Asked) -> Option<Asked> {
        let mut open = self.gate.open.lock();
        match open.as_mut() {
            Some(open) if open.rows.contains_key(&asked.row.account) => {
                open.asked.push(asked);
                None
            }
            Some(_) | None => Some(asked),
        }
    }
}

/// A lane that holds rows.
#[derive(Debug)]
struct Holding {
    lane: Lane,
    wants: Receiver<Wanted>,
    /// Who has to wait for the next turn.
    later: VecDeque<Wanted>,
    gate: Arc<Gate>,
    number: u64,
    /// The versions that were written at the end of the last turn: who came during it could not know them.
    wrote: HashMap<String, u64>,
}

/// Of what nobody writes any more nothing is known.
impl Drop for Holding {
    fn drop(&mut self) {
        let open = self.gate.open.lock().take();
        drop(open);
    }
}

impl Holding {
    async fn run(mut self) {
        loop {
            let first = match self.later.pop_front() {
                Some(first) => first,
                None => match self.wants.recv().await {
                    Some(first) => first,
                    None => return,
                },
            };
            self.turn(first).await;
        }
    }

    /// Locks rows, has all calls that wait for them decide, and writes what they have decided.
    async fn turn(&mut self, first: Wanted) {
        let most = self.lane.options.accounts;
        let mut known = HashMap::from([(first.account.clone(), first.known)]);
        let mut wanted = vec![first];
        self.gather(&mut wanted, |next| {
            let has_room = known.len() < most || known.contains_key(&next.account);
            if has_room {
                known.entry(next.account.clone()).or_insert(next.known);
            }
            has_room
        });
        for (account, version) in self.wrote.drain() {
            let known = known.get_mut(&account);
            if let Some(known) = known.filter(|known| **known < version) {
                *known = version;
            }
        }
        let until = monotonic() + PATIENCE;
        let Some(rows) = self.lock(&known, until).await else {
            // What they want is not to be had: they decide without.
            self.later.clear();
            while self.wants.try_recv().is_ok() {}
            return;
        };
        // Who came while another node had the rows decides now.
        self.gather(&mut wanted, |next| rows.contains_key(&next.account));
        self.decide(wanted, Arc::new(rows)).await;
        let open = self.gate.open.lock().take();
        self.write(open.map(|open| open.asked).unwrap_or_default())
            .await;
    }

    /// Takes those who can be of this turn, while there is room.
    fn gather(&mut self, wanted: &mut Vec<Wanted>, mut can_be: impl FnMut(&Wanted) -> bool) {
        for next in std::mem::take(&mut self.later) {
            if wanted.len() < CALLS && can_be(&next) {
                wanted.push(next);
            } else {
                self.later.push_back(next);
            }
        }
        while wanted.len() < CALLS && self.later.len() < CALLS {
            match self.wants.try_recv() {
                Ok(next) if can_be(&next) => wanted.push(next),
                Ok(next) => self.later.push_back(next),
                Err(_) => return,
            }
        }
    }

    /// The rows, locked; each with what it is if that is not known. None if they cannot be had.
    async fn lock(&mut self, known: &HashMap<String, u64>, until: Instant) -> Option<Rows> {
        let mut ready = match self.lane.free(until).await {
            Ok(ready) => ready,
            Err(why) => {
                tracing::debug!(why, "rows cannot be held");
                return None;
            }
        };
        let rows = timeout(LONGEST + PATIENCE, ready.hold(known)).await;
        match rows {
            Ok(Ok(rows)) => {
                self.lane.ready = Some(ready);
                Some(rows)
            }
            Ok(Err(error)) => {
                tracing::debug!(error = said(&error), "rows cannot be held");
                self.lane.ready = Some(ready);
                self.lane.let_go().await;
                None
            }
            Err(_) => {
                self.lane.left = Some(ready.session.backend());
                None
            }
        }
    }

    /// Has calls decide over the rows, and waits until they have.
    async fn decide(&mut self, mut wanted: Vec<Wanted>, rows: Arc<Rows>) {
        self.number += 1;
        // Who wants a row that is not there decides without it.
        wanted.retain(|wanted| rows.contains_key(&wanted.account));
        *self.gate.open.lock() = Some(Open {
            number: self.number,
            rows: Arc::clone(&rows),
            turns: wanted.len(),
            asked: Vec::new(),
        });
        let mut seen = HashSet::new();
        for Wanted { account, grant, .. } in wanted {
            let held = Held {
                turn: Turn {
                    gate: Arc::clone(&self.gate),
                    number: self.number,
                },
                newer: rows.get(&account).cloned().flatten(),
                is_first: seen.insert(account),
            };
            // Who does not wait any more has decided.
            drop(grant.send(held));
        }
        let all = async {
            while self.gate.is_deciding() {
                self.gate.all_decided.notified().await;
            }
        };
        if timeout(LONGEST, all).await.is_err() {
            tracing::debug!("rows are held no longer for calls that have not decided");
        }
    }

    /// Writes what was decided, and lets the rows go.
    async fn write(&mut self, asked: Vec<Asked>) {
        let mut batch = Merged::default();
        for asked in asked {
            self.lane.later.extend(batch.take(asked));
        }
        let versions = batch.rows().iter();
        let versions = versions.map(|row| (row.account.clone(), row.version));
        self.wrote.extend(versions);
        if batch.rows().is_empty() {
            self.lane.let_go().await;
        } else {
            self.lane.deliver(batch).await;
        }
        // What was not decided over what was held.
        self.lane.deliver_later().await;
    }
}
