//! One connection to the database.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, host_and_port};
use super::fitness::{Fitness, Unfit, require_new_enough};

/// How every session is. `statement_timeout` must not be: it would end the wait for a synchronous replica, and
/// the statement would succeed. A plan that was made while a table was empty must not stay.
const SESSION: &str = "
    set statement_timeout = 0;
    set idle_in_transaction_session_timeout = '60s';
    set lock_timeout = '1s';
    set default_transaction_isolation = 'read committed';
    set client_connection_check_interval = '1s';
    set client_min_messages = 'warning';
    set plan_cache_mode = force_custom_plan;
    set timezone = 'UTC';
    set bytea_output = 'hex';
";

/// How long it may take until a session can be used, whatever its hosts say or do not.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(15);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// It takes connections and says nothing.
    #[error("nothing was said within {0:?}")]
    TimedOut(Duration),
    /// It said no, or there is nobody.
    #[error("{}", said(.0))]
    Refused(#[from] Error),
    /// It is none to decide over.
    #[error("it {0}")]
    Unfit(#[from] Unfit),
    /// Each of several hosts, with what is wrong with it.
    #[error("{}", each(.0))]
    Nowhere(Vec<(String, NotConnected)>),
}

impl NotConnected {
    /// True if it is as it was set up, and trying again is of no use: of several hosts, if that is so for each.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::TimedOut(_) => false,
            // Wrong user, password or database, and not that there is nobody.
            Self::Refused(error) => [
                SqlState::INVALID_PASSWORD,
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                SqlState::INVALID_CATALOG_NAME,
            ]
            .iter()
            .any(|code| error.code() == Some(code)),
            Self::Unfit(_) => true,
            Self::Nowhere(all) => all.iter().all(|(_, why)| why.is_lasting()),
        }
    }
}

fn each(all: &[(String, NotConnected)]) -> String {
    let each = all.iter().map(|(host, why)| format!("{host}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}

/// Who works for a session on the other side, for as long as that server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backend {
    process: i32,
    started_us: i64,
}

/// A session, and what drives it in a task of its own. Ends with this.
#[derive(Debug)]
pub struct Session {
    client: Client,
    _driver: Driver,
    warned: Arc<AtomicBool>,
    backend: Backend,
    fitness: Fitness,
}

impl Session {
    /// Connects to the first host that is one to decide over, on the address's terms, and prepares the session.
    pub async fn open(address: &Address) -> Result<Self, NotConnected> {
        Self::open_within(OPEN_LIMIT, address).await
    }

    /// The same with another limit than the usual one. Of several hosts each has its share, so that one which
    /// says nothing does not take the others' time.
    pub(super) async fn open_within(
        limit: Duration,
        address: &Address,
    ) -> Result<Self, NotConnected> {
        let hosts = u32::try_from(address.hosts()).unwrap_or(u32::MAX);
        let share = limit / hosts.max(1);
        let mut failed = Vec::new();
        for (number, config) in address.in_order() {
            let opened = timeout(share, Self::open_one(address, config)).await;
            let error = match opened.unwrap_or(Err(NotConnected::TimedOut(share))) {
                Ok(session) => {
                    address.prefer(number);
                    return Ok(session);
                }
                Err(error) => error,
            };
            failed.push((host_and_port(config), error));
        }
        Err(match failed.pop() {
            Some((_, only)) if failed.is_empty() => only,
            last => NotConnected::Nowhere(failed.into_iter().chain(last).collect()),
        })
    }

    async fn open_one(address: &Address, config: &Config) -> Result<Self, NotConnected> {
        let warned = Arc::new(AtomicBool::new(false));
        let (client, driver) = if let Some(tls) = address.tls() {
            let tls = MakeRustlsConnect::new((**tls).clone());
            let (client, connection) = config.connect(tls).await?;
            (client, Driver::start(connection, Arc::clone(&warned))?)
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            (client, Driver::start(connection, Arc::clone(&warned))?)
        };
        client.batch_execute(SESSION).await?;
        let fitness = Fitness::of(&client, address.hosts()).await?;
        fitness.check(address.may_lose_commits())?;
        let backend = client
            .query_one(
                "select pid, (extract(epoch from backend_start) * 1000000)::bigint
                 from pg_stat_activity where pid = pg_backend_pid()",
                &[],
            )
            .await?;
        Ok(Self {
            backend: Backend {
                process: backend.try_get(0)?,
                started_us: backend.try_get(1)?,
            },
            client,
            _driver: driver,
            warned,
            fitness,
        })
    }

    /// What the database was found to be when the session was opened.
    pub fn fitness(&self) -> &Fitness {
        &self.fitness
    }

    /// True if a commit waits for replicas there.
    pub(crate) fn waits_for_replicas(&self) -> bool {
        !self.fitness.synchronous_standbys.is_empty()
    }

    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// True if another session's backend is still at work, waiting for a replica for example: that its client
    /// went away is seen only afterwards.
    pub(super) async fn is_at_work(&self, backend: Backend) -> Result<bool, Error> {
        let row = self
            .client
            .query_one(
                "select exists (select 1 from pg_stat_activity where pid = $1 and state is distinct from 'idle'
                 and (extract(epoch from backend_start) * 1000000)::bigint = $2)",
                &[&backend.process, &backend.started_us],
            )
            .await?;
        row.try_get(0)
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
    pub(crate) fn take_warned(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// True once it is of no use any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// What drives a connection; it ends with this.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Driver {
    /// Starts it, if what is on the other side is new enough.
    fn start<S, T>(mut connection: Connection<S, T>, warned: Arc<AtomicBool>) -> Result<Self, Unfit>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        require_new_enough(connection.parameter("server_version"))?;
        let mut look = move |context: &mut Context<'_>| {
            loop {
                match connection.poll_message(context) {
                    Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                        if notice.parsed_severity() == Some(Severity::Warning) {
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
        Ok(Self(tokio::spawn(async move {
            poll_fn(&mut look).await;
        })))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What was said, without values of rows.
pub(crate) fn said(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
