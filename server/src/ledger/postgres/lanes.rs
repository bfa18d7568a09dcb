//! Lanes: connections that each send one batch at a time. An account is always of the same lane, so that two
//! batches of one node never wait for each other's rows.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_postgres::Error;

use super::address::Address;
use super::batch::Became;
use super::connection::{Backend, NotConnected, OPEN_LIMIT, said};
use super::held::{Held, Hold};
use super::merged::{Asked, Merged, Outcome, Tell};
use super::pauses::{Pause, rest};
use super::ready::Ready;
use super::verdict::Verdict;
use super::{Row, found};
use crate::clock::monotonic;

/// How lanes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneOptions {
    /// How many.
    pub lanes: NonZeroUsize,
    /// Accounts in one statement at most.
    pub accounts: usize,
    /// Bytes of states and entries in one statement beyond which no more is taken.
    pub bytes: usize,
    /// How long a batch is tried again, and looked for after its connection was lost.
    pub patience: Duration,
    /// What may wait for a lane at most; beyond it is refused.
    pub inbox: usize,
}

impl Default for LaneOptions {
    fn default() -> Self {
        const FOUR: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
        Self {
            lanes: FOUR,
            accounts: 256,
            bytes: 1 << 20,
            patience: Duration::from_secs(5),
            inbox: 32_768,
        }
    }
}

/// Why nothing goes through a lane whose task is no more.
const ENDED: &str = "a lane to the database has ended: start the server again";

/// Ways to the database. They end once this is dropped and all that was asked is told.
#[derive(Debug)]
pub struct Lanes {
    inboxes: Vec<Sender<Asked>>,
    holds: Vec<Hold>,
}

impl Lanes {
    /// Connects all of them. Their tasks run where this is called.
    pub async fn open(address: &Address, options: LaneOptions) -> Result<Self, NotConnected> {
        let mut inboxes = Vec::with_capacity(options.lanes.get());
        for _ in 0..options.lanes.get() {
            let ready = Ready::open(address, OPEN_LIMIT).await?;
            let (inbox, lane) = Lane::new(address, options, Some(ready));
            tokio::spawn(lane.run());
            inboxes.push(inbox);
        }
        let hold = |_| Hold::start(Lane::new(address, options, None).1);
        let holds = (0..options.lanes.get()).map(hold).collect();
        Ok(Self { inboxes, holds })
    }

    /// Waits until an account's row is held for a call, which is to decide over it at once: of an account that
    /// other nodes decide over too. `known` is the version of it in memory. None if it cannot be had, or is not
    /// there: decide without.
    pub async fn hold(&self, account: &str, known: u64) -> Option<Held> {
        let hold = of_lane(&self.holds, account)?;
        hold.hold(account, known).await
    }

    /// Makes one account's entries durable, if it is still as it was decided over. What is asked for one account
    /// is sent in the order of these calls: make them under its lock. It goes on if nobody waits.
    pub fn commit(&self, row: Row) -> impl Future<Output = Outcome> + Send + use<> {
        let (tell, told) = oneshot::channel();
        let tell = Tell::new(move |outcome| drop(tell.send(outcome)));
        let refused = self.send(row, tell).err();
        async move {
            match refused {
                Some((why, _tell)) => Outcome::Refused(why.to_owned()),
                None => told.await.unwrap_or(Outcome::Unknown),
            }
        }
    }

    /// The same, and tells what became of it where the lane works. An error was not sent, and is told by whoever
    /// called this.
    pub(crate) fn send(&self, row: Row, tell: Tell) -> Result<(), (&'static str, Tell)> {
        let asked = Asked { row, tell };
        let asked = match of_lane(&self.holds, &asked.row.account) {
            Some(hold) => hold.take(asked),
            None => Some(asked),
        };
        let Some(asked) = asked else {
            return Ok(());
        };
        let Some(inbox) = of_lane(&self.inboxes, &asked.row.account) else {
            return Err((ENDED, asked.tell));
        };
        inbox.try_send(asked).map_err(|error| match error {
            TrySendError::Full(asked) => {
                ("more waits for the database than it can take", asked.tell)
            }
            TrySendError::Closed(asked) => (ENDED, asked.tell),
        })
    }
}

