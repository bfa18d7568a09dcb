//! One HTTP/2 connection to a partner, from the first byte to the last.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::config::Target;

/// How long it may take until a partner is known to speak HTTP/2.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How often a partner is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_LIMIT: Duration = Duration::from_secs(5);

/// Bytes of answers that may be under way, for a stream and for all of them.
const STREAM_WINDOW: u32 = 64 * 1_024;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// Bytes of a stream that wait here until the other side takes them; a whole call, or pieces of a photo.
const SEND_BUFFER: usize = 128 * 1_024;
/// The largest head of an answer.
const HEAD_BYTES: u32 = 16 * 1_024;
/// Calls that were given up, of which we still know that a late answer is theirs.
const GIVEN_UP: usize = 1_024;

/// A connection that a partner has answered on.
pub(super) struct Opened {
    pub(super) send: SendRequest<Bytes>,
    /// What makes it work: resolves with how it ended.
    pub(super) driver: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    #[error("no answer within {CONNECT_LIMIT:?}")]
    TimedOut,
    #[error("{0}")]
    Unreachable(io::Error),
    #[error("TLS: {0}")]
    Tls(io::Error),
    #[error("it does not speak HTTP/2 over TLS (ALPN h2)")]
    OtherProtocol,
    #[error("it does not speak HTTP/2: {0}")]
    Speech(#[from] h2::Error),
    #[error("it closed the connection at once")]
    ClosedAtOnce,
}

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("closed")]
    Closed,
    #[error("{0}")]
    Broken(h2::Error),
    #[error("no sign of life within {PONG_LIMIT:?}")]
    Hung,
}

/// Connects. A partner that accepts connections and says nothing sensible is none: it must have
/// answered a ping, so that a call is not lost on it.
pub(super) async fn open(target: &Target) -> Result<Opened, NotOpened> {
    let opened = timeout(CONNECT_LIMIT, open_in_time(target)).await;
    opened.unwrap_or(Err(NotOpened::TimedOut))
}

async fn open_in_time(target: &Target) -> Result<Opened, NotOpened> {
    let stream = TcpStream::connect((target.host(), target.port()))
        .await
        .map_err(NotOpened::Unreachable)?;
    if is_itself(&stream) {
        let nobody = io::ErrorKind::ConnectionRefused.into();
        return Err(NotOpened::Unreachable(nobody));
    }
    stream.set_nodelay(true).map_err(NotOpened::Unreachable)?;
    let Some(tls) = target.tls() else {
        return speak(stream).await;
    };
    let connector = TlsConnector::from(tls.config.clone());
    let stream = connector.connect(tls.name.clone(), stream).await;
    let stream = stream.map_err(NotOpened::Tls)?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(NotOpened::OtherProtocol);
    }
    speak(stream).await
}

/// Where nobody listens on a port of this machine, a socket that happens to be given that very port
/// is connected to itself (RFC 9293, 3.5), and would keep the partner from coming back.
fn is_itself(stream: &TcpStream) -> bool {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(local), Ok(peer)) => local == peer,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

async fn speak<S>(stream: S) -> Result<Opened, NotOpened>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (send, mut connection) = Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_header_list_size(HEAD_BYTES)
        .enable_push(false)
        .max_concurrent_reset_streams(GIVEN_UP)
        // Answers that come too late are no attack: a slow issuer would lose its connection by them.
        .max_local_error_reset_streams(None)
        .handshake(stream)
        .await?;
    let Some(mut pings) = connection.ping_pong() else {
        return Err(NotOpened::ClosedAtOnce);
    };
    tokio::select! {
        biased;
        ended = &mut connection => {
            ended?;
            return Err(NotOpened::ClosedAtOnce);
        }
        pong = pings.ping(Ping::opaque()) => {
            pong?;
        }
    }
    Ok(Opened {
        send,
        driver: Box::pin(async move {
            tokio::select! {
                biased;
                ended = connection => ended.map_or_else(Ended::Broken, |()| Ended::Closed),
                () = hung(pings) => Ended::Hung,
            }
        }),
    })
}

/// Resolves once the other side gives no sign of life any more.
async fn hung(mut pings: PingPong) {
    loop {
        sleep(PING_EVERY).await;
        if let Err(_) | Ok(Err(_)) = timeout(PONG_LIMIT, pings.ping(Ping::opaque())).await {
            return;
        }
    }
}
