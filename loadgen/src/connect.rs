//! Making connections: a socket, TLS where the address says so, and HTTP/2 over it.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::call_template::CallTemplate;
use crate::http2::{Broken, Connection, Socket};
use crate::target::Target;
use crate::tls::Tls;
use crate::tls::trouble::TlsTrouble;

/// How long a connection may take to be made and to answer a ping.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nobody listens there, or it cannot be reached.
    #[error("cannot connect to {target}: {source} (is the server running there?)")]
    Unreachable {
        /// Whom we wanted.
        target: Target,
        /// Why not.
        source: io::Error,
    },
    /// Somebody listens, and TLS does not come about.
    #[error("{target} {trouble}")]
    Tls {
        /// Whom we wanted.
        target: Target,
        /// Why not.
        trouble: TlsTrouble,
    },
    /// Somebody listens, but does not speak HTTP/2 as its address says.
    #[error("{target} does not speak HTTP/2 {}: {source}", target.protection().label())]
    NotHttp2 {
        /// Whom we wanted.
        target: Target,
        /// What came instead.
        source: Broken,
    },
    /// It took too long.
    #[error("{target} did not answer within {} s", CONNECT_TIMEOUT.as_secs())]
    Silent {
        /// Whom we wanted.
        target: Target,
    },
}

/// Makes a connection whose calls have these heads, and waits until the server has told its limits.
pub(crate) async fn connect(
    target: &Target,
    template: &CallTemplate,
) -> Result<Box<Connection>, ConnectError> {
    let made = async {
        let socket = socket(target).await?;
        let begun = Connection::begin(socket, template.heads()).await;
        begun
            .map(Box::new)
            .map_err(|broken| not_begun(target, broken))
    };
    // What TLS begins with is large, and whoever waits for this keeps it.
    in_time(target, Box::pin(made)).await
}

/// Makes a connection only to see that it can be made.
pub(crate) async fn greet(target: &Target) -> Result<(), ConnectError> {
    let template = CallTemplate::new(target, CONNECT_TIMEOUT);
    connect(target, &template).await.map(drop)
}

/// Makes a socket, and begins TLS where it is spoken.
pub(crate) async fn open(target: &Target) -> Result<Socket, ConnectError> {
    in_time(target, Box::pin(socket(target))).await
}

async fn in_time<T>(
    target: &Target,
    made: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, made).await {
        Ok(made) => made,
        Err(_) => Err(ConnectError::Silent {
            target: target.clone(),
        }),
    }
}

async fn socket(target: &Target) -> Result<Socket, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable {
        target: target.clone(),
        source,
    };
    let socket = TcpStream::connect(target.authority())
        .await
        .map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    let Some(tls) = target.tls() else {
        return Ok(Socket::Plain(socket));
    };
    match tls.begin(socket).await {
        Ok(stream) => Ok(Socket::Tls(Box::new(stream))),
        Err(error) => Err(ConnectError::Tls {
            target: target.clone(),
            trouble: trouble(&error, tls),
        }),
    }
}

fn trouble(error: &io::Error, tls: &Tls) -> TlsTrouble {
    match TlsTrouble::of(error, tls) {
        Some(trouble) => trouble,
        None if is_hung_up(error) => TlsTrouble::HungUp,
        None => TlsTrouble::Other(error.to_string()),
    }
}

fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// In TLS 1.3 a caller has done its part before the server looks at its certificate: what comes of
/// that is only heard when HTTP/2 begins.
fn not_begun(target: &Target, source: Broken) -> ConnectError {
    let target = target.clone();
    let told = match (&source, target.tls()) {
        (Broken::Io(error), Some(tls)) => TlsTrouble::of(error, tls),
        (Broken::Io(_) | Broken::Closed | Broken::Protocol(_), _) => None,
    };
    match told {
        Some(trouble) => ConnectError::Tls { target, trouble },
        None => ConnectError::NotHttp2 { target, source },
    }
}