/// What an account has one of for each lane.
fn of_lane<'a, T>(lanes: &'a [T], account: &str) -> Option<&'a T> {
    let mut hasher = DefaultHasher::new();
    account.hash(&mut hasher);
    let lane = hasher.finish().checked_rem(lanes.len() as u64)?;
    usize::try_from(lane).ok().and_then(|at| lanes.get(at))
}

#[derive(Debug)]
pub(super) struct Lane {
    address: Address,
    pub(super) options: LaneOptions,
    asked: Receiver<Asked>,
    /// What could not be in the batches so far.
    pub(super) later: VecDeque<Asked>,
    pub(super) ready: Option<Ready>,
    /// Who worked for a session that was given up. A backend that waits for a replica does not see that its
    /// client has gone: until it is done nothing is sent, or each batch would leave another.
    pub(super) left: Option<Backend>,
}

/// What became of a whole batch.
enum Sent {
    Told(Vec<Became>),
    Refused(String),
    /// Nothing was written, for want of one of its rows.
    OneIsAtFault(String),
    /// Nothing was sent, and nothing would be now.
    Unreachable(String),
    /// The connection was lost, or a warning came with the answer.
    Doubtful,
}

impl Lane {
    /// A lane, and where what is asked of it goes in.
    fn new(address: &Address, options: LaneOptions, ready: Option<Ready>) -> (Sender<Asked>, Self) {
        let (inbox, asked) = channel(options.inbox.max(1));
        let lane = Self {
            address: address.clone(),
            options,
            asked,
            later: VecDeque::new(),
            ready,
            left: None,
        };
        (inbox, lane)
    }

    async fn run(mut self) {
        loop {
            let first = match self.later.pop_front() {
                Some(first) => first,
                None => match self.asked.recv().await {
                    Some(first) => first,
                    None => return,
                },
            };
            let batch = self.gather(first);
            let (rows, began) = (batch.rows().len(), monotonic());
            self.deliver(batch).await;
            let took = monotonic().saturating_duration_since(began);
            let waiting = self.asked.len().saturating_add(self.later.len());
            let is_full = waiting >= self.options.accounts;
            if let Some(rest) = rest(rows, took).filter(|_| !is_full) {
                sleep(rest).await;
            }
        }
    }

    /// What there is to be sent at once.
    fn gather(&mut self, first: Asked) -> Merged {
        let LaneOptions {
            accounts, bytes, ..
        } = self.options;
        let mut batch = Merged::default();
        let mut later = VecDeque::new();
        let mut next = Some(first);
        while let Some(asked) = next {
            later.extend(batch.take(asked));
            let has_room = batch.rows().len() < accounts && batch.bytes() < bytes;
            next = if has_room && later.len() < accounts {
                let next = self.later.pop_front();
                next.or_else(|| self.asked.try_recv().ok())
            } else {
                None
            };
        }
        later.append(&mut self.later);
        self.later = later;
        batch
    }

    /// Sends what could not be in the batches so far.
    pub(super) async fn deliver_later(&mut self) {
        while let Some(first) = self.later.pop_front() {
            let batch = self.gather(first);
            self.deliver(batch).await;
        }
    }

    /// Lets go of rows that are held.
    pub(super) async fn let_go(&mut self) {
        if let Some(mut ready) = self.ready.take() {
            let let_go = timeout(Duration::from_secs(1), ready.let_go()).await;
            self.ready = matches!(let_go, Ok(Ok(()))).then_some(ready);
        }
    }

