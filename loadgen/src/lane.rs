//! The hot path's client: unary calls over HTTP/2 connections of its own, through `h2` directly.
//!
//! A tonic channel costs the generator more than many servers spend on the whole call. Here a
//! request is a clone of one prepared header block and one buffer, and a call is a small state
//! machine that the driver polls when its stream has news.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Ping;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::call::Call;
use crate::target::Target;
use crate::wire;

/// What may be on its way on one connection before the generator must have read it.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// What may be on its way on one stream; answers are a few hundred bytes.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// How long a connection may take to be made and to answer a ping.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause between tries to make a lost connection again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A connection that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nobody listens there, or it cannot be reached.
    #[error("cannot connect to {target}: {source} (is the server running there?)")]
    Unreachable {
        /// Whom we wanted.
        target: Target,
        /// Why not.
        source: std::io::Error,
    },
    /// Somebody listens, but does not speak HTTP/2 in clear text.
    #[error("{target} does not speak HTTP/2 without TLS: {source}")]
    NotHttp2 {
        /// Whom we wanted.
        target: Target,
        /// What came instead.
        source: h2::Error,
    },
    /// It took too long.
    #[error("{target} did not answer within {} s", CONNECT_TIMEOUT.as_secs())]
    Silent {
        /// Whom we wanted.
        target: Target,
    },
}

/// The headers of every call of a run, prepared once.
#[derive(Debug)]
pub(crate) struct CallTemplate {
    uri: Uri,
    headers: HeaderMap,
}

impl CallTemplate {
    /// Headers for calls of `Authorise` at `target`, which the server shall give up after
    /// `deadline`.
    pub(crate) fn new(target: &Target, deadline: Duration) -> Result<Self, http::Error> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(target.authority())
            .path_and_query(wire::AUTHORISE_PATH)
            .build()?;
        let mut headers = HeaderMap::new();
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-timeout", timeout_header(deadline)?);
        let agent = concat!("waika-loadgen/", env!("CARGO_PKG_VERSION"));
        headers.insert("user-agent", HeaderValue::from_static(agent));
        Ok(Self { uri, headers })
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// gRPC allows eight digits and a unit.
fn timeout_header(deadline: Duration) -> Result<HeaderValue, http::Error> {
    let micros = deadline.as_micros().max(1);
    let text = if micros < 100_000_000 {
        format!("{micros}u")
    } else {
        format!("{}m", (micros / 1_000).min(99_999_999))
    };
    Ok(HeaderValue::try_from(text)?)
}

/// One connection, which is made again when it is lost.
#[derive(Debug)]
pub(crate) struct Lane {
    target: Target,
    state: LaneState,
    /// Calls that are open on it.
    pub(crate) in_flight: usize,
    /// How often it was made again.
    pub(crate) reconnects: u64,
}

#[derive(Debug)]
enum LaneState {
    Up(SendRequest<Bytes>),
    Down(JoinHandle<SendRequest<Bytes>>),
}

impl Lane {
    /// Makes a connection, and waits until the server has told its limits.
    pub(crate) async fn connect(target: &Target) -> Result<Self, ConnectError> {
        Ok(Self {
            target: target.clone(),
            state: LaneState::Up(connect(target).await?),
            in_flight: 0,
            reconnects: 0,
        })
    }

    /// How many calls the server allows at once on this connection; `None` if it sets no bound.
    pub(crate) fn bound(&self) -> Option<usize> {
        // HTTP/2's largest number of streams stands for no bound, and `h2` has a larger one still.
        const NO_BOUND: usize = 1 << 31;
        Some(self.most_in_flight()).filter(|&most| most < NO_BOUND)
    }

    fn most_in_flight(&self) -> usize {
        match &self.state {
            LaneState::Up(sender) => sender.current_max_send_streams(),
            LaneState::Down(_) => 0,
        }
    }

    /// Whether a call can be sent now. A lost connection begins to be made again.
    pub(crate) fn poll_usable(&mut self, cx: &mut Context<'_>) -> Usable {
        if let LaneState::Down(attempt) = &mut self.state {
            match Pin::new(attempt).poll(cx) {
                Poll::Pending => return Usable::Lost,
                Poll::Ready(Ok(sender)) => {
                    self.reconnects += 1;
                    self.state = LaneState::Up(sender);
                }
                Poll::Ready(Err(_)) => {
                    self.state = LaneState::Down(tokio::spawn(reconnect(self.target.clone())));
                    return Usable::Lost;
                }
            }
        }
        if self.in_flight >= self.most_in_flight() {
            return Usable::Full;
        }
        let LaneState::Up(sender) = &mut self.state else {
            return Usable::Lost;
        };
        match sender.poll_ready(cx) {
            Poll::Ready(Ok(())) => Usable::Ready,
            Poll::Pending => Usable::Full,
            Poll::Ready(Err(_)) => {
                self.state = LaneState::Down(tokio::spawn(reconnect(self.target.clone())));
                Usable::Lost
            }
        }
    }

    /// Sends one call. The caller counts it in `in_flight` until it is over.
    pub(crate) fn send(
        &mut self,
        template: &CallTemplate,
        message: Bytes,
    ) -> Result<Call, h2::Error> {
        let LaneState::Up(sender) = &mut self.state else {
            return Err(h2::Reason::REFUSED_STREAM.into());
        };
        let (response, mut stream) = sender.send_request(template.request(), false)?;
        stream.send_data(message, true)?;
        Ok(Call::new(response))
    }
}

/// Whether a lane can take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usable {
    /// It can.
    Ready,
    /// As many calls are open as the server allows.
    Full,
    /// There is no connection at present.
    Lost,
}

async fn reconnect(target: Target) -> SendRequest<Bytes> {
    loop {
        tokio::time::sleep(RECONNECT_PAUSE).await;
        if let Ok(sender) = connect(&target).await {
            return sender;
        }
    }
}

async fn connect(target: &Target) -> Result<SendRequest<Bytes>, ConnectError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, handshake(target)).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::Silent {
            target: target.clone(),
        }),
    }
}

async fn handshake(target: &Target) -> Result<SendRequest<Bytes>, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable {
        target: target.clone(),
        source,
    };
    let socket = TcpStream::connect(target.authority())
        .await
        .map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    let not_http2 = |source| ConnectError::NotHttp2 {
        target: target.clone(),
        source,
    };
    let (sender, mut connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_push(false)
        .handshake(socket)
        .await
        .map_err(not_http2)?;
    let ping = connection.ping_pong();
    // Its errors reach the calls and the sender, who tell them.
    tokio::spawn(async move { drop(connection.await) });
    // The server's settings come before its answer to a ping: after this, its limits are known.
    if let Some(mut ping) = ping {
        ping.ping(Ping::opaque()).await.map_err(not_http2)?;
    }
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_fit_the_header() {
        let check = |deadline: Duration, expected: &str| {
            assert_eq!(timeout_header(deadline).unwrap(), expected);
        };
        check(Duration::from_secs(1), "1000000u");
        check(Duration::from_secs(200), "200000m");
        check(Duration::from_nanos(1), "1u");
        check(Duration::from_secs(10_000_000), "99999999m");
    }
}
