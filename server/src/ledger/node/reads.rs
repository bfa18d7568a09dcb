//! What is read of the database: by a few sessions with statements that are prepared once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use crate::ledger::LedgerError;
use crate::ledger::decode::{self, Stored};
use crate::ledger::postgres::{Address, Session, said};

/// Sessions: each takes many questions at a time, and a server answers one after the other.
const SESSIONS: usize = 4;
/// What takes longer than this is not there.
const LIMIT: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// An account that is newer than a version, and who else has its cards.
    Account,
    /// Who has one of these cards.
    Holders,
    /// The entry of a call.
    OfCall,
    /// The entry that ends another.
    Ending,
    /// An entry.
    Entry,
    /// Entries of an account, newest first.
    Walk,
    /// What changed some authorisations, with the account's version.
    About,
    /// What concerns no account, behind a sequence.
    Globals,
    /// What every node has to hear of, from a transaction on.
    ForAll,
    /// From which transaction on something may still come.
    Horizon,
    /// Whose a payment code is.
    Code,
    /// The operator log, newest first.
    Operated,
    /// Accounts with open tickets of a kind.
    Tickets,
    /// An account's version, and whether something of it is awaited still.
    Awaited,
    /// What nodes left behind that are gone.
    Orphans,
    /// What something has to follow, behind a sequence.
    Awaiting,
    /// Every entry of accounts, in order, behind one.
    All,
    /// Closed accounts of which this node, by its number, is to erase what is personal.
    ToErase,
    /// Writes entries of an account anew, unless they read so, and counts them.
    Erase,
    /// Waits for the replicas that a commit waits for.
    Confirm,
}

const ACCOUNT: &str = "account_id, version, month, month_used_fen, year, year_used_fen, state";

impl Question {
    const COUNT: usize = 20;

    /// Whole accounts are asked for by their columns.
    fn text(self) -> String {
        let account = |of: &str| {
            let names = ACCOUNT.split(", ").map(|name| format!("{of}.{name}"));
            names.collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Account => format!(
                "with a as (select * from account where account_id = $1::text and version > $2::bigint)
                 select {} from a union all
                 select {} from account o
                 where o.cards && (select cards from a) and o.account_id <> $1::text",
                account("a"),
                account("o")
            ),
            Self::Holders => format!("select {ACCOUNT} from account where cards && $1::bigint[]"),
            Self::Tickets => format!(
                "select {ACCOUNT} from account where open_tickets <> 0 and open_tickets & $1::smallint <> 0"
            ),
            other => other.plain().to_owned(),
        }
    }

    fn plain(self) -> &'static str {
        match self {
            Self::Account | Self::Holders | Self::Tickets => "",
            Self::OfCall => "select sequence, entry from entry where account_id = $1 and call_hash = $2",
            Self::Ending => {
                "select sequence, entry from entry where account_id = $1 and ends = $2 order by sequence limit 1"
            }
            Self::Entry => "select sequence, entry from entry where account_id = $1 and sequence = $2",
            Self::Walk => {
                "select sequence, entry from entry where account_id = $1 and sequence between $2 and $3
                 order by sequence desc limit $4::bigint"
            }
            Self::About => {
                "select a.version, e.about, e.sequence, e.entry from account a
                 left join entry e on e.account_id = a.account_id and e.about = any ($2::bigint[])
                 where a.account_id = $1 order by e.sequence"
            }
            Self::Globals => {
                "select sequence, entry from entry where account_id = '' and sequence > $1 order by sequence"
            }
            Self::ForAll => {
                "select account_id, sequence, entry from entry where written >= $1::text::xid8
                 order by written, sequence"
            }
            Self::Horizon => "select pg_snapshot_xmin(pg_current_snapshot())::text",
            Self::Code => "select account_id from entry where code = $1 order by sequence desc limit 1",
            Self::Operated => {
                "select sequence, entry from entry where operated and sequence <= $1
                 order by sequence desc limit $2::bigint"
            }
            Self::Awaited => {
                "select a.version, exists (
                     select 1 from awaiting w where w.account_id = a.account_id and w.sequence = $2
                 ) from account a where a.account_id = $1"
            }
            Self::Orphans => {
                "select w.account_id, w.sequence, e.entry from awaiting w
                 join entry e on e.account_id = w.account_id and e.sequence = w.sequence
                 left join node n on n.number = w.sequence >> 12 & 1023
                 where n.number is null or n.held_until < now() - interval '5 s' or w.sequence < n.first_sequence
                 order by w.sequence limit 100"
            }
            Self::Awaiting => {
                "select w.account_id, w.sequence, e.entry from awaiting w
                 join entry e on e.account_id = w.account_id and e.sequence = w.sequence
                 where w.sequence > $1 order by w.sequence limit 1000"
            }
            Self::All => {
                "select account_id, sequence, entry from entry where (account_id, sequence) > ($1::text, $2::bigint)
                 order by account_id, sequence limit 2000"
            }
            Self::ToErase => {
                "select a.account_id from account a left join node n on n.number = a.version >> 12 & 1023
                 where a.open_tickets <> 0 and a.open_tickets & $2::smallint <> 0 and (
                     n.number is null or n.number = $1::bigint or n.held_until < now() - interval '5 s'
                     or a.version < n.first_sequence
                 ) order by a.account_id limit 1000"
            }
            // The account's row first, so that who does the same comes after it and not across.
            Self::Erase => {
                "with held as materialized (select account_id from account where account_id = $1 for update), new as (
                     update entry e set entry = w.entry from unnest($2::bigint[], $3::bytea[]) as w (sequence, entry)
                     where e.account_id = (select account_id from held) and e.sequence = w.sequence
                     and e.entry <> w.entry returning e.sequence
                 ) select count(*) from new"
            }
            Self::Confirm => "select pg_logical_emit_message(true, 'waika', 'waits for replicas')::text",
        }
    }
}

