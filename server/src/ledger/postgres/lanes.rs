//! Lanes: connections that each send one batch at a time. An account is always of the same lane, so that two
//! batches of one node never wait for each other's rows.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};

use super::address::Address;
use super::batch::{Became, CommitStatement};
use super::connection::{NotConnected, Session, said};
use super::merged::{Asked, Merged, Outcome};
use super::{Row, found};
use crate::clock::monotonic;
use crate::vault::random_bits;

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
}

impl Default for LaneOptions {
    fn default() -> Self {
        const FOUR: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
        Self {
            lanes: FOUR,
            accounts: 256,
            bytes: 1 << 20,
            patience: Duration::from_secs(5),
        }
    }
}

/// Ways to the database. They end once this is dropped and all that was asked is told.
#[derive(Debug)]
pub struct Lanes {
    inboxes: Vec<UnboundedSender<Asked>>,
}

impl Lanes {
    /// Connects all of them. Their tasks run where this is called.
    pub async fn open(address: &Address, options: LaneOptions) -> Result<Self, NotConnected> {
        let mut inboxes = Vec::with_capacity(options.lanes.get());
        for _ in 0..options.lanes.get() {
            let ready = Ready::open(address, options.patience).await?;
            let (inbox, asked) = unbounded_channel();
            let lane = Lane {
                address: address.clone(),
                options,
                asked,
                ready: Some(ready),
            };
            tokio::spawn(lane.run());
            inboxes.push(inbox);
        }
        Ok(Self { inboxes })
    }

    /// Makes one account's entries durable, if it is still as it was decided over. What is asked for one account
    /// is sent in the order of these calls: make them under its lock. It goes on if nobody waits.
    pub fn commit(&self, row: Row) -> impl Future<Output = Outcome> + Send + use<> {
        let mut hasher = DefaultHasher::new();
        row.account.hash(&mut hasher);
        let lanes = self.inboxes.len() as u64;
        let lane = hasher.finish().checked_rem(lanes).unwrap_or_default();
        let (tell, told) = oneshot::channel();
        if let Some(inbox) = usize::try_from(lane)
            .ok()
            .and_then(|at| self.inboxes.get(at))
        {
            drop(inbox.send(Asked { row, tell }));
        }
        // A lane that panicked says nothing of what it had sent.
        async move { told.await.unwrap_or(Outcome::Unknown) }
    }
}

/// A session with its statement.
#[derive(Debug)]
struct Ready {
    session: Session,
    statement: CommitStatement,
}

impl Ready {
    async fn open(address: &Address, limit: Duration) -> Result<Self, NotConnected> {
        let session = Session::open_within(limit, address).await?;
        let statement = CommitStatement::prepare(session.client()).await?;
        Ok(Self { session, statement })
    }

    async fn commit(&self, rows: &[Row]) -> Result<Vec<Became>, Error> {
        self.statement.commit(self.session.client(), rows).await
    }
}

#[derive(Debug)]
struct Lane {
    address: Address,
    options: LaneOptions,
    asked: UnboundedReceiver<Asked>,
    ready: Option<Ready>,
}

/// What became of a whole batch.
enum Sent {
    Told(Vec<Became>),
    Refused(String),
    /// The connection was lost, or a warning came with the answer.
    Doubtful,
}

impl Lane {
    async fn run(mut self) {
        let mut batch = Merged::default();
        while let Some(first) = self.asked.recv().await {
            batch.take(first);
            while batch.rows().len() < self.options.accounts && batch.bytes() < self.options.bytes {
                let Ok(next) = self.asked.try_recv() else {
                    break;
                };
                batch.take(next);
            }
            let until = monotonic() + self.options.patience;
            match self.send(&batch, until).await {
                Sent::Told(became) => batch.tell(became),
                Sent::Refused(why) => batch.tell_each(|_| Outcome::Refused(why.clone())),
                Sent::Doubtful => {
                    let found = self.look_for(&batch, until).await;
                    batch.tell_each(|number| match found.get(number) {
                        Some(true) => Outcome::Durable,
                        Some(false) | None => Outcome::Unknown,
                    });
                }
            }
        }
    }

    /// Sends a batch, again where the database says that it wrote nothing and why that may pass.
    async fn send(&mut self, batch: &Merged, until: Instant) -> Sent {
        let mut pause = Pause::new();
        loop {
            let ready = match self.ready(until).await {
                Ok(ready) => ready,
                Err(error) => {
                    return Sent::Refused(format!("no connection to the database: {error}"));
                }
            };
            ready.session.take_warned();
            let answered = timeout(patience(until), ready.commit(batch.rows())).await;
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
                    return Sent::Doubtful;
                }
            };
            match Verdict::of(&error) {
                Verdict::Again if monotonic() < until => {
                    self.ready = Some(ready);
                    pause.wait().await;
                }
                Verdict::Again | Verdict::Refused => {
                    self.ready = Some(ready);
                    return Sent::Refused(said(&error));
                }
                Verdict::Doubtful => {
                    tracing::warn!(error = said(&error), "a connection to the database is lost");
                    return Sent::Doubtful;
                }
            }
        }
    }

    /// The session, opened again if need be. Whoever takes it puts it back if it is still good.
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
    async fn look_for(&mut self, batch: &Merged, until: Instant) -> Vec<bool> {
        while let Ok(ready) = self.ready(until).await {
            let looked = found::which(&ready.session, batch.rows());
            match timeout(patience(until), looked).await {
                Ok(Ok(Some(found))) => {
                    self.ready = Some(ready);
                    return found;
                }
                Ok(Ok(None) | Err(_)) | Err(_) if monotonic() >= until => break,
                Ok(Ok(None)) => self.ready = Some(ready),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Vec::new()
    }
}

/// How long an answer is waited for.
fn patience(until: Instant) -> Duration {
    until.saturating_duration_since(monotonic()) + Duration::from_secs(1)
}

/// What an error says of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing was written, and it may be later.
    Again,
    /// Nothing was written.
    Refused,
    /// Not known.
    Doubtful,
}

impl Verdict {
    fn of(error: &Error) -> Self {
        let Some(said) = error.as_db_error() else {
            return Self::Doubtful;
        };
        // FATAL and PANIC end the session, wherever it was.
        if said.parsed_severity() != Some(Severity::Error) {
            return Self::Doubtful;
        }
        let code = said.code();
        let passes = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        if passes.contains(code) {
            Self::Again
        } else if *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN {
            Self::Doubtful
        } else {
            Self::Refused
        }
    }
}

/// Pauses, each longer than the one before it, and never as long as somebody else's.
struct Pause(Duration);

impl Pause {
    const fn new() -> Self {
        Self(Duration::from_millis(2))
    }

    async fn wait(&mut self) {
        const LONGEST: Duration = Duration::from_millis(250);
        // Without randomness it is as long as everybody's.
        let share = random_bits().unwrap_or_default() % 1_000;
        let share = u32::try_from(share).unwrap_or_default();
        sleep(self.0 / 2 + self.0 * share / 2_000).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
