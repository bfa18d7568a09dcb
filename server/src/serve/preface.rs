//! The first bytes of a connection. hyper waits for them for ever; we do not.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::linger::{self, LINGER};

/// What every HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What somebody reads who tries this port with a browser or curl.
const NOT_HERE: &str = "HTTP/1.1 505 HTTP Version Not Supported\r\n\
    connection: close\r\n\
    content-type: text/plain\r\n\
    \r\n\
    This port speaks gRPC: HTTP/2 without TLS.\r\n\
    ";

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// As it should.
    Http2,
    /// With something else, such as HTTP/1 or TLS.
    Other,
    /// With nothing, or with too little in the time that it had.
    Silent,
}

/// Looks at the first bytes and leaves them where they are, so that hyper reads them again and
/// needs no wrapper around the socket. A preface that dribbles in is looked at ever less often.
pub(super) async fn wait(stream: &TcpStream, limit: Duration) -> Opening {
    let look = async {
        let mut pause = Duration::from_millis(1);
        let mut seen = [0; PREFACE.len()];
        loop {
            let count = stream.peek(&mut seen).await?;
            let (seen, expected) = (seen.get(..count), PREFACE.get(..count));
            if count == 0 {
                return Ok(Opening::Silent);
            } else if seen != expected {
                return Ok(Opening::Other);
            } else if count == PREFACE.len() {
                return io::Result::Ok(Opening::Http2);
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    };
    match timeout(limit, look).await {
        Ok(Ok(opening)) => opening,
        Ok(Err(_)) | Err(_) => Opening::Silent,
    }
}

/// Answers what is not HTTP/2, and reads what else comes, so that the answer is not lost to a
/// reset. Whatever speaks no HTTP/1 ignores the text and sees the end.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let farewell = async {
        stream.writable().await?;
        stream.try_write(NOT_HERE.as_bytes())?;
        poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await?;
        linger::until_closed(&stream).await;
        io::Result::Ok(())
    };
    // Whichever way it ends, the connection is over.
    let _ = timeout(LINGER * 2, farewell).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap());
        let (caller, accepted) = tokio::join!(caller, listener.accept());
        (caller.unwrap(), accepted.unwrap().0)
    }

    /// What the server sees of a caller that sends these pieces and then waits.
    async fn opening(pieces: &[&[u8]]) -> Opening {
        let (caller, accepted) = pair().await;
        let seen = wait(&accepted, Duration::from_millis(300));
        let send = async {
            for piece in pieces {
                caller.writable().await.unwrap();
                caller.try_write(piece).unwrap();
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::join!(seen, send).0
    }

    #[tokio::test]
    async fn an_opening_is_known_by_its_bytes() {
        let [first, second] = [PREFACE.get(..10).unwrap(), PREFACE.get(10..).unwrap()];
        for (pieces, expected) in [
            (vec![PREFACE.as_slice()], Opening::Http2),
            (vec![PREFACE.as_slice(), b"and more"], Opening::Http2),
            (vec![first, second], Opening::Http2),
            (vec![first], Opening::Silent),
            (vec![], Opening::Silent),
            (vec![b"GET / HTTP/1.1\r\n\r\n"], Opening::Other),
            (vec![b"\x16\x03\x01"], Opening::Other),
            (vec![first, b"GET"], Opening::Other),
        ] {
            assert_eq!(opening(&pieces).await, expected, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_caller_that_leaves_is_silent_at_once() {
        let (caller, accepted) = pair().await;
        drop(caller);
        let opening = wait(&accepted, Duration::from_secs(3_600)).await;
        assert_eq!(opening, Opening::Silent);
    }
}
