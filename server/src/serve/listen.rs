//! Listeners: binding them, and accepting from them without ever spinning.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::Counter;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use super::handed_over::HandedOver;
use crate::clock::monotonic;
use crate::config::Addresses;
use crate::exit::{Failure, Reason};
use crate::metrics::ListenerMetrics;

/// Connections that the kernel may keep for us until we accept them.
const BACKLOG: u32 = 1_024;

/// Connections at once on the listeners for operators and Prometheus: few, and counted apart,
/// so that no crowd of callers can lock the operators out.
const SIDE_CONNECTIONS: usize = 256;

/// How long to leave a listener alone that cannot accept, such as for want of descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Connections that one listener takes in a moment: those who come by the thousand wait in the kernel for a
/// little, instead of all whom a core serves waiting behind them.
const MOST_IN_A_MOMENT: u32 = 16;
const MOMENT: Duration = Duration::from_millis(1);

/// The three listeners, bound.
#[derive(Debug)]
pub struct Listeners {
    pub(super) rpc: TcpListener,
    pub(super) admin: TcpListener,
    pub(super) metrics: TcpListener,
    /// The first was there before this process and will be there after it: who comes meanwhile waits in it.
    pub(super) is_handed_over: bool,
}

impl Listeners {
    /// Binds all three, or names the first that cannot be. Sockets that whoever started this process hands over
    /// (`LISTEN_FDS`, as systemd does) are taken instead, in the same order.
    pub fn open(addresses: &Addresses) -> Result<Self, Failure> {
        let mut handed = HandedOver::from_environment()?;
        let rpc = handed.take(addresses.rpc, "--listen")?;
        Ok(Self {
            is_handed_over: rpc.is_some(),
            rpc: rpc.map_or_else(|| bind(addresses.rpc, "--listen"), Ok)?,
            admin: handed.take_or_bind(addresses.admin, "--admin-listen")?,
            metrics: handed.take_or_bind(addresses.metrics, "--metrics-listen")?,
        })
    }

    /// Where they really listen, once port 0 has become a port.
    pub fn addresses(&self) -> Result<Addresses, Failure> {
        let address = |listener: &TcpListener| {
            let unknown = |error| Failure::new(Reason::System, format!("a listener: {error}"));
            listener.local_addr().map_err(unknown)
        };
        Ok(Addresses {
            rpc: address(&self.rpc)?,
            admin: address(&self.admin)?,
            metrics: address(&self.metrics)?,
        })
    }
}

/// Binds the address of a flag, or says why it cannot be.
pub(crate) fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    let open = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|error| {
        let mend = match error.kind() {
            io::ErrorKind::AddrInUse => "end what listens there, or choose another port",
            io::ErrorKind::PermissionDenied => "choose a port from 1024 on",
            io::ErrorKind::AddrNotAvailable => "name an address of this machine",
            _ => "choose another address",
        };
        let text = format!("{flag}: cannot listen on {address}: {error}: {mend}");
        Failure::new(Reason::Unavailable, text)
    })
}

/// A listener with what it counts and how many connections it may have open.
pub(super) struct Door {
    listener: TcpListener,
    name: &'static str,
    places: Arc<Semaphore>,
    metrics: ListenerMetrics,
    /// How many came in the moment that began then.
    lately: Mutex<(Instant, u32)>,
}

/// One open connection: its place is free again, and counted so, once this is dropped.
pub(super) struct Ticket {
    _place: OwnedSemaphorePermit,
    metrics: ListenerMetrics,
}

impl Ticket {
    /// Notes that the connection did not begin to speak HTTP/2 in time, or at all.
    pub(super) fn not_http2(&self) {
        self.metrics.not_http2.increment(1);
    }

    /// Notes that the connection did not get through its TLS handshake in time, or at all.
    pub(super) fn tls_failed(&self) {
        self.metrics.tls_failed.increment(1);
    }

    /// Counts the pauses of a connection that sends too many control frames.
    pub(super) fn control_frame_pauses(&self) -> Counter {
        self.metrics.control_frame_pauses.clone()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.metrics.open.decrement(1.0);
    }
}

impl Door {
    pub(super) fn new(listener: TcpListener, name: &'static str, connections: usize) -> Self {
        Self {
            listener,
            name,
            places: Arc::new(Semaphore::new(connections)),
            metrics: ListenerMetrics::of(name),
            lately: Mutex::new((monotonic(), 0)),
        }
    }

    /// A door for operators or Prometheus.
    pub(super) fn aside(listener: TcpListener, name: &'static str) -> Self {
        Self::new(listener, name, SIDE_CONNECTIONS)
    }

    /// The next connection that has a place. One that has none is closed at once.
    pub(super) async fn accept(&self) -> (TcpStream, Ticket) {
        let mut failing = false;
        loop {
            self.pace().await;
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    self.metrics.accept_errors.increment(1);
                    if is_the_callers(&error) {
                        continue;
                    }
                    if !failing {
                        warn!(listener = self.name, %error, "cannot accept connections");
                        failing = true;
                    }
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
            };
            failing = false;
            self.metrics.accepted.increment(1);
            if let Some(ticket) = self.ticket() {
                if prepare(&stream).is_ok() {
                    return (stream, ticket);
                }
            } else {
                self.metrics.refused.increment(1);
            }
        }
    }

    /// Waits for a moment once many have come in this one.
    async fn pace(&self) {
        let is_full = {
            let mut lately = self.lately.lock();
            let (since, count) = *lately;
            let is_over = since.elapsed() >= MOMENT;
            *lately = if is_over {
                (monotonic(), 1)
            } else {
                (since, count + 1)
            };
            !is_over && count >= MOST_IN_A_MOMENT
        };
        if is_full {
            tokio::time::sleep(MOMENT).await;
        }
    }

    pub(super) fn ticket(&self) -> Option<Ticket> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        self.metrics.open.increment(1.0);
        Some(Ticket {
            _place: place,
            metrics: self.metrics.clone(),
        })
    }
}

/// Without this a small answer waits for the caller's delayed acknowledgement, about 40 ms.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)
}

/// The caller went away before we came: nothing is wrong here.
fn is_the_callers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(connections: usize) -> (Door, SocketAddr) {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), "--listen").unwrap();
        let address = listener.local_addr().unwrap();
        (Door::new(listener, "rpc", connections), address)
    }

    #[tokio::test]
    async fn accepted_sockets_send_at_once() {
        let (door, address) = door(1);
        let _caller = TcpStream::connect(address).await.unwrap();
        let (stream, _ticket) = door.accept().await;
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_connection_without_a_place_is_closed_and_a_place_is_given_back() {
        let (door, address) = door(1);
        let _first = TcpStream::connect(address).await.unwrap();
        let (_stream, ticket) = door.accept().await;
        let second = TcpStream::connect(address).await.unwrap();
        let accepting = tokio::spawn(async move { door.accept().await.0 });
        second.readable().await.unwrap();
        assert_eq!(second.try_read(&mut [0; 1]).unwrap_or(0), 0);
        drop(ticket);
        let third = TcpStream::connect(address).await.unwrap();
        let accepted = accepting.await.unwrap();
        assert_eq!(accepted.peer_addr().unwrap(), third.local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let (_door, address) = door(1);
        let failure = bind(address, "--admin-listen").unwrap_err();
        assert_eq!(failure.reason, Reason::Unavailable);
        assert!(failure.text.starts_with("--admin-listen: "), "{failure}");
        assert!(failure.text.contains(&address.to_string()), "{failure}");
    }
}