    /// Sends a batch, in parts where one of its rows is at fault, and tells whoever waits.
    pub(super) async fn deliver(&mut self, batch: Merged) {
        let until = monotonic() + self.options.patience;
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let refused = |why: String| move |_| Outcome::Refused(why.clone());
            match self.send(part.rows(), until).await {
                Sent::Told(became) => part.tell(became),
                Sent::Refused(why) => part.tell_each(refused(why)),
                Sent::OneIsAtFault(why) => match part.halve() {
                    Some(other) => parts.extend([other, part]),
                    None => part.tell_each(refused(why)),
                },
                Sent::Unreachable(why) => {
                    self.refuse_all(&why);
                    part.tell_each(refused(why));
                }
                Sent::Doubtful => {
                    let found = self.look_for(part.rows(), until).await;
                    part.tell_each(|number| match found.get(number) {
                        Some(true) => Outcome::Durable,
                        Some(false) | None => Outcome::Unknown,
                    });
                }
            }
        }
    }

    /// Says no to all that waits now: none of it would fare better.
    fn refuse_all(&mut self, why: &str) {
        while let Some(asked) = self
            .later
            .pop_front()
            .or_else(|| self.asked.try_recv().ok())
        {
            asked.refuse(why);
        }
    }

    /// Sends rows, again where the database says that it wrote nothing and why that may pass.
    async fn send(&mut self, rows: &[Row], until: Instant) -> Sent {
        let mut pause = Pause::new();
        loop {
            let mut ready = match self.free(until).await {
                Ok(ready) => ready,
                Err(why) => return Sent::Unreachable(why),
            };
            ready.session.take_warned();
            let answered = timeout(patience(until), ready.commit(rows)).await;
            let warned = ready.session.take_warned();
            let error = match answered {
                Ok(Ok(became)) => {
                    self.ready = Some(ready);
                    return if warned {
                        Sent::Doubtful
                    } else {
                        Sent::Told(became)
                    };
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    tracing::warn!("the database does not answer: its connection is given up");
                    self.left = Some(ready.session.backend());
                    return Sent::Doubtful;
                }
            };
            let told = said(&error);
            match Verdict::of(&error) {
                Verdict::Doubtful => {
                    tracing::warn!(error = told, "a connection to the database is lost");
                    self.left = Some(ready.session.backend());
                    return Sent::Doubtful;
                }
                Verdict::Reopen => {
                    tracing::warn!(error = told, "a session with the database is opened again");
                    self.address.pass_over();
                }
                Verdict::Fault if rows.len() > 1 => {
                    self.ready = Some(ready);
                    return Sent::OneIsAtFault(told);
                }
                Verdict::Again => self.ready = Some(ready),
                Verdict::Fault | Verdict::Refused => {
                    self.ready = Some(ready);
                    return Sent::Refused(told);
                }
            }
            if monotonic() >= until {
                return Sent::Refused(told);
            }
            pause.wait().await;
        }
    }

    /// The session, once nothing of one that was given up is at work: nothing was sent if there is none. Whoever
    /// takes it puts it back if it is still good.
    pub(super) async fn free(&mut self, until: Instant) -> Result<Ready, String> {
        let ready = self.ready(until).await;
        let mut ready = ready.map_err(|error| format!("no connection to the database: {error}"))?;
        let free = async {
            if let Some(left) = self.left
                && ready.session.is_at_work(left).await?
            {
                return Ok(false);
            }
            ready.settle().await?;
            Ok::<_, Error>(true)
        };
        match timeout(patience(until), free).await {
            Ok(Ok(true)) => {
                self.left = None;
                Ok(ready)
            }
            Ok(Ok(false)) => {
                self.ready = Some(ready);
                Err("an earlier commit still waits, perhaps for a replica".to_owned())
            }
            Ok(Err(error)) => Err(said(&error)),
            Err(_) => Err("the database does not answer".to_owned()),
        }
    }

    /// The session, opened again if need be.
    async fn ready(&mut self, until: Instant) -> Result<Ready, NotConnected> {
        let there = self.ready.take();
        if let Some(ready) = there.filter(|ready| !ready.session.is_closed()) {
            return Ok(ready);
        }
        let mut pause = Pause::new();
        loop {
            match Ready::open(&self.address, patience(until)).await {
                Ok(ready) => return Ok(ready),
                Err(error) if monotonic() >= until => return Err(error),
                Err(_) => pause.wait().await,
            }
        }
    }

    /// For each row, whether what was sent of it is there and will stay; nothing if that cannot be found out
    /// (decision 0034, 4: that it is not there proves nothing).
    async fn look_for(&mut self, rows: &[Row], until: Instant) -> Vec<bool> {
        let mut pause = Pause::new();
        loop {
            if let Ok(ready) = self.free(until).await {
                match timeout(patience(until), found::which(&ready.session, rows)).await {
                    Ok(Ok(found)) => {
                        self.ready = Some(ready);
                        if let Some(found) = found {
                            return found;
                        }
                    }
                    Ok(Err(_)) | Err(_) => self.left = Some(ready.session.backend()),
                }
            }
            if monotonic() >= until {
                return Vec::new();
            }
            pause.wait().await;
        }
    }
}

/// How long an answer is waited for.
fn patience(until: Instant) -> Duration {
    until.saturating_duration_since(monotonic()) + Duration::from_secs(1)
}
