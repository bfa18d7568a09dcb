//! One connection to the database.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;

/// How every session is. `statement_timeout` must not be: it would end the wait for a synchronous replica, and
/// the statement would succeed.
const SESSION: &str = "
    set statement_timeout = 0;
    set idle_in_transaction_session_timeout = '60s';
    set lock_timeout = '5s';
    set default_transaction_isolation = 'read committed';
    set client_connection_check_interval = '1s';
    set client_min_messages = 'warning';
    set timezone = 'UTC';
    set bytea_output = 'hex';
";

/// How long it may take until a session can be used, whatever its hosts say or do not.
const OPEN_LIMIT: Duration = Duration::from_secs(15);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// It takes connections and says nothing.
    #[error("nothing was said within {0:?}")]
    TimedOut(Duration),
    /// It said no, or there is nobody.
    #[error("{}", said(.0))]
    Refused(#[from] Error),
}

impl NotConnected {
    /// What the database calls it, if it said anything.
    pub fn code(&self) -> Option<&SqlState> {
        match self {
            Self::TimedOut(_) => None,
            Self::Refused(error) => error.code(),
        }
    }
}

/// A session, and what drives it in a task of its own. Ends with this.
#[derive(Debug)]
pub struct Session {
    client: Client,
    driver: JoinHandle<()>,
    warned: Arc<AtomicBool>,
}

impl Session {
    /// Connects and prepares the session. Not in it: whether the database is one to decide over.
    pub async fn open(address: &Address) -> Result<Self, NotConnected> {
        Self::open_within(OPEN_LIMIT, address).await
    }

    /// The same with another limit than the usual one.
    pub(super) async fn open_within(
        limit: Duration,
        address: &Address,
    ) -> Result<Self, NotConnected> {
        let opened = timeout(limit, Self::open_in_time(address)).await;
        Ok(opened.map_err(|_| NotConnected::TimedOut(limit))??)
    }

    async fn open_in_time(address: &Address) -> Result<Self, Error> {
        let warned = Arc::new(AtomicBool::new(false));
        let (client, driver) = if let Some(tls) = address.tls() {
            let tls = MakeRustlsConnect::new((**tls).clone());
            let (client, connection) = address.config().connect(tls).await?;
            (client, drive(connection, Arc::clone(&warned)))
        } else {
            let (client, connection) = address.config().connect(NoTls).await?;
            (client, drive(connection, Arc::clone(&warned)))
        };
        let session = Self {
            client,
            driver,
            warned,
        };
        session.client.batch_execute(SESSION).await?;
        Ok(session)
    }

    /// What statements are sent by.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The same for a transaction.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// True if the database has warned since the last time that this was asked. A commit that came with a
    /// warning may not be on the replica that it had to be on.
    pub(super) fn take_warned(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// True once it is of no use any more.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn drive<S, T>(mut connection: Connection<S, T>, warned: Arc<AtomicBool>) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut look = move |context: &mut Context<'_>| {
        loop {
            match connection.poll_message(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    if *notice.code() == SqlState::WARNING {
                        warned.store(true, Ordering::Release);
                    }
                    tracing::warn!(message = notice.message(), "the database says");
                }
                // Whoever has a statement under way is told.
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    };
    tokio::spawn(async move { poll_fn(&mut look).await })
}

/// What was said, without values of rows.
pub(crate) fn said(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
