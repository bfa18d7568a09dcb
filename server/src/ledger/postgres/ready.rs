//! A session with its statement.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};

use super::address::Address;
use super::batch::{Became, CommitStatement, Row};
use super::connection::{NotConnected, Session};
use super::held::Rows;
use crate::clock::monotonic;

/// Batches for which a plan each is made before it is asked whether one may be kept.
const PLANS: u32 = 256;

/// Locks rows.
const HOLD: &str = include_str!("hold.sql");
/// Rows are not held for a node that has stalled.
const STALLED: &str = "set idle_in_transaction_session_timeout = '800ms'";

/// What a lane sends by.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) session: Session,
    statement: CommitStatement,
    keeps_plan: bool,
    /// Batches until it is asked whether it may.
    until_asked: u32,
    /// The statement that holds rows, once there was one to hold.
    holding: Option<Statement>,
    /// Rows are held.
    holds: bool,
}

impl Ready {
    /// Opens a session, and prepares and checks all within a limit.
    pub(super) async fn open(address: &Address, limit: Duration) -> Result<Self, NotConnected> {
        let until = monotonic() + limit;
        let session = Session::open_within(limit, address).await?;
        let prepared = async {
            let statement = CommitStatement::prepare(session.client()).await?;
            let keeps_plan = statement.keep_plan(session.client()).await?;
            Ok::<_, Error>((statement, keeps_plan))
        };
        let rest = until.saturating_duration_since(monotonic());
        let error = match timeout(rest, prepared).await {
            Ok(Ok((statement, keeps_plan))) => {
                return Ok(Self {
                    session,
                    statement,
                    keeps_plan,
                    until_asked: PLANS,
                    holding: None,
                    holds: false,
                });
            }
            Ok(Err(error)) => error.into(),
            Err(_) => NotConnected::TimedOut(limit),
        };
        address.pass_over();
        Err(error)
    }

    /// Before a batch: keeps its plan from when that will be a good one.
    pub(super) async fn settle(&mut self) -> Result<(), Error> {
        if self.keeps_plan || self.holds {
            return Ok(());
        }
        if self.until_asked == 0 {
            self.keeps_plan = self.statement.keep_plan(self.session.client()).await?;
            self.until_asked = PLANS;
        }
        self.until_asked -= 1;
        Ok(())
    }

    /// Commits a batch, and with it lets go of the rows that are held.
    pub(super) async fn commit(&mut self, rows: &[Row]) -> Result<Vec<Became>, Error> {
        let client = self.session.client();
        let committed = self.statement.commit(client, rows);
        if !std::mem::take(&mut self.holds) {
            return committed.await;
        }
        // Both are on their way at once. Where the first fails the second writes nothing either.
        let (became, ended) = join(committed, client.batch_execute("commit")).await;
        let became = became?;
        ended?;
        Ok(became)
    }

    /// Holds the rows of accounts, of each of which a version is known, until they are committed or let go.
    pub(super) async fn hold(&mut self, known: &HashMap<String, u64>) -> Result<Rows, Error> {
        let client = self.session.client();
        let statement = if let Some(statement) = &self.holding {
            statement
        } else {
            client.batch_execute(STALLED).await?;
            self.holding.insert(client.prepare(HOLD).await?)
        };
        let (accounts, versions): (Vec<_>, Vec<_>) = known
            .iter()
            .map(|(account, version)| (account.as_str(), version.cast_signed()))
            .unzip();
        self.holds = true;
        let parameters: [&(dyn ToSql + Sync); 2] = [&accounts, &versions];
        let held = client.query(statement, &parameters);
        let (begun, held) = join(client.batch_execute("begin"), held).await;
        begun?;
        let mut rows = Rows::with_capacity(known.len());
        for row in held? {
            let state: Option<&[u8]> = row.try_get(6)?;
            let is_known = state.is_none();
            rows.insert(row.try_get(0)?, (!is_known).then(|| Arc::new(row)));
        }
        Ok(rows)
    }

    /// Lets go of rows that are held, if there are any, and writes nothing.
    pub(super) async fn let_go(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.holds) {
            self.session.client().batch_execute("rollback").await?;
        }
        Ok(())
    }
}
