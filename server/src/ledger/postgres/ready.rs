//! A session with its statement.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Error;

use super::address::Address;
use super::batch::{Became, CommitStatement, Row};
use super::connection::{NotConnected, Session};
use crate::clock::monotonic;

/// Batches for which a plan each is made before it is asked whether one may be kept.
const PLANS: u32 = 256;

/// What a lane sends by.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) session: Session,
    statement: CommitStatement,
    keeps_plan: bool,
    /// Batches until it is asked whether it may.
    until_asked: u32,
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
        if self.keeps_plan {
            return Ok(());
        }
        if self.until_asked == 0 {
            self.keeps_plan = self.statement.keep_plan(self.session.client()).await?;
            self.until_asked = PLANS;
        }
        self.until_asked -= 1;
        Ok(())
    }

    pub(super) async fn commit(&self, rows: &[Row]) -> Result<Vec<Became>, Error> {
        self.statement.commit(self.session.client(), rows).await
    }
}
