//! Listening sockets from whoever started this process, such as systemd's socket units.
//!
//! Such a socket is there while one server ends and the next one begins: who comes in between waits in the
//! kernel's queue and is not refused.

use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::TcpListener;
use tracing::info;

use super::listen::bind;
use crate::exit::{Failure, Reason};

/// One for each listener.
const MOST: usize = 3;

/// Sockets by `LISTEN_FDS`, in the order of the listeners: callers, operators, Prometheus.
pub(super) struct HandedOver {
    sockets: ListenFd,
    next: usize,
}

impl HandedOver {
    /// None at all is no mistake; more than there are listeners is one.
    pub(super) fn from_environment() -> Result<Self, Failure> {
        let sockets = ListenFd::from_env();
        if sockets.len() > MOST {
            let text = format!(
                "LISTEN_FDS: {} sockets are handed over, and there are {MOST} listeners (callers, operators, \
                 Prometheus, in this order): hand over no more",
                sockets.len()
            );
            return Err(Failure::new(Reason::Configuration, text));
        }
        Ok(Self { sockets, next: 0 })
    }

    /// The next one, which must listen where the flag says: so all that was asked of the flag holds for it.
    pub(super) fn take(
        &mut self,
        address: SocketAddr,
        flag: &str,
    ) -> Result<Option<TcpListener>, Failure> {
        self.next += 1;
        let number = self.next;
        let wrong = |what: String| {
            let text = format!("LISTEN_FDS: socket {number}, for {flag}, {what}");
            Err(Failure::new(Reason::Configuration, text))
        };
        let taken = match self.sockets.take_tcp_listener(number - 1) {
            Ok(Some(socket)) => socket,
            Ok(None) => return Ok(None),
            Err(error) => {
                return wrong(format!(
                    "is of no use: {error}: hand over one that listens on TCP"
                ));
            }
        };
        let listening = taken
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(taken))
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        match listening {
            Ok((at, listener)) if is_same(address, at) => {
                info!(%at, flag, "was handed over");
                Ok(Some(listener))
            }
            Ok((at, _)) => wrong(format!(
                "listens on {at}, and {flag} says {address}: let both say the same"
            )),
            Err(error) => wrong(format!(
                "cannot be used: {error}: hand over one that listens on TCP"
            )),
        }
    }

    pub(super) fn take_or_bind(
        &mut self,
        address: SocketAddr,
        flag: &str,
    ) -> Result<TcpListener, Failure> {
        match self.take(address, flag)? {
            Some(listener) => Ok(listener),
            None => bind(address, flag),
        }
    }
}

/// Port 0 is any.
fn is_same(asked: SocketAddr, at: SocketAddr) -> bool {
    asked.ip() == at.ip() && [0, at.port()].contains(&asked.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_taken_where_its_flag_says() {
        for (asked, at, expected) in [
            ("127.0.0.1:7", "127.0.0.1:7", true),
            ("127.0.0.1:0", "127.0.0.1:7", true),
            ("127.0.0.1:8", "127.0.0.1:7", false),
            ("127.0.0.1:7", "0.0.0.0:7", false),
            ("[::1]:0", "127.0.0.1:7", false),
        ] {
            let [asked, other] = [asked, at].map(|text| text.parse().unwrap());
            assert_eq!(is_same(asked, other), expected, "{asked} {at}");
        }
    }
}