/// A session with what it has prepared.
#[derive(Debug)]
struct Asking {
    session: Session,
    prepared: [OnceCell<Statement>; Question::COUNT],
}

impl Asking {
    async fn rows(
        &self,
        question: Question,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = self.session.client();
        let Some(prepared) = self.prepared.get(question as usize) else {
            return Ok(Vec::new());
        };
        let prepare = || async { client.prepare(&question.text()).await };
        let statement = prepared.get_or_try_init(prepare).await?;
        client.query(statement, parameters).await
    }
}

/// Sessions to read by.
#[derive(Debug)]
pub(crate) struct Reads {
    address: Address,
    runtime: Handle,
    sessions: [Mutex<Option<Arc<Asking>>>; SESSIONS],
    turn: AtomicUsize,
    /// A warning has to be that of the commit that it is looked for after.
    confirming: Mutex<()>,
}

impl Reads {
    pub(crate) fn new(address: Address, runtime: Handle) -> Self {
        Self {
            address,
            runtime,
            sessions: std::array::from_fn(|_| Mutex::default()),
            turn: AtomicUsize::new(0),
            confirming: Mutex::default(),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Asks, and once more by another session if one was lost. An error says that the database is not there.
    pub(crate) async fn rows(
        &self,
        question: Question,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, LedgerError> {
        let place = self.turn.fetch_add(1, Ordering::Relaxed) % SESSIONS;
        for last in [false, true] {
            let Some(asking) = self.session(place).await else {
                break;
            };
            let error = match timeout(LIMIT, asking.rows(question, parameters)).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => said(&error),
                Err(_) => "no answer in time".to_owned(),
            };
            self.forget(place, &asking).await;
            if last {
                tracing::warn!(?question, error, "the database cannot be read");
            }
        }
        Err(LedgerError::NoDatabase)
    }

    /// The session of a place, opened if need be.
    async fn session(&self, place: usize) -> Option<Arc<Asking>> {
        let mut there = self.sessions.get(place)?.lock().await;
        if let Some(asking) = there.as_ref().filter(|asking| !asking.session.is_closed()) {
            return Some(Arc::clone(asking));
        }
        let address = self.address.clone();
        // What drives it lives there, whoever has asked first.
        let opened = self
            .runtime
            .spawn(async move { Session::open(&address).await });
        match timeout(LIMIT, opened).await {
            Ok(Ok(Ok(session))) => {
                let asking = Arc::new(Asking {
                    session,
                    prepared: std::array::from_fn(|_| OnceCell::new()),
                });
                *there = Some(Arc::clone(&asking));
                Some(asking)
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "no connection to the database to read by");
                None
            }
            Ok(Err(_)) | Err(_) => None,
        }
    }

    async fn forget(&self, place: usize, asking: &Arc<Asking>) {
        if let Some(place) = self.sessions.get(place) {
            let mut there = place.lock().await;
            if there
                .as_ref()
                .is_some_and(|there| Arc::ptr_eq(there, asking))
            {
                *there = None;
            }
        }
    }

    /// What was read so far stays: it is where every commit has to be.
    pub(crate) async fn confirm(&self) -> Result<(), LedgerError> {
        let place = self.turn.fetch_add(1, Ordering::Relaxed) % SESSIONS;
        let asking = self.session(place).await.ok_or(LedgerError::NoDatabase)?;
        if !asking.session.waits_for_replicas() {
            return Ok(());
        }
        let _alone = self.confirming.lock().await;
        asking.session.take_warned();
        let said = timeout(LIMIT, asking.rows(Question::Confirm, &[])).await;
        match said {
            Ok(Ok(_)) if !asking.session.take_warned() => Ok(()),
            _ => Err(LedgerError::NoDatabase),
        }
    }

    /// The first entry that an answer has, with its sequence.
    pub(crate) async fn entry(
        &self,
        question: Question,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<(u64, Stored)>, LedgerError> {
        let rows = self.rows(question, parameters).await?;
        rows.first().map(|row| stored(row, 0)).transpose()
    }

    /// Every entry of an answer, with its sequence.
    pub(crate) async fn entries(
        &self,
        question: Question,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<(u64, Stored)>, LedgerError> {
        let rows = self.rows(question, parameters).await?;
        rows.iter().map(|row| stored(row, 0)).collect()
    }
}

/// Sequence and entry in two columns of a row.
pub(crate) fn stored(row: &Row, column: usize) -> Result<(u64, Stored), LedgerError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "an entry in the database cannot be read");
        LedgerError::Unreadable
    };
    let sequence: i64 = row.try_get(column).map_err(|error| unreadable(&error))?;
    let bytes: &[u8] = row
        .try_get(column + 1)
        .map_err(|error| unreadable(&error))?;
    let stored = decode::entry(bytes).map_err(|error| unreadable(&error))?;
    Ok((sequence.cast_unsigned(), stored))
}

/// A column of a row.
pub(crate) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, LedgerError> {
    row.try_get(column).map_err(|error| {
        tracing::error!(%error, "a row of the database cannot be read");
        LedgerError::Unreadable
    })
}
